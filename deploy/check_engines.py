#!/usr/bin/env python3
"""Runs the example of a sweep on every engine of this machine and compares the reports byte for byte.

    cargo build --release -p windvane-cli
    deploy/check_engines.py target/release/windvane [ENGINE …]

Engines that are not installed are skipped: parallel (GNU), slurm (slurmctld, slurmd and munged run, see slurm.conf(5)),
dask (distributed) and ray. `killed` kills a process with SIGKILL several times.
"""

import importlib.util
import json
import os
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
SHARDS = 7


def run(*command, **options):
    """Runs a command; its output is printed if it fails."""
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False, **options)
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))}\n{done.stdout}{done.stderr}")
    return done.stdout


def report(windvane, plan, results):
    """Merges the results and returns all reports without their timing."""
    out = results.with_name(results.name + "-report")
    run(windvane, "merge", plan, "--results", results, "--out", out)
    texts = []
    for file in sorted(out.rglob("report.json")):
        content = json.loads(file.read_text())
        timing = content.pop("timing")
        assert timing, file
        texts.append(json.dumps(content))
    assert len(texts) == 5, texts
    return "\n".join(texts)


def one(windvane, plan, results):
    run(windvane, "run", plan, "--results", results)


def shards(count):
    """Engine: several shards, one after the other in a random order."""

    def shuffled(windvane, plan, results):
        for index in random.Random(count).sample(range(count), count):
            run(windvane, "run", plan, "--index", index, "--of", count, "--results", results)

    return shuffled


def killed(windvane, plan, results):
    """Engine: a process that is killed after each second result."""
    for _ in range(5):
        before = len(list(results.glob("*.task")))
        child = subprocess.Popen([windvane, "run", plan, "--results", results], stdout=-3, stderr=-3)
        while child.poll() is None and len(list(results.glob("*.task"))) < before + 2:
            time.sleep(0.001)
        child.kill()
        child.wait()
    print(f"  killed 5 times, {len(list(results.glob('*.task')))} results so far")
    one(windvane, plan, results)


def parallel(windvane, plan, results):
    """Engine: deploy/parallel.sh, whose results are beside the plan."""
    folder = results.with_name("parallel-folder")
    folder.mkdir()
    shutil.copy(plan, folder)
    path = {**os.environ, "PATH": f"{pathlib.Path(windvane).resolve().parent}:{os.environ['PATH']}"}
    run(HERE / "parallel.sh", folder / "plan.json", 2, env=path)
    shutil.copytree(folder / "results", results)


def slurm(windvane, plan, results):
    """Engine: deploy/slurm.sh as an array of seven shards, two at a time."""
    folder = results.with_name("slurm-folder")
    folder.mkdir()
    shutil.copy(plan, folder)
    path = f"{pathlib.Path(windvane).resolve().parent}:{os.environ['PATH']}"
    exported = f"ALL,PLAN={folder / 'plan.json'},BUNDLES={SHARDS}"
    array = f"--array=0-{SHARDS - 1}%2"
    script = HERE / "slurm.sh"
    environment = {**os.environ, "PATH": path}
    print("  " + run("sbatch", "--wait", array, f"--export={exported}", f"--output={folder}/%a.log", script, env=environment).strip())
    shutil.copytree(folder / "results", results)


def python(backend):
    """Engine: windvane.sweep, or its functions if the package is not built."""

    def sweep(windvane, plan, results):
        folder = str(HERE.parent / "python")
        sys.path.insert(0, folder)
        os.environ["PYTHONPATH"] = folder  # of the workers
        import windvane as package

        out = results.with_name(results.name + "-own-report")
        options = {"results": results, "out": out, "command": [str(pathlib.Path(windvane).resolve())]}
        if backend == "dask":
            from distributed import Client

            with Client(processes=True, n_workers=2, threads_per_worker=1, dashboard_address=None) as client:
                package.sweep(plan, backend=backend, client=client, **options)
        else:
            package.sweep(plan, backend=backend, **options)

    return sweep


ENGINES = {
    "one": (one, lambda: True),
    "two": (shards(2), lambda: True),
    "seven": (shards(SHARDS), lambda: True),
    "killed": (killed, lambda: True),
    "parallel": (parallel, lambda: shutil.which("parallel")),
    "slurm": (slurm, lambda: shutil.which("sbatch") and subprocess.run(["sinfo"], capture_output=True).returncode == 0),
    "local": (python("local"), lambda: importlib.util.find_spec("narwhals")),
    "dask": (python("dask"), lambda: importlib.util.find_spec("distributed")),
    "ray": (python("ray"), lambda: importlib.util.find_spec("ray")),
}


def main():
    windvane, names = str(pathlib.Path(sys.argv[1]).resolve()), sys.argv[2:] or list(ENGINES)
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(temporary)
        plan = folder / "plan.json"
        print(run(windvane, "plan", HERE / "sweep.toml", "--output", plan).splitlines()[0])
        expected = None
        for name in ["one", *(name for name in names if name != "one")]:
            engine, available = ENGINES[name]
            if not available():
                print(f"{name}: skipped, not installed")
                continue
            results, started = folder / name, time.monotonic()
            engine(windvane, plan, results)
            seconds = time.monotonic() - started
            text = report(windvane, plan, results)
            expected = expected or text
            if text != expected:
                sys.exit(f"{name}: the reports differ from those of one process")
            print(f"{name}: {seconds:.1f} s, the same {len(text):,} bytes")


if __name__ == "__main__":
    main()
