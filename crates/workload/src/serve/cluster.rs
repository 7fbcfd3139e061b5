//! Deployments from files: configurations in the style of LLMServingSim (nodes of instances), and the engine arguments that a
//! vLLM run recorded. Keys that are not known are errors: a misspelt limit would otherwise be a silent default.

use std::fmt;

use serde::Serialize;
use serde_json::{Map, Value};

use super::simulate::Role;

/// One engine instance of a configuration.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Instance {
    /// Model, as the file names it.
    pub model: String,
    /// Device, as the file names it.
    pub hardware: String,
    /// Memory of a device, bytes; none where the file leaves it to the device.
    pub memory_bytes: Option<f64>,
    /// Bandwidth of a device's memory, bytes per second; none where the file leaves it to the device.
    pub bandwidth: Option<f64>,
    /// Share of the memory that the engine may use.
    pub memory_share: f64,
    /// Devices that share every product.
    pub tensor: u32,
    /// Stages of layers.
    pub pipeline: u32,
    /// Devices that share the experts.
    pub expert: u32,
    /// Instances with the same name step together.
    pub group: Option<String>,
    /// What it does.
    pub role: Role,
    /// Limits of its own.
    pub engine: EngineOptions,
}

/// Arguments of an engine; none where the file does not say.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct EngineOptions {
    /// Model.
    pub model: Option<String>,
    /// Sequences at once.
    pub max_sequences: Option<u32>,
    /// Tokens of a step.
    pub token_budget: Option<u32>,
    /// Tokens of a cache block.
    pub block_tokens: Option<u32>,
    /// Blocks of the cache.
    pub blocks: Option<u64>,
    /// Share of the memory for the engine.
    pub memory_share: Option<f64>,
    /// Devices that share every product.
    pub tensor: Option<u32>,
    /// Replicas that step together, where experts are shared.
    pub data: Option<u32>,
    /// Whether experts are shared among them.
    pub expert_parallel: Option<bool>,
    /// Weights and arithmetic.
    pub format: Option<String>,
    /// Cache.
    pub cache_format: Option<String>,
    /// Whether prefixes are kept.
    pub prefix_cache: Option<bool>,
    /// Whether steps are planned ahead.
    pub ahead: Option<bool>,
    /// The engine's version.
    pub version: Option<String>,
}

/// A configuration.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Cluster {
    /// Every instance, node by node.
    pub instances: Vec<Instance>,
    /// Bytes per second and direction between devices; none where the file does not say.
    pub link: Option<f64>,
    /// Seconds of a transfer between devices at least.
    pub link_latency_s: f64,
    /// What the file says that the simulation does not follow.
    pub notes: Vec<String>,
}

/// What is wrong with a configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClusterError {
    /// `line:column` of what is no JSON, else the path of the key.
    pub place: String,
    /// What is wrong.
    pub message: String,
    /// What would do.
    pub help: String,
}

impl fmt::Display for ClusterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}\n  help: {}", self.place, self.message, self.help)
    }
}

const TOP: &[&str] = &["num_nodes", "link_bw", "link_latency", "nodes", "cxl_mem"];
const NODE: &[&str] = &["num_instances", "cpu_mem", "instances", "power"];
const MEMORY: &[&str] = &["mem_size", "mem_bw", "mem_latency", "mem_util"];
const INSTANCE: &[&str] = &[
    "model_name",
    "hardware",
    "npu_mem",
    "num_npus",
    "npu_num",
    "npu_group",
    "tp_size",
    "pp_size",
    "ep_size",
    "dp_group",
    "pd_type",
    "max_num_seqs",
    "max_num_batched_tokens",
    "long_prefill_token_threshold",
    "enable_chunked_prefill",
    "enable_prefix_caching",
    "block_size",
    "dtype",
    "kv_cache_dtype",
    "placement",
    "pim_config",
];
const ENGINE: &[&str] = &[
    "model",
    "tokenizer",
    "tensor_parallel_size",
    "pipeline_parallel_size",
    "data_parallel_size",
    "enable_expert_parallel",
    "max_num_seqs",
    "max_num_batched_tokens",
    "max_model_len",
    "dtype",
    "quantization",
    "kv_cache_dtype",
    "block_size",
    "num_gpu_blocks_override",
    "gpu_memory_utilization",
    "enable_prefix_caching",
    "enable_chunked_prefill",
    "long_prefill_token_threshold",
    "async_scheduling",
    "scheduling_policy",
    "enforce_eager",
    "trust_remote_code",
    "disable_log_stats",
    "load_format",
    "hf_overrides",
    "seed",
];

