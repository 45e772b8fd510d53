//! The header: shows at a glance whether the data can be trusted. If the line is too narrow, the least
//! important items are omitted.

use std::{cmp::Reverse, time::Duration};

use jiff::{SignedDuration, Timestamp};

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    text::{Line, Span},
};

use super::{
    context::RenderContext, glyphs, health, link, paint, streams, text, theme::ThemeToken,
};
use crate::app::{App, FrozenPicture, SessionEntry, StationLink, StationStatus};
use crate::playback::PlaybackState;
use cortop_client::{ConnectionStep, Link, Stream};
use cortop_files::recorder::human_size;
use cortop_signal::{StreamHealth, snapshot::DeviceReadings};

/// Width of the time of day.
const CLOCK: u16 = 8;

/// How long the header shows a gap after the data have returned.
const GAP: Duration = Duration::from_secs(60);

/// A battery below this percentage is low.
const LOW_BATTERY: f64 = 20.0;

/// Maximum width of the text about contact.
const CONTACT: usize = 20;

/// An item of the header; items of the lowest rank are omitted first.
struct HeaderItem {
    rank: u8,
    span: Span<'static>,
    /// Additional text, shown if there is room left.
    more: String,
}

impl HeaderItem {
    fn new(rank: u8, span: Span<'static>) -> Self {
        Self { rank, span, more: String::new() }
    }
}

pub(super) fn draw(ctx: &RenderContext<'_>, area: Rect, buffer: &mut Buffer) {
    let clock = ctx.clock(ctx.app.now.wall);
    let mut rows = area.rows();
    let (Some(first), second) = (rows.next(), rows.next()) else { return };
    let width = first.width.saturating_sub(CLOCK + 1);
    let upper = Rect { width, ..first };
    let (mut service, session) = (service(ctx), session(ctx, first.width));
    match second {
        Some(second) => line(ctx, session, second, buffer),
        None => service.extend(session),
    }
    line(ctx, service, upper, buffer);
    let right = Rect { x: first.x + width + 1, width: first.width - width - 1, ..first };
    paint::line(&ctx.span(ThemeToken::Title, clock).into(), right, buffer);
}

