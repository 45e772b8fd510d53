//! How many bytes the whole monitor writes to a terminal of 160×48 while everything on it changes, with 14
//! traces in RGB colours: the budgets for slow connections. The same in every run.

use std::{
    fs, io,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use cortop::{
    app::{Action, Message, ScrollMode, Throughput},
    terminal::{Output, Screen as _, Tty},
    ui::{Colors, UiOptions},
};
use ratatui::{Terminal, TerminalOptions, Viewport, layout::Rect};

use crate::{
    alive::LiveFixture,
    fixture::{Fixture, options},
};

const SIZE: (u16, u16) = (160, 48);
const FRAMES_A_SECOND: u32 = 10;
/// Seconds until everything is filled, and seconds measured: a whole window of ten seconds.
const FILLED: u32 = 12;
const MEASURED: u32 = 10;

/// Neighbours differ in colour, and each colour takes the most bytes.
const RGB: &str = r##"
[tokens]
trace = { color = "green", rgb = "#64c896" }
trace-alt = { color = "cyan", rgb = "#7896f0" }
"##;

/// Counts what a terminal would receive.
struct ByteCounter(Arc<AtomicUsize>);

impl io::Write for ByteCounter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.fetch_add(bytes.len(), Ordering::Relaxed);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Bytes per second.
fn written(motion: ScrollMode, zoomed: bool, full_redraw: bool) -> usize {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("rgb.toml"), RGB).expect("written");
    let themes = Some(folder.path().to_owned());
    let mut fixture =
        Fixture::new(&UiOptions { colors: Colors::Rgb, themes, ..options() }).streaming();
    fixture.choose_theme("rgb");
    if zoomed {
        fixture.zoom();
    }
    if motion == ScrollMode::Scroll {
        fixture.apply(Action::Sweep);
    }
    let mut alive = LiveFixture::new(fixture);
    let written = Arc::new(AtomicUsize::new(0));
    let tty =
        Tty::over(ByteCounter(Arc::clone(&written)), Output { full_redraw, ..Output::default() });
    let viewport = Viewport::Fixed(Rect::new(0, 0, SIZE.0, SIZE.1));
    let mut terminal = Terminal::with_options(tty, TerminalOptions { viewport }).expect("fixed");
    let mut second = || {
        let before = written.load(Ordering::Relaxed);
        for _ in 0..FRAMES_A_SECOND {
            alive.pass(Duration::from_secs(1) / FRAMES_A_SECOND, SIZE);
            terminal.draw(|frame| alive.fixture.draw(frame)).expect("drawn");
            while !terminal.backend_mut().is_ready(false) {
                thread::yield_now();
            }
        }
        let bytes = written.load(Ordering::Relaxed) - before;
        let throughput = Throughput {
            bytes: bytes as f64,
            frames: f64::from(FRAMES_A_SECOND),
            held_back: false,
        };
        alive.fixture.update(Message::Throughput(throughput));
        bytes
    };
    let _filled: usize = (0..FILLED).map(|_| second()).sum();
    (0..MEASURED).map(|_| second()).sum::<usize>() / MEASURED as usize
}

/// The budgets in bytes per second, for the traces alone on the screen and among the other panes.
fn keeps_within(mode: ScrollMode, full_redraw: bool, budget: usize) {
    for zoomed in [false, true] {
        let bytes = written(mode, zoomed, full_redraw);
        println!("zoomed {zoomed}: {bytes} B/s of {budget}");
        assert!(bytes <= budget, "zoomed {zoomed}: {bytes} B/s");
    }
}

#[test]
fn a_sweep_keeps_within_its_bytes_a_second() {
    keeps_within(ScrollMode::Sweep, false, 6000);
}

#[test]
fn a_scroll_keeps_within_its_bytes_a_second() {
    keeps_within(ScrollMode::Scroll, false, 8000);
}

#[test]
fn a_full_redraw_keeps_within_its_bytes_a_second() {
    keeps_within(ScrollMode::Sweep, true, 16_000);
}
