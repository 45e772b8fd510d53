//! App → frame. One pane a file; a theme becomes styles; nothing here changes state.
//!
//! ```text
//! ┌ header ─ service, user, headset, session, rate and loss, battery, bytes, clock ┐
//! │ 1 headsets ┌─────────────────────────────────────────────────────────────────┐ │
//! │            │ 3 streams: traces, and a line for every stream                  │ │
//! │ 2 session  ├─────────────────────────────────────────────────────────────────┤ │
//! │            │ 4 log                                                           │ │
//! └ footer ─ the keys that matter now, or what there is to say ────────────────────┘
//! ```
//! The overview of all headsets takes the place of the panes. On a large screen the log stands below the session, and the streams have all of the right side.

mod cache;
mod colormap;
mod context;
mod dialog;
mod explanation;
mod footer;
mod glyphs;
mod header;
mod headset;
mod headsets;
mod health;
mod help;
mod key_card;
mod lab;
mod layout;
mod link;
mod log;
mod overview;
mod paint;
mod session;
mod streams;
mod table;
mod text;
mod theme;
mod title_bar;
mod traffic;

use std::{cell::RefCell, path::PathBuf};

use jiff::tz::TimeZone;
use ratatui::{
    Frame,
    buffer::Buffer,
    layout::{Position, Rect},
    style::Style,
};

use self::{
    cache::DrawCache,
    context::{Hit, RenderContext},
    layout::ScreenLayout,
    theme::Theme,
};
pub use self::{
    help::legend, layout::SMALLEST, streams::views, text::wrap, theme::sample as sample_theme,
};
use crate::{
    app::{App, MouseTarget, Pane},
    lab::Lab,
    traffic::Traffic,
};
use cortop_signal::View;

/// A row of the table of panes.
struct PaneRow {
    pane: Pane,
    /// The minimum number of rows in a body, and the preferred one.
    min: fn(&App, Rect) -> u16,
    preferred_rows: fn(&App, Rect) -> u16,
    /// Whether it belongs in the left of two columns.
    is_left: fn(Rect) -> bool,
    /// How early it is dropped if there are too few rows, highest first.
    rank: u8,
    /// Some panes reuse what they drew last.
    draw: fn(&RenderContext<'_>, &mut DrawCache, Rect, &mut Buffer),
}

/// The panes from top to bottom.
static PANES: [PaneRow; 4] = [
    PaneRow {
        pane: Pane::Headsets,
        min: |_, _| 4,
        preferred_rows: headsets::preferred_rows,
        is_left: |_| true,
        rank: 1,
        draw: |ctx, _, area, buffer| headsets::draw(ctx, area, buffer),
    },
    PaneRow {
        pane: Pane::Session,
        min: |_, _| 6,
        preferred_rows: session::preferred_rows,
        is_left: |_| true,
        rank: 2,
        draw: |ctx, _, area, buffer| session::draw(ctx, area, buffer),
    },
    PaneRow {
        pane: Pane::Streams,
        min: |app, body| streams::rows_needed(app, body, 6),
        preferred_rows: |_, _| u16::MAX,
        is_left: |_| false,
        rank: 0,
        draw: streams::draw,
    },
    PaneRow {
        pane: Pane::Log,
        min: |_, _| 4,
        preferred_rows: log::preferred_rows,
        is_left: layout::is_large,
        rank: 3,
        draw: log::draw,
    },
];

/// The colours that a terminal can show.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Colors {
    /// No colours (`NO_COLOR`), but bold and reverse.
    None,
    /// The 16 colours of the user's palette.
    #[default]
    Sixteen,
    /// The 16 colours and 240 fixed ones (`TERM` ends with `256color`).
    Indexed,
    /// RGB colours (`COLORTERM`).
    Rgb,
}

/// The background of a terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Background {
    /// White text is easier to read on it than black.
    Dark,
    /// Black text is easier to read.
    Light,
}

impl Background {
    /// From red, green and blue, each from 0 to 1.
    #[must_use]
    pub fn of(red: f64, green: f64, blue: f64) -> Self {
        // Black and white have equal contrast here, as defined by WCAG 2.
        if theme::luminance(red, green, blue) < 0.179 { Self::Dark } else { Self::Light }
    }
}

/// The capabilities of the terminal, as detected by its owner.
#[derive(Clone, Debug, Default)]
pub struct UiOptions {
    /// Whether to avoid braille and box characters.
    pub ascii: bool,
    /// The colours that it shows.
    pub colors: Colors,
    /// The directory of the user's theme files, which override embedded ones of the same name.
    pub themes: Option<PathBuf>,
    /// The time zone of displayed times; the system's if `None`.
    pub zone: Option<TimeZone>,
}

/// Draws the monitor with its themes and glyphs.
#[derive(Debug)]
pub struct Ui {
    themes: Vec<Theme>,
    ascii: bool,
    colors: Colors,
    /// The background, once the terminal has reported it.
    background: Option<Background>,
    zone: TimeZone,
    /// What is kept from the last frame.
    cache: Box<DrawCache>,
    /// The mouse targets of the last frame.
    hits: RefCell<Vec<Hit>>,
}

