//! Mental command (`com`) and facial expression (`fac`): what is detected, how strongly, and what
//! was before.

use std::time::Duration;

use ratatui::{buffer::Buffer, layout::Rect, text::Line};

use crate::{
    signal::snapshot::Face,
    ui::{
        glyphs,
        scene::{self, Scene},
        text,
        theme::Token,
    },
};

/// A blink lasts one sample; it stays on screen this long (§5.9).
const LATCH: Duration = Duration::from_millis(300);
/// Width of the names of the parts of a face.
const NAME: usize = 8;
const NEUTRAL: &str = "neutral";

/// An action and its power in words.
pub(super) fn powered(action: &str, power: Option<f64>) -> String {
    power.map_or_else(|| action.to_owned(), |power| format!("{action} {power:.2}"))
}

pub(super) fn command(scene: &Scene<'_>, area: Rect, buffer: &mut Buffer) {
    let com = &scene.app.picture().readings.com;
    let Some(now) = com.back() else { return nothing(scene, area, buffer) };
    let width = usize::from(area.width);
    let bar = glyphs::bar(now.power.unwrap_or(0.0), width.saturating_sub(2).min(40));
    let action = text::clean(&powered(&now.action, now.power));
    let mut lines = vec![
        Line::from(scene.say(Token::Title, action)),
        Line::from(scene.say(Token::Trace, bar)),
        Line::default(),
    ];
    // One level for each of the last samples that fit, the newest at the right.
    let levels: String =
        com.iter().skip(com.len().saturating_sub(width)).map(|past| level(past.power)).collect();
    lines.push(
        scene.say(Token::Dim, format!("power of the last {} samples", com.len().min(width))).into(),
    );
    lines.push(scene.say(Token::Trace, levels).into());
    lines.push(Line::default());
    // The changes, newest first.
    let changes =
        com.iter().zip(com.iter().skip(1)).filter(|(before, after)| before.action != after.action);
    for (_, change) in changes.collect::<Vec<_>>().into_iter().rev() {
        let text = text::clean(&powered(&change.action, change.power));
        lines.push(past(scene, change.received, &text));
    }
    scene::lines(&lines, area, buffer);
}

pub(super) fn face(scene: &Scene<'_>, area: Rect, buffer: &mut Buffer) {
    let fac = &scene.app.picture().readings.fac;
    let Some(now) = fac.back() else { return nothing(scene, area, buffer) };
    let row = |name: &str, action: &str, power: Option<f64>| {
        let token = if action == NEUTRAL { Token::Dim } else { Token::Title };
        let mut line = Line::from(scene.say(Token::Dim, text::pad(name, NAME)));
        line.push_span(scene.say(token, text::pad(&text::clean(&powered(action, power)), 18)));
        if let Some(power) = power {
            let width = usize::from(area.width).saturating_sub(NAME + 18).min(30);
            line.push_span(scene.say(Token::Trace, glyphs::bar(power, width)));
        }
        line
    };
    let mut lines = vec![
        row("eyes", eyes(scene), None),
        row("upper", &now.upper.0, now.upper.1),
        row("lower", &now.lower.0, now.lower.1),
        Line::default(),
    ];
    for face in fac.iter().rev().filter(|face| words(face, &face.eyes) != NEUTRAL) {
        lines.push(past(scene, face.received, &words(face, &face.eyes)));
    }
    scene::lines(&lines, area, buffer);
}

/// The face in a few words.
pub(super) fn face_words(scene: &Scene<'_>) -> String {
    let fac = &scene.app.picture().readings.fac;
    fac.back().map(|face| words(face, eyes(scene))).unwrap_or_default()
}

/// What the eyes do, a short action held so long that it can be seen.
fn eyes<'a>(scene: &Scene<'a>) -> &'a str {
    let fac = &scene.app.picture().readings.fac;
    let frozen = scene.app.streams.frozen.as_ref().map(|frozen| frozen.since.instant);
    let now = frozen.unwrap_or(scene.app.now.instant);
    let newest = fac.back().map_or(NEUTRAL, |face| face.eyes.as_str());
    if newest != NEUTRAL {
        return newest;
    }
    // Only changes are kept: a face lasts until the next one came.
    let ended = fac.iter().rev().zip(fac.iter().rev().skip(1));
    ended
        .take_while(|(after, _)| now.saturating_duration_since(after.received) < LATCH)
        .map(|(_, face)| face.eyes.as_str())
        .find(|eyes| *eyes != NEUTRAL)
        .unwrap_or(newest)
}

fn words(face: &Face, eyes: &str) -> String {
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

fn level(power: Option<f64>) -> char {
    let Some(power) = power else { return ' ' };
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "clamped; NaN is 0"
    )]
    let at = (power.clamp(0.0, 1.0) * (glyphs::LEVELS.len() - 1) as f64).round() as usize;
    glyphs::LEVELS[at]
}

fn past(scene: &Scene<'_>, received: tokio::time::Instant, text: &str) -> Line<'static> {
    Line::from(vec![
        scene.say(Token::Dim, format!("{}  ", scene.clock_at(received))),
        scene.wire(Token::Text, text),
    ])
}

fn nothing(scene: &Scene<'_>, area: Rect, buffer: &mut Buffer) {
    scene::lines(
        &scene::sentence("No sample yet.", area.width, scene.style(Token::Dim)),
        area,
        buffer,
    );
}
