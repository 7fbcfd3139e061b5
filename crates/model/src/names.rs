//! Names: which are allowed, and their natural order.

use std::cmp::Ordering;

use crate::problem::{Problem, Problems};
use crate::text::Placed;

/// Longest name, in characters.
const NAME_LIMIT: usize = 100;

/// Natural order: runs of digits compare as numbers, so that `r2` comes before `r10`. Total: equal only when the
/// texts are equal.
pub fn natural(a: &str, b: &str) -> Ordering {
    let (mut left, mut right) = (a, b);
    loop {
        match (left.chars().next(), right.chars().next()) {
            (None, None) => return a.cmp(b),
            (None, Some(_)) => return Ordering::Less,
            (Some(_), None) => return Ordering::Greater,
            (Some(x), Some(y)) if x.is_ascii_digit() && y.is_ascii_digit() => {
                let (number_a, rest_a) = digits(left);
                let (number_b, rest_b) = digits(right);
                // Longer runs without leading zeros are larger numbers.
                let order = number_a.len().cmp(&number_b.len()).then_with(|| number_a.cmp(number_b));
                if order != Ordering::Equal {
                    return order;
                }
                (left, right) = (rest_a, rest_b);
            }
            (Some(x), Some(y)) => {
                if x != y {
                    return x.cmp(&y);
                }
                (left, right) = (&left[x.len_utf8()..], &right[y.len_utf8()..]);
            }
        }
    }
}

/// Leading digits without leading zeros, and the rest.
fn digits(text: &str) -> (&str, &str) {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    (text[..end].trim_start_matches('0'), &text[end..])
}

/// Checks an id that selectors use: any characters but those that selectors mean something by.
pub fn check_id(id: &Placed<String>, what: &str, problems: &mut Problems) -> bool {
    let wrong = id.chars().find(|c| ".[],*".contains(*c) || c.is_whitespace() || c.is_control());
    let message = match wrong {
        Some(c) => format!("the id of {what} cannot contain {c:?}"),
        None if id.is_empty() => format!("the id of {what} is empty"),
        None if id.chars().count() > NAME_LIMIT => {
            format!("the id of {what} is longer than {NAME_LIMIT} characters")
        }
        None => return true,
    };
    problems.push(
        Problem::error("bad-id", message, id.span, "not usable in selectors").help(
            "letters, digits, `-` and `_` are best; `.`, `[`, `]`, `,`, `*` and spaces mean something in selectors",
        ),
    );
    false
}

/// Reports ids that occur twice; `what` names the tables.
pub fn check_unique<'a>(ids: impl IntoIterator<Item = &'a Placed<String>>, what: &str, problems: &mut Problems) {
    let mut seen: std::collections::HashMap<&str, &Placed<String>> = std::collections::HashMap::new();
    for id in ids {
        if let Some(first) = seen.get(id.as_str()) {
            problems.push(
                Problem::error("duplicate-id", format!("two {what} are called `{}`", id.value), id.span, "again here")
                    .and(first.span, "first here")
                    .help("rename one; to change a table of another file use `extends` instead of `include`"),
            );
        } else {
            seen.insert(id, id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_compare_as_numbers() {
        let mut names = vec!["r10", "r2", "r1", "a", "r02", "r2b"];
        names.sort_by(|a, b| natural(a, b));
        assert_eq!(names, ["a", "r1", "r02", "r2", "r2b", "r10"]);
    }

    proptest::proptest! {
        #[test]
        fn natural_order_is_total(a in "[a-c0-9]{0,6}", b in "[a-c0-9]{0,6}", c in "[a-c0-9]{0,6}") {
            proptest::prop_assert_eq!(natural(&a, &b), natural(&b, &a).reverse());
            proptest::prop_assert_eq!(natural(&a, &b) == Ordering::Equal, a == b);
            if natural(&a, &b).is_le() && natural(&b, &c).is_le() {
                proptest::prop_assert!(natural(&a, &c).is_le());
            }
        }
    }
}
