//! `state_dict`s of `PyTorch`: the weights of a network in a safetensors file, with `PyTorch`'s
//! names.
//!
//! The tensor `lstm.w_ih` is `lstm.weight_ih_l0` in `PyTorch`. `PyTorch` has two biases per gate of
//! an LSTM, of which only the sum matters; the networks here have one. A GRU has both.
//!
//! A tensor that two modules share is in the file once: `save_model` of safetensors writes the
//! other name into the metadata, with the name that was kept.
use std::collections::BTreeMap;

use safetensors::SafeTensorError;
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use windvane_lstm_core::{TensorSpec, Tensors};

use super::{Encoder, NetworkConfig, Pooling};
use crate::LoadError;
use crate::artifact::stored::{SavedTensor, bytes_of, check_names, f32s, no_safetensors};

/// Metadata that `save_file` of safetensors for `PyTorch` writes; some readers require it.
const METADATA: (&str, &str) = ("format", "pt");

/// Tensors of a `state_dict`, before their names and shapes are compared with those of a model.
#[derive(Debug)]
pub(crate) struct StateDict {
    file: String,
    /// Tensors of floating-point numbers, sorted by name; the others have no data.
    tensors: Vec<SavedTensor>,
    /// Element types of the tensors of other numbers. Names are compared first: a counter of a
    /// layer that the model does not have is a foreign tensor, not one of the wrong type.
    other_types: BTreeMap<String, Dtype>,
    /// Names of shared tensors with the name under which each is in the file.
    aliases: BTreeMap<String, String>,
}

impl StateDict {
    /// Reads the tensors of a safetensors file and removes `prefix` from their names; error
    /// messages contain the name `file`.
    pub(crate) fn from_bytes(bytes: &[u8], file: &str, prefix: &str) -> Result<Self, LoadError> {
        let damaged = |error: SafeTensorError| LoadError::Damaged {
            file: file.to_string(),
            problem: no_safetensors(bytes, &error),
        };
        let content = SafeTensors::deserialize(bytes).map_err(damaged)?;
        let (_, header) = SafeTensors::read_metadata(bytes).map_err(damaged)?;
        let mut dict = Self {
            file: file.to_string(),
            tensors: Vec::new(),
            other_types: BTreeMap::new(),
            aliases: BTreeMap::new(),
        };
        let strip = |name: &str| name.strip_prefix(prefix).unwrap_or(name).to_string();
        for (name, view) in content.iter() {
            dict.read(&strip(name), &view)?;
        }
        for (other, kept) in header.metadata().iter().flatten() {
            dict.add_alias(strip(other), &strip(kept));
        }
        dict.tensors.sort_by(|a, b| a.name.cmp(&b.name));
        if let Some(two) = dict.tensors.windows(2).find(|two| two[0].name == two[1].name) {
            let name = &two[0].name;
            let problem = format!("two tensors are named {name} without the prefix {prefix}");
            return Err(dict.damaged(problem));
        }
        Ok(dict)
    }

    /// Adds a tensor of the file.
    fn read(&mut self, name: &str, view: &TensorView<'_>) -> Result<(), LoadError> {
        let data = if let Some(wide) = wide(view) {
            narrow(&self.file, name, &wide)?
        } else {
            self.other_types.insert(name.to_string(), view.dtype());
            Vec::new()
        };
        let shape = view.shape().to_vec();
        self.tensors.push(SavedTensor { name: name.to_string(), shape, data });
        Ok(())
    }

    /// Adds a shared tensor under its other name, if the file has it under `kept`.
    fn add_alias(&mut self, other: String, kept: &str) {
        if self.tensors.iter().any(|tensor| tensor.name == other) {
            return;
        }
        let Some(tensor) = self.tensors.iter().find(|tensor| tensor.name == kept) else { return };
        let tensor = SavedTensor { name: other.clone(), ..tensor.clone() };
        if let Some(dtype) = self.other_types.get(kept) {
            self.other_types.insert(other.clone(), *dtype);
        }
        self.tensors.push(tensor);
        self.aliases.insert(other, kept.to_string());
    }

    /// Whether a tensor of the file is one of the model's, under its own or another name.
    fn is_another_name(&self, name: &str, theirs: &[TensorSpec]) -> bool {
        let known = |name: &str| theirs.iter().any(|spec| spec.name == name);
        let kept = self.aliases.get(name).map_or(name, String::as_str);
        let others = self.aliases.iter().filter(|(_, of)| *of == kept).map(|(other, _)| other);
        !known(name) && (known(kept) || others.into_iter().any(|other| known(other)))
    }

