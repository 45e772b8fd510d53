//! The traces of one stream, EEG or motion, with its health above; for motion also the position of the head.

use ratatui::layout::Rect;

use super::{Canvas, motion, stream_state, traces};
use crate::{
    app::{App, SessionEntry},
    ui::{context::RenderContext, paint},
};
use cortop_client::Stream;
use cortop_signal::View;

/// Minimum height for a line with the stream's health.
const WITH_HEALTH: u16 = 5;

/// The rows of the health, of the motion numbers, and of the traces; `None` if no stream can be drawn.
fn split(app: &App, inside: Rect) -> Option<(Rect, Option<Rect>, Rect)> {
    let stream = app.stream();
    if !app.has_picture(stream) {
        return None;
    }
    let head = u16::from(inside.height >= WITH_HEALTH);
    let below = Rect { y: inside.y + head, height: inside.height - head, ..inside };
    let (numbers, plot) = match stream {
        Stream::Mot => motion::split(below),
        _ => (None, below),
    };
    Some((Rect { height: head, ..inside }, numbers, plot))
}

pub(super) fn details(ctx: &RenderContext<'_>, inside: Rect) -> Vec<String> {
    let parts = split(ctx.app, inside);
    parts.map_or_else(Vec::new, |(_, _, plot)| traces::details(ctx, ctx.app.stream(), plot))
}

pub(super) fn request(ctx: &RenderContext<'_>, inside: Rect) -> View {
    let parts = split(ctx.app, inside);
    parts.map_or_else(View::default, |(_, _, plot)| traces::request(ctx, ctx.app.stream(), plot))
}

pub(super) fn draw(ctx: &RenderContext<'_>, entry: &SessionEntry, canvas: &mut Canvas<'_>) {
    let stream = ctx.app.stream();
    let head = stream_state::lines(ctx, entry, stream, canvas.area.width);
    let Some((health, numbers, plot)) = split(ctx.app, canvas.area) else {
        return paint::lines(&head, canvas.area, canvas.buffer);
    };
    traces::draw(ctx, entry, stream, plot, canvas.buffer, &mut canvas.cache.traces);
    paint::lines(&head, health, canvas.buffer);
    if let Some(area) = numbers {
        motion::draw(ctx, entry, area, canvas.buffer);
    }
}
