//! A line for every stream: does it flow, is it whole, how old is it, what does it say.

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    text::{Line, Span},
};

use super::{
    band_power, contact, detections,
    stream_state::{self, StreamState, THEIRS, state},
};
use crate::{
    app::SessionEntry,
    ui::{context::RenderContext, glyphs, health, paint, text, theme::Token},
};
use cortop_client::{Error, Stream};

/// How many lines a session's streams take; as many stay for why it ended, so that the picture
/// above them stands where it was.
pub(super) fn count(entry: &SessionEntry) -> usize {
    let has_line = |stream| entry.pictured.contains(stream) || state(entry, *stream).is_some();
    Stream::ALL.iter().filter(|stream| has_line(stream)).count()
}

/// Width from which on a line says enough, and from which on it says all.
pub(super) const WIDTH: u16 = 36;
const FULL: u16 = 44;
pub(super) fn draw(ctx: &RenderContext<'_>, entry: &SessionEntry, area: Rect, buffer: &mut Buffer) {
    let count = count(entry);
    let count = count.min(Stream::ALL.iter().filter(|&&it| state(entry, it).is_some()).count());
    if count == 0 || entry.closed.is_some() {
        let lines = if let Some((why, _)) = &entry.closed {
            stream_state::closed(ctx, entry, why, area.width)
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

fn refused(
    ctx: &RenderContext<'_>,
    stream: Stream,
    refusal: &Error,
    width: u16,
) -> Vec<Span<'static>> {
    let code = refusal.code.map(|code| format!(" {code}")).unwrap_or_default();
    let text = if refusal.next.is_empty() { refusal.message() } else { &refusal.next };
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
    let mut spans = stream_state::short(ctx, entry, stream, width >= FULL);
    // The name before, two blanks between, one to the next column.
    let used = 4 + spans.iter().map(Span::width).sum::<usize>() + 2 + 1;
    let stale = !stream_state::is_fresh(ctx, entry, stream);
    let token = if stale { Token::Stale } else { Token::Text };
    let room = usize::from(width).saturating_sub(used);
    let says = text::fit(&text::clean(&says(ctx, stream, room)), room);
    spans.push(ctx.span(token, format!("  {says}")));
    spans
}

/// The newest of a stream in a few words, in so many cells if that can be.
fn says(ctx: &RenderContext<'_>, stream: Stream, room: usize) -> String {
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
                let health = stream_state::health_of(ctx, entry, stream);
                let bad = health.and_then(|health| health::bad_words(&health.bad_channels, room));
                let filled = health.map_or(0, |health| health.interpolated);
                let filled = (filled > 0).then(|| format!("{filled} interpolated"));
                // What is wrong comes first: the line may be short.
                let words = [bad, filled, of_channels].into_iter().flatten();
                words.collect::<Vec<_>>().join(", ")
            })
        }
        Stream::Dev => {
            let words = |dev| contact::contact_words(dev, ctx.app.bad_channels(), room);
            readings.dev.as_deref().map(words).unwrap_or_default()
        }
        Stream::Eq => contact::quality_words(&readings.eq_smoothed, ctx.app.bad_channels(), room),
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
