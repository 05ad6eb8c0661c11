"""Compares windvane's channel sets in batch with pandas and polars: nanoseconds per pair and candle.

    cargo build --release -p windvane-benches --bin channel_sets
    target/job/bin/pip install pandas polars scipy
    target/job/bin/python benches/peers/python/channel_sets.py DIR target/release/channel_sets

DIR has hourly candles of several pairs, a CSV file per pair. All three have the candles in memory and
compute every channel of every pair. The passes alternate; the figures are medians of the CPU time,
because other programs of a machine lengthen the time of the clock. The values are compared first, at
the rows that are complete in windvane.
"""

import argparse
import pathlib
import subprocess
import tempfile
import time

import channel_sets_pandas
import channel_sets_polars
import numpy as np
import polars as pl
from whole_job_data import HOUR, SIGNALS, read_candles

PRICE_ACTION = [
    "normalized_return",
    "normalized_momentum 4",
    "normalized_momentum 24",
    "normalized_momentum 168",
    "close_location",
    "upper_wick",
    "lower_wick",
    "normalized_range",
    "donchian_position 24",
    "donchian_position 168",
    "volume_level",
    "volume_trend",
    "volume_season",
    "signed_volume 6",
    "signed_volume 24",
    "log_volatility",
    "volatility_ratio",
    "volatility_ratio 48/336",
    "mean_range",
    "mean_absolute_return",
]
MARKET = PRICE_ACTION + [
    "leader_return",
    "leader_momentum 4",
    "leader_momentum 24",
    "market_return",
    "market_momentum 4",
    "market_momentum 24",
    "relative_return",
    "relative_momentum 4",
    "relative_momentum 24",
    "return_rank 1",
    "return_rank 24",
    "market_beta",
    "residual_return",
    "relative_volatility",
    "market_dispersion",
    "market_breadth",
    "market_volatility",
    "market_mean close_location",
    "market_mean volume_level",
    "market_mean log_volatility",
    "hour",
    "weekday",
]
SETS = {"six": SIGNALS, "price_action": PRICE_ACTION, "market": MARKET}


class Windvane:
    """The program `channel_sets`, which computes a pass for every line."""

    def __init__(self, program, folder):
        pipe = subprocess.PIPE
        self.process = subprocess.Popen([program, folder], stdin=pipe, stdout=pipe, text=True)

    def request(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        return int(self.process.stdout.readline())

    def cpu_seconds(self, name):
        """CPU time of a pass; the program has one thread that works."""
        file = pathlib.Path(f"/proc/{self.process.pid}/schedstat")
        before = int(file.read_text().split()[0])
        self.request(name)
        return (int(file.read_text().split()[0]) - before) / 1e9

    def values(self, name, lengths):
        """Values of a set by pair, `[candles, channels]`."""
        with tempfile.NamedTemporaryFile() as file:
            width = self.request(f"write {name} {file.name}")
            table = np.fromfile(file.name).reshape(-1, width)
        return np.split(table, np.cumsum(lengths)[:-1])


def cpu_seconds(work):
    start = time.process_time()
    work()
    return time.process_time() - start


def difference(expected, frames, names, skip):
    """Largest difference, relative above 1, at rows that are complete in windvane; prints channels above 1e-6."""
    largest = 0.0
    for own, (pair, frame) in zip(expected, frames.items(), strict=True):
        if pair in skip:
            continue
        complete = ~np.isnan(own).any(axis=1)
        got = frame.select(names).to_numpy() if isinstance(frame, pl.DataFrame) else frame[names].to_numpy()
        distance = np.abs(got[complete] - own[complete]) / np.maximum(np.abs(own[complete]), 1.0)
        worst = np.where(np.isnan(distance), np.inf, distance).max(axis=0)
        for name, one in zip(names, worst, strict=True):
            if one > 1e-6:
                print(f"  {pair}: {name} differs by {one:.1e}")
        largest = max(largest, worst.max())
    return largest


def has_gaps(rows):
    return len(rows) != (rows.index[-1] - rows.index[0]) // HOUR + 1


def figures(name, windvane, candles, frames, passes):
    """Median CPU nanoseconds per pair and candle of windvane, pandas and polars; the passes alternate."""
    times = []
    for _ in range(passes):
        ours = windvane.cpu_seconds(name)
        pandas = cpu_seconds(lambda: channel_sets_pandas.sets(candles, name))
        times.append((ours, pandas, cpu_seconds(lambda: channel_sets_polars.sets(frames, name))))
    return np.median(times, axis=0) / sum(map(len, candles.values())) * 1e9


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("program")
    parser.add_argument("--passes", type=int, default=7)
    options = parser.parse_args()
    candles = read_candles(options.folder)
    frames = {pair: pl.from_pandas(rows.rename_axis("time").reset_index()) for pair, rows in candles.items()}
    windvane = Windvane(options.program, str(options.folder))
    # Windows of polars count the missing candles of a pair, whose later rows therefore differ.
    skipped = [pair for pair, rows in candles.items() if has_gaps(rows)]
    table = [
        "| set | channels | windvane ns | pandas ns | ratio | polars ns | ratio |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    for name, names in SETS.items():
        expected = windvane.values(name, list(map(len, candles.values())))
        by_pandas = difference(expected, channel_sets_pandas.sets(candles, name), names, [])
        by_polars = difference(expected, channel_sets_polars.sets(frames, name), names, skipped)
        print(f"{name}: largest difference pandas {by_pandas:.1e}, polars {by_polars:.1e}")
        ours, pandas, polars = figures(name, windvane, candles, frames, options.passes)
        row = f"{ours:.0f} | {pandas:.0f} | {pandas / ours:.1f} | {polars:.0f} | {polars / ours:.1f}"
        table.append(f"| {name} | {len(names)} | {row} |")
    print("Compared for polars without the pairs that have gaps:", ", ".join(skipped) or "none")
    print("\n".join(table))


if __name__ == "__main__":
    main()
