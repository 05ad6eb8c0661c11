"""Predicts the direction of the next candle of a trading pair: UP, DOWN or NEUTRAL, with a probability.

Data frames of pandas, polars and pyarrow, and dicts of arrays, have the columns ``time`` (open of the candle,
UTC), ``open``, ``high``, ``low``, ``close`` and ``volume``. Results have the kind of the input.

>>> import windvane
>>> candles = windvane.read("BTCUSDT.csv")  # doctest: +SKIP
>>> predictions = windvane.Model.pretrained().predict(candles)  # doctest: +SKIP
"""

from windvane._audit import Finding, Findings, audit
from windvane._backtest import Report, backtest
from windvane._fit import fit, models
from windvane._frames import Candles
from windvane._live import PanelPredictor, Predictor
from windvane._model import Model
from windvane._native import Error, Outcome, Prediction, Profile, __version__
from windvane._policy import Policy, PositionTracker
from windvane._read import read
from windvane._signals import signals
from windvane._sweep import sweep

__all__ = [
    "Candles",
    "Error",
    "Finding",
    "Findings",
    "Model",
    "Outcome",
    "PanelPredictor",
    "Policy",
    "PositionTracker",
    "Prediction",
    "Predictor",
    "Profile",
    "Report",
    "__version__",
    "audit",
    "backtest",
    "fit",
    "models",
    "read",
    "signals",
    "sweep",
]
