//! What every pane needs to draw: the state, the theme, the time zone, and the frame around a pane.

use std::{sync::Mutex, time::Duration};

use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use ratatui::{
    buffer::Buffer,
    layout::{Margin, Rect},
    style::Style,
    symbols::border,
    text::{Line, Span},
    widgets::Widget,
};
use tokio::time::Instant;

use super::{
    streams::Drawn,
    text,
    theme::{Theme, Token},
};
use crate::app::{App, Pane};

/// What every pane needs to draw.
#[derive(Clone, Copy)]
pub(super) struct Scene<'a> {
    pub(super) app: &'a App,
    pub(super) theme: &'a Theme,
    pub(super) zone: &'a TimeZone,
    /// The terminal shows ASCII only.
    pub(super) ascii: bool,
    /// The traces of the last frame, from top to bottom.
    pub(super) drawn: &'a Mutex<Vec<Drawn>>,
}

impl Scene<'_> {
    /// How a token looks.
    #[must_use]
    pub(super) fn style(&self, token: Token) -> Style {
        self.theme.style(token)
    }

    /// Text of ours.
    #[must_use]
    pub(super) fn say(&self, token: Token, text: impl Into<String>) -> Span<'static> {
        Span::styled(self.spell(text.into()), self.style(token))
    }

    /// A text as the terminal can show it: what stands for `±` in ASCII takes more than a cell, and
    /// cannot be replaced once it is drawn.
    #[must_use]
    pub(super) fn spell(&self, text: String) -> String {
        spell(text, self.ascii)
    }

    /// Text from the wire.
    #[must_use]
    pub(super) fn wire(&self, token: Token, text: &str) -> Span<'static> {
        self.say(token, text::clean(text))
    }

    /// A time of day, `hh:mm:ss`.
    #[must_use]
    pub(super) fn clock(&self, time: Timestamp) -> String {
        clock(time, self.zone)
    }

    /// The time of day of epoch seconds, `hh:mm:ss.mmm`, if it is one.
    #[must_use]
    pub(super) fn clock_in_ms(&self, seconds: f64) -> Option<String> {
        let time = SignedDuration::try_from_secs_f64(seconds).ok()?;
        let time = Timestamp::from_duration(time).ok()?.to_zoned(self.zone.clone());
        Some(time.strftime("%H:%M:%S.%3f").to_string())
    }

    /// How long ago a moment was.
    #[must_use]
    pub(super) fn since(&self, moment: Instant) -> Duration {
        self.app.now.instant.saturating_duration_since(moment)
    }

    /// The moment that the picture shows: now, or when it was frozen.
    #[must_use]
    pub(super) fn moment(&self) -> Instant {
        let frozen = self.app.streams.frozen.as_ref();
        frozen.map_or(self.app.now.instant, |frozen| frozen.since.instant)
    }

    /// What the clock on the wall showed at a moment.
    #[must_use]
    pub(super) fn wall_at(&self, moment: Instant) -> Timestamp {
        let ago = SignedDuration::try_from(self.since(moment)).unwrap_or(SignedDuration::ZERO);
        self.app.now.wall.checked_sub(ago).unwrap_or(self.app.now.wall)
    }

    /// The time of day of a moment.
    #[must_use]
    pub(super) fn clock_at(&self, moment: Instant) -> String {
        self.clock(self.wall_at(moment))
    }

    /// Draws the frame of a pane with its number and title, and gives the area inside. The pane
    /// with the focus has thick lines beside its colour.
    pub(super) fn pane(
        &self,
        pane: Pane,
        title: Line<'_>,
        area: Rect,
        buffer: &mut Buffer,
    ) -> Rect {
        let focused = self.app.focus == pane;
        let (set, style, name) = if focused {
            (border::THICK, self.style(Token::Focus), self.style(Token::Focus))
        } else {
            (border::PLAIN, self.style(Token::Border), self.style(Token::Title))
        };
        let mut line = Line::from(Span::styled(heading(pane, focused), name));
        line.extend(title);
        line.push_span(Span::raw(" "));
        frame(&set, style, area, buffer);
        let title = Rect { height: 1, ..area.inner(Margin::new(1, 0)) };
        self::line(&line, title.intersection(area), buffer);
        area.inner(Margin::new(1, 1))
    }
}

/// A text as the terminal can show it, see [`Scene::spell`].
#[must_use]
pub(super) fn spell(text: String, ascii: bool) -> String {
    if ascii && text.contains('±') { text.replace('±', "+/-") } else { text }
}

