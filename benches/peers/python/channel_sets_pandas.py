"""Channel sets of windvane in pandas (definitions: docs/signals.md), vectorised over whole columns."""

import numpy as np
import pandas as pd
from whole_job_data import HOUR, SIGNALS, signals_of_pair


class Pair:
    """Columns of a pair that several channels share. Lags go by the clock, windows over candles."""

    def __init__(self, candles):
        self.candles = candles
        self.index = candles.index
        self.gaps = len(self.index) != (self.index[-1] - self.index[0]) // HOUR + 1
        self.grid = pd.date_range(self.index[0], self.index[-1], freq="h") if self.gaps else self.index
        self.log_close = np.log(candles["close"])
        self.returns = self.log_close - self.before(self.log_close, 1)
        self.squares = self.returns**2
        self.sigma = np.sqrt(mean_of_half_life(self.squares, 48, 24))
        self.log_volume = np.log(candles["volume"].where(candles["volume"] > 0))

    def before(self, values, lag):
        """Values of `lag` hours earlier; undefined where that candle is missing."""
        if self.gaps:
            return values.reindex(self.grid).shift(lag).reindex(self.index)
        return values.shift(lag)

    def clock_sum(self, values, hours):
        """Sum over the last hours; a missing value counts 0."""
        if self.gaps:
            values = values.reindex(self.grid)
        sums = values.fillna(0.0).rolling(hours).sum()
        return sums.reindex(self.index) if self.gaps else sums


def mean_of_half_life(values, half_life, least):
    """Exponentially weighted mean of the known values."""
    return values.ewm(halflife=half_life, min_periods=least, ignore_na=True).mean()


def mean_of_known(values, count):
    """Mean of the last `count` known values."""
    if not values.isna().any():
        return values.rolling(count).mean()
    return values.dropna().rolling(count).mean().reindex(values.index, method="ffill")


def share(part, whole):
    return (part / whole).where(whole > 0, 0.0)


def price_action(pair):
    """The 20 channels of the own pair."""
    opened, high, low, close, volume = (pair.candles[name] for name in ["open", "high", "low", "close", "volume"])
    sigma, span = pair.sigma, high - low
    columns = {"normalized_return": pair.returns / sigma}
    for lag in [4, 24, 168]:
        moved = pair.log_close - pair.before(pair.log_close, lag)
        columns[f"normalized_momentum {lag}"] = moved / (sigma * np.sqrt(lag))
    location = share(2 * close - high - low, span)
    columns["close_location"] = location
    columns["upper_wick"] = share(high - np.maximum(opened, close), span)
    columns["lower_wick"] = share(np.minimum(opened, close) - low, span)
    log_range = np.log(high / low)
    columns["normalized_range"] = log_range / sigma
    for period in [24, 168]:
        lowest, highest = low.rolling(period).min(), high.rolling(period).max()
        columns[f"donchian_position {period}"] = (close - lowest) / (highest - lowest)
    long_mean = mean_of_known(pair.log_volume, 168)
    columns["volume_level"] = pair.log_volume - long_mean
    columns["volume_trend"] = mean_of_known(pair.log_volume, 24) - long_mean
    season = sum(pair.before(pair.log_volume, 24 * day) for day in range(1, 8)) / 7
    columns["volume_season"] = pair.log_volume - season
    signed = location * volume
    for period in [6, 24]:
        columns[f"signed_volume {period}"] = share(signed.rolling(period).sum(), volume.rolling(period).sum())
    columns["log_volatility"] = np.log(sigma)
    columns["volatility_ratio"] = np.sqrt(mean_of_half_life(pair.squares, 6, 6)) / sigma
    fast, slow = (np.sqrt(mean_of_half_life(pair.squares, life, 48)) for life in [48, 336])
    columns["volatility_ratio 48/336"] = fast / slow
    columns["mean_range"] = log_range.rolling(24).mean() / sigma
    columns["mean_absolute_return"] = mean_of_known(pair.returns.abs() / sigma, 4)
    return columns


