"""Candles, six signals, windows, split, scaler, calibration and scores of `whole_job.py`."""

import pathlib
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.optimize import minimize
from scipy.special import log_softmax

HOUR = pd.Timedelta(hours=1)
LOOKBACK = 20
UP, DOWN, NEUTRAL = 0, 1, 2
SIGNALS = ["momentum", "trend", "rsi", "macd", "volatility", "volume_change"]


def read_candles(folder):
    """Reads the hourly candles of every pair, sorted by name, indexed by the time of the open."""
    pairs = {}
    for file in sorted(pathlib.Path(folder).glob("*.csv")):
        candles = pd.read_csv(file)
        candles.index = pd.to_datetime(candles.pop("open_time"), unit="ms")
        pairs[file.stem] = candles
    return pairs


def seeded_average(values, first, seeds, alpha):
    """Exponential average whose value at `first` is the mean of the `seeds` values up to it."""
    seeded = values.copy()
    seeded.iloc[:first] = np.nan
    seeded.iloc[first] = values.iloc[first + 1 - seeds : first + 1].mean()
    return seeded.ewm(alpha=alpha, adjust=False).mean()


def six_signals(candles):
    """Six signals of candles without a gap; rows before candle 25 are incomplete."""
    close, volume = candles["close"], candles["volume"]
    if len(candles) < 26:
        return pd.DataFrame(np.nan, index=candles.index, columns=SIGNALS)
    change = close.diff()
    gain = seeded_average(change.clip(lower=0), 14, 14, 1 / 14)
    loss = seeded_average(-change.clip(upper=0), 14, 14, 1 / 14)
    fast = seeded_average(close, 25, 12, 2 / 13)
    slow = seeded_average(close, 25, 26, 2 / 27)
    both = gain + loss
    volume_change = volume.pct_change().where(volume.shift() != 0, 0.0)
    volume_change.iloc[0] = np.nan
    return pd.DataFrame(
        {
            "momentum": close.pct_change(),
            "trend": close.pct_change(20),
            "rsi": (100 * gain / both).where(both != 0, 50.0).where(both.notna()),
            "macd": (fast - slow) / close,
            "volatility": (candles["high"] - candles["low"]) / close,
            "volume_change": volume_change,
        }
    )


def signals_of_pair(candles):
    """Signals of a pair; every gap restarts them. Adds the run of candles and the next change."""
    run = (candles.index.to_series().diff() != HOUR).cumsum()
    parts = [six_signals(part) for _, part in candles.groupby(run)]
    rows = pd.concat(parts)
    rows["run"] = run
    rows["change"] = candles["close"].groupby(run).pct_change().groupby(run).shift(-1)
    return rows


@dataclass
class Windows:
    """Windows by their last rows in one table of all pairs, in order of time."""

    last: np.ndarray
    labels: np.ndarray
    changes: np.ndarray
    decided: np.ndarray

    def part(self, chosen):
        return Windows(self.last[chosen], self.labels[chosen], self.changes[chosen], self.decided[chosen])


def collect(pairs):
    """Puts the rows of all pairs into one table `[rows, 6]` and finds the windows of complete rows."""
    values, last, changes, decided = [], [], [], []
    offset = 0
    for rows in pairs.values():
        complete = rows[SIGNALS].notna().all(axis=1)
        in_window = complete.groupby(rows["run"]).rolling(LOOKBACK).sum().to_numpy() == LOOKBACK
        ends = np.flatnonzero(in_window & rows["change"].notna().to_numpy())
        values.append(rows[SIGNALS].to_numpy())
        last.append(ends + offset)
        changes.append(rows["change"].to_numpy()[ends])
        decided.append((rows.index[ends] + HOUR).to_numpy())
        offset += len(rows)
    last, changes, decided = (np.concatenate(part) for part in (last, changes, decided))
    order = np.argsort(decided, kind="stable")
    labels = np.where(changes > 0, UP, np.where(changes < 0, DOWN, NEUTRAL))
    table = np.concatenate(values)
    times = np.concatenate([(rows.index + HOUR).to_numpy() for rows in pairs.values()])
    return table, times, Windows(last, labels, changes, decided).part(order)


def split(windows, test_from):
    """Training, validation (six months) and test; an outcome may not reach the next period."""
    test_from = pd.Timestamp(test_from)
    validate_from = test_from - pd.DateOffset(months=6)
    decided = pd.DatetimeIndex(windows.decided)
    # The outcome is known one hour later; another hour is left out between the periods.
    train = windows.part(decided <= validate_from - 2 * HOUR)
    validation = windows.part((decided >= validate_from) & (decided <= test_from - 2 * HOUR))
    return train, validation, windows.part(decided >= test_from)


def choosing_part(validation):
    """First two thirds of the validation, for early stopping."""
    cut = validation.decided[int(len(validation.decided) * (1 - 1 / 3))]
    return validation.part(validation.decided + np.timedelta64(1, "h") <= cut)


def scale(table, times, until):
    """Scales by median and interquartile range of the complete rows of the training period."""
    training = table[(times <= until) & ~np.isnan(table).any(axis=1)]
    low, centre, high = np.quantile(training, [0.25, 0.5, 0.75], axis=0)
    scaled = np.clip((table - centre) / ((high - low) / 1.349), -5, 5)
    return np.nan_to_num(scaled).astype(np.float32)


def flat(table, windows):
    """Values of whole windows, `[windows, 120]`."""
    rows = windows.last[:, None] + np.arange(1 - LOOKBACK, 1)
    return table[rows].reshape(len(rows), -1)


def with_neutral(up, share):
    """Logits of three classes from P(UP | UP or DOWN) and the share of NEUTRAL."""
    neutral = np.full_like(up, np.log(share))
    return np.stack([np.log(up * (1 - share)), np.log((1 - up) * (1 - share)), neutral], axis=1)


def calibrated(logits, temperature, exponent):
    """Divides the logits by the temperature and raises their difference (see docs/training.md)."""
    up, down, neutral = (logits / temperature).T
    odds, middle = up - down, (up + down) / 2
    raised = odds * (np.maximum(np.abs(odds), 1e-12) / np.log(1.5)) ** (exponent - 1)
    return np.stack([middle + raised / 2, middle - raised / 2, neutral], axis=1)


def fit_calibration(logits, labels):
    """Temperature and exponent of the lowest penalised log loss."""

    def cost(parameters):
        log_t, log_b = parameters
        raised = calibrated(logits, np.exp(log_t), np.exp(log_b))
        losses = -log_softmax(raised, axis=1)[np.arange(len(labels)), labels]
        return losses.sum() + (log_t / 0.15) ** 2 / 2 + (log_b / 0.5) ** 2 / 2

    return np.exp(minimize(cost, [0.0, 0.0], method="L-BFGS-B", bounds=[(-2.3, 2.3), (-1.6, 1.6)]).x)


def margins(logits, calibration):
    """P(UP) − P(DOWN) after calibration."""
    probabilities = np.exp(log_softmax(calibrated(logits, *calibration), axis=1))
    return probabilities[:, UP] - probabilities[:, DOWN]


def score(validation_margins, test_margins, test):
    """Accuracy on all test candles, and on the tenth whose margin is largest by the validation's."""
    changed = test.changes != 0
    correct = (test_margins > 0) == (test.changes > 0)
    confident = np.abs(test_margins) >= np.quantile(np.abs(validation_margins), 0.9)
    return correct[changed].mean(), correct[changed & confident].mean()
