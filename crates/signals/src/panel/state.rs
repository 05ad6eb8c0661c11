//! Saving and restoring of a panel.
use super::{Panel, PanelStats};
use crate::{SignalError, StateReader, StateWriter};

/// Maximum length of a name or a channel's text in a state, in bytes.
const MAX_TEXT: usize = 100_000;

impl Panel {
    /// Writes the state, so that [`restore`](Self::restore) continues with the same bits: waiting
    /// candles included. The state contains the pairs, their session closes and the spec.
    pub fn save(&self, state: &mut StateWriter) {
        for (_, text) in self.identity() {
            state.text(&text);
        }
        let mut stats = self.stats;
        for count in stats.counts() {
            state.int(count.cast_signed());
        }
        self.queue.save(state);
        for group in &self.groups {
            state.time(group.last);
            group.market.save(state);
        }
        for pipeline in &self.pipelines {
            pipeline.save(state);
        }
    }

    /// Restores a state written by [`save`](Self::save) of a panel with the same pairs, session
    /// closes, interval and spec.
    ///
    /// # Errors
    /// [`SignalError::StateMismatch`] names the first difference; [`SignalError::State`] for a
    /// damaged state. The panel is unchanged.
    pub fn restore(&mut self, state: &mut StateReader<'_>) -> Result<(), SignalError> {
        let mut before = StateWriter::default();
        self.save(&mut before);
        self.try_restore(state).inspect_err(|_| {
            let words = before.into_words();
            let own = self.try_restore(&mut StateReader::new(&words));
            debug_assert!(own.is_ok(), "invariant: a panel restores its own state");
        })
    }

    fn try_restore(&mut self, state: &mut StateReader<'_>) -> Result<(), SignalError> {
        for (what, expected) in self.identity() {
            let got = state.text(MAX_TEXT)?;
            if got != expected {
                return Err(SignalError::StateMismatch { what, expected, got });
            }
        }
        let mut stats = PanelStats::default();
        for count in stats.counts() {
            *count = state.int()?.cast_unsigned();
        }
        self.queue.restore(state)?;
        for group in &mut self.groups {
            group.last = state.time()?;
            group.market.restore(state)?;
        }
        for pipeline in &mut self.pipelines {
            pipeline.restore(state)?;
        }
        if !self.is_consistent() {
            return Err(SignalError::State { what: "its last candle is after its last close" });
        }
        self.taken.fill(None);
        self.stats = stats;
        Ok(())
    }

    /// Returns whether no pipeline is ahead of the last decided close of its group.
    fn is_consistent(&self) -> bool {
        self.groups.iter().enumerate().all(|(index, group)| {
            let pipelines = group.members.iter().map(|place| self.pipelines[*place].last_close());
            let mut closes = pipelines.chain([group.last]).flatten();
            closes.all(|close| self.queue.is_decided(close, index))
        })
    }

    /// Texts that must be the same in the panel that restores a state.
    fn identity(&self) -> Vec<(&'static str, String)> {
        let mut texts = vec![
            ("interval", self.interval.to_string()),
            ("number of pairs", self.pairs.len().to_string()),
            ("number of channels", self.width().to_string()),
            ("gap policy", format!("{:?}", self.spec.gaps)),
        ];
        for (place, pair) in self.pairs.iter().enumerate() {
            texts.push(("pair", pair.to_string()));
            texts.push(("session close in milliseconds", self.session(place).to_string()));
        }
        texts.extend(self.spec.channels.iter().map(|channel| ("channel", channel.to_string())));
        texts
    }
}

impl PanelStats {
    /// Returns all counts in the order of a saved state.
    fn counts(&mut self) -> [&mut u64; 6] {
        [
            &mut self.taken,
            &mut self.late,
            &mut self.duplicates,
            &mut self.misaligned,
            &mut self.closes,
            &mut self.missing,
        ]
    }
}
