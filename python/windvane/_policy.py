"""Policies: rules from predictions to positions."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Literal

from windvane import _native
from windvane._frames import series
from windvane._model import Model
from windvane._times import milliseconds
from windvane._types import CandleTuple, Frame


@dataclass(frozen=True)
class Policy:
    """Settings of a policy; its thresholds are fitted on the validation candles of a model.

    The score of a prediction is (p(UP) - p(DOWN)) times the volatility of the closes. A position is entered above the
    threshold that ``share`` of the validation scores exceed.
    """

    share: float = 0.05
    """Share of the validation candles above the entry threshold, above 0 and at most 1; 1 trades every candle."""
    exit: float = 0.0
    """Score at which a position is left, as a multiple of the entry threshold: -1 to below 1."""
    max_holding: int | None = None
    """Maximum holding time in candles."""
    long_only: bool = False
    """Whether only long positions are entered."""
    size: Literal["full", "proportional"] = "full"
    """Size of a position: 1, or proportional to the score at the entry."""

    def _json(self) -> str:
        return json.dumps(asdict(self))


class PositionTracker:
    """Position of one live pair under the policy of a model, with the bits of a backtest over the same candles."""

    def __init__(self, model: Model) -> None:
        """Creates a tracker without a position, for a model that was fitted with a policy."""
        self._native = _native.PositionTracker(model._native)

    @classmethod
    def from_json(cls, text: str) -> PositionTracker:
        """Restores a tracker from the text of :meth:`to_json`."""
        tracker = cls.__new__(cls)
        tracker._native = _native.PositionTracker.from_json(text)
        return tracker

    def to_json(self) -> str:
        """Returns the state as JSON, for a restart."""
        return self._native.to_json()

    def warm_up(self, candles: Frame) -> None:
        """Takes the candles that the predictor takes in its warm-up."""
        self._native.warm_up(series(candles))

    def on_outcome(self, candle: CandleTuple, outcome: _native.Outcome) -> float:
        """Takes a candle with the outcome of its predictor; returns the position over the next candle, -1 to 1.

        A candle that the predictor ignored changes nothing. A candle without a prediction leaves the position.
        """
        return self._native.update((milliseconds(candle[0]), *candle[1:]), outcome)

    @property
    def position(self) -> float:
        """Position over the next candle as a share of the capital, negative for a short one."""
        return self._native.position
