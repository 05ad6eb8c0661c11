"""The NautilusTrader actor publishes the predictions of the model; ``scripts/python`` runs this in its own venv."""

from __future__ import annotations

import sys

import numpy as np
import pandas as pd
import pytest

import windvane

from .conftest import ROOT, head

pytest.importorskip("nautilus_trader")

from nautilus_trader.backtest.engine import BacktestEngine, BacktestEngineConfig
from nautilus_trader.common.actor import Actor
from nautilus_trader.config import LoggingConfig
from nautilus_trader.model.data import BarType
from nautilus_trader.model.enums import AccountType, OmsType
from nautilus_trader.model.identifiers import Venue
from nautilus_trader.model.objects import Money
from nautilus_trader.persistence.wranglers import BarDataWrangler
from nautilus_trader.test_kit.providers import TestInstrumentProvider


class Listener(Actor):
    """Records the signals, as a strategy would."""

    def __init__(self) -> None:
        super().__init__()
        self.values: list[float] = []

    def on_start(self) -> None:
        self.subscribe_signal("windvane")

    def on_signal(self, signal: object) -> None:
        self.values.append(signal.value)  # type: ignore[attr-defined]


def test_actor_publishes_the_predictions_of_the_model(
    bitcoin: windvane.Candles, model: windvane.Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "path", [str(ROOT / "python/examples"), *sys.path])
    from nautilus_actor import WindvaneActor, WindvaneActorConfig

    instrument = TestInstrumentProvider.btcusdt_binance()
    bar_type = BarType.from_str(f"{instrument.id}-1-HOUR-LAST-EXTERNAL")
    # The engine rounds prices to those of the instrument, as an exchange does.
    candles = {name: values if name == "time" else values.round(2) for name, values in head(bitcoin, 200).items()}
    frame = pd.DataFrame(candles).rename(columns={"time": "timestamp"}).set_index("timestamp")
    closes = frame.set_index(frame.index.tz_localize("UTC") + pd.Timedelta(hours=1))

    engine = BacktestEngine(BacktestEngineConfig(logging=LoggingConfig(bypass_logging=True)))
    engine.add_venue(Venue("BINANCE"), OmsType.NETTING, AccountType.CASH, [Money.from_str("1000 USDT")])
    engine.add_instrument(instrument)
    engine.add_data(BarDataWrangler(bar_type, instrument).process(closes))
    listener = Listener()
    engine.add_actor(WindvaneActor(WindvaneActorConfig(bar_type=bar_type)))
    engine.add_actor(listener)
    engine.run()

    predicted = model.predict(candles)
    expected = np.nan_to_num(predicted["p_up"].astype(float) - predicted["p_down"].astype(float))
    assert listener.values == expected.tolist()
    assert sum(value != 0.0 for value in listener.values) == 200 - 44
    engine.dispose()
