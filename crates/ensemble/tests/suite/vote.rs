//! Votes of an ensemble whose members have predictions set by the test.
use proptest::prelude::*;
use windvane_candles::Direction::{self, Down, Neutral, Up};
use windvane_candles::{Interval, Timestamp};
use windvane_ensemble::{Ensemble, EnsembleError, Voting};
use windvane_models::{
    Calibration, DirectionModel, FittedModel, ModelId, ModelSpec, NeutralReason, PredictError,
    Prediction, Scratch,
};
use windvane_signals::{ChannelSpec, GapPolicy, LabelSpec, SignalSpec, Window};

/// Model with fixed probabilities, or with P(UP) from the last channel of the first row.
#[derive(Debug)]
struct FixedModel {
    id: ModelId,
    spec: ModelSpec,
    classes: Option<[f32; 3]>,
}

fn spec(channels: &[&str], lookback: usize) -> ModelSpec {
    let channels = channels.iter().copied().map(ChannelSpec::new).collect();
    ModelSpec {
        signals: SignalSpec { channels, gaps: GapPolicy::Reset },
        interval: Interval::HOUR,
        lookback,
        labels: LabelSpec::default(),
    }
}

fn fixed(id: &str, classes: [f32; 3]) -> Box<dyn FittedModel> {
    let spec = spec(&["momentum"], 2);
    Box::new(FixedModel { id: ModelId::new(id), spec, classes: Some(classes) })
}

impl FittedModel for FixedModel {}

impl DirectionModel for FixedModel {
    fn id(&self) -> &ModelId {
        &self.id
    }

    fn spec(&self) -> &ModelSpec {
        &self.spec
    }

    fn scratch(&self) -> Scratch {
        Scratch::new(())
    }

    fn predict(&self, window: Window<'_>, _: &mut Scratch) -> Result<Prediction, PredictError> {
        self.spec.check(&window)?;
        let first = window.row(0);
        #[expect(clippy::cast_possible_truncation, reason = "a test's small numbers")]
        let up = first[first.len() - 1] as f32;
        let classes = self.classes.unwrap_or([up, 1.0 - up, 0.0]);
        Prediction::new(classes, window.decided_at(), 1, &self.id)
    }
}

fn ensemble(members: &[[f32; 3]], weights: &[f64], voting: Voting) -> Ensemble {
    let models = members.iter().map(|classes| fixed("m", *classes)).collect();
    Ensemble::new(ModelId::new("test"), models, weights, voting).unwrap()
}

fn predict(ensemble: &Ensemble) -> Prediction {
    let window = Window::new(&[0.0, 0.0], 1, Timestamp::from_millis(0)).unwrap();
    ensemble.predict(window, &mut ensemble.scratch()).unwrap()
}

const CONFIDENT_UP: [f32; 3] = [0.9, 0.1, 0.0];
const WEAK_DOWN: [f32; 3] = [0.4, 0.6, 0.0];
const UNDECIDED: [f32; 3] = [0.2, 0.2, 0.6];

#[test]
fn vote_soft_is_weighted_mean() {
    let got = predict(&ensemble(&[CONFIDENT_UP, WEAK_DOWN], &[1.0, 3.0], Voting::Soft));
    let [up, down, _] = got.probabilities.classes();
    assert!((up - 0.525).abs() < 1e-6 && (down - 0.475).abs() < 1e-6);
    assert_eq!((got.direction, got.model.as_str()), (Up, "test"));
    // The member that agrees has a quarter of the weight.
    assert_eq!(got.agreement, Some(0.25));
}

