//! The bytes of a frame at 160×48 and 30 frames a second, against F, those of the first full frame:
//! 14 traces in RGB colours with nothing beside them that changes faster. The same in every run.

#![expect(clippy::expect_used, reason = "a bench that cannot be set up has failed")]

#[path = "../tests/ui/alive.rs"]
mod alive;
#[path = "../tests/ui/fixture.rs"]
#[expect(dead_code, reason = "the tests use the rest")]
mod fixture;

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use alive::Alive;
use cortop::{
    app::ScrollMode,
    terminal::{Output, Screen as _, Tty},
    ui::{Colors, Options},
};
use fixture::{Stage, options};
use ratatui::{Terminal, TerminalOptions, Viewport, layout::Rect};

const SIZE: (u16, u16) = (160, 48);
const FRAMES_A_SECOND: u32 = 30;
/// Not measured: until the window is full.
const FILLED: Duration = Duration::from_secs(22);
/// Two windows.
const FRAMES: u32 = 20 * FRAMES_A_SECOND;
/// Ways of drawing, and which part of F a frame may take.
const WAYS: [(&str, ScrollMode, bool, usize); 3] = [
    ("sweep", ScrollMode::Sweep, false, 95),
    ("scroll", ScrollMode::Scroll, false, 60),
    ("sweep by ratatui's own backend", ScrollMode::Sweep, true, 50),
];

fn main() {
    for (name, motion, full_redraw, part) in WAYS {
        let mut screen = Screen::new(motion, full_redraw);
        screen.alive.pass(FILLED, SIZE);
        let full = screen.draw();
        let still = screen.draw();
        let (mut bytes, mut most) = (0, 0);
        for _ in 0..FRAMES {
            screen.alive.pass(Duration::from_secs(1) / FRAMES_A_SECOND, SIZE);
            let frame = screen.draw();
            bytes += frame.bytes;
            most = most.max(frame.writes);
        }
        let frame = bytes as f64 / f64::from(FRAMES);
        let f = full.bytes as f64;
        println!(
            "{name}: {frame:.0} bytes a frame, F/{:.0} (F = {f:.0}, target ≤ F/{part}); writes a \
             frame: {most} (target ≤ 1); unchanged: {} bytes, {} writes (target 0)",
            f / frame,
            still.bytes,
            still.writes,
        );
    }
}

/// What a terminal got.
#[derive(Default)]
struct Got {
    bytes: AtomicUsize,
    writes: AtomicUsize,
}

struct Counter(Arc<Got>);

impl io::Write for Counter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.bytes.fetch_add(bytes.len(), Ordering::Relaxed);
        self.0.writes.fetch_add(1, Ordering::Relaxed);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What a frame took.
struct Frame {
    bytes: usize,
    writes: usize,
}

struct Screen {
    alive: Alive,
    terminal: Terminal<Tty>,
    got: Arc<Got>,
}

impl Screen {
    fn new(motion: ScrollMode, full_redraw: bool) -> Self {
        let options = Options { colors: Colors::Rgb, ..options() };
        let mut alive = Alive::new(Stage::new(&options).streaming());
        alive.stage.app.zoomed = true;
        alive.stage.app.streams.scroll_mode = motion;
        let got = Arc::new(Got::default());
        let tty = Tty::over(Counter(Arc::clone(&got)), Output { full_redraw, ..Output::default() });
        let viewport = Viewport::Fixed(Rect::new(0, 0, SIZE.0, SIZE.1));
        let terminal = Terminal::with_options(tty.expect("a thread"), TerminalOptions { viewport });
        Self { alive, terminal: terminal.expect("fixed"), got }
    }

    fn draw(&mut self) -> Frame {
        let stage = &self.alive.stage;
        self.terminal.draw(|frame| stage.draw(frame)).expect("drawn");
        while !self.terminal.backend_mut().is_ready(false) {
            thread::yield_now();
        }
        let take = |count: &AtomicUsize| count.swap(0, Ordering::Relaxed);
        Frame { bytes: take(&self.got.bytes), writes: take(&self.got.writes) }
    }
}
