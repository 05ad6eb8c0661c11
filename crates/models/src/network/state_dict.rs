//! `state_dict`s of `PyTorch`: the weights of a network in a safetensors file, with `PyTorch`'s
//! names.
//!
//! The tensor `lstm.w_ih` is `lstm.weight_ih_l0` in `PyTorch`. `PyTorch` has two biases per gate of
//! an LSTM, of which only the sum matters; the networks here have one. A GRU has both.
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
    tensors: Vec<SavedTensor>,
}

impl StateDict {
    /// Reads the tensors of a safetensors file; error messages contain the name `file`.
    pub(crate) fn from_bytes(bytes: &[u8], file: &str) -> Result<Self, LoadError> {
        let content = SafeTensors::deserialize(bytes).map_err(|error| LoadError::Damaged {
            file: file.to_string(),
            problem: no_safetensors(bytes, &error),
        })?;
        let tensors = content.iter().map(|(name, view)| read_tensor(file, name, &view));
        let mut tensors = tensors.collect::<Result<Vec<_>, _>>()?;
        tensors.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(Self { file: file.to_string(), tensors })
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

fn read_tensor(file: &str, name: &str, view: &TensorView<'_>) -> Result<SavedTensor, LoadError> {
    let wide: Vec<f64> = match view.dtype() {
        Dtype::F32 => f32s(view.data()).into_iter().map(f64::from).collect(),
        Dtype::F64 => {
            let (words, _) = view.data().as_chunks::<8>();
            words.iter().map(|word| f64::from_le_bytes(*word)).collect()
        }
        other => {
            let (file, tensor, got) = (file.to_string(), name.to_string(), other.to_string());
            let expected = "F32 or F64; convert with model.float() before saving";
            return Err(LoadError::TensorType { file, tensor, expected, got });
        }
    };
    #[expect(clippy::cast_possible_truncation, reason = "rounded to the nearest; networks are f32")]
    let data: Vec<f32> = wide.iter().map(|&number| number as f32).collect();
    if let Some(index) = data.iter().position(|number| !number.is_finite()) {
        let (file, tensor) = (file.to_string(), name.to_string());
        return Err(LoadError::WeightNotFinite { file, tensor, index, got: wide[index] });
    }
    Ok(SavedTensor { name: name.to_string(), shape: view.shape().to_vec(), data })
}
