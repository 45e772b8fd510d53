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

mod dialog;
mod footer;
mod glyphs;
mod header;
mod headset;
mod headsets;
mod health;
mod help;
mod layout;
mod link;
mod log;
mod overview;
mod context;
mod session;
mod streams;
mod text;
mod theme;

use std::{path::PathBuf, sync::Mutex};

use jiff::tz::TimeZone;
use ratatui::{Frame, layout::Rect, style::Style};

pub use self::{layout::SMALLEST, text::wrap};
use self::{layout::Screen, scene::Scene, streams::Drawn, theme::Theme};
use crate::app::{App, Pane};
use cortop_signal::View;

/// What the terminal can show, found out by whoever owns it.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Without braille and box characters.
    pub ascii: bool,
    /// `NO_COLOR` is set: no colours, but bold and reverse stay.
    pub no_color: bool,
    /// The terminal shows RGB colours (`COLORTERM`); else the 16-colour value of each token.
    pub rgb: bool,
    /// Where the user's own theme files are, which win over the embedded ones of the same name.
    pub themes: Option<PathBuf>,
    /// The zone of the times shown; the system's if `None`.
    pub zone: Option<TimeZone>,
}

/// How the monitor is drawn: themes and glyphs.
#[derive(Debug)]
pub struct Ui {
    themes: Vec<Theme>,
    ascii: bool,
    zone: TimeZone,
    /// The traces of the last frame.
    drawn: Mutex<Vec<Drawn>>,
}

impl Ui {
    /// Loads the themes. Each theme file that cannot be read is left out with a warning: a
    /// sentence naming the file, the place and the next step.
    #[must_use]
    pub fn new(options: &Options) -> (Self, Vec<String>) {
        let (themes, warnings) = theme::load(options);
        let zone = options.zone.clone().unwrap_or_else(TimeZone::system);
        (Self { themes, ascii: options.ascii, zone, drawn: Mutex::default() }, warnings)
    }

    /// The names of the themes, the default first, for [`crate::app::AppSettings::themes`].
    #[must_use]
    pub fn theme_names(&self) -> Vec<String> {
        self.themes.iter().map(|theme| theme.name.clone()).collect()
    }

    /// Draws the whole screen.
    pub fn draw(&self, app: &App, frame: &mut Frame) {
        let area = frame.area();
        let buffer = frame.buffer_mut();
        let fallback = Theme::default();
        let theme = self.themes.get(app.theme).unwrap_or(&fallback);
        let scene = Scene { app, theme, zone: &self.zone, ascii: self.ascii, drawn: &self.drawn };
        if let Some(screen) = Screen::new(app, area) {
            header::draw(&scene, screen.header, buffer);
            for (pane, area) in screen.panes {
                match pane {
                    Pane::Headsets if app.shows_overview() => {
                        overview::draw(&scene, area, buffer);
                    }
                    Pane::Headsets => headsets::draw(&scene, area, buffer),
                    Pane::Session => session::draw(&scene, area, buffer),
                    Pane::Streams => streams::draw(&scene, area, buffer),
                    Pane::Log => log::draw(&scene, area, buffer),
                }
            }
            footer::draw(&scene, screen.footer, buffer);
            if app.help {
                help::draw(&scene, area, buffer);
            }
            if let Some(open) = &app.dialog {
                dialog::draw(&scene, open, area, buffer);
            }
        } else {
            let lines = scene::sentence(&layout::too_small(area), area.width, Style::new());
            scene::lines(&lines, area, buffer);
        }
        if self.ascii {
            glyphs::to_ascii(buffer);
        }
    }

    /// What the decoder has to publish so that a screen of this size can be drawn.
    #[must_use]
    pub fn view(&self, app: &App, screen: Rect) -> View {
        let area = Screen::new(app, screen)
            .and_then(|screen| screen.panes.into_iter().find(|(pane, _)| *pane == Pane::Streams));
        streams::view(app, self.ascii, area.map(|(_, area)| area))
    }
}
