//! From messages to closed candles, each once and in order.
use std::collections::BTreeMap;

use windvane::prelude::*;

use super::kline::{HistoryAnswer, HistoryRequest, KlineEvent, Message};

/// What happened to the stream.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct FeedStats {
    pub(crate) disconnections: usize,
    /// Candles that had not closed: shown, and never predicted from.
    pub(crate) updates: usize,
    /// Closed candles that came again, or too late.
    pub(crate) repeated: usize,
    /// Candles that came only when asked for.
    pub(crate) fetched: usize,
    /// Candles that never came.
    pub(crate) missing: usize,
    /// Messages that are no candle of this pair and interval, and no answer.
    pub(crate) foreign: usize,
}

/// What comes of a message.
#[derive(Debug, Default)]
pub(crate) struct News {
    /// Closed candles, the oldest first, none told of before.
    pub(crate) closed: Vec<Candle>,
    /// A question for the exchange.
    pub(crate) ask: Option<String>,
}

/// Events to wait for an answer before going on without it: exchanges send one or two a second.
const PATIENCE: u32 = 60;

/// A hole that the exchange was asked about: its first and last open time.
#[derive(Debug, Clone, Copy)]
struct Asked {
    id: u64,
    from: Timestamp,
    to: Timestamp,
    /// Events that are still waited for.
    patience: u32,
}

/// Orders what a stream says. Where candles are missing it asks, holds back what came later, and
/// goes on without those that the exchange does not have or does not tell of.
#[derive(Debug)]
pub(crate) struct Feed {
    symbol: String,
    interval: Interval,
    /// The past that is at hand, until the stream begins.
    past: Vec<Candle>,
    /// Open time of the first streamed candle.
    first: Option<Timestamp>,
    /// Open time of the next candle to tell of.
    next: Timestamp,
    /// Closed candles that wait for earlier ones.
    waiting: BTreeMap<Timestamp, Candle>,
    asked: Option<Asked>,
    questions: u64,
    /// The candle in progress.
    pub(crate) unfinished: Option<Candle>,
    pub(crate) ledger: FeedStats,
}

impl Feed {
    pub(crate) fn new(past: &CandleSeries) -> Self {
        Self {
            symbol: past.pair().to_string(),
            interval: past.interval(),
            past: past.candles().to_vec(),
            first: None,
            next: Timestamp::from_millis(0),
            waiting: BTreeMap::new(),
            asked: None,
            questions: 0,
            unfinished: None,
            ledger: FeedStats::default(),
        }
    }

    /// Whether the candle is of the stream's own time, and not of the past before it.
    pub(crate) fn streams(&self, candle: &Candle) -> bool {
        self.first.is_some_and(|first| candle.open_time() >= first)
    }

    /// The connection broke; a question may have been lost with it.
    pub(crate) fn disconnected(&mut self) {
        self.ledger.disconnections += 1;
        self.asked = None;
    }

    /// Takes a message. One that cannot be read is counted, and changes nothing.
    pub(crate) fn hear(&mut self, text: &str) -> News {
        let mut news = News::default();
        let understood = match serde_json::from_str(text) {
            Ok(Message::Kline(event)) if self.is_own(&event) => self.event(&event, &mut news),
            Ok(Message::History(answer)) => self.answer(&answer, &mut news),
            _ => None,
        };
        self.ledger.foreign += usize::from(understood.is_none());
        news
    }

    fn is_own(&self, event: &KlineEvent) -> bool {
        event.symbol.eq_ignore_ascii_case(&self.symbol)
            && event.interval().parse() == Ok(self.interval)
    }

