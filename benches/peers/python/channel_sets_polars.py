"""Channel sets of windvane as polars expressions (definitions: docs/signals.md)."""

import polars as pl

HOUR = pl.duration(hours=1)
SIX = ["momentum", "trend", "rsi", "macd", "volatility", "volume_change"]


def mean_of_half_life(values, half_life, least):
    """Exponentially weighted mean of the known values."""
    return values.ewm_mean(half_life=half_life, min_samples=least, ignore_nulls=True).forward_fill()


def seeded_average(values, first, seeds, alpha):
    """Exponential average whose value at `first` is the mean of the `seeds` values up to it."""
    row = pl.int_range(pl.len())
    seed = values.slice(first + 1 - seeds, seeds).mean()
    seeded = pl.when(row > first).then(values).when(row == first).then(seed)
    average = seeded.ewm_mean(alpha=alpha, adjust=False, ignore_nulls=True)
    return pl.when(row >= first).then(average)


def six_signals(rows):
    """The six signals of candles without a gap."""
    if len(rows) < 26:
        return rows.select(pl.lit(None, pl.Float64).alias(name) for name in SIX)
    close, volume = pl.col("close"), pl.col("volume")
    change = close.diff()
    gain = seeded_average(change.clip(lower_bound=0), 14, 14, 1 / 14)
    loss = seeded_average(-change.clip(upper_bound=0), 14, 14, 1 / 14)
    macd = seeded_average(close, 25, 12, 2 / 13) - seeded_average(close, 25, 26, 2 / 27)
    rsi = pl.when(gain + loss == 0).then(50.0).otherwise(100 * gain / (gain + loss))
    columns = {
        "momentum": close.pct_change(),
        "trend": close.pct_change(20),
        "rsi": rsi,
        "macd": macd / close,
        "volatility": (pl.col("high") - pl.col("low")) / close,
        "volume_change": pl.when(volume.shift() == 0).then(0.0).otherwise(volume.pct_change()),
    }
    return rows.lazy().select(**columns).collect()


def six(rows):
    """The six signals of a pair; every gap restarts them."""
    run = (pl.col("time").diff() > HOUR).fill_null(False).cum_sum()
    if (rows["time"][-1] - rows["time"][0]).total_seconds() == 3600 * (len(rows) - 1):
        return six_signals(rows)
    parts = rows.with_columns(run=run).partition_by("run", maintain_order=True)
    return pl.concat(six_signals(part) for part in parts)


class Pair:
    """Candles of a pair with expressions of columns that several channels share."""

    def __init__(self, rows):
        self.gaps = (rows["time"][-1] - rows["time"][0]).total_seconds() != 3600 * (len(rows) - 1)
        volume = pl.when(pl.col("volume") > 0).then(pl.col("volume").log())
        rows = rows.with_columns(log_close=pl.col("close").log(), log_volume=volume)
        rows = self.with_before(rows, "log_close", [1, 4, 24, 168])
        rows = self.with_before(rows, "log_volume", [24 * day for day in range(1, 8)])
        self.rows = with_volume_means(rows, {"mean 24": 24, "mean 168": 168})

    def with_before(self, rows, name, lags):
        """Adds the values of some hours earlier; null where that candle is missing."""
        if not self.gaps:
            return rows.with_columns(pl.col(name).shift(lag).alias(f"{name} {lag}") for lag in lags)
        for lag in lags:
            earlier = rows.select(pl.col("time") + lag * HOUR, pl.col(name).alias(f"{name} {lag}"))
            rows = rows.join(earlier, on="time", how="left", maintain_order="left")
        return rows


def with_volume_means(rows, counts):
    """Adds means of the last known logarithms of the volume; a candle without volume has none."""
    means = [pl.col("log_volume").rolling_mean(count).alias(name) for name, count in counts.items()]
    if not rows["log_volume"].null_count():
        return rows.with_columns(means)
    known = rows.filter(pl.col("log_volume").is_not_null()).select("time", *means)
    joined = rows.join(known, on="time", how="left", maintain_order="left")
    return joined.with_columns(pl.col(list(counts)).forward_fill())


