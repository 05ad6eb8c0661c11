//! Saved models: the same bits after loading, and a specific error for every kind of damage.
use crate::common;

use common::{market, models, quick_v2, table};
use proptest::prelude::*;
use windvane_candles::Interval;
use windvane_candles::simulate::MarketModel;
use windvane_models::network::Network;
use windvane_models::v2::WeightedSignals;
use windvane_models::{
    DirectionModel, FittedModel, Kinds, LoadError, Predictor, TableReader, from_bytes, load,
};
use windvane_signals::ChannelSpec;

fn predictions(model: &dyn FittedModel) -> Vec<[u32; 3]> {
    let series = market(MarketModel::VOLUME_LEAD, 300, 8);
    let table = table(&series);
    let mut reader = TableReader::new(model, std::slice::from_ref(&table));
    (0..table.len())
        .filter_map(|row| reader.predict(0, row).unwrap())
        .map(|prediction| prediction.probabilities.classes().map(f32::to_bits))
        .collect()
}

#[test]
fn saved_model_predicts_with_same_bits() {
    let folder = tempfile::tempdir().unwrap();
    let models = models();
    for model in &models {
        let file = folder.path().join(model.id().as_str());
        model.save(&file).unwrap();
        let again = load(&file).unwrap();
        assert_eq!(predictions(&*again), predictions(model));
        assert_eq!((again.record(), again.spec()), (model.record(), model.spec()));
        assert_eq!(again.to_bytes().unwrap(), model.to_bytes().unwrap());
    }
    assert_eq!(
        std::fs::read_dir(folder.path()).unwrap().count(),
        models.len(),
        "temporary files are left"
    );
}

#[test]
fn debug_output_omits_weights() {
    for kind in Kinds::default().names() {
        let model = load(&first_files(kind)[0]).unwrap();
        let text = format!("{model:?}");
        assert!(text.contains(kind) && text.contains("momentum"), "{text}");
        assert!(text.len() < 2_000, "{kind}: {}", text.len());
    }
    let model = Network::from_bytes(&saved()).unwrap();
    let text = format!("{:?}", Predictor::new(model, Interval::HOUR).unwrap());
    assert!(text.contains("candles_needed: ") && text.len() < 500, "{text}");
    let text = format!("{:?}", Network::from_bytes(&saved()).unwrap());
    // 4 gates of 32 units that read 6 channels and 32 units, biases; 3 classes of 32 units.
    assert!(text.contains(&format!("weights: {}", 4 * 32 * (6 + 32 + 1) + 3 * 33)), "{text}");
}

/// First saved file of a kind, and the file with its prediction at that time.
fn first_files(kind: &str) -> [std::path::PathBuf; 2] {
    let data = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data");
    ["safetensors", "txt"].map(|ending| data.join(format!("{kind}.format1.{ending}")))
}

/// Writes the first files of kinds without one; existing files are not changed. Run it with
/// `cargo test -p windvane-models --test suite -- --ignored saved_make_first_files`.
#[test]
#[ignore = "writes into tests/data"]
fn saved_make_first_files_of_new_kinds() {
    for model in models() {
        let [file, prediction] = first_files(model.id().as_str());
        if file.exists() {
            continue;
        }
        model.save(&file).unwrap();
        let first = predictions(&model)[0].map(|bits| f32::from_bits(bits).to_string());
        std::fs::write(prediction, first.join(" ") + "\n").unwrap();
    }
}

#[test]
fn saved_first_files_of_format_1_load() {
    let files = common::first_files();
    for kind in Kinds::default().names() {
        assert!(files.iter().any(|file| file == kind), "{kind} has no first file");
    }
    for kind in &files {
        let [file, prediction] = first_files(kind);
        let model = load(file).unwrap();
        assert_eq!(model.id().as_str(), *kind);
        // Prediction at the time of saving; another kernel may differ in the last bits.
        let first = predictions(&*model)[0].map(f32::from_bits);
        let then = std::fs::read_to_string(prediction).unwrap();
        for (now, then) in first.iter().zip(then.split_whitespace()) {
            assert!((now - then.parse::<f32>().unwrap()).abs() < 1e-5, "{kind}: {first:?}");
        }
    }
    let real = Network::from_bytes(&saved()).unwrap();
    assert_eq!(
        (real.config().encoder.units(), &real.record().unwrap().pairs[..]),
        (32, &["BTCUSDT".to_string()][..])
    );
}

fn saved() -> Vec<u8> {
    include_bytes!("../data/v32.format1.safetensors").to_vec()
}

/// The file with a changed JSON header and corrected lengths.
fn with_header(change: impl Fn(String) -> String) -> Vec<u8> {
    let bytes = saved();
    let length = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    let header = change(String::from_utf8(bytes[8..8 + length].to_vec()).unwrap());
    let padding = header.len().next_multiple_of(8) - header.len();
    let mut changed = ((header.len() + padding) as u64).to_le_bytes().to_vec();
    changed.extend(header.bytes());
    changed.extend(std::iter::repeat_n(b' ', padding));
    changed.extend(&bytes[8 + length..]);
    changed
}

