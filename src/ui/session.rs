//! Pane 2: the session object, field by field under Cortex's names, with the meaning of its values.

use std::time::Duration;

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    text::{Line, Span},
};
use serde_json::Value;
use tokio::time::Instant;

use super::{
    context::RenderContext, explanation::Explanation, glyphs, headset, layout, link, paint, text,
    theme::ThemeToken,
};
use crate::app::{Action, App, MouseTarget, Pane, SessionEntry, SessionField};
use cortop_client::{RecordId, SessionMode, Stream, session::SessionStatus};

/// How long a change stays marked.
const MARKED: Duration = Duration::from_secs(5);
/// Past events are shown only if there is room for this many, or for all of them if they are fewer.
const HISTORY: usize = 4;
/// Maximum lines of the selected field, which can be unfolded.
const SELECTED: usize = 4;
/// Maximum lines of the status. It is not abridged: its cost stands at its end.
const STATUS: usize = 6;
/// Maximum number of members shown that this program does not know.
const OTHER_SHOWN: usize = 16;
/// The text for a missing member.
const MISSING: &str = "Cortex did not say";
/// The text for a blank string.
const BLANK: &str = "empty";
/// Width of the frame with the pane's number and name; the rest is for the title.
const FRAME: usize = 14;
/// Width of a time of day.
const CLOCK: usize = 8;
/// Width of the marks and names before the values.
const NAME: usize = 11;

/// Rows that show a whole session: frame, fields and notes.
const WHOLE: u16 = 20;

/// All rows, unless fewer show the whole session.
pub(super) fn preferred_rows(app: &App, body: Rect) -> u16 {
    if layout::is_large(body) && !app.sessions.unfolded { WHOLE } else { u16::MAX }
}

pub(super) fn draw(ctx: &RenderContext<'_>, area: Rect, buffer: &mut Buffer) {
    let sessions = &ctx.app.sessions;
    let mut title = Line::default();
    if sessions.list.len() > 1 {
        let place = sessions.current().and_then(|current| {
            sessions.list.iter().position(|entry| entry.session.id == current.session.id)
        });
        let place = place.map_or(0, |at| at + 1);
        title.push_span(ctx.span(ThemeToken::Dim, format!(" {place} of {}", sessions.list.len())));
    }
    if sessions.current().is_some_and(|entry| entry.foreign) {
        let [whole, short] = [" of another program", " · not ours"];
        let room = usize::from(area.width).saturating_sub(FRAME + title.width());
        let words = if whole.len() <= room { whole } else { short };
        title.push_span(ctx.span(ThemeToken::Changed, words));
    }
    let inside = ctx.pane(Pane::Session, Pane::Session.name(), title, area, buffer);
    let Some(entry) = sessions.current() else {
        let lines = link::lines_in(ctx, inside);
        return paint::lines(&lines, inside, buffer);
    };
    let width = usize::from(inside.width);
    let mut lines = above(ctx, entry, inside.width);
    let mut selected = 0..0;
    let mut rows = vec![(lines.len(), MouseTarget::Pane(Pane::Session))];
    for field in SessionField::ALL {
        let start = lines.len();
        let is_selected = ctx.app.focus == Pane::Session && field == sessions.field();
        if sessions.unfolded && field == sessions.field() {
            let (head, body) = whole(ctx, entry, field, width);
            let rows = usize::from(inside.height).saturating_sub(1);
            let first = sessions.scroll.first(body.len(), rows);
            if body.len() > rows {
                // The unfolded field has the pane to itself, with its name always visible.
                paint::lines(&[head], inside, buffer);
                ctx.hit(inside, || MouseTarget::Field(field));
                let below =
                    Rect { y: inside.y + 1, height: inside.height.saturating_sub(1), ..inside };
                paint::lines(
                    body.get(first..).unwrap_or_default(),
                    below.intersection(inside),
                    buffer,
                );
                ctx.mark_more(first, body.len(), below.intersection(inside), buffer);
                return;
            }
            lines.push(head);
            lines.extend(body);
        } else {
            lines.extend(short(ctx, entry, field, width, is_selected));
        }
        if is_selected {
            selected = start..lines.len();
        }
        rows.push((lines.len() - start, MouseTarget::Field(field)));
    }
    lines.extend(other(ctx, entry, width));
    let notes = notes(ctx, entry, inside.width);
    if lines.len() + notes.len() < usize::from(inside.height) {
        lines.push(Line::default());
    }
    lines.extend(notes);
    let room = usize::from(inside.height).saturating_sub(lines.len() + 1);
    if ctx.app.zoomed || room > entry.history.len().min(HISTORY) {
        lines.push(Line::default());
        lines.extend(history(ctx, entry, inside.width));
    }
    // Show the whole selected field, or its beginning if it is too long.
    let skip = selected.end.saturating_sub(usize::from(inside.height)).min(selected.start);
    paint::lines(lines.get(skip..).unwrap_or_default(), inside, buffer);
    ctx.hit_rows(inside, skip, rows);
    ctx.mark_more(skip, lines.len(), inside, buffer);
}

