//! Tokens to a value. Precedence as in MATLAB: transpose and power, signs, products, sums, ranges.

use super::lexer::{Kind, Token};
use super::{DEPTH_LIMIT, ELEMENT_LIMIT, ExpressionError, Matrix, Value, range};

type Found<T> = Result<T, ExpressionError>;

/// Works out all tokens as one expression.
pub(super) fn parse(tokens: &[Token]) -> Found<Value> {
    let mut parser = Parser { tokens, at: 0, brackets: Vec::new() };
    if let [Token { kind: Kind::Text(text), .. }] = tokens {
        return Ok(Value::Text(text.clone()));
    }
    let value = parser.range()?;
    while matches!(parser.sign(), Some(';' | ',')) {
        parser.at += 1;
    }
    match parser.tokens.get(parser.at) {
        None => Ok(Value::Numbers(value)),
        Some(token) => Err(ExpressionError::new(token.at, "the expression should end here")),
    }
}

struct Parser<'a> {
    tokens: &'a [Token],
    at: usize,
    /// Open brackets, inside out: blanks part elements where the innermost is `[`.
    brackets: Vec<char>,
}

impl Parser<'_> {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at)
    }

    fn sign(&self) -> Option<char> {
        match self.peek()?.kind {
            Kind::Sign(c) => Some(c),
            _ => None,
        }
    }

    /// Characters before the next token, or after the last one.
    fn place(&self) -> usize {
        self.peek().or(self.tokens.last()).map_or(0, |token| token.at)
    }

    fn wrong<T>(&self, message: impl Into<String>) -> Found<T> {
        Err(ExpressionError::new(self.place(), message))
    }

    /// Whether a blank before the next token begins a new element: `[1 -2]` is two, `[1 - 2]` and `[1 -2*3 ]` follow the
    /// same rule.
    fn parts_here(&self) -> bool {
        if self.brackets.last() != Some(&'[') {
            return false;
        }
        let Some(token) = self.peek() else { return false };
        if !token.blank_before {
            return false;
        }
        match &token.kind {
            Kind::Number(_) | Kind::Name(_) | Kind::Text(_) | Kind::Sign('(' | '[' | '\'') => true,
            Kind::Sign('+' | '-') => !token.blank_after,
            _ => false,
        }
    }

    fn range(&mut self) -> Found<Matrix> {
        let place = self.place();
        let first = self.sum()?;
        if self.sign() != Some(':') || self.parts_here() {
            return Ok(first);
        }
        self.at += 1;
        let second = self.sum()?;
        let third = if self.sign() == Some(':') {
            self.at += 1;
            Some(self.sum()?)
        } else {
            None
        };
        if self.sign() == Some(':') {
            return self.wrong("a range has at most three parts: first:step:last");
        }
        let part = |matrix: &Matrix| {
            matrix.as_scalar().ok_or_else(|| ExpressionError::new(place, "the parts of a range are single numbers"))
        };
        let (step, last) = match &third {
            None => (1.0, part(&second)?),
            Some(third) => (part(&second)?, part(third)?),
        };
        range(part(&first)?, step, last).map_err(|error| ExpressionError::new(place, error.message))
    }

    fn sum(&mut self) -> Found<Matrix> {
        let mut left = self.product()?;
        while let Some(c @ ('+' | '-')) = self.sign() {
            if self.parts_here() {
                break;
            }
            let place = self.place();
            self.at += 1;
            let right = self.product()?;
            left = by_element(&left, &right, place, |a, b| if c == '+' { a + b } else { a - b })?;
        }
        Ok(left)
    }

    fn product(&mut self) -> Found<Matrix> {
        let mut left = self.signed()?;
        loop {
            let (c, dotted) = match self.peek().map(|token| &token.kind) {
                Some(Kind::Sign(c @ ('*' | '/'))) => (*c, false),
                Some(Kind::Dotted(c @ ('*' | '/'))) => (*c, true),
                _ => return Ok(left),
            };
            let place = self.place();
            self.at += 1;
            let right = self.signed()?;
            let scalar = left.as_scalar().is_some() || right.as_scalar().is_some();
            left = if dotted || (c == '*' && scalar) || (c == '/' && right.as_scalar().is_some()) {
                by_element(&left, &right, place, |a, b| if c == '*' { a * b } else { a / b })?
            } else if c == '*' {
                matrix_product(&left, &right, place)?
            } else {
                return Err(ExpressionError::new(place, "division by a matrix is not read; use `./` for elements"));
            };
        }
    }

    fn signed(&mut self) -> Found<Matrix> {
        // Signs in a row are counted instead of nested: a cell of ten thousand minus signs must not go deep.
        let mut negative = false;
        while let Some(c @ ('+' | '-')) = self.sign() {
            negative ^= c == '-';
            self.at += 1;
        }
        let mut value = self.power()?;
        if negative {
            value.values.iter_mut().for_each(|v| *v = -*v);
        }
        Ok(value)
    }

    fn power(&mut self) -> Found<Matrix> {
        let mut base = self.transposed()?;
        while let Some(Kind::Sign('^') | Kind::Dotted('^')) = self.peek().map(|token| &token.kind) {
            let dotted = matches!(self.peek().map(|token| &token.kind), Some(Kind::Dotted(_)));
            let place = self.place();
            self.at += 1;
            let mut negative = false;
            while let Some(c @ ('+' | '-')) = self.sign() {
                negative ^= c == '-';
                self.at += 1;
            }
            let exponent = self.transposed()?;
            if !dotted && (base.as_scalar().is_none() || exponent.as_scalar().is_none()) {
                return Err(ExpressionError::new(place, "a power of matrices is not read; use `.^` for elements"));
            }
            base = by_element(&base, &exponent, place, |a, b| a.powf(if negative { -b } else { b }))?;
        }
        Ok(base)
    }

    fn transposed(&mut self) -> Found<Matrix> {
        let mut value = self.primary()?;
        while let Some(Kind::Sign('\'') | Kind::Dotted('\'')) = self.peek().map(|token| &token.kind) {
            if self.parts_here() {
                break;
            }
            self.at += 1;
            value = value.transposed();
        }
        Ok(value)
    }

    fn primary(&mut self) -> Found<Matrix> {
        let Some(token) = self.peek().cloned() else {
            return self.wrong("a value is missing at the end");
        };
        match token.kind {
            Kind::Number(value) => {
                self.at += 1;
                Ok(Matrix::scalar(value))
            }
            Kind::Name(name) => {
                self.at += 1;
                self.named(&name, token.at)
            }
            Kind::Text(_) => self.wrong("a text cannot be part of a number"),
            Kind::Sign('(') => {
                self.open('(')?;
                let value = self.range()?;
                self.close(')')?;
                Ok(value)
            }
            Kind::Sign('[') => self.bracketed(),
            Kind::Sign(c) => self.wrong(format!("a value is expected before `{c}`")),
            Kind::Dotted(c) => self.wrong(format!("a value is expected before `.{c}`")),
        }
    }

    fn open(&mut self, bracket: char) -> Found<()> {
        if self.brackets.len() >= DEPTH_LIMIT {
            return self.wrong(format!("brackets are nested more than {DEPTH_LIMIT} deep"));
        }
        self.brackets.push(bracket);
        self.at += 1;
        Ok(())
    }

    fn close(&mut self, bracket: char) -> Found<()> {
        if self.sign() != Some(bracket) {
            return self.wrong(format!("`{bracket}` is missing"));
        }
        self.at += 1;
        self.brackets.pop();
        Ok(())
    }

    fn named(&mut self, name: &str, place: usize) -> Found<Matrix> {
        let called = self.sign() == Some('(') && !self.parts_here();
        let arguments = if called { self.arguments()? } else { Vec::new() };
        let constant = match name {
            "pi" => Some(std::f64::consts::PI),
            "eps" => Some(f64::EPSILON),
            "inf" | "Inf" => Some(f64::INFINITY),
            "nan" | "NaN" => Some(f64::NAN),
            "true" => Some(1.0),
            "false" => Some(0.0),
            _ => None,
        };
        if let (Some(value), []) = (constant, arguments.as_slice()) {
            return Ok(Matrix::scalar(value));
        }
        let by_value: Option<fn(f64) -> f64> = match name {
            "sqrt" => Some(f64::sqrt),
            "abs" => Some(f64::abs),
            "exp" => Some(f64::exp),
            "log" => Some(f64::ln),
            "log10" => Some(f64::log10),
            "log2" => Some(f64::log2),
            "round" => Some(f64::round),
            "floor" => Some(f64::floor),
            "ceil" => Some(f64::ceil),
            "fix" => Some(f64::trunc),
            _ => None,
        };
        if let (Some(function), [argument]) = (by_value, arguments.as_slice()) {
            let mut value = argument.clone();
            value.values.iter_mut().for_each(|v| *v = function(*v));
            return Ok(value);
        }
        let wrong = |message: String| Err(ExpressionError::new(place, message));
        match (name, arguments.as_slice()) {
            ("ones", sizes) => filled(1.0, sizes).or_else(wrong),
            ("zeros", sizes) => filled(0.0, sizes).or_else(wrong),
            ("fliplr", [matrix]) => {
                let rows = (0..matrix.rows).filter_map(|row| matrix.get_row(row));
                let values = rows.flat_map(|row| row.iter().rev().copied().collect::<Vec<_>>()).collect();
                Ok(Matrix { values, ..matrix.clone() })
            }
            ("linspace", [first, last, count]) => {
                let (Some(first), Some(last), Some(count)) = (first.as_scalar(), last.as_scalar(), count.as_scalar())
                else {
                    return wrong("`linspace` takes three numbers: first, last, count".into());
                };
                if !(1.0..=ELEMENT_LIMIT as f64).contains(&count) {
                    return wrong(format!("`linspace` makes from 1 to {ELEMENT_LIMIT} values"));
                }
                let steps = (count.floor() - 1.0).max(1.0);
                let mut values: Vec<f64> =
                    (0..count as usize).map(|k| first + k as f64 * (last - first) / steps).collect();
                if let Some(end) = values.last_mut() {
                    *end = last;
                }
                Ok(Matrix::row(values))
            }
            ("repmat", [matrix, sizes @ ..]) if !sizes.is_empty() => {
                let (down, across) = sizes_of(sizes).map_err(|m| ExpressionError::new(place, m))?;
                let total = matrix.len().checked_mul(down).and_then(|n| n.checked_mul(across));
                if total.is_none_or(|n| n > ELEMENT_LIMIT) {
                    return wrong(format!("`repmat` makes more than {ELEMENT_LIMIT} values"));
                }
                let rows: Vec<f64> =
                    (0..matrix.rows).filter_map(|row| matrix.get_row(row)).flat_map(|row| row.repeat(across)).collect();
                Ok(Matrix { rows: matrix.rows * down, columns: matrix.columns * across, values: rows.repeat(down) })
            }
            _ if constant.is_some() || by_value.is_some() || matches!(name, "fliplr" | "linspace" | "repmat") => {
                wrong(format!("`{name}` does not take {} arguments", arguments.len()))
            }
            _ => wrong(format!(
                "`{name}` is not known; `ones`, `zeros`, `linspace`, `repmat`, `fliplr`, `sqrt`, `abs`, `exp`, `log`, \
                 `log10`, `log2`, `round`, `floor`, `ceil`, `fix`, `pi`, `eps`, `inf`, `true` and `false` are"
            )),
        }
    }

    fn arguments(&mut self) -> Found<Vec<Matrix>> {
        self.open('(')?;
        let mut arguments = Vec::new();
        if self.sign() == Some(')') {
            self.close(')')?;
            return Ok(arguments);
        }
        loop {
            arguments.push(self.range()?);
            if self.sign() != Some(',') {
                break;
            }
            self.at += 1;
        }
        self.close(')')?;
        Ok(arguments)
    }

    fn bracketed(&mut self) -> Found<Matrix> {
        let place = self.place();
        self.open('[')?;
        let mut rows: Vec<Vec<Matrix>> = vec![Vec::new()];
        loop {
            match self.sign() {
                Some(']') => break,
                Some(';') => {
                    self.at += 1;
                    rows.push(Vec::new());
                }
                Some(',') => self.at += 1,
                _ if self.peek().is_none() => return Err(ExpressionError::new(place, "`]` is missing")),
                _ => {
                    let element = self.range()?;
                    if let Some(row) = rows.last_mut() {
                        row.push(element);
                    }
                }
            }
        }
        self.close(']')?;
        let rows: Found<Vec<Matrix>> = rows.iter().map(|row| beside(row, place)).collect();
        below(&rows?, place)
    }
}

