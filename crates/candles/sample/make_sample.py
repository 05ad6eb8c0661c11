#!/usr/bin/env python3
"""Creates the CSV files of the embedded sample from their source packages.

    python3 make_sample.py [FOLDER_WITH_THE_PYTHON_PACKAGES]

Downloads the packages with pip and cargo (or reads the Python packages from the folder), verifies
the checksums below, and writes NAME.csv and licences/ beside this script. Prices and volumes keep
the digits of the source; only the time stamps are converted to milliseconds since 1970-01-01 UTC.
Rows that are not valid candles are removed and printed.
"""

import gzip
import hashlib
import json
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from datetime import datetime, timezone
from decimal import Decimal
from pathlib import Path

HERE = Path(__file__).resolve().parent
HOUR, DAY = 3_600_000, 86_400_000
PACKAGES = {
    "gapless_crypto_data": ("gapless-crypto-data==5.0.3", "--no-binary=:all:"),
    "bokeh_sampledata": ("bokeh_sampledata==2026.1", "--only-binary=:all:"),
    "gym_anytrading": ("gym-anytrading==2.0.0", "--only-binary=:all:"),
    "arch": ("arch==8.0.0", "--only-binary=:all:"),
}
# SHA-256 of the files in the packages.
SUMS = {
    "binance_spot_BTCUSDT-1h_20140101-20240101_v2.10.0_gapped.csv.bak": "88771a9b2a6aa4f22c8a0748468f43508e366427765d9f827a6938fea6b46793",
    "stocks.csv.gz": "5abadf99b2d394f920120a27de6f0df129859d71d4cfb0bf661bcc99446ab1fd",
    "FOREX_EURUSD_1H_ASK.csv": "28398b7edff9f74860d35a6f3c263f08e15c55264316dc07737d459d8688d7aa",
    "sp500.csv.gz": "1e028cbb9c400cc018c816ccc439b33c919387e726c3ed5ca2c05c82746059de",
    "nasdaq.csv.gz": "b2009535343ebb14e0aa11ed086788d2997a416ffe4f9450eed9a561ae30ac59",
    "NVDA.csv": "ae11c6123639c287c05b66bf31ffe3fbbb97ea500ac217160aa26f27785276ae",
}


def package(folder, name):
    """Returns the files of a Python package: path inside it -> bytes."""
    if not list(folder.glob(f"{name}-*")):
        wanted, kind = PACKAGES[name]
        command = [sys.executable, "-m", "pip", "download", "--no-deps", kind, "-d", folder, wanted]
        subprocess.run(command, check=True)
    (path,) = folder.glob(f"{name}-*")
    if path.suffix == ".whl":
        archive = zipfile.ZipFile(path)
        return {n: archive.read(n) for n in archive.namelist()}
    archive = tarfile.open(path)
    return {m.name: archive.extractfile(m).read() for m in archive if m.isfile()}


def rust_package(name, version):
    """Returns the folder of a Rust package, downloaded by cargo."""
    with tempfile.TemporaryDirectory() as folder:
        manifest = Path(folder) / "Cargo.toml"
        manifest.write_text(
            f'[package]\nname = "fetch"\nversion = "0.0.0"\nedition = "2021"\n'
            f'[lib]\npath = "lib.rs"\n[dependencies]\n{name} = "={version}"\n'
        )
        (Path(folder) / "lib.rs").touch()
        command = ["cargo", "metadata", "--format-version=1", "--manifest-path", manifest]
        found = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    (path,) = (p["manifest_path"] for p in found["packages"] if p["name"] == name)
    return Path(path).parent


def pick(files, end):
    """Returns the only file whose path ends with `end`."""
    ((path, content),) = ((p, c) for p, c in files.items() if p.endswith(end))
    check(path, content)
    return content


def check(path, content):
    name = Path(path).name
    if name in SUMS and hashlib.sha256(content).hexdigest() != SUMS[name]:
        sys.exit(f"{name}: the checksum differs; expected the file of the package version in PACKAGES")


def millis(text, form):
    return int(datetime.strptime(text, form).replace(tzinfo=timezone.utc).timestamp()) * 1000


