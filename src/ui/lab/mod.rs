//! The screen of a lab.
//!
//! ```text
//! ┌ header ─ broker, stations, headsets, problems ─────────────────────────────────────┐
//! │ 1 headsets of all stations, one per row; or a station: its headsets, and for the   │
//! │   selected one the contact on the head and the last ten minutes                    │
//! │ 2 log: alerts and events of all stations                                           │
//! └ footer ─ the keys, the line being typed, or a notice ──────────────────────────────┘
//!
//! mod      the layout
//!  ├─ bars      the first and the last line
//!  ├─ overview  the table of all stations
//!  ├─ cells     columns and cells of a table
//!  ├─ station   an open station
//!  └─ log       alerts and events
//! ```
//!
//! The table and the head are the same as in the monitor.

mod bars;
mod cells;
mod log;
mod overview;
mod station;
#[cfg(test)]
mod tests;

use std::time::Duration;

use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use ratatui::{buffer::Buffer, layout::Rect, text::Span};
use tokio::time::Instant;

use super::{
    glyphs, key_card, layout, paint,
    streams::head::OutlineCache,
    text,
    theme::{Theme, ThemeToken},
};
use crate::lab::{BrokerLink, Lab, LabPane, LabRow, TABLE};
use cortop_mqtt::book::DepartureTime;

/// How far a station's clock may be ahead of the lab's.
const CLOCK_ERROR: SignedDuration = SignedDuration::from_secs(5);
/// If the body has fewer rows than this, the log leaves one of its rows to the head of an open station.
const SMALL: u16 = 28;

/// What all parts need for drawing.
struct LabPainter<'a> {
    lab: &'a Lab,
    theme: &'a Theme,
    zone: &'a TimeZone,
}

/// Draws the whole screen.
pub(super) fn draw(
    lab: &Lab,
    theme: &Theme,
    zone: &TimeZone,
    outline: &mut OutlineCache,
    area: Rect,
    buffer: &mut Buffer,
) {
    let painter = LabPainter { lab, theme, zone };
    if area.width < layout::SMALLEST.0 || area.height < layout::SMALLEST.1 {
        let lines =
            paint::sentence(&layout::too_small(area), area.width, theme.style(ThemeToken::Text));
        return paint::lines(&lines, area, buffer);
    }
    let header = Rect { height: 1, ..area };
    let footer = Rect { y: area.bottom() - 1, height: 1, ..area };
    let body = Rect { y: area.y + 1, height: area.height - 2, ..area };
    let log = match (lab.focus, lab.opened.is_some(), body.height) {
        (LabPane::Log, _, height) => (height * 2 / 3).max(4),
        (LabPane::Rows, true, ..SMALL) => 3,
        (LabPane::Rows, true, _) => 4,
        (LabPane::Rows, false, height) => (height / 4).max(4),
    };
    // The panes share a border.
    let upper = Rect { height: body.height - log + 1, ..body };
    let lower = Rect { y: body.bottom() - log, height: log, ..body };
    let rows = lab.rows();
    paint::line(&painter.header(header.width), header, buffer);
    if lab.opened.is_some() {
        station::draw(&painter, &rows, outline, upper, buffer);
    } else {
        painter.overview(&rows, upper, buffer);
    }
    painter.log(lower, buffer);
    paint::line(&painter.footer(footer.width), footer, buffer);
    if let Some(scroll) = &lab.help {
        let rows = TABLE.iter().map(|row| (row.keys, row.help));
        key_card::draw(theme, rows, scroll, area, buffer);
    }
}

impl LabPainter<'_> {
    fn span(&self, token: ThemeToken, text: impl Into<String>) -> Span<'static> {
        Span::styled(text.into(), self.theme.style(token))
    }

    fn since(&self, moment: Instant) -> Duration {
        self.lab.now.instant.saturating_duration_since(moment)
    }

    /// Formats seconds since 1970 as a time of day if it is today, else as a date, with the time if it is
    /// this year. `None` if it is in the future by more than [`CLOCK_ERROR`], and so cannot be true.
    fn clock(&self, seconds: f64) -> Option<String> {
        let time =
            Timestamp::from_duration(SignedDuration::try_from_secs_f64(seconds).ok()?).ok()?;
        let now = self.lab.now.wall;
        if time.duration_since(now) > CLOCK_ERROR {
            return None;
        }
        let (day, today) = (time.to_zoned(self.zone.clone()), now.to_zoned(self.zone.clone()));
        Some(if day.date() == today.date() {
            text::time_of_day(time, self.zone)
        } else {
            let form = if day.year() == today.year() { "%-d %b %H:%M" } else { "%-d %b %Y" };
            day.strftime(form).to_string()
        })
    }

    /// When a station went, as precisely as it is known.
    fn departure(&self, at: DepartureTime) -> Option<String> {
        let by = |time| Some(format!("by {}", self.clock(time)?));
        match at {
            DepartureTime::At(time) => self.clock(time),
            DepartureTime::Told { own_clock, latest } => {
                let is_possible = own_clock <= latest + CLOCK_ERROR.as_secs_f64();
                let told = self.clock(own_clock).filter(|_| is_possible);
                told.map(|at| format!("{}{at}", glyphs::ABOUT)).or_else(|| by(latest))
            }
            DepartureTime::Before(time) => by(time),
        }
    }

    /// When a station that was never heard sent the state that the broker kept, by the station's clock.
    fn kept(&self, row: &LabRow<'_>) -> Option<String> {
        Some(format!("{}{}", glyphs::ABOUT, self.clock(row.station.kept()?)?))
    }

    /// The state of a station that has not been heard over this connection, in words.
    fn unconfirmed(&self) -> &'static str {
        if self.lab.link == BrokerLink::Connected { "not heard yet" } else { "no connection" }
    }
}