    /// `None` for what is no candle.
    fn event(&mut self, event: &KlineEvent, news: &mut News) -> Option<()> {
        let aligned = |candle: &Candle| self.interval.is_aligned(candle.open_time());
        let candle = event.candle().ok().filter(aligned)?;
        let open_time = candle.open_time();
        if self.first.is_none() {
            self.begin(open_time, news);
        }
        if event.closed() {
            let new = open_time >= self.next && !self.waiting.contains_key(&open_time);
            if new {
                self.waiting.insert(open_time, candle);
            } else {
                self.ledger.repeated += 1;
            }
            self.unfinished = None;
        } else {
            self.ledger.updates += 1;
            self.unfinished = Some(candle);
        }
        self.be_patient(news);
        self.advance(open_time, news);
        Some(())
    }

    /// Goes on without an answer that does not come.
    fn be_patient(&mut self, news: &mut News) {
        let Some(asked) = &mut self.asked else { return };
        asked.patience -= 1;
        if asked.patience == 0 {
            let to = asked.to;
            self.asked = None;
            self.release(to, news);
        }
    }

    /// The stream begins: all that is older is the past.
    fn begin(&mut self, first: Timestamp, news: &mut News) {
        self.first = Some(first);
        news.closed = std::mem::take(&mut self.past);
        news.closed.retain(|candle| candle.open_time() < first);
        let last = news.closed.last();
        self.next = last.map_or(first, |last| last.close_time(self.interval));
    }

    /// `None` for an answer that nobody waits for, and a refusal: the question stays open.
    fn answer(&mut self, answer: &HistoryAnswer, news: &mut News) -> Option<()> {
        let asked = self.asked.filter(|asked| asked.id == answer.id)?;
        let mut candles = answer.candles().ok()?;
        self.asked = None;
        candles.retain(|c| (asked.from..=asked.to).contains(&c.open_time()));
        let before = self.waiting.len();
        for candle in &candles {
            self.waiting.entry(candle.open_time()).or_insert(*candle);
        }
        self.ledger.fetched += self.waiting.len() - before;
        // An answer can be cut short at its end; what is lacking before that does not exist.
        let told = candles.last().map_or(asked.to, Candle::open_time);
        self.release(told, news);
        self.advance(asked.to, news);
        Some(())
    }

    /// Tells of what waits without a hole, and asks about the first hole before the newest time.
    fn advance(&mut self, newest: Timestamp, news: &mut News) {
        while let Some(candle) = self.waiting.remove(&self.next) {
            self.tell(candle, news);
        }
        let newest = self.waiting.last_key_value().map_or(newest, |(last, _)| newest.max(*last));
        if self.asked.is_some() || newest <= self.next {
            return;
        }
        let until = self.waiting.first_key_value().map_or(newest, |(first, _)| *first);
        let Some(to) = until.plus(self.interval, -1) else { return };
        let asked = Asked { id: self.questions, from: self.next, to, patience: PATIENCE };
        let (from, to) = (asked.from.millis(), asked.to.millis());
        let request = HistoryRequest::new(asked.id, &self.symbol, self.interval, from, to);
        news.ask = serde_json::to_string(&request).ok();
        self.questions += 1;
        self.asked = Some(asked);
    }

    /// Tells of everything up to a time; what is not there by now never comes.
    fn release(&mut self, until: Timestamp, news: &mut News) {
        while let Some(entry) = self.waiting.first_entry().filter(|entry| *entry.key() <= until) {
            let candle = entry.remove();
            self.tell(candle, news);
        }
        let after = until.plus(self.interval, 1).unwrap_or(until);
        self.skip_to(after);
    }

    fn tell(&mut self, candle: Candle, news: &mut News) {
        self.skip_to(candle.open_time());
        self.next = candle.close_time(self.interval);
        news.closed.push(candle);
    }

    /// Goes on from a later time; the candles until then are missing.
    fn skip_to(&mut self, time: Timestamp) {
        let millis = time.millis() - self.next.millis();
        if let Ok(skipped) = usize::try_from(millis / self.interval.millis()) {
            self.ledger.missing += skipped;
            self.next = self.next.max(time);
        }
    }
}
