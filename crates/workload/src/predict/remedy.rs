//! What would work instead of a layout that does not divide a model or does not hold it.

use super::row::checkpoint;
use super::steady::TOKEN_BUDGET;
use crate::accelerator::Accelerator;
use crate::layout::Layout;
use crate::layout::memory::Memory;
use crate::models::precision::Precision;
use crate::models::transformer::Transformer;

/// Tensor parallelism is tried up to this.
const WIDEST: u32 = 64;

/// A model with what it must hold.
#[derive(Clone, Copy, Debug)]
pub struct Fit<'m> {
    /// The model.
    pub model: &'m Transformer,
    /// How it is stored.
    pub precision: &'m Precision,
    /// The device.
    pub device: &'m Accelerator,
    /// Tokens of one sequence.
    pub tokens: f64,
}

impl Fit<'_> {
    /// Whether a layout divides the model and holds it; the error says what is wrong and, in a second line, what would work.
    pub fn check(&self, layout: &Layout) -> Result<(), String> {
        layout.check(self.model).map_err(|why| self.helped(&why, layout))?;
        self.memory(layout, self.precision).check(self.tokens).map_err(|why| self.helped(&why, layout))
    }

    fn memory(&self, layout: &Layout, precision: &Precision) -> Memory {
        Memory::of(self.model, layout, precision, self.device.memory_bytes, self.tokens, f64::from(TOKEN_BUDGET))
    }

    fn holds(&self, layout: &Layout, precision: &Precision) -> bool {
        layout.check(self.model).is_ok() && self.memory(layout, precision).check(self.tokens).is_ok()
    }

    fn helped(&self, why: &str, layout: &Layout) -> String {
        let mut ways = Vec::new();
        let spread = |tensor: u32| Layout {
            tensor,
            // Experts follow, so that the sizes go together.
            expert: if self.model.has_experts() && layout.expert > 1 { tensor * layout.data.max(1) } else { 1 },
            data: layout.data.max(1),
            pipeline: layout.pipeline.max(1),
        };
        let mut sizes = (0..=WIDEST.ilog2()).map(|power| 1_u32 << power).filter(|tensor| *tensor != layout.tensor);
        let more: Vec<u32> = sizes.by_ref().filter(|tensor| self.holds(&spread(*tensor), self.precision)).collect();
        if let Some(tensor) = more.iter().find(|tensor| **tensor > layout.tensor).or(more.last()) {
            let experts = match spread(*tensor).expert {
                1 => String::new(),
                expert => format!(" --ep {expert}"),
            };
            ways.push(format!("--tp {tensor}{experts}"));
        }
        let lone = Layout { tensor: layout.tensor.max(1), ..spread(layout.tensor.max(1)) };
        ways.extend(self.device.narrower_formats().iter().find_map(|format| {
            let smaller = checkpoint(self.model, *format, *format);
            let narrower = format.weight_bytes() < self.precision.dense.weight_bytes()
                || format.weight_bytes() < self.precision.experts.weight_bytes();
            (narrower && self.holds(&lone, &smaller)).then(|| format!("--format {}", format.name()))
        }));
        match ways.is_empty() {
            true => format!("{why}\n  help: take devices with more memory, or shorter sequences"),
            false => format!("{why}\n  help: {} would work", ways.join(", or ")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::accelerator::tests::plain;
    use crate::format::Format;
    use crate::models;

    fn check(tensor: u32, expert: u32, format: Format, name: &str) -> Result<(), String> {
        let model = models::find(name).expect("built in");
        let precision = Precision::uniform(format);
        let device = Accelerator { memory_bytes: 80e9, ..plain("nvidia/h100-sxm", 989e12, 3.35e12) };
        let fit = Fit { model: &model, precision: &precision, device: &device, tokens: 2048.0 };
        fit.check(&Layout { tensor, expert, ..Layout::SINGLE })
    }

    #[test]
    fn what_works_is_named_and_works() {
        let llama = "meta-llama/Llama-3.1-70B";
        let error = check(1, 1, Format::Bf16, llama).expect_err("141 GB in 80");
        assert!(error.contains("help: --tp 4, or --format int4_wo would work"), "{error}");
        assert_eq!(check(4, 1, Format::Bf16, llama), Ok(()));
        let error = check(5, 1, Format::Bf16, llama).expect_err("64 heads by 5");
        assert!(error.contains("64 heads do not divide") && error.contains("--tp 8"), "{error}");
        let error = check(8, 3, Format::Fp8, "deepseek-ai/DeepSeek-V3").expect_err("3 ways over 8");
        assert!(error.contains("expert parallelism 3") && error.contains("--tp 16 --ep 16"), "{error}");
    }
}
