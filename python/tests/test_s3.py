"""Candles of a partitioned folder in an object store, read by polars as in docs/python.md."""

from __future__ import annotations

import io
import urllib.request
from collections.abc import Iterator

import polars as pl
import pytest
from moto.server import ThreadedMotoServer

import windvane

from .conftest import ROOT


@pytest.fixture
def store() -> Iterator[dict[str, str]]:
    server = ThreadedMotoServer(port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield {
        "aws_endpoint_url": f"http://{host}:{port}",
        "aws_allow_http": "true",
        "aws_access_key_id": "any",
        "aws_secret_access_key": "any",
        "aws_region": "us-east-1",
    }
    server.stop()


def put(store: dict[str, str], path: str, body: bytes = b"") -> None:
    url, kind = f"{store['aws_endpoint_url']}/{path}", {"Content-Type": "application/octet-stream"}
    request = urllib.request.Request(url, data=body, headers=kind, method="PUT")
    urllib.request.urlopen(request, timeout=10).close()


def test_candles_of_an_object_store_predict_like_local_ones(
    store: dict[str, str], model: windvane.Model, bitcoin: windvane.Candles
) -> None:
    whole = pl.DataFrame(dict(bitcoin))
    local = {"BTCUSDT": whole, "ETHUSDT": whole.tail(3_000)}
    put(store, "candles")
    for pair, frame in local.items():
        for (year,), rows in frame.group_by(pl.col("time").dt.year()):
            file = io.BytesIO()
            rows.write_parquet(file)
            put(store, f"candles/pair={pair}/year={year}/rows.parquet", file.getvalue())
    page = (ROOT / "docs/python.md").read_text()
    (recipe,) = (part.split("```")[0] for part in page.split("```python\n") if "s3://" in part.split("```")[0])
    lines = [line for line in recipe.splitlines() if not line.startswith("store =")]
    names = {"store": store, "model": model}
    exec("\n".join(lines), names)
    candles = names["candles"].select(whole.columns).sort("time").collect()  # type: ignore[attr-defined]
    assert candles.equals(local["ETHUSDT"])
    assert names["predictions"].equals(model.predict(local["ETHUSDT"]))  # type: ignore[attr-defined]