    /// Returns the layers of `like` with the sizes of these tensors.
    ///
    /// The dropout rate is 0: a `state_dict` does not contain it, and it matters in training only.
    /// The number of heads is that of `like`, because no tensor depends on it.
    pub(crate) fn config(&self, like: &NetworkConfig) -> Result<NetworkConfig, LoadError> {
        let units = match like.encoder {
            Encoder::Lstm { .. } => self.size("lstm.weight_hh_l0", 4)?,
            Encoder::Gru { .. } => self.size("gru.weight_hh_l0", 3)?,
            Encoder::Tcn { .. } | Encoder::Transformer { .. } => self.units("input")?,
            Encoder::Flat => 0,
        };
        let mut config = NetworkConfig { dropout: 0.0, ..like.clone().with_units(units) };
        match &mut config.encoder {
            Encoder::Tcn { blocks, .. } => {
                *blocks = self.count(0, |number| format!("blocks.{number}.conv1.weight"));
            }
            Encoder::Transformer { feed_forward, layers, .. } => {
                *layers = self.count(0, |number| format!("layers.{number}.linear1.weight"));
                *feed_forward = self.units("layers.0.linear1")?;
            }
            Encoder::Lstm { .. } | Encoder::Gru { .. } | Encoder::Flat => {}
        }
        if let Pooling::Attention { units } = &mut config.pooling {
            *units = self.units("att")?;
        }
        if config.dense_name(1) == "fc1" {
            // The last dense layer is the head.
            let count = self.count(1, |number| format!("fc{number}.weight"));
            let hidden = (1..count.max(1)).map(|number| format!("fc{number}"));
            config.dense = hidden.map(|name| self.units(&name)).collect::<Result<_, _>>()?;
        }
        Ok(config)
    }

    /// Checks that spec, scaler and encoder weights have the same number of channels.
    pub(crate) fn check_channels(
        &self,
        config: &NetworkConfig,
        spec: usize,
        scaler: usize,
    ) -> Result<(), LoadError> {
        let name = match config.encoder {
            Encoder::Lstm { .. } => "lstm.weight_ih_l0",
            Encoder::Gru { .. } => "gru.weight_ih_l0",
            Encoder::Tcn { .. } | Encoder::Transformer { .. } => "input.weight",
            Encoder::Flat => return self.check_scaler(config, spec, scaler),
        };
        let shape = &self.require(name)?.shape;
        let (&[_, weights] | &[_, weights, 1]) = &shape[..] else {
            let rows = shape.first().copied().unwrap_or_default();
            return Err(self.shape_error(name, vec![rows, spec], shape));
        };
        if [scaler, weights] == [spec; 2] {
            return Ok(());
        }
        let (file, tensor) = (self.file.clone(), name.to_string());
        Err(LoadError::Channels { file, tensor, spec, scaler, weights })
    }

    /// Checks that spec and scaler have the same number of channels. The inputs of a flat window
    /// are not channels; their number is checked with the shapes of the weights.
    fn check_scaler(
        &self,
        config: &NetworkConfig,
        spec: usize,
        scaler: usize,
    ) -> Result<(), LoadError> {
        if scaler == spec {
            return Ok(());
        }
        let (file, tensor) = (self.file.clone(), format!("{}.weight", config.dense_name(1)));
        Err(LoadError::Channels { file, tensor, spec, scaler, weights: spec })
    }

    /// Returns the number of output units of a dense layer.
    fn units(&self, layer: &str) -> Result<usize, LoadError> {
        self.size(&format!("{layer}.weight"), 1)
    }

    /// Counts the tensors with the names of the numbers from `first` on, up to the first missing
    /// one.
    fn count(&self, first: usize, name: impl Fn(usize) -> String) -> usize {
        (first..first + self.tensors.len())
            .take_while(|number| self.find(&name(*number)).is_some())
            .count()
    }

    /// Returns a size from the length of a tensor's first axis, which is `per` times that size.
    fn size(&self, name: &str, per: usize) -> Result<usize, LoadError> {
        let shape = &self.require(name)?.shape;
        let size = shape.first().unwrap_or(&0) / per;
        if size > 0 {
            return Ok(size);
        }
        let expected = [&[per], shape.get(1..).unwrap_or_default()].concat();
        Err(self.shape_error(name, expected, shape))
    }

