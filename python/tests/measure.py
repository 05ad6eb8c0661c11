"""CPU time of `Model.predict` on a million candles, beside that of a live loop in Rust.

Run it in python/ after ``maturin develop --release`` and ``cargo build --release --example reference``:
``python tests/measure.py [RUNS]``. The runs alternate; medians of CPU seconds are printed.
"""

from __future__ import annotations

import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import polars as pl

import windvane

CANDLES = 1_000_000
ROOT = Path(__file__).resolve().parents[2]
CSV = ROOT / "crates/candles/sample/BTCUSDT.csv"
REFERENCE = ROOT / "python/target/release/examples/reference"


def rust() -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([REFERENCE, "time", CSV, str(CANDLES)], check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def python(model: windvane.Model, frame: pl.DataFrame) -> float:
    started = time.process_time()
    model.predict(frame)
    return time.process_time() - started


def main() -> None:
    candles = windvane.read(CSV)
    columns = {name: np.resize(values, CANDLES) for name, values in candles.items()}
    columns["time"] = candles["time"][0] + np.arange(CANDLES) * np.timedelta64(1, "h")
    model, frame = windvane.Model.pretrained(), pl.DataFrame(columns)
    runs = [(rust(), python(model, frame)) for _ in range(int(sys.argv[1]) if len(sys.argv) > 1 else 5)]
    loop, predict = (statistics.median(times) for times in zip(*runs, strict=True))
    print(f"loop in Rust {loop:.2f} s, predict {predict:.2f} s, ratio {predict / loop:.2f}")


if __name__ == "__main__":
    main()
