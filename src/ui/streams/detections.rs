//! Mental command (`com`) and facial expression (`fac`): the current detection, its strength, and its
//! history.

use std::time::Duration;

use ratatui::{buffer::Buffer, layout::Rect, text::Line};

use super::{Canvas, stream_state, timeline};
use crate::{
    app::{Action, SessionEntry},
    ui::{context::RenderContext, glyphs, paint, text, theme::ThemeToken},
};
use cortop_client::{Stream, profile::LoadedProfile};
use cortop_signal::snapshot::{FacialExpression, MentalCommand};

/// A blink lasts one sample; it stays on the screen for this long (§5.9).
const LATCH: Duration = Duration::from_millis(300);
/// Width of the names of the parts of a face.
const NAME: usize = 8;
/// Cells of a strip: half a minute, as long as mental commands are kept.
const KEPT: usize = 60;
const NEUTRAL: &str = "neutral";
const NO_PROFILE: &str = "no profile loaded";

/// An action and its power as text.
pub(super) fn powered(action: &str, power: Option<f64>) -> String {
    power.map_or_else(|| action.to_owned(), |power| format!("{action} {power:.2}"))
}

/// A detection as text, and why there is none if no profile is loaded.
pub(super) fn explained(ctx: &RenderContext<'_>, words: String) -> String {
    if words.starts_with(NEUTRAL) && profile(ctx).is_some_and(Option::is_none) {
        format!("{NEUTRAL}: {NO_PROFILE}")
    } else {
        words
    }
}

/// The profile on the headset of the current session, if Cortex has reported it.
fn profile<'a>(ctx: &RenderContext<'a>) -> Option<&'a Option<LoadedProfile>> {
    let app = ctx.app;
    app.profiles.loaded_on(&app.sessions.current()?.session.headset.id)
}

