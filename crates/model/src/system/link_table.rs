//! A link table with its names resolved and its pattern laid out, relative to its template.

use std::collections::HashSet;

use super::checked::{MediumChoice, ProtocolId, Segment};
use super::expand::LINK_LIMIT;
use super::pattern::{self, DevicePorts, Pair, PatternError};
use super::tables::{LengthTable, LinkTable, Pattern};
use super::template::{Builder, Selected, Template};
use crate::catalogue::part::{Kind, Medium, Shape};
use crate::catalogue::{unknown_part, unknown_protocol};
use crate::names::{check_id, check_unique, natural};
use crate::problem::{Problem, nearest};
use crate::text::{Placed, Span};
use crate::units::Metres;

/// Longest link, in metres: 100 km, more than any coherent pluggable spans here.
const LENGTH_LIMIT_M: f64 = 100_000.0;

/// A link table after its pattern.
#[derive(Clone, Debug)]
pub struct ExpandedLinks {
    /// Name.
    pub name: String,
    /// Protocol at the first port.
    pub protocol: ProtocolId,
    /// Protocol at the second port.
    pub to_protocol: ProtocolId,
    /// Medium.
    pub medium: MediumChoice,
    /// Length, if given.
    pub length: Option<Metres>,
    /// Electrical path.
    pub segments: Vec<Segment>,
    /// Domain.
    pub domain: String,
    /// Arrangement of the cables' plugs.
    pub cable: Shape,
    /// Pairs of ports, relative to the template.
    pub pairs: Vec<Pair>,
    /// The table that made it.
    pub span: Span,
    /// Where its protocol stands.
    pub protocol_span: Span,
}

/// Expands link tables within a template. Tables whose selectors mention a device that has errors of its own
/// (`failed`) are not laid out: one mistake should be reported once.
pub fn expand_tables(
    template: &Template,
    tables: &[LinkTable],
    failed: &HashSet<String>,
    builder: &mut Builder<'_>,
) -> Vec<ExpandedLinks> {
    check_unique(tables.iter().map(|t| &t.id), "links", builder.problems);
    let mut expanded: Vec<ExpandedLinks> = Vec::new();
    let mut total = 0;
    for table in tables {
        let Some(links) = expand(template, table, failed, builder) else { continue };
        total += links.pairs.len() as u64;
        if total > LINK_LIMIT {
            builder.problems.push(
                Problem::error("too-large", format!("more than {LINK_LIMIT} links"), links.span, "too many with these")
                    .help("model one part of the system"),
            );
            break;
        }
        expanded.push(links);
    }
    expanded.sort_by(|a, b| natural(&a.name, &b.name));
    expanded
}

fn expand(
    template: &Template,
    table: &LinkTable,
    failed: &HashSet<String>,
    builder: &mut Builder<'_>,
) -> Option<ExpandedLinks> {
    let catalogue = builder.catalogue;
    let id_ok = check_id(&table.id, "a link", builder.problems);
    let mut protocol = |name: &Placed<String>| {
        let found = catalogue.find_protocol(name);
        if found.is_none() {
            builder.problems.push(unknown_protocol(name, catalogue));
        }
        found
    };
    let first = protocol(&table.protocol);
    let second = table.to_protocol.as_ref().map_or(first, &mut protocol);
    if let (Some(a), Some(b), Some(to)) = (first, second, &table.to_protocol) {
        let (rate_a, rate_b) = (catalogue.protocol(a).rate, catalogue.protocol(b).rate);
        if rate_a != rate_b {
            builder.problems.push(
                Problem::error(
                    "rate",
                    format!("the two ends have different rates: {} and {} Gb/s per direction", rate_a.0, rate_b.0),
                    to.span,
                    "another rate",
                )
                .and(table.protocol.span, "this rate")
                .help("a gearbox joins lane rates, not port rates: 2x50G lanes against 1x100G"),
            );
        }
    }
    let medium = medium(table, builder);
    let segments = segments(table, builder);
    let length = match table.length_m {
        LengthTable::Route => None,
        LengthTable::Fixed(length) => Some(length),
    };
    if let Some(length) = length.filter(|l| l.0 > LENGTH_LIMIT_M) {
        builder.problems.push(
            Problem::error(
                "number-range",
                format!(
                    "link `{}` is {} km long; the limit is {} km",
                    table.id.value,
                    length.0 / 1e3,
                    LENGTH_LIMIT_M / 1e3
                ),
                table.id.span,
                "too long",
            )
            .help("`length_m` is in metres"),
        );
    }
    if length.is_none() && template.part.is_some() {
        builder.problems.push(
            Problem::error(
                "length",
                format!("link `{}` inside an assembly has no length", table.id.value),
                table.id.span,
                "needs `length_m`",
            )
            .help("inner devices have no rack positions to measure from; give metres"),
        );
        return None;
    }
    if let Some(domain) = &table.domain {
        check_id(domain, "a domain", builder.problems);
    }
    let pairs = if mentions(table, failed) {
        check_selectors(template, table, failed, builder);
        Vec::new()
    } else {
        lay_out(template, table, builder)?
    };
    Some(ExpandedLinks {
        name: if id_ok { table.id.value.clone() } else { return None },
        protocol: first?,
        to_protocol: second?,
        medium: medium?,
        length,
        segments: segments?,
        domain: table.domain.as_ref().map_or_else(|| table.id.value.clone(), |d| d.value.clone()),
        cable: table.cable,
        pairs,
        span: table.id.span,
        protocol_span: table.protocol.span,
    })
}

