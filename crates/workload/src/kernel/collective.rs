//! Collectives of the scale-up domain and across nodes: NCCL's, and the all-reduce kernels of serving engines.
//!
//! The law: `t = floor + steps * hop + share * bytes / link * traffic`. Rings take `n - 1` hops each way, trees a number
//! that grows with the logarithm: the smaller of the two counts. A ring moves `(n - 1) / n` of the bytes over every link,
//! an all-reduce twice that. What the libraries really do (protocols for small, middle and large messages, reduction in
//! the switch) is in the corrections: one over size and ranks for all versions together, one for 8-bit integers, which no
//! switch reduces, and one per version.

use std::collections::BTreeMap;

use super::table::{Table, fit_tables};
use super::{Measured, stand_in};
use crate::accelerator::Accelerator;
use crate::accelerator::lineage::{donors, kin};
use crate::estimate::Estimate;
use crate::fit::calibration::{Fitted, OperatorFits, Resolved, Trial};
use crate::fit::law::{Corrected, HoldOut, Law, Layer, Peaks};
use crate::fit::split::held_out;
use crate::fit::spread::{Band, quantile};
use crate::fit::surface::{AXES, Axis, Stiffness};
use crate::format::Arithmetic;

/// Name of NCCL's collectives in files.
pub const LIBRARY_NAME: &str = "nccl";

/// Name of engines' all-reduce kernels in files.
pub const ENGINE_NAME: &str = "custom_allreduce";

/// What is exchanged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Collective {
    /// Every rank ends with the sum of all; bytes are those of the vector.
    AllReduce,
    /// Every rank ends with the parts of all; bytes are those of the whole.
    AllGather,
    /// Every rank ends with its part of the sum; bytes are those of the whole.
    ReduceScatter,
    /// Every rank sends a part to every other; bytes are those that one rank holds.
    AllToAll,
}

impl Collective {
    /// Every one.
    pub const ALL: [Self; 4] = [Self::AllReduce, Self::AllGather, Self::ReduceScatter, Self::AllToAll];

    /// The spelling of files and variants.
    pub fn name(self) -> &'static str {
        match self {
            Self::AllReduce => "all_reduce",
            Self::AllGather => "all_gather",
            Self::ReduceScatter => "reduce_scatter",
            Self::AllToAll => "alltoall",
        }
    }

    /// From the spelling of files.
    pub fn from_name(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.name() == text.trim().replace("all_to_all", "alltoall"))
    }

    /// Share of the bytes that a rank sends, in rings and in direct exchanges.
    pub fn share(self, ranks: f64) -> f64 {
        let part = (ranks - 1.0) / ranks;
        if self == Self::AllReduce { 2.0 * part } else { part }
    }
}

/// One collective of one group.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CollectiveQuery {
    collective: Collective,
    ranks: f64,
    bytes: f64,
    integer: bool,
    /// Number of the version; [`NO_VERSION`] for none.
    version: u16,
}

/// Ranks beyond which trees replace rings: `2.5 * log2(n)` hops, 7.5 at 8 ranks, where a ring takes 7.
fn steps(ranks: f64) -> f64 {
    (ranks - 1.0).min(2.5 * libm::log2(ranks))
}

/// Bytes per second between devices; those without a scale-up domain talk over PCIe 4.0 x16 through the host.
fn link(peaks: &Peaks) -> f64 {
    const HOST: f64 = 32e9;
    if peaks.scale_up > 0.0 { peaks.scale_up } else { HOST }
}

/// Most versions of one library that a calibration tells apart.
const VERSIONS: u16 = 12;

/// The number of a version that was not measured.
const NO_VERSION: u16 = u16::MAX;

/// The law of collectives.
#[derive(Clone, Copy, Debug)]
pub struct CollectiveLaw {
    /// Stiffness of what versions differ by: versions of NCCL differ little, those of engines' kernels much.
    versions: Stiffness,
}

/// Versions of NCCL.
const LIBRARY: CollectiveLaw = CollectiveLaw { versions: Stiffness { bend: 0.3, height: 0.3, outlier: 0.15 } };

