"""Policies, labels, guards and session closes."""

from __future__ import annotations

import json
import pickle
from datetime import timedelta
from typing import Any

import numpy as np
import pytest

import windvane

from .conftest import PRICES, part, simulated


def test_policy_is_fitted_saved_and_followed(tmp_path: Any) -> None:
    candles = simulated(1500, 3, follow=-0.6)
    settings: dict[str, Any] = {"model": "v2-learned", "validate_from": candles["time"][1000]}
    model = windvane.fit({"SIM": candles}, **settings, policy=windvane.Policy(share=0.1, max_holding=3))
    assert windvane.fit({"SIM": candles}, **settings).policy is None
    assert model.policy is not None
    assert model.policy["config"] == {
        "share": 0.1, "exit": 0.0, "max_holding": 3, "long_only": False, "size": "full"
    }  # fmt: skip
    assert model.policy["scores"] == 500 and model.policy["entry"] > 0.0
    model.save(tmp_path / "model")
    loaded = windvane.Model.load(tmp_path / "model")
    assert loaded.policy == model.policy == pickle.loads(pickle.dumps(model)).policy

    predictor, tracker = windvane.Predictor(loaded, "SIM"), windvane.PositionTracker(loaded)
    predictor.warm_up(part(candles, 0, 1000))
    tracker.warm_up(part(candles, 0, 1000))
    positions = []
    for row in range(1000, 1500):
        values = tuple(candles[name][row] for name in ("time", *PRICES))
        if row == 1200:
            tracker = windvane.PositionTracker.from_json(tracker.to_json())
        positions.append(tracker.on_outcome(values, predictor.update(*values)))
        assert tracker.position == positions[-1]
    assert set(positions) == {-1.0, 0.0, 1.0}
    # One in ten enters, and most are held for up to three candles.
    assert 0.1 < np.mean(np.abs(positions)) < 0.35
    assert tracker.on_outcome(values, predictor.update(*values)) == positions[-1]  # a duplicate


def test_backtest_reports_the_given_policies_and_costs() -> None:
    rare = windvane.Policy(share=0.02, exit=0.5, long_only=True, size="proportional")
    settings: dict[str, Any] = {"models": ["v2"], "folds": 2, "costs": [1.0, 7.5]}
    names = []
    for policy in (None, rare, [windvane.Policy(share=1.0), rare]):
        report = windvane.backtest({"SIM": simulated(900, 3)}, **settings, policy=policy)
        rows = json.loads(report.json())["results"]
        economics = next(row["economics"] for row in rows if row["economics"])
        names.append([one["name"] for one in economics["policies"]])
    text = "top 2 %, leave at 50 % of the entry, long only, proportional"
    assert len(names[0]) == 4 and names[1:] == [[text], ["every candle", text]]
    with pytest.raises(windvane.Error, match="share of a policy"):
        windvane.backtest({"SIM": simulated(900, 3)}, **settings, policy=windvane.Policy(share=0.0))
    with pytest.raises(windvane.Error, match="expected `full` or `proportional`"):
        wrong: Any = "half"
        windvane.fit({"SIM": simulated(900, 3)}, policy=windvane.Policy(size=wrong))
    with pytest.raises(windvane.Error, match="has no policy"):
        windvane.PositionTracker(windvane.Model.pretrained())


def test_labels_have_the_text_form_of_the_command() -> None:
    frames = {"SIM": simulated(600, 3)}
    for label, horizon in [("horizon:3", 3), ("barrier:2,12", 12), ("cost:7.5,2", 2)]:
        model = windvane.fit(frames, model="v2-learned", label=label)
        assert model.spec["labels"]["horizon"] == horizon
    report = windvane.backtest(frames, models=["v2"], folds=2, label="band:0.5")
    assert "band" in json.dumps(json.loads(report.json())["run"])
    with pytest.raises(windvane.Error, match="unknown label"):
        windvane.fit(frames, label="tomorrow")
    with pytest.raises(windvane.Error, match="exclude each other"):
        windvane.fit(frames, label="next", horizon=2)


def test_guard_turns_unlike_markets_into_neutral(tmp_path: Any) -> None:
    candles = simulated(2500, 3)
    model = windvane.fit({"SIM": candles}, model="logistic", profile=True)
    assert model.profile is not None and model.profile.has_anomaly_gate
    model.profile.save(tmp_path / "model.profile.json")
    profile = windvane.Profile.load(tmp_path / "model.profile.json")
    assert profile.window_len == 250
    predictor = windvane.Predictor(model, "SIM", guard=profile)
    predictor.warm_up(part(candles, 0, 2400))
    # A tick with another comma, and its return.
    time = candles["time"][2400]
    close = candles["close"][2399]
    outcome = predictor.update(time, close, 10 * close, close, 10 * close, 1.5)
    assert outcome.prediction is not None and outcome.prediction.direction == "NEUTRAL"
    assert "anomal" in str(outcome.prediction.neutral_reason) or "outside" in str(outcome.prediction.neutral_reason)
    free = windvane.Predictor(model, "SIM")
    free.warm_up(part(candles, 0, 2400))
    unguarded = free.update(time, close, 10 * close, close, 10 * close, 1.5)
    assert unguarded.prediction is not None and unguarded.prediction.neutral_reason != outcome.prediction.neutral_reason
    with pytest.raises(windvane.Error, match="training windows"):
        windvane.fit({"SIM": simulated(600, 3)}, model="logistic", profile=True)
    other = windvane.fit({"SIM": candles}, model="logistic", lookback=10)
    with pytest.raises(windvane.Error, match="profile"):
        windvane.Predictor(other, "SIM", guard=profile)


def test_session_close_moves_decisions(tmp_path: Any) -> None:
    candles = simulated(300, 3)
    candles["time"] = np.datetime64("2022-01-01", "ms") + np.arange(300) * np.timedelta64(1, "D")
    close = timedelta(hours=21)
    model = windvane.fit({"SIM": candles}, model="v2-learned", session_close=close)
    batch = model.predict(candles, session_close=close)["p_up"]
    assert np.array_equal(
        batch, model.predict(candles, pair="SIM", session_close={"SIM": close})["p_up"], equal_nan=True
    )
    predictor = windvane.Predictor(model, "SIM", session_close=close)
    predictor.warm_up(part(candles, 0, 290))
    panel = windvane.PanelPredictor(model, ["SIM"], session_close={"SIM": close})
    panel.warm_up({"SIM": part(candles, 0, 290)})
    for row in range(290, 300):
        values = [candles[name][row] for name in ("time", *PRICES)]
        prediction = predictor.update(*values).prediction
        assert prediction is not None and prediction.p_up == batch[row]
        assert (prediction.decided_at.hour, prediction.decided_at.minute) == (21, 0)
        ((_, other),) = panel.update("SIM", *values)
        assert (other.p_up, other.decided_at) == (prediction.p_up, prediction.decided_at)
    whole = windvane.Predictor(model, "SIM")
    with pytest.raises(windvane.Error, match="session"):
        windvane.Predictor(model, "SIM", session_close=timedelta(hours=25))
    with pytest.raises(windvane.Error, match="whole milliseconds"):
        windvane.signals(candles, session_close=timedelta(microseconds=5))
    with pytest.raises(windvane.Error, match="expected a timedelta"):
        wrong: Any = "21h"
        windvane.backtest({"SIM": candles}, session_close=wrong)
    assert whole.candles_needed > 0
