//! From what people call a model to its shape: organisations, suffixes, separators and case do not matter.

use std::collections::HashMap;
use std::fmt;
use std::sync::OnceLock;

use super::built_in::{self, Known};
use super::scaled;
use super::transformer::Transformer;

/// A name that stands for no model here, and names near it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unknown {
    /// As given.
    pub name: String,
    /// The nearest known names, best first.
    pub near: Vec<String>,
}

impl fmt::Display for Unknown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "no model {:?} is built in, and its name holds no size (70B, 8x7B, 235B-A22B) to guess from\n  ",
            self.name
        )?;
        if !self.near.is_empty() {
            write!(f, "near it: {}; ", self.near.join(", "))?;
        }
        f.write_str("`lanewright workload models` lists all; a config.json from disk works as well")
    }
}

/// Finds a built-in model by its name or another's name of the same shape.
pub fn find(name: &str) -> Result<Transformer, Unknown> {
    known(name)
        .map(|known| Transformer { name: own_name(name, known), ..known.model.clone() })
        .ok_or_else(|| unknown(name))
}

/// The shape of the nearest model of that family, scaled to the size that the name gives; flagged as a guess.
pub fn guess(name: &str) -> Result<Transformer, Unknown> {
    scaled::from_name(name).ok_or_else(|| unknown(name))
}

/// [`find`], and [`guess`] where nothing is found.
pub fn look_up(name: &str) -> Result<Transformer, Unknown> {
    find(name).or_else(|_| guess(name))
}

/// The built-in model of that name, with its source and its published totals.
pub fn known(name: &str) -> Option<&'static Known> {
    static KEYS: OnceLock<HashMap<String, usize>> = OnceLock::new();
    let keys = KEYS.get_or_init(|| {
        let mut keys = HashMap::new();
        // Whole names first: they win over shortened ones of others.
        for detail in DETAILS {
            for (index, known) in built_in::all().iter().enumerate() {
                for name in std::iter::once(&known.model.name).chain(&known.also) {
                    keys.entry(key(name, detail)).or_insert(index);
                }
            }
        }
        keys
    });
    let index = DETAILS.iter().find_map(|detail| keys.get(&key(name, *detail)))?;
    built_in::all().get(*index)
}

/// A variant keeps the name that it was asked by.
fn own_name(asked: &str, known: &Known) -> String {
    if asked.eq_ignore_ascii_case(&known.model.name) { known.model.name.clone() } else { asked.trim().to_string() }
}

fn unknown(name: &str) -> Unknown {
    let wanted = key(name, Detail::Shape);
    let alike = |theirs: &str| wanted.chars().zip(theirs.chars()).take_while(|(a, b)| a == b).count();
    let mut near: Vec<(usize, &str)> = built_in::all()
        .iter()
        .map(|known| (alike(&key(&known.model.name, Detail::Shape)), known.model.name.as_str()))
        .filter(|(shared, _)| *shared >= 3)
        .collect();
    near.sort_by_key(|(shared, _)| std::cmp::Reverse(*shared));
    let mut near: Vec<String> = near.into_iter().take(5).map(|(_, name)| name.to_string()).collect();
    if near.is_empty() {
        near.extend(
            lanewright_model::problem::nearest(name, built_in::all().iter().map(|known| known.model.name.as_str()))
                .map(str::to_string),
        );
    }
    Unknown { name: name.chars().take(200).collect(), near }
}

/// Words that say how a checkpoint was tuned or stored, not what shape it has.
const NOISE: [&str; 46] = [
    "instruct",
    "chat",
    "hf",
    "base",
    "it",
    "pt",
    "fp",
    "fp8",
    "fp4",
    "fp16",
    "bf16",
    "nvfp4",
    "mxfp4",
    "mxfp",
    "int4",
    "int8",
    "awq",
    "gptq",
    "gguf",
    "ggml",
    "w4a16",
    "w8a8",
    "w8a16",
    "w4a8",
    "kv",
    "dynamic",
    "static",
    "block",
    "quantized",
    "quant",
    "meta",
    "preview",
    "thinking",
    "tensor",
    "per",
    "pertensor",
    "safetensors",
    "sq",
    "mlx",
    "bnb",
    "exl2",
    "dq",
    "model",
    "original",
    "torch",
    "eagle",
];

