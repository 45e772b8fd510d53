//! Text for the screen: sanitizes what came from the wire, cuts and wraps it, and formats times and numbers.
//! Knows nothing of panes.

use std::{mem, time::Duration};

use jiff::{Timestamp, tz::TimeZone};
use unicode_truncate::UnicodeTruncateStr as _;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

pub(super) use cortop_client::sanitize::clean;

/// The width of a character in cells.
#[must_use]
pub(super) fn width(char: char) -> usize {
    char.width().unwrap_or(0)
}

/// The width of a text in cells.
#[must_use]
pub(super) fn cells(text: &str) -> usize {
    text.width()
}

/// A text cut to a width in cells, with an ellipsis if something is missing.
#[must_use]
pub(super) fn fit(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    match width.checked_sub(1) {
        Some(room) => text.unicode_truncate(room).0.to_owned() + "…",
        None => String::new(),
    }
}

/// An id cut to a width in cells: the beginning and the last three characters, which distinguish ids.
#[must_use]
pub(super) fn fit_id(id: &str, width: usize) -> String {
    let end: String = id.chars().skip(id.chars().count().saturating_sub(3)).collect();
    if id.width() <= width || width < 8 {
        return fit(id, width);
    }
    fit(id, width.saturating_sub(end.width())) + &end
}

/// A text, how many more of a kind there are, and what follows; abbreviated if there is no room.
#[must_use]
pub(super) fn and_more(first: &str, more: usize, kind: &str, rest: &str, room: usize) -> String {
    if more == 0 {
        return format!("{first}{rest}");
    }
    let plain = format!("{first}, {more} more{kind}{rest}");
    if plain.width() <= room { plain } else { format!("{first} +{more}{rest}") }
}

/// A text cut or padded with blanks to exactly a width.
#[must_use]
pub(super) fn pad(text: &str, width: usize) -> String {
    let mut text = fit(text, width);
    text.extend(std::iter::repeat_n(' ', width.saturating_sub(text.width())));
    text
}

/// Wraps a text into lines of at most a width, between words, and within words longer than a line.
#[must_use]
pub fn wrap(text: &str, width: usize) -> Vec<String> {
    let width = width.max(1);
    let (mut lines, mut line, mut used) = (Vec::new(), String::new(), 0);
    for word in text.split_whitespace() {
        let own = word.width();
        if used > 0 && used + 1 + own > width {
            lines.push(mem::take(&mut line));
            used = 0;
        } else if used > 0 {
            line.push(' ');
            used += 1;
        }
        if used + own <= width {
            line.push_str(word);
            used += own;
            continue;
        }
        for char in word.chars() {
            let own = char.width().unwrap_or(0);
            if used + own > width {
                lines.push(mem::take(&mut line));
                used = 0;
            }
            line.push(char);
            used += own;
        }
    }
    lines.push(line);
    lines
}

/// A duration or age in its largest unit, in the two largest from an hour on; in whole seconds, so that it
/// changes at most once a second.
#[must_use]
pub(super) fn age(age: Duration) -> String {
    let seconds = age.as_secs();
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} min", seconds / 60),
        3600..86400 => format!("{} h {:02} min", seconds / 3600, seconds / 60 % 60),
        _ => format!("{} d {} h", seconds / 86400, seconds / 3600 % 24),
    }
}

/// Replaces characters that the terminal cannot show: the ASCII form of `±` is wider than one cell, so it
/// cannot be replaced after drawing.
#[must_use]
pub(super) fn spell_out(text: String, ascii: bool) -> String {
    if ascii && text.contains('±') { text.replace('±', "+/-") } else { text }
}

/// A time of day, `hh:mm:ss`.
#[must_use]
pub(super) fn time_of_day(time: Timestamp, zone: &TimeZone) -> String {
    time.to_zoned(zone.clone()).strftime("%H:%M:%S").to_string()
}

/// The same if room is short, at most six cells up to a century.
#[must_use]
pub(super) fn brief_age(age: Duration) -> String {
    let seconds = age.as_secs();
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3600 => format!("{}m", seconds / 60),
        3600..86400 => format!("{}h{:02}m", seconds / 3600, seconds / 60 % 60),
        _ => format!("{}d", seconds / 86400),
    }
}

/// A duration as `h:mm:ss`.
#[must_use]
pub(super) fn clock(age: Duration) -> String {
    let seconds = age.as_secs();
    format!("{}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60)
}

/// A duration or age to the second, below an hour.
#[must_use]
pub(super) fn minutes(age: Duration) -> String {
    let seconds = age.as_secs();
    match seconds {
        60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        _ => self::age(age),
    }
}

/// A rate without decimals, which would flicker; below 10 Hz with one.
#[must_use]
pub(super) fn rate(hz: f64) -> String {
    // Integers are formatted in a tenth of the time, and a frame has many rates.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "none is negative")]
    let rounded = |value: f64| value.round_ties_even() as u64;
    if hz >= 9.95 {
        return rounded(hz).to_string();
    }
    match rounded(hz * 10.0) {
        tenths if tenths.is_multiple_of(10) => (tenths / 10).to_string(),
        tenths => format!("{}.{}", tenths / 10, tenths % 10),
    }
}

/// A share in per cent with as many digits as matter.
#[must_use]
pub(super) fn percent(part: u64, whole: u64) -> String {
    let percent = 100.0 * part as f64 / whole.max(1) as f64;
    if percent >= 10.0 { format!("{percent:.0} %") } else { format!("{percent:.1} %") }
}

/// Bytes per second.
#[must_use]
pub(super) fn bytes(rate: f64) -> String {
    format!("{}/s", size(rate))
}

/// A number of bytes with its unit.
pub(super) fn size(bytes: f64) -> String {
    match bytes {
        bytes if bytes >= 1e6 => format!("{:.1} MB", bytes / 1e6),
        bytes if bytes >= 1e3 => format!("{:.1} kB", bytes / 1e3),
        bytes => format!("{bytes:.0} B"),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_fits_is_never_wider(text in "\\PC{0,40}", width in 0_usize..20) {
            prop_assert!(fit(&text, width).width() <= width);
            prop_assert_eq!(pad(&text, width).width(), width);
        }

        #[test]
        fn wrapping_loses_no_word_and_no_line_is_too_wide(text in "[a-zµ ]{0,60}", width in 1_usize..20) {
            let lines = wrap(&text, width);
            prop_assert!(lines.iter().all(|line| line.width() <= width));
            let letters = |text: &str| text.chars().filter(|c| !c.is_whitespace()).collect::<String>();
            prop_assert_eq!(letters(&lines.concat()), letters(&text));
        }
    }

    #[test]
    fn a_rate_has_a_decimal_only_where_it_counts() {
        for (hz, text) in [
            (0.0, "0"),
            (0.1, "0.1"),
            (1.96, "2"),
            (7.94, "7.9"),
            (9.94, "9.9"),
            (9.95, "10"),
            (63.5, "64"),
            (255.7, "256"),
        ] {
            assert_eq!(rate(hz), text);
        }
    }

    #[test]
    fn ages_are_words() {
        let words = [0, 59, 60, 3599, 3660, 90_000].map(|s| age(Duration::from_secs(s)));
        assert_eq!(words, ["0 s", "59 s", "1 min", "59 min", "1 h 01 min", "1 d 1 h"]);
        let words = [0, 59, 60, 3599, 86_399, 90_000].map(|s| brief_age(Duration::from_secs(s)));
        assert_eq!(words, ["0s", "59s", "1m", "59m", "23h59m", "1d"]);
    }
}
