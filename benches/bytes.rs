//! The bytes of a frame at 160×48 and 30 frames per second, relative to F, those of the first full frame: 14
//! traces in RGB colours with nothing beside them that changes faster, alone on the screen and among the
//! other panes. The same in every run.

#![expect(clippy::expect_used, reason = "a bench that cannot be set up has failed")]

#[path = "../tests/ui/alive.rs"]
mod alive;
#[path = "../tests/ui/fixture.rs"]
#[expect(dead_code, reason = "the tests use the rest")]
mod fixture;
mod targets;

use std::{
    io,
    process::ExitCode,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use alive::LiveFixture;
use cortop::{
    app::{Action, ScrollMode},
    terminal::{Output, Screen as _, Tty},
    ui::{Colors, UiOptions},
};
use fixture::{Fixture, options};
use ratatui::{Terminal, TerminalOptions, Viewport, layout::Rect};
use targets::Targets;

const SIZE: (u16, u16) = (160, 48);
const FRAMES_A_SECOND: u32 = 30;
/// Time until the window is full, which is not measured.
const FILLED: Duration = Duration::from_secs(22);
/// Two windows.
const FRAMES: u32 = 20 * FRAMES_A_SECOND;
/// A drawing configuration.
struct DrawCase {
    name: &'static str,
    motion: ScrollMode,
    full_redraw: bool,
    /// Whether the streams fill the screen.
    zoomed: bool,
    /// The budget of a frame.
    limit: Limit,
}

/// The maximum bytes of a frame.
enum Limit {
    /// A share of F.
    Part(u32),
    /// What it took before the screen was designed to be read at a glance.
    Bytes(u32),
}

const SWEEP: DrawCase = DrawCase {
    name: "sweep",
    motion: ScrollMode::Sweep,
    full_redraw: false,
    zoomed: true,
    limit: Limit::Part(95),
};
const SCROLL: DrawCase =
    DrawCase { name: "scroll", motion: ScrollMode::Scroll, limit: Limit::Part(60), ..SWEEP };
const CASES: [DrawCase; 5] = [
    SWEEP,
    SCROLL,
    DrawCase {
        name: "sweep by ratatui's own backend",
        full_redraw: true,
        limit: Limit::Part(50),
        ..SWEEP
    },
    DrawCase { name: "sweep among all panes", zoomed: false, limit: Limit::Bytes(92), ..SWEEP },
    DrawCase { name: "scroll among all panes", zoomed: false, limit: Limit::Bytes(147), ..SCROLL },
];

fn main() -> ExitCode {
    let mut targets = Targets::default();
    for case in CASES {
        let DrawCase { name, .. } = case;
        let mut screen = CountedScreen::new(&case);
        screen.alive.pass(FILLED, SIZE);
        let full = screen.draw();
        let still = screen.draw();
        let (mut bytes, mut most) = (0, 0_u32);
        for _ in 0..FRAMES {
            screen.alive.pass(Duration::from_secs(1) / FRAMES_A_SECOND, SIZE);
            let frame = screen.draw();
            bytes += frame.bytes;
            most = most.max(u32::try_from(frame.writes).unwrap_or(u32::MAX));
        }
        let frame = bytes as f64 / f64::from(FRAMES);
        let f = full.bytes as f64;
        println!("{name}: F, the first full frame, takes {f:.0} bytes");
        let share = format!("{frame:.0} bytes, F/{:.0}", f / frame);
        let (target, most_bytes) = match case.limit {
            Limit::Part(part) => (format!("F/{part}"), f / f64::from(part)),
            Limit::Bytes(bytes) => (format!("≤ {bytes}"), f64::from(bytes)),
        };
        targets.hold("  a frame", share, frame, target, most_bytes);
        targets.hold("  its writes", most, f64::from(most), "≤ 1", 1.0);
        let unchanged = still.bytes + still.writes;
        targets.hold("  an unchanged frame, bytes", still.bytes, unchanged as f64, "0", 0.0);
    }
    targets.outcome()
}

/// What a terminal received.
#[derive(Default)]
struct Counts {
    bytes: AtomicUsize,
    writes: AtomicUsize,
}

struct ByteCounter(Arc<Counts>);

impl io::Write for ByteCounter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.bytes.fetch_add(bytes.len(), Ordering::Relaxed);
        self.0.writes.fetch_add(1, Ordering::Relaxed);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The cost of a frame.
struct Frame {
    bytes: usize,
    writes: usize,
}

struct CountedScreen {
    alive: LiveFixture,
    terminal: Terminal<Tty>,
    got: Arc<Counts>,
}

impl CountedScreen {
    fn new(case: &DrawCase) -> Self {
        let options = UiOptions { colors: Colors::Rgb, ..options() };
        let mut fixture = Fixture::new(&options).streaming();
        if case.zoomed {
            fixture.zoom();
        }
        if case.motion == ScrollMode::Scroll {
            fixture.apply(Action::Sweep);
        }
        let alive = LiveFixture::new(fixture);
        let got = Arc::new(Counts::default());
        let output = Output { full_redraw: case.full_redraw, ..Output::default() };
        let tty = Tty::over(ByteCounter(Arc::clone(&got)), output);
        let viewport = Viewport::Fixed(Rect::new(0, 0, SIZE.0, SIZE.1));
        let terminal = Terminal::with_options(tty, TerminalOptions { viewport });
        Self { alive, terminal: terminal.expect("fixed"), got }
    }

    fn draw(&mut self) -> Frame {
        let fixture = &self.alive.fixture;
        self.terminal.draw(|frame| fixture.draw(frame)).expect("drawn");
        while !self.terminal.backend_mut().is_ready(false) {
            thread::yield_now();
        }
        let take = |count: &AtomicUsize| count.swap(0, Ordering::Relaxed);
        Frame { bytes: take(&self.got.bytes), writes: take(&self.got.writes) }
    }
}
