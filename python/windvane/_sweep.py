"""Sweeps: the bundles of a plan on the cores of this machine, on Dask or on Ray."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import closing
from pathlib import Path
from typing import Any, Literal

Command = list[str]


def run_bundle(command: Command, threads: int) -> None:
    """Runs a command of a plan; it is called on the worker of a backend."""
    environment = {**os.environ, "RAYON_NUM_THREADS": str(threads)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr.strip() or f'exit status {done.returncode}'}")


def run_local(
    commands: Sequence[Command], threads: int, retries: int, workers: int | None
) -> Generator[None, None, None]:
    """Runs the commands on this machine, and yields after each."""

    def attempt(command: Command) -> None:
        for left in range(retries, -1, -1):
            try:
                run_bundle(command, threads)
                return
            except RuntimeError:
                if left == 0:
                    raise

    pool = ThreadPoolExecutor(workers or max(1, (os.cpu_count() or 1) // threads))
    try:
        for future in as_completed([pool.submit(attempt, command) for command in commands]):
            yield future.result()
    finally:
        # After an error or an interrupt the bundles that have not started are cancelled.
        pool.shutdown(wait=True, cancel_futures=True)


def sweep(
    plan: str | os.PathLike[str],
    *,
    backend: Literal["local", "dask", "ray"] = "local",
    results: str | os.PathLike[str] | None = None,
    out: str | os.PathLike[str] | None = None,
    workers: int | None = None,
    threads: int = 1,
    retries: int = 2,
    client: Any = None,
    command: Sequence[str] = ("windvane",),
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, Any]:
    """Runs the bundles of a plan (``windvane plan``), merges their results and returns the report of the sweep.

    Every worker needs the command ``windvane`` and the paths of the plan, its data and the results. A bundle that
    fails, or whose worker is lost, is repeated up to ``retries`` times; it continues from the results that it has
    stored. An interrupt cancels the bundles that wait, and another call continues the sweep.

    ``threads`` is the number of threads of a bundle, ``workers`` the number of bundles at a time with the backend
    local, ``client`` the ``distributed.Client`` of the backend dask. ``progress`` is called with the number of
    finished bundles and of all bundles.
    """
    plan = Path(plan).absolute()
    results = Path(results).absolute() if results is not None else plan.parent / "results"
    out = Path(out).absolute() if out is not None else plan.parent / "report"
    bundles = len(json.loads(plan.read_text())["bundles"])
    run = [*command, "run", str(plan), "--results", str(results), "--of", str(bundles), "--index"]
    commands = [[*run, str(index)] for index in range(bundles)]
    if backend == "local":
        finished = run_local(commands, threads, retries, workers)
    elif backend == "dask":
        from windvane.dask import run_dask

        finished = run_dask(commands, threads, retries, client)
    elif backend == "ray":
        from windvane.ray import run_ray

        finished = run_ray(commands, threads, retries)
    else:
        raise ValueError(f"backend is {backend!r}, expected local, dask or ray")
    with closing(finished):
        for done, _ in enumerate(finished, 1):
            if progress is not None:
                progress(done, bundles)
    run_bundle([*command, "merge", str(plan), "--results", str(results), "--out", str(out)], os.cpu_count() or 1)
    report: dict[str, Any] = json.loads((out / "report.json").read_text())
    return report