/// Matrices side by side; empty ones vanish.
fn beside(parts: &[Matrix], place: usize) -> Found<Matrix> {
    let parts: Vec<&Matrix> = parts.iter().filter(|part| !part.is_empty()).collect();
    let Some(first) = parts.first() else { return Ok(Matrix::row(Vec::new())) };
    if let Some(other) = parts.iter().find(|part| part.rows != first.rows) {
        let message = format!("elements side by side have {} and {} rows; they need as many", first.rows, other.rows);
        return Err(ExpressionError::new(place, message));
    }
    let columns: usize = parts.iter().map(|part| part.columns).sum();
    limit(first.rows * columns, place)?;
    let values = (0..first.rows)
        .flat_map(|row| parts.iter().filter_map(move |part| part.get_row(row)).flatten().copied())
        .collect();
    Ok(Matrix { rows: first.rows, columns, values })
}

/// Matrices below each other; empty ones vanish.
fn below(parts: &[Matrix], place: usize) -> Found<Matrix> {
    let parts: Vec<&Matrix> = parts.iter().filter(|part| !part.is_empty()).collect();
    let Some(first) = parts.first() else { return Ok(Matrix { rows: 0, columns: 0, values: Vec::new() }) };
    if let Some(other) = parts.iter().find(|part| part.columns != first.columns) {
        let message =
            format!("rows have {} and {} elements; all rows of a matrix need as many", first.columns, other.columns);
        return Err(ExpressionError::new(place, message));
    }
    let values: Vec<f64> = parts.iter().flat_map(|part| part.values.iter().copied()).collect();
    limit(values.len(), place)?;
    Ok(Matrix { rows: parts.iter().map(|part| part.rows).sum(), columns: first.columns, values })
}

