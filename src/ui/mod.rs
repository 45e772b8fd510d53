//! App → frame. One pane a file; a theme becomes styles; nothing here changes state.

use ratatui::{Frame, layout::Rect};

use crate::{app::App, signal::View};

/// How the monitor is drawn: themes and glyphs.
#[derive(Debug)]
pub struct Ui {}

impl Ui {
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
