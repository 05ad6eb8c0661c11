"""Audit of a user's own features for look-ahead."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from windvane import _native
from windvane._frames import PRICES, new_like, series
from windvane._types import Frame


@dataclass(frozen=True)
class Finding:
    """Result of one check."""

    check: str
    """Name of the check, such as ``prefix``."""
    verdict: str
    """``clean``, ``LEAK`` or ``not applicable``."""
    evidence: str
    """Places and numbers, or the reason why the check does not apply."""


@dataclass(frozen=True)
class Findings:
    """Results of all checks of an audit; ``str`` gives a line per check."""

    findings: tuple[Finding, ...]
    text: str

    @property
    def leaks(self) -> list[str]:
        """Names of the checks that found a leak."""
        return [finding.check for finding in self.findings if finding.verdict == "LEAK"]

    @property
    def is_clean(self) -> bool:
        """Whether no check found a leak."""
        return not self.leaks

    def __str__(self) -> str:
        return self.text


def audit(
    function: Callable[[Any], Any],
    candles: Frame,
    *,
    pair: str | None = None,
    interval: str | None = None,
    seed: int = 42,
) -> Findings:
    """Audits a function from candles to features for look-ahead.

    The function is called about 30 times with copies of the candles in which later candles are changed or missing, or
    directions are random. The copies are frames of the kind of ``candles`` with the columns ``time``, ``open``,
    ``high``, ``low``, ``close`` and ``volume``. A feature that changes before the changed candles uses later data.

    Args:
        function: Returns a frame, a column or an array with one row per candle; NaN where a feature is undefined. It
            must take all data from its argument and return the same for the same candles.
        candles: Candles of one pair, at least 300.
        pair: Name of the pair in the findings.
        interval: Interval of the rows, if they do not show it.
        seed: Seed of the changes.
    """

    def rows(*columns: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
        time = columns[0].view("datetime64[ms]")
        copy = new_like(candles, {"time": time, **dict(zip(PRICES, columns[1:], strict=True))})
        return _features(function(copy))

    findings, text = _native.audit(rows, series(candles, pair, interval), seed)
    return Findings(tuple(Finding(*finding) for finding in findings), text)


def _features(result: Any) -> npt.NDArray[np.float64]:
    """Converts the result of the function into rows of numbers; a time column is left out."""
    if isinstance(result, Mapping) or hasattr(result, "columns") or hasattr(result, "column_names"):
        names = getattr(result, "column_names", None) or getattr(result, "columns", None)
        kept = [name for name in (result if names is None else names) if str(name) != "time"]
        columns = [np.asarray(result[name], dtype=np.float64) for name in kept]
        if not columns:
            raise _native.Error("the audited function returned no feature")
        return np.ascontiguousarray(np.stack(columns, axis=1))
    array = np.asarray(result, dtype=np.float64)
    if array.ndim not in (1, 2):
        raise _native.Error(f"the audited function returned {array.ndim} dimensions; return one row per candle")
    return np.ascontiguousarray(array.reshape(len(array), -1))
