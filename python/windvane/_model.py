"""Fitted models."""

from __future__ import annotations

import json
from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from windvane import _native
from windvane._frames import all_series, like, series
from windvane._types import Frame, SessionClose

# The last entry is that of rows without a prediction, -1.
DIRECTIONS = np.array(["UP", "DOWN", "NEUTRAL", None], dtype=object)


class Model:
    """A fitted model: loaded from a file, fitted by :func:`windvane.fit`, or pretrained."""

    def __init__(self, native: _native.Model) -> None:
        self._native = native

    @classmethod
    def load(cls, path: str | PathLike[str]) -> Model:
        """Loads a saved model of any kind, ensembles included."""
        return cls(_native.Model.load(Path(path)))

    @classmethod
    def pretrained(cls) -> Model:
        """Returns the v3.2 model that is part of the package, fitted on hourly BTCUSDT candles."""
        return cls(_native.Model.pretrained())

    def save(self, path: str | PathLike[str]) -> None:
        """Writes the model with its policy to one safetensors file, by an atomic replacement.

        Rust programs load it too. A training profile is a file of its own: ``model.profile.save(path)``.
        """
        self._native.save(Path(path))

    def to_onnx(self) -> bytes:
        """Returns the model as an ONNX file: raw channel values of a window in, calibrated probabilities out.

        The graph reads the columns of :func:`windvane.signals` for the model's ``spec``, in f64, and returns
        ``probabilities`` (UP, DOWN, NEUTRAL). A stateful network reads one ``row`` and its state ``h`` and ``c``;
        an ensemble with stateful members reads the ``window`` and their states ``h_0``, ``c_0``, ``h_1`` and so on. An
        ensemble with a second model or with weights that follow the outcomes raises :class:`windvane.Error`.
        """
        return self._native.to_onnx()

    @classmethod
    def _from_bytes(cls, saved: bytes) -> Model:
        return cls(_native.Model.from_bytes(saved))

    def __reduce__(self) -> tuple[Any, tuple[bytes]]:
        """Pickles the bytes of the saved model, for other processes."""
        return Model._from_bytes, (self._native.to_bytes(),)

    @property
    def id(self) -> str:
        """Name of the model."""
        return self._native.id

    @property
    def interval(self) -> str:
        """Interval of the candles that the model reads."""
        return self._native.interval

    @property
    def spec(self) -> dict[str, Any]:
        """Channels, interval, lookback and labels."""
        spec: dict[str, Any] = json.loads(self._native.spec_json())
        return spec

    @property
    def record(self) -> dict[str, Any] | None:
        """Training record: data, seed, losses, accuracy on held-out candles; ``None`` if it is unknown."""
        record = self._native.record_json()
        return None if record is None else json.loads(record)

    @property
    def policy(self) -> dict[str, Any] | None:
        """Settings and thresholds of the policy; ``None`` if the model was fitted without one."""
        policy = self._native.policy_json()
        return None if policy is None else json.loads(policy)

    @property
    def profile(self) -> _native.Profile | None:
        """Training profile for a guard, of a model that was fitted with ``profile=True``; a saved file has none."""
        return self._native.profile

    def predict(
        self,
        candles: Frame,
        *,
        pair: str | None = None,
        interval: str | None = None,
        others: Mapping[str, Frame] | None = None,
        session_close: SessionClose | None = None,
    ) -> Any:
        """Predicts the direction after every row, with the bits of a live :class:`Predictor`.

        Returns a frame of the kind of ``candles`` with the same rows and the columns ``direction``, ``p_up``,
        ``p_down``, ``p_neutral`` and ``confidence`` (probability of the direction; float32). They are null (NaN
        in pandas and arrays) during the warm-up and where a channel is undefined. A prediction is known at the
        close of its row, one interval after ``time``.

        Args:
            candles: Candles of one pair.
            pair: Name of the pair; only channels that read a market need it.
            interval: Interval of the rows; by default that of the model, if the rows do not contradict it.
            others: Candles of the other pairs that channels read.
            session_close: Time from the open of a candle to its close, of all pairs or by pair, for markets whose
                session ends before the interval; by default the interval.
        """
        own = series(candles, pair, interval, feed=self.interval, session_close=session_close)
        rest = all_series(others or {}, feed=self.interval, session_close=session_close)
        direction, up, down, neutral, confidence = self._native.predict(own, rest)
        columns = {
            "direction": DIRECTIONS[direction],
            "p_up": up,
            "p_down": down,
            "p_neutral": neutral,
            "confidence": confidence,
        }
        return like(candles, columns)

    def __repr__(self) -> str:
        return f"<Model: {self.id}, {self.interval}>"
