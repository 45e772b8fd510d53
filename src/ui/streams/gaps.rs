//! Texts for the parts of a picture that lack data without a loss: how long a gap between two connections
//! was, and which part of the history has been dropped. They hide no trace: if a text does not fit, the axis
//! shows it.

use std::ops::Range;

use ratatui::{buffer::Buffer, layout::Rect, widgets::Widget};

use super::bin_groups::BinGroups;
use crate::ui::{context::RenderContext, health, paint, text, theme::ThemeToken};
use cortop_signal::{Traces, snapshot::Discontinuity};

/// A gap and its text.
struct GapNote {
    /// The bins that lie entirely within the gap.
    bins: Range<u64>,
    /// Its text in decreasing length; line breaks mark rows.
    words: Vec<String>,
}

/// Draws the texts into the gaps that are wide enough.
pub(super) fn draw(
    ctx: &RenderContext<'_>,
    traces: &Traces,
    cells: &BinGroups,
    plot: Rect,
    buffer: &mut Buffer,
) {
    for note in notes(ctx, traces) {
        let Some(part) = cells.widest(&note.bins) else { continue };
        let Some(words) = fitting(&note, part.len()) else { continue };
        let lines: Vec<&str> = words.lines().collect();
        let area = Rect { x: plot.x + part.start, width: paint::cells(part.len()), ..plot };
        let y = area.y + area.height.saturating_sub(paint::cells(lines.len())) / 2;
        for (line, y) in lines.into_iter().zip(y..area.bottom()) {
            let width = paint::cells(text::cells(line));
            let x = area.x + (area.width - width) / 2;
            let row = Rect { x, y, width, height: 1 };
            ctx.span(ThemeToken::Poor, line).render(row.intersection(area), buffer);
        }
    }
}

/// The texts of the gaps that are too narrow for them, each with its first cell.
pub(super) fn narrow(
    ctx: &RenderContext<'_>,
    traces: &Traces,
    cells: &BinGroups,
) -> Vec<(u16, String)> {
    let notes = gaps(ctx, traces).filter(|note| {
        let room = cells.widest(&note.bins).map_or(0, |part| part.len());
        fitting(note, room).is_none()
    });
    let label =
        |note: GapNote| Some((cells.cell(note.bins.start)?, note.words.into_iter().nth(1)?));
    notes.filter_map(label).collect()
}

fn fitting(note: &GapNote, room: usize) -> Option<&String> {
    note.words.iter().find(|words| words.lines().all(|line| text::cells(line) <= room))
}

fn notes(ctx: &RenderContext<'_>, traces: &Traces) -> Vec<GapNote> {
    gaps(ctx, traces).chain(forgotten(ctx, traces)).collect()
}

/// The gaps between connections, and the boundary between dropped and kept history.
fn gaps(ctx: &RenderContext<'_>, traces: &Traces) -> impl Iterator<Item = GapNote> {
    let bins = traces.bins;
    let first = bins.first_of_window(traces.end);
    let window = first..bins.of(traces.end.saturating_sub(1)) + 1;
    traces.gaps.iter().filter_map(move |gap| {
        let start = bins.of(gap.samples.start);
        let whole = start + u64::from(bins.start(start) < gap.samples.start);
        let own = whole.max(window.start)..bins.of(gap.samples.end).min(window.end);
        let words = health::gap(gap);
        let since = format!("{words} at {}", ctx.clock_at(gap.from));
        let changed = gap.discontinuity.map(|discontinuity| match discontinuity {
            Discontinuity::Channels => "other channels before",
            Discontinuity::Rate => "another rate before",
        });
        let seen = own.start < own.end || window.contains(&start);
        seen.then(|| GapNote {
            words: match changed {
                Some(changed) => vec![format!("{since}, {changed}"), changed.replace(' ', "\n")],
                None => vec![since, words.clone(), words.replacen(' ', "\n", 1)],
            },
            bins: own,
        })
    })
}

/// The text for a frozen window of which nothing is kept.
pub(super) fn all_forgotten(ctx: &RenderContext<'_>, traces: &Traces) -> Option<String> {
    ctx.app.streams.frozen.as_ref().filter(|_| traces.oldest > 0)?;
    let left = if traces.newest > traces.oldest { "; home shows what is left" } else { "" };
    (traces.end <= traces.oldest).then(|| format!("This part is no longer kept{left}."))
}

/// The part of a frozen window that is older than everything kept when it was drawn.
fn forgotten(ctx: &RenderContext<'_>, traces: &Traces) -> Option<GapNote> {
    ctx.app.streams.frozen.as_ref().filter(|_| traces.oldest > 0)?;
    let bins = traces.bins;
    let sentence = all_forgotten(ctx, traces);
    let all_gone = sentence.is_some();
    let kept = if all_gone { bins.of(traces.end) + 1 } else { traces.first_bin };
    let window = bins.first_of_window(traces.end)..kept;
    let changed = traces.gaps.first().is_some_and(|gap| {
        gap.discontinuity.is_some() && gap.samples.end == traces.oldest && !all_gone
    });
    let broken = sentence.as_ref().map(|sentence| sentence.replacen("; ", ";\n", 1));
    let words = sentence.into_iter().chain(broken).chain(["forgotten".to_owned()]).collect();
    (window.start < window.end && !changed).then_some(GapNote { bins: window, words })
}
