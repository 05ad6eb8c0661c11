//! A fitted v3.2 that comes with the crate.
use super::FastLstm;

impl FastLstm {
    #[doc = include_str!("../../pretrained/README.md")]
    ///
    /// # Panics
    /// Never: a test loads these very bytes.
    ///
    /// # Examples
    /// ```
    /// use windvane_candles::sample;
    /// use windvane_models::{DirectionModel, Predictor, v32::FastLstm};
    ///
    /// let model = FastLstm::pretrained();
    /// let measured = model.record().and_then(|record| record.held_out.as_ref()).unwrap();
    /// assert!(measured.interval_95.0 < measured.accuracy);
    ///
    /// let series = sample::load("BTCUSDT").unwrap();
    /// let mut predictor = Predictor::new(model, series.interval())?;
    /// let mut last = None;
    /// for candle in &series.candles()[..200] {
    ///     last = predictor.on_candle(candle)?;
    /// }
    /// assert!(last.is_some_and(|prediction| prediction.confidence > 0.0));
    /// # Ok::<(), windvane_models::ModelError>(())
    /// ```
    pub fn pretrained() -> Self {
        let model = Self::from_bytes(include_bytes!("../../pretrained/v32.safetensors"));
        model.expect("invariant: the file that comes with the crate is whole")
    }
}