/// Versions of engines.
const ENGINE: CollectiveLaw = CollectiveLaw { versions: Stiffness { bend: 0.02, height: 0.03, outlier: 0.5 } };

impl Law<3, 3> for CollectiveLaw {
    type Query = CollectiveQuery;

    fn constants(&self) -> [(&'static str, f64); 3] {
        [("floor_seconds", 5e-6), ("hop_seconds", 1.5e-6), ("traffic_per_peak", 1.3)]
    }

    fn layers(&self) -> Vec<Layer> {
        let axes = [Axis::spanning(8.0, 30.0, 1.0), Axis::spanning(1.0, 3.0, 1.0)];
        let mut layers = vec![
            Layer::new("size", 0, &axes, Stiffness { bend: 0.01, height: 1e-4, outlier: 0.15 }),
            Layer::new("integer", 1, &axes, Stiffness { bend: 0.1, height: 0.03, outlier: 0.15 }),
        ];
        layers.extend((0..VERSIONS).map(|version| Layer {
            only: Some(version),
            ..Layer::new(&format!("version {version}"), 2, &axes, self.versions)
        }));
        layers
    }

    fn seconds(constants: &[f64; 3], peaks: &Peaks, query: &CollectiveQuery) -> f64 {
        let [floor, hop, traffic] = *constants;
        floor + hop * steps(query.ranks) + query.collective.share(query.ranks) * query.bytes / link(peaks) * traffic
    }

    fn reachable(peaks: &Peaks, query: &CollectiveQuery) -> f64 {
        query.collective.share(query.ranks) * query.bytes / link(peaks)
    }

    fn places(query: &CollectiveQuery) -> [Option<[f32; AXES]>; 3] {
        let (bytes, ranks) = (libm::log2(query.bytes) as f32, libm::log2(query.ranks) as f32);
        [
            Some([bytes, ranks, 0.0, 0.0]),
            query.integer.then_some([bytes, ranks, 0.0, 0.0]),
            Some([bytes, ranks, 0.0, 0.0]),
        ]
    }

    fn kind(query: &CollectiveQuery) -> u16 {
        query.version
    }
}

/// Measured ranks: beyond them the law goes on alone.
const MEASURED_RANKS: f64 = 8.0;

/// What each doubling of ranks beyond the measured ones adds to the band (an estimate: between 2 and 4, and between 4 and
/// 8 ranks, times of small messages grow by 1.4 to 1.7, and no law of the two predicts the next within less than 15 %).
const BEYOND: f64 = 1.15;

/// A collective library on one device: one collective, one version.
#[derive(Clone, Debug)]
pub struct CollectiveModel {
    collective: Collective,
    fitted: Corrected<3, 3>,
    version: u16,
}

/// The constant that keeps a version's number.
fn version_name(version: &str) -> String {
    format!("version {version}")
}

/// A version as numbers, for order and nearness: `1.3.0rc10` is 1, 3, 0, 10.
fn version_key(version: &str) -> Vec<u32> {
    version.split(|c: char| !c.is_ascii_digit()).filter_map(|part| part.parse().ok()).collect()
}

impl CollectiveModel {
    /// Fits NCCL's collectives of one device: columns `op_name`, `nccl_dtype`, `num_gpus`, `message_size` (elements) and
    /// `nccl_version`; a file without the last has the version in its name.
    pub fn fit_library(
        device: &Accelerator,
        tables: &[Table],
        hold_out: HoldOut,
        all_rows: bool,
    ) -> Result<Vec<Fitted>, String> {
        fit(&LIBRARY, device, (tables, hold_out), all_rows, library_row)
    }

    /// Fits engines' all-reduce kernels of one device: columns `fw` (engine and version), `kernel_source`,
    /// `allreduce_dtype`, `num_gpus` and `message_size` (elements).
    pub fn fit_engine(
        device: &Accelerator,
        tables: &[Table],
        hold_out: HoldOut,
        all_rows: bool,
    ) -> Result<Vec<Fitted>, String> {
        fit(&ENGINE, device, (tables, hold_out), all_rows, engine_row)
    }

