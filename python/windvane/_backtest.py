"""Backtests and their reports."""

from __future__ import annotations

import html
import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from windvane import _native
from windvane._frames import all_series, check_average_seeds, check_counts, new_like
from windvane._policy import Policy
from windvane._signals import native_spec
from windvane._types import Frame, Progress, SessionClose, Spec

# Columns of `Report.to_frame` that are numbers of a result.
NUMBERS = ("candles", "predictions", "scored", "accuracy", "coverage", "log_loss", "brier", "calibration_error")


class Report:
    """Report of a backtest. A notebook shows it as a page."""

    def __init__(self, native: _native.Report, frame: Frame) -> None:
        self._native = native
        self._frame = frame

    def json(self) -> str:
        """Returns the whole report as JSON, byte for byte that of Rust except for its timing."""
        return self._native.json()

    def to_html(self) -> str:
        """Returns the report as one HTML page with plots, without scripts."""
        return self._native.html()

    def to_markdown(self) -> str:
        """Returns the report as Markdown."""
        return self._native.markdown()

    @property
    def verdict(self) -> str:
        """Conclusions of the report in sentences."""
        return self._native.verdict()

    def to_frame(self) -> Any:
        """Returns a row per model and instrument, and the pooled rows, as a frame of the kind of the candles.

        ``low`` and ``high`` are the 95 % interval of the accuracy, and ``excess_accuracy`` is the difference to the
        best baseline on the same candles. ``net_COST`` is the mean return per candle, a fraction, at a cost in basis
        points. Undefined numbers are null (NaN in pandas and arrays).
        """
        rows = json.loads(self.json())["results"]
        columns: dict[str, list[Any]] = {
            name: [row[name] for row in rows] for name in ("model", "scope", "instrument", "interval")
        }
        for name in NUMBERS:
            columns[name] = [row[name] for row in rows]
        for end in ("low", "high"):
            columns[end] = [(row["interval_95"] or {}).get(end) for row in rows]
        columns["best_baseline"] = [row["best_baseline"] for row in rows]
        columns["excess_accuracy"] = [(row["excess_accuracy"] or {}).get("value") for row in rows]
        costs = json.loads(self.json())["run"]["costs"]
        for place, cost in enumerate(costs):
            columns[f"net_{cost:g}"] = [row["trading"] and row["trading"]["net"][place]["mean"] for row in rows]
        return new_like(self._frame, {name: _array(values) for name, values in columns.items()})

    def _repr_html_(self) -> str:
        page = html.escape(self.to_html(), quote=True)
        return f'<iframe srcdoc="{page}" style="width: 100%; height: 40em; border: 0"></iframe>'

    def __repr__(self) -> str:
        return f"<Report: {self.verdict}>"


def backtest(
    candles: Mapping[str, Frame],
    *,
    models: Sequence[str] = ("v2", "v32"),
    policy: Policy | Sequence[Policy] | None = None,
    costs: Sequence[float] = (2.0, 5.0, 10.0),
    seed: int = 42,
    average_seeds: int | None = None,
    folds: int = 4,
    spec: Spec = "six",
    lookback: int = 20,
    label: str = "next",
    epochs: int | None = None,
    interval: str | None = None,
    session_close: SessionClose | None = None,
    progress: Progress | None = None,
) -> Report:
    """Fits and tests models walk-forward: each is trained before the period that it is tested on.

    Args:
        candles: Candles of each pair. Pairs of one interval are pooled for training.
        models: Names of models, some of :func:`windvane.models`.
        policy: Policies from predictions to positions, with thresholds from the validation candles of each fold; by
            default every candle, and the top 5, 2 and 1 % of the expected moves.
        costs: Trading costs, basis points per unit of turnover.
        seed: Seed of every random draw.
        average_seeds: Number of seeds whose predictions are averaged, as in :func:`windvane.fit`.
        folds: Number of test periods.
        spec: Channels, as in :func:`windvane.signals`. The gap policy of a list is inferred from the candles before
            the first validation.
        lookback: Number of rows per window.
        label: Label to predict, as in :func:`windvane.fit`.
        epochs: Maximum number of epochs; by default that of each model.
        interval: Interval of the rows, if they do not show it.
        session_close: Time from the open of a candle to its close, of all pairs or by pair, for markets whose session
            ends before the interval; by default the interval.
        progress: Called on this thread after every fitted model with the number of fits, of all fits, and a text. An
            exception that it raises, and an interrupt, stop the backtest.
    """
    policies = [policy] if isinstance(policy, Policy) else policy
    check_counts(seed=seed, folds=folds, lookback=lookback, epochs=epochs)
    check_average_seeds(average_seeds)
    report = _native.backtest(
        all_series(candles, interval, session_close=session_close),
        models=list(models),
        policies=None if policies is None else [one._json() for one in policies],
        costs=list(costs),
        seed=seed,
        average_seeds=average_seeds,
        folds=folds,
        spec=native_spec(spec),
        lookback=lookback,
        label=label,
        epochs=epochs,
        progress=progress,
    )
    return Report(report, next(iter(candles.values())))


def _array(values: list[Any]) -> np.ndarray[Any, Any]:
    """Texts as objects, counts as integers, other numbers as floats with NaN for null."""
    if any(isinstance(value, str) for value in values):
        return np.array(values, dtype=object)
    if values and all(isinstance(value, int) for value in values):
        return np.array(values, dtype=np.int64)
    return np.array([np.nan if value is None else value for value in values], dtype=np.float64)