/// The text above the fields: why the session ended, or that its state is unknown now.
fn above(ctx: &RenderContext<'_>, entry: &SessionEntry, width: u16) -> Vec<Line<'static>> {
    let mut lines = Vec::new();
    if let Some(refusal) = ctx.app.stopped_by() {
        lines.extend(Explanation::of_refusal(ctx, refusal).lines(ctx, width));
    }
    let text = match (&entry.closed, ctx.app.sessions.as_of) {
        (Some((why, at)), _) => {
            let ago = text::age(ctx.since(*at));
            let text = format!("{} {ago} ago: {why}", entry.end_word());
            if entry.ordered {
                lines.extend(paint::sentence(&text, width, ctx.style(ThemeToken::Text)));
                return lines;
            }
            format!("{} {text}", glyphs::PROBLEM)
        }
        (None, _) if !ctx.app.is_live(entry) => {
            let connect = ctx.key(Action::Connect);
            format!("{} offline: last known values; {connect} tries again", glyphs::PROBLEM)
        }
        (None, Some(at)) => {
            format!(
                "{} as of {} ago: Cortex does not answer",
                glyphs::PENDING,
                text::age(ctx.since(at))
            )
        }
        (None, None) => return lines,
    };
    lines.extend(paint::sentence(&text, width, ctx.style(ThemeToken::Bad)));
    lines
}

/// The mark and name of a field, and the token of its value.
fn name(
    ctx: &RenderContext<'_>,
    entry: &SessionEntry,
    field: SessionField,
    selected: bool,
) -> (Span<'static>, ThemeToken) {
    let changed = entry.changed.get(&field).is_some_and(|&at| ctx.since(at) < MARKED);
    let unfolded = ctx.app.sessions.unfolded && field == ctx.app.sessions.field();
    let mark = match (changed, unfolded) {
        (true, _) => glyphs::CHANGED,
        (_, true) => glyphs::UNFOLDED,
        _ if selected || field == SessionField::Headset => glyphs::FOLDED,
        _ => " ",
    };
    let token = match (selected, changed) {
        (true, _) => ThemeToken::Selection,
        (_, true) => ThemeToken::Changed,
        _ => ThemeToken::Dim,
    };
    let name = ctx.span(token, text::pad(&format!("{mark}{}", field.name()), NAME - 1));
    (name, if changed { ThemeToken::Changed } else { ThemeToken::Text })
}

/// A field shortened to the width of the pane. What the status allows and costs matters most; the status and
/// the selected field are cut only after [`STATUS`] and [`SELECTED`] lines.
fn short(
    ctx: &RenderContext<'_>,
    entry: &SessionEntry,
    field: SessionField,
    width: usize,
    selected: bool,
) -> Vec<Line<'static>> {
    let (name, token) = name(ctx, entry, field, selected);
    let room = width.saturating_sub(NAME);
    let gap = |(value, meaning): &(String, String)| {
        let used = text::cells(value) + text::cells(meaning);
        [glyphs::SEPARATOR, " "].into_iter().find(|gap| used + text::cells(gap) <= room)
    };
    // A brief age is better than none.
    let worded = [text::age, text::brief_age].map(|age| value(ctx, entry, field, age));
    let gaps = worded.each_ref().map(gap);
    let [whole, brief] = worded;
    let ((value, meaning), gap) =
        if gaps[0].is_some() { (whole, gaps[0]) } else { (brief, gaps[1]) };
    let fits = gap.is_some();
    let matters = field == SessionField::Status && entry.closed.is_none();
    if !selected && !matters || fits && text::cells(&value) <= room {
        let cut = match field {
            SessionField::Id | SessionField::License => text::fit_id,
            _ => text::fit,
        };
        let value = ctx.span(token, cut(&value, room));
        let mut line = Line::from(vec![name, Span::raw(" "), value]);
        // A cut-off meaning is useless; the selected field shows all of it.
        if !meaning.is_empty() && fits {
            line.push_span(
                ctx.span(ThemeToken::Dim, format!("{}{meaning}", gap.unwrap_or_default())),
            );
        }
        return vec![line];
    }
    let parts = text::wrap(&value, room).into_iter().map(|part| (token, part));
    let meanings = text::wrap(&meaning, room).into_iter().map(|part| (ThemeToken::Dim, part));
    let mut parts: Vec<_> = parts.chain(meanings.filter(|(_, part)| !part.is_empty())).collect();
    let most = if matters { STATUS } else { SELECTED };
    if parts.len() > most {
        parts.truncate(most);
        let last = parts.last_mut().into_iter();
        last.for_each(|(_, part)| *part = text::fit(&format!("{part} …"), room));
    }
    let fronts = std::iter::once(name).chain(std::iter::repeat(Span::raw(" ".repeat(NAME - 1))));
    fronts
        .zip(parts)
        .map(|(front, (token, part))| {
            Line::from(vec![front, Span::raw(" "), ctx.span(token, part)])
        })
        .collect()
}

