//! Closed candles of a pair in order of time, across disconnections and gaps.
use std::collections::VecDeque;

use windvane_candles::{Action, Candle, CandleBuilder, CandleSeries, Feed, Timestamp};

use crate::backoff::Backoff;
use crate::history::History;
use crate::socket::Socket;
use crate::{Client, Exchange, ExchangeError, Market, Update};

/// Number of failed connections in a row after which the stream ends with an error.
const MAX_FAILURES: u32 = 20;

/// Live stream of closed candles.
///
/// A broken connection is opened again after a growing pause; candles that were missed meanwhile
/// are requested by REST, in the order that the library's [`Feed`] decides.
pub struct LiveCandles<'a> {
    exchange: &'a dyn Exchange,
    client: &'a Client,
    market: Market,
    feed: Feed,
    socket: Option<Socket>,
    backoff: Backoff,
    /// Builder of candles for an exchange that sends trades; new for each connection.
    builder: CandleBuilder,
    /// Last candle of an exchange without a flag for closed candles.
    running: Option<Candle>,
    /// Updates of the last message.
    updates: VecDeque<(Candle, bool)>,
}

/// A closed candle, and the candles before it that were missed.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct LiveCandle {
    /// Candles before `candle`, oldest first; a prediction from them would come too late.
    pub missed: CandleSeries,
    /// The most recent closed candle.
    pub candle: Candle,
    /// Number of candles before it that the exchange does not have.
    pub missing: u64,
}

impl<'a> LiveCandles<'a> {
    /// Creates the stream of a market. `last` is the open time of the last candle that is already
    /// known; without it, the first candle brings `history` candles before it.
    pub fn new(
        exchange: &'a dyn Exchange,
        client: &'a Client,
        market: Market,
        last: Option<Timestamp>,
        history: u32,
    ) -> Self {
        let feed = Feed::new(market.pair.clone(), market.interval, last, history);
        let builder = CandleBuilder::new(market.interval);
        let (socket, backoff, updates) = (None, Backoff::default(), VecDeque::new());
        Self { exchange, client, market, feed, socket, backoff, builder, running: None, updates }
    }

    /// Waits for the next closed candle.
    ///
    /// # Errors
    /// [`ExchangeError`] of the last of 20 failed connections in a row, of a request for missed
    /// candles, and for a message in another form than documented.
    pub fn next_candle(&mut self) -> Result<LiveCandle, ExchangeError> {
        loop {
            let (candle, closed) = self.next_update()?;
            let action = self.feed.on_update(&candle, closed).map_err(candles)?;
            if let Some(live) = self.act(action)? {
                return Ok(live);
            }
        }
    }

    /// Requests missed candles until the feed has no further request.
    fn act(&mut self, mut action: Action) -> Result<Option<LiveCandle>, ExchangeError> {
        loop {
            match action {
                Action::Use { missed, candle, missing } => {
                    return Ok(Some(LiveCandle { missed, candle, missing }));
                }
                Action::Fetch { from, to } => {
                    let answer = self.fetch(from, to)?;
                    action = self.feed.on_fetched(from, &answer).map_err(candles)?;
                }
                _ => return Ok(None),
            }
        }
    }

    fn fetch(&self, from: Timestamp, to: Timestamp) -> Result<CandleSeries, ExchangeError> {
        let mut all = Vec::new();
        let start = |from| History::new(self.exchange, self.client, &self.market, from, to);
        let mut history = match start(from) {
            // The feed reports the others as missing.
            Err(ExchangeError::TooOld { oldest, .. }) => start(oldest)?,
            started => started?,
        };
        while let Some(page) = history.next_page()? {
            all.extend(page);
        }
        let Market { pair, interval } = self.market.clone();
        CandleSeries::new(pair, interval, all).map_err(candles)
    }

    fn next_update(&mut self) -> Result<(Candle, bool), ExchangeError> {
        loop {
            if let Some(update) = self.updates.pop_front() {
                return Ok(update);
            }
            let message = match self.message() {
                Ok(message) => message,
                Err(error) => {
                    self.disconnected(error)?;
                    continue;
                }
            };
            self.backoff = Backoff::default();
            for update in self.exchange.parse_message(&self.market, &message)? {
                self.push(update)?;
            }
        }
    }

    /// Reads a message of the open connection, or of a new one.
    fn message(&mut self) -> Result<serde_json::Value, ExchangeError> {
        if let Some(socket) = &mut self.socket {
            return socket.next();
        }
        let (url, subscription) = self.exchange.subscription(&self.market)?;
        let socket = Socket::open(self.client, &url, subscription.as_ref())?;
        // What was running at the disconnection may have changed without a message.
        (self.running, self.builder) = (None, CandleBuilder::new(self.market.interval));
        self.socket.insert(socket).next()
    }

    /// Waits after a failure of the connection.
    fn disconnected(&mut self, error: ExchangeError) -> Result<(), ExchangeError> {
        self.socket = None;
        if !matches!(error, ExchangeError::Stream { .. }) {
            return Err(error);
        }
        let pause = self.backoff.pause();
        if self.backoff.failures >= MAX_FAILURES {
            return Err(error);
        }
        std::thread::sleep(pause);
        Ok(())
    }

    /// Adds the candles of an update of the exchange.
    fn push(&mut self, update: Update) -> Result<(), ExchangeError> {
        match update {
            Update::Candle { candle, closed: Some(closed) } => {
                self.updates.push_back((candle, closed));
            }
            // Without a flag, a candle has closed when the next one has begun.
            Update::Candle { candle, closed: None } => {
                if let Some(before) = self.running.replace(candle)
                    && before.open_time() < candle.open_time()
                {
                    self.updates.push_back((before, true));
                }
            }
            Update::Trade(trade) => {
                if let Some(built) = self.builder.on_trade(&trade).map_err(candles)? {
                    self.updates.push_back((built.candle, true));
                }
            }
        }
        Ok(())
    }
}

fn candles(error: impl std::fmt::Display) -> ExchangeError {
    ExchangeError::Candles(error.to_string())
}