/// Every selector of a table.
fn selectors(table: &LinkTable) -> impl Iterator<Item = &Placed<String>> {
    table.from.iter().chain(&table.to).chain(&table.via).chain(table.pairs.iter().flatten())
}

/// Whether a selector starts with one of the names; one that cannot be parsed names nothing.
fn starts_with(text: &Placed<String>, names: &HashSet<String>) -> bool {
    super::selector::Selector::parse(text)
        .is_ok_and(|selector| selector.paths.iter().any(|path| names.contains(&path[0].name)))
}

/// Whether a selector of the table starts with one of the names.
fn mentions(table: &LinkTable, names: &HashSet<String>) -> bool {
    !names.is_empty() && selectors(table).any(|text| starts_with(text, names))
}

/// Checks the selectors of a table that is not laid out, but for those of the devices that have errors of their own.
fn check_selectors(template: &Template, table: &LinkTable, failed: &HashSet<String>, builder: &mut Builder<'_>) {
    for text in selectors(table).filter(|text| !starts_with(text, failed)) {
        builder.select(template, text);
    }
}

fn medium(table: &LinkTable, builder: &mut Builder<'_>) -> Option<MediumChoice> {
    let Some(word) = &table.medium else { return Some(MediumChoice::Auto) };
    if word.value == "auto" {
        return Some(MediumChoice::Auto);
    }
    if let Some(medium) = Medium::from_word(word) {
        return Some(MediumChoice::Medium(medium));
    }
    if !word.contains('/') {
        let words = || Medium::ALL.iter().map(|m| m.word()).chain(["auto"]);
        let near = nearest(word, words());
        builder.problems.push(
            Problem::error(
                "unknown-word",
                format!("`{}` is not a medium", word.value),
                word.span,
                near.map_or_else(|| "not known".into(), |near| format!("did you mean `{near}`?")),
            )
            .help(format!("one of {}, or the id of a cable or module", words().collect::<Vec<_>>().join(", "))),
        );
        return None;
    }
    match builder.catalogue.find_part(word) {
        None => {
            builder.problems.push(unknown_part(word, builder.catalogue));
            None
        }
        Some(id) if !matches!(builder.catalogue.part(id).kind, Kind::Cable | Kind::Module) => {
            let kind = builder.catalogue.part(id).kind;
            builder.problems.push(
                Problem::error("wrong-kind", format!("`{}` is a {kind}", word.value), word.span, "not a medium")
                    .help("name a cable or a module, or a medium such as `aec`"),
            );
            None
        }
        Some(id) => Some(MediumChoice::Part(id)),
    }
}

fn segments(table: &LinkTable, builder: &mut Builder<'_>) -> Option<Vec<Segment>> {
    let mut segments = Vec::new();
    let mut sound = true;
    for segment in &table.segment {
        let Some(part) = builder.catalogue.find_part(&segment.part) else {
            builder.problems.push(unknown_part(&segment.part, builder.catalogue));
            sound = false;
            continue;
        };
        let kind = builder.catalogue.part(part).kind;
        let by_length = matches!(kind, Kind::Pcb | Kind::Twinax);
        if !by_length && !matches!(kind, Kind::Connector | Kind::Retimer | Kind::Gearbox | Kind::Phy) {
            builder.problems.push(Problem::error(
                "wrong-kind",
                format!(
                    "`{}` is a {kind}: a segment is a material, cable stock, connector, retimer, gearbox or PHY",
                    segment.part.value
                ),
                segment.part.span,
                "not a segment",
            ));
            sound = false;
        }
        if by_length && segment.length_m.is_none() {
            builder.problems.push(Problem::error(
                "missing-key",
                format!("a segment of `{}` needs `length_m`", segment.part.value),
                segment.part.span,
                "how long?",
            ));
            sound = false;
        }
        if segment.count == 0 || segment.count > 1000 {
            builder.problems.push(Problem::error(
                "number-range",
                "a segment's count is 1 to 1000",
                segment.part.span,
                format!("{} pieces", segment.count),
            ));
            sound = false;
        }
        segments.push(Segment { part, length: segment.length_m, count: segment.count });
    }
    sound.then_some(segments)
}