/// An unfolded field: its name with a count if there is one, below it its whole value and what is known about
/// it.
fn whole(
    ctx: &RenderContext<'_>,
    entry: &SessionEntry,
    field: SessionField,
    width: usize,
) -> (Line<'static>, Vec<Line<'static>>) {
    let (name, token) = name(ctx, entry, field, ctx.app.focus == Pane::Session);
    let session = &entry.session;
    let (value, meaning) = value(ctx, entry, field, text::age);
    let room = width.saturating_sub(NAME);
    // The last column is reserved for the marks that there is more.
    let wrapped = |token: ThemeToken, text: &str| {
        let lines = text::wrap(&text::clean(text), width.saturating_sub(2)).into_iter();
        lines
            .filter(|line| !line.is_empty())
            .map(|line| Line::from(ctx.span(token, format!(" {line}"))))
            .collect::<Vec<_>>()
    };
    let (head, body) = match field {
        SessionField::RecordIds if session.record_ids.iter().flatten().next().is_some() => {
            let ids: Vec<_> = session.record_ids.iter().flatten().rev().collect();
            let body = ids.iter().flat_map(|id| {
                let mut lines = wrapped(token, &record(ctx, entry, id));
                lines.extend(wrapped(ThemeToken::Dim, id));
                lines
            });
            let count = records(ids.len());
            let whole = format!("{count}, newest first");
            (if text::cells(&whole) <= room { whole } else { count }, body.collect())
        }
        SessionField::Streams if session.streams.iter().flatten().next().is_some() => {
            let names = entry.streams().unwrap_or_default();
            let body = names.iter().flat_map(|name| {
                let title = name.parse::<Stream>().map(|stream| stream.title().to_owned());
                wrapped(token, &format!("{name} {}", title.unwrap_or_default()))
            });
            (meaning, body.collect())
        }
        SessionField::Headset => (
            format!("{value} {meaning}"),
            headset::fields(ctx, &session.headset, width.saturating_sub(1)),
        ),
        SessionField::Started => {
            let iso = session.started.as_deref();
            (String::new(), self::moment_whole(ctx, entry.created, iso, &wrapped))
        }
        SessionField::Stopped if session.stopped.as_ref().is_some_and(|text| !text.is_empty()) => {
            let closed = entry.closed.as_ref().map(|(_, at)| *at);
            let iso = session.stopped.as_deref();
            (String::new(), self::moment_whole(ctx, closed, iso, &wrapped))
        }
        _ => {
            let mut body = wrapped(token, &value);
            body.extend(wrapped(ThemeToken::Dim, &meaning));
            if field == SessionField::Id
                && let Some(before) = &entry.predecessor
            {
                body.extend(wrapped(ThemeToken::Dim, &format!("opened in place of {before}")));
            }
            (String::new(), body)
        }
    };
    let head = ctx.span(ThemeToken::Dim, text::fit(&text::clean(&head), room));
    (Line::from(vec![name, Span::raw(" "), head]), body)
}