    /// The fit, of those of one operator, that a device's version of a library or kernel is predicted with, by name in
    /// [`CollectiveRow::variant`]: the one that holds the version, else the one with the latest version before it, else the
    /// earliest. None where the device has no fit of that name.
    pub fn choose<'a>(fits: &'a [Fitted], device: &str, name: &str, version: Option<&str>) -> Option<&'a Fitted> {
        let own = fits.iter().filter(|fit| {
            fit.device == device && fit.variant.split_once('/').map_or(fit.variant.as_str(), |parts| parts.0) == name
        });
        let wanted = version.map(version_key);
        // Ordered by: version at or before the wanted one, latest first; then later ones, earliest first.
        own.filter_map(|fit| {
            let keys = fit.constants.keys().filter_map(|name| name.strip_prefix("version ")).map(version_key);
            match &wanted {
                None => keys.max().map(|key| (true, key, fit)),
                Some(wanted) => {
                    let keys: Vec<Vec<u32>> = keys.collect();
                    let before = keys.iter().filter(|key| *key <= wanted).max().cloned();
                    match before {
                        Some(key) => Some((true, key, fit)),
                        None => keys.into_iter().min().map(|key| (false, key, fit)),
                    }
                }
            }
        })
        .reduce(|best, next| match (best.0, next.0) {
            (true, true) if next.1 > best.1 => next,
            (false, true) => next,
            (false, false) if next.1 < best.1 => next,
            _ => best,
        })
        .map(|best| best.2)
    }

    /// Ready to predict on `device` with a certain fit. A version that was not measured is predicted as the nearest one
    /// before it, or after.
    pub fn of(device: &Accelerator, resolved: &Resolved<'_>, collective: Collective, version: Option<&str>) -> Self {
        let mut known: Vec<(Vec<u32>, u16)> = resolved
            .fit
            .constants
            .iter()
            .filter_map(|(name, place)| Some((version_key(name.strip_prefix("version ")?), *place as u16)))
            .collect();
        known.sort_by(|a, b| a.0.cmp(&b.0));
        let wanted = version.map(version_key);
        let before = match &wanted {
            Some(wanted) => known.iter().rev().find(|one| one.0 <= *wanted).or(known.first()),
            None => known.last(),
        };
        let version = before.map_or(NO_VERSION, |one| one.1);
        // Layers have the same names in both laws; stiffness plays no part in predictions.
        let stretch = stand_in::stretch(device, resolved.fit);
        let fitted = Corrected::of(&LIBRARY, resolved, (&device.id, peaks(device)), stretch, version);
        Self { collective, fitted, version }
    }

    /// The law alone, where nothing was measured.
    pub fn unfitted(device: &Accelerator, collective: Collective) -> Self {
        Self { collective, fitted: Corrected::unfitted(&LIBRARY, peaks(device)), version: NO_VERSION }
    }

    /// How long it takes, seconds; `bytes` as [`Collective`] says, `integer` for 8-bit integers. Nothing for one rank.
    pub fn estimate(&self, ranks: f64, bytes: f64, integer: bool) -> Estimate {
        if ranks < 2.0 || bytes <= 0.0 {
            return Estimate::exact(0.0);
        }
        let query = CollectiveQuery { collective: self.collective, ranks, bytes, integer, version: self.version };
        let estimate = self.fitted.estimate::<CollectiveLaw>(&query);
        if ranks <= MEASURED_RANKS {
            return estimate;
        }
        let factor = libm::pow(BEYOND, libm::log2(ranks / MEASURED_RANKS));
        Band { below: estimate.below(), above: estimate.above() }
            .widened(Band { below: factor, above: factor })
            .around(estimate.likely)
    }
}

/// Peaks for collectives; no arithmetic bounds them.
fn peaks(device: &Accelerator) -> Peaks {
    Peaks::of(device, Arithmetic::Bf16)
}

