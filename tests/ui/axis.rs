//! The time axis: losses are marked on it, and never break a time.

use cortop::app::Action;
use cortop_client::Stream;

use crate::fixture::{Fixture, options};

/// The axis of a picture in which samples were lost just before these columns, in order of time.
fn axis(width: u16, scroll: bool, lost: impl Fn(usize) -> bool) -> Vec<char> {
    let mut fixture = Fixture::new(&options()).streaming();
    fixture.show_stream(Stream::Eeg);
    fixture.zoom();
    if scroll {
        fixture.apply(Action::Sweep);
    }
    fixture.feed(width, 40, 3000);
    fixture.edit_snapshot(|snapshot, _| {
        for trace in snapshot.traces.iter_mut().flat_map(|traces| &mut traces.channels) {
            for (at, column) in trace.columns.iter_mut().enumerate() {
                column.gap = lost(at);
            }
        }
    });
    let text = fixture.text(width, 40);
    let is_axis = |line: &&str| line.contains('│') || line.contains('╳');
    text.lines().skip(2).find(is_axis).expect("an axis").chars().collect()
}

/// The number of times on it that are not cut by an edge; none of them may be broken.
fn times(axis: &[char]) -> usize {
    let starts = axis.iter().enumerate().filter(|(_, glyph)| **glyph == '│');
    let whole = starts.filter(|(at, _)| {
        let time: String = axis[at + 1..].iter().take(8).collect();
        let cut = time.contains(['┃', '│', ' ']) && at + 9 >= axis.len() - 1;
        let whole = time.len() == 8
            && time.chars().enumerate().all(|(at, glyph)| match at {
                2 | 5 => glyph == ':',
                _ => glyph.is_ascii_digit(),
            });
        assert!(whole || cut, "{time} in {}", axis.iter().collect::<String>());
        whole
    });
    whole.count()
}

fn ticks(axis: &[char]) -> usize {
    axis.iter().filter(|glyph| **glyph == '╳').count()
}

#[test]
fn a_loss_moves_a_time_and_breaks_none() {
    for (width, scroll) in [(80, false), (80, true), (120, false), (120, true)] {
        let calm = times(&axis(width, scroll, |_| false));
        assert!(calm > 0);
        for lost in (20..120).step_by(3) {
            let axis = axis(width, scroll, |at| at == lost);
            assert_eq!(ticks(&axis), 1, "{}", axis.iter().collect::<String>());
            // A time at the edge may lose its place.
            assert!(times(&axis) + 1 >= calm, "{}", axis.iter().collect::<String>());
        }
    }
}

#[test]
fn between_dense_losses_there_still_is_a_time() {
    for (width, scroll) in [(80, false), (80, true), (120, false), (120, true)] {
        for every in [2, 6, 10] {
            let axis = axis(width, scroll, |at| at % every == 1);
            assert!(times(&axis) > 0, "{}", axis.iter().collect::<String>());
            assert!(ticks(&axis) > 2, "{}", axis.iter().collect::<String>());
        }
    }
}
