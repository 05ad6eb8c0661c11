"""Signals of candles."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from windvane import _native
from windvane._frames import all_series, like, series
from windvane._types import Frame, SessionClose, Spec


def signals(
    candles: Frame,
    spec: Spec = "six",
    *,
    pair: str | None = None,
    interval: str | None = None,
    others: Mapping[str, Frame] | None = None,
    session_close: SessionClose | None = None,
) -> Any:
    """Computes the channels of a spec for every row, from this row and earlier ones only.

    Returns a frame of the kind of ``candles`` with the same rows and a column per channel. A row is null (NaN in
    pandas and arrays) during the warm-up and where a channel is undefined.

    Args:
        candles: Candles of one pair.
        spec: ``six``, ``price-action``, a list of channels such as ``["momentum", "rsi(period=21)"]``, or
            :attr:`Model.spec`.
        pair: Name of the pair; only channels that read a market need it.
        interval: Interval of the rows, if they do not show it.
        others: Candles of the other pairs that channels read.
        session_close: Time from the open of a candle to its close, of all pairs or by pair, for markets whose session
            ends before the interval; by default the interval.
    """
    own = series(candles, pair, interval, session_close=session_close)
    rest = all_series(others or {}, own.interval, session_close=session_close)
    names, values = _native.signals(own, native_spec(spec), rest)
    if len(set(names)) < len(names):
        twice = ", ".join(sorted({name for name in names if names.count(name) > 1}))
        raise _native.Error(f"spec: the channel {twice} is listed twice; remove one")
    return like(candles, {name: values[:, column].copy() for column, name in enumerate(names)})


def native_spec(spec: Spec) -> str | list[str]:
    """Converts a spec: a model's one into JSON."""
    if isinstance(spec, Mapping):
        return json.dumps(spec.get("signals", spec))
    return spec if isinstance(spec, str) else list(spec)