/// Names the loaded profile, or says how to load one.
fn profile_line(ctx: &RenderContext<'_>) -> Option<Line<'static>> {
    let text = match (profile(ctx)?, ctx.app.settings.keymap.keys(Action::Profiles)) {
        (Some(loaded), _) => format!("profile {}", loaded.name),
        (None, [key, ..]) => format!("{NO_PROFILE}: {key} in pane 2 loads one"),
        (None, []) => NO_PROFILE.to_owned(),
    };
    Some(ctx.sanitized(ThemeToken::Dim, &text).into())
}

pub(super) fn draw_command(ctx: &RenderContext<'_>, entry: &SessionEntry, canvas: &mut Canvas<'_>) {
    let (area, buffer) = (canvas.area, &mut *canvas.buffer);
    stream_state::draw_readings(ctx, entry, Stream::Com, 1, area, buffer, |area, buffer| {
        command(ctx, area, buffer);
    });
}

fn command(ctx: &RenderContext<'_>, area: Rect, buffer: &mut Buffer) {
    let com = &ctx.app.numbers().readings.com;
    let Some(now) = com.back() else { return nothing(ctx, area, buffer) };
    let width = usize::from(area.width);
    let bar = |power| glyphs::bar(power, width.saturating_sub(2).min(40));
    let bar = now.power.map_or_else(|| glyphs::UNKNOWN.to_owned(), bar);
    let action = text::clean(&powered(&now.action, now.power));
    let mut lines = vec![
        Line::from(ctx.span(ThemeToken::Title, action)),
        Line::from(ctx.span(ThemeToken::Trace, bar)),
    ];
    lines.extend(profile_line(ctx));
    lines.push(Line::default());
    // The strongest detection of each cell, above the first letter of its action.
    let cells = width.saturating_sub(NAME).min(KEPT);
    let mut strongest: Vec<Option<&MentalCommand>> = vec![None; cells];
    for past in com {
        let at = timeline::cell(ctx, past.received, now.received, timeline::CELL, cells);
        let Some(cell) = at.and_then(|at| strongest.get_mut(at)) else { continue };
        if cell.is_none_or(|other| other.power <= past.power) {
            *cell = Some(past);
        }
    }
    let levels = strongest.iter().map(|past| timeline::level(past.and_then(|past| past.power)));
    let letters = strongest.iter().map(|past| {
        let active = past.filter(|past| past.action != NEUTRAL);
        active.and_then(|past| text::clean(&past.action).chars().next()).unwrap_or(' ')
    });
    lines.push(timeline::heading(ctx, cells));
    lines.push(track(ctx, "power", levels.collect(), ThemeToken::Trace));
    lines.push(track(ctx, "action", letters.collect(), ThemeToken::Text));
    lines.push(Line::default());
    // The changes, newest first.
    let changes =
        com.iter().zip(com.iter().skip(1)).filter(|(before, after)| before.action != after.action);
    for (_, change) in changes.collect::<Vec<_>>().into_iter().rev() {
        let text = text::clean(&powered(&change.action, change.power));
        lines.push(past(ctx, change.received, &text));
    }
    paint::lines(&lines, area, buffer);
}

/// A strip with its name.
fn track(ctx: &RenderContext<'_>, name: &str, cells: String, token: ThemeToken) -> Line<'static> {
    Line::from(vec![ctx.span(ThemeToken::Dim, text::pad(name, NAME)), ctx.span(token, cells)])
}

pub(super) fn draw_face(ctx: &RenderContext<'_>, entry: &SessionEntry, canvas: &mut Canvas<'_>) {
    let (area, buffer) = (canvas.area, &mut *canvas.buffer);
    stream_state::draw_readings(ctx, entry, Stream::Fac, 1, area, buffer, |area, buffer| {
        face(ctx, area, buffer);
    });
}

fn face(ctx: &RenderContext<'_>, area: Rect, buffer: &mut Buffer) {
    let fac = &ctx.app.numbers().readings.fac;
    let Some(now) = fac.back() else { return nothing(ctx, area, buffer) };
    let row = |name: &str, action: &str, power: Option<f64>| {
        let token = if action == NEUTRAL { ThemeToken::Dim } else { ThemeToken::Title };
        let mut line = Line::from(ctx.span(ThemeToken::Dim, text::pad(name, NAME)));
        line.push_span(ctx.span(token, text::pad(&text::clean(&powered(action, power)), 18)));
        if let Some(power) = power {
            let width = usize::from(area.width).saturating_sub(NAME + 18).min(30);
            line.push_span(ctx.span(ThemeToken::Trace, glyphs::bar(power, width)));
        }
        line
    };
    let mut lines = vec![
        row("eyes", eyes(ctx), None),
        row("upper", &now.upper.0, now.upper.1),
        row("lower", &now.lower.0, now.lower.1),
    ];
    lines.extend(profile_line(ctx));
    lines.push(Line::default());
    let cells = usize::from(area.width).saturating_sub(NAME).min(KEPT);
    lines.push(timeline::heading(ctx, cells));
    let parts: [(&str, FacePart); 3] = [
        ("eyes", |face| (&face.eyes, None)),
        ("upper", |face| (&face.upper.0, face.upper.1)),
        ("lower", |face| (&face.lower.0, face.lower.1)),
    ];
    for (name, part) in parts {
        lines.push(track(ctx, name, expressions(ctx, part, cells), ThemeToken::Trace));
    }
    lines.push(Line::default());
    for face in fac.iter().rev().filter(|face| words(face, &face.eyes) != NEUTRAL) {
        lines.push(past(ctx, face.received, &words(face, &face.eyes)));
    }
    paint::lines(&lines, area, buffer);
}

/// An action of a part of the face, and its power.
type FacialAction<'a> = (&'a str, Option<f64>);
type FacePart = fn(&FacialExpression) -> FacialAction<'_>;

/// The history of a part of the face: the level of its power, or a full cell if it has none; an expression
/// lasts until the next one begins.
fn expressions(ctx: &RenderContext<'_>, part: FacePart, cells: usize) -> String {
    let fac = &ctx.app.numbers().readings.fac;
    let (mut track, newest) = (vec![' '; cells], ctx.moment());
    let ends = fac.iter().skip(1).map(|next| next.received).chain([newest]);
    for (face, end) in fac.iter().zip(ends) {
        let (action, power) = part(face);
        let last = timeline::cell(ctx, end, newest, timeline::CELL, cells);
        let Some(last) = last.filter(|_| action != NEUTRAL) else { continue };
        let first = timeline::cell(ctx, face.received, newest, timeline::CELL, cells).unwrap_or(0);
        if let Some(track) = track.get_mut(first..=last) {
            track.fill(timeline::level(Some(power.unwrap_or(1.0))));
        }
    }
    track.into_iter().collect()
}

/// The facial expression in a few words.
pub(super) fn face_words(ctx: &RenderContext<'_>) -> String {
    let fac = &ctx.app.picture().readings.fac;
    fac.back().map(|face| words(face, eyes(ctx))).unwrap_or_default()
}

/// The action of the eyes; a short action is held long enough to be seen.
fn eyes<'a>(ctx: &RenderContext<'a>) -> &'a str {
    let fac = &ctx.app.picture().readings.fac;
    let now = ctx.moment();
    let newest = fac.back().map_or(NEUTRAL, |face| face.eyes.as_str());
    if newest != NEUTRAL {
        return newest;
    }
    // Only changes are stored: an expression lasts until the next one.
    let ended = fac.iter().rev().zip(fac.iter().rev().skip(1));
    ended
        .take_while(|(after, _)| now.saturating_duration_since(after.received) < LATCH)
        .map(|(_, face)| face.eyes.as_str())
        .find(|eyes| *eyes != NEUTRAL)
        .unwrap_or(newest)
}

fn words(face: &FacialExpression, eyes: &str) -> String {
    let mut parts = Vec::new();
    if eyes != NEUTRAL {
        parts.push(eyes.to_owned());
    }
    for (action, power) in [&face.upper, &face.lower] {
        if action != NEUTRAL {
            parts.push(powered(action, *power));
        }
    }
    if parts.is_empty() { NEUTRAL.to_owned() } else { parts.join(", ") }
}

fn past(ctx: &RenderContext<'_>, received: tokio::time::Instant, text: &str) -> Line<'static> {
    Line::from(vec![
        ctx.span(ThemeToken::Dim, format!("{}  ", ctx.clock_at(received))),
        ctx.sanitized(ThemeToken::Text, text),
    ])
}

fn nothing(ctx: &RenderContext<'_>, area: Rect, buffer: &mut Buffer) {
    paint::lines(
        &paint::sentence("No sample yet.", area.width, ctx.style(ThemeToken::Dim)),
        area,
        buffer,
    );
}