/// How much of a name counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Detail {
    /// Only what tells shapes apart.
    Shape,
    /// The version of the checkpoint too.
    Version,
    /// All of it.
    Whole,
}

/// From all to least.
const DETAILS: [Detail; 3] = [Detail::Whole, Detail::Version, Detail::Shape];

/// What two names must share to be the same model.
fn key(name: &str, detail: Detail) -> String {
    words(name, detail).join("-")
}

/// The words of a name in lower case: split at separators and before digits that follow letters, neighbouring words of
/// letters joined.
pub(super) fn words(name: &str, detail: Detail) -> Vec<String> {
    let name = name.trim().trim_end_matches('/');
    let last = name.rsplit(['/', '\\']).next().unwrap_or(name).to_ascii_lowercase();
    // Files of llama.cpp end in a quantisation: `.Q4_K_M.gguf`.
    let last = last.strip_suffix(".gguf").map_or(last.as_str(), |stem| {
        stem.rfind(".q").or_else(|| stem.rfind("-q")).or_else(|| stem.rfind("-iq")).map_or(stem, |at| &stem[..at])
    });
    let mut raw: Vec<&str> = last.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    if detail < Detail::Whole {
        raw.retain(|word| !NOISE.contains(word) && !is_date(word));
    }
    if detail < Detail::Version {
        // A trailing version of the checkpoint: `v0.1`, `v1`.
        if let Some(at) = raw.iter().rposition(|word| is_version(word))
            && at > 1
            && at + 2 >= raw.len()
            && raw[at + 1..].iter().all(|word| word.len() == 1 && word.bytes().all(|byte| byte.is_ascii_digit()))
        {
            raw.truncate(at);
        }
    }
    let mut words: Vec<String> = Vec::new();
    let letters = |word: &str| word.chars().all(char::is_alphabetic);
    for word in raw {
        for piece in pieces(word) {
            match words.last_mut() {
                Some(before) if letters(before) && letters(piece) => before.push_str(piece),
                _ => words.push(piece.to_string()),
            }
        }
    }
    words
}

/// `llama3` to `llama`, `3`; `a17b` to `a`, `17b`; `70b` stays.
fn pieces(word: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut start = 0;
    let mut before: Option<char> = None;
    for (at, c) in word.char_indices() {
        if c.is_ascii_digit()
            && before.is_some_and(char::is_alphabetic)
            && word[start..].starts_with(char::is_alphabetic)
        {
            pieces.push(&word[start..at]);
            start = at;
        }
        before = Some(c);
    }
    pieces.push(&word[start..]);
    pieces
}

/// Four digits that say when: 2407, 0528, 1124.
fn is_date(word: &str) -> bool {
    word.len() == 4
        && word.bytes().all(|byte| byte.is_ascii_digit())
        && (("2301".."2713").contains(&word) || ("0101".."1232").contains(&word))
}

