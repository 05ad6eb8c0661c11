//! Strategy: holds a position in the direction of the last prediction.
use barter::engine::Engine;
use barter::engine::state::EngineState;
use barter::engine::state::instrument::InstrumentState;
use barter::engine::state::instrument::data::{DefaultInstrumentMarketData, InstrumentDataState};
use barter::engine::state::instrument::filter::InstrumentFilter;
use barter::engine::state::order::manager::OrderManager;
use barter::strategy::algo::AlgoStrategy;
use barter::strategy::close_positions::{
    ClosePositionsStrategy, close_open_positions_with_market_orders,
};
use barter::strategy::on_disconnect::OnDisconnectStrategy;
use barter::strategy::on_trading_disabled::OnTradingDisabled;
use barter_execution::order::id::{ClientOrderId, StrategyId};
use barter_execution::order::request::{OrderRequestCancel, OrderRequestOpen, RequestOpen};
use barter_execution::order::{OrderKey, OrderKind, TimeInForce};
use barter_instrument::Side;
use barter_instrument::asset::AssetIndex;
use barter_instrument::exchange::{ExchangeId, ExchangeIndex};
use barter_instrument::instrument::InstrumentIndex;
use rust_decimal::Decimal;
use windvane_barter::PredictionState;
use windvane_candles::Direction;

/// State of the engine with predictions.
pub type State = EngineState<PredictionState, DefaultInstrumentMarketData>;

/// Holds a constant quantity in the direction of the last prediction, and nothing without one.
#[derive(Debug, Clone)]
pub struct FollowPredictions {
    pub id: StrategyId,
    pub quantity: Decimal,
}

impl FollowPredictions {
    /// Order that moves the position of an instrument to its target; `None` if there is nothing to
    /// do, or while an order is open.
    fn order(
        &self,
        state: &State,
        own: &InstrumentState<DefaultInstrumentMarketData>,
    ) -> Option<OrderRequestOpen> {
        let direction = state.global.prediction(own.key).map(|prediction| prediction.direction);
        let target = match direction {
            Some(Direction::Up) => self.quantity,
            Some(Direction::Down) => -self.quantity,
            _ => Decimal::ZERO,
        };
        let held = own.position.current.as_ref().map_or(Decimal::ZERO, |held| match held.side {
            Side::Buy => held.quantity_abs,
            Side::Sell => -held.quantity_abs,
        });
        if target == held || own.orders.orders().next().is_some() {
            return None;
        }
        Some(OrderRequestOpen {
            key: OrderKey {
                exchange: own.instrument.exchange,
                instrument: own.key,
                strategy: self.id.clone(),
                cid: ClientOrderId::random(),
            },
            state: RequestOpen {
                side: if target > held { Side::Buy } else { Side::Sell },
                price: own.data.price()?,
                quantity: (target - held).abs(),
                kind: OrderKind::Market,
                time_in_force: TimeInForce::ImmediateOrCancel,
            },
        })
    }
}

impl AlgoStrategy for FollowPredictions {
    type State = State;

    fn generate_algo_orders(
        &self,
        state: &State,
    ) -> (impl IntoIterator<Item = OrderRequestCancel>, impl IntoIterator<Item = OrderRequestOpen>)
    {
        let all = state.instruments.instruments(&InstrumentFilter::None);
        let opens: Vec<OrderRequestOpen> = all.filter_map(|own| self.order(state, own)).collect();
        (std::iter::empty(), opens)
    }
}

impl ClosePositionsStrategy for FollowPredictions {
    type State = State;

    fn close_positions_requests<'a>(
        &'a self,
        state: &'a State,
        filter: &'a InstrumentFilter,
    ) -> (
        impl IntoIterator<Item = OrderRequestCancel> + 'a,
        impl IntoIterator<Item = OrderRequestOpen> + 'a,
    )
    where
        ExchangeIndex: 'a,
        AssetIndex: 'a,
        InstrumentIndex: 'a,
    {
        let id = |_: &_| ClientOrderId::random();
        close_open_positions_with_market_orders(&self.id, state, filter, id)
    }
}

impl<Clock, Txs, Risk> OnDisconnectStrategy<Clock, State, Txs, Risk> for FollowPredictions {
    type OnDisconnect = ();

    fn on_disconnect(engine: &mut Engine<Clock, State, Txs, Self, Risk>, exchange: ExchangeId) {
        engine.state.global.on_disconnect(exchange);
    }
}

impl<Clock, Txs, Risk> OnTradingDisabled<Clock, State, Txs, Risk> for FollowPredictions {
    type OnTradingDisabled = ();

    fn on_trading_disabled(_: &mut Engine<Clock, State, Txs, Self, Risk>) {}
}