/// An object of the file, and where it stands.
struct Part<'v> {
    path: String,
    keys: &'v Map<String, Value>,
}

fn wrong(place: impl Into<String>, message: impl Into<String>, help: impl Into<String>) -> ClusterError {
    ClusterError { place: place.into(), message: message.into(), help: help.into() }
}

impl<'v> Part<'v> {
    fn new(path: &str, value: &'v Value, known: &[&str]) -> Result<Self, ClusterError> {
        let keys = value.as_object().ok_or_else(|| {
            wrong(path, format!("this is {}, no object", kind(value)), format!("an object with {}", known.join(", ")))
        })?;
        if let Some(key) = keys.keys().find(|key| !known.contains(&key.as_str())) {
            let near = lanewright_model::problem::nearest(key, known.iter().copied());
            let hint = near.map_or_else(String::new, |near| format!("did you mean `{near}`? "));
            let path = format!("{path}{}{key}", if path.is_empty() { "" } else { "." });
            return Err(wrong(path, format!("unknown key `{key}`"), format!("{hint}known are {}", known.join(", "))));
        }
        Ok(Self { path: path.into(), keys })
    }

    fn path(&self, key: &str) -> String {
        if self.path.is_empty() { key.into() } else { format!("{}.{key}", self.path) }
    }

