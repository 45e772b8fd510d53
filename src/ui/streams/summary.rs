//! One line per stream: whether it flows, what it lost, how old it is, and its newest value; or all streams
//! folded into a few rows with the newest values and what is wrong.

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
    ui::{context::RenderContext, glyphs, health, paint, text, theme::ThemeToken},
};
use cortop_client::{Error, Stream};
use cortop_signal::StreamHealth;

/// The number of lines for a session's streams; kept after the session has ended, for the reason, so that the
/// picture above does not move.
pub(super) fn count(entry: &SessionEntry) -> usize {
    let has_line = |stream| entry.pictured.contains(stream) || state(entry, *stream).is_some();
    Stream::ALL.iter().filter(|stream| has_line(stream)).count()
}

/// The number of rows if each stream has its own, with some more for the reasons of refusals.
pub(super) fn rows(entry: &SessionEntry) -> usize {
    count(entry) + REASON * entry.refused.len()
}

/// Rows for a reason, beyond its first.
const REASON: usize = 2;

/// Minimum width of a useful line, and of a complete one.
pub(super) const WIDTH: u16 = 36;
const FULL: u16 = 56;
/// Rows of the folded form.
pub(super) const FOLDED: u16 = 3;

/// Width of a folded stream's text, if it can be abbreviated to that.
const BRIEF: usize = 22;
/// Metrics named in the folded form.
const METRICS: usize = 4;

pub(super) fn draw(ctx: &RenderContext<'_>, entry: &SessionEntry, area: Rect, buffer: &mut Buffer) {
    let count = count(entry);
    let count = count.min(Stream::ALL.iter().filter(|&&it| state(entry, it).is_some()).count());
    if entry.closed.is_some() || area.is_empty() {
        return;
    }
    if count == 0 {
        let text = "No stream is subscribed yet.";
        let lines = paint::sentence(text, area.width, ctx.style(ThemeToken::Dim));
        return paint::lines(&lines, area, buffer);
    }
    let columns = paint::cells(count.div_ceil(usize::from(area.height).max(1)));
    let most = (area.width / WIDTH).max(1);
    if columns > most {
        let mut lines = folded(ctx, entry, area);
        // Spare rows show reasons and next steps.
        for (_, refusal) in &entry.refused {
            let next = ctx.app.in_monitor(&refusal.next);
            let mut reason = paint::sentence(&next, area.width, ctx.style(ThemeToken::Changed));
            if reason.is_empty() {
                let text = text::clean(refusal.message());
                reason = paint::sentence(&text, area.width, ctx.style(ThemeToken::Bad));
            }
            if lines.len() + reason.len() <= usize::from(area.height) {
                lines.extend(reason);
            }
        }
        return paint::lines(&lines, area, buffer);
    }
    let width = area.width / columns.max(1);
    // In a single column, spare rows show whole reasons.
    let mut spare = if columns == 1 { usize::from(area.height).saturating_sub(count) } else { 0 };
    let mut lines: Vec<Line<'_>> = Vec::new();
    for stream in Stream::ALL {
        let Some(state) = state(entry, stream) else { continue };
        let mut line = Line::from(ctx.span(ThemeToken::Title, format!("{:<4}", stream.name())));
        match state {
            StreamState::Refused(refusal) => {
                let rows =
                    refused(ctx, stream, refusal, usize::from(width.saturating_sub(5)), spare);
                spare -= rows.len() - 1;
                for row in rows {
                    line.push_span(ctx.span(ThemeToken::Bad, row));
                    lines.push(std::mem::replace(&mut line, Line::from("    ")));
                }
                continue;
            }
            StreamState::Theirs => line.push_span(ctx.span(ThemeToken::Dim, THEIRS)),
            StreamState::Subscribed => line.extend(flowing(ctx, entry, stream, width)),
        }
        lines.push(line);
    }
    paint::columns(&lines, width, area, buffer);
}

