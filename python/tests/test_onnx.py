"""ONNX files: the probabilities of another runtime on the sample."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest

import windvane

from .conftest import MODELS, ROOT, column, reference

NETWORKS = ["v32", "v3", "v31", "v32-stateful", "gru", "gru-stateful", "tcn", "transformer", "mlp", "network"]
OTHERS = ["v2", "v2-learned", "logistic", "trees"]
ENSEMBLES = ROOT / "crates/ensemble/tests/data"
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


def stateful(session: onnxruntime.InferenceSession, rows: np.ndarray, lookback: int) -> np.ndarray:
    """Probabilities row by row, with the states of the rows before."""
    inputs = {each.name: each.shape[1] for each in session.get_inputs()}
    reads_row = inputs.pop("row", None) is not None
    if not reads_row:
        inputs.pop("window")
    state = {name: np.zeros((1, size), dtype=np.float32) for name, size in inputs.items()}
    found = np.full((len(rows), 3), np.nan, dtype=np.float32)
    names = [output.name for output in session.get_outputs()]
    first = 0
    for place, row in enumerate(rows):
        if np.isnan(row).any():
            state = {name: np.zeros_like(value) for name, value in state.items()}
            first = place + 1
            continue
        # Before there are enough rows, the first one is repeated: only the state counts then.
        window = rows[np.maximum(np.arange(place + 1 - lookback, place + 1), first)]
        own = {"row": row[np.newaxis]} if reads_row else {"window": window[np.newaxis]}
        outputs = dict(zip(names, session.run(None, {**own, **state}), strict=True))
        state = {name: outputs[f"{name}_out"] for name in state}
        found[place] = outputs["probabilities"][0]
    return found


def checked(model: windvane.Model) -> onnxruntime.InferenceSession:
    """Session of a model's file, which is valid and has the model's card."""
    file = model.to_onnx()
    onnx.checker.check_model(file, full_check=True)
    metadata = {entry.key: entry.value for entry in onnx.load_from_string(file).metadata_props}
    assert json.loads(metadata["windvane"])["spec"] == model.spec
    return onnxruntime.InferenceSession(file)


def difference(model: windvane.Model, candles: windvane.Candles, count: int | None = None) -> float:
    """Largest difference of a probability between the file and the model."""
    session = checked(model)
    candles = {name: values[:count] for name, values in candles.items()}
    lookback = model.spec["lookback"]
    rows, wanted = rows_of(model, candles), expected(model, candles)
    run = stateless if [each.name for each in session.get_inputs()] == ["window"] else stateful
    found = run(session, rows, lookback)
    predicted = ~np.isnan(wanted[:, 0])
    assert predicted.sum() > 0.9 * len(rows)
    return float(np.abs(found[predicted] - wanted[predicted]).max())


@pytest.mark.parametrize("name", ["pretrained", *NETWORKS, *OTHERS])
def test_onnx_has_the_probabilities_of_the_model(name: str, bitcoin: windvane.Candles) -> None:
    pretrained = name == "pretrained"
    model = windvane.Model.pretrained() if pretrained else windvane.Model.load(MODELS / f"{name}.format1.safetensors")
    assert difference(model, bitcoin, 3_000 if "stateful" in name else None) <= TOLERANCE


def saved(*names: str) -> list[str]:
    return [str(MODELS / f"{name}.format1.safetensors") for name in names]


def ensemble(folder: Path, voting: str, agreement: float, models: list[str]) -> windvane.Model:
    reference("ensemble", folder / "votes", voting, agreement, *models)
    return windvane.Model.load(folder / "votes")


def test_onnx_of_a_saved_ensemble(bitcoin: windvane.Candles) -> None:
    # A soft vote of v3 and of a hard vote of v2 and v3.1, with a minimum agreement and a calibration.
    model = windvane.Model.load(ENSEMBLES / "ensemble.format1.safetensors")
    assert difference(model, bitcoin) <= TOLERANCE


@pytest.mark.parametrize("voting", ["soft", "hard"])
@pytest.mark.parametrize("agreement", [0.0, 0.6])
def test_onnx_of_an_ensemble(voting: str, agreement: float, tmp_path: Path, bitcoin: windvane.Candles) -> None:
    members = saved("v32", "logistic", "trees", "v2-learned", "mlp")
    model = ensemble(tmp_path, voting, agreement, members)
    assert difference(model, bitcoin, 5_000) <= TOLERANCE
    # Nested: the direction of the inner ensemble, which the agreement may make NEUTRAL, is one vote.
    (tmp_path / "votes").rename(tmp_path / "inner")
    outer = ensemble(tmp_path, "hard", 0.0, [str(tmp_path / "inner"), *saved("gru", "tcn")])
    assert difference(outer, bitcoin, 5_000) <= TOLERANCE


def test_onnx_of_an_ensemble_of_other_rows_and_channels(tmp_path: Path, bitcoin: windvane.Candles) -> None:
    candles = {"BTCUSDT": {name: values[:4_000] for name, values in bitcoin.items()}}
    narrow = windvane.fit(candles, model="logistic", spec=["rsi", "momentum"], lookback=7)
    narrow.save(tmp_path / "narrow")
    model = ensemble(tmp_path, "soft", 0.0, [str(tmp_path / "narrow"), *saved("v32")])
    assert (model.spec["lookback"], len(model.spec["signals"]["channels"])) == (20, 6)
    assert difference(model, bitcoin) <= TOLERANCE


def test_onnx_of_models_of_regimes(tmp_path: Path, bitcoin: windvane.Candles) -> None:
    candles = {"BTCUSDT": {name: values[:4_000] for name, values in bitcoin.items()}}
    for name, seed in [("trees", 1), ("logistic", 2)]:
        windvane.fit(candles, model=name, spec=["rsi", "regime"], lookback=5, seed=seed).save(tmp_path / name)
    reference("regimes", tmp_path / "gate", tmp_path / "trees", tmp_path / "logistic")
    model = windvane.Model.load(tmp_path / "gate")
    assert difference(model, bitcoin) <= TOLERANCE
    # As members of an ensemble.
    outer = ensemble(tmp_path, "hard", 0.0, [str(tmp_path / "gate"), *saved("v32")])
    assert difference(outer, bitcoin, 5_000) <= TOLERANCE


def test_onnx_of_models_of_regimes_with_their_own_terciles(bitcoin: windvane.Candles) -> None:
    candles = {"BTCUSDT": {name: values[:8_000] for name, values in bitcoin.items()}}
    model = windvane.fit(candles, model="regimes", seed=1)
    assert difference(model, bitcoin) <= TOLERANCE


def test_onnx_of_stateful_members(tmp_path: Path, bitcoin: windvane.Candles) -> None:
    model = ensemble(tmp_path, "soft", 0.0, saved("v32-stateful", "v32", "gru-stateful", "trees"))
    inputs = [each.name for each in checked(model).get_inputs()]
    assert inputs == ["window", "h_0", "c_0", "h_1"]
    assert difference(model, bitcoin, 2_000) <= TOLERANCE


def test_onnx_of_a_fitted_ensemble(bitcoin: windvane.Candles) -> None:
    candles = {"BTCUSDT": {name: values[:3_000] for name, values in bitcoin.items()}}
    model = windvane.fit(candles, model="original", epochs=1)
    assert difference(model, bitcoin, 5_000) <= TOLERANCE


@pytest.mark.parametrize("name", ["stacked", "meta", "fixed-share"])
def test_onnx_of_an_ensemble_that_reads_more_than_the_window_is_an_error(name: str) -> None:
    model = windvane.Model.load(ENSEMBLES / f"{name}.format1.safetensors")
    with pytest.raises(windvane.Error, match="cannot be an ONNX file: its (second model|weights)"):
        model.to_onnx()


def tree_thresholds(file: bytes) -> tuple[np.ndarray, np.ndarray]:
    """Input and threshold of every split."""
    (node,) = [node for node in onnx.load_from_string(file).graph.node if node.op_type == "TreeEnsembleRegressor"]
    attributes = {each.name: onnx.helper.get_attribute_value(each) for each in node.attribute}
    is_split = np.array(attributes["nodes_modes"]) != b"LEAF"
    thresholds = onnx.numpy_helper.to_array(attributes["nodes_values_as_tensor"])
    return np.array(attributes["nodes_featureids"])[is_split], thresholds[is_split]


def windows_difference(path: Path, windows: np.ndarray, folder: Path) -> float:
    """Largest difference of a probability over raw windows, missing values included."""
    windows.astype("<f8").tofile(folder / "windows")
    lines = reference("windows", path, folder / "windows").split()
    bits = np.array([line.split(",") for line in lines], dtype=np.uint32)
    (found,) = checked(windvane.Model.load(path)).run(None, {"window": windows})
    return float(np.abs(found - bits.view(np.float32)).max())


def test_onnx_trees_route_values_at_their_thresholds(tmp_path: Path, bitcoin: windvane.Candles) -> None:
    path = MODELS / "trees.format1.safetensors"
    model = windvane.Model.load(path)
    inputs, thresholds = tree_thresholds(model.to_onnx())
    rows = rows_of(model, bitcoin)
    lookback = model.spec["lookback"]
    flat = np.lib.stride_tricks.sliding_window_view(rows, lookback, axis=0)[5_000].T.ravel()
    windows = []
    for at, threshold in zip(inputs, thresholds, strict=True):
        for value in [threshold, np.nextafter(threshold, -np.inf), np.nextafter(threshold, np.inf), np.nan, 0.0]:
            window = flat.copy()
            window[at] = value
            windows.append(window)
    # The next f64 after a threshold is the same f32.
    assert (np.nextafter(thresholds, np.inf).astype(np.float32) == thresholds.astype(np.float32)).mean() > 0.9
    shaped = np.array(windows).reshape(len(windows), lookback, -1)
    assert windows_difference(path, shaped, tmp_path) <= TOLERANCE


def test_onnx_trees_treat_missing_values_like_the_model(tmp_path: Path) -> None:
    # Trees of one split each on the RSI: all kinds of missing values, both default children.
    trees, thresholds = [], [-1.5, -1e-40, 0.0, 1e-40, 0.3]
    for missing in range(3):
        for default_left in range(2):
            for threshold in thresholds:
                value = 0.01 * (1 + 0.618 * len(trees) % 1)
                trees.append(
                    f"Tree={len(trees)}\nnum_leaves=2\nnum_cat=0\nsplit_feature=2\nsplit_gain=1\n"
                    f"threshold={threshold}\ndecision_type={missing << 2 | default_left << 1}\n"
                    f"left_child=-1\nright_child=-2\nleaf_value={value!r} {-value!r}\nis_linear=0\n"
                )
    head = "tree\nversion=v4\nnum_tree_per_iteration=1\nmax_feature_idx=5\nobjective=binary sigmoid:1\n"
    text = head + f"tree_sizes={' '.join('1' for _ in trees)}\n\n" + "\n".join(trees) + "\nend of trees\n"
    (tmp_path / "model.txt").write_text(text)
    reference("lightgbm", tmp_path / "model.txt", tmp_path / "trees")
    values = [np.nan, 0.0, -0.0, 1e-40, -1e-40, 1e-30, -1e-30, 0.3, 0.30000001, -1.5, 2.0, np.inf, -np.inf]
    windows = np.zeros((len(values), 2, 6))
    windows[:, 1, 2] = values
    assert windows_difference(tmp_path / "trees", windows, tmp_path) <= TOLERANCE
    # The values do not all have the same probabilities.
    (found,) = checked(windvane.Model.load(tmp_path / "trees")).run(None, {"window": windows})
    assert len(np.unique(found[:, 0])) >= 5
