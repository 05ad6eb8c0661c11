"""ONNX files: the probabilities of another runtime on the sample."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest

import windvane

from .conftest import MODELS, column

NETWORKS = ["v32", "v3", "v31", "v32-stateful", "gru", "gru-stateful", "tcn", "transformer", "mlp", "network"]
TOLERANCE = 1e-6


def rows_of(model: windvane.Model, candles: Any) -> np.ndarray:
    """Channel values of every candle."""
    table = windvane.signals(candles, model.spec)
    return np.column_stack([column(table, channel) for channel in table if channel != "time"])


def expected(model: windvane.Model, candles: Any) -> np.ndarray:
    predictions = model.predict(candles)
    return np.column_stack([predictions[name] for name in ("p_up", "p_down", "p_neutral")])


def stateless(session: onnxruntime.InferenceSession, rows: np.ndarray, lookback: int) -> np.ndarray:
    windows = np.lib.stride_tricks.sliding_window_view(rows, lookback, axis=0).transpose(0, 2, 1)
    found = np.full((len(rows), 3), np.nan, dtype=np.float32)
    complete = ~np.isnan(windows).any(axis=(1, 2))
    (found[lookback - 1 :][complete],) = session.run(None, {"window": windows[complete]})
    return found


def stateful(session: onnxruntime.InferenceSession, rows: np.ndarray) -> np.ndarray:
    sizes = {each.name: each.shape[1] for each in session.get_inputs() if each.name != "row"}
    state = {name: np.zeros((1, size), dtype=np.float32) for name, size in sizes.items()}
    found = np.full((len(rows), 3), np.nan, dtype=np.float32)
    names = [output.name for output in session.get_outputs()]
    for place, row in enumerate(rows):
        if np.isnan(row).any():
            state = {name: np.zeros_like(value) for name, value in state.items()}
            continue
        outputs = dict(zip(names, session.run(None, {"row": row[np.newaxis], **state}), strict=True))
        state = {name: outputs[f"{name}_out"] for name in state}
        found[place] = outputs["probabilities"][0]
    return found


@pytest.mark.parametrize("name", ["pretrained", *NETWORKS])
def test_onnx_has_the_probabilities_of_the_model(name: str, bitcoin: windvane.Candles) -> None:
    pretrained = name == "pretrained"
    model = windvane.Model.pretrained() if pretrained else windvane.Model.load(MODELS / f"{name}.format1.safetensors")
    file = model.to_onnx()
    onnx.checker.check_model(file, full_check=True)
    metadata = {entry.key: entry.value for entry in onnx.load_from_string(file).metadata_props}
    assert json.loads(metadata["windvane"])["spec"] == model.spec

    count = 3_000 if "stateful" in name else len(bitcoin["time"])
    candles = {name: values[:count] for name, values in bitcoin.items()}
    session = onnxruntime.InferenceSession(file)
    rows, wanted = rows_of(model, candles), expected(model, candles)
    found = stateful(session, rows) if "stateful" in name else stateless(session, rows, model.spec["lookback"])
    predicted = ~np.isnan(wanted[:, 0])
    assert predicted.sum() > 0.9 * count
    assert np.abs(found[predicted] - wanted[predicted]).max() <= TOLERANCE


def test_onnx_of_other_models_is_an_error() -> None:
    with pytest.raises(windvane.Error, match="is not a network"):
        windvane.Model.load(MODELS / "trees.format1.safetensors").to_onnx()
