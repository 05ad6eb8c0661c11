"""Signals, training, backtests, panels and audits."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

import windvane

from .conftest import PRICES, ROOT, SAMPLE, column, head, part, reference, simulated


def test_signals_are_the_rows_of_the_spec(bitcoin: windvane.Candles, kind: Any) -> None:
    frame = kind(head(bitcoin, 200))
    table = windvane.signals(frame, ["momentum", "rsi(period=21)"])
    assert type(table) is type(frame)
    close = bitcoin["close"]
    momentum = column(table, "momentum")
    assert momentum[150] == (close[150] - close[149]) / close[149]
    assert np.isnan(momentum[20].astype(float)) and not np.isnan(column(table, "rsi(period=21)")[21])
    changed = head(bitcoin, 200)
    changed["close"] = changed["close"].copy()
    changed["close"][150:] = changed["low"][150:]
    later = windvane.signals(kind(changed), ["momentum", "rsi(period=21)"])
    for name in ("momentum", "rsi(period=21)"):
        assert np.array_equal(column(table, name)[:150], column(later, name)[:150], equal_nan=True)


def test_signals_accept_sets_and_specs_of_models(bitcoin: windvane.Candles, model: windvane.Model) -> None:
    candles = part(bitcoin, 0, 300)
    six = windvane.signals(candles)
    assert all(
        np.array_equal(six[name], of, equal_nan=True) for name, of in windvane.signals(candles, model.spec).items()
    )
    assert len(windvane.signals(candles, "price-action")) == 21
    other = windvane.signals(candles, ["leader_return(ETHUSDT)"], others={"ETHUSDT": candles})
    assert np.isfinite(other["leader_return(ETHUSDT)"][200])
    for spec, message in [
        (["rsi(time=21)"], "time"),
        (["nonsense"], "nonsense"),
        ("nonsense", "six"),
        ({"channels": []}, "spec"),
        (["leader_return(ETHUSDT)"], "ETHUSDT"),
    ]:
        with pytest.raises(windvane.Error, match=message):
            windvane.signals(candles, spec)


def test_fit_is_repeatable_and_reports_progress(bitcoin: windvane.Candles, kind: Any, tmp_path: Any) -> None:
    steps: list[tuple[int, int, str]] = []
    settings: dict[str, Any] = {"validate_from": "2022-02-10", "seed": 7, "average_seeds": 1, "epochs": 2}
    candles = head(bitcoin, 1200)
    reference = windvane.fit({"BTCUSDT": candles}, **settings)
    model = windvane.fit({"BTCUSDT": kind(candles)}, **settings, progress=lambda *step: steps.append(step))
    assert [(done, total) for done, total, _ in steps] == [(1, 2), (2, 2)]
    assert steps[0][2].startswith("v32: loss 0.")
    for place, one in enumerate((reference, model)):
        one.save(tmp_path / str(place))
    assert (tmp_path / "0").read_bytes() == (tmp_path / "1").read_bytes()
    assert model.record is not None
    assert (model.record["seed"], model.record["pairs"], model.record["epochs"]) == (7, ["BTCUSDT"], 2)
    assert model.spec["signals"]["gaps"] == {"policy": "reset"}


def test_fit_averages_three_seeds_of_v32_unless_told_otherwise(bitcoin: windvane.Candles) -> None:
    steps: list[tuple[int, int, str]] = []
    model = windvane.fit({"A": head(bitcoin, 1000)}, epochs=1, progress=lambda *step: steps.append(step))
    assert model.id == "v32"
    assert [(done, total) for done, total, _ in steps] == [(1, 1)] * 3
    report = windvane.backtest({"A": head(bitcoin, 1000)}, models=["v32"], average_seeds=2, epochs=1, folds=1)
    assert json.loads(report.json())["run"]["model_descriptions"]["v32"].endswith("mean of 2 seeds")


def test_fit_and_backtest_have_the_bits_of_rust(tmp_path: Any) -> None:
    for instrument in ("FB", "NVDA"):
        csv = SAMPLE / f"{instrument}.csv"
        candles = {"PAIR": pl.DataFrame(windvane.read(csv))}
        report = windvane.backtest(candles, models=["v2", "logistic"], folds=2, seed=3)
        reference("backtest", csv, tmp_path / "report")
        reports = [json.loads(text) for text in (report.json(), (tmp_path / "report").read_text())]
        for one in reports:
            del one["timing"], one["run"]["model_descriptions"]
        assert reports[0] == reports[1]
    candles = {"PAIR": windvane.read(SAMPLE / "BTCUSDT.csv", "PAIR")}
    windvane.fit(candles, model="logistic", seed=7).save(tmp_path / "python")
    reference("fit", SAMPLE / "BTCUSDT.csv", tmp_path / "rust")
    assert (tmp_path / "python").read_bytes() == (tmp_path / "rust").read_bytes()


def test_fit_uses_only_candles_before_the_validation(bitcoin: windvane.Candles) -> None:
    candles = head(bitcoin, 1500)
    changed = {name: values.copy() for name, values in candles.items()}
    for name in ("open", "high", "low", "close"):
        changed[name][1200:] *= 3.0
    fitted = [
        windvane.fit({"A": frame}, model="v2-learned", validate_from=candles["time"][1200], spec="six")
        for frame in (candles, changed)
    ]
    records = [model.record for model in fitted]
    assert records[0] is not None and records[1] is not None
    assert records[0]["train_loss"] == records[1]["train_loss"]
    assert records[0]["until"] == records[1]["until"]


def test_fit_infers_sessions_and_pools_pairs() -> None:
    open_hours = np.arange(2000) % 24 < 8
    candles = {name: values[open_hours] for name, values in simulated(2000, 1).items()}
    model = windvane.fit({"A": candles, "B": pd.DataFrame(candles)}, model="logistic")
    assert model.spec["signals"]["gaps"] == {"policy": "sessions", "max_missing": 168}
    assert model.record is not None and model.record["pairs"] == ["A", "B"]
    assert np.isfinite(model.predict(candles)["p_up"][100:]).all()


def test_fit_errors_name_pair_and_setting(bitcoin: windvane.Candles) -> None:
    candles = head(bitcoin, 300)
    cases: list[tuple[Any, dict[str, Any], str]] = [
        ({"A": {**candles, "close": -candles["close"]}}, {}, "A: candle 0"),
        ({"A": candles}, {"model": "v9"}, "unknown model"),
        ({"A": candles}, {"validate_from": "2030-01-01"}, "validation"),
        ({"A": candles}, {"lookback": 0}, "lookback"),
        ({"A": candles}, {"horizon": 0}, "horizon"),
        ({}, {}, "at least one pair"),
        (candles, {}, "dict of pairs"),
        ({"A": candles, "B": part(candles, 0, 300) | {"time": candles["time"][0] + np.arange(300) * 60_000}}, {}, "1m"),
    ]
    for frames, settings, message in cases:
        with pytest.raises(windvane.Error, match=message):
            windvane.fit(frames, **settings)


def test_exception_of_the_callback_stops_the_training(bitcoin: windvane.Candles) -> None:
    class Enough(Exception):
        pass

    calls = 0

    def progress(done: int, total: int, text: str) -> None:
        nonlocal calls
        calls += 1
        raise Enough

    with pytest.raises(Enough):
        windvane.fit({"A": head(bitcoin, 1000)}, epochs=500, progress=progress)
    assert calls == 1
    with pytest.raises(Enough):
        windvane.backtest({"A": head(bitcoin, 1000)}, models=["v2", "v32"], epochs=500, progress=progress)


def test_backtest_reports_a_predictable_market(kind: Any) -> None:
    steps: list[tuple[int, int, str]] = []
    frame = kind(simulated(1500, 3, follow=-0.6))
    settings: dict[str, Any] = {"models": ["v2-learned"], "costs": [1.0, 5.0], "seed": 3, "folds": 2}
    report = windvane.backtest({"SIM": frame}, **settings, progress=lambda *step: steps.append(step))
    assert sorted(done for done, _, _ in steps) == list(range(1, steps[0][1] + 1))
    table = report.to_frame()
    assert type(table) is type(frame) or isinstance(table, dict)
    row = list(column(table, "scope")).index("instrument")
    assert (column(table, "model")[row], column(table, "instrument")[row]) == ("v2-learned", "SIM")
    assert column(table, "accuracy")[row] > 0.55
    assert column(table, "low")[row] < column(table, "accuracy")[row] < column(table, "high")[row]
    assert column(table, "net_5")[row] < column(table, "net_1")[row]
    assert json.loads(report.json())["run"]["seed"] == 3
    assert report.to_html().startswith("<!DOCTYPE html>")
    assert report._repr_html_().startswith("<iframe srcdoc=")
    assert report.to_markdown().startswith("# ")
    assert report.verdict in repr(report)


def test_backtest_is_repeatable() -> None:
    reports = []
    for _ in range(2):
        report = windvane.backtest({"SIM": simulated(900, 3)}, models=["v2", "v32"], epochs=1, folds=2)
        reports.append({**json.loads(report.json()), "timing": None})
    assert reports[0] == reports[1]
    for settings, message in [
        ({"models": []}, "no models"),
        ({"models": ["v2", "v2"]}, "two models"),
        ({"costs": [-1.0]}, "cost"),
        ({"folds": 0}, "folds"),
        ({"models": ["v9"]}, "unknown model"),
    ]:
        with pytest.raises(windvane.Error, match=message):
            windvane.backtest({"SIM": simulated(900, 3)}, **settings)


def test_panel_predictions_equal_the_batch(bitcoin: windvane.Candles, model: windvane.Model, tmp_path: Any) -> None:
    frames = {"A": part(bitcoin, 0, 120), "B": part(bitcoin, 0, 120)}
    frames["B"] = {**frames["B"], **{name: frames["B"][name] * 2 for name in ("open", "high", "low", "close")}}
    batch = {pair: model.predict(frame)["p_up"] for pair, frame in frames.items()}
    panel = windvane.PanelPredictor(model, ["A", "B"])
    panel.warm_up({pair: pl.DataFrame(part(frame, 0, 60)) for pair, frame in frames.items()})
    for row in range(60, 120):
        assert panel.waiting_for == []
        values = {pair: [frame[name][row] for name in ("time", *PRICES)] for pair, frame in frames.items()}
        if row == 100:
            panel.save_state(tmp_path / "state")
            panel = windvane.PanelPredictor(model, ["A", "B"])
            panel.load_state(tmp_path / "state")
        assert panel.update("B", *values["B"]) == []
        assert panel.waiting_for == ["A"]
        predictions = dict(panel.update("A", *values["A"]))
        assert {pair: prediction.p_up for pair, prediction in predictions.items()} == {
            pair: batch[pair][row] for pair in ("A", "B")
        }
    with pytest.raises(windvane.Error, match="C"):
        panel.update("C", *values["A"])
    assert panel.last_time is not None and panel.set_time("2023-01-01") == []


def test_audit_finds_a_centred_average(kind: Any) -> None:
    frame = kind(simulated(400, 5))

    def trailing(candles: Any) -> Any:
        close = pd.Series(column(candles, "close"))
        return close.rolling(5).mean().to_numpy()

    def centred(candles: Any) -> Any:
        assert type(candles) is type(frame)
        close = pd.Series(column(candles, "close"))
        return pd.DataFrame({"time": column(candles, "time"), "mean": close.rolling(5, center=True).mean()})

    clean = windvane.audit(trailing, frame)
    assert clean.is_clean and clean.leaks == []
    leaking = windvane.audit(centred, frame)
    assert "prefix" in leaking.leaks and not leaking.is_clean
    assert "the earliest is 2 candles before" in str(leaking)


def test_audit_passes_errors_of_the_function_on() -> None:
    def failing(candles: Any) -> Any:
        raise KeyError("volumes")

    with pytest.raises(KeyError, match="volumes"):
        windvane.audit(failing, simulated(400, 5))
    cases: list[tuple[Any, int, str]] = [
        (lambda candles: candles["close"][:-1], 400, "399 rows for 400 candles"),
        (lambda candles: np.random.default_rng().random(400), 400, "different outputs"),
        (lambda candles: candles["close"], 200, "at least 300 candles"),
        (lambda candles: {}, 400, "no feature"),
        (lambda candles: np.zeros((400, 2, 2)), 400, "3 dimensions"),
    ]
    for function, rows, message in cases:
        with pytest.raises(windvane.Error, match=message):
            windvane.audit(function, simulated(rows, 5))


def test_models_lists_the_catalog() -> None:
    assert {"v2", "logistic", "trees", "v3", "v31", "v32", "v32-stateful", "tuned"} <= windvane.models().keys()
    assert {"mixed", "stacked", "meta", "online", "regimes"} <= windvane.models().keys()
    manifest = (ROOT / "Cargo.toml").read_text()
    assert f'version = "{windvane.__version__}"' in manifest  # the version of all crates


@pytest.mark.parametrize("name", ["seed", "epochs", "lookback", "folds"])
def test_negative_counts_are_errors_of_the_package(name: str) -> None:
    candles = {"A": simulated(300, 1)}
    with pytest.raises(windvane.Error, match=f"{name}: expected a number of at least 0, got -1"):
        windvane.backtest(candles, models=["v2"], **{name: -1})
    if name != "folds":
        with pytest.raises(windvane.Error, match=f"{name}: expected"):
            windvane.fit(candles, model="v2", **{name: -1})


@pytest.mark.parametrize("count", [-1, 0, 1001])
def test_number_of_averaged_seeds_is_checked(count: int) -> None:
    candles = {"SIM": simulated(300, 1)}
    for fits in (windvane.fit, lambda candles, **settings: windvane.backtest(candles, models=["v2"], **settings)):
        with pytest.raises(windvane.Error, match=f"average_seeds: expected a number from 1 to 1000, got {count}"):
            fits(candles, average_seeds=count)