/// `v1`, `v0`; not `v3` of DeepSeek, which is a shape: that stands second in its name.
fn is_version(word: &str) -> bool {
    word.strip_prefix('v').is_some_and(|rest| rest.len() == 1 && rest.bytes().all(|byte| byte.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::transformer::Certainty;

    #[test]
    fn no_name_stands_for_two_models() {
        let mut seen: HashMap<String, &str> = HashMap::new();
        for known in built_in::all() {
            for name in std::iter::once(&known.model.name).chain(&known.also) {
                if let Some(other) = seen.insert(key(name, Detail::Whole), &known.model.name) {
                    assert_eq!(other, known.model.name, "{name}");
                }
                assert_eq!(
                    super::known(name).map(|found| found.model.name.as_str()),
                    Some(known.model.name.as_str()),
                    "{name}"
                );
            }
        }
    }

    #[test]
    fn names_in_use_find_their_shapes() {
        for (asked, name) in [
            ("deepseek-ai/DeepSeek-R1", "deepseek-ai/DeepSeek-R1"),
            ("nvidia/DeepSeek-R1-NVFP4", "deepseek-ai/DeepSeek-R1"),
            ("nvidia/DeepSeek-R1-0528-FP4", "deepseek-ai/DeepSeek-R1"),
            ("nvidia/DeepSeek-V3.1-NVFP4", "deepseek-ai/DeepSeek-V3"),
            ("meta-llama/Llama-3.1-70B", "meta-llama/Llama-3.1-70B"),
            ("meta-llama/Meta-Llama-3.1-70B-Instruct", "meta-llama/Llama-3.1-70B"),
            ("meta-llama/Meta-Llama-3-70B", "meta-llama/Llama-3-70B"),
            ("llama3.1 8b", "meta-llama/Llama-3.1-8B"),
            ("LLAMA_3_1_8B", "meta-llama/Llama-3.1-8B"),
            ("nvidia/Llama-3.1-8B-Instruct-FP8", "meta-llama/Llama-3.1-8B"),
            ("meta-llama/Llama-2-70b-hf", "meta-llama/Llama-2-70b"),
            ("meta-llama/Llama-2-13b-chat-hf", "meta-llama/Llama-2-13b"),
            ("llama-2-13b-chat.Q4_K_M.gguf", "meta-llama/Llama-2-13b"),
            ("Qwen/Qwen3-235B-A22B-FP8", "Qwen/Qwen3-235B-A22B"),
            ("Qwen/Qwen3-30B-A3B-Instruct-2507", "Qwen/Qwen3-30B-A3B"),
            ("nvidia/Qwen3-32B-NVFP4", "Qwen/Qwen3-32B"),
            ("Qwen/Qwen3.5-397B-A17B", "Qwen/Qwen3.5-397B-A17B"),
            ("Qwen2.5-7B-Instruct-AWQ", "Qwen/Qwen2.5-7B"),
            ("Qwen2-57B-A14B", "Qwen/Qwen2-57B-A14B"),
            ("moonshotai/Kimi-K2.5", "moonshotai/Kimi-K2.5"),
            ("nvidia/Kimi-K2.5-NVFP4", "moonshotai/Kimi-K2.5"),
            ("zhipuai/GLM-5", "zai-org/GLM-5"),
            ("zai-org/GLM-5-FP8", "zai-org/GLM-5"),
            ("openai/gpt-oss-120b", "openai/gpt-oss-120b"),
            ("gptoss-20b", "openai/gpt-oss-20b"),
            ("MiniMaxAI/MiniMax-M2", "MiniMaxAI/MiniMax-M2"),
            ("MiniMaxAI/MiniMax-M2.1", "MiniMaxAI/MiniMax-M2"),
            ("MiniMaxAI/MiniMax-M2.5", "MiniMaxAI/MiniMax-M2.5"),
            ("minimax-m2.5-nvfp4", "MiniMaxAI/MiniMax-M2.5"),
            ("mistralai/Mixtral-8x7B-Instruct-v0.1", "mistralai/Mixtral-8x7B-v0.1"),
            ("mixtral 8x7b", "mistralai/Mixtral-8x7B-v0.1"),
            ("mistralai/Mistral-7B-Instruct-v0.2", "mistralai/Mistral-7B-v0.2"),
            ("mistralai/Mistral-7B-Instruct-v0.3", "mistralai/Mistral-7B-v0.3"),
            ("/data/models/Meta-Llama-3.1-405B-Instruct/", "meta-llama/Llama-3.1-405B"),
        ] {
            assert_eq!(known(asked).map(|known| known.model.name.as_str()), Some(name), "{asked}");
            assert!(find(asked).expect(asked).certainty < Certainty::Guess, "{asked}");
        }
    }

    #[test]
    fn a_name_without_a_size_is_refused_with_names_near_it() {
        let unknown = look_up("Llama-next").expect_err("no size");
        assert!(unknown.near.iter().any(|name| name.contains("Llama")), "{unknown}");
        assert!(look_up("").is_err());
        assert!(look_up("\u{1f600}").is_err());
    }
}