/// The streams one after another, as many per row as fit. Omits what the frame says about the traces. If not
/// all streams fit, fewer metrics are named.
fn folded(ctx: &RenderContext<'_>, entry: &SessionEntry, area: Rect) -> Vec<Line<'static>> {
    let with = |metrics| folded_with(ctx, entry, usize::from(area.width), metrics);
    let fits = |lines: &Vec<Line<'_>>| lines.len() <= usize::from(area.height);
    (1..=METRICS).rev().map(with).find(fits).unwrap_or_else(|| with(1))
}

fn folded_with(
    ctx: &RenderContext<'_>,
    entry: &SessionEntry,
    width: usize,
    metrics: usize,
) -> Vec<Line<'static>> {
    let mut lines = vec![Line::default()];
    for stream in Stream::ALL {
        let Some((token, words)) = brief(ctx, entry, stream, metrics) else { continue };
        let name = ctx.span(ThemeToken::Title, format!("{} ", stream.name()));
        let line = lines.last().map_or(0, Line::width);
        let gap = if line == 0 { "" } else { glyphs::SEPARATOR };
        let words = text::clean(&words);
        let used = line + text::cells(gap) + name.width();
        let spans = if used + text::cells(&words) <= width || line == 0 {
            [
                ctx.span(ThemeToken::Dim, gap),
                name,
                ctx.span(token, text::fit(&words, width - used.min(width))),
            ]
        } else {
            let room = width.saturating_sub(name.width());
            lines.push(Line::default());
            [ctx.span(ThemeToken::Dim, ""), name, ctx.span(token, text::fit(&words, room))]
        };
        lines.last_mut().into_iter().for_each(|line| line.extend(spans.clone()));
    }
    lines
}

/// A stream in the fewest words; `None` if nobody requested it, and for the traces while all is well.
fn brief(
    ctx: &RenderContext<'_>,
    entry: &SessionEntry,
    stream: Stream,
    metrics: usize,
) -> Option<(ThemeToken, String)> {
    match state(entry, stream)? {
        StreamState::Theirs => return Some((ThemeToken::Dim, "its owner's".to_owned())),
        StreamState::Refused(refusal) => {
            let code = refusal.code.map(|code| format!(" {code}")).unwrap_or_default();
            return Some((ThemeToken::Bad, format!("{} refused{code}", glyphs::PROBLEM)));
        }
        StreamState::Subscribed => {}
    }
    let health = stream_state::health_of(ctx, entry, stream);
    if !ctx.app.is_live(entry) {
        return Some((ThemeToken::Bad, format!("{} no data", glyphs::PROBLEM)));
    }
    if let Some(since) = health.and_then(|health| health.stale_since) {
        // All nine may be stale, and the header says so.
        let age = text::age(ctx.since(since));
        return Some((ThemeToken::Bad, format!("{} {age}", glyphs::PROBLEM)));
    }
    if stream == ctx.app.stream() {
        let wrong = health.map(|health| wrong(health, BRIEF)).unwrap_or_default();
        return (!wrong.is_empty()).then(|| (ThemeToken::Poor, wrong.join(", ")));
    }
    let words = match stream {
        Stream::Eeg | Stream::Mot => {
            let rates = health.and_then(|health| Some((health.rate?, health.nominal_rate?)));
            let (rate, nominal) = rates.map(|(one, other)| (text::rate(one), text::rate(other)))?;
            format!("{rate}/{nominal}")
        }
        Stream::Eq => contact::overall_quality(&ctx.app.numbers().readings.eq_smoothed),
        _ => newest(ctx, stream, metrics),
    };
    let words = if words.is_empty() { glyphs::UNKNOWN.to_owned() } else { words };
    Some((ThemeToken::Text, words))
}

