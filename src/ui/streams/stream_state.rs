//! The subscription state and health of a stream in a session: what stands above its view, and whether its
//! readings are current.

use std::time::Duration;

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    text::{Line, Span},
};

use crate::{
    app::SessionEntry,
    ui::{context::RenderContext, glyphs, health, paint, text, theme::ThemeToken},
};
use cortop_client::{Error, Stream};
use cortop_signal::StreamHealth;

/// The state of a requested stream.
#[derive(Clone, Copy)]
pub(super) enum StreamState<'a> {
    Subscribed,
    /// Subscribed by the program that opened the session.
    Theirs,
    Refused(&'a Error),
}

/// The text for a stream subscribed by the program that opened the session.
pub(super) const THEIRS: &str = "its samples go to its owner";
/// An age below this is not mentioned if room is short.
const YOUNG: Duration = Duration::from_secs(3);

/// The state of a stream; `None` if nobody requested it.
pub(super) fn state(entry: &SessionEntry, stream: Stream) -> Option<StreamState<'_>> {
    if entry.subscribed.contains(&stream) {
        return Some(StreamState::Subscribed);
    }
    if entry.is_owners_only(stream) {
        return Some(StreamState::Theirs);
    }
    let refused = entry.refused.iter().find(|(other, _)| *other == stream);
    refused.map(|(_, refusal)| StreamState::Refused(refusal))
}

/// The lines above a stream's own view; none once the session has ended.
pub(super) fn lines(
    ctx: &RenderContext<'_>,
    entry: &SessionEntry,
    stream: Stream,
    width: u16,
) -> Vec<Line<'static>> {
    if entry.closed.is_some() {
        return Vec::new();
    }
    match state(entry, stream) {
        Some(StreamState::Subscribed) => health_lines(ctx, entry, stream, width),
        Some(StreamState::Refused(refusal)) => {
            let code = refusal.code.map(|code| format!(" {code}")).unwrap_or_default();
            let text = format!("{} refused{code}: {}", glyphs::PROBLEM, refusal.message());
            let mut lines = paint::sentence(&text, width, ctx.style(ThemeToken::Bad));
            let next = ctx.app.in_monitor(&refusal.next);
            lines.extend(paint::sentence(&next, width, ctx.style(ThemeToken::Text)));
            lines
        }
        Some(StreamState::Theirs) => vec![ctx.span(ThemeToken::Dim, THEIRS).into()],
        None => vec![ctx.span(ThemeToken::Dim, "not subscribed").into()],
    }
}

/// Everything known about the health of a stream, over as many lines as needed.
fn health_lines(
    ctx: &RenderContext<'_>,
    entry: &SessionEntry,
    stream: Stream,
    width: u16,
) -> Vec<Line<'static>> {
    let Some(health) = health_of(ctx, entry, stream).filter(|_| ctx.app.is_live(entry)) else {
        return vec![short(ctx, entry, stream, true).into_iter().collect()];
    };
    let mut lines: Vec<Line<'static>> = Vec::new();
    for fact in health::facts(ctx, health) {
        match lines.last_mut() {
            Some(line)
                if line.width() + glyphs::SEPARATOR.chars().count() + fact.width()
                    <= usize::from(width) =>
            {
                line.push_span(ctx.span(ThemeToken::Dim, glyphs::SEPARATOR));
                line.push_span(fact);
            }
            _ => lines.push(fact.into()),
        }
    }
    lines
}

/// The health of a stream from the snapshot whose numbers are shown.
pub(super) fn health_of<'a>(
    ctx: &RenderContext<'a>,
    entry: &SessionEntry,
    stream: Stream,
) -> Option<&'a StreamHealth> {
    ctx.app.latest().health_of(&entry.session.id, stream)
}

/// Whether the readings shown of a stream are current.
pub(super) fn is_fresh(ctx: &RenderContext<'_>, entry: &SessionEntry, stream: Stream) -> bool {
    let health = ctx.app.snapshot.health_of(&entry.session.id, stream);
    ctx.app.is_live(entry) && health.is_none_or(|health| health.stale_since.is_none())
}

/// The same for what is drawn over time, which may come from an earlier session.
pub(super) fn is_current(ctx: &RenderContext<'_>, entry: &SessionEntry, stream: Stream) -> bool {
    let health = ctx.app.snapshot.health_of(&entry.session.id, stream);
    is_fresh(ctx, entry, stream) && health.is_some_and(|health| health.last.is_some())
}

/// Rate, loss and age in columns; if not `full`, the rate and only what is not as it should be.
pub(super) fn short(
    ctx: &RenderContext<'_>,
    entry: &SessionEntry,
    stream: Stream,
    full: bool,
) -> Vec<Span<'static>> {
    let Some(health) = health_of(ctx, entry, stream) else {
        return vec![ctx.span(ThemeToken::Dim, "no sample yet")];
    };
    if !ctx.app.is_live(entry) {
        let last = health.last.map(|last| format!(" since {}", ctx.clock_at(last)));
        let text = format!("{} no data{} ", glyphs::PROBLEM, last.unwrap_or_default());
        return vec![ctx.span(ThemeToken::Bad, text)];
    }
    let rate = health.rate.map_or_else(|| glyphs::UNKNOWN.to_owned(), text::rate);
    let rate = match health.nominal_rate {
        Some(nominal) => format!("{rate}/{} Hz", text::rate(nominal)),
        None => format!("{} events", health.received),
    };
    let off = if health.rate_is_off() { ThemeToken::Poor } else { ThemeToken::Dim };
    let mut spans = vec![ctx.span(off, format!("{rate:<11}"))];
    if let Some(since) = health.stale_since {
        let text = format!("{} STALE since {} ", glyphs::PROBLEM, ctx.clock_at(since));
        // If no samples arrive, the rate is dropped first.
        spans.truncate(usize::from(full));
        spans.push(ctx.span(ThemeToken::Bad, text));
        return spans;
    }
    if full || health.lost > 0 {
        let token = if health.lost > 0 { ThemeToken::Poor } else { ThemeToken::Dim };
        // Losses are unknown without a counter.
        let lost = if stream.is_trace() { format!("lost {}", health.lost) } else { String::new() };
        spans.push(ctx.span(token, format!(" {lost:<8}")));
    }
    let age = health.last.map(|last| ctx.since(last));
    if full || age.is_none_or(|age| age > YOUNG) {
        let age = age.map_or_else(|| glyphs::UNKNOWN.to_owned(), text::age);
        spans.push(ctx.span(ThemeToken::Dim, format!(" {age:>4}")));
    }
    if health.malformed > 0 {
        spans.push(ctx.span(ThemeToken::Poor, format!(" malformed {}", health.malformed)));
    }
    spans
}

/// Draws what is known of a stream and, if it is flowing, its readings below, after some blank rows. Readings
/// that are not current look stale.
pub(super) fn draw_readings(
    ctx: &RenderContext<'_>,
    entry: &SessionEntry,
    stream: Stream,
    blank: u16,
    area: Rect,
    buffer: &mut Buffer,
    draw: impl FnOnce(Rect, &mut Buffer),
) {
    let head = lines(ctx, entry, stream, area.width);
    paint::lines(&head, area, buffer);
    let source = ctx.app.stream();
    if !entry.subscribed.contains(&source) {
        return;
    }
    let used = (paint::cells(head.len()) + blank).min(area.height);
    let area = Rect { y: area.y + used, height: area.height - used, ..area };
    draw(area, buffer);
    if !is_fresh(ctx, entry, source) {
        buffer.set_style(area, ctx.style(ThemeToken::Stale));
    }
}
