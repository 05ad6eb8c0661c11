"""Times in milliseconds since 1970-01-01 00:00 UTC."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from typing import Any, SupportsInt

import numpy as np
import numpy.typing as npt

from windvane import _native
from windvane._types import SessionClose, Time

# Integers in this range are milliseconds: 1973 to 5138. Seconds of these years are below it, and microseconds
# and nanoseconds are above it.
LOWEST, HIGHEST = 10**11, 10**14
EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


def milliseconds(time: Time) -> int:
    """Converts a time. A datetime and a text without a zone are UTC; an integer is in milliseconds."""
    if isinstance(time, str):
        return _native.parse_time(time)
    if isinstance(time, np.datetime64):
        if np.isnat(time):
            raise _native.Error("time: NaT is no time")
        return int(time.astype("datetime64[ms]").astype(np.int64))
    if isinstance(time, datetime):
        if time != time:  # NaT of pandas
            raise _native.Error("time: NaT is no time")
        aware = time if time.tzinfo else time.replace(tzinfo=timezone.utc)
        return (aware - EPOCH) // timedelta(milliseconds=1)
    if isinstance(time, int | np.integer) and not isinstance(time, bool):
        return _checked(time)
    expected = "a datetime, a text such as 2024-01-01 05:00, or integer milliseconds"
    raise _native.Error(f"time: expected {expected}, got {time!r}")


def session_millis(close: SessionClose | None, pair: str) -> int | None:
    """Milliseconds from the open of a pair's candle to its close; ``None`` for the whole interval."""
    if isinstance(close, Mapping):
        close = close.get(pair)
    if close is None:
        return None
    if not isinstance(close, timedelta):
        raise _native.Error(f"session_close: expected a timedelta or a dict of them by pair, got {close!r}")
    millis, rest = divmod(close, timedelta(milliseconds=1))
    if rest or millis <= 0:
        raise _native.Error(f"session_close: expected whole milliseconds above 0, got {close}")
    return millis


def from_integers(times: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
    """Checks that integers are milliseconds."""
    for outer in (times.min(), times.max()) if len(times) else ():
        _checked(outer)
    return np.ascontiguousarray(times, dtype=np.int64)


def _checked(time: SupportsInt) -> int:
    number = int(time)
    if not LOWEST <= number < HIGHEST:
        expected = f"milliseconds from {LOWEST} (1973) to {HIGHEST}"
        raise _native.Error(
            f"time: the unit of {number} is ambiguous, expected {expected}; convert other units and earlier times "
            "to datetimes"
        )
    return number
