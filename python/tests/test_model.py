"""Models and live predictors."""

from __future__ import annotations

import pickle
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import windvane

from .conftest import MODELS, SAMPLE, head, reference

FILES = sorted(path.name for path in MODELS.glob("*.format1.safetensors"))


def rust_predictions(csv: Path, model: Path | None) -> list[list[str]]:
    """Row, direction and bits of the probabilities of every prediction of a loop in Rust."""
    printed = reference("predict", csv, *([] if model is None else [model]))
    return [line.split(",") for line in printed.splitlines()]


@pytest.mark.parametrize("file", [None, *FILES])
def test_predictions_have_the_bits_of_rust(file: str | None, model: windvane.Model) -> None:
    path = None if file is None else MODELS / file
    model = model if path is None else windvane.Model.load(path)
    csv = SAMPLE / "BTCUSDT.csv" if file is None or "stateful" in file else SAMPLE / "EURUSD.csv"
    expected = rust_predictions(csv, path)
    assert len(expected) > 1000
    predictions = model.predict(windvane.read(csv))
    rows = [int(row) for row, *_ in expected]
    assert np.flatnonzero(~np.isnan(predictions["p_up"])).tolist() == rows
    assert list(predictions["direction"][rows]) == [direction for _, direction, *_ in expected]
    bits = np.array([[int(value) for value in values] for _, _, *values in expected], dtype=np.uint32)
    for place, name in enumerate(("p_up", "p_down", "p_neutral")):
        assert np.array_equal(predictions[name][rows].view(np.uint32), bits[:, place])


def rows_of(candles: dict[str, np.ndarray]) -> Any:
    return zip(*(candles[name].tolist() for name in ("time", "open", "high", "low", "close", "volume")), strict=True)


@pytest.mark.parametrize("name", ["pretrained", "v32-stateful.format1.safetensors", "trees.format1.safetensors"])
def test_live_predictions_equal_the_batch(name: str, bitcoin: windvane.Candles, model: windvane.Model) -> None:
    model = model if name == "pretrained" else windvane.Model.load(MODELS / name)
    candles = {name: values[10_500:11_500] for name, values in bitcoin.items()}  # with the gap of the sample
    batch = model.predict(candles)
    predictor = windvane.Predictor(model, "BTCUSDT")
    for row, values in enumerate(rows_of(candles)):
        prediction = predictor.update(*values).prediction
        if prediction is None:
            assert np.isnan(batch["p_up"][row])
        else:
            assert (prediction.p_up, prediction.p_down) == (batch["p_up"][row], batch["p_down"][row])
            assert (prediction.direction, prediction.confidence) == (
                batch["direction"][row],
                batch["confidence"][row],
            )
    assert predictor.stats["taken"] == 1000
    assert predictor.stats["missing"] == 1


def test_later_candles_change_no_prediction(bitcoin: windvane.Candles, model: windvane.Model) -> None:
    whole = model.predict(head(bitcoin, 400))["p_up"]
    changed = head(bitcoin, 400)
    for name in ("open", "high", "low", "close"):
        changed[name] = np.where(np.arange(400) < 300, changed[name], changed[name] * 2)
    assert whole[:300].tobytes() == model.predict(changed)["p_up"][:300].tobytes()
    assert whole[:300].tobytes() == model.predict(head(bitcoin, 300))["p_up"].tobytes()


def test_saved_model_predicts_the_same(bitcoin: windvane.Candles, model: windvane.Model, tmp_path: Path) -> None:
    model.save(tmp_path / "model.safetensors")
    loaded = windvane.Model.load(str(tmp_path / "model.safetensors"))
    assert loaded.id == model.id == "v32-pretrained"
    assert (loaded.spec, loaded.record) == (model.spec, model.record)
    assert loaded.spec["lookback"] == 20
    assert loaded.record is not None and loaded.record["pairs"] == ["BTCUSDT"]
    candles = head(bitcoin, 100)
    assert loaded.predict(candles)["p_up"].tobytes() == model.predict(candles)["p_up"].tobytes()
    assert (
        pickle.loads(pickle.dumps(model)).predict(candles)["p_up"].tobytes() == model.predict(candles)["p_up"].tobytes()
    )
    with pytest.raises(windvane.Error, match=r"none\.safetensors"):
        windvane.Model.load(tmp_path / "none.safetensors")
    (tmp_path / "damaged").write_bytes((tmp_path / "model.safetensors").read_bytes()[:-7])
    with pytest.raises(windvane.Error):
        windvane.Model.load(tmp_path / "damaged")


def test_predictor_warms_up_saves_and_continues(
    bitcoin: windvane.Candles, model: windvane.Model, kind: Any, tmp_path: Path
) -> None:
    rows = list(rows_of(head(bitcoin, 60)))
    predictor = windvane.Predictor(model, "BTCUSDT")
    assert predictor.candles_needed == 45
    outcome = predictor.update(*rows[0])
    assert (outcome.kind, outcome.accepted, outcome.prediction) == ("warming_up", True, None)
    assert str(outcome) == "warming up: 44 more candles until a prediction"
    assert str(predictor.update(*rows[0])) == "the candle of 2022-01-01T00:00:00Z is a duplicate"
    predictor.warm_up(kind(head(bitcoin, 50)))
    assert predictor.candles_needed == 0
    predictor.save_state(tmp_path / "state")
    restored = windvane.Predictor(model, "BTCUSDT")
    restored.load_state(tmp_path / "state")
    first, second = predictor.update(*rows[50]).prediction, restored.update(*rows[50]).prediction
    assert first is not None and second is not None
    assert (first.p_up, str(first), first.decided_at) == (second.p_up, str(second), second.decided_at)
    assert first.decided_at.isoformat() == "2022-01-03T03:00:00+00:00"
    assert restored.stats == predictor.stats


def test_predictor_refuses_wrong_input_and_keeps_its_state(
    bitcoin: windvane.Candles, model: windvane.Model, tmp_path: Path
) -> None:
    predictor = windvane.Predictor(model, "ETHUSDT", stop_at_gaps=True)
    with pytest.raises(windvane.Error, match="for ETHUSDT, but the history is of BTCUSDT"):
        predictor.warm_up(bitcoin)
    rows = list(rows_of(head(bitcoin, 60)))
    predictor.update(*rows[0])
    for values, message in [
        (rows[5], "missing from 2022-01-01T01:00:00Z"),
        (("2022-01-01 01:30", *rows[1][1:]), "grid of 1h"),
        ((rows[1][0], 1.0, 0.5, 2.0, 1.0, 1.0), "high"),
        ((rows[1][0], 1.0, float("nan"), 1.0, 1.0, 1.0), "high"),
    ]:
        with pytest.raises(windvane.Error, match=message):
            predictor.update(*values)
    assert predictor.update(*rows[1]).accepted
    (tmp_path / "state").write_bytes(b"no state")
    with pytest.raises(windvane.Error, match="state"):
        predictor.load_state(tmp_path / "state")
    with pytest.raises(windvane.Error, match="absent"):
        predictor.load_state(tmp_path / "absent")
    assert predictor.update(*rows[2]).accepted
    with pytest.raises(windvane.Error, match="name of a pair|character"):
        windvane.Predictor(model, "BTC USDT")


def test_predict_releases_the_interpreter(bitcoin: windvane.Candles) -> None:
    model, turns, done = windvane.Model.load(MODELS / "v31.format1.safetensors"), 0, threading.Event()
    worker = threading.Thread(target=lambda: (model.predict(bitcoin), done.set()))
    worker.start()
    while not done.is_set():
        turns += 1
        time.sleep(0.001)
    worker.join()
    assert turns >= 5
