"""Training of models."""

from __future__ import annotations

from collections.abc import Mapping

from windvane import _native
from windvane._frames import all_series, check_average_seeds, check_counts
from windvane._model import Model
from windvane._policy import Policy
from windvane._signals import native_spec
from windvane._times import milliseconds
from windvane._types import Frame, Progress, SessionClose, Spec, Time


def models() -> dict[str, str]:
    """Returns the names of all models with their descriptions."""
    return _native.models()


def fit(
    candles: Mapping[str, Frame],
    *,
    model: str = "v32",
    validate_from: Time | None = None,
    seed: int = 42,
    average_seeds: int | None = None,
    spec: Spec = "six",
    lookback: int = 20,
    horizon: int = 1,
    label: str | None = None,
    epochs: int | None = None,
    policy: Policy | None = None,
    profile: bool = False,
    interval: str | None = None,
    session_close: SessionClose | None = None,
    progress: Progress | None = None,
) -> Model:
    """Fits one model on the candles of all pairs.

    Scaler and weights are fitted on the candles before ``validate_from``; the later ones are for early stopping and
    calibration. The same seed gives the same bits on any number of threads, and the same as in Rust.

    Args:
        candles: Candles of each pair, all of one interval.
        model: Name of the model, one of :func:`models`.
        validate_from: Start of the validation period; by default the last 15 % of the windows validate.
        seed: Seed of every random draw.
        average_seeds: Number of seeds of the model, or of each member of an ensemble, whose predictions are averaged;
            by default 3 of trees, v32 and mlp, of each member of mixed and of the trees of tuned, and 1 of the others.
        spec: Channels, as in :func:`windvane.signals`. The gap policy of a list is inferred from the candles before
            the validation.
        lookback: Number of rows per window.
        horizon: Number of candles from the decision to the outcome.
        label: Label to predict, instead of ``horizon``: ``next``, ``horizon:H``, ``band:K`` (NEUTRAL within K
            volatilities), ``barrier:A,H``, ``relative:H`` or ``cost:BP`` (beyond BP basis points).
        epochs: Maximum number of epochs; by default that of the model.
        policy: Settings of a policy whose thresholds are fitted on the validation candles and saved with the model.
        profile: Whether to measure the training profile for a guard, with its anomaly gate; see
            :attr:`Model.profile`.
        interval: Interval of the rows, if they do not show it.
        session_close: Time from the open of a candle to its close, of all pairs or by pair, for markets whose session
            ends before the interval; by default the interval.
        progress: Called on this thread after every epoch with the epoch, the maximum number and a text, for every seed
            from 1 on. An exception that it raises, and an interrupt, stop the training.
    """
    if label is not None and horizon != 1:
        raise _native.Error("label and horizon exclude each other; remove one of them")
    check_counts(seed=seed, lookback=lookback, epochs=epochs)
    check_average_seeds(average_seeds)
    fitted = _native.fit(
        all_series(candles, interval, session_close=session_close),
        model=model,
        validate_from=None if validate_from is None else milliseconds(validate_from),
        seed=seed,
        average_seeds=average_seeds,
        spec=native_spec(spec),
        lookback=lookback,
        label=f"horizon:{horizon}" if label is None else label,
        epochs=epochs,
        policy=None if policy is None else policy._json(),
        profile=profile,
        progress=progress,
    )
    return Model(fitted)