fn service(ctx: &RenderContext<'_>) -> Vec<HeaderItem> {
    let app = ctx.app;
    let mut items = vec![HeaderItem::new(8, ctx.span(ThemeToken::Title, "cortop"))];
    items.extend(captures(ctx));
    let mut add = |rank, span| items.push(HeaderItem::new(rank, span));
    if app.settings.demo {
        add(8, ctx.span(ThemeToken::Changed, "demo"));
    }
    let (token, mark) = match app.link {
        Link::Up { step: ConnectionStep::Streaming, .. } if is_silent(app) => {
            (ThemeToken::Bad, glyphs::PROBLEM)
        }
        Link::Up { .. } => (ThemeToken::Good, glyphs::ON),
        Link::Connecting => (ThemeToken::Poor, glyphs::PENDING),
        Link::Waiting { .. } => (ThemeToken::Bad, glyphs::PENDING),
    };
    let word = if mark == glyphs::PROBLEM { "no data".to_owned() } else { link::word(ctx) };
    add(9, ctx.span(token, format!("{mark} {word}")));
    if let Link::Up { step: ConnectionStep::Watching, .. } = app.link {
        add(6, ctx.span(ThemeToken::Text, "another program's session"));
    }
    if let Some(frozen) = &app.streams.frozen {
        let (at, ago) = frozen_at(ctx, frozen);
        let text = format!("FROZEN {} · {} ago", ctx.clock(at), text::minutes(ago));
        add(9, ctx.span(ThemeToken::Changed, text));
        if frozen.end != frozen.at {
            let since = format!("since {}", ctx.clock(frozen.since.wall));
            add(5, ctx.span(ThemeToken::Dim, since));
        }
    }
    // In the demo the service is part of this program, and a capture has no connection.
    if let Some(note) =
        link::security(&app.link).filter(|_| !app.settings.demo && app.playback.is_none())
    {
        add(6, ctx.span(ThemeToken::Poor, note));
    }
    if let Some(info) = app.service.as_ref().filter(|info| !info.version.is_empty()) {
        add(3, ctx.sanitized(ThemeToken::Dim, &format!("Cortex {}", info.version)));
    }
    // If nobody is logged in, the connection's state already says so.
    if let Some(Some(user)) = &app.user {
        add(4, ctx.sanitized(ThemeToken::Text, &user.username));
    }
    if let Some((age, place)) = recorded_elsewhere(ctx) {
        add(11, ctx.span(ThemeToken::Bad, age));
        add(4, ctx.sanitized(ThemeToken::Bad, &place));
    }
    if let Some(problem) = app.licence.as_ref().and_then(|own| own.problem(app.now.wall)) {
        add(6, ctx.span(ThemeToken::Poor, format!("{} {}", glyphs::PROBLEM, problem.what)));
    }
    if let (stale @ 1.., all @ 2..) = app.stale_sessions() {
        let text = format!("{} {stale} of {all} stale", glyphs::PROBLEM);
        add(8, ctx.span(ThemeToken::Bad, text));
    }
    if let Some(at) = app.alerts.disk_low {
        let text = format!("{} disk low, warned {}", glyphs::PROBLEM, ctx.clock(at.wall));
        add(8, ctx.span(ThemeToken::Bad, text));
    }
    if let Some(text) = alerts_elsewhere(ctx) {
        add(8, ctx.span(ThemeToken::Bad, text));
    }
    if let Some(own) = &app.recorder {
        let written: u64 = own.status.files.iter().map(|file| file.size).sum();
        let seconds = app.now.instant.into_std().saturating_duration_since(own.since).as_secs();
        let age = format!("{}:{:02}", seconds / 60, seconds % 60);
        let text = format!("{} file {age} {}", glyphs::ON, human_size(written));
        add(11, ctx.span(ThemeToken::Bad, text));
        if let Some(free) = own.free {
            add(5, ctx.span(ThemeToken::Text, format!("{} free", human_size(free))));
        }
    }
    if let Some(lsl) = &app.lsl {
        let other = Some(&lsl.headset).filter(|own| app.headset() != Some(*own));
        let other = other.map(|own| format!(" {own}")).unwrap_or_default();
        let plural = if lsl.receivers == 1 { "" } else { "s" };
        add(
            7,
            ctx.sanitized(
                ThemeToken::Good,
                &format!("LSL{other} {} receiver{plural}", lsl.receivers),
            ),
        );
        if lsl.is_open {
            add(7, ctx.span(ThemeToken::Poor, "open to other machines"));
        }
    }
    items.extend(app.station.as_ref().map(|own| station(ctx, own)));
    let mut add = |rank, span| items.push(HeaderItem::new(rank, span));
    let dropped = app.latest().dropped;
    if dropped > 0 {
        add(7, ctx.span(ThemeToken::Bad, format!("{dropped} samples dropped here")));
    }
    if app.throughput.held_back {
        add(7, ctx.span(ThemeToken::Poor, held_back(app)));
    }
    add(2, ctx.span(ThemeToken::Dim, format!("screen {}", text::bytes(app.throughput.bytes))));
    items
}

/// The station that runs with the monitor: whether it publishes and, if there is room, its name or why it
/// does not.
fn station(ctx: &RenderContext<'_>, own: &StationStatus) -> HeaderItem {
    let (token, mark, more) = match &own.link {
        StationLink::Online => (ThemeToken::Good, glyphs::ON, &own.name),
        StationLink::Connecting => (ThemeToken::Poor, glyphs::PENDING, &own.name),
        StationLink::Offline(why) => (ThemeToken::Bad, glyphs::PROBLEM, why),
    };
    let dropped = match own.dropped {
        0 => String::new(),
        dropped => format!(", {dropped} dropped"),
    };
    let more = format!(" {}", text::clean(more));
    HeaderItem { more, ..HeaderItem::new(7, ctx.span(token, format!("{mark} MQTT{dropped}"))) }
}

