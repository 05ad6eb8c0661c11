"""The examples run, and the adapter for FreqAI gives the predictions of the model."""

from __future__ import annotations

import functools
import io
import runpy
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import windvane

from .conftest import ROOT, SAMPLE

EXAMPLES = ROOT / "python/examples"


def last_candles(folder: Path) -> Path:
    """Writes the end of the sample, which suffices for the examples."""
    header, *rows = (SAMPLE / "BTCUSDT.csv").read_text().splitlines(keepends=True)
    (folder / "BTCUSDT.csv").write_text("".join([header, *rows[-4000:]]))
    return folder / "BTCUSDT.csv"


def test_walkthrough_runs(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sys, "argv", ["walkthrough.py", str(last_candles(tmp_path))])
    runpy.run_path(str(EXAMPLES / "walkthrough.py"))
    printed = capsys.readouterr().out
    assert "<Candles: 4000 of BTCUSDT, 1h>" in printed
    assert "prefix                LEAK" in printed


def test_blocks_of_the_guide_run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    page = (ROOT / "docs/python.md").read_text()
    blocks = [part.split("```")[0] for part in page.split("```python\n")[1:]]
    blocks = [block for block in blocks if "s3://" not in block]  # test_s3.py
    assert len(blocks) == 6
    monkeypatch.chdir(last_candles(tmp_path).parent)
    monkeypatch.setattr(windvane, "fit", functools.partial(windvane.fit, epochs=1))
    monkeypatch.setattr(windvane, "backtest", functools.partial(windvane.backtest, epochs=1, folds=1))
    monkeypatch.setattr(sys, "stderr", io.StringIO())  # the bar of tqdm
    names: dict[str, object] = {}
    for block in blocks:
        exec(block, names)
    assert (tmp_path / "report.html").stat().st_size > 10_000
    assert names["outcome"].prediction is not None  # type: ignore[attr-defined]


def test_freqai_adapter_predicts_as_the_model(bitcoin: windvane.Candles, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(EXAMPLES))
    import freqai_interface
    import freqai_windvane

    assert len((EXAMPLES / "freqai_windvane.py").read_text().splitlines()) <= 80
    frame = pd.DataFrame(bitcoin)[:1500].rename(columns={"time": "date"})
    frame["date"] = frame["date"].dt.tz_localize("UTC")
    frame["%-feature"] = 0.0
    adapter = freqai_windvane.WindvaneModel(
        {"freqai": {"model_training_parameters": {"model": "logistic", "seed": 3, "spec": ["momentum", "trend"]}}}
    )
    kitchen = freqai_interface.FreqaiDataKitchen(pair="BTC/USDT", training_features_list=["%-feature"])
    adapter.model = adapter.train(frame[:1000], "BTC/USDT", kitchen)
    settings = {"model": "logistic", "seed": 3, "spec": ["momentum", "trend"]}
    expected = windvane.fit({"BTC/USDT": pd.DataFrame(bitcoin)[:1000]}, **settings)
    reference = expected.predict(pd.DataFrame(bitcoin)[:1500])

    backtest, valid = adapter.predict(frame[1000:1400].reset_index(drop=True), kitchen)
    assert list(backtest.columns) == ["&-direction", "UP", "DOWN", "NEUTRAL"]
    assert valid.tolist() == [1] * 400
    assert np.array_equal(backtest["UP"], reference["p_up"][1000:1400])
    for last in range(1401, 1405):  # live: freqtrade passes the last rows only
        tail, valid = adapter.predict(frame[last - 1 : last], kitchen, first=False)
        assert tail["&-direction"].tolist() == [reference["direction"][last - 1]]
        assert tail["UP"].tolist() == [reference["p_up"][last - 1]]
    fresh = freqai_windvane.WindvaneModel({"freqai": {}})
    fresh.model = adapter.model
    first, valid = fresh.predict(frame[:100], kitchen)
    assert valid.sum() == 100 - 39  # 20 rows of warm-up and a window of 20
    assert first["&-direction"][:39].tolist() == ["NEUTRAL"] * 39
