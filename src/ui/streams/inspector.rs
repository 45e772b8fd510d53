//! The last raw message of each stream as received, with its values beside the names of their columns.

use ratatui::{layout::Rect, text::Line};
use tokio::time::Instant;

use super::{Canvas, stream_state};
use crate::{
    app::{MouseTarget, SessionEntry},
    ui::{context::RenderContext, glyphs, paint, text, theme::ThemeToken},
};
use cortop_client::Stream;
use cortop_signal::{
    View,
    inspect::{self, MessageLine},
};

/// Widths of the list of streams and of the column names.
const LIST: u16 = 7;
const NAME: usize = 22;

pub(super) fn details(ctx: &RenderContext<'_>, _: Rect) -> Vec<String> {
    vec![format!("last message of {}", ctx.app.streams.inspected)]
}

pub(super) fn request(_: &RenderContext<'_>, _: Rect) -> View {
    View { inspect: true, ..View::default() }
}

pub(super) fn draw(ctx: &RenderContext<'_>, entry: &SessionEntry, canvas: &mut Canvas<'_>) {
    let (area, buffer) = (canvas.area, &mut *canvas.buffer);
    let streams = &ctx.app.streams;
    let list = Stream::ALL.map(|stream| {
        let selected = stream == streams.inspected;
        let token = match (selected, entry.subscribed.contains(&stream)) {
            (true, _) => ThemeToken::Selection,
            (_, true) => ThemeToken::Text,
            (_, false) => ThemeToken::Dim,
        };
        let mark = if selected { glyphs::SELECTED } else { " " };
        Line::from(ctx.span(token, format!("{mark}{stream:<4}")))
    });
    // As much of the list as fits, including the selected stream.
    let place = Stream::ALL.iter().position(|&stream| stream == streams.inspected);
    let skip = (place.unwrap_or_default() + 1).saturating_sub(usize::from(area.height));
    let place = Rect { width: LIST.min(area.width), ..area };
    paint::lines(&list[skip..], place, buffer);
    ctx.hit_rows(place, skip, Stream::ALL.map(|stream| (1, MouseTarget::Inspected(stream))));

    let left = LIST.min(area.width);
    let area = Rect { x: area.x + left, width: area.width - left, ..area };
    let stream = streams.inspected;
    let flows = entry.closed.is_none() && entry.subscribed.contains(&stream);
    let Some(message) = ctx.app.inspected().filter(|_| flows) else {
        let lines = if flows {
            paint::sentence("No message yet.", area.width, ctx.style(ThemeToken::Dim))
        } else {
            stream_state::lines(ctx, entry, stream, area.width)
        };
        return paint::lines(&lines, area, buffer);
    };
    let fresh = stream_state::is_fresh(ctx, entry, stream);
    let received = Instant::from_std(message.received);
    let age = text::age(ctx.since(received));
    let head =
        format!("received {}, {age} ago, {} bytes", ctx.clock_at(received), message.text.len());
    let token = if fresh { ThemeToken::Dim } else { ThemeToken::Stale };
    paint::line(&ctx.span(token, head).into(), area, buffer);
    let below = Rect { y: area.y + 1, height: area.height.saturating_sub(1), ..area };

    let items = inspect::lines(message);
    let first = streams.first_line.min(items.len().saturating_sub(1));
    let rows = usize::from(below.height);
    let shown = items.iter().skip(first).take(rows);
    let lines: Vec<_> = shown.flat_map(|item| lines(ctx, item, usize::from(below.width))).collect();
    paint::lines(&lines, below, buffer);
    let cut = lines.len().saturating_sub(rows);
    ctx.mark_more(first, items.len() + cut, below, buffer);
}

/// An item, wrapped into as many lines as its value needs.
fn lines(ctx: &RenderContext<'_>, item: &MessageLine, width: usize) -> Vec<Line<'static>> {
    let indent = "  ".repeat(item.depth);
    let name = match item.name.as_str() {
        "" => format!("{indent}(no column)"),
        name => indent + &text::clean(name),
    };
    let column = NAME.min(width * 3 / 5);
    let name = text::pad(&name, column.saturating_sub(1)) + " ";
    let (token, value) = match &item.value {
        Some(value) => (ThemeToken::Text, text::clean(value)),
        None => (ThemeToken::Poor, format!("{} no value", glyphs::PROBLEM)),
    };
    let parts = text::wrap(&value, width.saturating_sub(column + 1));
    let label = if item.depth == 0 { ThemeToken::Title } else { ThemeToken::Axis };
    let rows = parts.into_iter().enumerate().map(|(at, part)| {
        let name = if at == 0 { name.clone() } else { " ".repeat(column) };
        Line::from(vec![ctx.span(label, name), ctx.span(token, part)])
    });
    rows.collect()
}
