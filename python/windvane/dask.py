"""Bundles of a sweep on Dask: the backend ``dask`` of :func:`windvane.sweep`."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import Any

from windvane._sweep import Command, run_bundle


def run_dask(
    commands: Sequence[Command], threads: int, retries: int, client: Any = None
) -> Generator[None, None, None]:
    """Runs the commands on a ``distributed.Client``, and yields after each.

    Without a client the current one of the process is used. Dask moves the bundles of a lost worker to another one.
    """
    from distributed import as_completed, get_client

    client = client if client is not None else get_client()
    futures = [client.submit(run_bundle, command, threads, retries=retries, pure=False) for command in commands]
    try:
        for future in as_completed(futures):
            yield future.result()
    finally:
        # After an error or an interrupt the bundles that have not started are cancelled.
        client.cancel(futures)