/// A measured collective.
#[derive(Clone, Debug, PartialEq)]
pub struct CollectiveRow {
    /// Variant in calibration files: the collective, or the source of an engine's kernel.
    pub variant: String,
    /// What is exchanged.
    pub collective: Collective,
    /// Version of the library or engine; none where the file does not say.
    pub version: Option<String>,
    /// Ranks.
    pub ranks: f64,
    /// Bytes.
    pub bytes: f64,
    /// Whether elements are 8-bit integers.
    pub integer: bool,
}

/// A row of an NCCL file.
pub fn library_row(table: &Table, row: usize) -> Result<CollectiveRow, String> {
    let name = table.text(row, "op_name")?;
    let collective = Collective::from_name(name).ok_or_else(|| {
        let known: Vec<&str> = Collective::ALL.iter().map(|one| one.name()).collect();
        table.wrong(row, "op_name", &format!("is \"{name}\"; known collectives: {}", known.join(", ")))
    })?;
    let format = table.format(row, "nccl_dtype")?;
    // `gb200_nccl_2.29.2.csv.gz` has no column of versions.
    let named = table.file().split("nccl_").nth(1).map(|rest| rest.trim_end_matches(".gz").trim_end_matches(".csv"));
    let version = table.optional(row, "nccl_version").or(named).map(str::to_owned);
    Ok(CollectiveRow {
        variant: collective.name().to_owned(),
        collective,
        version,
        ranks: table.number(row, "num_gpus", 1.0)?,
        bytes: table.number(row, "message_size", 0.0)? * format.activation_bytes(),
        integer: format.arithmetic() == Arithmetic::Int8,
    })
}

/// A row of a file of engines' all-reduce kernels.
pub fn engine_row(table: &Table, row: usize) -> Result<CollectiveRow, String> {
    let format = table.format(row, "allreduce_dtype")?;
    let source = table.text(row, "kernel_source")?.to_ascii_lowercase().replace("custom", "").replace("allreduce", "");
    let variant = source.split('_').filter(|part| !part.is_empty()).collect::<Vec<_>>().join("_");
    let version = table.optional(row, "fw").map(|fw| fw.rsplit('/').next().unwrap_or(fw).to_owned());
    Ok(CollectiveRow {
        variant,
        collective: Collective::AllReduce,
        version,
        ranks: table.number(row, "num_gpus", 1.0)?,
        bytes: table.number(row, "message_size", 0.0)? * format.activation_bytes(),
        integer: format.arithmetic() == Arithmetic::Int8,
    })
}

fn fit(
    law: &CollectiveLaw,
    device: &Accelerator,
    (tables, hold_out): (&[Table], HoldOut),
    all_rows: bool,
    of_row: impl Fn(&Table, usize) -> Result<CollectiveRow, String>,
) -> Result<Vec<Fitted>, String> {
    let generations = Generations::of(tables, hold_out, &of_row)?;
    let peaks = peaks(device);
    let mut fits = fit_tables(law, &device.id, (tables, hold_out), all_rows, |table, row| {
        let row = of_row(table, row)?;
        if row.ranks < 2.0 || row.bytes <= 0.0 {
            return Ok(None);
        }
        let (variant, version) = generations.place(&row);
        let CollectiveRow { collective, ranks, bytes, integer, .. } = row;
        let query = CollectiveQuery { collective, ranks, bytes, integer, version };
        Ok(Some((variant, peaks, query)))
    })?;
    for fit in &mut fits {
        for (name, number) in generations.versions(&fit.variant) {
            fit.constants.insert(version_name(name), f64::from(number));
        }
    }
    Ok(fits)
}

/// Fits NCCL's collectives of every device (all files of a device together), and tries every fit on the other devices.
pub fn calibrate_library(measured: &[Measured], hold_out: HoldOut) -> Result<OperatorFits, String> {
    calibrate(LIBRARY_NAME, &LIBRARY, measured, hold_out, library_row)
}

/// The same for engines' all-reduce kernels.
pub fn calibrate_engine(measured: &[Measured], hold_out: HoldOut) -> Result<OperatorFits, String> {
    calibrate(ENGINE_NAME, &ENGINE, measured, hold_out, engine_row)
}

