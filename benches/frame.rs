//! The cost of one frame at 160×48: the whole monitor with 14 traces, and an empty frame, which is ratatui's
//! minimum. Uses ratatui's own backend, so that only drawing is counted.

#![expect(clippy::expect_used, reason = "a bench that cannot be set up has failed")]

#[path = "../tests/ui/alive.rs"]
mod alive;
#[path = "../tests/ui/fixture.rs"]
#[expect(dead_code, reason = "the tests use the rest")]
mod fixture;
#[expect(dead_code, reason = "other benches use the rest")]
mod instructions;
mod targets;

use std::{process::ExitCode, sync::Arc, time::Duration};

use alive::LiveFixture;
use cortop::app::{Action, Message, ScrollMode};
use fixture::{Fixture, options};
use instructions::Work;
use ratatui::{Terminal, TerminalOptions, Viewport, backend::CrosstermBackend, layout::Rect};
use targets::Targets;

const SIZE: (u16, u16) = (160, 48);
/// A second at 30 frames, so that every frame has new data.
const FRAMES: u32 = 30;
/// How many empty frames a frame may cost.
const TARGETS: [(&str, f64); 2] = [("sweep", 2.0), ("scroll", 3.1)];

fn main() -> ExitCode {
    let [empty, sweep, scroll] = [None, Some(ScrollMode::Sweep), Some(ScrollMode::Scroll)]
        .map(|motion| move |turns| frames(motion, turns));
    let turns = (FRAMES, 11 * FRAMES);
    let work = [
        Work { name: "empty".to_owned(), turns, run: &empty },
        Work { name: "sweep".to_owned(), turns, run: &sweep },
        Work { name: "scroll".to_owned(), turns, run: &scroll },
    ];
    let mut targets = Targets::default();
    let costs = instructions::measure(&work);
    let Some([empty, traces @ ..]) = costs.as_deref() else { return targets.outcome() };
    println!("a frame, empty:      {empty}");
    for ((motion, target), cost) in TARGETS.iter().zip(traces) {
        let ratio = cost.number() / empty.number();
        let what = format!("a frame of a {motion:6}");
        let shown = format!("{cost}, {ratio:.2} times an empty one");
        targets.hold(what, shown, ratio, format!("≤ {target}"), *target);
    }
    targets.outcome()
}

/// Draws frames of the monitor, or empty ones.
fn frames(motion: Option<ScrollMode>, turns: u32) {
    let viewport = Viewport::Fixed(Rect::new(0, 0, SIZE.0, SIZE.1));
    let backend = CrosstermBackend::new(std::io::sink());
    let mut terminal =
        Terminal::with_options(backend, TerminalOptions { viewport }).expect("fixed");
    let mut alive = LiveFixture::new(Fixture::new(&options()).streaming());
    alive.fixture.zoom();
    if motion == Some(ScrollMode::Scroll) {
        alive.fixture.apply(Action::Sweep);
    }
    alive.pass(Duration::from_secs(12), SIZE);
    let pictures: Vec<_> = (0..FRAMES)
        .map(|_| {
            alive.pass(Duration::from_secs(1) / FRAMES, SIZE);
            Arc::clone(alive.fixture.snapshot())
        })
        .collect();
    for picture in pictures.iter().cycle().take(turns as usize) {
        alive.fixture.update(Message::Snapshot(Arc::clone(picture)));
        let LiveFixture { fixture, .. } = &alive;
        let draw = |frame: &mut ratatui::Frame<'_>| fixture.draw(frame);
        let drawn = if motion.is_some() { terminal.draw(draw) } else { terminal.draw(|_| ()) };
        drawn.expect("drawn");
    }
}
