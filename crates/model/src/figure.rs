//! Figures: a quantity with its band, how certain it is, and where it comes from.

use serde::Serialize;
use serde_json::{Value as Json, json};

use crate::problem::{Problem, nearest};
use crate::read::{FromNode, Node, Reader, SchemaBook};
use crate::text::Placed;
use crate::units::Quantity;

words! {
    /// How certain a figure is. The last three are weak: reports state what share of a total rests on them.
    pub enum Grade ("grade") {
        /// Manufacturer's datasheet or manual, or a standards body's own page.
        Datasheet = "datasheet",
        /// Claim on a vendor's page or by a named person of the vendor.
        VendorClaim = "vendor-claim",
        /// Press, reseller or other third party; one number without a test condition counts here too.
        Press = "press",
        /// Arithmetic from figures of the grades above.
        Derived = "derived",
        /// Said on a company's earnings call; no public document confirms it.
        CompanyCall = "company-call",
        /// General knowledge of the field, not confirmed in a document.
        GeneralKnowledge = "general-knowledge",
        /// Engineering estimate.
        Estimate = "estimate",
    }
}

impl Grade {
    /// Whether the grade is one of the last three.
    pub fn is_weak(self) -> bool {
        matches!(self, Self::CompanyCall | Self::GeneralKnowledge | Self::Estimate)
    }
}

/// Low, likely and high value of a quantity; `low <= likely <= high`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Band<Q> {
    /// Low end.
    pub low: Q,
    /// Likely value.
    pub likely: Q,
    /// High end.
    pub high: Q,
}

impl<Q: Copy> Band<Q> {
    /// A band of no width.
    pub fn exact(value: Q) -> Self {
        Self { low: value, likely: value, high: value }
    }

    /// Applies a rising function to the three values.
    pub fn map<R>(self, f: impl Fn(Q) -> R) -> Band<R> {
        Band { low: f(self.low), likely: f(self.likely), high: f(self.high) }
    }
}

impl<Q: std::ops::Add<Output = Q>> std::ops::Add for Band<Q> {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self { low: self.low + other.low, likely: self.likely + other.likely, high: self.high + other.high }
    }
}

impl<Q: std::ops::Mul<f64, Output = Q>> std::ops::Mul<f64> for Band<Q> {
    type Output = Self;
    fn mul(self, factor: f64) -> Self {
        Self { low: self.low * factor, likely: self.likely * factor, high: self.high * factor }
    }
}

/// A figure of the catalogue.
#[derive(Clone, Debug, Serialize)]
pub struct Figure<Q> {
    /// Low, likely and high.
    pub band: Band<Q>,
    /// How certain it is.
    pub grade: Grade,
    /// Id of the source in the catalogue's source list, or several joined by `+`.
    pub source: String,
    /// Remark, such as the test condition.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// Where the source id stands, to report an unknown one.
    #[serde(skip)]
    pub source_span: Option<crate::text::Span>,
}

record! {
    /// A figure as written: low, likely and high value with unit, grade and source.
    pub struct FigureTable {
        /// Likely value, in `unit`.
        value: req Placed<f64>,
        /// Low end, in `unit`.
        min: req Placed<f64>,
        /// High end, in `unit`.
        max: req Placed<f64>,
        /// Unit of the three values.
        unit: req Placed<String>,
        /// How certain the figure is.
        grade: req Grade,
        /// Ids of sources in the catalogue, joined by `+`; `estimate` where nothing public exists.
        source: req Placed<String>,
        /// Remark, such as the test condition.
        note: opt String,
    }
}

impl<Q: Quantity> FromNode for Figure<Q> {
    fn from_node(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
        if matches!(node.value, crate::read::Value::Integer(_) | crate::read::Value::Float(_)) {
            reader.problems.push(
                Problem::error(
                    "bare-figure",
                    format!("a {} needs a unit, a band, a grade and a source", Q::NAME),
                    node.span,
                    "a bare number",
                )
                .help(format!(
                    "write {{ value = .., min = .., max = .., unit = \"{}\", grade = \"estimate\", source = \"..\" }}",
                    Q::UNITS[0].0
                )),
            );
            return None;
        }
        let table = FigureTable::from_node(node, reader)?;
        let known = || Q::UNITS.iter().map(|(unit, _)| *unit);
        let Some((_, factor)) = Q::UNITS.iter().find(|(unit, _)| *unit == table.unit.value) else {
            let near = nearest(&table.unit.value, known());
            reader.problems.push(
                Problem::error(
                    "wrong-unit",
                    format!("`{}` is not a unit of {}", table.unit.value, Q::NAME),
                    table.unit.span,
                    near.map_or_else(|| "wrong unit".into(), |near| format!("did you mean `{near}`?")),
                )
                .help(format!("one of: {}", known().collect::<Vec<_>>().join(", "))),
            );
            return None;
        };
        let (low, likely, high) = (table.min.value * factor, table.value.value * factor, table.max.value * factor);
        if low < Q::MIN {
            reader.problems.push(Problem::error(
                "number-range",
                format!("{} cannot be {} {}", Q::NAME, table.min.value, table.unit.value),
                table.min.span,
                format!("must be at least {}", Q::MIN),
            ));
            return None;
        }
        if !(low <= likely && likely <= high) {
            reader.problems.push(Problem::error(
                "band-order",
                "a figure's values must rise: min <= value <= max",
                node.span,
                format!("min {}, value {}, max {}", table.min.value, table.value.value, table.max.value),
            ));
            return None;
        }
        Some(Self {
            band: Band { low: Q::new(low), likely: Q::new(likely), high: Q::new(high) },
            grade: table.grade,
            source: table.source.value.clone(),
            note: table.note,
            source_span: Some(table.source.span),
        })
    }

    fn schema(book: &mut SchemaBook) -> Json {
        let base = FigureTable::schema(book);
        let units: Vec<&str> = Q::UNITS.iter().map(|(unit, _)| *unit).collect();
        json!({ "allOf": [base, { "properties": { "unit": { "enum": units } } }] })
    }
}
