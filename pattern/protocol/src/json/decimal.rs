//! Numbers by their digits: what a JSON number is, however it is written and however long it is.

use std::cmp::Ordering;

/// The value of a JSON number (RFC 8259 §6), exactly.
///
/// `1.0`, `1e0` and `10E-1` are the same one; `1.00000000000000000001` is another.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Decimal {
    negative: bool,
    /// Without zeros at either end; empty for zero.
    digits: String,
    /// The value is `0.digits` times ten to this power. Where an exponent of more digits than this
    /// type holds was written, it stays at the type's bound: no text's length makes up for that.
    point: i64,
}

impl Decimal {
    /// Reads `number`, which a reader of JSON has found to be one.
    pub fn of(number: &str) -> Self {
        let (negative, number) = match number.strip_prefix('-') {
            Some(number) => (true, number),
            None => (false, number),
        };
        let (decimal, exponent) = number.split_once(['e', 'E']).unwrap_or((number, "0"));
        let (whole, fraction) = decimal.split_once('.').unwrap_or((decimal, ""));
        let all = [whole, fraction].concat();
        let leading = all.len() - all.trim_start_matches('0').len();
        let digits = all.trim_matches('0').to_owned();
        if digits.is_empty() {
            return Self {
                negative: false,
                digits,
                point: 0,
            };
        }
        let exponent = exponent.parse().unwrap_or_else(|_| {
            if exponent.starts_with('-') {
                i64::MIN
            } else {
                i64::MAX
            }
        });
        let before_point = length(whole) - i64::try_from(leading).unwrap_or(i64::MAX);
        Self {
            negative,
            digits,
            point: before_point.saturating_add(exponent),
        }
    }

    /// Whether it is a whole number.
    pub fn is_integer(&self) -> bool {
        self.digits.is_empty() || self.point >= length(&self.digits)
    }

    /// It as an integer, if it is one that the type holds.
    pub fn to_i64(&self) -> Option<i64> {
        /// An `i64` has no more digits.
        const DIGITS_MAX: i64 = 19;
        if self.digits.is_empty() {
            return Some(0);
        }
        if !self.is_integer() || self.point > DIGITS_MAX {
            return None;
        }
        let zeros = usize::try_from(self.point - length(&self.digits)).ok()?;
        let sign = if self.negative { "-" } else { "" };
        format!("{sign}{}{}", self.digits, "0".repeat(zeros))
            .parse()
            .ok()
    }

    fn cmp_magnitude(&self, other: &Self) -> Ordering {
        match (self.digits.is_empty(), other.digits.is_empty()) {
            (true, true) => Ordering::Equal,
            (true, false) => Ordering::Less,
            (false, true) => Ordering::Greater,
            // Without zeros in front, the place of the point decides, and then the digits do.
            (false, false) => (self.point, &self.digits).cmp(&(other.point, &other.digits)),
        }
    }
}

impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Decimal {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self.negative, other.negative) {
            (false, false) => self.cmp_magnitude(other),
            (true, true) => other.cmp_magnitude(self),
            (true, false) => Ordering::Less,
            (false, true) => Ordering::Greater,
        }
    }
}

fn length(digits: &str) -> i64 {
    i64::try_from(digits.len()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_number_is_the_same_however_it_is_written(integer in -999_999_i64..=999_999, zeros in 0_usize..30) {
            let zero = "0".repeat(zeros);
            for text in [
                format!("{integer}.0{zero}"),
                format!("{integer}e0"),
                format!("{integer}{zero}E-{zeros}"),
                format!("{integer}.0{zero}e+0"),
            ] {
                let number = Decimal::of(&text);
                prop_assert_eq!(number.to_i64(), Some(integer), "`{}`", text);
                prop_assert_eq!(number, Decimal::of(&integer.to_string()));
            }
            let near = Decimal::of(&format!("{integer}.0{zero}1"));
            prop_assert!(!near.is_integer());
            prop_assert_eq!(near.to_i64(), None);
        }

        #[test]
        fn numbers_are_ordered_by_value(one in -9_999_i32..=9_999, other in -9_999_i32..=9_999, places in 0_usize..4) {
            let written = |number: i32| Decimal::of(&format!("{number}e-{places}"));
            prop_assert_eq!(written(one).cmp(&written(other)), one.cmp(&other));
        }
    }

    #[test]
    fn exponents_may_be_of_any_size() {
        let order = [
            "-1e99999999999999999999999",
            "-1",
            "-1e-99999999999999999999999",
            "0e99999999999999999999999",
            "1e-9223372036854775808",
            "0.5",
            "1e18",
            "9223372036854775807",
            "1e9223372036854775807",
        ];
        for pair in order.windows(2) {
            assert!(Decimal::of(pair[0]) < Decimal::of(pair[1]), "{pair:?}");
        }
        assert!(Decimal::of("1e99999999999999999999999").is_integer());
        assert_eq!(Decimal::of("9223372036854775807").to_i64(), Some(i64::MAX));
        assert_eq!(Decimal::of("-9223372036854775808").to_i64(), Some(i64::MIN));
        assert_eq!(Decimal::of("9223372036854775808").to_i64(), None);
        assert_eq!(Decimal::of("1e99999999999999999999999").to_i64(), None);
    }
}
