//! What the loop draws on: a ratatui backend that also says whether a frame may be drawn now. The
//! real one collects a frame and hands it to the writer thread when ratatui flushes it.

use std::{fs::File, future, io, time::Duration};

use crossterm::{
    clipboard::CopyToClipboard,
    cursor::{Hide, MoveTo, Show},
    queue,
    terminal::{Clear, window_size},
};
use ratatui::{
    Terminal, TerminalOptions, Viewport,
    backend::{Backend, ClearType, CrosstermBackend, TestBackend, WindowSize},
    buffer::Cell,
    layout::{Position, Rect, Size},
};
use tokio::time::{Instant, timeout};

use super::{guard, pace::Pace, pen::Pen, writer::Writer};
use crate::app::Throughput;

/// Leaving waits no longer than this for a terminal that stalls.
const DRAIN: Duration = Duration::from_secs(1);
const BEGIN: &[u8] = b"\x1b[?2026h";
const END: &[u8] = b"\x1b[?2026l";

/// What the loop draws on. The defaults are those of a screen in memory: always there, never busy.
pub trait Screen: Backend<Error: std::error::Error> {
    /// Whether a frame drawn now would go out at once. `_answer`: it would show what a key did, which
    /// is not held back for the sake of the bytes.
    fn is_ready(&mut self, _answer: bool) -> bool {
        true
    }

    /// Ends when the terminal is gone.
    fn gone(&self) -> impl Future<Output = ()> + Send {
        future::pending()
    }

    /// What went out since the last call.
    fn throughput(&mut self) -> Throughput {
        Throughput::default()
    }

    /// Puts a text on the clipboard of whoever sits at the terminal (OSC 52); many terminals ask
    /// first, or take none, and none of them tells.
    ///
    /// # Errors
    /// The terminal is gone.
    fn copy(&mut self, text: &str) -> io::Result<()> {
        let _ = text;
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
/// ask the system for the size at every frame: the loop resizes it when told of a new size.
///
/// # Errors
/// The size cannot be had: the terminal is gone.
pub fn terminal<S: Screen>(screen: S) -> Result<Terminal<S>, S::Error> {
    let area = Rect::from((Position::ORIGIN, screen.size()?));
    Terminal::with_options(screen, TerminalOptions { viewport: Viewport::Fixed(area) })
}

/// How frames go out.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Output {
    /// Most bytes a second.
    pub limit: Option<f64>,
    /// Whether frames are wrapped in synchronized output, so that none shows half drawn.
    pub synchronized: bool,
    /// Whether ratatui's own backend draws, which says more than it needs to and believes less of
    /// the terminal.
    pub plain: bool,
}

impl Default for Output {
    fn default() -> Self {
        Self { limit: None, synchronized: true, plain: false }
    }
}

/// The real terminal.
#[derive(Debug)]
pub struct Tty {
    /// The frame so far; empty, or [`BEGIN`] and what was drawn.
    frame: Vec<u8>,
    writer: Writer,
    pace: Pace,
    synchronized: bool,
    /// Draws with few bytes; `None` where ratatui's own backend is asked for.
    pen: Option<Pen>,
    cursor_shown: bool,
}

impl Tty {
    /// Starts the writer over standard output.
    ///
    /// # Errors
    /// Standard output cannot be shared, or no thread can be had.
    pub fn new(output: Output) -> io::Result<Self> {
        Self::with(guard::Out(stdout()?), direct().map(guard::Out), output)
    }

    /// Starts the writer over anything that takes bytes.
    ///
    /// # Errors
    /// No thread can be had.
    pub fn over(out: impl io::Write + Send + 'static, output: Output) -> io::Result<Self> {
        Self::with(out, None, output)
    }

    fn with(
        out: impl io::Write + Send + 'static,
        direct: Option<guard::Out<File>>,
        output: Output,
    ) -> io::Result<Self> {
        Ok(Self {
            frame: Vec::new(),
            writer: Writer::spawn(out, direct)?,
            pace: Pace::new(output.limit, Instant::now()),
            synchronized: output.synchronized,
            pen: (!output.plain).then(Pen::default),
            cursor_shown: false,
        })
    }

    /// What the terminal was told no longer holds, or must not: an erased cell would take the
    /// colour that is set.
    fn forget(&mut self) {
        self.frame();
        if let Some(pen) = &mut self.pen {
            pen.lift(&mut self.frame);
        }
    }

