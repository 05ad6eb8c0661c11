//! Errors of an exchange's market data.
use windvane_candles::Timestamp;

/// Reason why candles could not be requested or received.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExchangeError {
    /// The exchange has no candles of this interval.
    #[error("{exchange} has no {interval} candles; choose one of {expected}")]
    Interval {
        /// Name of the exchange.
        exchange: &'static str,
        /// Requested interval.
        interval: String,
        /// Intervals of the exchange.
        expected: String,
    },
    /// The symbol cannot be split into base and quote currency.
    #[error("{symbol}: {exchange} needs base and quote currency, such as {example}")]
    Symbol {
        /// Name of the exchange.
        exchange: &'static str,
        /// Requested symbol.
        symbol: String,
        /// Symbol in the form of the exchange.
        example: &'static str,
    },
    /// No exchange has this name.
    #[error("no exchange is named {name}; choose one of {expected}")]
    Name {
        /// Requested name.
        name: String,
        /// Known names.
        expected: String,
    },
    /// The exchange does not keep candles that are this old.
    #[error("{exchange} has no candles before {oldest}; begin there or later")]
    TooOld {
        /// Name of the exchange.
        exchange: &'static str,
        /// Open time of its oldest candle.
        oldest: Timestamp,
    },
    /// The exchange answered a request with an error.
    #[error("{exchange} refused the request: {problem}")]
    Refused {
        /// Name of the exchange.
        exchange: &'static str,
        /// Message of the exchange.
        problem: String,
    },
    /// An answer or message has another form than documented.
    #[error("{exchange}: unexpected message: {problem}")]
    Message {
        /// Name of the exchange.
        exchange: &'static str,
        /// Part that differs.
        problem: String,
    },
    /// A request failed after all repetitions.
    #[error("{url}: {problem}")]
    Http {
        /// Requested address.
        url: String,
        /// Reason of the last failure.
        problem: String,
    },
    /// The stream could not be opened, or broke too often.
    #[error("{url}: {problem}")]
    Stream {
        /// Address of the stream.
        url: String,
        /// Reason of the last failure.
        problem: String,
    },
    /// The candles contradict each other.
    #[error("candles of the exchange: {0}")]
    Candles(String),
}

impl ExchangeError {
    /// Creates the error of a message in another form.
    pub(crate) fn message(exchange: &'static str, problem: impl Into<String>) -> Self {
        Self::Message { exchange, problem: problem.into() }
    }
}
