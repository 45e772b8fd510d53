//! The row below the traces: times of day under their samples, marker texts, losses and cursors. Labels are
//! anchored to samples, so in a sweep they change only where the write cursor passes, and in a scroll they
//! move with the data.

use std::{collections::BTreeSet, sync::Arc};

use jiff::Timestamp;
use ratatui::{buffer::Buffer, layout::Rect};

use super::{bin_groups::BinGroups, gaps};
use crate::{
    app::ScrollMode,
    ui::{context::RenderContext, glyphs, paint, text, theme::ThemeToken},
};
use cortop_signal::Traces;

/// Seconds between times of day.
const STEPS: [i64; 7] = [1, 2, 5, 10, 15, 30, 60];
/// Minimum distance between times of day in cells, and the width of one.
const ROOM: f64 = 14.0;
const TIME: f64 = 9.0;
/// Maximum width of a marker's text; the smaller ones apply if no time of day would fit beside it.
const MARKER: [usize; 3] = [16, 6, 2];

/// A text that begins at a cell.
#[derive(Clone, Debug)]
struct AxisLabel {
    x: u16,
    text: String,
    token: ThemeToken,
}

impl AxisLabel {
    fn end(&self) -> u16 {
        self.x.saturating_add(paint::cells(self.text.chars().count()))
    }

    fn overlaps(&self, other: &Self) -> bool {
        self.x < other.end() && other.x < self.end()
    }

    fn is_free(&self, taken: &BTreeSet<u16>) -> bool {
        taken.range(self.x..self.end()).next().is_none()
    }

    fn covers(&self, cells: &[u16]) -> bool {
        cells.iter().any(|x| (self.x..self.end()).contains(x))
    }
}

/// Further content of the row.
#[derive(Debug, Default)]
pub(super) struct AxisNotes {
    /// Cells to keep free at the left end.
    pub(super) reserved: u16,
    /// The text in the middle.
    pub(super) alarm: Option<String>,
}

/// Draws the row. It always contains a time of day, if one is known. Returns whether the reserved cells are
/// free.
pub(super) fn draw(
    ctx: &RenderContext<'_>,
    traces: &Traces,
    cells: &BinGroups,
    notes: &AxisNotes,
    area: Rect,
    buffer: &mut Buffer,
) -> bool {
    buffer.set_style(area, ctx.style(ThemeToken::Axis));
    let lost = lost(traces, cells);
    let cursors = traces.cursors.map(|at| cells.cell(traces.bins.of(at?.index)));
    let alarm = notes.alarm.as_ref().map(|text| {
        let x = area.width.saturating_sub(paint::cells(text.chars().count())) / 2;
        AxisLabel { x, text: text.clone(), token: ThemeToken::Bad }
    });
    let mut fixed = fixed(ctx, traces, cells, &lost, MARKER[0]);
    fixed.extend(alarm.clone());
    let is_free = notes.reserved > 0
        && fixed.iter().all(|label| label.x >= notes.reserved)
        && !lost.iter().chain(cursors.iter().flatten()).any(|&x| x < notes.reserved);
    let reserved = if is_free { notes.reserved } else { 0 };
    // Times fill the free space, on round steps if possible; if none fits, first marker texts are shortened,
    // then losses give way.
    let mut layouts =
        MARKER.into_iter().map(|most| (most, &lost[..])).chain([(MARKER[2], &[][..])]);
    let found = layouts.find_map(|(most, lost_cells)| {
        let mut labels = self::fixed(ctx, traces, cells, &lost, most);
        labels.extend(alarm.clone());
        let covered = labels.iter().flat_map(|label| label.x..label.end());
        let taken: BTreeSet<u16> = covered
            .chain(0..reserved)
            .chain(cursors.iter().flatten().copied())
            .chain(lost_cells.iter().copied())
            .collect();
        let times = times(ctx, traces, cells, area.width, &taken);
        let is_whole = |time: &AxisLabel| time.end() <= area.width;
        let times = if times.iter().any(is_whole) {
            times
        } else {
            any_times(ctx, traces, cells, area.width, &taken)
        };
        labels.extend(times);
        labels.iter().any(|label| label.token == ThemeToken::Axis).then_some(labels)
    });
    let labels = found.unwrap_or_else(|| {
        let mut times = seconds(ctx, area.width);
        times.retain(|time| !fixed.iter().any(|label| label.overlaps(time)));
        times.retain(|time| time.x >= reserved && !time.covers(&lost));
        times.extend(fixed);
        times
    });
    let free = |x: &u16| !labels.iter().any(|label| label.covers(&[*x]));
    let ticks: Vec<u16> = lost.iter().copied().filter(free).collect();
    for label in labels {
        let x = area.x + label.x;
        let label = ctx.span(label.token, label.text).into();
        paint::line(&label, Rect { x, ..area }.intersection(area), buffer);
    }
    let mut mark = |x: u16, glyph, token| {
        if let Some(cell) = buffer.cell_mut((area.x + x, area.y)).filter(|_| x < area.width) {
            paint::glyph(glyph, ctx.style(token), cell);
        }
    };
    for x in ticks {
        mark(x, glyphs::LOST, ThemeToken::Bad);
    }
    // If both cursors are in one cell, the first is visible.
    for (cursor, glyph) in cursors.into_iter().zip([glyphs::CURSOR, glyphs::SECOND_CURSOR]).rev() {
        if let Some(x) = cursor {
            mark(x, glyph, ThemeToken::Cursor);
        }
    }
    is_free
}