def rows(content, form, first=0):
    """Yields the time and five values (as text) of each row; `first` is the column of the time."""
    lines = (line for line in content.decode().splitlines() if not line.startswith("#"))
    names = [name.lower() for name in next(lines).split(",")]
    places = [names.index(name) for name in ("open", "high", "low", "close", "volume")]
    for line in lines:
        cells = line.split(",")
        yield millis(cells[first], form), [cells[place] for place in places], cells


def write(name, step, candles):
    """Writes a file and prints its row of the table in README.md."""
    kept = []
    for time, values, _ in candles:
        o, h, l, c, v = map(Decimal, values)
        if not (h >= max(o, c) and 0 < l <= min(o, c) and v >= 0):
            print(f"{name}: removed {datetime.fromtimestamp(time / 1000, timezone.utc)} {values}")
            continue
        assert time % step == 0 and (not kept or time > kept[-1][0]), (name, time)
        kept.append((time, values))
    lines = ["open_time,open,high,low,close,volume"]
    lines += [",".join([str(time), *values]) for time, values in kept]
    text = "\n".join(lines) + "\n"
    (HERE / f"{name}.csv").write_text(text)
    steps = [(b - a) // step - 1 for (a, _), (b, _) in zip(kept, kept[1:])]
    gaps = [s for s in steps if s]
    quiet = sum(Decimal(values[4]) == 0 for _, values in kept)
    ends = [f"{datetime.fromtimestamp(t / 1000, timezone.utc):%Y-%m-%d %H:%M}" for t in (kept[0][0], kept[-1][0])]
    print(f"| {name} | {len(kept)} | {ends[0]} | {ends[1]} | {len(gaps)} / {sum(gaps)} | {quiet} | {len(text)} |")


def main():
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(temporary)
        btc, bokeh, gym, arch = (package(folder, name) for name in PACKAGES)
    rust = rust_package("rs-backtester", "0.1.5")
    nvda = (rust / "test_data" / "NVDA.csv").read_bytes()
    check("NVDA.csv", nvda)

    start, end = millis("2022", "%Y"), millis("2024", "%Y")
    source = pick(btc, "binance_spot_BTCUSDT-1h_20140101-20240101_v2.10.0_gapped.csv.bak")
    hours = rows(source, "%Y-%m-%d %H:%M:%S")
    write("BTCUSDT", HOUR, (row for row in hours if start <= row[0] < end))
    euro = rows(pick(gym, "FOREX_EURUSD_1H_ASK.csv"), "%d.%m.%Y %H:%M:%S.000")
    write("EURUSD", HOUR, euro)
    stocks = list(rows(gzip.decompress(pick(bokeh, "stocks.csv.gz")), "%Y-%m-%d", first=1))
    for ticker in ("AAPL", "IBM", "MSFT", "GOOG", "FB"):
        write(ticker, DAY, (row for row in stocks if row[2][0] == ticker))
    for name in ("SP500", "NASDAQ"):
        content = gzip.decompress(pick(arch, f"/{name.lower()}.csv.gz"))
        write(name, DAY, rows(content, "%m/%d/%Y"))
    # The last row is stamped at the session's close: an intraday quote, not a daily candle.
    days = [(t // DAY * DAY, v, c) for t, v, c in rows(nvda, "%Y-%m-%d %H:%M:%S +00:00")]
    write("NVDA", DAY, days[:-1])

    licences = HERE / "licences"
    (licences / "gapless-crypto-data-MIT.txt").write_bytes(pick(btc, "5.0.3/LICENSE"))
    (licences / "gym-anytrading-MIT.txt").write_bytes(pick(gym, "dist-info/LICENSE"))
    (licences / "arch-NCSA.txt").write_bytes(pick(arch, "licenses/LICENSE.md"))
    shutil.copy(rust / "LICENSE-APACHE-2.0", licences / "rs-backtester-Apache-2.0.txt")
    record = json.loads(pick(bokeh, "licenses/licenses/datasets.json"))
    sets = record["datasets"] if isinstance(record, dict) else record
    (stocks,) = (entry for entry in sets if entry.get("module") == "stocks")
    wanted = ("module", "files", "recorded_license", "status", "sources", "attribution", "notes")
    kept = {key: stocks[key] for key in (*wanted, "verified_source_terms", "sha256")}
    text = json.dumps(kept, indent=2, ensure_ascii=False) + "\n"
    (licences / "bokeh_sampledata-stocks-public-domain.json").write_text(text)


if __name__ == "__main__":
    main()
