"""Types of the public functions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any, TypeAlias

# A data frame of pandas, polars or pyarrow, or a dict of arrays. These packages are no dependencies.
Frame: TypeAlias = Any
# Milliseconds since 1970, an aware or naive (UTC) datetime, `numpy.datetime64`, or ISO text.
Time: TypeAlias = Any
# Open time, open, high, low, close, volume.
CandleTuple: TypeAlias = tuple[Time, float, float, float, float, float]
# Name of a set ("six", "price-action"), channels such as "rsi(period=21)", or `Model.spec`.
Spec: TypeAlias = str | Sequence[str] | Mapping[str, Any]
# Time from the open of a candle to its close, of all pairs or by pair.
SessionClose: TypeAlias = timedelta | Mapping[str, timedelta]
# Called with the steps done, all steps, and a text.
Progress: TypeAlias = Callable[[int, int, str], object]

__all__ = ["CandleTuple", "Frame", "Progress", "SessionClose", "Spec", "Time"]
