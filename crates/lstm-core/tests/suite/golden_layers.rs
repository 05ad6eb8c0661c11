//! Results and gradients of normalisations, convolutions, attentions and their blocks against
//! `PyTorch`.
use serde_json::Value;
use windvane_lstm_core::{
    CausalConvShape, LayerNormShape, NormOrder, Real, SelfAttentionShape, TcnBlockShape,
    TransformerLayerShape, positional_encoding,
};
use windvane_testing::{TensorFile, Unsupported, assert_close, golden_dir, json};

use crate::block::{Block, BlockCache};
use crate::common::{cast, swap_axes, widen};

#[test]
fn golden_layers_forward_and_gradients() {
    let dir = golden_dir("i_layers");
    let mut cases = Unsupported::new("i_layers");
    for case in json(&dir.join("index.json")).as_array().unwrap() {
        let name = case["file"].as_str().unwrap();
        let file = TensorFile::read(&dir.join(name));
        match case["layer"].as_str().unwrap() {
            "positional_encoding" => check_positional_encoding(&file),
            // Another test reads these cases.
            "gru" => {}
            _ => match block(case) {
                Some(block) if name.contains(".f64.") => {
                    check_block::<f64>(block, case, &file, [1e-10, 1e-10]);
                }
                Some(block) => check_block::<f32>(block, case, &file, [1e-5, 1e-4]),
                None => {
                    cases.skip(name, "a layer that the crate does not have");
                    continue;
                }
            },
        }
        cases.ran();
    }
}

pub(crate) fn size(case: &Value, key: &str) -> usize {
    usize::try_from(case[key].as_u64().unwrap_or_else(|| panic!("no size {key}"))).unwrap()
}

/// Creates the layer that an entry of the index describes.
fn block(case: &Value) -> Option<Block> {
    let size = |key| size(case, key);
    let attention =
        || SelfAttentionShape::new(size("size"), size("heads"), case["causal"] == true).unwrap();
    let conv = || [size("input"), size("output"), size("dilation")];
    Some(match case["layer"].as_str()? {
        "layernorm" => {
            Block::Norm(LayerNormShape::new(size("size"), case["eps"].as_f64()?).unwrap())
        }
        "causal_conv" => {
            let [inputs, outputs, dilation] = conv();
            Block::Conv(CausalConvShape::new(inputs, outputs, dilation).unwrap())
        }
        "tcn_block" => {
            let [inputs, outputs, dilation] = conv();
            Block::Tcn(TcnBlockShape::new(inputs, outputs, dilation).unwrap())
        }
        "self_attention" => Block::Attention(attention()),
        "encoder_layer" => {
            let order = if case["norm_first"] == true { NormOrder::Pre } else { NormOrder::Post };
            assert_eq!(case["eps"].as_f64(), Some(LayerNormShape::EPSILON));
            let feed_forward = size("feed_forward");
            let shape = TransformerLayerShape::new(attention(), feed_forward, order);
            Block::Transformer(shape.unwrap())
        }
        _ => return None,
    })
}

/// Returns the name of `PyTorch` for a parameter of a layer.
pub(crate) fn torch_name(own: &str) -> String {
    let name = own.replace("layer.", "").replace("att.", "self_attn.");
    let name = name.replace("in.w", "in_proj_weight").replace("in.b", "in_proj_bias");
    let name = name.replace("out.", "out_proj.");
    let (path, last) = name.rsplit_once('.').map_or(("", &name[..]), |(path, last)| (path, last));
    let last = match last {
        "w" => "weight",
        "b" => "bias",
        other => other,
    };
    if path.is_empty() { last.to_string() } else { format!("{path}.{last}") }
}

fn check_block<R: Real>(
    block: Block,
    case: &Value,
    file: &TensorFile,
    [tolerance, loss_tolerance]: [f64; 2],
) {
    let name = case["file"].as_str().unwrap();
    let sizes = [size(case, "batch"), size(case, "steps")];
    let tensor = |key: &str| cast::<R>(&file.get(key).data);
    let close = |got: &[R], key: &str| {
        let want = &file.get(key).data;
        assert_close(&widen(got), want, tolerance, 0.0, &format!("{name} {key}"));
    };
    let specs = block.specs();
    let names: Vec<String> = specs.iter().map(|spec| torch_name(&spec.name)).collect();
    let weights: Vec<R> = names.iter().flat_map(|key| tensor(key)).collect();
    let x = swap_axes(&tensor("x"), sizes);
    let d_y = swap_axes(&tensor("dL_dy"), sizes);
    let by_sequence = |rows: &[R]| swap_axes(rows, [sizes[1], sizes[0]]);

    let mut cache = BlockCache::new();
    let y = block.forward(&weights, &x, sizes[0], &mut cache).unwrap();
    close(&by_sequence(&y), "y");
    if let Block::Attention(_) = block {
        close(cache.attention.weights(), "attention");
    }
    let loss = y.iter().zip(&d_y).map(|(y, d)| *y * *d).sum::<R>().to_f64();
    let what = format!("{name} loss");
    assert_close(&[loss], &file.get("loss").data, loss_tolerance, 1.0, &what);

    let (mut d_weights, mut d_x) = (vec![R::ZERO; weights.len()], vec![R::ZERO; x.len()]);
    block.backward(&weights, &x, &mut cache, &d_y, (&mut d_weights, &mut d_x)).unwrap();
    close(&by_sequence(&d_x), "grad_x");
    let mut rest = &d_weights[..];
    for (spec, key) in specs.iter().zip(&names) {
        close(rest.split_off(..spec.len()).unwrap(), &format!("grad_{key}"));
    }
    assert!(rest.is_empty());
}

fn check_positional_encoding(file: &TensorFile) {
    for name in file.names() {
        let want = file.get(name);
        let mut got = vec![0.0; want.data.len()];
        positional_encoding(want.shape[1], &mut got).unwrap();
        let worst = got.iter().zip(&want.data).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
        assert!(worst <= 1e-12, "{name}: {worst:e}");
    }
}