/// Labels that always stand at their sample: gaps, clock steps, and markers with at most `most` cells of
/// text.
fn fixed(
    ctx: &RenderContext<'_>,
    traces: &Traces,
    cells: &BinGroups,
    lost: &[u16],
    most: usize,
) -> Vec<AxisLabel> {
    let gaps = gaps::narrow(ctx, traces, cells).into_iter();
    let gap = |(x, text)| AxisLabel { x, text, token: ThemeToken::Poor };
    let mut labels: Vec<_> = gaps.map(gap).chain(clock_steps(traces, cells)).collect();
    add_markers(traces, cells, lost, most, &mut labels);
    labels
}

/// The cells that contain a short loss.
fn lost(traces: &Traces, cells: &BinGroups) -> Vec<u16> {
    // A channel without values cannot show what was lost.
    let columns = traces.channels.iter().map(|trace| &trace.columns[..]);
    let fullest = columns.max_by_key(|columns| columns.iter().map(|it| it.count).sum::<u32>());
    let lost = cells.lost(fullest.unwrap_or_default());
    (0..).zip(lost).filter(|(_, lost)| *lost).map(|(x, _)| x).collect()
}

/// Where Cortex's clock was set forward or back, so that the times on the two sides do not belong to one
/// clock.
fn clock_steps(traces: &Traces, cells: &BinGroups) -> impl Iterator<Item = AxisLabel> {
    traces.clock_steps.iter().filter_map(|&(index, seconds)| {
        let x = cells.cell(traces.bins.of(index))?;
        let glyph = if seconds < 0.0 { glyphs::CLOCK_BACK } else { glyphs::CLOCK_AHEAD };
        Some(AxisLabel { x, text: glyph.to_string(), token: ThemeToken::Poor })
    })
}

/// Adds the marker texts, each cut at the next label or loss.
fn add_markers(
    traces: &Traces,
    cells: &BinGroups,
    lost: &[u16],
    most: usize,
    labels: &mut Vec<AxisLabel>,
) {
    let place = |(index, text): &(u64, Arc<str>)| {
        Some((cells.cell(traces.bins.of(*index))?, Arc::clone(text)))
    };
    let markers: Vec<_> = traces.markers.iter().filter_map(place).collect();
    let starts = labels.iter().map(|label| label.x).chain(markers.iter().map(|&(x, _)| x));
    let starts: Vec<u16> = starts.chain(lost.iter().copied()).collect();
    labels.extend(markers.into_iter().map(|(x, text)| {
        let next = starts.iter().copied().filter(|&start| start > x).min().unwrap_or(u16::MAX);
        let room = usize::from(next - x - 1).min(most);
        let text = format!("{}{}", glyphs::MARKER, text::fit(&text::clean(&text), room));
        AxisLabel { x, text, token: ThemeToken::Marker }
    }));
}

/// A time of day, under the sample with which its second begins.
fn time(
    ctx: &RenderContext<'_>,
    traces: &Traces,
    cells: &BinGroups,
    (index, second): (u64, i64),
) -> Option<AxisLabel> {
    let text = format!("│{}", ctx.clock(Timestamp::from_second(second).ok()?));
    Some(AxisLabel { x: cells.cell(traces.bins.of(index))?, text, token: ThemeToken::Axis })
}

/// Times of day on round steps; if something is in the way, a later second is used.
fn times(
    ctx: &RenderContext<'_>,
    traces: &Traces,
    cells: &BinGroups,
    width: u16,
    taken: &BTreeSet<u16>,
) -> Vec<AxisLabel> {
    let a_second = f64::from(width) / ctx.app.streams.window();
    let step = STEPS.into_iter().find(|&step| step as f64 * a_second >= ROOM).unwrap_or(60);
    // No later than leaves room for the next time.
    let latest = (0..step).take_while(|&late| (step - late) as f64 * a_second >= TIME);
    let latest = latest.last().unwrap_or(0);
    let mut labels: Vec<AxisLabel> = Vec::new();
    for (at, &(_, second)) in traces.seconds.iter().enumerate() {
        if second % step != 0 {
            continue;
        }
        let near = traces.seconds[at..].iter().take_while(|(_, later)| later - second <= latest);
        let mut near = near.filter_map(|&stamp| time(ctx, traces, cells, stamp));
        if let Some(label) = near.find(|label| label.end() <= width && label.is_free(taken)) {
            // In a sweep a newer time may overlap one from the previous pass.
            labels.retain(|old| !old.overlaps(&label));
            labels.push(label);
        }
    }
    labels
}

/// Times of any seconds that fit whole.
fn any_times(
    ctx: &RenderContext<'_>,
    traces: &Traces,
    cells: &BinGroups,
    width: u16,
    taken: &BTreeSet<u16>,
) -> Vec<AxisLabel> {
    let mut labels: Vec<AxisLabel> = Vec::new();
    for &stamp in traces.seconds.iter().rev() {
        let Some(label) = time(ctx, traces, cells, stamp) else { continue };
        let is_whole = label.end() <= width && label.is_free(taken);
        if is_whole && !labels.iter().any(|newer| newer.overlaps(&label)) {
            labels.push(label);
        }
    }
    labels
}

/// If no times are known: seconds from the left edge in a sweep, before the newest sample in a scroll.
fn seconds(ctx: &RenderContext<'_>, width: u16) -> Vec<AxisLabel> {
    let streams = &ctx.app.streams;
    let steps: u16 = if width >= 60 { 5 } else { 2 };
    let label = |step: u16| {
        let of_window =
            |steps_from: u16| streams.window() * f64::from(steps_from) / f64::from(steps);
        let text = match streams.scroll_mode {
            ScrollMode::Sweep => format!("│{} s", of_window(step)),
            ScrollMode::Scroll => format!("│-{} s", of_window(steps - step)),
        };
        AxisLabel { x: width * step / steps, text, token: ThemeToken::Axis }
    };
    (0..steps).map(label).collect()
}