/// A time with date and offset as Cortex sent it, and how long ago it was.
fn moment_whole(
    ctx: &RenderContext<'_>,
    known: Option<Instant>,
    iso: Option<&str>,
    wrapped: &dyn Fn(ThemeToken, &str) -> Vec<Line<'static>>,
) -> Vec<Line<'static>> {
    let text = iso.unwrap_or_default();
    let spaced = text.split_once('T').map_or_else(
        || text.to_owned(),
        |(date, rest)| {
            let at = rest.find(['+', '-', 'Z']).unwrap_or(rest.len());
            format!("{date} {} {}", &rest[..at], &rest[at..])
        },
    );
    let mut lines =
        wrapped(ThemeToken::Text, if text.is_empty() { glyphs::UNKNOWN } else { &spaced });
    let ago = match (age(ctx, known, iso, text::minutes), iso) {
        (Some(age), _) => format!("{age} ago"),
        (None, None) => MISSING.to_owned(),
        (None, Some("")) => BLANK.to_owned(),
        (None, Some(_)) => String::new(),
    };
    lines.extend(wrapped(ThemeToken::Dim, &ago));
    lines
}

/// A record's title and state, as far as known.
fn record(ctx: &RenderContext<'_>, entry: &SessionEntry, id: &str) -> String {
    let records = &ctx.app.records;
    let uuid = RecordId::from(id);
    let running = records.running_in(&entry.session.id).map(|running| &running.record);
    let known = running.filter(|own| own.uuid == uuid).or_else(|| records.get(&uuid));
    let is_last =
        entry.session.record_ids.iter().flatten().next_back().is_some_and(|own| own == id);
    let state = match known {
        _ if entry.session.recording == Some(true) && is_last => "running",
        _ if records.is_busy(&uuid) => "in post-processing",
        Some(record) if !record.end_datetime.is_empty() => "ended",
        _ => "state unknown",
    };
    let title = known.map_or("title unknown", |record| record.title.as_str());
    format!("{title}{}{state}", glyphs::SEPARATOR)
}

fn records(count: usize) -> String {
    if count == 1 { "1 record".to_owned() } else { format!("{count} records") }
}

