//! The screen that event loops draw on: a ratatui backend that also reports whether a frame may be drawn now.
//! It need not be a tty: a screen in memory works as well.

use std::{future, io};

use ratatui::{
    Terminal, TerminalOptions, Viewport,
    backend::{Backend, TestBackend},
    layout::{Position, Rect},
};

use crate::app::{NotificationProtocol, Throughput};

/// A screen to draw on. The defaults are those of a screen in memory: always available, never busy.
pub trait Screen: Backend<Error: std::error::Error> {
    /// Whether a frame drawn now would be sent immediately. `_answer`: the frame answers a key, and so is
    /// held back only briefly.
    fn is_ready(&mut self, _answer: bool) -> bool {
        true
    }

    /// Completes when the terminal is gone.
    fn closed(&self) -> impl Future<Output = ()> + Send {
        future::pending()
    }

    /// The output since the last call.
    fn throughput(&mut self) -> Throughput {
        Throughput::default()
    }

    /// Puts a text on the clipboard of the terminal's user (OSC 52). Many terminals ask first or refuse, and
    /// none reports whether it accepted the text.
    ///
    /// # Errors
    /// The terminal is gone.
    fn copy(&mut self, text: &str) -> io::Result<()> {
        let _ = text;
        Ok(())
    }

    /// Rings the bell.
    ///
    /// # Errors
    /// The terminal is gone.
    fn bell(&mut self) -> io::Result<()> {
        Ok(())
    }

    /// Asks the terminal for a desktop notification; terminals without support ignore it.
    ///
    /// # Errors
    /// The terminal is gone.
    fn notification(&mut self, protocol: NotificationProtocol, text: &str) -> io::Result<()> {
        let _ = (protocol, text);
        Ok(())
    }

    /// Turns the terminal's reports of clicks and wheel on or off.
    ///
    /// # Errors
    /// The terminal is gone.
    fn mouse(&mut self, on: bool) -> io::Result<()> {
        let _ = on;
        Ok(())
    }

    /// Takes the terminal over, initially or after the shell had it.
    ///
    /// # Errors
    /// The terminal is gone.
    fn enter(&mut self) -> io::Result<()> {
        Ok(())
    }

    /// Restores the terminal, waiting at most a second for the last frame.
    fn leave(&mut self) -> impl Future<Output = ()> + Send {
        future::ready(())
    }
}

impl Screen for TestBackend {}

/// A ratatui terminal that covers the whole screen. Its viewport is fixed, as ratatui would otherwise query
/// the size at every frame: the loop resizes it when the size changes.
///
/// # Errors
/// The size is unavailable because the terminal is gone.
pub fn terminal<S: Screen>(screen: S) -> Result<Terminal<S>, S::Error> {
    let area = Rect::from((Position::ORIGIN, screen.size()?));
    Terminal::with_options(screen, TerminalOptions { viewport: Viewport::Fixed(area) })
}