    /// Returns the weights of a network with these tensors; further tensors in the file are an
    /// error.
    pub(crate) fn weights(&self, specs: &[TensorSpec]) -> Result<Tensors<f32>, LoadError> {
        let theirs: Vec<TensorSpec> = specs.iter().flat_map(torch_specs).collect();
        let got = self.tensors.iter().map(|tensor| tensor.name.as_str());
        let got = got.filter(|name| !self.is_another_name(name, &theirs));
        check_names(&self.file, &got, &theirs.iter().map(|spec| spec.name.as_str()))?;
        // Checks all shapes before memory is allocated for the sizes of the file.
        for TensorSpec { name, shape } in &theirs {
            let got = &self.require(name)?.shape;
            if got != shape {
                return Err(self.shape_error(name, shape.clone(), got));
            }
        }
        let mut weights = Tensors::new(specs.to_vec());
        for spec in specs {
            let Some(target) = weights.get_mut(&spec.name) else { continue };
            for (index, part) in torch_specs(spec).into_iter().enumerate() {
                let data = &self.require(&part.name)?.data;
                match index {
                    0 => target.copy_from_slice(data),
                    _ => self.add(&part.name, data, target)?,
                }
            }
        }
        Ok(weights)
    }

    /// Adds a second bias to the first one.
    ///
    /// Zeros are not added, because they would change the sign of a negative zero. Weights that
    /// were written by [`to_bytes`] are therefore read back bit for bit.
    fn add(&self, name: &str, data: &[f32], target: &mut [f32]) -> Result<(), LoadError> {
        for (index, (sum, &part)) in target.iter_mut().zip(data).enumerate() {
            if part != 0.0 {
                *sum += part;
            }
            if !sum.is_finite() {
                let (file, tensor, got) = (self.file.clone(), name.to_string(), f64::from(*sum));
                return Err(LoadError::WeightNotFinite { file, tensor, index, got });
            }
        }
        Ok(())
    }

    fn find(&self, name: &str) -> Option<&SavedTensor> {
        let at = self.tensors.binary_search_by(|tensor| tensor.name.as_str().cmp(name));
        at.ok().map(|at| &self.tensors[at])
    }

    fn require(&self, name: &str) -> Result<&SavedTensor, LoadError> {
        if let Some(dtype) = self.other_types.get(name) {
            let (file, tensor, got) = (self.file.clone(), name.to_string(), dtype.to_string());
            return Err(LoadError::TensorType { file, tensor, expected: expected(*dtype), got });
        }
        self.find(name).ok_or_else(|| LoadError::MissingTensor {
            file: self.file.clone(),
            tensor: name.to_string(),
            got: self.tensors.iter().map(|tensor| tensor.name.clone()).collect(),
        })
    }

    fn shape_error(&self, name: &str, expected: Vec<usize>, got: &[usize]) -> LoadError {
        let (file, tensor) = (self.file.clone(), name.to_string());
        LoadError::TensorShape { file, tensor, expected, got: got.to_vec() }
    }

    /// Returns the error for sizes that the layers reject.
    pub(crate) fn damaged(&self, problem: String) -> LoadError {
        LoadError::Damaged { file: self.file.clone(), problem }
    }
}

/// Serialises weights as the bytes of a `state_dict`. The second bias of each gate of an LSTM is 0.
pub(crate) fn to_bytes(weights: &Tensors<f32>) -> Result<Vec<u8>, String> {
    let mut tensors = Vec::new();
    for (spec, data) in weights.iter() {
        for (part, TensorSpec { name, shape }) in torch_specs(spec).into_iter().enumerate() {
            let bytes = if part == 0 { bytes_of(data) } else { vec![0; 4 * data.len()] };
            tensors.push((name, shape, bytes));
        }
    }
    let views = tensors.iter().map(|(name, shape, bytes)| {
        TensorView::new(Dtype::F32, shape.clone(), bytes).map(|view| (name, view))
    });
    let views: Vec<_> =
        views.collect::<Result<_, _>>().map_err(|error: SafeTensorError| error.to_string())?;
    let (key, value) = METADATA;
    let metadata = [(key.to_string(), value.to_string())].into_iter().collect();
    safetensors::serialize(views, Some(metadata)).map_err(|error| error.to_string())
}

/// Returns the tensors of `PyTorch` for a tensor of this crate.
///
/// They have other names. A bias of an LSTM becomes two tensors, of which it is the sum. The score
/// weights of an attention and the input weights of a TCN get one more axis.
fn torch_specs(own: &TensorSpec) -> Vec<TensorSpec> {
    let (layer, name) = own.name.split_once('.').unwrap_or(("", &own.name));
    let one = |name: String| vec![TensorSpec::new(name, own.shape.clone())];
    match (layer, name) {
        ("lstm" | "gru", name) => {
            let (name, direction) =
                name.strip_suffix("_reverse").map_or((name, ""), |name| (name, "_reverse"));
            let names: &[&str] = match name {
                "w_ih" => &["weight_ih_l0"],
                "w_hh" => &["weight_hh_l0"],
                "b_ih" => &["bias_ih_l0"],
                "b_hh" => &["bias_hh_l0"],
                _ => &["bias_ih_l0", "bias_hh_l0"],
            };
            names.iter().flat_map(|name| one(format!("{layer}.{name}{direction}"))).collect()
        }
        ("tcn", "input.w") => {
            vec![TensorSpec::new("input.weight", [&own.shape[..], &[1]].concat())]
        }
        ("tcn" | "transformer", name) => one(torch_name(name)),
        ("att", "v") => vec![TensorSpec::new("att_v.weight", [1, own.len()])],
        _ => one(torch_name(&own.name)),
    }
}