fn limit(elements: usize, place: usize) -> Found<()> {
    if elements > ELEMENT_LIMIT {
        return Err(ExpressionError::new(place, format!("a matrix has at most {ELEMENT_LIMIT} elements")));
    }
    Ok(())
}

/// Rows and columns that `ones(n)`, `ones(rows, columns)` and `ones([rows columns])` ask for.
fn sizes_of(sizes: &[Matrix]) -> Result<(usize, usize), String> {
    let numbers: Vec<f64> = sizes.iter().flat_map(|size| size.values.iter().copied()).collect();
    let whole = |n: f64| if n.is_nan() { None } else { Some(n.clamp(0.0, ELEMENT_LIMIT as f64 + 1.0) as usize) };
    let pair = match numbers.as_slice() {
        [] => Some((1, 1)),
        [n] => whole(*n).map(|n| (n, n)),
        [rows, columns] => whole(*rows).zip(whole(*columns)),
        _ => None,
    };
    pair.ok_or_else(|| "a size is one or two numbers: rows, columns".to_string())
}

fn filled(value: f64, sizes: &[Matrix]) -> Result<Matrix, String> {
    let (rows, columns) = sizes_of(sizes)?;
    let elements = rows.checked_mul(columns).filter(|n| *n <= ELEMENT_LIMIT);
    let elements = elements.ok_or_else(|| format!("a matrix has at most {ELEMENT_LIMIT} elements"))?;
    Ok(Matrix { rows, columns, values: vec![value; elements] })
}

