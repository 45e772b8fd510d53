//! All streams at a glance: the traces of EEG, or of motion where there is no EEG, and below a line
//! for every stream.

use ratatui::layout::Rect;

use super::{Canvas, summary, traces};
use crate::{
    app::{App, SessionEntry},
    ui::{context::RenderContext, paint},
};
use cortop_signal::View;

/// Rows that the traces keep, however many streams there are.
const MIN_PLOT: u16 = 4;

/// The rows of the traces, if there are any, and those of the lines.
fn split(app: &App, inside: Rect) -> (Option<Rect>, Rect) {
    let stream = app.stream();
    if !app.has_picture(stream) {
        return (None, inside);
    }
    let count = app.sessions.current().map_or(0, summary::count);
    // The lines stand side by side where that makes the rows of the traces higher.
    let height = |columns: usize| {
        let rows = paint::cells(count.div_ceil(columns));
        rows.min(inside.height.saturating_sub(MIN_PLOT))
    };
    let plot = |columns: usize| Rect { height: inside.height - height(columns), ..inside };
    let layout = |columns: usize| traces::TraceLayout::new(app, stream, plot(columns));
    let columns = usize::from(inside.width / summary::WIDTH).max(1);
    let row = |columns: &usize| layout(*columns).height();
    let best = (1..=columns).rev().max_by(|a, b| row(a).total_cmp(&row(b))).unwrap_or(1);
    // What the traces cannot share evenly goes to the lines.
    let top = layout(best).used();
    let lines = Rect { y: inside.y + top, height: inside.height - top, ..inside };
    (Some(Rect { height: top, ..inside }), lines)
}

pub(super) fn details(ctx: &RenderContext<'_>, inside: Rect) -> Vec<String> {
    let plot = split(ctx.app, inside).0;
    plot.map_or_else(Vec::new, |plot| traces::details(ctx, ctx.app.stream(), plot))
}

pub(super) fn request(app: &App, ascii: bool, inside: Rect) -> View {
    let plot = split(app, inside).0;
    plot.map_or_else(View::default, |plot| traces::request(app, app.stream(), plot, ascii))
}

pub(super) fn draw(ctx: &RenderContext<'_>, entry: &SessionEntry, canvas: &mut Canvas<'_>) {
    let (plot, lines) = split(ctx.app, canvas.area);
    if let Some(area) = plot {
        traces::draw(ctx, entry, ctx.app.stream(), area, canvas.buffer, canvas.traces);
    }
    summary::draw(ctx, entry, lines, canvas.buffer);
}
