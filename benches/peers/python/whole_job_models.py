"""The eight models of `whole_job.py`; each returns logits of the validation and test windows."""

import copy
import math

import lightgbm
import numpy as np
import torch
from lightgbm_settings import SETTINGS
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from torch import nn
from torch.nn import functional
from whole_job_data import LOOKBACK, NEUTRAL, UP, choosing_part, flat, with_neutral

BATCH = 128
PREDICTED_AT_ONCE = 4096


class Recurrent(nn.Module):
    """LSTM or GRU, the last state or an attention over all states, dense layers."""

    def __init__(self, kind, units, bidirectional=False, attention=0, dense=(), dropout=0.0):
        super().__init__()
        self.encoder = kind(6, units, batch_first=True, bidirectional=bidirectional)
        width = units * (2 if bidirectional else 1)
        self.attention = None
        if attention:
            self.attention = nn.Sequential(nn.Linear(width, attention), nn.Tanh(), nn.Linear(attention, 1, bias=False))
        self.head = dense_layers(width, dense, dropout)
        self.units = units
        start(self)

    def forward(self, x):
        states, last = self.encoder(x)
        if self.attention is not None:
            weights = self.attention(states).softmax(dim=1)
            return self.head((weights * states).sum(dim=1))
        hidden = last[0] if isinstance(last, tuple) else last
        return self.head(hidden.transpose(0, 1).flatten(1))


class Perceptron(nn.Module):
    """Dense layers on the newest row."""

    def __init__(self, dense, dropout):
        super().__init__()
        self.head = dense_layers(6, dense, dropout)
        start(self)

    def forward(self, x):
        return self.head(x[:, -1])


def dense_layers(width, dense, dropout):
    layers = []
    for units in dense:
        layers += [nn.Linear(width, units), nn.ReLU(), nn.Dropout(dropout)]
        width = units
    return nn.Sequential(*layers, nn.Linear(width, 3))


def start(model):
    """Xavier for every gate and layer, biases 0, and 1 for the forget gate of an LSTM."""
    for name, parameter in model.named_parameters():
        if "bias" in name:
            nn.init.zeros_(parameter)
        elif "encoder.weight" in name:
            for gate in parameter.data.split(model.units):
                nn.init.xavier_uniform_(gate)
        else:
            nn.init.xavier_uniform_(parameter)
        if isinstance(getattr(model, "encoder", None), nn.LSTM) and "encoder.bias" in name:
            if "bias_ih" in name:
                nn.init.ones_(parameter.data[model.units : 2 * model.units])
            else:
                # One bias per gate: a second one doubles the step of their sum.
                parameter.requires_grad_(False)


# Network, learning rate, weight decay, epochs, patience.
NETWORKS = {
    "v32": (lambda: Recurrent(nn.LSTM, 32), 8e-3, 0.3, 12, 6),
    "v3": (lambda: Recurrent(nn.LSTM, 64, bidirectional=True), 8e-3, 0.3, 12, 6),
    "v31": (
        lambda: Recurrent(nn.LSTM, 64, bidirectional=True, attention=64, dense=(64, 32), dropout=0.3),
        3e-3,
        0.1,
        16,
        8,
    ),
    "gru": (lambda: Recurrent(nn.GRU, 32), 8e-3, 0.3, 12, 6),
    "mlp": (lambda: Perceptron((64, 32), 0.1), 2e-3, 0.3, 12, 6),
}


def learning_rate(full, time, length):
    """Linear warm-up over one epoch, then a cosine down to 2 % at the end."""
    if time < 1:
        return full * time
    return full * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * (time - 1) / (length - 1))))


def tensors(table, windows):
    """Windows `[N, 20, 6]` and labels."""
    x = flat(table, windows).reshape(-1, LOOKBACK, 6)
    return torch.from_numpy(x), torch.from_numpy(windows.labels)


def network_logits(model, x):
    model.eval()
    with torch.inference_mode():
        return torch.cat([model(part) for part in x.split(PREDICTED_AT_ONCE)])