    fn frame(&mut self) -> &mut Vec<u8> {
        if self.synchronized && self.frame.is_empty() {
            self.frame.extend_from_slice(BEGIN);
        }
        &mut self.frame
    }
}

/// Standard output without the line buffer that [`io::stdout`] puts before it.
#[cfg(unix)]
pub(super) fn stdout() -> io::Result<File> {
    use std::os::fd::AsFd as _;
    Ok(io::stdout().as_fd().try_clone_to_owned()?.into())
}

/// Standard output; the console's own encoding needs the standard library's writer.
#[cfg(not(unix))]
pub(super) fn stdout() -> io::Result<io::Stdout> {
    Ok(io::stdout())
}

/// The terminal at standard output opened once more, so that writes do not wait: this is a property
/// of the open file, and standard output's is also the shell's.
#[cfg(unix)]
fn direct() -> Option<File> {
    use rustix::fs::{Mode, OFlags};
    let name = rustix::termios::ttyname(io::stdout(), Vec::new()).ok()?;
    let flags = OFlags::WRONLY | OFlags::NOCTTY | OFlags::NONBLOCK | OFlags::CLOEXEC;
    Some(rustix::fs::open(name, flags, Mode::empty()).ok()?.into())
}

/// There is no such way.
#[cfg(not(unix))]
fn direct() -> Option<File> {
    None
}

impl Screen for Tty {
    fn is_ready(&mut self, answer: bool) -> bool {
        let ready = self.writer.is_free() && self.pace.allows(Instant::now(), answer);
        if !ready {
            self.pace.held_back();
        }
        ready
    }

    fn gone(&self) -> impl Future<Output = ()> + Send {
        self.writer.gone()
    }

    fn throughput(&mut self) -> Throughput {
        self.pace.throughput(Instant::now())
    }

    fn copy(&mut self, text: &str) -> io::Result<()> {
        queue!(self.frame(), CopyToClipboard::to_clipboard_from(text))
    }

    fn enter(&mut self) -> io::Result<()> {
        self.forget();
        guard::enter()
    }

    async fn leave(&mut self) {
        let drained = timeout(DRAIN, self.writer.drained()).await.is_ok();
        guard::leave(drained);
    }
}

impl Backend for Tty {
    type Error = io::Error;

