"""Stand-in for freqtrade's interface of prediction models, so that the adapter can be tested without freqtrade.

Origin: the signatures of ``IFreqaiModel.train``, ``fit``, ``predict`` and ``define_data_pipeline`` in
``freqtrade/freqai/freqai_interface.py``, and the attributes of ``FreqaiDataKitchen`` that they use, of freqtrade
2026.9 (PyPI, 2026). No code of freqtrade is copied.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd


@dataclass
class FreqaiDataKitchen:
    """Data of one pair and one training."""

    pair: str
    label_list: list[str] = field(default_factory=lambda: ["&-direction"])
    training_features_list: list[str] = field(default_factory=list)
    thread_count: int = 1
    data_dictionary: dict[str, Any] = field(default_factory=dict)
    feature_pipeline: Any = None
    do_predict: Any = None
    DI_values: Any = None


class IFreqaiModel(ABC):
    """The methods that freqtrade calls, in this order: ``train``, then ``predict`` on later rows."""

    def __init__(self, config: dict[str, Any]) -> None:
        self.config = config
        self.freqai_info: dict[str, Any] = config["freqai"]
        self.model: Any = None

    def define_data_pipeline(self, threads: int = -1) -> Any:
        return None

    @abstractmethod
    def train(self, unfiltered_df: pd.DataFrame, pair: str, dk: FreqaiDataKitchen, **kwargs: Any) -> Any: ...

    @abstractmethod
    def fit(self, data_dictionary: dict[str, Any], dk: FreqaiDataKitchen, **kwargs: Any) -> Any: ...

    @abstractmethod
    def predict(
        self, unfiltered_df: pd.DataFrame, dk: FreqaiDataKitchen, **kwargs: Any
    ) -> tuple[pd.DataFrame, npt.NDArray[np.int_]]: ...