/// The newest value of a stream in the fewest words, with at most `metrics` metrics; empty before the first
/// sample.
fn newest(ctx: &RenderContext<'_>, stream: Stream, metrics: usize) -> String {
    let readings = &ctx.app.numbers().readings;
    match stream {
        Stream::Pow => {
            let alpha = readings.pow.as_deref().and_then(band_power::strongest);
            alpha.map(|(sensor, _)| format!("α {sensor}")).unwrap_or_default()
        }
        Stream::Met => {
            let active = readings.met.iter().filter(|metric| metric.active != Some(false));
            let words = active.filter_map(|metric| {
                let name: String = metric.name.chars().take(3).collect();
                Some(format!("{name} {}", hundredths(metric.value?.0)))
            });
            words.take(metrics).collect::<Vec<_>>().join(" ")
        }
        Stream::Com => readings.com.back().map_or_else(String::new, |com| match com.power {
            Some(power) => format!("{} {}", com.action, hundredths(power)),
            None => com.action.clone(),
        }),
        Stream::Fac => detections::face_words(ctx),
        // The event's name begins with the name of what is trained.
        Stream::Sys => {
            let event = readings.sys.back().and_then(|event| event.texts.last().cloned());
            event.unwrap_or_default()
        }
        Stream::Eeg | Stream::Mot | Stream::Dev | Stream::Eq => says(ctx, stream, BRIEF),
    }
}

/// What is wrong with the samples received.
fn wrong(health: &StreamHealth, room: usize) -> Vec<String> {
    let bad = health::bad_words(&health.bad_channels, room);
    let filled = health.interpolated;
    let filled = (filled > 0).then(|| format!("{filled} interpolated"));
    bad.into_iter().chain(filled).collect()
}

/// A share from 0 to 1 in three cells: `.43`.
fn hundredths(share: f64) -> String {
    let text = format!("{share:.2}");
    text.strip_prefix('0').map_or_else(|| text.clone(), str::to_owned)
}

/// Why a stream was refused: what fits in one row, or the whole reason in up to `spare` more.
fn refused(
    ctx: &RenderContext<'_>,
    stream: Stream,
    refusal: &Error,
    width: usize,
    spare: usize,
) -> Vec<String> {
    let code = refusal.code.map(|code| format!(" {code}")).unwrap_or_default();
    let next = ctx.app.in_monitor(&refusal.next);
    let text = if next.is_empty() { refusal.message() } else { &next };
    // The line already begins with the stream's name.
    let text = text.strip_prefix(stream.name()).unwrap_or(text).trim_start_matches([':', ' ']);
    let text = text::clean(&format!("{} refused{code}: {text}", glyphs::PROBLEM));
    let rows = text::wrap(&text, width);
    if (1..=spare + 1).contains(&rows.len()) { rows } else { vec![text::fit(&text, width)] }
}

fn flowing(
    ctx: &RenderContext<'_>,
    entry: &SessionEntry,
    stream: Stream,
    width: u16,
) -> Vec<Span<'static>> {
    let mut spans = stream_state::short(ctx, entry, stream, width >= FULL);
    // The name before, two blanks between, one before the next column.
    let used = 4 + spans.iter().map(Span::width).sum::<usize>() + 2 + 1;
    let stale = !stream_state::is_fresh(ctx, entry, stream);
    let token = if stale { ThemeToken::Stale } else { ThemeToken::Text };
    let room = usize::from(width).saturating_sub(used);
    let is_whole = |words: &String| text::cells(words) <= room;
    let mut words = text::clean(&says(ctx, stream, room));
    if !is_whole(&words) {
        let brief = (1..=METRICS).rev().map(|metrics| text::clean(&newest(ctx, stream, metrics)));
        let whole = brief.filter(|words| !words.is_empty()).find(is_whole);
        // Drop a stale value that does not fit whole.
        words = whole.unwrap_or(if stale { String::new() } else { words });
    }
    spans.push(ctx.span(token, format!("  {}", text::fit(&words, room))));
    spans
}

/// The newest value of a stream in a few words, within `room` cells if possible.
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
                // What is wrong comes first: the line may be short.
                let mut words = health.map(|health| wrong(health, room)).unwrap_or_default();
                words.extend(of_channels);
                words.join(", ")
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
