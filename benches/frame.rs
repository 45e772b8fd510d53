//! What one frame at 160×48 costs: the whole monitor with 14 traces, and an empty one, which is
//! ratatui's floor.

#![expect(clippy::expect_used, reason = "a bench that cannot be set up has failed")]

#[path = "../tests/ui/fixture.rs"]
#[expect(dead_code, reason = "the tests use the rest")]
mod fixture;

use cortop::app::Motion;
use fixture::{Stage, options};
use ratatui::{Terminal, TerminalOptions, Viewport, backend::CrosstermBackend, layout::Rect};

const SIZE: (u16, u16) = (160, 48);

fn main() {
    println!("targets for traces, as multiples of empty: sweep 2.0, scroll 3.1\n");
    divan::main();
}

fn terminal() -> Terminal<CrosstermBackend<std::io::Sink>> {
    let viewport = Viewport::Fixed(Rect::new(0, 0, SIZE.0, SIZE.1));
    let backend = CrosstermBackend::new(std::io::sink());
    Terminal::with_options(backend, TerminalOptions { viewport }).expect("a terminal")
}

#[divan::bench]
fn empty(bencher: divan::Bencher<'_, '_>) {
    let mut terminal = terminal();
    bencher.bench_local(|| terminal.draw(|_| ()).map(|_| ()));
}

#[divan::bench(args = ["sweep", "scroll"])]
fn traces(bencher: divan::Bencher<'_, '_>, motion: &str) {
    let mut terminal = terminal();
    let mut stage = Stage::new(&options()).streaming();
    stage.app.zoomed = true;
    stage.app.streams.motion = if motion == "sweep" { Motion::Sweep } else { Motion::Scroll };
    // One second at 30 frames, so that every frame has something new.
    let frames: Vec<_> = (0..30)
        .map(|frame| {
            stage.feed(SIZE.0, SIZE.1, 3000 + frame * 128 / 30);
            stage.app.snapshot.clone()
        })
        .collect();
    let mut frames = frames.iter().cycle();
    bencher.bench_local(|| {
        stage.app.snapshot.clone_from(frames.next().expect("a cycle"));
        terminal.draw(|frame| stage.ui.draw(&stage.app, frame)).map(|_| ())
    });
}
