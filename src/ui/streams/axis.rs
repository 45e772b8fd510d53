//! The row below the traces: times of day under their samples, what markers say, losses and
//! cursors. Its labels stand at samples, so in a sweep they change only where the write cursor
//! passes, and in a scroll they move with the data.

use std::sync::Arc;

use jiff::Timestamp;
use ratatui::{buffer::Buffer, layout::Rect};

use super::{gaps, trace_plot::BinGroups};
use crate::{
    app::ScrollMode,
    ui::{context::RenderContext, glyphs, paint, text, theme::ThemeToken},
};
use cortop_signal::Traces;

/// Seconds between times of day.
const STEPS: [i64; 7] = [1, 2, 5, 10, 15, 30, 60];
/// Cells that a time of day has for itself at least, and those that it takes.
const ROOM: f64 = 14.0;
const TIME: f64 = 9.0;
/// Cells that a marker's text takes at most.
const MARKER: usize = 16;

/// A text that begins at a cell.
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

    fn covers(&self, cells: &[u16]) -> bool {
        cells.iter().any(|x| (self.x..self.end()).contains(x))
    }
}

pub(super) fn draw(
    ctx: &RenderContext<'_>,
    traces: &Traces,
    cells: &BinGroups,
    area: Rect,
    buffer: &mut Buffer,
) {
    buffer.set_style(area, ctx.style(ThemeToken::Axis));
    let lost = lost(traces, cells);
    let mut labels = times(ctx, traces, cells, area.width, &lost);
    if labels.is_empty() {
        // Between losses as dense as that no time has room: the marks beside it show them.
        labels = times(ctx, traces, cells, area.width, &[]);
    }
    if labels.is_empty() {
        labels = seconds(ctx, area.width);
        labels.retain(|time| !time.covers(&lost));
    }
    let cursors = traces.cursors.map(|at| cells.cell(traces.bins.of(at?.index)));
    labels.retain(|time| !cursors.iter().flatten().any(|x| (time.x..time.end()).contains(x)));
    for (x, text) in gaps::narrow(ctx, traces, cells) {
        let label = AxisLabel { x, text, token: ThemeToken::Poor };
        labels.retain(|time| !time.overlaps(&label));
        labels.push(label);
    }
    add_clock_steps(traces, cells, &mut labels);
    add_markers(traces, cells, &lost, &mut labels);
    let free = |x: &u16| !labels.iter().any(|label| label.covers(&[*x]));
    let ticks: Vec<u16> = lost.into_iter().filter(free).collect();
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
    // Where both are in one cell, it is the first that is seen.
    for (cursor, glyph) in cursors.into_iter().zip([glyphs::CURSOR, glyphs::SECOND_CURSOR]).rev() {
        if let Some(x) = cursor {
            mark(x, glyph, ThemeToken::Cursor);
        }
    }
}

/// The cells that hold a short loss.
fn lost(traces: &Traces, cells: &BinGroups) -> Vec<u16> {
    // A channel that measures nothing cannot show what was lost.
    let columns = traces.channels.iter().map(|trace| &trace.columns[..]);
    let fullest = columns.max_by_key(|columns| columns.iter().map(|it| it.count).sum::<u32>());
    let lost = cells.lost(fullest.unwrap_or_default());
    (0..).zip(lost).filter(|(_, lost)| *lost).map(|(x, _)| x).collect()
}

/// Where Cortex's clock was set ahead or back, and the times beside it are not those of one clock.
fn add_clock_steps(traces: &Traces, cells: &BinGroups, labels: &mut Vec<AxisLabel>) {
    for &(index, seconds) in &traces.clock_steps {
        let Some(x) = cells.cell(traces.bins.of(index)) else { continue };
        let glyph = if seconds < 0.0 { glyphs::CLOCK_BACK } else { glyphs::CLOCK_AHEAD };
        let label = AxisLabel { x, text: glyph.to_string(), token: ThemeToken::Poor };
        labels.retain(|time| !time.overlaps(&label));
        labels.push(label);
    }
}

/// What the markers say, each up to the next label or loss. Times that stand in the way give way.
fn add_markers(traces: &Traces, cells: &BinGroups, lost: &[u16], labels: &mut Vec<AxisLabel>) {
    let place = |(index, text): &(u64, Arc<str>)| {
        Some((cells.cell(traces.bins.of(*index))?, Arc::clone(text)))
    };
    let markers: Vec<_> = traces.markers.iter().filter_map(place).collect();
    let end = |x: u16, text: &str| x + 1 + paint::cells(text.chars().count().min(MARKER));
    labels.retain(|time| {
        !markers.iter().any(|&(x, ref text)| time.x < end(x, text) && x < time.end())
    });
    let starts = labels.iter().map(|label| label.x).chain(markers.iter().map(|&(x, _)| x));
    let starts: Vec<u16> = starts.chain(lost.iter().copied()).collect();
    labels.extend(markers.into_iter().map(|(x, text)| {
        let next = starts.iter().copied().filter(|&start| start > x).min().unwrap_or(u16::MAX);
        let room = usize::from(next - x - 1).min(MARKER);
        let text = format!("{}{}", glyphs::MARKER, text::fit(&text::clean(&text), room));
        AxisLabel { x, text, token: ThemeToken::Marker }
    }));
}

/// Times of day, under the samples with which their seconds begin; where a loss stands in the way of
/// one, a later second takes its place.
fn times(
    ctx: &RenderContext<'_>,
    traces: &Traces,
    cells: &BinGroups,
    width: u16,
    lost: &[u16],
) -> Vec<AxisLabel> {
    let a_second = f64::from(width) / ctx.app.streams.window();
    let step = STEPS.into_iter().find(|&step| step as f64 * a_second >= ROOM).unwrap_or(60);
    // No later than leaves room for the next one.
    let latest = (0..step).take_while(|&late| (step - late) as f64 * a_second >= TIME);
    let latest = latest.last().unwrap_or(0);
    let label = |&(index, second): &(u64, i64)| {
        let text = format!("│{}", ctx.clock(Timestamp::from_second(second).ok()?));
        Some(AxisLabel { x: cells.cell(traces.bins.of(index))?, text, token: ThemeToken::Axis })
    };
    let mut labels: Vec<AxisLabel> = Vec::new();
    for (at, &(_, second)) in traces.seconds.iter().enumerate() {
        if second % step != 0 {
            continue;
        }
        let near = traces.seconds[at..].iter().take_while(|(_, later)| later - second <= latest);
        let mut near = near.filter_map(|stamp| Some((label(stamp)?, stamp.1)));
        // One that has moved is not cut by the edge either.
        let fits = |label: &AxisLabel, at: i64| at == second || label.end() <= width;
        let free = near.find(|(label, at)| fits(label, *at) && !label.covers(lost));
        if let Some((label, _)) = free {
            // In a sweep a newer time may stand where an old one still did.
            labels.retain(|old| !old.overlaps(&label));
            labels.push(label);
        }
    }
    labels
}

/// Where no times are known: seconds from the left edge in a sweep, before the newest in a scroll.
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