    fn get(&self, key: &str) -> Option<&'v Value> {
        self.keys.get(key).filter(|value| !value.is_null())
    }

    fn number(&self, key: &str, above_zero: bool) -> Result<Option<f64>, ClusterError> {
        let Some(value) = self.get(key) else { return Ok(None) };
        let fits =
            |number: &f64| number.is_finite() && *number < 1e18 && (*number > 0.0 || (*number >= 0.0 && !above_zero));
        value.as_f64().filter(fits).map(Some).ok_or_else(|| {
            let least = if above_zero { "more than 0" } else { "0 or more" };
            wrong(self.path(key), format!("this is {value}"), format!("a number, {least}"))
        })
    }

    fn count(&self, key: &str) -> Result<Option<u32>, ClusterError> {
        let Some(value) = self.get(key) else { return Ok(None) };
        value
            .as_u64()
            .filter(|count| (1..=1 << 24).contains(count))
            .map(|count| Some(count as u32))
            .ok_or_else(|| wrong(self.path(key), format!("this is {value}"), "a whole number, 1 to 16,777,216"))
    }

    fn flag(&self, key: &str) -> Result<Option<bool>, ClusterError> {
        let Some(value) = self.get(key) else { return Ok(None) };
        value.as_bool().map(Some).ok_or_else(|| wrong(self.path(key), format!("this is {value}"), "true or false"))
    }

    fn text(&self, key: &str) -> Result<Option<String>, ClusterError> {
        let Some(value) = self.get(key) else { return Ok(None) };
        value
            .as_str()
            .map(|text| Some(text.to_string()))
            .ok_or_else(|| wrong(self.path(key), format!("this is {value}"), "a text in quotes"))
    }

    fn need<T>(&self, key: &str, found: Option<T>, help: &str) -> Result<T, ClusterError> {
        found.ok_or_else(|| wrong(self.path(key), "this is missing", help))
    }

    fn list(&self, key: &str, help: &str) -> Result<&'v [Value], ClusterError> {
        match self.get(key) {
            Some(Value::Array(items)) if !items.is_empty() => Ok(items),
            Some(value) => Err(wrong(self.path(key), format!("this is {}", kind(value)), help)),
            None => Err(wrong(self.path(key), "this is missing", help)),
        }
    }

    /// A count that the file repeats beside a list must agree with it.
    fn agrees(&self, key: &str, length: usize) -> Result<(), ClusterError> {
        match self.count(key)? {
            Some(count) if count as usize != length => {
                Err(wrong(self.path(key), format!("{count} are announced, {length} are listed"), "make the two agree"))
            }
            _ => Ok(()),
        }
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(items) if items.is_empty() => "an empty list",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

fn json(text: &str) -> Result<Value, ClusterError> {
    serde_json::from_str(text).map_err(|fault| {
        let words = fault.to_string();
        let words = words.rfind(" at line ").map_or(words.clone(), |at| words[..at].to_string());
        wrong(format!("{}:{}", fault.line(), fault.column()), format!("this is no JSON: {words}"), "correct the file")
    })
}

/// Reads a configuration of nodes and instances.
pub fn parse(text: &str) -> Result<Cluster, ClusterError> {
    let value = json(text)?;
    let top = Part::new("", &value, TOP)?;
    let nodes = top.list("nodes", "a list of nodes with their instances")?;
    top.agrees("num_nodes", nodes.len())?;
    let mut notes = Vec::new();
    if top.get("cxl_mem").is_some() {
        notes.push("cxl_mem is read but not followed: caches stay on the devices".to_string());
    }
    let mut instances = Vec::new();
    for (at, value) in nodes.iter().enumerate() {
        let node = Part::new(&format!("nodes[{at}]"), value, NODE)?;
        if let Some(memory) = node.get("cpu_mem") {
            Part::new(&node.path("cpu_mem"), memory, MEMORY)?;
        }
        let list = node.list("instances", "a list of engine instances")?;
        node.agrees("num_instances", list.len())?;
        for (at, value) in list.iter().enumerate() {
            instances.push(instance(&format!("{}.instances[{at}]", node.path), value, &mut notes)?);
        }
    }
    notes.sort();
    notes.dedup();
    // GB/s and nanoseconds.
    let link = top.number("link_bw", true)?.map(|gigabytes| gigabytes * 1e9);
    let link_latency_s = top.number("link_latency", false)?.unwrap_or(0.0) * 1e-9;
    Ok(Cluster { instances, link, link_latency_s, notes })
}

fn instance(path: &str, value: &Value, notes: &mut Vec<String>) -> Result<Instance, ClusterError> {
    let part = Part::new(path, value, INSTANCE)?;
    let (mut memory_bytes, mut bandwidth, mut memory_share) = (None, None, 0.9);
    if let Some(value) = part.get("npu_mem") {
        let memory = Part::new(&part.path("npu_mem"), value, MEMORY)?;
        memory_bytes = memory.number("mem_size", true)?.map(|gigabytes| gigabytes * 1e9);
        bandwidth = memory.number("mem_bw", true)?.map(|gigabytes| gigabytes * 1e9);
        if let Some(share) = memory.number("mem_util", true)? {
            if share > 1.0 {
                return Err(wrong(
                    memory.path("mem_util"),
                    format!("this is {share}"),
                    "a share of the memory, up to 1",
                ));
            }
            memory_share = share;
        }
    }
    let devices = part.count("num_npus")?.or(part.count("npu_num")?);
    let pipeline = part.count("pp_size")?.unwrap_or(1);
    let tensor = part.count("tp_size")?.unwrap_or_else(|| devices.map_or(1, |devices| (devices / pipeline).max(1)));
    if let Some(devices) = devices
        && u64::from(devices) != u64::from(tensor) * u64::from(pipeline)
    {
        return Err(wrong(
            part.path("num_npus"),
            format!("{devices} devices for tp_size {tensor} times pp_size {pipeline}"),
            "make num_npus the product of the two",
        ));
    }
    let role = match part.text("pd_type")?.as_deref() {
        None => Role::Both,
        Some("prefill") => Role::Prefill,
        Some("decode") => Role::Decode,
        Some(other) => {
            return Err(wrong(part.path("pd_type"), format!("this is \"{other}\""), "\"prefill\", \"decode\" or null"));
        }
    };
    for key in ["placement", "pim_config", "long_prefill_token_threshold"] {
        if part.get(key).is_some_and(|value| value.as_u64() != Some(0)) {
            notes.push(format!("{key} is read but not followed"));
        }
    }
    if part.flag("enable_chunked_prefill")? == Some(false) {
        notes.push("enable_chunked_prefill is false: take --policy trtllm for prompts that are not cut".into());
    }
    Ok(Instance {
        model: part.need("model_name", part.text("model_name")?, "the model that it serves")?,
        hardware: part.need("hardware", part.text("hardware")?, "the device that it runs on")?,
        memory_bytes,
        bandwidth,
        memory_share,
        tensor,
        pipeline,
        expert: part.count("ep_size")?.unwrap_or(1),
        group: part.text("dp_group")?,
        role,
        engine: EngineOptions {
            max_sequences: part.count("max_num_seqs")?,
            token_budget: part.count("max_num_batched_tokens")?,
            block_tokens: part.count("block_size")?,
            prefix_cache: part.flag("enable_prefix_caching")?,
            format: part.text("dtype")?,
            cache_format: part.text("kv_cache_dtype")?,
            ..EngineOptions::default()
        },
    })
}

/// Reads what a run recorded of its engine: an object with `engine_kwargs`, or those arguments alone.
pub fn parse_engine(text: &str) -> Result<EngineOptions, ClusterError> {
    let value = json(text)?;
    let recorded = value.get("engine_kwargs");
    let part = match recorded {
        Some(arguments) => Part::new("engine_kwargs", arguments, ENGINE)?,
        None => Part::new("", &value, ENGINE)?,
    };
    if part.count("pipeline_parallel_size")?.is_some_and(|stages| stages > 1) {
        return Err(wrong(
            part.path("pipeline_parallel_size"),
            "stages of layers are not simulated",
            "give 1, or tensor_parallel_size instead",
        ));
    }
    let share = part.number("gpu_memory_utilization", true)?;
    if share.is_some_and(|share| share > 1.0) {
        return Err(wrong(part.path("gpu_memory_utilization"), "more than the whole memory", "a share, up to 1"));
    }
    let version = value.get("vllm_version").and_then(Value::as_str).map(str::to_string);
    Ok(EngineOptions {
        model: part.text("model")?,
        max_sequences: part.count("max_num_seqs")?,
        token_budget: part.count("max_num_batched_tokens")?,
        block_tokens: part.count("block_size")?,
        blocks: part.count("num_gpu_blocks_override")?.map(u64::from),
        memory_share: share,
        tensor: part.count("tensor_parallel_size")?,
        data: part.count("data_parallel_size")?,
        expert_parallel: part.flag("enable_expert_parallel")?,
        format: part.text("quantization")?.or(part.text("dtype")?),
        cache_format: part.text("kv_cache_dtype")?,
        prefix_cache: part.flag("enable_prefix_caching")?,
        // vLLM plans ahead by default since its 0.14.
        ahead: part.flag("async_scheduling")?.or_else(|| version.as_deref().and_then(plans_ahead)),
        version,
    })
}

fn plans_ahead(version: &str) -> Option<bool> {
    let mut parts = version.split('.').map(|part| part.parse::<u32>().ok());
    let (major, minor) = (parts.next()??, parts.next()??);
    Some((major, minor) >= (0, 14))
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"{"num_nodes": 1, "link_bw": 16, "link_latency": 20000, "nodes": [{"num_instances": 2, "instances": [
        {"model_name": "m", "hardware": "RTXPRO6000", "npu_mem": {"mem_size": 96, "mem_bw": 1597, "mem_util": 0.8},
         "num_npus": 1, "tp_size": 1, "ep_size": 2, "dp_group": "A", "pd_type": null},
        {"model_name": "m", "hardware": "RTXPRO6000", "npu_num": 4, "max_num_seqs": 32, "pd_type": "decode"}]}]}"#;

    #[test]
    fn nodes_and_instances_are_read() {
        let cluster = parse(GOOD).expect("it is right");
        assert_eq!((cluster.link, cluster.link_latency_s), (Some(16e9), 20e-6));
        let [one, two] = &cluster.instances[..] else { panic!("two instances") };
        assert_eq!((one.memory_bytes, one.bandwidth, one.memory_share), (Some(96e9), Some(1597e9), 0.8));
        assert_eq!((one.expert, one.group.as_deref(), one.role), (2, Some("A"), Role::Both));
        assert_eq!((two.tensor, two.engine.max_sequences, two.role), (4, Some(32), Role::Decode));
    }

    #[test]
    fn what_is_wrong_has_its_place_and_a_way_out() {
        let cases = [
            (
                GOOD.replace("mem_util", "mem_utli"),
                "nodes[0].instances[0].npu_mem.mem_utli: unknown key `mem_utli`",
                "did you mean `mem_util`?",
            ),
            (GOOD.replace("\"link_bw\"", "\"bandwidth\""), "bandwidth: unknown key", "known are num_nodes, link_bw"),
            (GOOD.replace("1597", "-3"), "nodes[0].instances[0].npu_mem.mem_bw: this is -3", "more than 0"),
            (
                GOOD.replace("\"num_instances\": 2", "\"num_instances\": 3"),
                "nodes[0].num_instances: 3 are announced",
                "agree",
            ),
            (GOOD.replace("\"decode\"", "\"both\""), "nodes[0].instances[1].pd_type: this is \"both\"", "\"prefill\""),
            (
                GOOD.replace("\"num_npus\": 1", "\"num_npus\": 2"),
                "nodes[0].instances[0].num_npus: 2 devices",
                "product",
            ),
            (
                GOOD.replace("\"hardware\": \"RTXPRO6000\", \"npu_num\"", "\"npu_num\""),
                "nodes[0].instances[1].hardware: this is missing",
                "device",
            ),
            ("{".into(), "1:1: this is no JSON", "correct"),
            ("{\"nodes\": []}".into(), "nodes: this is an empty list", "a list of nodes"),
        ];
        for (text, start, help) in cases {
            let message = parse(&text).map(|_| ()).expect_err(start).to_string();
            assert!(message.starts_with(start), "{message} against {start}");
            assert!(message.contains(help), "{message} against {help}");
        }
    }

    #[test]
    fn recorded_engines_are_read() {
        let text = r#"{"vllm_version": "0.19.0", "engine_kwargs": {"max_num_seqs": 128, "max_num_batched_tokens": 2048,
            "max_model_len": null, "data_parallel_size": 2, "enable_expert_parallel": true, "dtype": "bfloat16"}}"#;
        let engine = parse_engine(text).expect("it is right");
        assert_eq!((engine.max_sequences, engine.data, engine.ahead), (Some(128), Some(2), Some(true)));
        let old = parse_engine(&text.replace("0.19.0", "0.9.1")).expect("it is right");
        assert_eq!(old.ahead, Some(false));
        let wrong = parse_engine(&text.replace("max_num_seqs", "max_seqs")).expect_err("unknown").to_string();
        assert!(wrong.contains("engine_kwargs.max_seqs: unknown key") && wrong.contains("max_num_seqs"), "{wrong}");
    }
}
