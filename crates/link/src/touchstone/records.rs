//! From a row of numbers to frequencies, matrices and noise parameters.

use num_complex::Complex64;

use super::fault::Faults;
use super::scan::Numbers;
use super::{FrequencyUnit, MatrixFormat, NoisePoint, NumberFormat, OptionLine, TwoPortOrder, Version, polar};

/// What the numbers mean.
pub(super) struct Layout<'a> {
    pub(super) ports: usize,
    pub(super) version: Version,
    pub(super) options: &'a OptionLine,
    pub(super) order: TwoPortOrder,
    pub(super) matrix: MatrixFormat,
    /// Whether noise parameters may follow the network data without a keyword.
    pub(super) noise_follows: bool,
}

impl Layout<'_> {
    /// Complex numbers of one frequency.
    fn pairs(&self) -> usize {
        match self.matrix {
            MatrixFormat::Full => self.ports * self.ports,
            MatrixFormat::Lower | MatrixFormat::Upper => self.ports * (self.ports + 1) / 2,
        }
    }

    /// Numbers of one frequency.
    pub(super) fn record(&self) -> usize {
        1 + 2 * self.pairs()
    }
}

/// Data as in the file: full matrices in row order, of the file's kind of parameter.
pub(super) struct Raw {
    pub(super) frequency_hz: Vec<f64>,
    pub(super) values: Vec<Complex64>,
    pub(super) noise: Vec<NoisePoint>,
}

/// Number of ports that the shape of the data tells: a frequency begins on a line with an odd count of numbers, and
/// lines that continue it hold pairs.
pub(super) fn ports_of_shape(numbers: &Numbers) -> Option<usize> {
    let count = first_record(numbers);
    let pairs = (count.checked_sub(1)?) / 2;
    let ports = pairs.isqrt();
    (count % 2 == 1 && ports > 0 && ports * ports == pairs).then_some(ports)
}

/// Numbers up to the second line with an odd count of them.
fn first_record(numbers: &Numbers) -> usize {
    let starts = numbers.lines.iter().map(|(first, _)| *first);
    let ends = starts.clone().skip(1).chain([numbers.values.len()]);
    starts
        .zip(ends)
        .skip(1)
        .find(|(start, end)| (end - start) % 2 == 1)
        .map_or(numbers.values.len(), |(start, _)| start)
}

/// Frequencies and matrices.
pub(super) fn network(numbers: &Numbers, bytes: &[u8], layout: &Layout<'_>, faults: &mut Faults<'_>) -> Option<Raw> {
    let (record, unit) = (layout.record(), layout.options.unit.hertz());
    let values = &numbers.values;
    let mut raw = Raw {
        frequency_hz: Vec::with_capacity(values.len() / record),
        values: Vec::with_capacity(values.len() / record * layout.ports * layout.ports),
        noise: Vec::new(),
    };
    let mut before = f64::NEG_INFINITY;
    let mut at = 0;
    while at < values.len() {
        let frequency = values[at] * unit;
        let in_order = frequency > before && (0.0..f64::INFINITY).contains(&frequency);
        let noise = layout.noise_follows && layout.ports == 2 && at > 0 && !in_order && noise_begins(numbers, at);
        if noise {
            raw.noise = self::noise(numbers, bytes, at, layout.options.unit, faults);
            break;
        }
        if !in_order || at + record > values.len() {
            misfit(numbers, bytes, layout, at, faults);
            return None;
        }
        raw.frequency_hz.push(frequency);
        before = frequency;
        matrix(&values[at + 1..at + record], layout, &mut raw.values);
        at += record;
    }
    if let Some(bad) = raw.values.iter().position(|value| !(value.re.is_finite() && value.im.is_finite())) {
        let points = layout.ports * layout.ports;
        let index = bad / points * record;
        let bad = (index..index + record).find(|index| !values[*index].is_finite()).unwrap_or(index);
        let message = "the number is too large to be a network's";
        faults.error(
            "touchstone-number",
            numbers.place(bytes, bad),
            message,
            "check the number, and the format of the option line",
        );
        return None;
    }
    Some(raw)
}

/// Adds one frequency's matrix in row order.
#[inline]
fn matrix(pairs: &[f64], layout: &Layout<'_>, out: &mut Vec<Complex64>) {
    let start = out.len();
    let complex = pairs.chunks_exact(2);
    match layout.options.format {
        NumberFormat::RealImaginary => out.extend(complex.map(|p| Complex64::new(p[0], p[1]))),
        NumberFormat::MagnitudeAngle => out.extend(complex.map(|p| polar::from_degrees(p[0], p[1]))),
        NumberFormat::DecibelAngle => out.extend(complex.map(|p| polar::from_decibels(p[0], p[1]))),
    }
    let ports = layout.ports;
    match layout.matrix {
        MatrixFormat::Full => {
            let swapped = layout.version == Version::V1 || layout.order == TwoPortOrder::TwentyOneFirst;
            if ports == 2 && swapped {
                out.swap(start + 1, start + 2);
            }
        }
        half => {
            let packed = out.split_off(start);
            out.resize(start + ports * ports, Complex64::ZERO);
            let mut packed = packed.into_iter();
            for row in 0..ports {
                let columns = if half == MatrixFormat::Lower { 0..row + 1 } else { row..ports };
                for column in columns {
                    let value = packed.next().unwrap_or_default();
                    out[start + row * ports + column] = value;
                    out[start + column * ports + row] = value;
                }
            }
        }
    }
}