#[test]
fn saved_damage_has_specific_error() {
    let error = |bytes: Vec<u8>| from_bytes(&bytes).unwrap_err();
    assert!(from_bytes(&with_header(|header| header)).is_ok(), "the test's own surgery is sound");
    assert!(matches!(error(Vec::new()), LoadError::Damaged { .. }));
    assert!(matches!(error(saved()[..saved().len() - 1].to_vec()), LoadError::Damaged { .. }));

    let newer = error(with_header(|header| header.replace("\\\"format\\\":1", "\\\"format\\\":2")));
    assert!(matches!(newer, LoadError::NewerFormat { got: 2, newest: 1, .. }), "{newer}");

    let mut flipped = saved();
    *flipped.last_mut().unwrap() ^= 1;
    assert!(matches!(error(flipped), LoadError::Checksum { .. }));

    let foreign = error(with_header(|header| header.replace("windvane", "somebody")));
    assert!(foreign.to_string().contains("no windvane metadata"), "{foreign}");

    let mut endless = saved();
    endless[..8].copy_from_slice(&u64::MAX.to_le_bytes());
    assert!(matches!(error(endless), LoadError::Damaged { .. }));

    let kind = WeightedSignals::load(fixture()).unwrap_err();
    assert!(matches!(kind, LoadError::Kind { .. }), "{kind}");
    assert!(kind.to_string().contains("contains a v32 model, expected v2"), "{kind}");

    let missing = load("no/such/file").unwrap_err();
    assert!(missing.to_string().starts_with("no/such/file: "), "{missing}");
}

fn fixture() -> std::path::PathBuf {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/v32.format1.safetensors")
}

#[test]
fn saved_changed_card_fails_checksum() {
    let changed = with_header(|header| {
        let (from, to) = ("\\\"lookback\\\":20", "\\\"lookback\\\":21");
        assert!(header.contains(from), "{header}");
        header.replace(from, to)
    });
    let error = from_bytes(&changed).unwrap_err();
    assert!(matches!(error, LoadError::Checksum { .. }), "{error}");
}

#[test]
fn spec_rejects_huge_windows() {
    let mut spec = quick_v2(&market(MarketModel::AR1, 500, 1)).spec().clone();
    assert!(spec.validate().is_ok());
    spec.lookback = 10_001;
    assert!(spec.validate().unwrap_err().to_string().starts_with("lookback must be 1 to 10,000"));
    let wide = |count| vec![ChannelSpec::new("momentum").with("lag", 10_000.0); count];
    (spec.lookback, spec.signals.channels) = (10_000, wide(101));
    let error = spec.validate().unwrap_err().to_string();
    assert!(error.starts_with("rows times channels of a window must be at most"), "{error}");
    (spec.lookback, spec.signals.channels) = (1, wide(1_025));
    let error = spec.validate().unwrap_err().to_string();
    assert!(error.starts_with("number of channels must be 1 to 1024"), "{error}");
}

#[test]
fn save_from_many_threads_leaves_complete_model() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model");
    let model = Network::from_bytes(&saved()).unwrap();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| (0..25).for_each(|_| model.save(&path).unwrap()));
        }
    });
    assert_eq!(Network::load(&path).unwrap().to_bytes().unwrap(), model.to_bytes().unwrap());
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "temporary files are left");
}

#[test]
fn load_rejects_large_file_without_reading() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("huge");
    std::fs::File::create(&path).unwrap().set_len(10 << 30).unwrap();
    assert!(matches!(load(&path), Err(LoadError::TooLarge { .. })));
}

#[test]
fn save_failure_keeps_old_file() {
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("folder-in-the-way");
    std::fs::create_dir(&target).unwrap();
    std::fs::write(target.join("old"), "kept").unwrap();
    let model = Network::from_bytes(&saved()).unwrap();
    assert!(matches!(model.save(&target), Err(LoadError::Io { .. })));
    assert_eq!(std::fs::read_to_string(target.join("old")).unwrap(), "kept");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "temporary files are left");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn load_rejects_mutated_file(
        at in any::<prop::sample::Index>(), bit in 0..8_u32, cut in any::<prop::sample::Index>(), cutting: bool,
    ) {
        let mut bytes = saved();
        if cutting {
            bytes.truncate(cut.index(bytes.len()));
        } else {
            let at = at.index(bytes.len());
            bytes[at] ^= 1 << bit;
        }
        prop_assert!(from_bytes(&bytes).is_err());
    }

    #[test]
    fn load_rejects_random_bytes(bytes in prop::collection::vec(any::<u8>(), 0..500)) {
        prop_assert!(from_bytes(&bytes).is_err());
    }
}
