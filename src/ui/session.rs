//! Pane 2: the session object, field by field in Cortex's names, with what its values mean.

use std::{ops::Range, time::Duration};

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    text::{Line, Span},
};

use super::{
    glyphs, headset, link,
    scene::{self, Scene},
    text,
    theme::Token,
};
use crate::{
    app::{Entry, Field, Pane},
    cortex::{SessionMode, session::SessionStatus},
};

/// How long a change stays marked.
const MARKED: Duration = Duration::from_secs(5);
/// Events of the past for which there must be room, if there are so many, to show any.
const HISTORY: usize = 4;
/// Width of a time of day.
const CLOCK: usize = 8;
/// Width of the marks and names before the values.
const NAME: usize = 11;

pub(super) fn draw(scene: &Scene<'_>, area: Rect, buffer: &mut Buffer) {
    let sessions = &scene.app.sessions;
    let mut title = Line::default();
    if sessions.list.len() > 1 {
        let place = sessions.current().and_then(|current| {
            sessions.list.iter().position(|entry| entry.session.id == current.session.id)
        });
        let place = place.map_or(0, |at| at + 1);
        title.push_span(scene.say(Token::Dim, format!(" {place} of {}", sessions.list.len())));
    }
    let inside = scene.pane(Pane::Session, title, area, buffer);
    let mut lines = Vec::new();
    let mut selected = 0..0;
    if let Some(entry) = sessions.current() {
        if let Some(refusal) = scene.app.stopped_by() {
            lines.extend(link::refusal(scene, refusal, inside.width));
        }
        if let Some((why, at)) = &entry.closed {
            let ago = text::age(scene.since(*at));
            let text = format!("{} closed {ago} ago: {why}", glyphs::PROBLEM);
            lines.extend(scene::sentence(&text, inside.width, scene.style(Token::Bad)));
        } else if !scene.app.lives(entry) {
            let text = format!("{} offline: all as last told", glyphs::PROBLEM);
            lines.extend(scene::sentence(&text, inside.width, scene.style(Token::Bad)));
        }
        let first = lines.len();
        let (fields, rows) = fields(scene, entry, usize::from(inside.width));
        lines.extend(fields);
        let notes = notes(scene, entry, inside.width);
        if lines.len() + notes.len() < usize::from(inside.height) {
            lines.push(Line::default());
        }
        lines.extend(notes);
        let room = usize::from(inside.height).saturating_sub(lines.len() + 1);
        if scene.app.zoomed || room > entry.history.len().min(HISTORY) {
            lines.push(Line::default());
            lines.extend(history(scene, entry, inside.width));
        }
        selected = first + rows.start..first + rows.end;
    } else {
        lines.extend(link::lines(scene, inside.width));
    }
    // All of the selected field in sight, or else its beginning.
    let skip = selected.end.saturating_sub(usize::from(inside.height)).min(selected.start);
    scene::lines(lines.get(skip..).unwrap_or_default(), inside, buffer);
    scene::more(scene, skip, lines.len(), inside, buffer);
}

/// The eleven fields, and which lines the selected one takes.
fn fields(scene: &Scene<'_>, entry: &Entry, width: usize) -> (Vec<Line<'static>>, Range<usize>) {
    let sessions = &scene.app.sessions;
    let mut lines = Vec::new();
    let mut selected_rows = 0..0;
    for (row, field) in Field::ALL.into_iter().enumerate() {
        let selected = scene.app.focus == Pane::Session && row == sessions.field;
        let changed = entry.changed.get(&field).is_some_and(|&at| scene.since(at) < MARKED);
        let mark = match (changed, field, sessions.unfolded) {
            (true, ..) => glyphs::CHANGED,
            (_, Field::Headset, true) => glyphs::UNFOLDED,
            (_, Field::Headset, false) => glyphs::FOLDED,
            _ => " ",
        };
        let token = match (selected, changed) {
            (true, _) => Token::Selection,
            (_, true) => Token::Changed,
            _ => Token::Dim,
        };
        let name = scene.say(token, text::pad(&format!("{mark}{}", field.name()), NAME - 1));
        let (value, meaning) = value(scene, entry, field);
        let token = if changed { Token::Changed } else { Token::Text };
        // What the status means matters most; it and the selected field are never cut.
        let whole = selected || field == Field::Status;
        let start = lines.len();
        lines.extend(named(scene, name, (token, &value), &meaning, width, whole));
        if field == Field::Headset && sessions.unfolded {
            lines.extend(headset::fields(scene, &entry.session.headset, width));
        }
        if selected {
            selected_rows = start..lines.len();
        }
    }
    (lines, selected_rows)
}

/// A name, its value and, where there is room, what that means: on one line, or `whole` over several.
fn named(
    scene: &Scene<'_>,
    name: Span<'static>,
    (token, value): (Token, &str),
    meaning: &str,
    width: usize,
    whole: bool,
) -> Vec<Line<'static>> {
    let room = width.saturating_sub(NAME);
    let separated = Span::raw(value).width() + glyphs::SEPARATOR.chars().count();
    let left = room.saturating_sub(separated);
    if !whole || Span::raw(meaning).width() <= left {
        let mut line =
            Line::from(vec![name, Span::raw(" "), scene.say(token, text::fit(value, room))]);
        // A stump of a meaning says nothing; selected, the field has all of it.
        if !meaning.is_empty() && Span::raw(meaning).width() <= left {
            line.push_span(scene.say(Token::Dim, format!("{}{meaning}", glyphs::SEPARATOR)));
        }
        return vec![line];
    }
    let parts = text::wrap(value, room).into_iter().map(|part| scene.say(token, part));
    let meanings = text::wrap(meaning, room).into_iter().map(|part| scene.say(Token::Dim, part));
    let fronts = std::iter::once(name).chain(std::iter::repeat(Span::raw(" ".repeat(NAME - 1))));
    fronts
        .zip(parts.chain(meanings.filter(|part| !part.content.is_empty())))
        .map(|(front, part)| Line::from(vec![front, Span::raw(" "), part]))
        .collect()
}

