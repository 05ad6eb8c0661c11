"""Runs `windvane backtest` and `whole_job.py` alternately on the same candles and prints both.

    cargo build --release
    target/job/bin/python benches/peers/python/whole_job_compare.py --data DIR target/release/windvane

Python runs as many epochs per network, and rounds of trees, as windvane ran before it. Wall time, CPU
time of all threads and peak memory are those of the whole process, the start of Python included.
With `--parts`, windvane runs once more on one thread, in which its models follow one another.
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import threading
import time

FOLDER = pathlib.Path(__file__).parent
# The longest first, as `whole_job.py` starts them.
NAMES = "v31,v3,v32,gru,trees,mlp,logistic,v2-learned"
# Settings that would make the products of Python's libraries slower than they are by default.
UNSET = ["OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE", "OMP_NUM_THREADS", "RAYON_NUM_THREADS"]


def memory_of(pid):
    """Memory in MiB of a process and its children on Linux; pages that they share count once."""
    kilobytes = 0
    try:
        for line in pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            kilobytes += int(line.split()[1]) if line.startswith("Pss:") else 0
        children = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    return kilobytes / 1024 + sum(memory_of(child) for child in children)


def watch(process, peak):
    """Notes the largest memory of a running process twice a second."""
    while process.returncode is None:
        peak[0] = max(peak[0], memory_of(process.pid))
        time.sleep(0.5)


def run(command, threads=None, on_line=None):
    """Runs a program; returns its output and its wall time, CPU time and peak memory in MiB."""
    environment = {name: value for name, value in os.environ.items() if name not in UNSET}
    if threads:
        environment["RAYON_NUM_THREADS"] = str(threads)
    start = time.perf_counter()
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE if on_line else None, text=True, env=environment
    )
    peak = [0.0]
    threading.Thread(target=watch, args=(process, peak), daemon=True).start()
    for line in process.stderr if on_line else []:
        on_line(line, process.pid)
    output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = status
    if status:
        sys.exit(f"{command[0]} failed with status {status}")
    return output, {
        "wall": time.perf_counter() - start,
        "cpu": usage.ru_utime + usage.ru_stime,
        "mebibytes": peak[0],
    }


def windvane(options, folder, threads=None, on_line=None):
    command = [
        options.program,
        "backtest",
        "--data",
        options.data,
        "--models",
        options.models,
        "--test-from",
        options.test_from,
        "--average-seeds",
        "1",
        "--out",
        folder,
    ]
    _, usage = run(command, threads, on_line)
    return json.loads((pathlib.Path(folder) / "report.json").read_text()), usage


def cpu_seconds(pid):
    """CPU time of a running process on Linux."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def windvane_parts(options, folder):
    """CPU seconds of each model on one thread; the first also has the reading and the channels."""
    parts, last = {}, 0.0

    def on_line(line, pid):
        nonlocal last
        if ": done in " in line:
            now = cpu_seconds(pid)
            parts[line.split()[0]], last = now - last, now

    _, usage = windvane(options, folder, 1, on_line)
    return parts | {"report": usage["cpu"] - last}


def epochs_of(report):
    """Epochs or rounds that windvane ran, by model."""
    return {one["model"]: one["record"]["epochs"] for one in report["training"] if one["record"]["epochs"]}


def accuracy_of(report):
    """Accuracy on all test candles and on the most confident tenth, by model."""
    found = {}
    for result in report["results"]:
        if result["scope"] == "all":
            shares = {one["share"]: one["accuracy"] for one in result["most_confident"]}
            found[result["model"]] = shares[1.0], shares[0.1]
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("--data", required=True)
    parser.add_argument("--models", default=NAMES)
    parser.add_argument("--test-from", default="2024-01-01")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--parts", action="store_true")
    options = parser.parse_args()
    ours, theirs, pythons = [], [], []
    with tempfile.TemporaryDirectory() as folder:
        parts = windvane_parts(options, folder) if options.parts else {}
        for _ in range(options.rounds):
            report, usage = windvane(options, folder)
            ours.append(usage)
            print("windvane:", usage, file=sys.stderr)
            command = [
                sys.executable,
                FOLDER / "whole_job.py",
                "--data",
                options.data,
                "--json",
                "--models",
                options.models,
                "--test-from",
                options.test_from,
                "--epochs",
                json.dumps(epochs_of(report)),
            ]
            output, usage = run(command)
            theirs.append(usage)
            pythons.append(json.loads(output))
            print("Python:", usage, file=sys.stderr)
    accuracies = accuracy_of(report)
    print(
        "| part | windvane CPU s | Python CPU s | Python wall s | epochs | windvane: all, tenth | Python: all, tenth |"
    )
    print("|---|---:|---:|---:|---:|---|---|")
    for part in pythons[0]["seconds"]:
        wall, cpu = (statistics.median(run["seconds"][part][kind] for run in pythons) for kind in ["wall", "cpu"])
        own = f"{parts[part]:.1f}" if part in parts else ""
        scores = ["", "", ""]
        if part in accuracies:
            model = pythons[-1]["models"][part]
            scores = [
                model["epochs"] or "",
                "{:.2%}, {:.2%}".format(*accuracies[part]),
                f"{model['accuracy']:.2%}, {model['confident']:.2%}",
            ]
        print(f"| {part} | {own} | {cpu:.1f} | {wall:.1f} | {' | '.join(map(str, scores))} |")
    if parts:
        print(f"| report | {parts['report']:.1f} | | | | | |")
    print("\n| whole process | windvane | Python | ratio |\n|---|---:|---:|---:|")
    for kind in ["wall", "cpu", "mebibytes"]:
        own, other = (statistics.median(usage[kind] for usage in both) for both in [ours, theirs])
        print(f"| {kind} | {own:,.1f} | {other:,.1f} | {other / own:.2f} |")


if __name__ == "__main__":
    main()
