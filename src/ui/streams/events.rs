//! Training events (`sys`), newest first.

use ratatui::{buffer::Buffer, layout::Rect, text::Line};

use super::{Canvas, stream_state};
use crate::{
    app::SessionEntry,
    ui::{context::RenderContext, paint, theme::ThemeToken},
};
use cortop_client::Stream;

pub(super) fn draw(ctx: &RenderContext<'_>, entry: &SessionEntry, canvas: &mut Canvas<'_>) {
    let (area, buffer) = (canvas.area, &mut *canvas.buffer);
    stream_state::draw_readings(ctx, entry, Stream::Sys, 1, area, buffer, |area, buffer| {
        draw_list(ctx, area, buffer);
    });
}

fn draw_list(ctx: &RenderContext<'_>, area: Rect, buffer: &mut Buffer) {
    let events = &ctx.app.picture().readings.sys;
    if events.is_empty() {
        let text =
            "No event yet: they come while a mental command or facial expression is trained.";
        return paint::lines(
            &paint::sentence(text, area.width, ctx.style(ThemeToken::Dim)),
            area,
            buffer,
        );
    }
    let lines: Vec<_> = events
        .iter()
        .rev()
        .map(|event| {
            Line::from(vec![
                ctx.span(ThemeToken::Dim, format!("{}  ", ctx.clock_at(event.received))),
                ctx.sanitized(ThemeToken::Text, &event.texts.join("  ")),
            ])
        })
        .collect();
    paint::lines(&lines, area, buffer);
    ctx.mark_more(0, lines.len(), area, buffer);
}