/// A field's value, made harmless, and what it means.
fn value(scene: &Scene<'_>, entry: &Entry, field: Field) -> (String, String) {
    let session = &entry.session;
    let known =
        |text: &str| if text.is_empty() { glyphs::UNKNOWN.to_owned() } else { text::clean(text) };
    match field {
        Field::Id => (known(session.id.as_str()), "sid of its samples".to_owned()),
        Field::Status => {
            let meaning = match session.status {
                SessionStatus::Opened => "works, no licence debited",
                SessionStatus::Activated => "licence debited",
                SessionStatus::Closed => "gone",
                SessionStatus::Other(_) => "a word new to this program",
            };
            (text::clean(&session.status.to_string()), meaning.to_owned())
        }
        Field::Owner => (known(&session.owner), "EmotivID".to_owned()),
        Field::License if session.license.is_empty() => {
            (glyphs::UNKNOWN.to_owned(), "not activated".to_owned())
        }
        Field::License => {
            let licence =
                scene.app.licence.as_ref().filter(|own| own.license_id == session.license);
            (
                known(&session.license),
                licence.map(|own| text::clean(&own.license_name)).unwrap_or_default(),
            )
        }
        Field::AppId => (known(&session.app_id), "application that made it".to_owned()),
        Field::Started => moment(scene, &session.started),
        Field::Stopped if session.stopped.is_empty() => {
            let lives = if scene.app.lives(entry) { "still lives" } else { "not told" };
            (glyphs::UNKNOWN.to_owned(), lives.to_owned())
        }
        Field::Stopped => moment(scene, &session.stopped),
        Field::Streams => {
            let count = session.streams.len();
            let what = if scene.app.lives(entry) { "subscribed" } else { "as last told" };
            (known(&session.streams.join(" ")), format!("{count} {what}"))
        }
        Field::RecordIds if session.record_ids.is_empty() => ("none".to_owned(), String::new()),
        Field::RecordIds => (
            text::clean(&session.record_ids.join(" ")),
            format!("{} made", session.record_ids.len()),
        ),
        Field::Recording if session.recording => {
            let what = if scene.app.lives(entry) { "a record runs" } else { "as last told" };
            (format!("{} yes", glyphs::ON), what.to_owned())
        }
        Field::Recording => ("no".to_owned(), String::new()),
        Field::Headset => {
            (known(session.headset.id.as_str()), session.headset.model().name().to_owned())
        }
    }
}

/// A time as Cortex wrote it, in the zone of the screen, and how long ago it was.
fn moment(scene: &Scene<'_>, iso: &str) -> (String, String) {
    match iso.parse() {
        Ok(time) => {
            // Without "ago", so that it stands beside the time in a narrow pane too.
            (scene.clock(time), age(scene, iso).map(text::age).unwrap_or_default())
        }
        Err(_) if iso.is_empty() => (glyphs::UNKNOWN.to_owned(), String::new()),
        Err(_) => (text::clean(iso), "not a time this program can read".to_owned()),
    }
}

/// How long ago a time in Cortex's form was; nothing for one in the future or none at all.
#[must_use]
pub(super) fn age(scene: &Scene<'_>, iso: &str) -> Option<Duration> {
    let time: jiff::Timestamp = iso.parse().ok()?;
    scene.app.now.wall.duration_since(time).try_into().ok()
}

/// What happened to the session and when, the newest first.
fn history(scene: &Scene<'_>, entry: &Entry, width: u16) -> Vec<Line<'static>> {
    let indent = CLOCK + 1;
    let past = entry.history.iter().rev().flat_map(|(at, what)| {
        let times = std::iter::once(scene.clock(at.wall)).chain(std::iter::repeat(String::new()));
        let parts = text::wrap(&text::clean(what), usize::from(width).saturating_sub(indent));
        times.zip(parts).map(|(time, part)| {
            let time = scene.say(Token::Dim, text::pad(&time, indent));
            Line::from(vec![time, scene.say(Token::Text, part)])
        })
    });
    let title = Line::from(scene.say(Token::Title, "what happened"));
    std::iter::once(title).chain(past).collect()
}

/// What else is known around the session: why it is as it is, what was refused and what to do.
fn notes(scene: &Scene<'_>, entry: &Entry, width: u16) -> Vec<Line<'static>> {
    let mut lines = Vec::new();
    if let (Some((mode, why)), None) = (&entry.opened, &entry.closed) {
        let mode = match mode {
            SessionMode::Open => "opened without a licence",
            SessionMode::Active => "opened with a licence",
        };
        let text = if why.is_empty() { mode.to_owned() } else { format!("{mode}: {why}") };
        lines.extend(scene::sentence(&text, width, scene.style(Token::Dim)));
    }
    if let Some(trouble) =
        scene.app.licence.as_ref().and_then(|own| own.trouble(scene.app.now.wall))
    {
        let text = format!("{} {}: {}", glyphs::PROBLEM, trouble.what, trouble.next);
        lines.extend(scene::sentence(&text, width, scene.style(Token::Poor)));
    }
    for (stream, refusal) in &entry.refused {
        let code = refusal.code.map(|code| format!(" {code}")).unwrap_or_default();
        let text = format!("{} {stream} refused{code}: {}", glyphs::PROBLEM, refusal.message);
        lines.extend(scene::sentence(&text, width, scene.style(Token::Bad)));
        lines.extend(scene::sentence(&refusal.next, width, scene.style(Token::Text)));
    }
    lines
}
