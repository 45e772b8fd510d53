//! A line for every stream: does it flow, is it whole, how old is it, what does it say.

use std::time::Duration;

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    text::{Line, Span},
};

use super::{band_power, contact, detections};
use crate::{
    app::SessionEntry,
    ui::{context::RenderContext, glyphs, health, link, paint, text, theme::Token},
};
use cortop_client::{Link, Refusal, Step, Stream};
use cortop_signal::StreamHealth;

/// What became of a stream that was asked for.
#[derive(Clone, Copy)]
enum StreamState<'a> {
    Subscribed,
    /// By the program that opened the session.
    Theirs,
    Refused(&'a Refusal),
}

/// How many lines a session's streams take; as many stay for why it ended, so that the picture
/// above them stands where it was.
pub(super) fn count(entry: &SessionEntry) -> usize {
    let has_line = |stream| entry.pictured.contains(stream) || state(entry, *stream).is_some();
    Stream::ALL.iter().filter(|stream| has_line(stream)).count()
}

fn state(entry: &SessionEntry, stream: Stream) -> Option<StreamState<'_>> {
    if entry.subscribed.contains(&stream) {
        return Some(StreamState::Subscribed);
    }
    if entry.is_theirs(stream) {
        return Some(StreamState::Theirs);
    }
    let refused = entry.refused.iter().find(|(other, _)| *other == stream);
    refused.map(|(_, refusal)| StreamState::Refused(refusal))
}

/// What is said of a stream that the program which opened the session has subscribed.
const THEIRS: &str = "its samples go to its owner";
/// Width from which on a line says enough, and from which on it says all.
pub(super) const WIDTH: u16 = 36;
const FULL: u16 = 44;
/// An age that is not worth a word where room is short.
const YOUNG: Duration = Duration::from_secs(3);

pub(super) fn draw(ctx: &RenderContext<'_>, entry: &SessionEntry, area: Rect, buffer: &mut Buffer) {
    let count = count(entry);
    let count = count.min(Stream::ALL.iter().filter(|&&it| state(entry, it).is_some()).count());
    if count == 0 || entry.closed.is_some() {
        let lines = if let Some((why, _)) = &entry.closed {
            closed(ctx, entry, why, area.width)
        } else {
            let text = "No stream is subscribed yet.";
            paint::sentence(text, area.width, ctx.style(Token::Dim))
        };
        return paint::lines(&lines, area, buffer);
    }
    let columns = paint::cells(count.div_ceil(usize::from(area.height).max(1)));
    let width = area.width / columns.clamp(1, (area.width / WIDTH).max(1));
    let lines: Vec<_> = Stream::ALL
        .into_iter()
        .filter_map(|stream| {
            let mut line = Line::from(ctx.span(Token::Title, format!("{:<4}", stream.name())));
            line.extend(match state(entry, stream)? {
                StreamState::Refused(refusal) => {
                    refused(ctx, stream, refusal, width.saturating_sub(5))
                }
                StreamState::Theirs => vec![ctx.span(Token::Dim, THEIRS)],
                StreamState::Subscribed => flowing(ctx, entry, stream, width),
            });
            Some(line)
        })
        .collect();
    paint::columns(&lines, width, area, buffer);
}

/// Why there is nothing to show, and what comes next.
fn closed(
    ctx: &RenderContext<'_>,
    entry: &SessionEntry,
    why: &str,
    width: u16,
) -> Vec<Line<'static>> {
    let text = format!("The session is {}: {}", entry.ending(), text::clean(why));
    let token = if entry.ordered { Token::Text } else { Token::Bad };
    let mut lines = paint::sentence(&text, width, ctx.style(token));
    // What flows then, flows in another session.
    if !matches!(ctx.app.link, Link::Up { step: Step::Streaming, .. }) {
        lines.extend(link::lines(ctx, width));
    }
    lines
}

