"""Prediction model of freqtrade's FreqAI that trains and predicts with windvane.

Copy this file to ``user_data/freqaimodels`` and start freqtrade with ``--freqaimodel WindvaneModel``. The strategy sets
the one target ``&-direction`` to any text. In the configuration, ``freqai.model_training_parameters`` may have
``model``, ``seed``, ``spec`` and ``epochs`` of ``windvane.fit``.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

import windvane

try:
    from freqtrade.freqai.freqai_interface import IFreqaiModel
except ImportError:  # the stand-in of this folder
    from freqai_interface import IFreqaiModel

COLUMNS = ["time", "open", "high", "low", "close", "volume"]
CLASSES = {"UP": "p_up", "DOWN": "p_down", "NEUTRAL": "p_neutral"}


class WindvaneModel(IFreqaiModel):
    """Predicts the direction of the next candle; one model per pair and training period."""

    def __init__(self, config: dict[str, Any]) -> None:
        super().__init__(config)
        # Candles that a pair has shown so far: freqtrade passes only the last rows for a prediction, and the
        # signals need the rows before them.
        self.history: dict[str, pd.DataFrame] = {}

    def train(self, unfiltered_df: pd.DataFrame, pair: str, dk: Any, **kwargs: Any) -> windvane.Model:
        """Fits a model on the candles of the training period; freqtrade saves it."""
        candles = self._with_history(unfiltered_df, pair)
        dk.data_dictionary["train_features"] = unfiltered_df[dk.training_features_list]
        dk.data_dictionary["train_dates"] = unfiltered_df["date"]
        dk.feature_pipeline = self.define_data_pipeline(threads=dk.thread_count)
        period = candles[candles["time"] >= unfiltered_df["date"].iloc[0]]
        settings = self.freqai_info.get("model_training_parameters", {})
        return windvane.fit({pair: period}, **settings)

    def fit(self, data_dictionary: dict[str, Any], dk: Any, **kwargs: Any) -> Any:
        """Is not called: `train` reads candles and not the features of the strategy."""
        raise NotImplementedError("WindvaneModel trains on candles; see train")

    def predict(self, unfiltered_df: pd.DataFrame, dk: Any, **kwargs: Any) -> tuple[pd.DataFrame, Any]:
        """Returns the direction and the probabilities of each row, and 1 for rows with a prediction."""
        candles = self._with_history(unfiltered_df, dk.pair)
        predicted = self.model.predict(candles)
        predicted = predicted[candles["time"].isin(unfiltered_df["date"])].reset_index(drop=True)
        dk.do_predict = predicted["direction"].notna().to_numpy().astype(np.int_)
        dk.DI_values = np.zeros(len(predicted))
        result = {name: predicted[column].fillna(0.0) for name, column in CLASSES.items()}
        direction = predicted["direction"].fillna("NEUTRAL")
        return pd.DataFrame({dk.label_list[0]: direction, **result}), dk.do_predict

    def _with_history(self, frame: pd.DataFrame, pair: str) -> pd.DataFrame:
        candles = frame.rename(columns={"date": "time"})[COLUMNS]
        if pair in self.history:
            candles = pd.concat([self.history[pair], candles]).drop_duplicates("time", keep="last")
        self.history[pair] = candles.sort_values("time", ignore_index=True)
        return self.history[pair]
