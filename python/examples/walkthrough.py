"""Signals, predictions, training, a live loop and a backtest, in cells of a notebook.

Run it with ``python examples/walkthrough.py [FILE]``; editors show the cells between ``# %%`` lines.
"""

# %% Candles: a file, or any frame with time, open, high, low, close and volume
import sys
from pathlib import Path

import numpy as np
import polars as pl

import windvane

SAMPLE = Path(__file__).parents[2] / "crates/candles/sample/BTCUSDT.csv"
candles = windvane.read(sys.argv[1] if len(sys.argv) > 1 else SAMPLE)
print(candles, *candles.notes, sep="\n")
frame = pl.DataFrame(candles)

# %% Signals of every row, from this row and earlier ones
print(windvane.signals(frame, ["momentum", "rsi(period=21)"]).tail(3))

# %% Predictions of a fitted model, as a frame of the same kind
model = windvane.Model.pretrained()
predictions = model.predict(frame)
print(predictions.tail(3))

# %% Training: the candles before `validate_from` fit the model, the later ones stop the training
split = candles["time"][int(0.8 * len(frame))]
mine = windvane.fit({candles.pair: frame}, model="logistic", validate_from=split, seed=1)
print(mine, mine.record)

# %% A live loop: the same bits, candle by candle
predictor = windvane.Predictor(mine, candles.pair)
predictor.warm_up(frame[:-24])
live = []
for row in frame[-24:].iter_rows(named=True):
    outcome = predictor.update(**row)
    live.append(outcome.prediction.p_up if outcome.prediction else None)
assert live == mine.predict(frame)["p_up"][-24:].to_list()

# %% A backtest: walk-forward, with baselines, intervals and costs; a notebook shows `report` as a page
report = windvane.backtest({candles.pair: frame[:3000]}, models=["v2", "logistic"], folds=2, costs=[5.0])
print(report.verdict)
print(report.to_frame().select("model", "scope", "accuracy", "low", "high", "best_baseline"))


# %% An audit of features of your own for look-ahead
def centred(rows: pl.DataFrame) -> np.ndarray:
    return rows["close"].rolling_mean(5, center=True).to_numpy()


print(windvane.audit(centred, frame[:1000]))