/// Lays out the pattern of a table; reports what does not fit.
fn lay_out(template: &Template, table: &LinkTable, builder: &mut Builder<'_>) -> Option<Vec<Pair>> {
    if table.pattern == Pattern::Explicit {
        return explicit(template, table, builder);
    }
    if !table.pairs.is_empty() {
        builder.problems.push(
            Problem::error("pattern", "`pairs` belongs to the explicit pattern", table.id.span, "has `pairs`")
                .help("add `pattern = \"explicit\"`"),
        );
        return None;
    }
    unused_keys(table, builder);
    let from = selector(template, table, table.from.as_ref(), "from", builder);
    let needs_to = !matches!(table.pattern, Pattern::FullMesh | Pattern::Torus | Pattern::Dragonfly);
    let to = if needs_to { selector(template, table, table.to.as_ref(), "to", builder) } else { Some(Vec::new()) };
    let via: Option<Vec<Vec<Selected>>> = table.via.iter().map(|text| builder.select(template, text)).collect();
    let (from, to, via) = (from?, to?, via?);
    let per_pair = table.per_pair.as_ref().map(|k| k.value);
    let groups = table.groups.as_ref().map(|k| k.value);
    let laid = match table.pattern {
        Pattern::InOrder => pattern::in_order(&ports(&from), &ports(&to)),
        Pattern::FullMesh => pattern::full_mesh(&by_owner(&from), per_pair.unwrap_or(1)),
        Pattern::Rail => pattern::rail(&by_outer(&from), &by_owner(&to), groups),
        Pattern::LeafSpine => pattern::leaf_spine(
            &by_owner(&from),
            &by_owner(&to),
            per_pair,
            groups.unwrap_or(1),
            table.planes.as_ref().map_or(1, |p| p.value),
        ),
        Pattern::FatTree => {
            let tiers: Vec<Vec<DevicePorts>> = std::iter::once(&to).chain(&via).map(|tier| by_owner(tier)).collect();
            pattern::fat_tree(&ports(&from), &tiers, table.radix.as_ref().map(|r| r.value))
        }
        Pattern::Torus => match &table.dims {
            Some(dims) => pattern::torus(&by_owner(&from), dims, table.wrap, per_pair.unwrap_or(1)),
            None => Err(PatternError {
                message: "a torus has no `dims`".into(),
                help: "give the sides of the grid, fastest first: `dims = [4, 4, 4]`".into(),
            }),
        },
        Pattern::Dragonfly => pattern::dragonfly(
            &by_owner(&from),
            groups.unwrap_or(0),
            table.global_ports.as_ref().map_or(0, |p| p.value),
            per_pair.unwrap_or(1),
        ),
        Pattern::Explicit => Ok(Vec::new()),
    };
    match laid {
        Ok(pairs) => Some(pairs),
        Err(error) => {
            let place = table.from.as_ref().map_or(table.id.span, |f| f.span);
            let mut problem = Problem::error(
                "pattern",
                format!("link `{}`: {}", table.id.value, error.message),
                place,
                format!("pattern `{}`", table.pattern),
            );
            if let Some(to) = &table.to {
                problem = problem.and(to.span, "and these");
            }
            builder.problems.push(problem.help(error.help));
            None
        }
    }
}

