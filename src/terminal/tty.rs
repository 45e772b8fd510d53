//! The real terminal as a screen: collects a frame and passes it to the writer when ratatui flushes it.

use std::{fs::File, io, time::Duration};

use crossterm::{
    clipboard::CopyToClipboard,
    cursor::{Hide, MoveTo, Show},
    queue,
    style::Print,
    terminal::{Clear, window_size},
};
use ratatui::{
    backend::{Backend, ClearType, CrosstermBackend, WindowSize},
    buffer::Cell,
    layout::{Position, Size},
};
use tokio::{
    join,
    sync::oneshot,
    time::{Instant, timeout},
};

use super::{
    device, diff_writer::DiffWriter, frame_writer::FrameWriter, guard, rate_limiter::RateLimiter,
    screen::Screen,
};
use crate::app::{NotificationProtocol, Throughput};
use cortop_client::sanitize::clean_bounded;

/// How long leaving waits for a terminal that stalls.
const DRAIN: Duration = Duration::from_secs(1);
const BEGIN_FRAME: &[u8] = b"\x1b[?2026h";
const END_FRAME: &[u8] = b"\x1b[?2026l";

/// How frames are written.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Output {
    /// Maximum bytes per second.
    pub max_rate: Option<f64>,
    /// Whether frames are wrapped in synchronized output, so that none is visible half drawn.
    pub synchronized: bool,
    /// Whether to use ratatui's own backend: it positions and styles each run of cells anew, and so depends
    /// less on the terminal, but writes more bytes.
    pub full_redraw: bool,
    /// Whether the terminal is tmux, which forwards a notification only if it is wrapped.
    pub tmux: bool,
}

impl Default for Output {
    fn default() -> Self {
        Self { max_rate: None, synchronized: true, full_redraw: false, tmux: false }
    }
}

/// The real terminal.
pub struct Tty {
    /// The frame so far: empty, or [`BEGIN_FRAME`] and what was drawn.
    frame: Vec<u8>,
    writer: FrameWriter,
    limiter: RateLimiter,
    synchronized: bool,
    tmux: bool,
    /// `None` if ratatui's own backend is used.
    diff: Option<DiffWriter>,
    cursor_shown: bool,
    /// Ends once the terminal's answers to a probe have been read.
    answered: Option<oneshot::Receiver<()>>,
}

impl Tty {
    /// The terminal at standard output.
    ///
    /// # Errors
    /// Standard output cannot be duplicated.
    pub fn new(output: Output) -> io::Result<Self> {
        let nonblocking = device::nonblocking_stdout().map(guard::GuardedOutput);
        Ok(Self::with_writer(guard::GuardedOutput(device::stdout()?), nonblocking, output))
    }

    /// A terminal that writes to `out`.
    #[must_use]
    pub fn over(out: impl io::Write + Send + 'static, output: Output) -> Self {
        Self::with_writer(out, None, output)
    }

    fn with_writer(
        out: impl io::Write + Send + 'static,
        nonblocking: Option<guard::GuardedOutput<File>>,
        output: Output,
    ) -> Self {
        Self {
            frame: Vec::new(),
            writer: FrameWriter::new(out, nonblocking),
            limiter: RateLimiter::new(output.max_rate, Instant::now()),
            synchronized: output.synchronized,
            tmux: output.tmux,
            diff: (!output.full_redraw).then(DiffWriter::default),
            cursor_shown: false,
            answered: None,
        }
    }

    /// Makes leaving wait for `answered`, at most a second: an answer that arrives later would appear at the
    /// shell's prompt as if it had been typed.
    pub fn expect_answers(&mut self, answered: oneshot::Receiver<()>) {
        self.answered = Some(answered);
    }

    /// Called before the terminal is cleared or used by others.
    fn reset_diff(&mut self) {
        self.frame();
        if let Some(diff) = &mut self.diff {
            diff.reset(&mut self.frame);
        }
    }

    fn frame(&mut self) -> &mut Vec<u8> {
        if self.synchronized && self.frame.is_empty() {
            self.frame.extend_from_slice(BEGIN_FRAME);
        }
        &mut self.frame
    }
}

