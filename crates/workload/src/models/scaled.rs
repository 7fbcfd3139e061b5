//! A shape for a name that is not known: the nearest model of its family, scaled to the size that the name gives.

use super::built_in::{self, Known};
use super::names::{Detail, words};
use super::transformer::{Attention, Certainty, FeedForward, Transformer};

/// Sizes as a name gives them, in parameters.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Sizes {
    total: f64,
    active: Option<f64>,
}

/// The guess; none where the name holds no size.
pub(super) fn from_name(name: &str) -> Option<Transformer> {
    let sizes = sizes(name)?;
    let wanted = words(name, Detail::Shape);
    let near = |known: &&Known| {
        let theirs = words(&known.model.name, Detail::Shape);
        let shared = wanted.iter().zip(&theirs).take_while(|(a, b)| a == b).count();
        let total = known.model.parameters().total() as f64;
        let sparse = known.model.has_experts() == sizes.active.is_some();
        // Kind first, then family, then size.
        let distance = (total / sizes.total).ln().abs();
        (u8::from(sparse), shared.min(3), distance)
    };
    let best = built_in::all().iter().max_by(|a, b| {
        let (a, b) = (near(a), near(b));
        a.0.cmp(&b.0).then(a.1.cmp(&b.1)).then(b.2.total_cmp(&a.2))
    })?;
    Some(scale(name, &best.model, sizes))
}

/// `70B`, `0.5b`, `500M`, `1.6T`, `8x7B`, and `A22B` for what a token uses.
fn sizes(name: &str) -> Option<Sizes> {
    let lower = name.rsplit(['/', '\\']).next().unwrap_or(name).to_ascii_lowercase();
    let mut total: Option<f64> = None;
    let mut active: Option<f64> = None;
    for word in lower.split(|c: char| !(c.is_ascii_alphanumeric() || c == '.')) {
        if let Some(size) = word.strip_prefix('a').and_then(amount) {
            active = Some(size);
        } else if let Some((experts, each)) = word.split_once('x')
            && let (Ok(experts), Some(each)) = (experts.parse::<u16>(), amount(each))
            && experts > 1
        {
            // Attention is shared: eight experts of 7 B make 47 B, two of them 13 B.
            total = Some(f64::from(experts) * each * 0.83);
            active = active.or(Some(each * 1.84));
        } else if let Some(size) = amount(word) {
            total = Some(total.map_or(size, |before| before.max(size)));
        }
    }
    let total = total.filter(|total| (1e6..=1e14).contains(total))?;
    Some(Sizes { total, active: active.filter(|active| *active < total && *active >= 1e6) })
}

/// A number with its unit: `7b`, `0.5b`, `500m`, `1t`.
fn amount(word: &str) -> Option<f64> {
    let unit = match word.chars().last()? {
        'b' => 1e9,
        'm' => 1e6,
        't' => 1e12,
        _ => return None,
    };
    let digits = word.get(..word.len() - 1)?;
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') {
        return None;
    }
    digits.parse::<f64>().ok().map(|number| number * unit)
}

/// Width and depth grow alike (a cube each), as within families; experts then meet the total.
fn scale(name: &str, from: &Transformer, sizes: Sizes) -> Transformer {
    let mut model = Transformer { name: name.trim().to_string(), certainty: Certainty::Guess, ..from.clone() };
    let start = sizes.active.map_or(from.parameters().total() as f64, |_| from.active_parameters().total() as f64);
    let goal = sizes.active.unwrap_or(sizes.total);
    // The token table grows with the width alone, so the cube misses: a few rounds of correction close the gap.
    let mut factor = (goal / start).cbrt();
    for _ in 0..12 {
        model = stretched(&model, from, factor);
        let now = match sizes.active {
            Some(_) => model.active_parameters().total() as f64,
            None => model.parameters().total() as f64,
        };
        factor *= (goal / now.max(1.0)).cbrt();
        factor = factor.clamp(1e-3, 1e3);
    }
    if sizes.active.is_some() {
        let parts = model.parameters();
        let rest = (parts.total() - parts.experts.min(parts.total())) as f64;
        let ratio = (sizes.total - rest).max(0.0) / (parts.experts as f64).max(1.0);
        for block in &mut model.blocks {
            if let FeedForward::Experts { experts, active, .. } = &mut block.feed_forward {
                let more = (f64::from(*experts) * ratio).round().clamp(1.0, 1e6) as u32;
                *experts = more.max(*active).max(1);
            }
        }
    }
    model
}

