"""Data frames of any kind in, the same kind out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
import numpy.typing as npt

from windvane import _native
from windvane._times import from_integers, session_millis
from windvane._types import Frame, SessionClose

PRICES = ("open", "high", "low", "close", "volume")
UNNAMED = "unnamed"


class Candles(dict[str, "npt.NDArray[Any]"]):
    """Columns of candles as numpy arrays, with the pair, the interval and the notes of the reader.

    It is a dict, so ``pandas.DataFrame(candles)``, ``polars.DataFrame(candles)`` and
    ``pyarrow.table(candles)`` work.
    """

    def __init__(
        self,
        columns: Mapping[str, npt.NDArray[Any]],
        *,
        pair: str,
        interval: str,
        format: str = "",
        notes: tuple[str, ...] = (),
    ) -> None:
        super().__init__(columns)
        self.pair = pair
        self.interval = interval
        self.format = format
        self.notes = notes

    def __repr__(self) -> str:
        return f"<Candles: {len(self['time'])} of {self.pair}, {self.interval}>"


def series(
    frame: Frame,
    pair: str | None = None,
    interval: str | None = None,
    *,
    feed: str | None = None,
    session_close: SessionClose | None = None,
) -> _native.Series:
    """Validates the candles of a frame.

    The interval is the given one, else that of the rows. With ``feed``, the interval that a model reads, rows of a
    longer interval are an error and few rows are none.
    """
    if isinstance(frame, Candles):
        pair, interval = pair or frame.pair, interval or frame.interval
    candles = _native.Series(pair or UNNAMED, interval or feed, *_columns(frame))
    step = candles.shortest_step()
    if interval is None and feed is not None and step is not None and step > 1:
        raise _native.Error(
            f"the rows are at least {step} intervals of {feed} apart, the model reads {feed} candles; pass rows of "
            f"{feed}"
        )
    close = session_millis(session_close, candles.pair)
    return candles if close is None else candles.with_session_close(close)


def check_counts(**counts: int | None) -> None:
    """Rejects negative counts and seeds."""
    for name, count in counts.items():
        if count is not None and count < 0:
            raise _native.Error(f"{name}: expected a number of at least 0, got {count}")


def check_average_seeds(count: int | None) -> None:
    """Rejects a number of seeds that the command rejects."""
    if count is not None and not 1 <= count <= 1000:
        raise _native.Error(f"average_seeds: expected a number from 1 to 1000, got {count}")


def all_series(
    frames: Mapping[str, Frame],
    interval: str | None = None,
    *,
    feed: str | None = None,
    session_close: SessionClose | None = None,
) -> list[_native.Series]:
    """Validates the candles of each pair."""
    if not isinstance(frames, Mapping) or _is_columns(frames):
        raise _native.Error('candles: expected a dict of pairs, such as {"BTCUSDT": frame}')
    all_of_them = []
    for pair, frame in frames.items():
        try:
            all_of_them.append(series(frame, pair, interval, feed=feed, session_close=session_close))
        except _native.Error as error:
            raise _native.Error(f"{pair}: {error}") from error
    return all_of_them


def columns_of(candles: _native.Series) -> dict[str, npt.NDArray[Any]]:
    """Columns of a series as a dict, with the time as ``datetime64[ms]``."""
    time, *prices = candles.columns()
    return {"time": time.view("datetime64[ms]"), **dict(zip(PRICES, prices, strict=True))}


def like(frame: Frame, columns: Mapping[str, npt.NDArray[Any]], *, with_time: bool = True) -> Any:
    """Builds a frame of the kind of ``frame`` from columns that have its rows.

    It has the column ``time`` of the frame, or for pandas its index. NaN becomes null where the kind has nulls.
    """
    if isinstance(frame, Mapping):
        return {**({"time": np.asarray(frame["time"])} if with_time else {}), **columns}
    given = _narwhals(frame)
    values: dict[str, Any] = {}
    if with_time and "time" in given.columns:
        values["time"] = given.get_column("time")
    backend = given.implementation
    for name, column in columns.items():
        new = nw.new_series(name, _plain(column), backend=backend)
        has_nulls = column.dtype.kind == "f" and not backend.is_pandas_like()
        values[name] = new.fill_nan(None) if has_nulls else new
    if backend.is_pandas_like():
        index = nw.to_native(given).index
        values = {name: nw.to_native(column).set_axis(index) for name, column in values.items()}
        return nw.get_native_namespace(given).DataFrame(values, index=index)
    # Native columns: polars reads the columns of narwhals through pyarrow, which need not be installed.
    native = {name: nw.to_native(column) for name, column in values.items()}
    return nw.to_native(nw.from_dict(native, backend=backend))


def new_like(frame: Frame, columns: Mapping[str, npt.NDArray[Any]]) -> Any:
    """Builds a frame of the kind of ``frame`` with rows of its own."""
    if isinstance(frame, Mapping):
        return dict(columns)
    values = {name: _plain(column) for name, column in columns.items()}
    return nw.to_native(nw.from_dict(values, backend=_narwhals(frame).implementation))


def _plain(column: npt.NDArray[Any]) -> Any:
    """Texts as a list: the kinds have their own type of text."""
    return column.tolist() if column.dtype.kind == "O" else column


def _is_columns(frame: Mapping[Any, Any]) -> bool:
    """Whether a mapping is a frame and not a dict of frames."""
    return "close" in frame and "time" in frame


def _narwhals(frame: Frame) -> nw.DataFrame[Any]:
    try:
        return nw.from_native(frame, eager_only=True)
    except TypeError as error:
        got = f"{type(frame).__module__}.{type(frame).__qualname__}"
        problem = f"candles: expected a pandas, polars or pyarrow frame or a dict of columns, got {got}"
        raise _native.Error(problem) from error


def _columns(frame: Frame) -> tuple[npt.NDArray[Any], ...]:
    """Open times in milliseconds, prices and volume."""
    if isinstance(frame, Mapping):
        _check_names(frame.keys())
        time = _milliseconds(np.asarray(frame["time"]))
        return (time, *(_numbers(name, np.asarray(frame[name])) for name in PRICES))
    given = _narwhals(frame)
    time = _time_of(given)
    _check_names([*given.columns, "time"])
    return (time, *(_price(given.get_column(name)) for name in PRICES))


def _check_names(names: Any) -> None:
    missing = [name for name in ("time", *PRICES) if name not in names]
    if missing:
        found = ", ".join(map(str, names))
        raise _native.Error(f"no column {', '.join(missing)}; the columns are {found}: rename them")


def _price(column: nw.Series[Any]) -> npt.NDArray[np.float64]:
    if not column.dtype.is_numeric():
        raise _native.Error(f"{column.name}: expected numbers, got {column.dtype}; convert the column")
    return _numbers(column.name, column.cast(nw.Float64).to_numpy())


def _numbers(name: str, column: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    if column.dtype.kind not in "fiu" or column.ndim != 1:
        problem = f"{name}: expected one column of numbers, got {column.dtype} with {column.ndim} dimensions"
        raise _native.Error(f"{problem}; convert it")
    return np.ascontiguousarray(column, dtype=np.float64)


def _time_of(given: nw.DataFrame[Any]) -> npt.NDArray[np.int64]:
    """Open times of the column ``time``, or of a ``DatetimeIndex`` of pandas."""
    index = _datetime_index(given)
    if "time" not in given.columns:
        if index is None:
            _check_names(given.columns)
        return _milliseconds(index)
    time = _time_column(given.get_column("time"))
    if index is not None and not np.array_equal(_milliseconds(index), time):
        raise _native.Error("the column time and the DatetimeIndex differ: drop one of them")
    return time


def _datetime_index(given: nw.DataFrame[Any]) -> Any:
    """Times of a ``DatetimeIndex`` in UTC; ``None`` for frames without one."""
    index: Any = getattr(nw.to_native(given), "index", None)
    if not given.implementation.is_pandas_like() or type(index).__name__ != "DatetimeIndex":
        return None
    return (index if index.tz is None else index.tz_convert(None)).to_numpy()


def _time_column(column: nw.Series[Any]) -> npt.NDArray[np.int64]:
    if column.is_null().any():
        raise _native.Error("time: a row has no time; drop it")
    if column.dtype == nw.Date:
        column = column.cast(nw.Datetime("ms"))
    if isinstance(column.dtype, nw.Datetime):
        return np.ascontiguousarray(column.dt.timestamp("ms").to_numpy(), dtype=np.int64)
    if column.dtype.is_integer():
        return from_integers(column.to_numpy())
    raise _native.Error(f"time: expected times or integer milliseconds, got {column.dtype}; convert the column")


def _milliseconds(time: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
    if time.dtype.kind == "M":
        if np.isnat(time).any():
            raise _native.Error("time: a row has no time; drop it")
        return np.ascontiguousarray(time.astype("datetime64[ms]").astype(np.int64))
    if time.dtype.kind in "iu":
        return from_integers(time)
    raise _native.Error(f"time: expected datetime64 or integer milliseconds, got {time.dtype}; convert the column")
