//! Reader of htsim's topology files (`.topo`): a fat tree of two or three tiers with its own rate, delay, radix,
//! oversubscription, bundles and switch latency per tier.
//!
//! Lines are `Key value`, keys in any case, `#` starts a comment. The header has `Nodes`, `Tiers` and `Podsize` (endpoints
//! per pod); each `Tier n` (0: switches next to endpoints) is followed by its own lines. `Oversubscribed` must agree with
//! the radices, as htsim demands. Queue sizes in the file are checked but not used: htsim's own program overrides them by
//! its `-q` option or by its automatic size.

use super::Links;
use super::fat_tree::FatTree;
use super::{LinkLayer, Network};
use crate::time::{Rate, Time};

/// A tree as read, with the links of its tiers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Topo {
    /// The tree.
    pub tree: FatTree,
    /// Links below the switches of tiers 1, 2 and 3.
    pub links: [Links; 3],
}

impl Topo {
    /// The network.
    pub fn build(&self) -> Network {
        self.tree.build_tiers(&self.links)
    }
}

/// What is wrong with a file, and where. Lines and columns count from 1; line 0 is the file as a whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopoError {
    /// Line.
    pub line: usize,
    /// Column, in characters.
    pub column: usize,
    /// What is wrong and what was expected.
    pub message: String,
}

impl std::fmt::Display for TopoError {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.line {
            0 => write!(out, "{}", self.message),
            line => write!(out, "{line}:{}: {}", self.column, self.message),
        }
    }
}

const KEYS: [&str; 9] = [
    "downlink_speed_gbps",
    "radix_up",
    "radix_down",
    "queue_up",
    "queue_down",
    "oversubscribed",
    "bundle",
    "switch_latency_ns",
    "downlink_latency_ns",
];

#[derive(Clone, Copy, Default)]
struct Tier {
    seen: bool,
    values: [Option<u32>; KEYS.len()],
}

impl Tier {
    fn get(&self, key: &str) -> Option<u32> {
        KEYS.iter().position(|known| *known == key).and_then(|at| self.values[at])
    }
}

/// Reads a topology file.
pub fn read(text: &str) -> Result<Topo, TopoError> {
    let mut header: [Option<u32>; 3] = [None; 3];
    let mut tiers = [Tier::default(); 3];
    let mut current: Option<usize> = None;
    for (at, line) in text.lines().enumerate() {
        let mut words = words(line);
        let Some((column, key)) = words.next().filter(|(_, word)| !word.starts_with('#')) else { continue };
        let error = |column, message| TopoError { line: at + 1, column, message };
        let key = key.to_ascii_lowercase();
        let Some((place, value)) = words.next() else {
            return Err(error(column, format!("`{key}` needs a whole number after it")));
        };
        let value: u32 = value
            .parse()
            .map_err(|_| error(place, format!("a whole number was expected after `{key}`, not `{value}`")))?;
        if let Some((column, extra)) = words.next().filter(|(_, word)| !word.starts_with('#')) {
            return Err(error(column, format!("one number belongs to `{key}`; `{extra}` is too much")));
        }
        let slot = match (key.as_str(), current) {
            ("nodes", None) => &mut header[0],
            ("tiers", None) => &mut header[1],
            ("podsize", None) => &mut header[2],
            ("nodes" | "tiers" | "podsize", Some(_)) => {
                return Err(error(column, format!("`{key}` belongs before the first `Tier`")));
            }
            ("tier", _) => {
                if value > 2 {
                    return Err(error(place, format!("tiers are 0, 1 and 2, not {value}")));
                }
                tiers[value as usize].seen = true;
                current = Some(value as usize);
                continue;
            }
            (name, Some(tier)) => match KEYS.iter().position(|known| *known == name) {
                Some(_) if tier == 2 && name.ends_with("_up") => {
                    return Err(error(column, format!("`{key}`: nothing is above tier 2")));
                }
                Some(at) => &mut tiers[tier].values[at],
                None => {
                    return Err(error(column, format!("`{key}` is not known; a tier has: {}", KEYS.join(", "))));
                }
            },
            (_, None) => {
                return Err(error(
                    column,
                    format!("`{key}` before any `Tier`; the header has Nodes, Tiers and Podsize"),
                ));
            }
        };
        if slot.replace(value).is_some() {
            return Err(error(column, format!("`{key}` was given before")));
        }
    }
    put_together(header, &tiers).map_err(|message| TopoError { line: 0, column: 0, message })
}

