//! The labels on the left of the traces: names, what is wrong with a channel, scales that differ from
//! the rest, and the values at the cursors.

use ratatui::{buffer::Buffer, layout::Rect, text::Line, widgets::Widget};

use super::scales;
use crate::{
    app::App,
    ui::{context::RenderContext, glyphs, paint, text, theme::Token},
};
use cortop_client::Stream;
use cortop_signal::{BadChannel, Scale, Traces, snapshot::Trace};

/// Cells that the value at a cursor takes.
const VALUE: u16 = 9;

/// Cells that are left to the traces, however many values there are.
const PLOT: u16 = 16;

/// Cells that the labels take of an area so wide.
pub(super) fn width(app: &App, stream: Stream, area: u16) -> u16 {
    let cursors = paint::cells(app.streams.cursors().iter().flatten().count());
    let third = area / 3;
    let most = if cursors > 0 { third.max(area.saturating_sub(PLOT)) } else { third };
    (head(app, stream) + cursors * VALUE + 1).min(most)
}

/// Cells for the name of a channel, what is wrong with it if a channel is bad, and, where the
/// channels do not share it, its scale.
fn head(app: &App, stream: Stream) -> u16 {
    let one_scale = stream == Stream::Eeg && !app.streams.channels(stream).has_own_scales();
    let defects = bad_channels(app, stream).iter().map(|bad| bad.defect.name().len() + 1);
    let defect = paint::cells(defects.max().unwrap_or_default());
    // A name of up to four letters and a blank.
    let name = 5;
    (name - u16::from(defect > 0)) + defect + if one_scale { 0 } else { 6 }
}

/// The channels of a stream that are bad at the moment that the picture ends with: of an older
/// picture nobody knows.
fn bad_channels(app: &App, stream: Stream) -> &[BadChannel] {
    let is_old = app.streams.frozen.as_ref().is_some_and(|frozen| frozen.end != frozen.at);
    if stream == Stream::Eeg && !is_old { app.bad_channels() } else { &[] }
}

/// A channel's name, what is wrong with it, its own scale if it has one, and its values at the
/// cursors.
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
    let token = if is_selected { Token::Selection } else { Token::Text };
    let name = ctx.span(token, text::fit(&text::clean(&trace.label), width));
    let mut room = width.saturating_sub(name.width());
    let mut line = Line::from(name);
    let bad = bad_channels(app, stream).iter().find(|bad| bad.label == trace.label);
    if let Some(bad) = bad {
        let defect = text::fit(&format!(" {}", bad.defect.name()), room);
        room -= text::cells(&defect);
        line.push_span(ctx.span(Token::Bad, defect));
    }
    if stream != Stream::Eeg || app.streams.channels(stream).own_scale(trace.place).is_some() {
        let unit = scales::unit(&trace.label, scale);
        let own = ctx.spell_out(format!(" ±{}{unit}", scales::short(scale.half)));
        let own = text::fit(&own, room);
        room -= own.chars().count().min(room);
        line.push_span(ctx.span(Token::Axis, own));
    }
    line.push_span(ctx.span(Token::Text, " ".repeat(room)));
    let [first, second] = trace.at;
    for (cursor, front, value) in
        [(traces.cursors[0], "", first), (traces.cursors[1], "Δ", first - second)]
    {
        if cursor.is_some() {
            let value = format!("{front}{}", scales::value(value, scale.half));
            line.push_span(ctx.span(Token::Cursor, format!(" {value:>8}")));
        }
    }
    if is_selected {
        line.push_span(ctx.span(Token::Selection, glyphs::SELECTED));
    }
    paint::lines(&[line], area, buffer);
}

/// How many channels are above and below, in the last row of the labels.
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
        ctx.span(Token::Changed, text).render(Rect { width, ..row }, buffer);
    }
}
