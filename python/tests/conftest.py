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
