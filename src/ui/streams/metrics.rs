//! Performance metrics (`met`) as gauges, each with its own age.

use ratatui::{buffer::Buffer, layout::Rect, text::Line};

use crate::{
    signal::snapshot::Metric,
    ui::{
        glyphs,
        scene::{self, Scene},
        text,
        theme::Token,
    },
};

/// Width of the names, and of what stands right of the bar.
const NAME: usize = 22;
const TAIL: usize = 22;

pub(super) fn draw(scene: &Scene<'_>, area: Rect, buffer: &mut Buffer) {
    let metrics = &scene.app.picture().readings.met;
    if metrics.is_empty() {
        let text = "No value yet: the first takes about 40 s, then every 10 s without a licence.";
        return scene::lines(
            &scene::sentence(text, area.width, scene.style(Token::Dim)),
            area,
            buffer,
        );
    }
    let lines: Vec<_> = metrics.iter().map(|metric| gauge(scene, metric, area.width)).collect();
    scene::lines(&lines, area, buffer);
    scene::more(scene, 0, lines.len(), area, buffer);
}

fn gauge(scene: &Scene<'_>, metric: &Metric, width: u16) -> Line<'static> {
    let name = match long(&metric.name) {
        Some(long) => format!("{} {long}", metric.name),
        None => text::clean(&metric.name),
    };
    let name = scene.say(Token::Text, text::pad(&name, NAME));
    let bar = usize::from(width).saturating_sub(NAME + TAIL).min(40);
    let (token, share, tail) = match (metric.value, metric.active) {
        (Some((value, at)), active) => {
            let inactive = if active == Some(false) { " inactive" } else { "" };
            let token = if active == Some(false) { Token::Stale } else { Token::Trace };
            (token, value, format!("{value:.2} {:>6}{inactive}", text::age(scene.since(at))))
        }
        (None, Some(false)) => (Token::Dim, 0.0, format!("{} inactive", glyphs::UNKNOWN)),
        (None, _) => (Token::Dim, 0.0, format!("{} no value yet", glyphs::UNKNOWN)),
    };
    let bar = if metric.value.is_some() { glyphs::bar(share, bar) } else { " ".repeat(bar) };
    Line::from(vec![name, scene.say(token, bar), scene.say(token, format!(" {tail}"))])
}

/// What Cortex's abbreviations stand for (§5.7).
fn long(name: &str) -> Option<&'static str> {
    Some(match name {
        "eng" => "engagement",
        "exc" => "excitement",
        "lex" => "long-term exc.",
        "str" => "stress",
        "rel" => "relaxation",
        "int" => "interest",
        "foc" => "focus",
        _ => return None,
    })
}