fn stretched(model: &Transformer, from: &Transformer, factor: f64) -> Transformer {
    let wide = |size: u32, step: u32| {
        let steps = (f64::from(size) * factor / f64::from(step)).round().clamp(1.0, 65_536.0) as u32;
        steps * step
    };
    let layers = from.layers().max(1);
    let deep = (f64::from(layers) * factor).round().clamp(1.0, 4096.0);
    let mut blocks = from.blocks.clone();
    for block in &mut blocks {
        block.layers = ((f64::from(block.layers) * deep / f64::from(layers)).round() as u32).max(1);
        match &mut block.attention {
            Attention::Grouped { heads, kv_heads, .. } => {
                let group = (*heads / (*kv_heads).max(1)).max(1);
                let wanted = (f64::from(*heads) * factor / f64::from(group)).round().max(1.0) as u32;
                *kv_heads = (*kv_heads).min(wanted);
                *heads = wide(*heads, *kv_heads);
            }
            Attention::Latent { heads, .. } | Attention::Compressed { heads, .. } => *heads = wide(*heads, 1),
            Attention::Linear { key_heads, value_heads, .. } => {
                let group = (*value_heads / (*key_heads).max(1)).max(1);
                *key_heads = wide(*key_heads, 1);
                *value_heads = key_heads.saturating_mul(group);
            }
            Attention::None => {}
        }
        match &mut block.feed_forward {
            FeedForward::Dense { inner, .. } => *inner = wide(*inner, 64),
            FeedForward::Experts { inner, shared_inner, latent, .. } => {
                *inner = wide(*inner, 64);
                if *shared_inner > 0 {
                    *shared_inner = wide(*shared_inner, 64);
                }
                if let Some(latent) = latent {
                    *latent = wide(*latent, 64);
                }
            }
            FeedForward::None => {}
        }
        block.other = (block.other as f64 * factor) as u64;
    }
    Transformer { hidden: wide(from.hidden, 128), blocks, other: (from.other as f64 * factor) as u64, ..model.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_from_names() {
        let total = |name: &str| sizes(name).map(|sizes| sizes.total);
        assert_eq!(total("foo/Bar-70B-Instruct"), Some(70e9));
        assert_eq!(total("x-0.5b"), Some(0.5e9));
        assert_eq!(total("x-500M"), Some(5e8));
        assert_eq!(sizes("New-235B-A22B"), Some(Sizes { total: 235e9, active: Some(22e9) }));
        assert_eq!(total("New-v2"), None);
        assert_eq!(total("Bb"), None);
        let mixed = sizes("New-8x7B").expect("a size");
        assert!((mixed.total / 46.7e9 - 1.0).abs() < 0.02 && mixed.active.is_some());
    }

    #[test]
    fn a_guess_has_the_size_of_its_name_and_says_that_it_is_one() {
        for (name, total, active) in [
            ("Somebody/Thing-70B", 70e9, None),
            ("Llama-9-3B", 3e9, None),
            ("Qwen4-100B-A10B", 100e9, Some(10e9)),
            ("Qwen4-1T-A50B", 1e12, Some(50e9)),
            ("Other-300M", 3e8, None),
            ("DeepSeek-V9-2T-A60B", 2e12, Some(60e9)),
        ] {
            let model = from_name(name).expect(name);
            assert_eq!(model.certainty, Certainty::Guess);
            let counted = model.parameters().total() as f64;
            assert!((counted / total - 1.0).abs() < 0.12, "{name}: {counted:e} {model:?}");
            if let Some(active) = active {
                let counted = model.active_parameters().total() as f64;
                assert!((counted / active - 1.0).abs() < 0.15, "{name}: active {counted:e}");
            }
        }
    }
}
