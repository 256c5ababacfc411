//! What the values of cells mean: numbers, dates, escaped characters (ECMA-376, part 1, 18.8.30 and 22.4.2.4).

use std::borrow::Cow;

use chrono::{Days, NaiveDate};

/// 9999-12-31 in the calendar that begins with 1900: the last day that Excel knows.
const LAST_DAY: f64 = 2_958_465.0;

/// A number as a person writes it: phone numbers are numbers to these programs, and large ones come with an exponent.
pub(super) fn number(literal: &str) -> Cow<'_, str> {
    if literal.bytes().all(|byte| byte.is_ascii_digit()) {
        return literal.into();
    }
    match literal.parse::<f64>() {
        Ok(number) if number.abs() < 1e21 => number.to_string().into(),
        _ => literal.into(),
    }
}

/// The date of a number of days, in the calendar that begins with 1900 or the one that begins with 1904.
pub(super) fn date(literal: &str, from_1904: bool) -> Option<NaiveDate> {
    let days = literal.parse::<f64>().ok().filter(|days| (1.0..=LAST_DAY).contains(days))?;
    // Excel takes 1900 for a leap year, as Lotus did: from March 1900 on its count is one day ahead.
    let first = match (from_1904, days < 61.0) {
        (true, _) => NaiveDate::from_ymd_opt(1904, 1, 1),
        (false, true) => NaiveDate::from_ymd_opt(1899, 12, 31),
        (false, false) => NaiveDate::from_ymd_opt(1899, 12, 30),
    };
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "within the bounds checked above")]
    first?.checked_add_days(Days::new(days as u64))
}

/// Whether a format that every program knows by its number shows dates; in East Asian languages there are more of them.
pub(super) fn is_builtin_date(format: u32) -> bool {
    matches!(format, 14..=17 | 22 | 27..=36 | 50..=58)
}

/// Whether a format shows the day or the year of a number: those letters outside quotes, brackets and escapes.
pub(super) fn is_date_format(code: &str) -> bool {
    let (mut quoted, mut bracketed) = (false, false);
    let mut characters = code.chars();
    while let Some(character) = characters.next() {
        match character {
            '"' => quoted = !quoted,
            _ if quoted => {}
            '[' => bracketed = true,
            ']' => bracketed = false,
            _ if bracketed => {}
            // The next character is shown as it is, left blank or repeated.
            '\\' | '_' | '*' => drop(characters.next()),
            'd' | 'D' | 'y' | 'Y' => return true,
            // What follows is for negative numbers and texts.
            ';' => return false,
            _ => {}
        }
    }
    false
}

/// Resolves `_x000D_` and the like: how characters are written that XML does not allow.
pub(super) fn unescaped(text: &str) -> Cow<'_, str> {
    if !text.contains("_x") {
        return text.into();
    }
    let (mut result, mut rest) = (String::with_capacity(text.len()), text);
    while let Some((before, after)) = rest.split_once("_x") {
        result.push_str(before);
        let code = after.get(..4).filter(|_| after.as_bytes().get(4) == Some(&b'_'));
        let digits = code.filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
        match digits.and_then(|digits| u32::from_str_radix(digits, 16).ok()).and_then(char::from_u32) {
            Some(character) => {
                result.push(character);
                rest = after.get(5..).unwrap_or_default();
            }
            None => {
                result.push_str("_x");
                rest = after;
            }
        }
    }
    result.push_str(rest);
    result.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_people_do() {
        let written = ["34911234567", "4.915123456789E12", "-12", "12.50", "1E-2", "0049", "1e300", "x"].map(number);
        assert_eq!(written, ["34911234567", "4915123456789", "-12", "12.5", "0.01", "0049", "1e300", "x"]);
    }

    #[test]
    fn days_are_counted_as_excel_does() {
        let day = |literal, from_1904| date(literal, from_1904).map(|date| date.to_string());
        assert_eq!(day("1", false).as_deref(), Some("1900-01-01"));
        assert_eq!(day("59", false).as_deref(), Some("1900-02-28"));
        assert_eq!(day("61", false).as_deref(), Some("1900-03-01"));
        assert_eq!(day("46387.75", false).as_deref(), Some("2026-12-31"));
        assert_eq!(day("44925", true).as_deref(), Some("2026-12-31"));
        assert_eq!(day("2958465", false).as_deref(), Some("9999-12-31"));
        for literal in ["0.5", "-3", "2958466", "1e300", "NaN", "inf", ""] {
            assert_eq!(date(literal, false), None, "{literal}");
        }
    }

    #[test]
    fn formats_of_dates_are_told_from_others() {
        for code in ["yyyy-mm-dd", "dd\".\"mm\".\"yyyy", "[$-407]d. mmmm yyyy;@", "M/D/YY"] {
            assert!(is_date_format(code), "{code}");
        }
        for code in
            ["General", "0.00", "[Red]0;yy", "\"day\" 0", "\\d0", "_d0", "[h]:mm:ss", "hh:mm", "#,##0\\ [$Ft-40E]"]
        {
            assert!(!is_date_format(code), "{code}");
        }
        assert!(is_builtin_date(14) && !is_builtin_date(18) && !is_builtin_date(0) && !is_builtin_date(49));
    }

    #[test]
    fn escaped_characters_are_resolved() {
        let resolved =
            ["a_x000D_b", "_x005F_x000D_", "_x_", "_xD800_", "_x00", "_x00é0_", "_x0041__x0042_"].map(unescaped);
        assert_eq!(resolved, ["a\rb", "_x000D_", "_x_", "_xD800_", "_x00", "_x00é0_", "AB"]);
    }
}
