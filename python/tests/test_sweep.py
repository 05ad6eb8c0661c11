"""``windvane.sweep`` with a stand-in for the command ``windvane``, which logs its calls."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

import windvane

COMMAND = """
import json, os, pathlib, signal, sys
command, plan, *options = sys.argv[1:]
options = dict(zip(options[::2], options[1::2]))
results = pathlib.Path(options["--results"])
results.mkdir(exist_ok=True)
if command == "run":
    index = options["--index"]
    attempts = results / f"{index}.attempts"
    attempts.write_text(attempts.read_text() + "x" if attempts.exists() else "x")
    if index == FAILS and len(attempts.read_text()) <= TIMES:
        if KILLS:  # the worker that runs the command
            os.kill(os.getppid(), signal.SIGKILL)
        sys.exit("error: no luck")
    (results / f"{index}.done").write_text(options["--of"] + os.environ["RAYON_NUM_THREADS"])
else:
    out = pathlib.Path(options["--out"])
    out.mkdir()
    done = sorted(path.name for path in results.glob("*.done"))
    (out / "report.json").write_text(json.dumps({"done": done}))
"""


@pytest.fixture
def plan(tmp_path: Path) -> Path:
    file = tmp_path / "plan.json"
    file.write_text(json.dumps({"bundles": [{}] * 5}))
    return file


def command(folder: Path, fails: str = "", times: int = 0, kills: bool = False) -> list[str]:
    script = folder / "command.py"
    text = COMMAND.replace("FAILS", repr(fails)).replace("TIMES", str(times)).replace("KILLS", str(kills))
    script.write_text(text)
    return [sys.executable, str(script)]


def client() -> Any:
    distributed = pytest.importorskip("distributed")
    return distributed.Client(processes=True, n_workers=2, threads_per_worker=1, dashboard_address=None)


def test_sweep_runs_every_bundle_and_merges(plan: Path) -> None:
    seen: list[tuple[int, int]] = []
    report = windvane.sweep(plan, command=command(plan.parent), progress=lambda *done: seen.append(done), threads=3)
    assert report == {"done": [f"{index}.done" for index in range(5)]}
    assert seen == [(done, 5) for done in range(1, 6)]
    assert (plan.parent / "results" / "4.done").read_text() == "53"


def test_sweep_repeats_a_bundle_that_fails(plan: Path) -> None:
    report = windvane.sweep(plan, command=command(plan.parent, "3", 2), workers=2)
    assert len(report["done"]) == 5
    assert (plan.parent / "results" / "3.attempts").read_text() == "xxx"


def test_sweep_reports_the_error_of_a_bundle(plan: Path) -> None:
    with pytest.raises(RuntimeError, match="--index 3: error: no luck"):
        windvane.sweep(plan, command=command(plan.parent, "3", 9), retries=1)
    assert not (plan.parent / "report").exists()


def test_sweep_stops_with_its_callback(plan: Path) -> None:
    def stop(done: int, of: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        windvane.sweep(plan, command=command(plan.parent), workers=1, progress=stop)
    assert not (plan.parent / "results" / "4.done").exists()


def test_sweep_rejects_unknown_backend(plan: Path) -> None:
    with pytest.raises(ValueError, match="expected local, dask or ray"):
        windvane.sweep(plan, backend="cluster")  # type: ignore[arg-type]


def test_sweep_on_dask(plan: Path) -> None:
    with client() as workers:
        report = windvane.sweep(plan, backend="dask", client=workers, command=command(plan.parent, "1", 1))
        assert len(report["done"]) == 5
        with pytest.raises(RuntimeError, match="no luck"):
            windvane.sweep(plan, backend="dask", client=workers, command=command(plan.parent, "1", 9), retries=0)


def test_sweep_on_dask_repeats_the_bundle_of_a_killed_worker(plan: Path) -> None:
    with client() as workers:
        killing = command(plan.parent, "1", 1, kills=True)
        report = windvane.sweep(plan, backend="dask", client=workers, command=killing)
    assert len(report["done"]) == 5
    assert (plan.parent / "results" / "1.attempts").read_text() == "xx"


def test_sweep_on_ray_repeats_the_bundle_of_a_killed_worker(plan: Path) -> None:
    ray = pytest.importorskip("ray")
    ray.init(num_cpus=2, include_dashboard=False)
    try:
        killing = command(plan.parent, "1", 1, kills=True)
        report = windvane.sweep(plan, backend="ray", command=killing)
    finally:
        ray.shutdown()
    assert len(report["done"]) == 5
    assert (plan.parent / "results" / "1.attempts").read_text() == "xx"