/// The same for the head of one stream's own view.
pub(super) fn lines_of_one(
    ctx: &RenderContext<'_>,
    entry: &SessionEntry,
    stream: Stream,
    width: u16,
) -> Vec<Line<'static>> {
    if let Some((why, _)) = &entry.closed {
        return closed(ctx, entry, why, width);
    }
    match state(entry, stream) {
        Some(StreamState::Subscribed) => health_of_one(ctx, entry, stream, width),
        Some(StreamState::Refused(refusal)) => {
            let code = refusal.code.map(|code| format!(" {code}")).unwrap_or_default();
            let text = format!("{} refused{code}: {}", glyphs::PROBLEM, refusal.message);
            let mut lines = paint::sentence(&text, width, ctx.style(Token::Bad));
            lines.extend(paint::sentence(&refusal.next, width, ctx.style(Token::Text)));
            lines
        }
        Some(StreamState::Theirs) => vec![ctx.span(Token::Dim, THEIRS).into()],
        None => vec![ctx.span(Token::Dim, "not subscribed").into()],
    }
}

/// All that is known of the health of a stream, over as many lines as it needs.
pub(super) fn health_of_one(
    ctx: &RenderContext<'_>,
    entry: &SessionEntry,
    stream: Stream,
    width: u16,
) -> Vec<Line<'static>> {
    let Some(health) = of(ctx, entry, stream).filter(|_| ctx.app.is_live(entry)) else {
        return vec![short(ctx, entry, stream, true).into_iter().collect()];
    };
    let mut lines: Vec<Line<'static>> = Vec::new();
    for fact in health::facts(ctx, health) {
        match lines.last_mut() {
            Some(line)
                if line.width() + glyphs::SEPARATOR.chars().count() + fact.width()
                    <= usize::from(width) =>
            {
                line.push_span(ctx.span(Token::Dim, glyphs::SEPARATOR));
                line.push_span(fact);
            }
            _ => lines.push(fact.into()),
        }
    }
    lines
}

fn refused(
    ctx: &RenderContext<'_>,
    stream: Stream,
    refusal: &Refusal,
    width: u16,
) -> Vec<Span<'static>> {
    let code = refusal.code.map(|code| format!(" {code}")).unwrap_or_default();
    let text = if refusal.next.is_empty() { &refusal.message } else { &refusal.next };
    // The line begins with the stream's name already.
    let text = text.strip_prefix(stream.name()).unwrap_or(text).trim_start_matches([':', ' ']);
    let text = text::clean(&format!("{} refused{code}: {text}", glyphs::PROBLEM));
    vec![ctx.span(Token::Bad, text::fit(&text, usize::from(width)))]
}

fn flowing(
    ctx: &RenderContext<'_>,
    entry: &SessionEntry,
    stream: Stream,
    width: u16,
) -> Vec<Span<'static>> {
    let mut spans = short(ctx, entry, stream, width >= FULL);
    // The name before, two blanks between, one to the next column.
    let used = 4 + spans.iter().map(Span::width).sum::<usize>() + 2 + 1;
    let stale = !is_fresh(ctx, entry, stream);
    let token = if stale { Token::Stale } else { Token::Text };
    let says = text::clean(&says(ctx, stream));
    let says = text::fit(&says, usize::from(width).saturating_sub(used));
    spans.push(ctx.span(token, format!("  {says}")));
    spans
}

fn of<'a>(
    ctx: &RenderContext<'a>,
    entry: &SessionEntry,
    stream: Stream,
) -> Option<&'a StreamHealth> {
    ctx.app.latest().health_of(&entry.session.id, stream)
}

/// Whether what is shown of a stream is of this moment.
pub(super) fn is_fresh(ctx: &RenderContext<'_>, entry: &SessionEntry, stream: Stream) -> bool {
    let health = ctx.app.snapshot.health_of(&entry.session.id, stream);
    ctx.app.is_live(entry) && health.is_none_or(|health| health.stale_since.is_none())
}

/// The same of what is drawn over time: it may have come in an earlier session.
pub(super) fn is_current(ctx: &RenderContext<'_>, entry: &SessionEntry, stream: Stream) -> bool {
    let health = ctx.app.snapshot.health_of(&entry.session.id, stream);
    is_fresh(ctx, entry, stream) && health.is_some_and(|health| health.last.is_some())
}