/// The capture being played, and the one being written.
fn captures(ctx: &RenderContext<'_>) -> Vec<HeaderItem> {
    let app = ctx.app;
    let mut items = Vec::new();
    if let Some(playback) = &app.playback {
        items.push(HeaderItem::new(10, ctx.span(ThemeToken::Changed, self::playback(playback))));
        items.push(HeaderItem::new(3, ctx.sanitized(ThemeToken::Dim, &playback.name)));
        if let Some(problem) = playback.problems.first() {
            let (what, why) = problem.split_once(": ").unwrap_or((problem, ""));
            let more =
                if why.is_empty() { String::new() } else { format!(": {}", text::clean(why)) };
            let span = ctx.span(ThemeToken::Poor, text::clean(what));
            items.push(HeaderItem { more, ..HeaderItem::new(9, span) });
        }
    }
    let mut add = |rank, span| items.push(HeaderItem::new(rank, span));
    if let Some(capture) = &app.capture {
        let size = text::size(capture.bytes as f64);
        match (&capture.error, capture.lost) {
            (Some(_), _) => {
                add(9, ctx.span(ThemeToken::Bad, format!("{} CAPTURE failed", glyphs::PROBLEM)));
            }
            (None, 0) => add(7, ctx.span(ThemeToken::Good, format!("CAPTURE {size}"))),
            (None, lost) => {
                add(8, ctx.span(ThemeToken::Bad, format!("CAPTURE {size}, {lost} lines lost")));
            }
        }
    }
    items
}

/// The position in a capture, and the speed of its playback.
fn playback(state: &PlaybackState) -> String {
    let how = match state {
        _ if state.is_seeking => "SEEKING".to_owned(),
        _ if state.is_over() => "END".to_owned(),
        _ if state.is_paused => "PAUSED".to_owned(),
        _ => "PLAYING".to_owned(),
    };
    let speed = match state.speed {
        speed if speed < 1.0 => format!("1/{:.0}", 1.0 / speed),
        speed => format!("{speed:.0}"),
    };
    format!("{how} {speed}x {}/{}", clock(state.position), clock(state.length))
}

