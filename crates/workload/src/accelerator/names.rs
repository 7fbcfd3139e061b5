//! Accelerators by name: catalogue ids, and the spellings of data files and of people.

use lanewright_model::catalogue::Catalogue;
use lanewright_model::catalogue::part::Kind;
use lanewright_model::problem::nearest;

use super::Accelerator;

/// Spellings in use, normalised (lower case, no separators), and the part they mean.
const ALIASES: &[(&str, &str)] = &[
    ("a100", "nvidia/a100-sxm"),
    ("a100sxm", "nvidia/a100-sxm"),
    ("a10080gb", "nvidia/a100-sxm"),
    ("a100sxm80gb", "nvidia/a100-sxm"),
    ("h100", "nvidia/h100-sxm"),
    ("h100sxm", "nvidia/h100-sxm"),
    ("h200", "nvidia/h200-sxm"),
    ("h200sxm", "nvidia/h200-sxm"),
    ("b200", "nvidia/b200"),
    ("b200sxm", "nvidia/b200"),
    ("b300", "nvidia/b300"),
    ("b300sxm", "nvidia/b300"),
    ("gb200", "nvidia/gb200-gpu"),
    ("gb200nvl72", "nvidia/gb200-gpu"),
    ("gb200sxm", "nvidia/gb200-gpu"),
    ("gb300", "nvidia/gb300-gpu"),
    ("gb300nvl72", "nvidia/gb300-gpu"),
    ("gb300sxm", "nvidia/gb300-gpu"),
    ("rubin", "nvidia/rubin"),
    ("l40s", "nvidia/l40s"),
    ("l4", "nvidia/l4"),
    ("a10", "nvidia/a10"),
    ("a40", "nvidia/a40"),
    ("a6000", "nvidia/rtx-a6000"),
    ("rtxa6000", "nvidia/rtx-a6000"),
    ("rtxpro6000", "nvidia/rtx-pro-6000"),
    ("rtxpro6000blackwell", "nvidia/rtx-pro-6000"),
    ("rtxpro6000server", "nvidia/rtx-pro-6000"),
    ("mi300x", "amd/mi300x"),
    ("mi325x", "amd/mi325x"),
    ("mi355x", "amd/mi355x"),
    ("tpuv4", "google/tpu-v4"),
    ("tpuv5p", "google/tpu-v5p"),
    ("v5p", "google/tpu-v5p"),
    ("tpuv6e", "google/tpu-v6e"),
    ("v6e", "google/tpu-v6e"),
    ("trillium", "google/tpu-v6e"),
    ("tpuv7", "google/ironwood"),
    ("ironwood", "google/ironwood"),
    ("trainium2", "aws/trainium2"),
    ("trn2", "aws/trainium2"),
    ("maia100", "microsoft/maia-100"),
    ("gaudi3", "intel/gaudi-3"),
    ("orin", "nvidia/orin"),
    ("agxorin", "nvidia/orin"),
    ("agxorin64", "nvidia/orin"),
    ("jetsonagxorin", "nvidia/orin"),
    ("jetsonagxorin64", "nvidia/orin"),
    ("jetsonorin", "nvidia/orin"),
    ("orinnx", "nvidia/orin-nx"),
    ("jetsonorinnx", "nvidia/orin-nx"),
    ("thor", "nvidia/thor"),
    ("jetsonthor", "nvidia/thor"),
    ("jetsonthort5000", "nvidia/thor"),
    ("thort5000", "nvidia/thor"),
    ("t5000", "nvidia/thor"),
    ("cv72aq", "ambarella/cv72"),
    ("cv3ad685", "ambarella/cv3-ad"),
];

fn normal(name: &str) -> String {
    name.chars().filter(|c| c.is_ascii_alphanumeric()).map(|c| c.to_ascii_lowercase()).collect()
}

impl Accelerator {
    /// By catalogue id, by the id without its vendor, or by a spelling in use (`h200_sxm`, `GB200`, `tpu-v6e`).
    /// The error is one clause that names near ones.
    pub fn find(catalogue: &Catalogue, name: &str) -> Result<Self, String> {
        let wanted = normal(name);
        let id = ALIASES.iter().find(|(alias, _)| *alias == wanted).map(|(_, id)| *id);
        let computes = || catalogue.parts.iter().filter(|part| matches!(part.kind, Kind::Accelerator | Kind::Soc));
        let part = computes().find(|part| {
            let own = part.id.value.as_str();
            let bare = own.split_once('/').map_or(own, |(_, bare)| bare);
            Some(own) == id || own == name || normal(own) == wanted || normal(bare) == wanted
        });
        if let Some(part) = part {
            return Self::from_part(part, catalogue);
        }
        let known: Vec<&str> = computes().map(|part| part.id.value.as_str()).collect();
        let bare = known.iter().map(|id| id.split_once('/').map_or(*id, |(_, bare)| bare));
        let near = nearest(name, bare.chain(ALIASES.iter().map(|(alias, _)| *alias)));
        let hint = match near {
            Some(near) => format!("did you mean `{near}`? "),
            None => String::new(),
        };
        Err(format!("no accelerator is called `{name}`; {hint}known are {}", known.join(", ")))
    }
}