/// Returns the name of `PyTorch` for a weight or bias outside a recurrent layer.
fn torch_name(own: &str) -> String {
    let (layer, name) = own.rsplit_once('.').unwrap_or(("", own));
    let name = match name {
        "w" => "weight",
        "b" => "bias",
        other => other,
    };
    match (layer.strip_suffix(".att.in"), layer.strip_suffix(".att.out")) {
        (Some(layer), _) => format!("{layer}.self_attn.in_proj_{name}"),
        (_, Some(layer)) => format!("{layer}.self_attn.out_proj.{name}"),
        (None, None) => format!("{layer}.{name}"),
    }
}

/// Values of a tensor of floating-point numbers; `None` for other types.
fn wide(view: &TensorView<'_>) -> Option<Vec<f64>> {
    let halves = || {
        let (words, _) = view.data().as_chunks::<2>();
        words.iter().map(|word| u16::from_le_bytes(*word))
    };
    Some(match view.dtype() {
        Dtype::F32 => f32s(view.data()).into_iter().map(f64::from).collect(),
        Dtype::F64 => {
            let (words, _) = view.data().as_chunks::<8>();
            words.iter().map(|word| f64::from_le_bytes(*word)).collect()
        }
        // The upper half of an f32.
        Dtype::BF16 => {
            halves().map(|half| f64::from(f32::from_bits(u32::from(half) << 16))).collect()
        }
        Dtype::F16 => halves().map(from_f16).collect(),
        _ => return None,
    })
}

/// Value of an IEEE 754 binary16: a sign, five bits of exponent, ten of fraction.
fn from_f16(bits: u16) -> f64 {
    let (exponent, fraction) = (i32::from(bits >> 10 & 0x1f), f64::from(bits & 0x3ff));
    let size = match exponent {
        0 => fraction * 2.0_f64.powi(-24),
        0x1f if fraction > 0.0 => f64::NAN,
        0x1f => f64::INFINITY,
        _ => (1.0 + fraction / 1_024.0) * 2.0_f64.powi(exponent - 15),
    };
    if bits >> 15 == 1 { -size } else { size }
}

/// Expected types in an error; `float()` of `PyTorch` converts floating-point numbers only.
fn expected(got: Dtype) -> &'static str {
    match got {
        Dtype::F8_E5M2 | Dtype::F8_E4M3 | Dtype::F8_E8M0 => {
            "F64, F32, F16 or BF16; convert with model.float() before saving"
        }
        _ => "F64, F32, F16 or BF16; save the weights of the model as floating-point numbers",
    }
}

/// Rounds values to f32; all must be finite.
fn narrow(file: &str, name: &str, wide: &[f64]) -> Result<Vec<f32>, LoadError> {
    #[expect(clippy::cast_possible_truncation, reason = "rounded to the nearest; networks are f32")]
    let data: Vec<f32> = wide.iter().map(|&number| number as f32).collect();
    if let Some(index) = data.iter().position(|number| !number.is_finite()) {
        let (file, tensor) = (file.to_string(), name.to_string());
        return Err(LoadError::WeightNotFinite { file, tensor, index, got: wide[index] });
    }
    Ok(data)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn f16_values_equal_those_of_the_standard() {
        for (bits, value) in [
            (0x0000, 0.0),
            (0x0001, 2.0_f64.powi(-24)),
            (0x03ff, 1_023.0 * 2.0_f64.powi(-24)),
            (0x0400, 2.0_f64.powi(-14)),
            (0x3555, 0.333_251_953_125),
            (0x3c00, 1.0),
            (0xc000, -2.0),
            (0x7bff, 65_504.0),
            (0x7c00, f64::INFINITY),
            (0xfc00, f64::NEG_INFINITY),
        ] {
            assert_eq!(from_f16(bits).to_bits(), f64::to_bits(value), "{bits:#x}");
        }
        assert_eq!(from_f16(0x8000).to_bits(), (-0.0_f64).to_bits());
        assert!(from_f16(0x7e00).is_nan());
    }
}