/// A field's sanitized value, and its meaning; for a time the meaning is its age, formatted by `words`.
fn value(
    ctx: &RenderContext<'_>,
    entry: &SessionEntry,
    field: SessionField,
    words: fn(Duration) -> String,
) -> (String, String) {
    let session = &entry.session;
    let unknown = || (glyphs::UNKNOWN.to_owned(), MISSING.to_owned());
    let known = |text: Option<&str>, meaning: &str| match text {
        None => unknown(),
        Some("") => (glyphs::UNKNOWN.to_owned(), BLANK.to_owned()),
        Some(text) => (text::clean(text), meaning.to_owned()),
    };
    let given = |id| Some(id).filter(|id: &&str| !id.is_empty());
    let lives = ctx.app.is_live(entry);
    let last_known = |text: String| if lives { text } else { "last known".to_owned() };
    match field {
        SessionField::Id => known(given(session.id.as_str()), "session id (sid in samples)"),
        SessionField::Status if session.status == SessionStatus::Unknown => unknown(),
        SessionField::Status => {
            let (status, meaning) = (text::clean(&session.status.to_string()), status(ctx, entry));
            match session.status {
                SessionStatus::Opened | SessionStatus::Closed => {
                    (format!("{status}: {meaning}"), String::new())
                }
                _ => (status, meaning),
            }
        }
        SessionField::Owner => known(session.owner.as_deref(), "EmotivID"),
        SessionField::License => match session.license.as_deref() {
            None => unknown(),
            Some("") => {
                let meaning = match session.status {
                    SessionStatus::Activated => "empty, although activated",
                    SessionStatus::Closed => "no licence in use",
                    _ => "not activated",
                };
                (glyphs::UNKNOWN.to_owned(), meaning.to_owned())
            }
            Some(license) => {
                let own = ctx.app.licence.as_ref().filter(|own| own.license_id == license);
                let name = own.map(|own| text::clean(&own.license_name)).unwrap_or_default();
                let before = entry.closed.is_some() && !entry.is_final;
                (
                    text::clean(license),
                    if before { "in use before it closed".to_owned() } else { name },
                )
            }
        },
        SessionField::AppId => known(session.app_id.as_deref(), "application that created it"),
        SessionField::Started => moment(ctx, entry.created, session.started.as_deref(), words),
        SessionField::Stopped => match (session.stopped.as_deref(), &entry.closed) {
            (Some(""), None) if lives => {
                (format!("{} (still open)", glyphs::UNKNOWN), String::new())
            }
            (Some(iso), closed) if !iso.is_empty() => {
                moment(ctx, closed.as_ref().map(|(_, at)| *at), Some(iso), words)
            }
            (_, Some((_, at))) => {
                let clock = ctx.clock_at(*at);
                (format!("unknown, closed at {clock} by this computer's clock"), String::new())
            }
            (Some(_), None) => (glyphs::UNKNOWN.to_owned(), "last known".to_owned()),
            (None, None) => unknown(),
        },
        SessionField::Streams => match entry.streams() {
            None => unknown(),
            Some(streams) if streams.is_empty() => ("none".to_owned(), String::new()),
            Some(streams) => (
                text::clean(&streams.join(" ")),
                last_known(format!("{} subscribed", streams.len())),
            ),
        },
        SessionField::RecordIds => match session.record_ids.as_deref() {
            None => unknown(),
            Some([]) => ("none".to_owned(), String::new()),
            Some([one]) => (format!("1 record, {}", text::clean(one)), String::new()),
            Some(all @ [.., newest]) => {
                (format!("{}, newest {}", records(all.len()), text::clean(newest)), String::new())
            }
        },
        SessionField::Recording => match session.recording {
            None => unknown(),
            Some(true) => {
                (format!("{} yes", glyphs::ON), last_known("a record is running".to_owned()))
            }
            Some(false) => ("no".to_owned(), String::new()),
        },
        SessionField::Headset => {
            known(given(session.headset.id.as_str()), session.headset.model().name())
        }
    }
}

/// What a session in this status can do, and what the next status costs.
fn status(ctx: &RenderContext<'_>, entry: &SessionEntry) -> String {
    let app = ctx.app;
    match entry.session.status {
        SessionStatus::Opened => {
            let left = app.licence.as_ref().and_then(|licence| licence.local_quota);
            let cost = match left {
                Some(left) if left < 1.0 => "moves activations here".to_owned(),
                Some(left) => format!("uses 1 of {left}"),
                None => "uses 1 activation".to_owned(),
            };
            let key = ctx.key(Action::Activate);
            let no_scope = app.licence.as_ref().is_some_and(|licence| !licence.has_scope("eeg"));
            let purpose = if no_scope { ", only for records" } else { "" };
            format!("no EEG, no records; {key} {cost}{purpose}")
        }
        SessionStatus::Activated => "licence debited".to_owned(),
        SessionStatus::Closed => {
            let open = ctx.key(Action::Open);
            format!("cannot be used again; {open} on the headset opens a new one")
        }
        SessionStatus::Unknown | SessionStatus::Other(_) => "unknown to this program".to_owned(),
    }
}