class Market:
    """Quantities of all pairs at each close."""

    def __init__(self, pairs, own):
        def wide(columns):
            return pd.concat(columns, axis=1).sort_index()

        returns = wide({name: pair.returns for name, pair in pairs.items()})
        count = returns.count(axis=1)
        self.move = returns.mean(axis=1).where(count >= 2)
        self.sigma = np.sqrt(mean_of_half_life(self.move**2, 48, 24))
        self.squares = mean_of_half_life(self.move**2, 168, 48)
        state = {"market_return": self.move / self.sigma}
        for lag in [4, 24]:
            total = self.move.fillna(0.0).rolling(lag).sum()
            state[f"market_momentum {lag}"] = total / (self.sigma * np.sqrt(lag))
        deviation = returns.std(axis=1).where(count >= 2)
        state["market_dispersion"] = deviation / mean_of_half_life(deviation, 168, 24)
        state["market_breadth"] = (returns > 0).sum(axis=1) / count
        state["market_volatility"] = np.log(self.sigma)
        for name in ["close_location", "volume_level", "log_volatility"]:
            state[f"market_mean {name}"] = wide({pair: columns[name] for pair, columns in own.items()}).mean(axis=1)
        self.state = pd.DataFrame(state)
        self.ranks = {}
        for lag in [1, 24]:
            moves = wide({name: pair.log_close - pair.before(pair.log_close, lag) for name, pair in pairs.items()})
            self.ranks[lag] = moves.rank(axis=1).sub(0.5).div(moves.count(axis=1), axis=0)


def market_columns(name, pair, own, market, leader):
    """The channels of a pair that read the leader and the market, with hour and weekday."""
    columns = dict(own)
    for channel, values in leader.items():
        columns[channel] = values.reindex(pair.index)
    state = market.state.reindex(pair.index)
    columns |= {channel: state[channel] for channel in state}
    move = market.move.reindex(pair.index)
    excess = pair.returns - move
    sigma = np.sqrt(mean_of_half_life(excess**2, 48, 24))
    columns["relative_return"] = excess / sigma
    for lag in [4, 24]:
        columns[f"relative_momentum {lag}"] = pair.clock_sum(excess, lag) / (sigma * np.sqrt(lag))
    for lag, ranks in market.ranks.items():
        columns[f"return_rank {lag}"] = ranks[name].reindex(pair.index)
    products = mean_of_half_life(pair.returns * move, 168, 48)
    beta = products / market.squares.reindex(pair.index)
    residual = pair.returns - beta * move
    columns["market_beta"] = beta
    columns["residual_return"] = residual / np.sqrt(mean_of_half_life(residual**2, 48, 24))
    columns["relative_volatility"] = own["log_volatility"] - state["market_mean log_volatility"]
    following = pair.index + HOUR
    columns["hour"] = pd.Series(following.hour, pair.index, dtype=float)
    columns["weekday"] = pd.Series(following.weekday, pair.index, dtype=float)
    return columns


def sets(candles, name):
    """Frames of a named set by pair."""
    if name == "six":
        return {pair: signals_of_pair(rows)[SIGNALS] for pair, rows in candles.items()}
    pairs = {pair: Pair(rows) for pair, rows in candles.items()}
    own = {name: price_action(pair) for name, pair in pairs.items()}
    if name == "market":
        market = Market(pairs, own)
        leader = {
            "leader_return": own["BTCUSDT"]["normalized_return"],
            "leader_momentum 4": own["BTCUSDT"]["normalized_momentum 4"],
            "leader_momentum 24": own["BTCUSDT"]["normalized_momentum 24"],
        }
        own = {name: market_columns(name, pair, own[name], market, leader) for name, pair in pairs.items()}
    return {pair: pd.DataFrame(columns) for pair, columns in own.items()}
