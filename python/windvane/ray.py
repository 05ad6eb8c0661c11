"""Bundles of a sweep on Ray: the backend ``ray`` of :func:`windvane.sweep`."""

from __future__ import annotations

from collections.abc import Generator, Sequence

from windvane._sweep import Command, run_bundle


def run_ray(commands: Sequence[Command], threads: int, retries: int) -> Generator[None, None, None]:
    """Runs the commands on Ray, with as many cores each as threads, and yields after each.

    ``ray.init`` is called unless the process is connected. Ray repeats the bundles of a lost worker.
    """
    import ray

    if not ray.is_initialized():
        ray.init()
    remote = ray.remote(num_cpus=threads, max_retries=retries, retry_exceptions=True)(run_bundle)
    waiting = [remote.remote(command, threads) for command in commands]
    try:
        while waiting:
            done, waiting = ray.wait(waiting)
            yield from ray.get(done)
    finally:
        # After an error or an interrupt the bundles that have not finished are cancelled.
        for reference in waiting:
            ray.cancel(reference, force=True)
