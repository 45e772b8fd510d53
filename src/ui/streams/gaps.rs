//! What stands in the holes of a picture that are no losses: how long a gap between two connections
//! was, and that a stretch of the history has been forgotten. Hides no trace: where a hole is too
//! narrow for its words, the axis has them.

use std::ops::Range;

use ratatui::{buffer::Buffer, layout::Rect, widgets::Widget};

use super::plot::Cells;
use crate::ui::{
    health,
    scene::{self, Scene},
    text,
    theme::Token,
};
use cortop_signal::{Traces, snapshot::Discontinuity};

/// A hole and its words.
struct Hole {
    /// The bins that lie within it whole.
    bins: Range<u64>,
    /// What it says, the longest first; a line break where it takes rows.
    words: Vec<String>,
}

/// Draws the words into the holes that have room for them.
pub(super) fn draw(
    scene: &Scene<'_>,
    traces: &Traces,
    cells: &Cells,
    plot: Rect,
    buffer: &mut Buffer,
) {
    for hole in holes(scene, traces) {
        let Some(part) = cells.widest(&hole.bins) else { continue };
        let Some(words) = fitting(&hole, part.len()) else { continue };
        let lines: Vec<&str> = words.lines().collect();
        let area = Rect { x: plot.x + part.start, width: scene::cells(part.len()), ..plot };
        let y = area.y + area.height.saturating_sub(scene::cells(lines.len())) / 2;
        for (line, y) in lines.into_iter().zip(y..area.bottom()) {
            let width = scene::cells(text::cells(line));
            let x = area.x + (area.width - width) / 2;
            let row = Rect { x, y, width, height: 1 };
            scene.say(Token::Poor, line).render(row.intersection(area), buffer);
        }
    }
}

/// The words of the gaps that are too narrow for them, each with the cell it begins at.
pub(super) fn narrow(scene: &Scene<'_>, traces: &Traces, cells: &Cells) -> Vec<(u16, String)> {
    let holes = gaps(scene, traces).filter(|hole| {
        let room = cells.widest(&hole.bins).map_or(0, |part| part.len());
        fitting(hole, room).is_none()
    });
    let label = |hole: Hole| Some((cells.cell(hole.bins.start)?, hole.words.into_iter().nth(1)?));
    holes.filter_map(label).collect()
}

fn fitting(hole: &Hole, room: usize) -> Option<&String> {
    hole.words.iter().find(|words| words.lines().all(|line| text::cells(line) <= room))
}

fn holes(scene: &Scene<'_>, traces: &Traces) -> Vec<Hole> {
    gaps(scene, traces).chain(forgotten(scene, traces)).collect()
}

/// The gaps between connections, and the end of what could not be kept with what came after.
fn gaps(scene: &Scene<'_>, traces: &Traces) -> impl Iterator<Item = Hole> {
    let bins = traces.bins;
    let first = bins.first_of_window(traces.end);
    let window = first..bins.of(traces.end.saturating_sub(1)) + 1;
    traces.gaps.iter().filter_map(move |gap| {
        let start = bins.of(gap.samples.start);
        let whole = start + u64::from(bins.start(start) < gap.samples.start);
        let own = whole.max(window.start)..bins.of(gap.samples.end).min(window.end);
        let words = health::gap(gap);
        let since = format!("{words} at {}", scene.clock_at(gap.from));
        let changed = gap.discontinuity.map(|discontinuity| match discontinuity {
            Discontinuity::Channels => "other channels before",
            Discontinuity::Rate => "another rate before",
        });
        let seen = own.start < own.end || window.contains(&start);
        seen.then(|| Hole {
            words: match changed {
                Some(changed) => vec![format!("{since}, {changed}"), changed.replace(' ', "\n")],
                None => vec![since, words.clone(), words.replacen(' ', "\n", 1)],
            },
            bins: own,
        })
    })
}

/// What to say of a frozen window of which nothing is kept.
pub(super) fn all_forgotten(scene: &Scene<'_>, traces: &Traces) -> Option<String> {
    scene.app.streams.frozen.as_ref().filter(|_| traces.oldest > 0)?;
    let left = if traces.newest > traces.oldest { "; home goes to what is left" } else { "" };
    (traces.end <= traces.oldest).then(|| format!("This stretch has been forgotten{left}."))
}

/// The part of a frozen window that is older than all that was kept when it was drawn.
fn forgotten(scene: &Scene<'_>, traces: &Traces) -> Option<Hole> {
    scene.app.streams.frozen.as_ref().filter(|_| traces.oldest > 0)?;
    let bins = traces.bins;
    let sentence = all_forgotten(scene, traces);
    let all_gone = sentence.is_some();
    let kept = if all_gone { bins.of(traces.end) + 1 } else { traces.first_bin };
    let window = bins.first_of_window(traces.end)..kept;
    let changed = traces.gaps.first().is_some_and(|gap| {
        gap.discontinuity.is_some() && gap.samples.end == traces.oldest && !all_gone
    });
    let broken = sentence.as_ref().map(|sentence| sentence.replacen("; ", ";\n", 1));
    let words = sentence.into_iter().chain(broken).chain(["forgotten".to_owned()]).collect();
    (window.start < window.end && !changed).then_some(Hole { bins: window, words })
}
