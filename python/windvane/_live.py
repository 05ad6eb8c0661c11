"""Predictors for live loops."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from os import PathLike
from pathlib import Path

from windvane import _native
from windvane._frames import all_series, series
from windvane._model import Model
from windvane._times import milliseconds, session_millis
from windvane._types import CandleTuple, Frame, SessionClose, Time


class Predictor:
    """Predictor for a live loop: takes closed candles one by one and predicts after each.

    The predictions have the bits of :meth:`Model.predict`. One thread at a time may use a predictor.
    """

    def __init__(
        self,
        model: Model,
        pair: str,
        *,
        stop_at_gaps: bool = False,
        session_close: timedelta | None = None,
        guard: _native.Profile | None = None,
    ) -> None:
        """Creates a predictor of a pair.

        Args:
            model: Fitted model.
            pair: Name of the pair.
            stop_at_gaps: Whether a candle after missing ones is an error, and the predictor continues after the
                missing candles. Otherwise its warm-up restarts as the gap policy of the model states.
            session_close: Time from the open of a candle to its close, for a market whose session ends before the
                interval.
            guard: Training profile. Predictions at anomalous candles, in novel windows and after drift are then
                NEUTRAL, with the reason in ``Prediction.neutral_reason``.
        """
        self._session_close = session_close
        close = session_millis(session_close, pair)
        self._native = _native.Predictor(model._native, pair, stop_at_gaps, close, guard)

    def update(
        self,
        time: Time,
        open: float,
        high: float,
        low: float,
        close: float,
        volume: float,
        *,
        others: Mapping[str, CandleTuple] | None = None,
    ) -> _native.Outcome:
        """Takes a closed candle. The outcome has the prediction, or is a text with the reason for none.

        A duplicate, revised or late candle is ignored and no error. ``others`` has the candles of the same time of
        the pairs that channels read.
        """
        values = (milliseconds(time), open, high, low, close, volume)
        rest = [(pair, (milliseconds(of[0]), *of[1:])) for pair, of in (others or {}).items()]
        return self._native.update(values, rest)

    def warm_up(self, candles: Frame) -> None:
        """Takes historical closed candles without predicting; those up to ``last_time`` are skipped."""
        pair = getattr(candles, "pair", self.pair)
        history = series(candles, pair, feed=self._native.interval, session_close=self._session_close)
        self._native.warm_up(history)

    def save_state(self, path: str | PathLike[str]) -> None:
        """Writes the state to a file, by an atomic replacement."""
        self._native.save_state(Path(path))

    def load_state(self, path: str | PathLike[str]) -> None:
        """Restores a saved state of the same pair and the same model spec; the next predictions are the same."""
        self._native.load_state(Path(path))

    @property
    def pair(self) -> str:
        """Name of the pair."""
        return self._native.pair

    @property
    def candles_needed(self) -> int:
        """Number of candles until the first prediction; 0 after the warm-up."""
        return self._native.candles_needed

    @property
    def last_time(self) -> datetime | None:
        """Open time of the last accepted candle, UTC."""
        return self._native.last_time

    @property
    def stats(self) -> dict[str, int]:
        """Counts of accepted, rejected and missing candles."""
        stats: dict[str, int] = json.loads(self._native.stats_json())
        return stats


class PanelPredictor:
    """Predictor of many pairs that are predicted together, such as all pairs of an exchange.

    Candles of one close may arrive in any order. A close is decided when all its candles have arrived, or by the
    clock of :meth:`set_time`. The predictions have the bits of :meth:`Model.predict`.
    """

    def __init__(self, model: Model, pairs: Sequence[str], *, session_close: SessionClose | None = None) -> None:
        """Creates a predictor of the pairs; ``session_close`` as in :meth:`Model.predict`."""
        self._session_close = session_close
        closes = [(pair, session_millis(session_close, pair)) for pair in pairs]
        self._native = _native.PanelPredictor(model._native, closes)

    def update(
        self, pair: str, time: Time, open: float, high: float, low: float, close: float, volume: float
    ) -> list[tuple[str, _native.Prediction]]:
        """Takes a closed candle of a pair and returns the predictions that became possible."""
        return self._native.update(pair, (milliseconds(time), open, high, low, close, volume))

    def set_time(self, now: Time) -> list[tuple[str, _native.Prediction]]:
        """Moves the clock and returns the predictions of the closes whose wait for missing candles is over."""
        return self._native.set_time(milliseconds(now))

    def warm_up(self, candles: Mapping[str, Frame]) -> None:
        """Takes historical closed candles of the pairs without predicting."""
        self._native.warm_up(all_series(candles, feed=self._native.interval, session_close=self._session_close))

    def save_state(self, path: str | PathLike[str]) -> None:
        """Writes the state of all pairs to a file, by an atomic replacement."""
        self._native.save_state(Path(path))

    def load_state(self, path: str | PathLike[str]) -> None:
        """Restores a saved state of the same pairs and the same model spec."""
        self._native.load_state(Path(path))

    @property
    def pairs(self) -> list[str]:
        """Names of the pairs."""
        return self._native.pairs

    @property
    def waiting_for(self) -> list[str]:
        """Pairs whose candles the next close waits for."""
        return self._native.waiting_for

    @property
    def last_time(self) -> datetime | None:
        """Open time of the last decided close, UTC."""
        return self._native.last_time
