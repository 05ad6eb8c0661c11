"""Actor of NautilusTrader that publishes the predictions of a windvane model as the signal ``windvane``.

It is added like every actor, in a backtest or live: ``engine.add_actor(WindvaneActor(WindvaneActorConfig(...)))``. A
strategy calls ``self.subscribe_signal("windvane")`` and reads ``signal.value`` in ``on_signal``: the probability of UP
minus that of DOWN, and 0 without a prediction.
"""

from __future__ import annotations

from nautilus_trader.common.actor import Actor
from nautilus_trader.config import ActorConfig
from nautilus_trader.core.datetime import unix_nanos_to_dt
from nautilus_trader.model.data import Bar, BarType

import windvane


class WindvaneActorConfig(ActorConfig, frozen=True):
    """Settings: the bars, the file of a model (by default the pretrained one), and whether to request the warm-up."""

    bar_type: BarType
    model_path: str | None = None
    request_history: bool = False


class WindvaneActor(Actor):
    """Predicts after every closed bar of one bar type."""

    def __init__(self, config: WindvaneActorConfig) -> None:
        super().__init__(config)
        path = config.model_path
        self.model = windvane.Model.load(path) if path else windvane.Model.pretrained()
        self.predictor = windvane.Predictor(self.model, str(config.bar_type.instrument_id.symbol))
        self.step = config.bar_type.spec.timedelta

    def on_start(self) -> None:
        if self.config.request_history:
            start = self.clock.utc_now() - self.predictor.candles_needed * self.step
            self.request_bars(self.config.bar_type, start=start)
        self.subscribe_bars(self.config.bar_type)

    def on_historical_data(self, data: object) -> None:
        if isinstance(data, Bar):
            self.update(data)

    def on_bar(self, bar: Bar) -> None:
        outcome = self.update(bar)
        if outcome.accepted:
            prediction = outcome.prediction
            margin = prediction.p_up - prediction.p_down if prediction else 0.0
            self.publish_signal("windvane", margin, bar.ts_event)

    def update(self, bar: Bar) -> windvane.Outcome:
        """Takes a bar. Nautilus stamps bars with their close, or a millisecond before it; windvane with the open."""
        open_time = unix_nanos_to_dt(bar.ts_event).round("s") - self.step
        values = (float(value) for value in (bar.open, bar.high, bar.low, bar.close, bar.volume))
        return self.predictor.update(open_time, *values)