    fn draw<'a, I>(&mut self, content: I) -> io::Result<()>
    where
        I: Iterator<Item = (u16, u16, &'a Cell)>,
    {
        let mut content = content.peekable();
        // Even without content crossterm's backend would write its closing SGR sequences.
        if content.peek().is_none() {
            return Ok(());
        }
        self.frame();
        match &mut self.pen {
            Some(pen) => pen.draw(&mut self.frame, content),
            None => CrosstermBackend::new(&mut self.frame).draw(content)?,
        }
        Ok(())
    }

    fn hide_cursor(&mut self) -> io::Result<()> {
        // ratatui asks for it at every frame; it has been hidden since the terminal was taken over.
        if std::mem::take(&mut self.cursor_shown) { queue!(self.frame(), Hide) } else { Ok(()) }
    }

    fn show_cursor(&mut self) -> io::Result<()> {
        self.cursor_shown = true;
        queue!(self.frame(), Show)
    }

    fn get_cursor_position(&mut self) -> io::Result<Position> {
        // Asking the terminal would race the key reader for the answer.
        Err(io::ErrorKind::Unsupported.into())
    }

    fn set_cursor_position<P: Into<Position>>(&mut self, position: P) -> io::Result<()> {
        self.forget();
        let Position { x, y } = position.into();
        queue!(self.frame(), MoveTo(x, y))
    }

    fn clear(&mut self) -> io::Result<()> {
        self.clear_region(ClearType::All)
    }

    fn clear_region(&mut self, region: ClearType) -> io::Result<()> {
        use crossterm::terminal::ClearType as To;
        let region = match region {
            ClearType::All => To::All,
            ClearType::AfterCursor => To::FromCursorDown,
            ClearType::BeforeCursor => To::FromCursorUp,
            ClearType::CurrentLine => To::CurrentLine,
            ClearType::UntilNewLine => To::UntilNewLine,
        };
        self.forget();
        queue!(self.frame(), Clear(region))
    }

    fn size(&self) -> io::Result<Size> {
        crossterm::terminal::size().map(Size::from)
    }

    fn window_size(&mut self) -> io::Result<WindowSize> {
        let size = window_size()?;
        Ok(WindowSize {
            columns_rows: Size::new(size.columns, size.rows),
            pixels: Size::new(size.width, size.height),
        })
    }

    /// Hands the frame to the writer, if anything was drawn.
    fn flush(&mut self) -> io::Result<()> {
        if self.frame.is_empty() {
            return Ok(());
        }
        if self.synchronized {
            self.frame.extend_from_slice(END);
        }
        let bytes = self.frame.len();
        if self.writer.send(&mut self.frame) {
            self.pace.sent(bytes, Instant::now());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, Sender, channel};

    use ratatui::{style::Stylize as _, widgets::Paragraph};

    use super::*;

    struct Told(Sender<Vec<u8>>);

    impl io::Write for Told {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.send(bytes.to_vec()).expect("the test listens");
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn told(output: Output) -> (Terminal<Tty>, Receiver<Vec<u8>>) {
        let (writes, written) = channel();
        let tty = Tty::over(Told(writes), output).expect("a thread");
        let viewport = Viewport::Fixed(Rect::new(0, 0, 40, 10));
        (Terminal::with_options(tty, TerminalOptions { viewport }).expect("no size asked"), written)
    }

    async fn draw(terminal: &mut Terminal<Tty>, text: &str) {
        terminal
            .draw(|frame| frame.render_widget(Paragraph::new(text).bold().red(), frame.area()))
            .expect("drawn");
        terminal.backend_mut().writer.drained().await;
    }

    #[tokio::test]
    async fn a_frame_is_one_synchronized_write_that_shows_what_was_drawn() {
        for (synchronized, plain) in [(true, false), (true, true), (false, false)] {
            let (mut terminal, written) = told(Output { synchronized, plain, ..Output::default() });
            let mut screen = vt100::Parser::new(10, 40, 0);
            let lines: Vec<String> =
                (0..10).map(|row| format!("row {row} of the picture")).collect();
            for text in [lines.join("\n"), "another".to_owned()] {
                draw(&mut terminal, &text).await;
                let frame = written.try_recv().expect("one write");
                assert!(written.try_recv().is_err(), "one write only");
                assert_eq!(frame.starts_with(BEGIN) && frame.ends_with(END), synchronized);
                screen.process(&frame);
                let shown: Vec<String> = screen.screen().rows(0, 40).collect();
                let shown = shown.iter().map(|row| row.trim_end());
                assert_eq!(shown.collect::<Vec<_>>().join("\n").trim_end(), text);
            }
        }
    }

    #[tokio::test]
    async fn a_frame_without_a_change_writes_nothing() {
        let (mut terminal, written) = told(Output::default());
        draw(&mut terminal, "the same").await;
        draw(&mut terminal, "the same").await;
        assert!(written.try_recv().is_ok() && written.try_recv().is_err());
        assert!(terminal.backend().frame.is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn a_terminal_that_stalls_costs_frames_and_delays_leaving_by_a_second() {
        struct Stalled(std::sync::mpsc::Receiver<()>);
        impl io::Write for Stalled {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                let _ = self.0.recv();
                Err(io::ErrorKind::BrokenPipe.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let (_stall, stalled) = channel();
        let mut tty = Tty::over(Stalled(stalled), Output::default()).expect("a thread");
        tty.show_cursor().expect("collected");
        tty.flush().expect("in the mailbox");
        assert!(!tty.is_ready(false));
        assert!(timeout(Duration::from_mins(10), tty.gone()).await.is_err(), "it may go on");
        let leaving = Instant::now();
        tty.leave().await;
        assert_eq!(leaving.elapsed(), DRAIN);
    }

    #[tokio::test]
    async fn the_pace_counts_what_was_written_and_holds_the_next_frame() {
        let (mut terminal, written) = told(Output::default());
        terminal.backend_mut().pace = Pace::new(Some(1.0), Instant::now());
        assert!(terminal.backend_mut().is_ready(false));
        draw(&mut terminal, "dear").await;
        assert!(!terminal.backend_mut().is_ready(false));
        let bytes = written.try_recv().expect("a frame").len();
        assert!(terminal.backend_mut().throughput().held_back && bytes > 0);
    }
}
