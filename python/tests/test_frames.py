"""Kinds of frames, times and intervals."""

from __future__ import annotations

import subprocess
import sys
from datetime import datetime, timedelta, timezone
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import windvane

from .conftest import SAMPLE, column, head


def test_read_gives_every_instrument_of_the_sample() -> None:
    for path in sorted(SAMPLE.glob("*.csv")):
        candles = windvane.read(path)
        assert candles.pair == path.stem
        assert candles.interval in ("1h", "1d")
        assert len(candles["time"]) == len(path.read_text().splitlines()) - 1
    assert candles["time"].dtype == np.dtype("datetime64[ms]")


def test_read_returns_notes_and_logs_lost_rows(tmp_path: Any, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "ABC.csv"
    rows = [f"2024-01-01 {hour:02}:00,10,12,9,11,5" for hour in range(24)]
    rows[5] = "2024-01-01 05:00,10,8,9,11,5"  # the high is below the low
    path.write_text("\n".join(["time,open,high,low,close,volume", *rows]))
    candles = windvane.read(path)
    assert len(candles["time"]) == 23
    assert any("high 8.0 is below open 10.0" in note for note in candles.notes)
    assert [record.levelname for record in caplog.records] == ["WARNING"]  # the other notes lose no rows


def test_read_error_names_file_and_remedy(tmp_path: Any) -> None:
    with pytest.raises(windvane.Error, match="missing.csv"):
        windvane.read(tmp_path / "missing.csv")
    path = tmp_path / "odd.csv"
    path.write_text("moment,first,top,low,last\n2024-01-31 06:00,10,12,9.5,11\n2024-01-31 07:00,11,13,11,12.5\n")
    with pytest.raises(ValueError, match="--columns time=moment,open=?"):
        windvane.read(path)
    columns = "time=moment,open=first,high=top,low=low,close=last,volume=none"
    candles = windvane.read(path, "ABC", interval="1h", columns=columns, time="close")
    assert str(candles["time"][0]) == "2024-01-31T05:00:00.000"


def test_predict_returns_the_kind_of_its_input(bitcoin: windvane.Candles, model: windvane.Model, kind: Any) -> None:
    frame = kind(head(bitcoin, 100))
    predictions = model.predict(frame)
    assert type(predictions) is type(frame)
    assert len(column(predictions, "p_up")) == 100
    expected = model.predict(head(bitcoin, 100))
    for name in ("p_up", "p_down", "p_neutral", "confidence"):
        own, reference = column(predictions, name).astype(np.float32), expected[name]
        assert own.tobytes() == reference.tobytes() or np.array_equal(own, reference, equal_nan=True)
    directions = column(predictions, "direction")
    assert [d for d in directions if d in ("UP", "DOWN", "NEUTRAL")] == list(expected["direction"][44:])


def test_package_needs_no_other_data_frame_library() -> None:
    program = f"""
import sys
sys.modules["pandas"] = sys.modules["pyarrow"] = None
import polars, windvane
candles = polars.DataFrame(windvane.read({str(SAMPLE / "BTCUSDT.csv")!r}))[:100]
print(windvane.Model.pretrained().predict(candles)["p_up"].null_count(), len(windvane.signals(candles)))
"""
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert run.stdout == "44 100\n", run.stderr


def test_undefined_rows_are_null_in_kinds_with_nulls(bitcoin: windvane.Candles, model: windvane.Model) -> None:
    columns = head(bitcoin, 50)
    assert model.predict(pl.DataFrame(columns))["p_up"].null_count() == 44
    assert model.predict(pa.table(columns))["p_up"].null_count == 44
    frame = pd.DataFrame(columns, index=range(100, 150))
    predictions = model.predict(frame)
    assert predictions.index.equals(frame.index)
    assert predictions["p_up"].isna().sum() == 44
    assert predictions["direction"].isna().sum() == 44


def test_frame_has_the_same_candles_for_every_form_of_time(bitcoin: windvane.Candles, model: windvane.Model) -> None:
    columns = head(bitcoin, 60)
    expected = model.predict(columns)["p_up"]
    millis = columns["time"].astype(np.int64)
    aware = pd.DatetimeIndex(columns["time"]).tz_localize("UTC").tz_convert("Asia/Tokyo")
    frames = [
        {**columns, "time": millis},
        {**columns, "time": columns["time"].astype("datetime64[ns]")},
        pd.DataFrame({**columns, "time": millis}),
        pd.DataFrame({**columns, "time": aware}),
        pd.DataFrame(columns).drop(columns="time").set_index(aware),
        pd.DataFrame(columns).set_index("time", drop=False),
        pl.DataFrame(columns).with_columns(pl.col("time").dt.replace_time_zone("UTC")),
        pl.DataFrame({**columns, "time": millis}),
    ]
    for frame in frames:
        own = column(model.predict(frame), "p_up").astype(np.float32)
        assert np.array_equal(own, expected, equal_nan=True)


def test_ambiguous_times_are_refused(bitcoin: windvane.Candles, model: windvane.Model) -> None:
    columns = head(bitcoin, 60)
    seconds = columns["time"].astype(np.int64) // 1000
    cases: list[tuple[Any, str]] = [
        ({**columns, "time": seconds}, "unit of 1640995200 is ambiguous"),
        ({**columns, "time": seconds * 10**9}, "ambiguous"),
        ({**columns, "time": columns["time"].astype(str)}, "expected datetime64"),
        (pd.DataFrame({**columns, "time": columns["time"].astype(str)}), "convert the column"),
        (pd.DataFrame(columns).set_index("time", drop=False).shift(1, freq="h"), "DatetimeIndex differ"),
        (pl.DataFrame(columns).with_columns(pl.lit(None).cast(pl.Datetime).alias("time")), "has no time"),
        (pl.DataFrame(columns).drop("volume"), "no column volume"),
        (pl.DataFrame(columns).with_columns(pl.col("close").cast(pl.String)), "close: expected numbers"),
        (pl.DataFrame(columns).lazy(), "expected a pandas, polars or pyarrow frame"),
        (7, "expected a pandas, polars or pyarrow frame"),
        ({name: values[::-1] for name, values in columns.items()}, "out of order"),
        ({**columns, "close": np.where(np.arange(60) == 7, np.nan, columns["close"])}, "candle 7"),
        ({**columns, "close": columns["close"][:5]}, "close"),
    ]
    for frame, message in cases:
        with pytest.raises(windvane.Error, match=message):
            model.predict(frame)


def test_interval_is_inferred_only_if_it_is_unambiguous(bitcoin: windvane.Candles, model: windvane.Model) -> None:
    columns = head(bitcoin, 200)
    names = windvane.signals(columns).keys()
    assert list(names) == ["time", "momentum", "trend", "rsi", "macd", "volatility", "volume_change"]
    with pytest.raises(windvane.Error, match="the channel rsi is listed twice"):
        windvane.signals(columns, ["rsi", "trend", "rsi"])
    with pytest.raises(windvane.Error, match="cannot be inferred from 2 row"):
        windvane.signals(head(bitcoin, 2))
    assert len(windvane.signals(head(bitcoin, 2), interval="1h")["rsi"]) == 2
    every_fourth = {name: values[::4] for name, values in columns.items()}
    assert len(windvane.signals(every_fourth)["rsi"]) == 50  # 4h
    with pytest.raises(windvane.Error, match="at least 4 intervals of 1h apart"):
        model.predict(every_fourth)
    odd = {name: values[[0, 2, 5, 7, 10]] for name, values in columns.items()}
    with pytest.raises(windvane.Error, match="ambiguous"):
        windvane.signals(odd)
    sparse = {name: values[[0, 1, 5, 10, 15]] for name, values in columns.items()}
    with pytest.raises(windvane.Error, match="only 1 of 4 steps"):
        windvane.signals(sparse)
    daily = windvane.read(SAMPLE / "AAPL.csv")
    with pytest.raises(windvane.Error, match="fitted on 1h candles, the rows are 1d"):
        model.predict(daily)


def test_times_of_updates_are_milliseconds_datetimes_or_text(model: windvane.Model) -> None:
    start = datetime(2024, 1, 1, tzinfo=timezone.utc)
    times = [
        1704067200000,
        start.replace(tzinfo=None),
        start.astimezone(timezone(timedelta(hours=9))),
        "2024-01-01",
        np.datetime64("2024-01-01"),
        pd.Timestamp("2024-01-01"),
    ]
    for time in times:
        predictor = windvane.Predictor(model, "BTCUSDT")
        assert predictor.update(time, 1, 2, 1, 2, 5).accepted
        assert predictor.last_time == start
    for time, message in [
        (1704067200, "ambiguous"),
        (True, "expected a datetime"),
        (1.7e12, "expected a datetime"),
        (pd.NaT, "no time"),
        (np.datetime64("NaT"), "no time"),
        ("yesterday", "yesterday"),
    ]:
        with pytest.raises(windvane.Error, match=message):
            windvane.Predictor(model, "BTCUSDT").update(time, 1, 2, 1, 2, 5)
