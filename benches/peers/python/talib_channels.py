"""Compares windvane's channels and patterns with TA-Lib's C library: nanoseconds per candle.

    cargo bench -p windvane-benches --bench signals -- channels_per_candle
    python3 -m venv target/talib && target/talib/bin/pip install TA-Lib==0.8.2 numpy
    target/talib/bin/python benches/peers/python/talib_channels.py

windvane computes candle by candle in a pipeline with its checks; TA-Lib computes whole arrays. The
figures of windvane are those of the last benchmark run, so run both on the same quiet machine.
"""
import json
import pathlib
import time

import numpy
import talib

CANDLES, RUNS = 10_000, 200
CRITERION = pathlib.Path(__file__).resolve().parents[3] / "target/criterion/channels_per_candle"
FUNCTIONS = {
    "rsi": lambda o, h, l, c, v: talib.RSI(c, 14),
    "sma": lambda o, h, l, c, v: talib.SMA(c, 20),
    "ema": lambda o, h, l, c, v: talib.EMA(c, 20),
    "atr": lambda o, h, l, c, v: talib.ATR(h, l, c, 14),
    "macd_signal": lambda o, h, l, c, v: talib.MACD(c, 12, 26, 9),
    "bollinger_percent_b": lambda o, h, l, c, v: talib.BBANDS(c, 20, 2, 2),
    "adx": lambda o, h, l, c, v: talib.ADX(h, l, c, 14),
    "plus_di": lambda o, h, l, c, v: talib.PLUS_DI(h, l, c, 14),
    "stochastic_d": lambda o, h, l, c, v: talib.STOCH(h, l, c, 14, 3, 0, 3, 0),
    "williams_r": lambda o, h, l, c, v: talib.WILLR(h, l, c, 14),
    "cci": lambda o, h, l, c, v: talib.CCI(h, l, c, 20),
    "mfi": lambda o, h, l, c, v: talib.MFI(h, l, c, v, 14),
    "roc": lambda o, h, l, c, v: talib.ROC(c, 10),
}


def candles():
    """Hourly candles of a random walk: open, high, low, close, volume."""
    random = numpy.random.default_rng(1)
    close = 100 * numpy.exp(numpy.cumsum(0.01 * random.standard_normal(CANDLES)))
    opened = numpy.concatenate([[100.0], close[:-1]])
    spread = 1 + 0.004 * numpy.abs(random.standard_normal((2, CANDLES)))
    high, low = numpy.maximum(opened, close) * spread[0], numpy.minimum(opened, close) / spread[1]
    return opened, high, low, close, random.uniform(100, 1900, CANDLES)


def nanoseconds(function, columns):
    """Median time of a pass, per candle."""
    times = []
    for _ in range(RUNS):
        start = time.perf_counter_ns()
        function(*columns)
        times.append(time.perf_counter_ns() - start)
    return float(numpy.median(times)) / CANDLES


def windvane():
    """Median time of each channel in the last benchmark run, per candle, by name."""
    found = {}
    for file in CRITERION.glob("*/new/estimates.json"):
        name = json.loads((file.parent / "benchmark.json").read_text())["value_str"]
        median = json.loads(file.read_text())["median"]["point_estimate"]
        found[name.split("(")[0] if not name.startswith("pattern") else name] = median / CANDLES
    return found


def main():
    ours, columns = windvane(), candles()
    rows = [(name, name, function) for name, function in FUNCTIONS.items()]
    for name in talib.get_function_groups()["Pattern Recognition"]:
        rows.append((name, name, lambda o, h, l, c, v, f=getattr(talib, name): f(o, h, l, c)))
    patterns = [value for name, value in ours.items() if name.startswith("pattern")]
    theirs = []
    print("| channel | windvane ns | TA-Lib ns | ratio |\n|---|---:|---:|---:|")
    for channel, name, function in rows:
        time_of = nanoseconds(function, columns)
        if name.startswith("CDL"):
            theirs.append(time_of)
        elif channel in ours:
            print(f"| {channel} | {ours[channel]:.1f} | {time_of:.1f} | {ours[channel] / time_of:.2f} |")
    if patterns and theirs:
        mean = sum(patterns) / len(patterns), sum(theirs) / len(theirs)
        print(f"| pattern, mean of {len(patterns)} and {len(theirs)} | {mean[0]:.1f} | {mean[1]:.1f} | {mean[0] / mean[1]:.2f} |")


if __name__ == "__main__":
    main()
