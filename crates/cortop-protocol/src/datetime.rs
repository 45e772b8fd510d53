//! Cortex's dates in readable form.

use jiff::{Timestamp, tz::TimeZone};

/// Formats an ISO date in a time zone, to the minute: `2026-01-09 14:25`. Returns anything that is
/// not a date unchanged.
#[must_use]
pub fn local(iso: &str, zone: &TimeZone) -> String {
    match iso.parse::<Timestamp>() {
        Ok(at) => at.to_zoned(zone.clone()).strftime("%F %H:%M").to_string(),
        Err(_) => iso.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_is_short_and_of_the_zone_and_other_text_stays() {
        let zone = TimeZone::fixed(jiff::tz::offset(2));
        assert_eq!(local("2026-01-09T08:20:58.275678+01:00", &zone), "2026-01-09 09:20");
        assert_eq!(local("2026-01-09T08:20:58Z", &zone), "2026-01-09 10:20");
        for text in ["", "soon", "2026-01-09"] {
            assert_eq!(local(text, &zone), text);
        }
    }
}
