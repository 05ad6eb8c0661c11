//! Example data of barter: its configuration and three minutes of Binance's trades.
use std::error::Error;
use std::path::PathBuf;
use std::process::Command;

use barter::system::config::SystemConfig;
use barter_data::event::DataKind;
use barter_data::streams::consumer::MarketStreamEvent;
use barter_instrument::instrument::InstrumentIndex;
use serde_json::Value;

/// Market events of the engine.
pub type Event = MarketStreamEvent<InstrumentIndex, DataKind>;

/// Folder of barter's examples, which its package contains.
fn folder() -> Result<PathBuf, Box<dyn Error>> {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_string());
    let output = Command::new(cargo)
        .args(["metadata", "--format-version", "1", "--locked", "--manifest-path"])
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"))
        .output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into());
    }
    let metadata: Value = serde_json::from_slice(&output.stdout)?;
    let packages = metadata["packages"].as_array().ok_or("cargo metadata has no packages")?;
    let barter = packages.iter().find(|package| package["name"] == "barter");
    let manifest = barter.and_then(|package| package["manifest_path"].as_str());
    let manifest = PathBuf::from(manifest.ok_or("barter is not among the packages")?);
    Ok(manifest.with_file_name("examples"))
}

/// Instruments and mock exchange of barter's backtest example.
pub fn config() -> Result<SystemConfig, Box<dyn Error>> {
    let text = std::fs::read_to_string(folder()?.join("config/backtest_config.json"))?;
    let mut config: Value = serde_json::from_str(&text)?;
    Ok(serde_json::from_value(config["system"].take())?)
}

/// Trades and best quotes of BTCUSDT, ETHUSDT and SOLUSDT on 2025-03-25 from 23:07 to 23:10.
pub fn events() -> Result<Vec<Event>, Box<dyn Error>> {
    let file = folder()?.join("data/binance_spot_trades_l1_btcusdt_ethusdt_solusdt.json");
    let text = std::fs::read_to_string(file)?;
    Ok(text.lines().map(serde_json::from_str).collect::<Result<_, _>>()?)
}