impl Screen for Tty {
    fn is_ready(&mut self, answer: bool) -> bool {
        let ready = self.writer.is_idle() && self.limiter.permits(Instant::now(), answer);
        if !ready {
            self.limiter.record_held_back();
        }
        ready
    }

    fn closed(&self) -> impl Future<Output = ()> + Send {
        self.writer.closed()
    }

    fn throughput(&mut self) -> Throughput {
        self.limiter.throughput(Instant::now())
    }

    fn copy(&mut self, text: &str) -> io::Result<()> {
        queue!(self.frame(), CopyToClipboard::to_clipboard_from(text))
    }

    fn bell(&mut self) -> io::Result<()> {
        queue!(self.frame(), Print('\x07'))
    }

    fn notification(&mut self, protocol: NotificationProtocol, text: &str) -> io::Result<()> {
        // Control characters would end the sequence, and a semicolon would divide it.
        let text = clean_bounded(text).replace(';', ",");
        let sequence = match protocol {
            NotificationProtocol::Off => return Ok(()),
            NotificationProtocol::Osc9 => format!("\x1b]9;cortop: {text}\x1b\\"),
            NotificationProtocol::Osc777 => format!("\x1b]777;notify;cortop;{text}\x1b\\"),
        };
        if self.tmux {
            let inner = sequence.replace('\x1b', "\x1b\x1b");
            queue!(self.frame(), Print(format!("\x1bPtmux;{inner}\x1b\\")))
        } else {
            queue!(self.frame(), Print(sequence))
        }
    }

    fn mouse(&mut self, on: bool) -> io::Result<()> {
        let code = if on { guard::MOUSE_ON } else { guard::MOUSE_OFF };
        queue!(self.frame(), Print(code))
    }

    fn enter(&mut self) -> io::Result<()> {
        self.reset_diff();
        guard::enter()
    }

    async fn leave(&mut self) {
        let answered = async {
            if let Some(answered) = self.answered.take() {
                let _ = timeout(DRAIN, answered).await;
            }
        };
        let (drained, ()) = join!(timeout(DRAIN, self.writer.drained()), answered);
        guard::leave(drained.is_ok());
    }
}

impl Backend for Tty {
    type Error = io::Error;

