//! The content of a table's cells.

use jiff::{
    Timestamp,
    civil::{Date, DateTime},
    tz::TimeZone,
};

use crate::{header::microvolts, lines};

/// Whether a line is a comment.
pub(crate) fn is_comment(line: &str) -> bool {
    let line = line.trim_start();
    line.starts_with(['#', '%']) || line.starts_with("//")
}

/// The content of a cell.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Cell {
    Empty,
    Number(f64),
    /// A word that means yes or no.
    Flag(bool),
    /// A unit of voltage, in µV.
    Unit(f64),
    Other,
}

impl Cell {
    pub(crate) fn of(cell: &str) -> Self {
        if cell.is_empty() {
            return Self::Empty;
        }
        if let Some(number) = lines::number(cell) {
            return Self::Number(number);
        }
        let is_in =
            |words: &[&str], cell: &str| words.iter().any(|own| own.eq_ignore_ascii_case(cell));
        let plain = cell.trim_matches(['[', ']', '(', ')', ' ']);
        if is_in(&["true", "yes", "interpolated"], cell) {
            Self::Flag(true)
        } else if is_in(&["false", "no", "none"], cell) {
            Self::Flag(false)
        } else if let Some(microvolts) = microvolts(plain) {
            Self::Unit(microvolts)
        } else if let Some(seconds) = date_and_time(cell) {
            Self::Number(seconds)
        } else {
            Self::Other
        }
    }
}

/// Parses a date with a time of day into seconds since 1970, or a time of day alone into its
/// seconds.
fn date_and_time(cell: &str) -> Option<f64> {
    if !cell.starts_with(|first: char| first.is_ascii_digit()) || !cell.contains(':') {
        return None;
    }
    let civil = || cell.parse::<DateTime>().ok()?.to_zoned(TimeZone::UTC).ok();
    let time = cell.parse::<Timestamp>().ok();
    let time = time.or_else(|| civil().map(|own| own.timestamp()));
    time.map(|own| own.as_duration().as_secs_f64()).or_else(|| local_time(cell))
}

/// The same for the notations of spreadsheets: `2.1.2026 10:00:59,5`, `1/2/2026 10:00:59.5 AM`,
/// `10:00:59`, and `00:59.5` for minutes and seconds. Days precede months except with slashes.
fn local_time(cell: &str) -> Option<f64> {
    let upper = cell.to_uppercase();
    let (rest, half) = match (upper.strip_suffix("AM"), upper.strip_suffix("PM")) {
        (Some(rest), _) => (rest, Some(0.0)),
        (_, Some(rest)) => (rest, Some(12.0)),
        _ => (upper.as_str(), None),
    };
    let (date, clock) = match rest.trim().split_once([' ', 'T']) {
        Some((date, clock)) => (Some(date), clock.trim()),
        None => (None, rest.trim()),
    };
    let parts = clock.split(':').map(|own| own.replace(',', ".").parse::<f64>().ok());
    let parts: Vec<f64> = parts.collect::<Option<_>>()?;
    // Minutes and seconds may come alone.
    let parts = if parts.len() == 2 { [&[0.0][..], parts.as_slice()].concat() } else { parts };
    let [hour, minute, second]: [f64; 3] = parts.try_into().ok()?;
    let hour = half.map_or(hour, |half| hour % 12.0 + half);
    let is_time = (0.0..24.0).contains(&hour)
        && (0.0..60.0).contains(&minute)
        && (0.0..61.0).contains(&second);
    let seconds = hour.mul_add(3600.0, minute.mul_add(60.0, second));
    let days = date.map_or(Some(0.0), day)?;
    is_time.then_some(days.mul_add(86_400.0, seconds))
}

/// The days since 1970 of a date.
fn day(date: &str) -> Option<f64> {
    let is_slashed = date.contains('/');
    let parts = date.split(['.', '/', '-']).map(|own| own.parse::<i16>().ok());
    let [first, second, third]: [i16; 3] = parts.collect::<Option<Vec<_>>>()?.try_into().ok()?;
    let (year, month, day) = match (first, second) {
        (year, month) if year > 31 => (year, month, third),
        (month, day) if is_slashed && month <= 12 => (third, month, day),
        (day, month) => (third, month, day),
    };
    let year = if year < 100 { 2000 + year } else { year };
    let date = Date::new(year, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()?;
    let time = date.to_zoned(TimeZone::UTC).ok()?.timestamp();
    Some(time.as_duration().as_secs_f64() / 86_400.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_spreadsheets_write_them() {
        let day = 1_767_312_000.0;
        let at = 36_059.5;
        for (cell, seconds) in [
            ("2026-01-02 10:00:59.5", day + at),
            ("2026-01-02T10:00:59.5Z", day + at),
            ("02.01.2026 10:00:59,5", day + at),
            ("2.1.26 10:00:59,5", day + at),
            ("1/2/2026 10:00:59.5 AM", day + at),
            ("1/2/2026 10:00:59.5 pm", day + at + 43_200.0),
            ("13/1/2026 10:00:59.5", day + at + 11.0 * 86_400.0),
            ("2026/01/02 10:00:59.5", day + at),
            ("12:00:59.5 AM", 59.5),
            ("10:00:59,5", at),
            ("00:59.5", 59.5),
        ] {
            let Cell::Number(own) = Cell::of(cell) else { panic!("{cell}") };
            assert!((own - seconds).abs() < 1e-6, "{cell}: {own}");
        }
        for cell in ["1:2:3:4", "x:1", "25:00:00", "10:61", "32.1.2026 10:00:00", "3:a"] {
            assert_eq!(Cell::of(cell), Cell::Other, "{cell}");
        }
    }
}
