//! Cached activations of single time steps against the equations.
use windvane_lstm_core::{
    BiLstmCache, BiLstmShape, Biases, LstmParams, LstmStep, Real, bilstm_forward,
};

use crate::common::draws;

/// Computes the gates i, f, g, o, the new cell and the new hidden state of one unit.
fn equations(
    params: LstmParams<'_, f64>,
    unit: usize,
    x: &[f64],
    (h, c): (&[f64], &[f64]),
) -> ([f64; 4], f64, f64) {
    let dot = |row: &[f64], v: &[f64]| row.iter().zip(v).map(|(a, b)| a * b).sum::<f64>();
    let sum = |gate: usize| {
        let row = gate * h.len() + unit;
        let biases = params.b_ih[row] + params.b_hh.unwrap()[row];
        let w = dot(&params.w_ih[row * x.len()..][..x.len()], x);
        biases + w + dot(&params.w_hh[row * h.len()..][..h.len()], h)
    };
    let sigmoid = |z: f64| 1.0 / (1.0 + (-z).exp());
    let [i, f, g, o] = [sigmoid(sum(0)), sigmoid(sum(1)), sum(2).tanh(), sigmoid(sum(3))];
    let cell = f * c[unit] + i * g;
    ([i, f, g, o], cell, o * cell.tanh())
}

#[test]
fn cache_steps_follow_the_equations_in_both_directions() {
    let (inputs, steps, batch) = (3, 6, 4);
    // With and without padding.
    for hidden in [5, 16] {
        let shape = BiLstmShape::new(inputs, hidden, Biases::Two).unwrap();
        let weights: Vec<f64> = draws(1, shape.len(), 0.8);
        let x: Vec<f64> = draws(2, steps * batch * inputs, 2.0);
        let params = shape.params(&weights).unwrap();
        let mut cache = BiLstmCache::new();
        bilstm_forward(shape, params, &x, batch, None, &mut cache).unwrap();
        for (direction, params) in [params.forward, params.reverse].into_iter().enumerate() {
            for b in 0..batch {
                let (mut h, mut c) = (vec![0.0; hidden], vec![0.0; hidden]);
                for read in 0..steps {
                    let t = if direction == 0 { read } else { steps - 1 - read };
                    let x = &x[(t * batch + b) * inputs..][..inputs];
                    let got = cache.step(t, b).unwrap()[direction];
                    for unit in 0..hidden {
                        let (gates, cell, state) = equations(params, unit, x, (&h, &c));
                        let close = |a: f64, b: f64| assert!((a - b).abs() < 1e-12, "{a} {b}");
                        got.gates.iter().zip(gates).for_each(|(got, want)| close(got[unit], want));
                        close(got.cell[unit], cell);
                        close(got.hidden[unit], state);
                    }
                    (h, c) = (got.hidden.to_vec(), got.cell.to_vec());
                    let results = &cache.hidden()[(t * batch + b) * 2 * hidden..][..2 * hidden];
                    assert_eq!(h, results[direction * hidden..][..hidden]);
                }
            }
        }
    }
}

#[test]
fn cache_step_outside_the_last_pass_is_none() {
    let none = |cache: &BiLstmCache<f32>, t, b| assert_eq!(cache.step(t, b), None);
    let mut cache = BiLstmCache::new();
    none(&cache, 0, 0);
    let shape = BiLstmShape::new(1, 2, Biases::One).unwrap();
    let weights: Vec<f32> = draws(3, shape.len(), 1.0);
    // After a long pass, the buffers hold more numbers than a shorter pass writes.
    for (steps, batch) in [(4, 3), (2, 1)] {
        let x: Vec<f32> = draws(4, steps * batch, 1.0);
        bilstm_forward(shape, shape.params(&weights).unwrap(), &x, batch, None, &mut cache)
            .unwrap();
        let inside = cache.step(steps - 1, batch - 1).unwrap();
        let open =
            |step: LstmStep<'_, f32>| step.gates[0].iter().all(|i| *i > f32::ZERO && *i < f32::ONE);
        assert!(inside.into_iter().all(open));
        none(&cache, steps, 0);
        none(&cache, 0, batch);
    }
}
