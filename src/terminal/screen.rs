//! What the event loop draws on: a ratatui backend that also says whether a frame may be drawn now.
//! Knows no tty, so that a screen in memory does as well.

use std::{future, io};

use ratatui::{
    Terminal, TerminalOptions, Viewport,
    backend::{Backend, TestBackend},
    layout::{Position, Rect},
};

use crate::app::{NotificationProtocol, Throughput};

/// What the loop draws on. The defaults are those of a screen in memory: always there, never busy.
pub trait Screen: Backend<Error: std::error::Error> {
    /// Whether a frame drawn now would go out at once. `_answer`: it answers a key, and so is held
    /// back for a short while only.
    fn is_ready(&mut self, _answer: bool) -> bool {
        true
    }

    /// Ends when the terminal is gone.
    fn closed(&self) -> impl Future<Output = ()> + Send {
        future::pending()
    }

    /// What went out since the last call.
    fn throughput(&mut self) -> Throughput {
        Throughput::default()
    }

    /// Puts a text on the clipboard of whoever sits at the terminal (OSC 52). Many terminals ask
    /// first or refuse, and none reports whether it accepted the text.
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

    /// Has the terminal show a desktop notification; one that cannot, ignores it.
    ///
    /// # Errors
    /// The terminal is gone.
    fn notification(&mut self, protocol: NotificationProtocol, text: &str) -> io::Result<()> {
        let _ = (protocol, text);
        Ok(())
    }

    /// Has the terminal report clicks and the wheel of the mouse, or not.
    ///
    /// # Errors
    /// The terminal is gone.
    fn mouse(&mut self, on: bool) -> io::Result<()> {
        let _ = on;
        Ok(())
    }

    /// Takes the terminal over, also again after the shell had it.
    ///
    /// # Errors
    /// The terminal is gone.
    fn enter(&mut self) -> io::Result<()> {
        Ok(())
    }

    /// Gives the terminal back, waiting at most a second for the last frame.
    fn leave(&mut self) -> impl Future<Output = ()> + Send {
        future::ready(())
    }
}

impl Screen for TestBackend {}

/// A ratatui terminal over the whole of a screen. Its viewport is fixed, as ratatui would otherwise
/// ask the system for the size at every frame: the loop resizes it when the size changes.
///
/// # Errors
/// The size cannot be had: the terminal is gone.
pub fn terminal<S: Screen>(screen: S) -> Result<Terminal<S>, S::Error> {
    let area = Rect::from((Position::ORIGIN, screen.size()?));
    Terminal::with_options(screen, TerminalOptions { viewport: Viewport::Fixed(area) })
}
