//! How a model is spread over devices.

use serde::Serialize;

use crate::models::transformer::{Attention, FeedForward, Transformer};

pub mod memory;
pub mod spelled;

/// Parallel layout of one replica of a serving engine.
///
/// Attention runs on `data` groups of `tensor` devices; experts are spread over all `tensor * data` devices of a stage,
/// `expert` ways by whole experts and the rest by slices. The same layers on other devices make `pipeline` stages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct Layout {
    /// Devices that share every matrix of attention and of dense layers (TP).
    pub tensor: u32,
    /// Groups with their own sequences (attention data parallelism).
    pub data: u32,
    /// Ways in which experts are divided whole (EP); divides `tensor * data`.
    pub expert: u32,
    /// Stages of layers (PP).
    pub pipeline: u32,
}

impl Layout {
    /// One device.
    pub const SINGLE: Self = Self { tensor: 1, data: 1, expert: 1, pipeline: 1 };

    /// Devices of a stage.
    pub fn stage_devices(&self) -> u32 {
        self.tensor.saturating_mul(self.data)
    }

    /// Devices of a replica.
    pub fn devices(&self) -> u32 {
        self.stage_devices().saturating_mul(self.pipeline)
    }

    /// Slices of each expert (tensor parallelism within experts).
    pub fn expert_tensor(&self) -> u32 {
        (self.stage_devices() / self.expert.max(1)).max(1)
    }

    /// Checks that a model divides; the error says what does not and what would.
    pub fn check(&self, model: &Transformer) -> Result<(), String> {
        for (name, value) in
            [("tensor", self.tensor), ("data", self.data), ("expert", self.expert), ("pipeline", self.pipeline)]
        {
            if value == 0 {
                return Err(format!("{name} parallelism is 0; 1 means none"));
            }
        }
        if u64::from(self.tensor) * u64::from(self.data) * u64::from(self.pipeline) > 1 << 20 {
            return Err("a replica of more than a million devices; check the layout".into());
        }
        let layers: u32 = model.blocks.iter().map(|block| block.layers).sum();
        if self.pipeline > layers {
            return Err(format!("{} stages for {layers} layers; a stage needs at least one layer", self.pipeline));
        }
        for block in &model.blocks {
            let heads = match block.attention {
                Attention::Grouped { heads, .. }
                | Attention::Latent { heads, .. }
                | Attention::Compressed { heads, .. } => heads,
                Attention::Linear { value_heads, .. } => value_heads,
                Attention::None => continue,
            };
            if heads % self.tensor != 0 {
                return Err(format!(
                    "{heads} heads do not divide by tensor parallelism {}; {} would",
                    self.tensor,
                    divisors(heads, 64)
                ));
            }
        }
        self.check_experts(model)
    }

    fn check_experts(&self, model: &Transformer) -> Result<(), String> {
        let devices = self.stage_devices();
        let experts = model.blocks.iter().find_map(|block| match block.feed_forward {
            FeedForward::Experts { experts, .. } => Some(experts),
            _ => None,
        });
        match experts {
            None if self.expert > 1 => Err(format!("{} has no experts; expert parallelism must be 1", model.name)),
            None => Ok(()),
            Some(_) if !devices.is_multiple_of(self.expert) => Err(format!(
                "expert parallelism {} does not divide the {devices} devices of a stage; {} would",
                self.expert,
                divisors(devices, 512)
            )),
            Some(experts) if self.expert > experts => {
                Err(format!("{experts} experts cannot be divided {} ways", self.expert))
            }
            Some(_) => Ok(()),
        }
    }
}

/// The divisors of a number up to a limit, in words.
fn divisors(number: u32, limit: u32) -> String {
    let found: Vec<String> =
        (1..=number.min(limit)).filter(|d| number.is_multiple_of(*d)).map(|d| d.to_string()).collect();
    found.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn divisors_are_listed() {
        assert_eq!(divisors(40, 64), "1, 2, 4, 5, 8, 10, 20, 40");
    }

    #[test]
    fn experts_are_sliced_over_what_whole_experts_leave() {
        let layout = Layout { tensor: 4, data: 2, expert: 2, pipeline: 3 };
        assert_eq!(layout.stage_devices(), 8);
        assert_eq!(layout.devices(), 24);
        assert_eq!(layout.expert_tensor(), 4);
    }
}