/// Undocumented members as received; a list of named objects is shortened to the names.
fn other(ctx: &RenderContext<'_>, entry: &SessionEntry, width: usize) -> Vec<Line<'static>> {
    let words = |value: &Value| {
        let list = value.as_array().filter(|list| !list.is_empty());
        let names = list.and_then(|list| {
            list.iter().map(|own| own.get("name")?.as_str()).collect::<Option<Vec<_>>>()
        });
        names.map_or_else(|| value.to_string(), |names| names.join(" "))
    };
    let members = entry.session.other.iter().take(OTHER_SHOWN);
    members
        .map(|(name, value)| {
            let text = format!(" {} {}", text::clean(name), text::clean(&words(value)));
            Line::from(ctx.span(ThemeToken::Dim, text::fit(&text, width)))
        })
        .collect()
}

/// A time sent by Cortex in the displayed time zone, and how long ago it was.
fn moment(
    ctx: &RenderContext<'_>,
    known: Option<Instant>,
    iso: Option<&str>,
    words: fn(Duration) -> String,
) -> (String, String) {
    let Some(text) = iso else { return (glyphs::UNKNOWN.to_owned(), MISSING.to_owned()) };
    match text.parse() {
        Ok(time) => {
            // Without "ago", so that it fits beside the time in a narrow pane.
            (ctx.clock(time), age(ctx, known, iso, words).unwrap_or_default())
        }
        Err(_) if text.is_empty() => (glyphs::UNKNOWN.to_owned(), BLANK.to_owned()),
        Err(_) => (text::clean(text), "not a time this program can read".to_owned()),
    }
}

/// How long ago something was, formatted by `words`: since a moment known here, otherwise with `≈` by
/// Cortex's timestamp, whose clock may differ from ours. `None` for a time in the future or a missing one.
#[must_use]
pub(super) fn age(
    ctx: &RenderContext<'_>,
    known: Option<Instant>,
    iso: Option<&str>,
    words: fn(Duration) -> String,
) -> Option<String> {
    if let Some(moment) = known {
        return Some(words(ctx.since(moment)));
    }
    let time: jiff::Timestamp = iso?.parse().ok()?;
    let age = ctx.app.now.wall.duration_since(time).try_into().ok()?;
    Some(format!("{}{}", glyphs::ABOUT, words(age)))
}

/// What happened to the session and when, newest first.
fn history(ctx: &RenderContext<'_>, entry: &SessionEntry, width: u16) -> Vec<Line<'static>> {
    let indent = CLOCK + 1;
    let past = entry.history.iter().rev().flat_map(|(at, what)| {
        let times = std::iter::once(ctx.clock(at.wall)).chain(std::iter::repeat(String::new()));
        let parts = text::wrap(&text::clean(what), usize::from(width).saturating_sub(indent));
        times.zip(parts).map(|(time, part)| {
            let time = ctx.span(ThemeToken::Dim, text::pad(&time, indent));
            Line::from(vec![time, ctx.span(ThemeToken::Text, part)])
        })
    });
    let title = Line::from(ctx.span(ThemeToken::Title, "history"));
    std::iter::once(title).chain(past).collect()
}

/// Further notes on the session: why it is in its state, what was refused, and what to do.
fn notes(ctx: &RenderContext<'_>, entry: &SessionEntry, width: u16) -> Vec<Line<'static>> {
    let mut lines = Vec::new();
    if let (Some((mode, why)), None) = (&entry.opened, &entry.closed) {
        let mode = match mode {
            SessionMode::Open => "opened without a licence",
            SessionMode::Active => "opened with a licence",
        };
        let text = if why.is_empty() {
            mode.to_owned()
        } else {
            format!("{mode}: {}", ctx.app.in_monitor(why))
        };
        lines.extend(paint::sentence(&text, width, ctx.style(ThemeToken::Dim)));
    }
    // Only the other program knows what its session cost.
    if entry.closed.is_some() && !entry.foreign {
        let mut facts = Vec::new();
        facts.extend(
            entry.lifetime(ctx.app.now).map(|age| format!("lasted {}", text::minutes(age))),
        );
        facts.push(
            if entry.debited { "1 activation debited" } else { "nothing debited" }.to_owned(),
        );
        let count = entry.session.record_ids.as_ref().map(Vec::len);
        facts.extend(count.filter(|&count| count > 0).map(records));
        let text = facts.join(glyphs::SEPARATOR);
        lines.extend(paint::sentence(&text, width, ctx.style(ThemeToken::Dim)));
    }
    if let Some(problem) = ctx.app.licence.as_ref().and_then(|own| own.problem(ctx.app.now.wall)) {
        let text = format!("{} {}: {}", glyphs::PROBLEM, problem.what, problem.next);
        lines.extend(paint::sentence(&text, width, ctx.style(ThemeToken::Poor)));
    }
    for (stream, refusal) in &entry.refused {
        let code = refusal.code.map(|code| format!(" {code}")).unwrap_or_default();
        let text = format!("{} {stream} refused{code}: {}", glyphs::PROBLEM, refusal.message());
        lines.extend(paint::sentence(&text, width, ctx.style(ThemeToken::Bad)));
        let next = ctx.app.in_monitor(&refusal.next);
        lines.extend(paint::sentence(&next, width, ctx.style(ThemeToken::Text)));
    }
    lines
}