/// A time of day, `hh:mm:ss`.
#[must_use]
pub(super) fn clock(time: Timestamp, zone: &TimeZone) -> String {
    time.to_zoned(zone.clone()).strftime("%H:%M:%S").to_string()
}

/// Draws a border, and nothing else: a `Block` goes over all cells inside, too, a tenth of a frame.
fn frame(set: &border::Set<'_>, style: Style, area: Rect, buffer: &mut Buffer) {
    let area = area.intersection(buffer.area);
    if area.is_empty() {
        return;
    }
    let (left, right, top, bottom) = (area.x, area.right() - 1, area.y, area.bottom() - 1);
    let mut put = |x, y, symbol| {
        if let Some(cell) = buffer.cell_mut((x, y)) {
            cell.set_symbol(symbol).set_style(style);
        }
    };
    for x in left..right {
        put(x, top, set.horizontal_top);
        put(x, bottom, set.horizontal_bottom);
    }
    for y in top..bottom {
        put(left, y, set.vertical_left);
        put(right, y, set.vertical_right);
    }
    put(left, top, set.top_left);
    put(right, top, set.top_right);
    put(left, bottom, set.bottom_left);
    put(right, bottom, set.bottom_right);
}

/// Number and name of a pane.
#[must_use]
pub(super) fn heading(pane: Pane, focused: bool) -> String {
    let mark = if focused { super::glyphs::SELECTED } else { " " };
    format!("{mark}{} {}", pane as usize + 1, pane.name())
}

/// Draws lines from the top of an area, as many as fit.
pub(super) fn lines(lines: &[Line<'_>], area: Rect, buffer: &mut Buffer) {
    for (line, row) in lines.iter().zip(area.rows()) {
        self::line(line, row, buffer);
    }
}

/// Draws a line into a row. Most text is ASCII and needs no search for grapheme clusters, which
/// costs more than all traces.
pub(super) fn line(line: &Line<'_>, area: Rect, buffer: &mut Buffer) {
    let mut rest = area.intersection(buffer.area);
    for span in &line.spans {
        if rest.is_empty() {
            return;
        }
        let style = line.style.patch(span.style);
        let used = if span.content.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
            let start = buffer.index_of(rest.x, rest.y);
            let cells = buffer.content.iter_mut().skip(start).take(usize::from(rest.width));
            for (char, cell) in span.content.chars().zip(cells) {
                cell.set_char(char).set_style(style);
            }
            span.content.len()
        } else {
            let width = usize::from(rest.width);
            let (end, _) = buffer.set_stringn(rest.x, rest.y, &span.content, width, style);
            usize::from(end - rest.x)
        };
        let used = cells(used).min(rest.width);
        rest = Rect { x: rest.x + used, width: rest.width - used, ..rest };
    }
}

/// A sentence over as many lines as it needs.
#[must_use]
pub(super) fn sentence(text: &str, width: u16, style: Style) -> Vec<Line<'static>> {
    text::wrap(&text::clean(text), usize::from(width))
        .into_iter()
        .map(|line| Line::styled(line, style))
        .collect()
}

/// Marks on the right edge that there is more above or below the lines shown.
pub(super) fn more(scene: &Scene<'_>, skipped: usize, all: usize, area: Rect, buffer: &mut Buffer) {
    let below = all.saturating_sub(skipped + usize::from(area.height));
    let edge = Rect { x: area.right().saturating_sub(1), width: 1, height: 1, ..area };
    if area.is_empty() {
        return;
    }
    if skipped > 0 {
        scene.say(Token::Changed, super::glyphs::MORE_ABOVE).render(edge, buffer);
    }
    if below > 0 {
        let edge = Rect { y: area.bottom() - 1, ..edge };
        scene.say(Token::Changed, super::glyphs::MORE_BELOW).render(edge, buffer);
    }
}

/// Draws lines from top to bottom in columns of a width, as many as fit.
pub(super) fn columns(lines: &[Line<'_>], width: u16, area: Rect, buffer: &mut Buffer) {
    let width = width.max(1);
    let starts = (area.left()..area.right()).step_by(usize::from(width));
    // What is left beside the last column is too narrow for another.
    let starts = starts.take(usize::from((area.width / width).max(1)));
    for (part, x) in lines.chunks(usize::from(area.height).max(1)).zip(starts) {
        self::lines(part, Rect { x, width, ..area }.intersection(area), buffer);
    }
}

/// A count of cells, which on any screen fits.
#[must_use]
pub(super) fn cells(count: usize) -> u16 {
    u16::try_from(count).unwrap_or(u16::MAX)
}