/// Rate, loss and age in columns; in short only what is not as it should be beside the rate.
fn short(
    ctx: &RenderContext<'_>,
    entry: &SessionEntry,
    stream: Stream,
    full: bool,
) -> Vec<Span<'static>> {
    let Some(health) = of(ctx, entry, stream) else {
        return vec![ctx.span(Token::Dim, "nothing came yet")];
    };
    if !ctx.app.is_live(entry) {
        let last = health.last.map(|last| format!(" since {}", ctx.clock_at(last)));
        let text = format!("{} no data{} ", glyphs::PROBLEM, last.unwrap_or_default());
        return vec![ctx.span(Token::Bad, text)];
    }
    let rate = health.rate.map_or_else(|| glyphs::UNKNOWN.to_owned(), text::rate);
    let rate = match health.nominal_rate {
        Some(nominal) => format!("{rate}/{} Hz", text::rate(nominal)),
        None => format!("{} events", health.received),
    };
    let off = if health.rate_is_off() { Token::Poor } else { Token::Dim };
    let mut spans = vec![ctx.span(off, format!("{rate:<11}"))];
    if let Some(since) = health.stale_since {
        let text = format!("{} STALE since {} ", glyphs::PROBLEM, ctx.clock_at(since));
        spans.push(ctx.span(Token::Bad, text));
        return spans;
    }
    if full || health.lost > 0 {
        let token = if health.lost > 0 { Token::Poor } else { Token::Dim };
        // Without a counter nobody knows.
        let lost = if stream.is_trace() { format!("lost {}", health.lost) } else { String::new() };
        spans.push(ctx.span(token, format!(" {lost:<8}")));
    }
    let age = health.last.map(|last| ctx.since(last));
    if full || age.is_none_or(|age| age > YOUNG) {
        let age = age.map_or_else(|| glyphs::UNKNOWN.to_owned(), text::age);
        spans.push(ctx.span(Token::Dim, format!(" {age:>4}")));
    }
    if health.malformed > 0 {
        spans.push(ctx.span(Token::Poor, format!(" odd {}", health.malformed)));
    }
    spans
}

/// The newest of a stream in a few words.
fn says(ctx: &RenderContext<'_>, stream: Stream) -> String {
    let readings = &ctx.app.numbers().readings;
    match stream {
        Stream::Eeg | Stream::Mot => {
            let entry = ctx.app.sessions.current();
            entry.map_or_else(String::new, |entry| {
                let headset = &entry.session.headset;
                let count = if stream == Stream::Eeg {
                    headset.sensors.len()
                } else {
                    headset.motion_sensors.len()
                };
                let of_channels = (count > 0).then(|| format!("{count} channels"));
                let health = of(ctx, entry, stream);
                let bad = health.and_then(|health| health::bad_words(&health.bad_channels));
                let filled = health.map_or(0, |health| health.interpolated);
                let filled = (filled > 0).then(|| format!("{filled} interpolated"));
                // What is wrong comes first: the line may be short.
                let words = [bad, filled, of_channels].into_iter().flatten();
                words.collect::<Vec<_>>().join(", ")
            })
        }
        Stream::Dev => {
            let words = |dev| contact::contact_words(dev, ctx.app.bad_channels());
            readings.dev.as_deref().map(words).unwrap_or_default()
        }
        Stream::Eq => contact::quality_words(&readings.eq_smoothed, ctx.app.bad_channels()),
        Stream::Pow => readings.pow.as_deref().map(band_power::words).unwrap_or_default(),
        Stream::Met => {
            let active = readings.met.iter().filter(|metric| metric.active != Some(false));
            let words =
                active.filter_map(|metric| Some(format!("{} {:.2}", metric.name, metric.value?.0)));
            let words = words.collect::<Vec<_>>().join(" ");
            if words.is_empty() { "no value yet".to_owned() } else { words }
        }
        Stream::Com => readings
            .com
            .back()
            .map(|com| detections::explained(ctx, detections::powered(&com.action, com.power)))
            .unwrap_or_default(),
        Stream::Fac => detections::explained(ctx, detections::face_words(ctx)),
        Stream::Sys => readings
            .sys
            .back()
            .map_or_else(|| "no event yet".to_owned(), |event| event.texts.join(" ")),
    }
}