/// Whether noise parameters begin at a number: five numbers a line to the end.
fn noise_begins(numbers: &Numbers, at: usize) -> bool {
    let Ok(line) = numbers.lines.binary_search_by_key(&at, |(first, _)| *first) else { return false };
    let next = numbers.lines.get(line + 1).map_or(numbers.values.len(), |(first, _)| *first);
    next - at == 5
}

/// Noise parameters from a number on.
pub(super) fn noise(
    numbers: &Numbers,
    bytes: &[u8],
    from: usize,
    unit: FrequencyUnit,
    faults: &mut Faults<'_>,
) -> Vec<NoisePoint> {
    let rows = numbers.values[from..].chunks(5);
    let mut points: Vec<NoisePoint> = Vec::with_capacity(rows.len());
    for (index, row) in rows.enumerate() {
        let at = numbers.place(bytes, from + index * 5);
        let [frequency, figure_db, magnitude, angle, resistance] = *row else {
            faults.error(
                "touchstone-noise",
                at,
                "noise parameters end within a frequency",
                "five numbers belong to each",
            );
            break;
        };
        let frequency_hz = frequency * unit.hertz();
        let optimum = polar::from_degrees(magnitude, angle);
        let finite = [frequency_hz, figure_db, optimum.re, optimum.im, resistance].iter().all(|v| v.is_finite());
        if !finite || frequency_hz < 0.0 || points.last().is_some_and(|last| last.frequency_hz >= frequency_hz) {
            let help = "five numbers belong to each frequency of the noise parameters, and frequencies rise";
            faults.error("touchstone-noise", at, format!("{frequency} is no noise frequency here"), help);
            break;
        }
        points.push(NoisePoint { frequency_hz, figure_db, optimum, resistance });
    }
    points
}

/// Says why the number at `at` is not the beginning of a whole record with a frequency above the last one.
fn misfit(numbers: &Numbers, bytes: &[u8], layout: &Layout<'_>, at: usize, faults: &mut Faults<'_>) {
    const CODE: &str = "touchstone-data";
    let (record, ports, values) = (layout.record(), layout.ports, &numbers.values);
    // The first record that does not end where a line begins is the one with too few or too many numbers.
    let bent = (0..at).step_by(record).find(|start| {
        numbers.begins_line(*start) && !numbers.begins_line(start + record) && start + record < values.len()
    });
    if let Some(start) = bent {
        let frequency = shown_frequency(values[start], layout.options.unit);
        let from = numbers.lines.partition_point(|(first, _)| *first <= start);
        let firsts: Vec<usize> =
            numbers.lines[from..].iter().map(|(first, _)| *first).chain([values.len()]).take(2 * record + 2).collect();
        let next = firsts.windows(2).find(|pair| (pair[1] - pair[0]) % 2 == 1).map(|pair| pair[0]);
        if let Some(next) = next.filter(|next| next - start != record) {
            let count = next - start;
            let shape = ports_of_shape(numbers).filter(|shape| start == 0 && *shape != ports);
            let place = numbers.place(bytes, if count > record { start + record } else { next - 1 });
            let help = match shape {
                Some(shape) => {
                    format!("the data have the shape of {shape} ports: does the file's name tell the right number?")
                }
                None if count > record => "remove what is too much".to_string(),
                None => "find what is missing".to_string(),
            };
            let message = format!("the data at {frequency} are {count} numbers; {ports} ports need {record}");
            faults.error(CODE, place, message, &help);
            return;
        }
    }
    let place = numbers.place(bytes, at);
    let frequency = values[at] * layout.options.unit.hertz();
    if at > 0 && frequency <= values[at - record] * layout.options.unit.hertz() {
        let last = shown_frequency(values[at - record], layout.options.unit);
        let message = format!(
            "the frequency {} is not above the one before, {last}",
            shown_frequency(values[at], layout.options.unit)
        );
        let help = "frequencies must rise; if this is no frequency, a number is missing or too many before it";
        faults.error(CODE, place, message, help);
    } else if !(0.0..f64::INFINITY).contains(&frequency) {
        faults.error(CODE, place, format!("{} is no frequency", values[at]), "frequencies are zero or above");
    } else {
        let left = values.len() - at;
        let help = match ports_of_shape(numbers).filter(|shape| *shape != ports) {
            Some(shape) => {
                format!("the data have the shape of {shape} ports: does the file's name tell the right number?")
            }
            None => "is the file cut off?".to_string(),
        };
        let message = format!(
            "the data at {} end after {left} numbers; {ports} ports need {record}",
            shown_frequency(values[at], layout.options.unit)
        );
        faults.error(CODE, (numbers.end, numbers.end), message, &help);
    }
}

fn shown_frequency(value: f64, unit: FrequencyUnit) -> String {
    format!("{value} {}", unit.word())
}