    fn draw<'a, I>(&mut self, content: I) -> io::Result<()>
    where
        I: Iterator<Item = (u16, u16, &'a Cell)>,
    {
        let mut content = content.peekable();
        // Without content, crossterm's backend would still write its closing SGR sequences.
        if content.peek().is_none() {
            return Ok(());
        }
        self.frame();
        match &mut self.diff {
            Some(diff) => diff.draw(&mut self.frame, content),
            None => CrosstermBackend::new(&mut self.frame).draw(content)?,
        }
        Ok(())
    }

    fn hide_cursor(&mut self) -> io::Result<()> {
        // ratatui requests this at every frame; the cursor has been hidden since the terminal was taken over.
        if std::mem::take(&mut self.cursor_shown) { queue!(self.frame(), Hide) } else { Ok(()) }
    }

    fn show_cursor(&mut self) -> io::Result<()> {
        self.cursor_shown = true;
        queue!(self.frame(), Show)
    }

    fn get_cursor_position(&mut self) -> io::Result<Position> {
        // Querying the terminal would race the key reader for the answer.
        Err(io::ErrorKind::Unsupported.into())
    }

    fn set_cursor_position<P: Into<Position>>(&mut self, position: P) -> io::Result<()> {
        self.reset_diff();
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
        self.reset_diff();
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

    /// Passes the frame to the writer, if anything was drawn.
    fn flush(&mut self) -> io::Result<()> {
        if self.frame.is_empty() {
            return Ok(());
        }
        if self.synchronized {
            self.frame.extend_from_slice(END_FRAME);
        }
        let bytes = self.frame.len();
        if self.writer.send(&mut self.frame) {
            self.limiter.record(bytes, Instant::now());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, Sender, channel};

    use ratatui::{
        Terminal, TerminalOptions, Viewport, layout::Rect, style::Stylize as _, widgets::Paragraph,
    };

    use super::*;

    struct RecordingOutput(Sender<Vec<u8>>);

    impl io::Write for RecordingOutput {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.send(bytes.to_vec()).expect("the test listens");
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn recorded(output: Output) -> (Terminal<Tty>, Receiver<Vec<u8>>) {
        let (writes, written) = channel();
        let tty = Tty::over(RecordingOutput(writes), output);
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
        for (synchronized, full_redraw) in [(true, false), (true, true), (false, false)] {
            let (mut terminal, written) =
                recorded(Output { synchronized, full_redraw, ..Output::default() });
            let [rows, columns] = [10, 40].map(|it: u16| it.try_into().expect("more than none"));
            let mut screen = vt100::Parser::new(rows, columns, 0);
            let lines: Vec<String> =
                (0..10).map(|row| format!("row {row} of the picture")).collect();
            for text in [lines.join("\n"), "another".to_owned()] {
                draw(&mut terminal, &text).await;
                let frame = written.try_recv().expect("one write");
                assert!(written.try_recv().is_err(), "one write only");
                assert_eq!(
                    frame.starts_with(BEGIN_FRAME) && frame.ends_with(END_FRAME),
                    synchronized
                );
                screen.process(&frame);
                let shown: Vec<String> = screen.screen().rows(0, 40).collect();
                let shown = shown.iter().map(|row| row.trim_end());
                assert_eq!(shown.collect::<Vec<_>>().join("\n").trim_end(), text);
            }
        }
    }

    #[tokio::test]
    async fn a_frame_without_a_change_writes_nothing() {
        let (mut terminal, written) = recorded(Output::default());
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
        let mut tty = Tty::over(Stalled(stalled), Output::default());
        tty.show_cursor().expect("collected");
        tty.flush().expect("in the mailbox");
        assert!(!tty.is_ready(false));
        assert!(timeout(Duration::from_secs(10 * 60), tty.closed()).await.is_err(), "it may go on");
        let leaving = Instant::now();
        tty.leave().await;
        assert_eq!(leaving.elapsed(), DRAIN);
    }

    #[tokio::test]
    async fn a_notification_is_one_sequence_whatever_its_text_says() {
        let text = "EPOCX\x1b]0;x\x07;P8\u{9c}: é";
        let clean = "EPOCX\u{fffd}]0,x\u{fffd},P8\u{fffd}: é";
        for (protocol, tmux, expected) in [
            (NotificationProtocol::Osc9, false, format!("\x1b]9;cortop: {clean}\x1b\\")),
            (NotificationProtocol::Osc777, false, format!("\x1b]777;notify;cortop;{clean}\x1b\\")),
            (
                NotificationProtocol::Osc9,
                true,
                format!("\x1bPtmux;\x1b\x1b]9;cortop: {clean}\x1b\x1b\\\x1b\\"),
            ),
            (NotificationProtocol::Off, false, String::new()),
        ] {
            let output = Output { synchronized: false, tmux, ..Output::default() };
            let (mut terminal, written) = recorded(output);
            terminal.backend_mut().notification(protocol, text).expect("queued");
            terminal.backend_mut().flush().expect("handed over");
            terminal.backend_mut().writer.drained().await;
            let sent = written.try_recv().unwrap_or_default();
            assert_eq!(String::from_utf8_lossy(&sent), expected);
        }
    }

    #[tokio::test]
    async fn the_limiter_counts_what_was_written_and_holds_the_next_frame() {
        let (mut terminal, written) = recorded(Output::default());
        terminal.backend_mut().limiter = RateLimiter::new(Some(1.0), Instant::now());
        assert!(terminal.backend_mut().is_ready(false));
        draw(&mut terminal, "dear").await;
        assert!(!terminal.backend_mut().is_ready(false));
        let bytes = written.try_recv().expect("a frame").len();
        assert!(terminal.backend_mut().throughput().held_back && bytes > 0);
    }
}