#[test]
fn vote_hard_counts_predictions_regardless_of_confidence() {
    let members = [CONFIDENT_UP, WEAK_DOWN, WEAK_DOWN, UNDECIDED];
    let got = predict(&ensemble(&members, &[1.0, 1.0, 1.0, 1.0], Voting::Hard));
    assert_eq!(got.probabilities.classes(), [0.25, 0.5, 0.25]);
    assert_eq!((got.direction, got.agreement), (Down, Some(0.5)));
    let tie = ensemble(&[CONFIDENT_UP, WEAK_DOWN], &[0.1, 0.1], Voting::Hard);
    let got = predict(&tie);
    assert_eq!((got.direction, got.neutral), (Neutral, Some(NeutralReason::Disagreement)));
    // Rounded weights are a tie, too: 0.1 + 0.6 against 0.3 + 0.4.
    let members = [CONFIDENT_UP, WEAK_DOWN, WEAK_DOWN, CONFIDENT_UP];
    let got = predict(&ensemble(&members, &[0.1, 0.3, 0.4, 0.6], Voting::Hard));
    assert_eq!(got.neutral, Some(NeutralReason::Disagreement));
    let got = predict(&ensemble(&[UNDECIDED, CONFIDENT_UP], &[2.0, 1.0], Voting::Hard));
    assert_eq!((got.direction, got.neutral), (Neutral, Some(NeutralReason::Class)));
}

#[test]
fn vote_below_min_agreement_is_neutral() {
    let voters = || ensemble(&[CONFIDENT_UP, WEAK_DOWN], &[0.5, 0.5], Voting::Soft);
    assert_eq!(predict(&voters()).direction, Up);
    let neutral = predict(&voters().with_min_agreement(0.6).unwrap());
    assert_eq!((neutral.direction, neutral.neutral), (Neutral, Some(NeutralReason::Disagreement)));
    assert_eq!(neutral.agreement, Some(0.5), "agreement of the vote before it became NEUTRAL");
    // The probabilities do not change.
    assert_eq!(neutral.probabilities, predict(&voters()).probabilities);
    assert_eq!(predict(&voters().with_min_agreement(0.5).unwrap()).direction, Up);
    for wrong in [-0.1, 1.1, f32::NAN] {
        assert!(voters().with_min_agreement(wrong).is_err());
    }
}

#[test]
fn votes_return_prediction_of_each_member() {
    let models = vec![fixed("a", CONFIDENT_UP), fixed("b", UNDECIDED)];
    let voters = Ensemble::new(ModelId::new("test"), models, &[3.0, 1.0], Voting::Soft).unwrap();
    let mut scratch = voters.scratch();
    let window = Window::new(&[0.0, 0.0], 1, Timestamp::from_millis(0)).unwrap();
    voters.predict(window, &mut scratch).unwrap();
    let votes = voters.votes(&scratch);
    let got: Vec<(&str, f32, Direction, f32)> = votes
        .iter()
        .map(|vote| (vote.model.as_str(), vote.weight, vote.direction, vote.confidence))
        .collect();
    assert_eq!(got, [("a", 0.75, Up, 0.9), ("b", 0.25, Neutral, 0.6)]);
    assert!(voters.votes(&Scratch::new(())).is_empty());
}

#[test]
fn calibration_is_applied_to_probabilities_of_vote() {
    let mut voters = ensemble(&[CONFIDENT_UP, CONFIDENT_UP], &[1.0, 1.0], Voting::Soft);
    voters.set_calibration(Calibration::new(2.0, 0.0).unwrap()).unwrap();
    let up = predict(&voters).probabilities.classes()[0];
    assert!((up - 0.75).abs() < 1e-6, "{up}"); // √9 : 1
    voters.set_calibration(Calibration::new(2.0, 0.6).unwrap()).unwrap();
    assert_eq!(predict(&voters).neutral, Some(NeutralReason::Abstained));
}

#[test]
fn members_read_their_own_channels_and_rows() {
    let narrow = |channel, lookback| {
        let spec = spec(&[channel], lookback);
        let id = ModelId::new(channel);
        Box::new(FixedModel { id, spec, classes: None }) as Box<dyn FittedModel>
    };
    let models = vec![narrow("rsi", 3), narrow("momentum", 1), narrow("rsi", 2)];
    let voters = Ensemble::new(ModelId::new("test"), models, &[1.0; 3], Voting::Soft).unwrap();
    assert_eq!(*voters.spec(), spec(&["rsi", "momentum"], 3));
    let mut scratch = voters.scratch();
    // Rows of rsi and momentum; P(UP) of a member is in the first row that it reads.
    let rows = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6];
    let window = Window::new(&rows, 2, Timestamp::from_millis(0)).unwrap();
    voters.predict(window, &mut scratch).unwrap();
    let confidence: Vec<f32> = voters.votes(&scratch).iter().map(|vote| vote.confidence).collect();
    // p(UP) is 0.1, 0.6, 0.3.
    assert_eq!(confidence, [0.9, 0.6, 0.7]);
}