impl Ui {
    /// Loads the themes. Each unreadable theme file is skipped with a warning: one sentence with the file,
    /// the place and the next step.
    #[must_use]
    pub fn new(options: &UiOptions) -> (Self, Vec<String>) {
        let (themes, warnings) = theme::load(options);
        let zone = options.zone.clone().unwrap_or_else(TimeZone::system);
        let ui = Self {
            themes,
            ascii: options.ascii,
            colors: options.colors,
            background: None,
            zone,
            cache: Box::default(),
            hits: RefCell::default(),
        };
        (ui, warnings)
    }

    /// The names of the themes, default first, for [`crate::app::AppSettings::themes`].
    #[must_use]
    pub fn theme_names(&self) -> Vec<String> {
        let names = self.themes.iter().map(|theme| theme.name.as_str());
        [theme::AUTO].into_iter().chain(names).map(str::to_owned).collect()
    }

    /// Takes over the themes of another instance; returns the names of those that are new, gone or look
    /// different.
    pub fn replace_themes(&mut self, other: Self) -> Vec<String> {
        let before = std::mem::replace(&mut self.themes, other.themes);
        let (before, after) = (&before, &self.themes);
        let is_same = |one: &Theme, list: &[Theme]| {
            list.iter().any(|own| own.name == one.name && own.looks_like(one))
        };
        let new = after.iter().filter(|theme| !is_same(theme, before));
        let gone = before.iter().filter(|theme| after.iter().all(|own| own.name != theme.name));
        new.chain(gone).map(|theme| text::clean(&theme.name)).collect()
    }

    /// Makes `auto` use the theme for this background.
    pub fn set_background(&mut self, background: Background) {
        self.background = Some(background);
    }

    /// Switches to ASCII.
    pub fn use_ascii(&mut self) {
        self.ascii = true;
    }

    /// Draws the whole screen.
    pub fn draw(&mut self, app: &App, frame: &mut Frame) {
        let area = frame.area();
        let buffer = frame.buffer_mut();
        let fallback = Theme::default();
        let Self { themes, ascii, colors, background, zone, cache, hits } = self;
        let theme = theme::at(themes, *background, app.theme).unwrap_or(&fallback);
        hits.get_mut().clear();
        let hits = app.mouse.then_some(&*hits);
        let ctx = RenderContext { app, theme, zone, ascii: *ascii, colors: *colors, hits };
        if let Some(screen) = ScreenLayout::new(app, area) {
            header::draw(&ctx, screen.header, buffer);
            for (pane, area) in screen.panes {
                ctx.hit(area, || MouseTarget::Pane(pane));
                if app.shows_overview() {
                    overview::draw(&ctx, area, buffer);
                } else if let Some(row) = PANES.iter().find(|row| row.pane == pane) {
                    (row.draw)(&ctx, cache, area, buffer);
                }
            }
            footer::draw(&ctx, screen.footer, buffer);
            if let Some(open) = &app.help {
                ctx.hit(area, || MouseTarget::Help);
                help::draw(&ctx, open, area, buffer);
            }
            if let Some(open) = &app.dialog {
                ctx.hit(area, || MouseTarget::Dialog);
                dialog::draw(&ctx, open, area, buffer);
            }
        } else {
            let lines = paint::sentence(&layout::too_small(area), area.width, Style::new());
            paint::lines(&lines, area, buffer);
        }
        if *ascii {
            glyphs::to_ascii(buffer);
        }
    }

    /// Draws the whole screen of the simulator or the proxy.
    pub fn draw_traffic(&self, traffic: &Traffic, frame: &mut Frame) {
        let area = frame.area();
        let buffer = frame.buffer_mut();
        let fallback = Theme::default();
        let theme = theme::at(&self.themes, self.background, traffic.theme).unwrap_or(&fallback);
        traffic::draw(traffic, theme, &self.zone, area, buffer);
        if self.ascii {
            glyphs::to_ascii(buffer);
        }
    }

    /// Draws the whole screen of a lab.
    pub fn draw_lab(&mut self, lab: &Lab, frame: &mut Frame) {
        let area = frame.area();
        let buffer = frame.buffer_mut();
        let fallback = Theme::default();
        let theme = theme::at(&self.themes, self.background, lab.theme).unwrap_or(&fallback);
        lab::draw(lab, theme, &self.zone, &mut self.cache.outline, area, buffer);
        if self.ascii {
            glyphs::to_ascii(buffer);
        }
    }

    /// The mouse target of the last frame at a position, if the mouse is on.
    #[must_use]
    pub fn target(&self, place: Position) -> Option<MouseTarget> {
        let hits = self.hits.borrow();
        let hit = hits.iter().rev().find(|(area, _)| area.contains(place));
        hit.map(|(_, target)| target.clone())
    }

    /// What the decoder has to publish for a screen of this size.
    #[must_use]
    pub fn view(&self, app: &App, screen: Rect) -> View {
        let area = ScreenLayout::new(app, screen)
            .and_then(|screen| screen.panes.into_iter().find(|(pane, _)| *pane == Pane::Streams));
        let fallback = Theme::default();
        let theme = theme::at(&self.themes, self.background, app.theme).unwrap_or(&fallback);
        let ctx = RenderContext {
            app,
            theme,
            zone: &self.zone,
            ascii: self.ascii,
            colors: self.colors,
            hits: None,
        };
        streams::request(&ctx, area.map(|(_, area)| area))
    }
}