/// A duration in hours, minutes and seconds.
fn clock(time: Duration) -> String {
    let seconds = time.as_secs();
    format!("{}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60)
}

/// What is wrong with headsets other than the one shown, which has its own items.
fn alerts_elsewhere(ctx: &RenderContext<'_>) -> Option<String> {
    let shown = ctx.app.headset();
    let mut alerts = ctx.app.alerts.active().filter(|(_, headset, _)| Some(*headset) != shown);
    let (kind, headset, subject) = alerts.next()?;
    let words = format!("{headset} {}", kind.words(subject));
    let more = alerts.count();
    let text = text::and_more(&text::clean(&words), more, "", "", usize::MAX);
    Some(format!("{} {text}", glyphs::PROBLEM))
}

/// Says that frames are held back below the requested rate.
fn held_back(app: &App) -> String {
    let asked = if app.settings.fps > 0 { format!("/{}", app.settings.fps) } else { String::new() };
    format!("{:.0}{asked} fps, held back", app.throughput.frames)
}

/// The time of day at which a frozen picture ends, and how long ago that is. How far it was scrolled back
/// since it froze is measured by the stream's own clock, which may differ from this machine's.
fn frozen_at(ctx: &RenderContext<'_>, frozen: &FrozenPicture) -> (Timestamp, Duration) {
    let traces = frozen.snapshot.traces.as_ref();
    let newest = traces.and_then(|traces| traces.end_time);
    let back = newest.zip(frozen.end_time).map(|(newest, end)| newest - end).or_else(|| {
        // The history no longer has that time.
        let second = traces?.bins.samples as f64 / frozen.snapshot.view.window;
        Some(frozen.at.saturating_sub(frozen.end) as f64 / second)
    });
    let back = Duration::try_from_secs_f64(back.unwrap_or_default()).unwrap_or_default();
    let at = frozen.since.wall.checked_sub(SignedDuration::try_from(back).unwrap_or_default());
    (at.unwrap_or(frozen.since.wall), ctx.since(frozen.since.instant) + back)
}

/// Whether nothing is flowing that should be: the connection is up, but every stream is stale.
fn is_silent(app: &App) -> bool {
    let mut expected =
        app.snapshot.health.iter().filter(|health| health.nominal_rate.is_some()).peekable();
    expected.peek().is_some() && expected.all(|health| health.stale_since.is_some())
}

fn session(ctx: &RenderContext<'_>, width: u16) -> Vec<HeaderItem> {
    // A bad channel may take a fifth of the line.
    let words = usize::from(width / 5);
    let app = ctx.app;
    let Some(entry) = app.sessions.current() else {
        return vec![HeaderItem::new(5, ctx.span(ThemeToken::Dim, "no session"))];
    };
    let session = &entry.session;
    let headset = &session.headset;
    let mut items = vec![HeaderItem::new(7, ctx.sanitized(ThemeToken::Title, headset.id.as_str()))];
    let mut add = |rank, span| items.push(HeaderItem::new(rank, span));
    if !app.is_live(entry) {
        // Nothing of an ended session may look live: no age, rate or battery.
        if let Some((_, at)) = entry.closed {
            let text = format!("{} {} ago", entry.end_word(), text::age(ctx.since(at)));
            add(6, ctx.sanitized(ThemeToken::Bad, &text));
        }
        add(8, ctx.span(ThemeToken::Bad, format!("{} no data", glyphs::PROBLEM)));
        return items;
    }
    let running = app.records.running_in(&session.id);
    if let Some(running) = running {
        let age = text::clock(ctx.since(running.since.instant));
        add(11, ctx.span(ThemeToken::Bad, format!("{} REC {age}", glyphs::ON)));
        add(4, ctx.sanitized(ThemeToken::Bad, &running.record.title));
    } else if app.records.is_processing() {
        add(6, ctx.span(ThemeToken::Dim, format!("{} record in post-processing", glyphs::PENDING)));
    }
    if app.is_exporting(None) {
        add(6, ctx.span(ThemeToken::Dim, format!("{} exporting…", glyphs::PENDING)));
    }
    let age = super::session::age(ctx, entry.created, session.started.as_deref(), text::age);
    let age = age.map(|age| format!(" {age}")).unwrap_or_default();
    add(6, ctx.sanitized(ThemeToken::Text, &format!("{}{age}", session.status)));
    // Nobody ordered these activations.
    if app.reactivations > 0 {
        add(5, ctx.span(ThemeToken::Poor, format!("activated again {}×", app.reactivations)));
    }
    let numbers = app.latest();
    let health = || numbers.health_in(&session.id).iter();
    let main = [Stream::Eeg, Stream::Mot].iter().find_map(|&s| health().find(|h| h.stream == s));
    if let Some(main) = main {
        let rate = health::rate(ctx, main);
        let eeg = main.stream == Stream::Eeg;
        let stream = if eeg { String::new() } else { format!("{} ", main.stream) };
        add(6, Span::styled(format!("{stream}{}", rate.content), rate.style));
        add(8, loss(ctx, main));
        if let Some(bad) = health::bad_words(&main.bad_channels, words) {
            add(7, ctx.span(ThemeToken::Bad, format!("{} {bad}", glyphs::PROBLEM)));
        }
        if let Some(interpolated) = health::interpolated(ctx, main) {
            add(7, interpolated);
        }
    }
    // Both streams that report it are silent, so the value is as old as their last samples.
    let is_fresh = health().any(|health| {
        matches!(health.stream, Stream::Dev | Stream::Eq) && health.stale_since.is_none()
    });
    if is_fresh && let Some((token, words)) = streams::contact(ctx, CONTACT) {
        add(7, ctx.span(token, words));
    }
    let device = numbers.devices.get(&headset.id).filter(|_| is_fresh);
    if let Some(percent) = device.and_then(DeviceReadings::battery) {
        let token = if percent < LOW_BATTERY { ThemeToken::Bad } else { ThemeToken::Text };
        let (rank, what) = if percent < LOW_BATTERY { (9, "battery ") } else { (3, "") };
        add(rank, ctx.span(token, format!("{what}{percent:.0} %")));
    }
    // Of several stale streams only the fastest is named: a list would not fit.
    let mut stale =
        health().filter(|health| is_subscribed(entry, health) && health.stale_since.is_some());
    if let Some((first, since)) = stale.next().and_then(|first| Some((first, first.stale_since?))) {
        let more = stale.count();
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let text = format!(
            "{} {}{more} STALE since {}",
            glyphs::PROBLEM,
            first.stream,
            ctx.clock_at(since)
        );
        add(9, ctx.span(ThemeToken::Bad, text));
    }
    items.extend(gap(ctx, main));
    items
}

/// How long data of the main stream was missing; shown for a while after it has returned.
fn gap(ctx: &RenderContext<'_>, main: Option<&StreamHealth>) -> Option<HeaderItem> {
    let gap = main?.gap.as_ref().filter(|gap| ctx.since(gap.to) < GAP)?;
    let more = format!(" at {}", ctx.clock_at(gap.from));
    Some(HeaderItem { more, ..HeaderItem::new(9, ctx.span(ThemeToken::Poor, health::gap(gap))) })
}

/// Records running in sessions other than the current one: the age of the oldest, and where they run.
fn recorded_elsewhere(ctx: &RenderContext<'_>) -> Option<(String, String)> {
    let app = ctx.app;
    let others = app.records.running().filter(|(id, _)| {
        app.sessions.current.as_ref() != Some(*id)
            && app.sessions.get(id).is_some_and(|entry| app.is_live(entry))
    });
    let (id, oldest) = others.clone().min_by_key(|(_, running)| running.since.instant)?;
    let age = text::clock(ctx.since(oldest.since.instant));
    let headset = &app.sessions.get(id)?.session.headset.id;
    let more = match others.count() {
        1 => String::new(),
        all => format!(" and {} more", all - 1),
    };
    Some((format!("{} REC {age}", glyphs::ON), format!("{headset}{more}")))
}

fn is_subscribed(entry: &SessionEntry, health: &StreamHealth) -> bool {
    entry.subscribed.contains(&health.stream)
}

fn loss(ctx: &RenderContext<'_>, health: &StreamHealth) -> Span<'static> {
    let share = text::percent(health.lost, health.received + health.lost);
    match (health.lost, health.recent.lost) {
        (0, _) => ctx.span(ThemeToken::Text, "lost 0"),
        (lost, 0) => ctx.span(ThemeToken::Text, format!("lost {lost} ({share})")),
        (lost, now) => ctx.span(ThemeToken::Bad, format!("lost {lost} ({now} in 10 s)")),
    }
}

/// Draws the items in order, each if it fits beside those of higher rank.
fn line(ctx: &RenderContext<'_>, items: Vec<HeaderItem>, area: Rect, buffer: &mut Buffer) {
    let gap = glyphs::SEPARATOR.chars().count();
    let mut room = usize::from(area.width) + gap;
    let mut order: Vec<usize> = (0..items.len()).collect();
    order.sort_by_key(|&at| Reverse(items[at].rank));
    let mut fitting: Vec<usize> = Vec::new();
    for at in order {
        let width = items[at].span.width() + gap;
        // The item of the highest rank is cut rather than omitted.
        if width <= room || fitting.is_empty() {
            room = room.saturating_sub(width);
            fitting.push(at);
        }
    }
    let items = (0..).zip(items).filter(|(at, _)| fitting.contains(at)).map(|(_, item)| item);
    let separator = ctx.span(ThemeToken::Dim, glyphs::SEPARATOR);
    let mut line = Line::default();
    for mut item in items {
        let more = item.more.chars().count();
        if more <= room {
            room -= more;
            item.span.content.to_mut().push_str(&item.more);
        }
        if !line.spans.is_empty() {
            line.push_span(separator.clone());
        }
        line.push_span(item.span);
    }
    paint::line(&line, area, buffer);
}