fn put_together([nodes, count, pod]: [Option<u32>; 3], tiers: &[Tier; 3]) -> Result<Topo, String> {
    let need = |value: Option<u32>, what: &str| {
        value.filter(|value| *value > 0).ok_or_else(|| format!("{what} is missing or 0"))
    };
    let (nodes, count, pod) = (need(nodes, "Nodes")?, need(count, "Tiers")?, need(pod, "Podsize")?);
    if !(2..=3).contains(&count) {
        return Err(format!("Tiers must be 2 or 3, not {count}"));
    }
    let used = &tiers[..count as usize];
    if let Some(missing) = used.iter().position(|tier| !tier.seen) {
        return Err(format!("tier {missing} is not described"));
    }
    let number = |tier: usize, key: &str| need(tiers[tier].get(key), &format!("{key} of tier {tier}"));
    let bundle = |tier: usize| tiers[tier].get("bundle").unwrap_or(1).max(1);
    let per_leaf = number(0, "radix_down")?;
    if pod % per_leaf != 0 || nodes % pod != 0 {
        return Err(format!(
            "{nodes} nodes in pods of {pod} with {per_leaf} at a switch of tier 0 do not divide without rest"
        ));
    }
    if bundle(0) != 1 {
        return Err("endpoints have one link: the bundle of tier 0 must be 1".into());
    }
    let tree = FatTree {
        endpoints: nodes,
        tiers: count as u8,
        per_leaf,
        up_from_leaf: number(0, "radix_up")?,
        leaves_per_pod: pod / per_leaf,
        up_from_middle: if count == 3 { number(1, "radix_up")? } else { 0 },
        leaf_bundle: bundle(1),
        middle_bundle: if count == 3 { bundle(2) } else { 1 },
    };
    tree.check()?;
    let mut links = Vec::with_capacity(3);
    for (tier, said) in used.iter().enumerate() {
        let gbps = number(tier, "downlink_speed_gbps")?;
        let rate = Rate::gbps(f64::from(gbps)).ok_or("a rate must be above 0")?;
        links.push(Links {
            rate,
            delay: Time::ns(u64::from(number(tier, "downlink_latency_ns")?)),
            switch_latency: Time::ns(u64::from(said.get("switch_latency_ns").unwrap_or(0))),
            layer: LinkLayer::Ethernet,
        });
    }
    let ratio = tiers[0].get("oversubscribed").unwrap_or(1).max(1);
    if per_leaf / tree.up_from_leaf != ratio {
        return Err(format!(
            "tier 0 says oversubscribed {ratio}, but {per_leaf} ports down and {} up make {}",
            tree.up_from_leaf,
            per_leaf / tree.up_from_leaf
        ));
    }
    let product = |a: u32, b: u32| u64::from(a) * u64::from(b);
    let (pods, below, above) = (nodes / pod, product(tree.leaves_per_pod, tree.leaf_bundle), number(1, "radix_down")?);
    if below != u64::from(above) {
        return Err(format!("tier 1 says radix_down {above}, but the switches of tier 0 in a pod need {below} of it"));
    }
    if count == 3 {
        let (below, above) = (product(pods, tree.middle_bundle), number(2, "radix_down")?);
        if below != u64::from(above) {
            return Err(format!("tier 2 says radix_down {above}, but the pods need {below} of it"));
        }
    }
    let [low, middle] = [links[0], links[1]];
    let top = links.get(2).copied().unwrap_or(middle);
    Ok(Topo { tree, links: [low, middle, top] })
}

/// Words of a line with their columns, which count characters from 1.
fn words(line: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut rest = 0;
    line.split([' ', '\t', '\r']).filter_map(move |word| {
        let column = rest + 1;
        rest += word.chars().count() + 1;
        (!word.is_empty()).then_some((column, word))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Written after the grammar of htsim's reader: 64 endpoints, pods of 16, half the rate and 2:1 above tier 0.
    const SMALL: &str = "# a comment
Nodes 64
tiers 3
Podsize 16

Tier 0
Oversubscribed 2
Downlink_speed_Gbps 100
Radix_Down 4
Radix_Up 2
Downlink_Latency_ns 500
Switch_Latency_ns 300

Tier 1
Downlink_speed_Gbps 200
Radix_Down 4
Radix_Up 4
Downlink_Latency_ns 1000
Bundle 1

Tier 2
Downlink_speed_Gbps 400
Radix_Down 8
Bundle 2
Downlink_Latency_ns 2000";

    #[test]
    fn every_line_is_meant() {
        let topo = read(SMALL).expect("it is sound");
        assert_eq!((topo.tree.leaves(), topo.tree.middles(), topo.tree.cores()), (16, 8, 4));
        assert_eq!(topo.links[0].switch_latency, Time::ns(300));
        assert_eq!((topo.links[2].rate.as_gbps(), topo.links[2].delay), (400.0, Time::us(2)));
        let network = topo.build();
        assert_eq!(network.edges.len(), 2 * (64 + 16 * 2 + 8 * 4));
    }

    #[test]
    fn wrong_lines_are_named() {
        let wrong = |from: &str, to: &str| read(&SMALL.replace(from, to)).expect_err("it is wrong");
        let error = wrong("Radix_Up 2", "Radix_Up two");
        assert_eq!((error.line, error.column), (10, 10));
        assert!(error.message.contains("two"), "{error}");
        assert_eq!(wrong("Tier 1", "Tier 7").line, 14);
        assert!(wrong("Bundle 1", "Budnle 1").message.contains("bundle"));
        assert!(wrong("Radix_Down 8", "Radix_Down 16").message.contains("pods need 8"));
        assert!(wrong("Oversubscribed 2", "Oversubscribed 4").message.contains("make 2"));
        assert!(wrong("Nodes 64", "Nodes 65").message.contains("65"));
        assert!(wrong("Nodes 64", "").message.contains("Nodes"));
        assert_eq!(wrong("tiers 3", "tiers").to_string(), "3:1: `tiers` needs a whole number after it");
    }

    #[test]
    fn nothing_a_file_says_makes_it_panic() {
        for cut in 0..SMALL.len() {
            // Any answer will do.
            let _ = read(&SMALL[..cut]);
        }
        assert!(read(&SMALL.replace("Nodes 64", "Nodes 4294967280")).is_err());
    }
}
