from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from os import PathLike
from typing import Any, final

import numpy as np
import numpy.typing as npt

__all__ = [
    "Error",
    "Model",
    "Outcome",
    "PanelPredictor",
    "PositionTracker",
    "Prediction",
    "Predictor",
    "Profile",
    "Report",
    "Series",
    "__version__",
    "audit",
    "backtest",
    "fit",
    "models",
    "parse_time",
    "read",
    "signals",
]

__version__: str

_Column = npt.NDArray[np.float64]
_Columns = tuple[npt.NDArray[np.int64], _Column, _Column, _Column, _Column, _Column]
_Probability = npt.NDArray[np.float32]
_Values = tuple[int, float, float, float, float, float]
_Progress = Callable[[int, int, str], object]

class Error(ValueError): ...

@final
class Series:
    def __new__(
        cls,
        pair: str,
        interval: str | None,
        time: npt.NDArray[np.int64],
        open: _Column,
        high: _Column,
        low: _Column,
        close: _Column,
        volume: _Column,
    ) -> Series: ...
    @property
    def pair(self) -> str: ...
    @property
    def interval(self) -> str: ...
    def __len__(self) -> int: ...
    def columns(self) -> _Columns: ...
    def with_session_close(self, close: int) -> Series: ...
    def shortest_step(self) -> int | None: ...

@final
class Model:
    @staticmethod
    def load(path: str | PathLike[str]) -> Model: ...
    @staticmethod
    def from_bytes(bytes: bytes) -> Model: ...
    def to_bytes(self) -> bytes: ...
    def to_onnx(self) -> bytes: ...
    @staticmethod
    def pretrained() -> Model: ...
    def save(self, path: str | PathLike[str]) -> None: ...
    @property
    def id(self) -> str: ...
    @property
    def interval(self) -> str: ...
    def spec_json(self) -> str: ...
    def record_json(self) -> str | None: ...
    def policy_json(self) -> str | None: ...
    @property
    def profile(self) -> Profile | None: ...
    def predict(
        self, series: Series, others: Sequence[Series]
    ) -> tuple[npt.NDArray[np.int8], _Probability, _Probability, _Probability, _Probability]: ...

@final
class Prediction:
    """Predicted direction of the close, with its probability."""

    @property
    def direction(self) -> str:
        """``UP``, ``DOWN`` or ``NEUTRAL``."""
    @property
    def confidence(self) -> float:
        """Probability of the direction."""
    @property
    def p_up(self) -> float: ...
    @property
    def p_down(self) -> float: ...
    @property
    def p_neutral(self) -> float: ...
    @property
    def decided_at(self) -> datetime:
        """Close time of the last candle, UTC."""
    @property
    def horizon(self) -> int:
        """Horizon in candles."""
    @property
    def model(self) -> str:
        """Name of the model."""
    @property
    def neutral_reason(self) -> str | None:
        """Reason for NEUTRAL; ``None`` for UP and DOWN."""
    @property
    def agreement(self) -> float | None:
        """Agreement of an ensemble, 0 to 1."""

@final
class Outcome:
    """Outcome of a candle that a predictor received; ``str`` gives a line for a log."""

    @property
    def kind(self) -> str:
        """``prediction``, ``warming_up``, ``short_sessions``, ``undefined``, ``duplicate``, ``revised`` or ``late``."""
    @property
    def accepted(self) -> bool:
        """Whether the candle belongs to the state from now on."""
    @property
    def prediction(self) -> Prediction | None: ...

@final
class Predictor:
    def __new__(
        cls, model: Model, pair: str, stop_at_gaps: bool, session_close: int | None, guard: Profile | None
    ) -> Predictor: ...
    def update(self, values: _Values, others: Sequence[tuple[str, _Values]]) -> Outcome: ...
    def warm_up(self, series: Series) -> None: ...
    def save_state(self, path: str | PathLike[str]) -> None: ...
    def load_state(self, path: str | PathLike[str]) -> None: ...
    @property
    def pair(self) -> str: ...
    @property
    def interval(self) -> str: ...
    @property
    def candles_needed(self) -> int: ...
    @property
    def last_time(self) -> datetime | None: ...
    def stats_json(self) -> str: ...

@final
class PanelPredictor:
    def __new__(cls, model: Model, pairs: Sequence[tuple[str, int | None]]) -> PanelPredictor: ...
    def update(self, pair: str, values: _Values) -> list[tuple[str, Prediction]]: ...
    def set_time(self, now: int) -> list[tuple[str, Prediction]]: ...
    def warm_up(self, series: Sequence[Series]) -> None: ...
    def save_state(self, path: str | PathLike[str]) -> None: ...
    def load_state(self, path: str | PathLike[str]) -> None: ...
    @property
    def pairs(self) -> list[str]: ...
    @property
    def interval(self) -> str: ...
    @property
    def waiting_for(self) -> list[str]: ...
    @property
    def last_time(self) -> datetime | None: ...

@final
class PositionTracker:
    def __new__(cls, model: Model) -> PositionTracker: ...
    @staticmethod
    def from_json(json: str) -> PositionTracker: ...
    def to_json(self) -> str: ...
    def warm_up(self, series: Series) -> None: ...
    def update(self, values: _Values, outcome: Outcome) -> float: ...
    @property
    def position(self) -> float: ...

@final
class Profile:
    """Training profile of a model, the guard of a predictor."""

    @staticmethod
    def load(path: str | PathLike[str]) -> Profile:
        """Reads a profile from a file, also that of ``windvane fit``."""
    def save(self, path: str | PathLike[str]) -> None:
        """Writes the profile to a file, by an atomic replacement."""
    @property
    def window_len(self) -> int:
        """Number of decisions over which drift is measured."""
    @property
    def has_anomaly_gate(self) -> bool:
        """Whether the guard also detects anomalous candles."""

@final
class Report:
    def json(self) -> str: ...
    def html(self) -> str: ...
    def markdown(self) -> str: ...
    def verdict(self) -> str: ...

def parse_time(text: str) -> int: ...
def models() -> dict[str, str]: ...
def read(
    path: str | PathLike[str],
    pair: str,
    *,
    interval: str | None = None,
    columns: str | None = None,
    time: str | None = None,
    zone: str | None = None,
    decimal: str | None = None,
    day_first: bool | None = None,
    encoding: str | None = None,
    select: Mapping[str, str] | None = None,
) -> tuple[Series, str, list[tuple[str, bool]]]: ...
def signals(
    series: Series, spec: str | Sequence[str], others: Sequence[Series]
) -> tuple[list[str], npt.NDArray[np.float64]]: ...
def fit(
    series: Sequence[Series],
    *,
    model: str,
    validate_from: int | None,
    seed: int,
    average_seeds: int | None,
    spec: str | Sequence[str],
    lookback: int,
    label: str,
    epochs: int | None,
    policy: str | None,
    profile: bool,
    progress: _Progress | None,
) -> Model: ...
def backtest(
    series: Sequence[Series],
    *,
    models: Sequence[str],
    policies: Sequence[str] | None,
    costs: Sequence[float],
    seed: int,
    average_seeds: int | None,
    folds: int,
    spec: str | Sequence[str],
    lookback: int,
    label: str,
    epochs: int | None,
    progress: _Progress | None,
) -> Report: ...
def audit(function: Callable[..., Any], series: Series, seed: int) -> tuple[list[tuple[str, str, str]], str]: ...
