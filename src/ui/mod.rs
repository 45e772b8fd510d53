//! App → frame. One pane a file; a theme becomes styles; nothing here changes state.

use std::path::PathBuf;

use ratatui::{Frame, layout::Rect};

use crate::{app::App, signal::View};

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
}

/// How the monitor is drawn: themes and glyphs.
#[derive(Debug)]
pub struct Ui {}

impl Ui {
    /// Loads the themes. Each theme file that cannot be read is left out with a warning: a
    /// sentence naming the file, the place and the next step.
    #[must_use]
    pub fn new(options: &Options) -> (Self, Vec<String>) {
        let _ = options;
        todo!()
    }

    /// The names of the themes, the default first, for [`crate::app::Settings::themes`].
    #[must_use]
    pub fn theme_names(&self) -> Vec<String> {
        let _ = self;
        todo!()
    }

    /// Draws the whole screen.
    pub fn draw(&self, app: &App, frame: &mut Frame) {
        let _ = (self, app, frame);
        todo!()
    }

    /// What the decoder has to publish so that a screen of this size can be drawn.
    #[must_use]
    pub fn view(&self, app: &App, screen: Rect) -> View {
        let _ = (self, app, screen);
        todo!()
    }
}
