//! A backend whose picture can be watched while the program runs: a test waits for the text it expects, as a
//! person would.

use std::{convert::Infallible, io, time::Duration};

use cortop::terminal::Screen;
use ratatui::{
    backend::{Backend, ClearType, TestBackend, WindowSize},
    buffer::Cell,
    layout::{Position, Size},
};
use tokio::{sync::watch, time::timeout};

/// How long a text may take to appear before the story has failed.
const PATIENCE: Duration = Duration::from_secs(20);

/// A [`TestBackend`] that publishes its text at each flush.
pub(crate) struct WatchedScreen {
    backend: TestBackend,
    text: watch::Sender<String>,
    clipboard: watch::Sender<String>,
}

/// Observes a [`WatchedScreen`] from outside.
pub(crate) struct Reader {
    text: watch::Receiver<String>,
    /// What was copied last.
    pub(crate) clipboard: watch::Receiver<String>,
}

/// Makes a screen of a size, and its reader.
pub(crate) fn screen(width: u16, height: u16) -> (WatchedScreen, Reader) {
    let (text, read) = watch::channel(String::new());
    let (clipboard, copied) = watch::channel(String::new());
    let screen = WatchedScreen { backend: TestBackend::new(width, height), text, clipboard };
    (screen, Reader { text: read, clipboard: copied })
}

impl Reader {
    /// Waits until the screen satisfies a condition; returns its text.
    ///
    /// # Panics
    /// If it never does; the message contains the screen's text.
    pub(crate) async fn wait(&mut self, what: &str, condition: impl Fn(&str) -> bool) -> String {
        let seen = self.until(condition).await;
        seen.unwrap_or_else(|why| panic!("waiting for {what}: {why}"))
    }

    /// The same for callers with their own message: the error is the screen's text.
    pub(crate) async fn until(
        &mut self,
        condition: impl Fn(&str) -> bool,
    ) -> Result<String, String> {
        let met = self.text.wait_for(|text| condition(text));
        let met = timeout(PATIENCE, met).await.map(|met| met.map(|text| text.clone()));
        let why = match met {
            Ok(Ok(text)) => return Ok(text),
            Ok(Err(_)) => "the program ended before it came",
            Err(_) => "it did not come in time",
        };
        Err(format!("{why}; on the screen was\n{}", *self.text.borrow()))
    }

    /// Waits for a text.
    pub(crate) async fn wait_for(&mut self, text: &str) -> String {
        self.wait(text, |screen| screen.contains(text)).await
    }
}

impl Backend for WatchedScreen {
    type Error = Infallible;

    fn draw<'a, I>(&mut self, content: I) -> Result<(), Self::Error>
    where
        I: Iterator<Item = (u16, u16, &'a Cell)>,
    {
        self.backend.draw(content)
    }

    fn hide_cursor(&mut self) -> Result<(), Self::Error> {
        self.backend.hide_cursor()
    }

    fn show_cursor(&mut self) -> Result<(), Self::Error> {
        self.backend.show_cursor()
    }

    fn get_cursor_position(&mut self) -> Result<Position, Self::Error> {
        self.backend.get_cursor_position()
    }

    fn set_cursor_position<P: Into<Position>>(&mut self, position: P) -> Result<(), Self::Error> {
        self.backend.set_cursor_position(position)
    }

    fn clear(&mut self) -> Result<(), Self::Error> {
        self.backend.clear()
    }

    fn clear_region(&mut self, kind: ClearType) -> Result<(), Self::Error> {
        self.backend.clear_region(kind)
    }

    fn size(&self) -> Result<Size, Self::Error> {
        self.backend.size()
    }

    fn window_size(&mut self) -> Result<WindowSize, Self::Error> {
        self.backend.window_size()
    }

    fn flush(&mut self) -> Result<(), Self::Error> {
        let buffer = self.backend.buffer();
        let text = buffer
            .content()
            .chunks(usize::from(buffer.area.width).max(1))
            .map(|row| row.iter().map(Cell::symbol).chain(["\n"]).collect::<String>())
            .collect();
        self.text.send_replace(text);
        Ok(())
    }
}

impl Screen for WatchedScreen {
    fn copy(&mut self, text: &str) -> io::Result<()> {
        self.clipboard.send_replace(text.to_owned());
        Ok(())
    }
}