def share(part, whole):
    return pl.when(whole > 0).then(part / whole).otherwise(0.0)


def price_action(pair):
    """The 20 channels of the own pair, and the columns that the market reads."""
    opened, high, low, close, volume = (pl.col(name) for name in ["open", "high", "low", "close", "volume"])
    log_close, log_volume, returns, sigma = (pl.col(name) for name in ["log_close", "log_volume", "returns", "sigma"])
    span, log_range = high - low, pl.col("log_range")
    first = pair.rows.lazy().with_columns(
        returns=log_close - pl.col("log_close 1"),
        log_range=(high / low).log(),
        close_location=share(2 * close - high - low, span),
    )
    squares = returns**2
    first = first.with_columns(sigma=mean_of_half_life(squares, 48, 24).sqrt())
    columns = {"normalized_return": returns / sigma}
    for lag in [4, 24, 168]:
        columns[f"normalized_momentum {lag}"] = (log_close - pl.col(f"log_close {lag}")) / (sigma * lag**0.5)
    columns["upper_wick"] = share(high - pl.max_horizontal(opened, close), span)
    columns["lower_wick"] = share(pl.min_horizontal(opened, close) - low, span)
    columns["normalized_range"] = log_range / sigma
    for period in [24, 168]:
        lowest, highest = low.rolling_min(period), high.rolling_max(period)
        columns[f"donchian_position {period}"] = (close - lowest) / (highest - lowest)
    columns["volume_level"] = log_volume - pl.col("mean 168")
    columns["volume_trend"] = pl.col("mean 24") - pl.col("mean 168")
    season = sum(pl.col(f"log_volume {24 * day}") for day in range(1, 8)) / 7
    columns["volume_season"] = log_volume - season
    signed = pl.col("close_location") * volume
    for period in [6, 24]:
        columns[f"signed_volume {period}"] = share(signed.rolling_sum(period), volume.rolling_sum(period))
    columns["log_volatility"] = sigma.log()
    columns["volatility_ratio"] = mean_of_half_life(squares, 6, 6).sqrt() / sigma
    columns["volatility_ratio 48/336"] = (
        mean_of_half_life(squares, 48, 48).sqrt() / mean_of_half_life(squares, 336, 48).sqrt()
    )
    columns["mean_range"] = log_range.rolling_mean(24) / sigma
    columns["mean_absolute_return"] = (returns.abs() / sigma).rolling_mean(4)
    return first.with_columns(**columns).collect()


def wide(own, column):
    """One column of all pairs by time, a column per pair."""
    frames = [rows.select("time", pl.col(column).alias(pair)) for pair, rows in own.items()]
    joined = frames[0]
    for frame in frames[1:]:
        joined = joined.join(frame, on="time", how="full", coalesce=True)
    return joined.sort("time")


def market_state(own):
    """Quantities of all pairs at each close."""
    pairs = list(own)
    returns = wide(own, "returns")
    count, move, sigma = pl.col("count"), pl.col("move"), pl.col("market_sigma")
    state = returns.lazy().with_columns(count=pl.sum_horizontal(pl.col(pair).is_not_null() for pair in pairs))
    state = state.with_columns(
        move=pl.when(count >= 2).then(pl.mean_horizontal(pairs)),
        market_breadth=pl.sum_horizontal(pl.col(pair) > 0 for pair in pairs) / count,
    )
    squares = pl.sum_horizontal((pl.col(pair) - move) ** 2 for pair in pairs)
    state = state.with_columns(deviation=pl.when(count >= 2).then((squares / (count - 1)).sqrt())).drop(pairs)
    state = state.with_columns(
        market_sigma=mean_of_half_life(move**2, 48, 24).sqrt(),
        market_squares=mean_of_half_life(move**2, 168, 48),
        market_dispersion=pl.col("deviation") / mean_of_half_life(pl.col("deviation"), 168, 24),
    )
    columns = {"market_return": move / sigma, "market_volatility": sigma.log()}
    for lag in [4, 24]:
        columns[f"market_momentum {lag}"] = move.fill_null(0.0).rolling_sum(lag) / (sigma * lag**0.5)
    state = state.with_columns(**columns).collect()
    for name in ["close_location", "volume_level", "log_volatility"]:
        mean = wide(own, name).select(pl.mean_horizontal(pairs).alias(f"market_mean {name}"))
        state = state.hstack(mean)
    return state