/// An operation on equal places; a single number, row or column is spread over the other's.
fn by_element(left: &Matrix, right: &Matrix, place: usize, operation: impl Fn(f64, f64) -> f64) -> Found<Matrix> {
    let fits = |a: usize, b: usize| a == b || a == 1 || b == 1;
    if !fits(left.rows, right.rows) || !fits(left.columns, right.columns) {
        let message =
            format!("sizes {}x{} and {}x{} do not go together", left.rows, left.columns, right.rows, right.columns);
        return Err(ExpressionError::new(place, message));
    }
    let size = |a: usize, b: usize| if a == 1 { b } else { a };
    let (rows, columns) = (size(left.rows, right.rows), size(left.columns, right.columns));
    limit(rows.saturating_mul(columns), place)?;
    let pick = |matrix: &Matrix, row: usize, column: usize| {
        let row = if matrix.rows == 1 { 0 } else { row };
        let column = if matrix.columns == 1 { 0 } else { column };
        matrix.values.get(row * matrix.columns + column).copied().unwrap_or(f64::NAN)
    };
    let values = (0..rows)
        .flat_map(|row| (0..columns).map(move |column| (row, column)))
        .map(|(row, column)| operation(pick(left, row, column), pick(right, row, column)))
        .collect();
    Ok(Matrix { rows, columns, values })
}

fn matrix_product(left: &Matrix, right: &Matrix, place: usize) -> Found<Matrix> {
    if left.columns != right.rows {
        let message = format!(
            "a {}x{} matrix times a {}x{} matrix is not possible; use `.*` for elements",
            left.rows, left.columns, right.rows, right.columns
        );
        return Err(ExpressionError::new(place, message));
    }
    limit(left.rows.saturating_mul(right.columns), place)?;
    // The inner length is bounded by the elements of both, so that the work is, too.
    limit(left.len().saturating_mul(right.columns), place)?;
    let values = (0..left.rows)
        .flat_map(|row| (0..right.columns).map(move |column| (row, column)))
        .map(|(row, column)| {
            let pairs = left.get_row(row).unwrap_or_default().iter().zip(right.column(column));
            pairs.map(|(a, b)| a * b).sum()
        })
        .collect();
    Ok(Matrix { rows: left.rows, columns: right.columns, values })
}
