"""Candles of the repository's sample in every kind of frame."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import windvane

ROOT = Path(__file__).resolve().parents[2]
SAMPLE = ROOT / "crates/candles/sample"
MODELS = ROOT / "crates/models/tests/data"

PRICES = ("open", "high", "low", "close", "volume")

KINDS = {
    "dict": dict,
    "pandas": lambda columns: pd.DataFrame(columns),
    "pandas_index": lambda columns: pd.DataFrame(columns).set_index("time"),
    "polars": lambda columns: pl.DataFrame(columns),
    "pyarrow": lambda columns: pa.table(columns),
}


def head(candles: dict[str, np.ndarray], rows: int) -> dict[str, np.ndarray]:
    """First rows as a plain dict, without the interval of the reader."""
    return {name: column[:rows] for name, column in candles.items()}


def part(candles: dict[str, np.ndarray], first: int, last: int) -> dict[str, np.ndarray]:
    return {name: values[first:last] for name, values in candles.items()}


def simulated(rows: int, seed: int, follow: float = 0.0) -> dict[str, np.ndarray]:
    """Hourly candles of a random walk; ``follow`` is the dependence of a change on the last one."""
    draw = np.random.default_rng(seed)
    changes = 0.01 * draw.standard_normal(rows)
    for row in range(1, rows):
        changes[row] += follow * changes[row - 1]
    close = 100 * np.exp(np.cumsum(changes))
    open = np.concatenate([[100.0], close[:-1]])
    time = np.datetime64("2024-01-01", "ms") + np.arange(rows) * np.timedelta64(1, "h")
    high, low = np.maximum(open, close) * 1.001, np.minimum(open, close) * 0.999
    return {"time": time, "open": open, "high": high, "low": low, "close": close, "volume": draw.uniform(1, 2, rows)}


def column(frame: Any, name: str) -> np.ndarray:
    """Values of a column of any kind of frame."""
    values = frame[name]
    return values.to_numpy() if hasattr(values, "to_numpy") else np.asarray(values)


def reference(*arguments: object) -> str:
    """Output of the Rust program of these tests, which computes the same without the package."""
    command = ["cargo", "run", "--quiet", "--manifest-path", str(ROOT / "python/Cargo.toml"), "--example", "reference"]
    command += ["--", *map(str, arguments)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


@pytest.fixture(scope="session")
def bitcoin() -> windvane.Candles:
    return windvane.read(SAMPLE / "BTCUSDT.csv")


@pytest.fixture(scope="session")
def model() -> windvane.Model:
    return windvane.Model.pretrained()


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> Any:
    return KINDS[request.param]