/// How a row of a file is read.
pub type ReadRow = fn(&Table, usize) -> Result<CollectiveRow, String>;

fn calibrate(
    operator: &str,
    law: &CollectiveLaw,
    measured: &[Measured],
    hold_out: HoldOut,
    of_row: ReadRow,
) -> Result<OperatorFits, String> {
    let mut devices: Vec<(&Accelerator, Vec<Table>)> = Vec::new();
    for one in measured {
        match devices.iter_mut().find(|known| known.0.id == one.device.id) {
            Some(known) => known.1.push(one.table.clone()),
            None => devices.push((&one.device, vec![one.table.clone()])),
        }
    }
    let mut fits = Vec::new();
    for (device, tables) in &devices {
        // Groups larger than any measured on a device follow its kin: same links, same processors.
        let mut tables = tables.clone();
        let most = most_ranks(&tables, of_row)?;
        for (_, others) in devices.iter().filter(|(other, _)| other.id != device.id && kin(&other.id, &device.id)) {
            for table in others {
                let ranks: Vec<f64> =
                    (0..table.len()).map(|row| Ok(of_row(table, row)?.ranks)).collect::<Result<_, String>>()?;
                let beyond = table.filtered(|row| ranks[row] > most);
                tables.extend((!beyond.is_empty()).then_some(beyond));
            }
        }
        fits.extend(fit(law, device, (&tables, hold_out), true, of_row)?);
    }
    let mut trials = Vec::new();
    for (device, tables) in &devices {
        for donor in donors(device) {
            let lent: Vec<Fitted> = fits.iter().filter(|fit| fit.device == donor.id).cloned().collect();
            for (variant, pairs) in pairs(device, tables, &lent, of_row)? {
                trials.extend(Trial::of(donor.id, &device.id, &variant, &pairs));
            }
        }
    }
    Ok(OperatorFits { operator: operator.into(), fits, trials })
}

/// Ranks of the largest group in some tables.
fn most_ranks(tables: &[Table], of_row: ReadRow) -> Result<f64, String> {
    let mut most = 0.0f64;
    for table in tables {
        for row in 0..table.len() {
            most = most.max(of_row(table, row)?.ranks);
        }
    }
    Ok(most)
}

/// Predictions of rows with the fits of one device, each with what was measured, seconds; by the variant that predicts.
pub fn pairs(
    device: &Accelerator,
    tables: &[Table],
    fits: &[Fitted],
    of_row: ReadRow,
) -> Result<BTreeMap<String, Vec<(Estimate, f64)>>, String> {
    let mut pairs: BTreeMap<String, Vec<(Estimate, f64)>> = BTreeMap::new();
    let Some(donor) = fits.first().map(|fit| fit.device.as_str()) else { return Ok(pairs) };
    for table in tables {
        for at in 0..table.len() {
            let row = of_row(table, at)?;
            let version = row.version.as_deref();
            let Some(fit) = CollectiveModel::choose(fits, donor, &row.variant, version) else { continue };
            let model = CollectiveModel::of(device, &Resolved::plain(fit), row.collective, version);
            let estimate = model.estimate(row.ranks, row.bytes, row.integer);
            if estimate.likely > 0.0 {
                let own = pairs.entry(fit.variant.clone()).or_default();
                own.push((estimate, table.milliseconds(at, "latency")?));
            }
        }
    }
    Ok(pairs)
}

/// Versions of a library that behave alike are fitted together; those that do not (a kernel was rewritten) apart.
struct Generations {
    /// Variant of a row, version, and the first version of those that behave like it.
    known: Vec<(String, String, String)>,
}

/// Versions are alike when their times of the same message differ by less than this for two messages of three (natural logarithm).
const ALIKE: f64 = 0.1;

/// Messages that two versions must share before they are told apart.
const SHARED: usize = 4;

