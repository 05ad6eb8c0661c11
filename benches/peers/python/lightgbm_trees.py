"""Boosted trees of windvane beside LightGBM on the same rows: training, and one row.

    cargo build --release --manifest-path benches/peers/Cargo.toml --no-default-features --bin windvane-trees
    pip install lightgbm numpy
    python3 benches/peers/python/lightgbm_trees.py [--candles 1000000] [--repeats 3]

Both fit with the same hyperparameters, binning included, and alternate. A row is predicted by
`LGBM_BoosterPredictForMatSingleRowFast`, from whose time that of an empty call from Python is
subtracted, and by `BoostedTrees::predict`, which checks the window and returns a prediction.
"""

import argparse
import ctypes
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import lightgbm
import numpy as np
from lightgbm_settings import SETTINGS

PROGRAM = Path(__file__).parents[1] / "target/release/windvane-trees"
TRAINING_ROUNDS, TRAINING_CHANNELS = 200, 60
ROW_TREES, ROW_CHANNELS, ROW_CANDLES = 400, 100, 600
CALLS = 128
# Numbers of the C API: `C_API_PREDICT_RAW_SCORE` and `C_API_DTYPE_FLOAT64`.
RAW_SCORE, FLOAT64 = 1, 1


def rows(folder: Path, candles: int, channels: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows `[N, C]` and labels `[N]` of the market that windvane simulates."""
    subprocess.run([PROGRAM, "rows", folder, str(candles), str(channels)], check=True)
    labels = np.fromfile(folder / "labels.u8", np.uint8)
    return np.fromfile(folder / "rows.f64", np.float64).reshape(len(labels), channels), labels


def train(data: tuple[np.ndarray, np.ndarray], trees: int, threads: int) -> lightgbm.Booster:
    settings = SETTINGS | {"num_threads": threads}
    return lightgbm.train(settings, lightgbm.Dataset(*data), num_boost_round=trees)


def seconds(call) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def compare_training(folder: Path, candles: int, repeats: int) -> None:
    data = rows(folder, candles, TRAINING_CHANNELS)
    print(f"training: {len(data[1])} rows, {TRAINING_CHANNELS} inputs, {TRAINING_ROUNDS} rounds")
    arguments = [PROGRAM, "train", candles, TRAINING_CHANNELS, TRAINING_ROUNDS]
    for threads in (1, 2):
        environment = os.environ | {"RAYON_NUM_THREADS": str(threads)}
        ours, theirs = [], []
        for _ in range(repeats):
            done = subprocess.run(
                [str(argument) for argument in arguments],
                env=environment,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                check=True,
            )
            ours.append(float(done.stdout))
            theirs.append(seconds(lambda: train(data, TRAINING_ROUNDS, threads)))
        show(f"  {threads} thread(s), s", ours, theirs)


def show(name: str, ours: list[float], theirs: list[float]) -> None:
    ratio = statistics.median(b / a for a, b in zip(ours, theirs))
    ours, theirs = statistics.median(ours), statistics.median(theirs)
    print(f"{name}: windvane {ours:.3g}, LightGBM {theirs:.3g}, ratio {ratio:.2f}", flush=True)


def single_row(booster: lightgbm.Booster):
    """Function of the index of a row, and the output, over LightGBM's C API."""
    library = lightgbm.basic._LIB
    config, length, output = ctypes.c_void_p(), ctypes.c_int64(), ctypes.c_double()
    init = library.LGBM_BoosterPredictForMatSingleRowFastInit(
        booster._handle,
        RAW_SCORE,
        0,
        -1,
        FLOAT64,
        ROW_CHANNELS,
        ctypes.c_char_p(b"num_threads=1"),
        ctypes.byref(config),
    )
    assert init == 0
    predict = library.LGBM_BoosterPredictForMatSingleRowFast
    length, out = ctypes.byref(length), ctypes.byref(output)
    return lambda row: predict(config, row, length, out), output


def compare_rows(folder: Path, candles: int, repeats: int) -> None:
    booster = train(rows(folder, candles, ROW_CHANNELS), ROW_TREES, 2)
    data, _ = rows(folder, ROW_CANDLES, ROW_CHANNELS)
    booster.save_model(folder / "model.txt")
    booster.predict(data, raw_score=True).astype(np.float64).tofile(folder / "scores.f64")
    predict, output = single_row(booster)
    pointers = [ctypes.c_void_p(row.ctypes.data) for row in data]
    predict(pointers[0])
    assert output.value == booster.predict(data[:1], raw_score=True)[0]
    empty, value = lightgbm.basic._LIB.LGBM_GetMaxThreads, ctypes.byref(ctypes.c_int())
    arguments = [PROGRAM, "row", folder, str(ROW_CANDLES), str(ROW_CHANNELS)]
    ours, theirs = [], []
    with subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
        for _ in range(repeats):
            child.stdin.write("\n")
            child.stdin.flush()
            ours.append(float(child.stdout.readline()))
            calls = microseconds(lambda call: predict(pointers[call % len(pointers)]))
            theirs.append(calls - microseconds(lambda call: (call % len(pointers), empty(value))))
        child.stdin.close()
    print(f"one row: {ROW_TREES} trees of {SETTINGS['num_leaves']} leaves, {ROW_CHANNELS} inputs")
    show("  us", ours, theirs)


def microseconds(call) -> float:
    start = time.perf_counter()
    for number in range(CALLS):
        call(number)
    return (time.perf_counter() - start) * 1e6 / CALLS


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--candles", type=int, default=1_000_000, help="of the training")
    parser.add_argument("--repeats", type=int, default=3, help="alternating fits")
    options = parser.parse_args()
    if not PROGRAM.exists():
        sys.exit(f"build {PROGRAM.name} first (see the top of this file)")
    with tempfile.TemporaryDirectory() as folder:
        compare_rows(Path(folder), 100_000, 1_001)
        compare_training(Path(folder), options.candles, options.repeats)


if __name__ == "__main__":
    main()
