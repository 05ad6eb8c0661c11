"""Reading of candle files."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from os import PathLike
from pathlib import Path

from windvane import _native
from windvane._frames import Candles, columns_of

LOG = logging.getLogger("windvane")


def read(
    path: str | PathLike[str],
    pair: str | None = None,
    *,
    interval: str | None = None,
    columns: str | None = None,
    time: str | None = None,
    zone: str | None = None,
    decimal: str | None = None,
    day_first: bool | None = None,
    encoding: str | None = None,
    select: Mapping[str, str] | None = None,
) -> Candles:
    """Reads the candles of a CSV or JSON file, also in zip and gzip.

    The format is recognised, and every repair is a note of the result. Notes that lose rows are also logged as
    warnings. What the file leaves open is an error that names the argument to pass.

    Args:
        path: File of candles.
        pair: Name of the pair; by default the name of the file up to the first point.
        interval: Interval, such as ``1h``, ``1h+30m`` or ``4h@session``.
        columns: Columns by role, such as ``time=date,open=o,high=h,low=l,close=c,volume=none``.
        time: ``open`` or ``close``, the meaning of the times.
        zone: Time zone of times that have none, such as ``Asia/Tokyo``.
        decimal: Decimal sign, ``.`` or ``,``.
        day_first: Whether 03/04/2024 is in April.
        encoding: Encoding of text that is not UTF-8, such as ``gbk``.
        select: Column and value that select one of several series.
    """
    path = Path(path)
    name = pair or path.name.split(".")[0]
    candles, form, notes = _native.read(
        path,
        name,
        interval=interval,
        columns=columns,
        time=time,
        zone=zone,
        decimal=decimal,
        day_first=day_first,
        encoding=encoding,
        select=None if select is None else dict(select),
    )
    for note, loses_rows in notes:
        LOG.log(logging.WARNING if loses_rows else logging.INFO, "%s: %s", path, note)
    texts = tuple(note for note, _ in notes)
    return Candles(columns_of(candles), pair=name, interval=candles.interval, format=form, notes=texts)