impl Generations {
    fn of(
        tables: &[Table],
        hold_out: HoldOut,
        of_row: impl Fn(&Table, usize) -> Result<CollectiveRow, String>,
    ) -> Result<Self, String> {
        // Times by variant, version (ordered by number) and message; what is held out is not looked at.
        let mut times: BTreeMap<(String, Vec<u32>, String), BTreeMap<Message, f64>> = BTreeMap::new();
        for table in tables {
            for at in 0..table.len() {
                let row = of_row(table, at)?;
                let Some(version) = row.version else { continue };
                let own = times.entry((row.variant, version_key(&version), version)).or_default();
                if !held_out(hold_out.seed, hold_out.share, table.cells_without(at, "latency")) {
                    own.insert((row.ranks as u64, row.bytes as u64, row.integer), table.milliseconds(at, "latency")?);
                }
            }
        }
        let mut known: Vec<(String, String, String)> = Vec::new();
        for ((variant, _, version), own) in &times {
            let mut like = None;
            // The latest version before it that behaves like it.
            for (_, other, first) in known.iter().rev().filter(|one| one.0 == *variant) {
                let shared = times.get(&(variant.clone(), version_key(other), other.clone()));
                let mut apart: Vec<f64> =
                    own.iter().filter_map(|(message, time)| Some((time / shared?.get(message)?).ln().abs())).collect();
                apart.sort_by(f64::total_cmp);
                if apart.len() < SHARED || quantile(&apart, 0.65) < ALIKE {
                    like = Some(first.clone());
                    break;
                }
            }
            known.push((variant.clone(), version.clone(), like.unwrap_or_else(|| version.clone())));
        }
        Ok(Self { known })
    }

    /// The variant that a row is fitted with, and the number of its version there.
    fn place(&self, row: &CollectiveRow) -> (String, u16) {
        let version = row.version.as_deref().unwrap_or_default();
        let found = self.known.iter().find(|one| one.0 == row.variant && one.1 == version);
        let Some((_, _, first)) = found else { return (row.variant.clone(), NO_VERSION) };
        let variant = format!("{}/{first}", row.variant);
        let number = self.versions(&variant).find(|one| one.0 == version).map_or(NO_VERSION, |one| one.1);
        (variant, number)
    }

    /// Versions of a fitted variant with their numbers.
    fn versions<'a>(&'a self, variant: &'a str) -> impl Iterator<Item = (&'a str, u16)> {
        let own =
            self.known.iter().filter(move |one| variant.split_once('/') == Some((one.0.as_str(), one.2.as_str())));
        own.zip(0..VERSIONS).map(|(one, number)| (one.1.as_str(), number))
    }
}

/// Ranks, bytes, and whether elements are integers.
type Message = (u64, u64, bool);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_ordered_by_number() {
        assert!(version_key("2.9") < version_key("2.27.3"));
        assert!(version_key("1.3.0rc10") < version_key("1.3.0rc20"));
        assert!(version_key("0.5.6.post2") < version_key("0.5.9"));
    }

    #[test]
    fn rows_name_their_variant_and_bytes() {
        let text = "fw,kernel_source,allreduce_dtype,num_gpus,message_size\nsglang/0.5.10,SGLang_CustomAllReduce_graph,bfloat16,2,128\n";
        let row = engine_row(&Table::read("x", text).expect("a table"), 0).expect("a row");
        assert_eq!((row.variant.as_str(), row.bytes, row.version.as_deref()), ("sglang_graph", 256.0, Some("0.5.10")));
        let text = "op_name,nccl_dtype,num_gpus,message_size\nalltoall,int8,4,1024\n";
        let row = library_row(&Table::read("gb200_nccl_2.29.2.csv.gz", text).expect("a table"), 0).expect("a row");
        assert_eq!((row.bytes, row.integer, row.version.as_deref()), (1024.0, true, Some("2.29.2")));
    }

    #[test]
    fn rings_send_nearly_all_and_reductions_twice() {
        assert_eq!(Collective::AllReduce.share(8.0), 1.75);
        assert_eq!(Collective::AllGather.share(8.0), 0.875);
    }
}