/// Reports keys that mean nothing to the table's pattern, which are nearly always mistakes.
fn unused_keys(table: &LinkTable, builder: &mut Builder<'_>) {
    use Pattern::{Dragonfly, FatTree, FullMesh, LeafSpine, Rail, Torus};
    let keys: [(&str, Option<Span>, &[Pattern]); 7] = [
        ("per_pair", table.per_pair.as_ref().map(|k| k.span), &[FullMesh, LeafSpine, Torus, Dragonfly]),
        ("groups", table.groups.as_ref().map(|k| k.span), &[Rail, LeafSpine, Dragonfly]),
        ("planes", table.planes.as_ref().map(|k| k.span), &[LeafSpine]),
        ("radix", table.radix.as_ref().map(|k| k.span), &[FatTree]),
        ("dims", table.dims.as_ref().map(|k| k.span), &[Torus]),
        ("global_ports", table.global_ports.as_ref().map(|k| k.span), &[Dragonfly]),
        ("via", table.via.first().map(|k| k.span), &[FatTree]),
    ];
    for (key, span, patterns) in keys {
        if let Some(span) = span.filter(|_| !patterns.contains(&table.pattern)) {
            let words: Vec<&str> = patterns.iter().map(|p| p.word()).collect();
            builder.problems.push(
                Problem::error(
                    "pattern",
                    format!("`{key}` means nothing to the pattern `{}`", table.pattern),
                    span,
                    "unused",
                )
                .help(format!("it belongs to: {}", words.join(", "))),
            );
        }
    }
    if let Some(to) = table.to.as_ref().filter(|_| matches!(table.pattern, FullMesh | Torus | Dragonfly)) {
        builder.problems.push(
            Problem::error(
                "pattern",
                format!("a {} joins the devices of `from` among themselves", table.pattern),
                to.span,
                "unused",
            )
            .help("leave `to` out, or use `leaf-spine` to join two sides"),
        );
    }
}

fn selector(
    template: &Template,
    table: &LinkTable,
    text: Option<&Placed<String>>,
    key: &str,
    builder: &mut Builder<'_>,
) -> Option<Vec<Selected>> {
    let Some(text) = text else {
        builder.problems.push(
            Problem::error(
                "missing-key",
                format!("link `{}` has no `{key}`", table.id.value),
                table.id.span,
                format!("pattern `{}` needs it", table.pattern),
            )
            .help(format!("add `{key} = \"server[*].port[*]\"`")),
        );
        return None;
    };
    let selected = builder.select(template, text)?;
    if selected.is_empty() {
        builder.problems.push(
            Problem::error("selector", format!("`{}` selects no port", text.value), text.span, "matches nothing")
                .help("`lanewright parts show PART` lists the ports of a part"),
        );
        return None;
    }
    Some(selected)
}

fn explicit(template: &Template, table: &LinkTable, builder: &mut Builder<'_>) -> Option<Vec<Pair>> {
    let mut pairs = Vec::new();
    let mut sound = true;
    if table.pairs.is_empty() || table.from.is_some() || table.to.is_some() {
        builder.problems.push(
            Problem::error("pattern", "the explicit pattern takes `pairs` alone", table.id.span, "needs `pairs`")
                .help("pairs = [[\"a.port[0]\", \"b.port[3]\"], ...]"),
        );
        return None;
    }
    for pair in &table.pairs {
        let [a, b] = pair.as_slice() else {
            let span = pair.first().map_or(table.id.span, |p| p.span);
            builder.problems.push(Problem::error(
                "pattern",
                format!("a pair has two ports, not {}", pair.len()),
                span,
                "not a pair",
            ));
            sound = false;
            continue;
        };
        let (Some(from), Some(to)) = (builder.select(template, a), builder.select(template, b)) else {
            sound = false;
            continue;
        };
        match pattern::in_order(&ports(&from), &ports(&to)) {
            Ok(more) if (pairs.len() + more.len()) as u64 > LINK_LIMIT => {
                builder.problems.push(Problem::error(
                    "too-large",
                    format!("more than {LINK_LIMIT} links"),
                    a.span,
                    "too many with these",
                ));
                return None;
            }
            Ok(more) => pairs.extend(more),
            Err(error) => {
                builder.problems.push(
                    Problem::error("pattern", error.message, a.span, "this").and(b.span, "and this").help(error.help),
                );
                sound = false;
            }
        }
    }
    sound.then_some(pairs)
}

fn ports(selected: &[Selected]) -> Vec<u32> {
    selected.iter().map(|s| s.port).collect()
}

/// Ports by the device that owns them, in order of first appearance.
fn by_owner(selected: &[Selected]) -> Vec<DevicePorts> {
    grouped(selected, |s| s.owner)
}

/// Ports by the device of the first step, in order of first appearance.
fn by_outer(selected: &[Selected]) -> Vec<DevicePorts> {
    grouped(selected, |s| s.outer)
}

fn grouped(selected: &[Selected], key: impl Fn(&Selected) -> u32) -> Vec<DevicePorts> {
    let mut place = std::collections::HashMap::new();
    let mut groups: Vec<DevicePorts> = Vec::new();
    for port in selected {
        let at = *place.entry(key(port)).or_insert_with(|| {
            groups.push(Vec::new());
            groups.len() - 1
        });
        groups[at].push(port.port);
    }
    groups
}
