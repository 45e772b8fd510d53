//! What every pane needs to draw: the state, the theme, the time zone, and the frame around a pane.

use std::{cell::RefCell, time::Duration};

use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use ratatui::{
    buffer::Buffer,
    layout::{Margin, Rect},
    style::{Color, Style},
    symbols::border,
    text::{Line, Span},
    widgets::Widget as _,
};
use tokio::time::Instant;

use super::{
    Colors, colormap, glyphs, paint, text,
    theme::{Theme, ThemeToken},
};
use crate::app::{Action, App, MouseTarget, Pane};

/// What every pane needs to draw.
#[derive(Clone, Copy)]
pub(super) struct RenderContext<'a> {
    pub(super) app: &'a App,
    pub(super) theme: &'a Theme,
    pub(super) zone: &'a TimeZone,
    /// Whether the terminal shows ASCII only.
    pub(super) ascii: bool,
    pub(super) colors: Colors,
    /// The mouse targets drawn so far, topmost last; `None` while the mouse is off.
    pub(super) hits: Option<&'a RefCell<Vec<Hit>>>,
}

/// An area of the screen, and the mouse target there.
pub(super) type Hit = (Rect, MouseTarget);

impl RenderContext<'_> {
    /// Registers what is drawn in an area as a mouse target.
    pub(super) fn hit(&self, area: Rect, target: impl FnOnce() -> MouseTarget) {
        if let Some(hits) = self.hits.filter(|_| !area.is_empty()) {
            hits.borrow_mut().push((area, target()));
        }
    }

    /// The same for consecutive lines, each with its number of rows, of which the first are skipped.
    pub(super) fn hit_rows(
        &self,
        area: Rect,
        skip: usize,
        rows: impl IntoIterator<Item = (usize, MouseTarget)>,
    ) {
        if self.hits.is_none() {
            return;
        }
        let mut end = 0;
        for (count, target) in rows {
            let start = end;
            end += count;
            let [first, last] = [start, end].map(|row| paint::cells(row.saturating_sub(skip)));
            let part = Rect { y: area.y + first, height: last - first, ..area };
            self.hit(part.intersection(area), || target);
        }
    }

    /// The style of a token.
    #[must_use]
    pub(super) fn style(&self, token: ThemeToken) -> Style {
        self.theme.style(token)
    }

    /// The colour of a value from 0 to 1 on a scale; `None` if the terminal has too few colours for a scale,
    /// or lacks the half blocks that show two colours.
    #[must_use]
    pub(super) fn scale_color(&self, share: f64) -> Option<Color> {
        if self.ascii { None } else { colormap::color(share, self.colors) }
    }

    /// A span of our own text.
    #[must_use]
    pub(super) fn span(&self, token: ThemeToken, text: impl Into<String>) -> Span<'static> {
        Span::styled(self.spell_out(text.into()), self.style(token))
    }

    /// Replaces characters that the terminal cannot show: the ASCII form of `±` is wider than one cell, so it
    /// cannot be replaced after drawing.
    #[must_use]
    pub(super) fn spell_out(&self, text: String) -> String {
        text::spell_out(text, self.ascii)
    }

    /// A span of text from the wire.
    #[must_use]
    pub(super) fn sanitized(&self, token: ThemeToken, text: &str) -> Span<'static> {
        self.span(token, text::clean(text))
    }

    /// The key of an action, or where to find the action if it has no key.
    #[must_use]
    pub(super) fn key(&self, action: Action) -> String {
        let keymap = &self.app.settings.keymap;
        let name = || keymap.binding(action).map_or("", |row| row.name);
        let key = keymap.keys(action).first().map(ToString::to_string);
        key.unwrap_or_else(|| format!("the key for {}", name()))
    }

    /// A time of day, `hh:mm:ss`.
    #[must_use]
    pub(super) fn clock(&self, time: Timestamp) -> String {
        text::time_of_day(time, self.zone)
    }

    /// The time of day of epoch seconds, `hh:mm:ss.mmm`, if they are valid.
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

    /// The wall-clock time of a moment.
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

    /// Draws the frame of a pane with its number and title, and returns the inner area. The focused pane has
    /// thick lines as well as its colour.
    pub(super) fn pane(
        &self,
        pane: Pane,
        name: &str,
        title: Line<'_>,
        area: Rect,
        buffer: &mut Buffer,
    ) -> Rect {
        frame(self.theme, self.app.focus == pane, &heading(pane, name), title, area, buffer)
    }

    /// Marks on the right edge that there are more lines above or below.
    pub(super) fn mark_more(&self, skipped: usize, all: usize, area: Rect, buffer: &mut Buffer) {
        mark_more(self.theme, skipped, all, area, buffer);
    }
}

/// The key of a pane and its name, or the name of what it shows.
#[must_use]
pub(super) fn heading(pane: Pane, name: &str) -> String {
    heading_of(pane as usize + 1, name)
}

/// The number of a pane and its name.
#[must_use]
pub(super) fn heading_of(number: usize, name: &str) -> String {
    format!("[{number}] {name}")
}

/// Draws the frame of a pane with its title, and returns the inner area.
pub(super) fn frame(
    theme: &Theme,
    is_focused: bool,
    heading: &str,
    title: Line<'_>,
    area: Rect,
    buffer: &mut Buffer,
) -> Rect {
    let (set, style, look) = if is_focused {
        let focus = theme.style(ThemeToken::Focus);
        (border::THICK, focus, focus)
    } else {
        (border::PLAIN, theme.style(ThemeToken::Border), theme.style(ThemeToken::Title))
    };
    let mark = if is_focused { glyphs::SELECTED } else { " " };
    let mut line = Line::from(Span::styled(format!("{mark}{heading}"), look));
    line.extend(title);
    line.push_span(Span::raw(" "));
    paint::border(&set, style, is_focused, area, buffer);
    let title = Rect { height: 1, ..area.inner(Margin::new(1, 0)) };
    paint::line(&line, title.intersection(area), buffer);
    area.inner(Margin::new(1, 1))
}

/// Marks on the right edge that there are more lines above or below.
pub(super) fn mark_more(
    theme: &Theme,
    skipped: usize,
    all: usize,
    area: Rect,
    buffer: &mut Buffer,
) {
    let below = all.saturating_sub(skipped + usize::from(area.height));
    let edge = Rect { x: area.right().saturating_sub(1), width: 1, height: 1, ..area };
    if area.is_empty() {
        return;
    }
    let mark = |glyph| Span::styled(glyph, theme.style(ThemeToken::Changed));
    if skipped > 0 {
        mark(glyphs::MORE_ABOVE).render(edge, buffer);
    }
    if below > 0 {
        let edge = Rect { y: area.bottom() - 1, ..edge };
        mark(glyphs::MORE_BELOW).render(edge, buffer);
    }
}