def train_epoch(model, optimizer, x, y, epoch, full_rate, length):
    model.train()
    order = torch.randperm(len(x))
    batches = order.split(BATCH)
    for number, batch in enumerate(batches):
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(full_rate, epoch + (number + 0.5) / len(batches), length)
        optimizer.zero_grad()
        loss = functional.cross_entropy(model(x[batch]), y[batch])
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()


def network(name, scaled, parts, epochs):
    """Trains a network, keeps the best epoch, and returns logits and the number of epochs run.

    With `epochs` it runs that many; otherwise it stops early.
    """
    build, rate, decay, length, patience = NETWORKS[name]
    train, validation, test = parts
    choose = choosing_part(validation)
    choose = choose.part(choose.labels != NEUTRAL)
    (x, y), (choose_x, choose_y) = tensors(scaled, train), tensors(scaled, choose)
    torch.manual_seed(42)
    model = build()
    with torch.no_grad():
        priors = torch.bincount(y, minlength=3) + 1
        model.head[-1].bias.copy_((priors / priors.sum()).log())
    weights = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(weights, lr=rate, weight_decay=decay, fused=True)
    best, best_epoch, kept, ran = math.inf, 0, None, 0
    for epoch in range(epochs or length):
        train_epoch(model, optimizer, x, y, epoch, rate, length)
        ran = epoch + 1
        loss = functional.cross_entropy(network_logits(model, choose_x), choose_y).item()
        if loss < best:
            best, best_epoch, kept = loss, ran, copy.deepcopy(model.state_dict())
        if not epochs and ran - best_epoch >= patience:
            break
    model.load_state_dict(kept)
    del x, y
    logits = [network_logits(model, tensors(scaled, part)[0]).double().numpy() for part in (validation, test)]
    return logits, ran


def neutral_share(train):
    return ((train.labels == NEUTRAL).sum() + 0.5) / (len(train.labels) + 1)


def directed(windows):
    return windows.part(windows.labels != NEUTRAL)


def learned_weights(scaled, parts):
    """v2-learned: logistic regression without intercept on the squashed signals of the last row."""
    train, validation, test = parts
    used = directed(train)
    model = LogisticRegression(C=1.0, fit_intercept=False, solver="newton-cholesky")
    model.fit(np.tanh(scaled[used.last] / 2), used.labels == UP)
    share = neutral_share(train)
    odds = [np.tanh(scaled[part.last] / 2) for part in (validation, test)]
    return [with_neutral(model.predict_proba(x)[:, 1].astype(float), share) for x in odds], 0


def logistic(scaled, parts):
    """Logistic regression on whole windows, with the best of five penalties."""
    train, validation, test = parts
    used, choose = directed(train), directed(choosing_part(validation))
    x, up = flat(scaled, used), used.labels == UP
    choose_x, best, model = flat(scaled, choose), math.inf, None
    for penalty in [10.0, 1.0, 0.1, 0.01, 0.001]:
        candidate = LogisticRegression(C=4 / (penalty * len(x)), solver="newton-cholesky").fit(x, up)
        loss = log_loss(choose.labels == UP, candidate.predict_proba(choose_x)[:, 1])
        if loss < best:
            best, model = loss, candidate
    share = neutral_share(train)
    windows = [flat(scaled, part) for part in (validation, test)]
    return [with_neutral(model.predict_proba(x)[:, 1].astype(float), share) for x in windows], 0


def trees(table, parts, rounds, threads):
    """Boosted trees on raw values of whole windows."""
    train, validation, test = parts
    used, choose = directed(train), directed(choosing_part(validation))
    settings = SETTINGS | {"num_threads": threads}
    table = table.astype(np.float32)
    data = lightgbm.Dataset(flat(table, used), used.labels == UP, params=settings)
    chosen = data.create_valid(flat(table, choose), choose.labels == UP)
    stopping = lightgbm.early_stopping(rounds or 50, verbose=False)
    model = lightgbm.train(settings, data, rounds or 400, valid_sets=[chosen], callbacks=[stopping])
    share = neutral_share(train)
    windows = [flat(table, part) for part in (validation, test)]
    return [with_neutral(model.predict(x), share) for x in windows], model.current_iteration()