def ranks(own, lag):
    """Rank of the own return at each close, a column per pair."""
    moves = {
        pair: rows.with_columns(moved=pl.col("log_close") - pl.col(f"log_close {lag}")) for pair, rows in own.items()
    }
    moves = wide(moves, "moved")
    pairs = list(own)
    count = pl.sum_horizontal(pl.col(pair).is_not_null() for pair in pairs)
    columns = {}
    for pair in pairs:
        smaller = pl.sum_horizontal(pl.col(other) < pl.col(pair) for other in pairs)
        equal = pl.sum_horizontal(pl.col(other) == pl.col(pair) for other in pairs)
        columns[pair] = pl.when(pl.col(pair).is_not_null()).then((smaller + 0.5 * equal) / count)
    return moves.select("time", **columns)


def market_columns(pair, rows, state, ranked, leader):
    """The channels that read the leader and the market, with hour and weekday."""
    rows = rows.join(leader, on="time", how="left", maintain_order="left")
    rows = rows.join(state, on="time", how="left", maintain_order="left")
    for lag, table in ranked.items():
        own = table.select("time", pl.col(pair).alias(f"return_rank {lag}"))
        rows = rows.join(own, on="time", how="left", maintain_order="left")
    move, returns, excess = pl.col("move"), pl.col("returns"), pl.col("excess")
    sigma, residual, following = pl.col("excess_sigma"), pl.col("residual"), pl.col("time") + HOUR
    lazy = rows.lazy().with_columns(
        excess=returns - move,
        market_beta=mean_of_half_life(returns * move, 168, 48) / pl.col("market_squares"),
    )
    lazy = lazy.with_columns(
        excess_sigma=mean_of_half_life(excess**2, 48, 24).sqrt(),
        residual=returns - pl.col("market_beta") * move,
    )
    columns = {
        "relative_return": excess / sigma,
        "residual_return": residual / mean_of_half_life(residual**2, 48, 24).sqrt(),
        "relative_volatility": pl.col("log_volatility") - pl.col("market_mean log_volatility"),
        "hour": following.dt.hour().cast(pl.Float64),
        "weekday": (following.dt.weekday() - 1).cast(pl.Float64),
    }
    for lag in [4, 24]:
        columns[f"relative_momentum {lag}"] = excess.fill_null(0.0).rolling_sum(lag) / (sigma * lag**0.5)
    return lazy.with_columns(**columns).collect()


def sets(candles, name):
    """Frames of a named set by pair."""
    if name == "six":
        return {pair: six(rows) for pair, rows in candles.items()}
    own = {pair: price_action(Pair(rows)) for pair, rows in candles.items()}
    if name == "price_action":
        return own
    state = market_state(own)
    ranked = {lag: ranks(own, lag) for lag in [1, 24]}
    leader = own["BTCUSDT"].select(
        "time",
        pl.col("normalized_return").alias("leader_return"),
        pl.col("normalized_momentum 4").alias("leader_momentum 4"),
        pl.col("normalized_momentum 24").alias("leader_momentum 24"),
    )
    return {pair: market_columns(pair, rows, state, ranked, leader) for pair, rows in own.items()}