#[test]
fn ensemble_rejects_missing_members_wrong_weights_and_mismatched_specs() {
    let new = |models, weights: &[f64]| {
        Ensemble::new(ModelId::new("test"), models, weights, Voting::Soft).unwrap_err()
    };
    let two = || vec![fixed("a", CONFIDENT_UP), fixed("b", CONFIDENT_UP)];
    assert_eq!(new(vec![], &[]), EnsembleError::Empty);
    assert_eq!(new(two(), &[1.0]), EnsembleError::Weights { expected: 2, got: 1 });
    for wrong in [[1.0, -1.0], [1.0, f64::INFINITY], [0.0, 0.0]] {
        assert!(matches!(new(two(), &wrong), EnsembleError::Weight { .. }), "{wrong:?}");
    }
    let EnsembleError::Weight { member, .. } = new(two(), &[1.0, f64::NAN]) else { panic!() };
    assert_eq!(member, "b");
    let other = |change: fn(&mut ModelSpec)| {
        let mut spec = spec(&["momentum"], 2);
        change(&mut spec);
        let id = ModelId::new("other");
        vec![fixed("a", CONFIDENT_UP), Box::new(FixedModel { id, spec, classes: None })]
    };
    for (change, named) in [
        ((|spec| spec.interval = Interval::DAY) as fn(&mut ModelSpec), "interval"),
        (|spec| spec.labels.horizon = 2, "labels"),
        (|spec| spec.signals.gaps = GapPolicy::Error, "gap"),
    ] {
        let error = new(other(change), &[1.0, 1.0]).to_string();
        assert!(error.contains(named) && error.contains("other has"), "{error}");
    }
}

fn any_classes() -> impl Strategy<Value = [f32; 3]> {
    (0.0_f32..=1.0, 0.0_f32..=1.0).prop_map(|(a, b)| [a * b, a * (1.0 - b), 1.0 - a])
}

#[test]
fn vote_of_certain_members_is_valid_despite_rounded_weights() {
    for count in 2..9_usize {
        for step in 1..60 {
            let weights: Vec<f64> =
                (0..count).map(|i| 1.0 + f64::from(step) * i as f64 / 7.0).collect();
            for voting in [Voting::Soft, Voting::Hard] {
                let voters = ensemble(&vec![[1.0, 0.0, 0.0]; count], &weights, voting);
                assert!(predict(&voters).probabilities.of(Up) > 0.999_999);
            }
        }
    }
}

proptest! {
    #[test]
    fn vote_direction_is_kept_by_calibration(
        members in prop::collection::vec((any_classes(), 0.0_f64..10.0), 1..8),
        hard in any::<bool>(),
        temperature in 0.01_f32..100.0,
    ) {
        let (classes, mut weights): (Vec<_>, Vec<_>) = members.into_iter().unzip();
        weights[0] += 0.1;
        let voting = if hard { Voting::Hard } else { Voting::Soft };
        let mut voters = ensemble(&classes, &weights, voting);
        let plain = predict(&voters);
        prop_assert!((0.0..=1.0 + 1e-6).contains(&plain.agreement.unwrap()));
        // A difference in the last bit may be lost in the logarithms.
        let mut sorted = plain.probabilities.classes();
        sorted.sort_by(f32::total_cmp);
        prop_assume!(sorted[2] - sorted[1] > 1e-5);
        voters.set_calibration(Calibration::new(temperature, 0.0).unwrap()).unwrap();
        let got = predict(&voters);
        prop_assert_eq!(got.direction, plain.direction);
    }

    #[test]
    fn vote_of_single_member_equals_its_prediction(classes in any_classes()) {
        let alone = ensemble(&[classes], &[7.0], Voting::Soft);
        prop_assert_eq!(predict(&alone).probabilities.classes(), classes);
    }
}
