//! Training events (`sys`), newest first.

use ratatui::{buffer::Buffer, layout::Rect, text::Line};

use crate::ui::{context::RenderContext, paint, theme::Token};

pub(super) fn draw(ctx: &RenderContext<'_>, area: Rect, buffer: &mut Buffer) {
    let events = &ctx.app.picture().readings.sys;
    if events.is_empty() {
        let text =
            "No event yet: they come while a mental command or facial expression is trained.";
        return paint::lines(
            &paint::sentence(text, area.width, ctx.style(Token::Dim)),
            area,
            buffer,
        );
    }
    let lines: Vec<_> = events
        .iter()
        .rev()
        .map(|event| {
            Line::from(vec![
                ctx.span(Token::Dim, format!("{}  ", ctx.clock_at(event.received))),
                ctx.sanitized(Token::Text, &event.texts.join("  ")),
            ])
        })
        .collect();
    paint::lines(&lines, area, buffer);
    ctx.mark_more(0, lines.len(), area, buffer);
}
