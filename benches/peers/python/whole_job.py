"""The work of `windvane backtest` on ten hourly pairs with eight models, in Python.

    python -m venv target/job
    target/job/bin/pip install torch lightgbm pandas scikit-learn
    target/job/bin/python benches/peers/python/whole_job.py --data DIR

Channels by pandas, networks by PyTorch, trees by LightGBM, linear models by scikit-learn: the same
periods, sizes, epochs, optimizer, schedule and calibration as windvane. The report of windvane has
more parts: baselines, confidence intervals, policies, effects of the channels. `whole_job_compare.py`
runs both alternately.

Two processes fit the models, with one thread each: the products of such small networks are too short
for several threads, which would mostly wait for each other.
"""

import argparse
import json
import multiprocessing
import time

import torch
import whole_job_data as data
import whole_job_models as models
from threadpoolctl import threadpool_limits

# The longest first, so that the processes end at about the same time.
NAMES = ["v31", "v3", "v32", "gru", "trees", "mlp", "logistic", "v2-learned"]


class Clock:
    """Wall and CPU seconds since the last lap; the CPU time is that of all threads of the process."""

    def __init__(self):
        self.last = time.perf_counter(), time.process_time()

    def lap(self):
        now = time.perf_counter(), time.process_time()
        wall, cpu = now[0] - self.last[0], now[1] - self.last[1]
        self.last = now
        return {"wall": wall, "cpu": cpu}


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True, help="folder of CSV files, one per pair")
    parser.add_argument("--test-from", default="2024-01-01")
    parser.add_argument("--models", default=",".join(NAMES))
    parser.add_argument("--processes", type=int, default=2, help="processes that fit models")
    parser.add_argument("--threads", type=int, default=1, help="threads of each process")
    parser.add_argument(
        "--epochs",
        type=json.loads,
        default={},
        help="epochs or rounds to run by model, as JSON; without them training stops early",
    )
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    return parser.parse_args()


class Job:
    """Windows of all pairs with the settings of a run. Forked processes share it."""

    def __init__(self, options, seconds):
        clock = Clock()
        candles = data.read_candles(options.data)
        seconds["reading"] = clock.lap()
        pairs = {pair: data.signals_of_pair(rows) for pair, rows in candles.items()}
        seconds["channels"] = clock.lap()
        self.options = options
        self.table, times, windows = data.collect(pairs)
        self.parts = data.split(windows, options.test_from)
        self.scaled = data.scale(self.table, times, self.parts[0].decided.max())
        seconds["windows, scaler"] = clock.lap()

    def logits(self, name):
        """Fits a model; returns logits of the validation and the test, and the epochs run."""
        epochs = self.options.epochs.get(name)
        if name == "v2-learned":
            return models.learned_weights(self.scaled, self.parts)
        if name == "logistic":
            return models.logistic(self.scaled, self.parts)
        if name == "trees":
            return models.trees(self.table, self.parts, epochs, self.options.threads)
        return models.network(name, self.scaled, self.parts, epochs)

    def model(self, name):
        """Fits, calibrates and scores a model."""
        torch.set_num_threads(self.options.threads)
        clock = Clock()
        with threadpool_limits(self.options.threads):
            (validated, tested), epochs = self.logits(name)
        _, validation, test = self.parts
        calibration = data.fit_calibration(validated, validation.labels)
        own = [data.margins(logits, calibration) for logits in (validated, tested)]
        accuracy, confident = data.score(*own, test)
        return name, clock.lap(), {"accuracy": accuracy, "confident": confident, "epochs": epochs}


def main():
    options = arguments()
    seconds, results = {}, {}
    start = time.perf_counter()
    job = Job(options, seconds)
    names = options.models.split(",")
    if options.processes == 1:
        fitted = [job.model(name) for name in names]
    else:
        # A pool inherits the job; `chunksize` gives every free process the next model.
        with multiprocessing.get_context("fork").Pool(options.processes, inherit, [job]) as pool:
            fitted = list(pool.imap(inherited, names, chunksize=1))
    for name, lap, result in fitted:
        seconds[name], results[name] = lap, result
    counts = [len(part.labels) for part in job.parts]
    wall = time.perf_counter() - start
    if options.json:
        print(json.dumps({"seconds": seconds, "models": results, "windows": counts, "wall": wall}))
        return
    print("Windows of training, validation and test:", *(f"{count:,}" for count in counts))
    print("| part | wall s | CPU s | epochs | accuracy: all | most confident 10 % |\n|---|---:|---:|---:|---:|---:|")
    for part, lap in seconds.items():
        model = results.get(part)
        scores = f"{model['epochs']} | {model['accuracy']:.2%} | {model['confident']:.2%}" if model else "| |"
        print(f"| {part} | {lap['wall']:.2f} | {lap['cpu']:.2f} | {scores} |")
    print(f"| all | {wall:.1f} | {sum(lap['cpu'] for lap in seconds.values()):.1f} | | | |")


def inherit(job):
    """Keeps the job of the parent in a process of the pool."""
    inherited.job = job


def inherited(name):
    return inherited.job.model(name)


if __name__ == "__main__":
    main()
