//! The labels to the left of the traces: names, what is wrong with a channel, scales that differ from the
//! common one, and the values at the cursors.

use ratatui::{buffer::Buffer, layout::Rect, text::Line, widgets::Widget};

use super::{bin_groups::BinGroups, scales};
use crate::{
    app::App,
    ui::{context::RenderContext, glyphs, paint, text, theme::ThemeToken},
};
use cortop_client::Stream;
use cortop_signal::{
    BadChannel, Montage, Scale, Traces,
    snapshot::{Cursor, Trace},
};

/// Width of the value at a cursor.
const VALUE: u16 = 11;

/// Follows the name of a channel that the user has marked as bad.
const MARKED: &str = " bad";

/// Width of the labels in an area of a width.
pub(super) fn width(app: &App, stream: Stream, area: u16) -> u16 {
    (head(app, stream) + 1).min(area / 3)
}

/// Width of a channel's name, of the note on a bad channel if there is one and, if scales differ, of the
/// scale.
fn head(app: &App, stream: Stream) -> u16 {
    let one_scale = stream == Stream::Eeg && !app.streams.channels(stream).has_own_scales();
    let marked = (stream == Stream::Eeg && !app.streams.bad.is_empty()).then_some(MARKED.len());
    let defects = bad_channels(app, stream).iter().map(|bad| bad.defect.name().len() + 1);
    let defects = defects.chain(marked);
    let defect = paint::cells(defects.max().unwrap_or_default());
    // A name of up to four letters and a blank, or the two names of a pair.
    let is_paired = stream == Stream::Eeg && app.streams.montage() == Montage::LongitudinalBipolar;
    let name = if is_paired { 7 } else { 5 };
    (name - u16::from(defect > 0)) + defect + if one_scale { 0 } else { 6 }
}

/// The bad channels of a stream at the end of the picture; unknown for an older picture.
fn bad_channels(app: &App, stream: Stream) -> &[BadChannel] {
    let is_old = app.streams.frozen.as_ref().is_some_and(|frozen| frozen.end != frozen.at);
    if stream == Stream::Eeg && !is_old { app.bad_channels() } else { &[] }
}

/// Whether the user has marked a channel, or one of its pair, as bad.
pub(super) fn is_marked(app: &App, trace: &Trace) -> bool {
    app.streams.bad.iter().any(|label| trace.is_of(label))
}

/// A channel's name, what is wrong with it, and its own scale if it has one.
pub(super) fn draw(
    ctx: &RenderContext<'_>,
    traces: &Traces,
    trace: &Trace,
    scale: Scale,
    is_selected: bool,
    area: Rect,
    buffer: &mut Buffer,
) {
    let app = ctx.app;
    let stream = traces.subscription.stream;
    let width = usize::from(head(app, stream));
    let token = if is_selected { ThemeToken::Selection } else { ThemeToken::Text };
    let name = ctx.span(token, text::fit(&text::clean(&trace.label), width));
    let mut room = width.saturating_sub(name.width());
    let mut line = Line::from(name);
    let bad = bad_channels(app, stream).iter().find(|bad| trace.is_of(&bad.label));
    if let Some(bad) = bad {
        let defect = text::fit(&format!(" {}", bad.defect.name()), room);
        room -= text::cells(&defect);
        line.push_span(ctx.span(ThemeToken::Bad, defect));
    } else if stream == Stream::Eeg && is_marked(app, trace) {
        let marked = text::fit(MARKED, room);
        room -= text::cells(&marked);
        line.push_span(ctx.span(ThemeToken::Dim, marked));
    }
    if stream != Stream::Eeg || app.streams.channels(stream).own_scale(trace.place).is_some() {
        let unit = scales::unit(&trace.label, scale);
        let own = ctx.spell_out(format!(" ±{}{unit}", scales::short(scale.half)));
        let own = text::fit(&own, room);
        room -= own.chars().count().min(room);
        line.push_span(ctx.span(ThemeToken::Axis, own));
    }
    line.push_span(ctx.span(ThemeToken::Text, " ".repeat(room)));
    if is_selected {
        line.push_span(ctx.span(ThemeToken::Selection, glyphs::SELECTED));
    }
    paint::lines(&[line], area, buffer);
}

/// Where a plot shows the values at the cursors: at its right edge, or at its left edge if a cursor is too
/// close to the right one. They cover the traces, so that placing a cursor moves nothing.
pub(super) fn values_area(traces: &Traces, cells: &BinGroups, plot: Rect) -> Option<Rect> {
    let cursors = || traces.cursors.iter().flatten();
    let width = (paint::cells(cursors().count()) * VALUE).min(plot.width);
    let place = |cursor: &Cursor| cells.cell(traces.bins.of(cursor.index));
    let is_near = |x: u16| x + width >= plot.width;
    let x = if cursors().filter_map(place).any(is_near) { plot.x } else { plot.right() - width };
    (width > 0).then_some(Rect { x, width, ..plot })
}

/// A channel's values at the cursors, and their difference.
pub(super) fn draw_values(
    ctx: &RenderContext<'_>,
    traces: &Traces,
    trace: &Trace,
    scale: Scale,
    area: Rect,
    buffer: &mut Buffer,
) {
    let unit = match traces.subscription.stream {
        Stream::Eeg => " µV",
        _ => scales::unit(&trace.label, scale),
    };
    let [first, second] = trace.at;
    let values = [(traces.cursors[0], "", first), (traces.cursors[1], "Δ", first - second)];
    let placed = values.into_iter().filter(|(cursor, ..)| cursor.is_some());
    let mut line = Line::default();
    for (_, front, value) in placed {
        let value = format!("{front}{}{unit}", scales::value(value, scale.half));
        line.push_span(ctx.span(ThemeToken::Cursor, format!(" {value:>10}")));
    }
    paint::line(&line, area, buffer);
}

/// The number of channels above and below, in the last row of the labels.
pub(super) fn more(
    ctx: &RenderContext<'_>,
    above: usize,
    below: usize,
    area: Rect,
    buffer: &mut Buffer,
) {
    let mark =
        |count: usize, mark: &str| if count > 0 { format!("{mark}{count}") } else { String::new() };
    let text = mark(above, glyphs::MORE_ABOVE) + &mark(below, glyphs::MORE_BELOW);
    let width = paint::cells(text.chars().count()).min(area.width);
    if let Some(row) = area.rows().next_back().filter(|_| width > 0) {
        ctx.span(ThemeToken::Changed, text).render(Rect { width, ..row }, buffer);
    }
}
