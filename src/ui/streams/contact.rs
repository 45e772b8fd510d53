//! Contact quality (`dev`) and EEG quality (`eq`) by sensor: worst first, in words and colours.

use ratatui::{buffer::Buffer, layout::Rect, text::Line};

use crate::{
    cortex::Stream,
    signal::snapshot::Table,
    ui::{
        glyphs,
        scene::{self, Scene},
        text,
        theme::Token,
    },
};

/// Labels that are no sensors (§5.4, §5.5).
const OTHERS: [&str; 9] = [
    "Battery",
    "Signal",
    "OVERALL",
    "BatteryPercent",
    "batteryLeftPercent",
    "batteryRightPercent",
    "batteryPercent",
    "overall",
    "sampleRateQuality",
];

/// Width of one sensor.
const CELL: u16 = 18;

pub(super) fn draw(scene: &Scene<'_>, stream: Stream, area: Rect, buffer: &mut Buffer) {
    let readings = &scene.app.picture().readings;
    let table = if stream == Stream::Dev { &readings.dev } else { &readings.eq };
    let Some(table) = table else {
        let lines = scene::sentence("No sample yet.", area.width, scene.style(Token::Dim));
        return scene::lines(&lines, area, buffer);
    };
    let mut facts = vec![format!("overall {}", number(overall(table), " %"))];
    if stream == Stream::Dev {
        facts.push(format!(
            "battery {}",
            number(table.get("BatteryPercent").filter(|p| *p >= 0.0), " %")
        ));
        let link = match table.get("Signal") {
            Some(signal) if signal <= 0.0 => format!("{signal} (no link)"),
            signal => number(signal, ""),
        };
        facts.push(format!("link {link}"));
    } else {
        facts.push(format!("sample rate quality {}", number(table.get("sampleRateQuality"), "")));
        facts.push("unsmoothed".to_owned());
    }
    let facts = facts.join(glyphs::SEPARATOR);
    let mut lines = scene::sentence(&facts, area.width, scene.style(Token::Text));
    lines.push(Line::default());
    scene::lines(&lines, area, buffer);

    let top = scene::cells(lines.len()).min(area.height);
    let below = Rect { y: area.y + top, height: area.height - top, ..area };
    let mut sensors: Vec<_> = sensors(table).collect();
    sensors.sort_by(|(_, a), (_, b)| a.unwrap_or(-1.0).total_cmp(&b.unwrap_or(-1.0)));
    let lines: Vec<_> = sensors
        .iter()
        .map(|(name, level)| {
            let (token, mark, word) = level_word(*level);
            Line::from(vec![
                scene.say(Token::Text, text::pad(&text::clean(name), 6)),
                scene.say(token, format!("{mark} {word}")),
            ])
        })
        .collect();
    scene::columns(&lines, CELL, below, buffer);
    let shown = usize::from(below.height) * usize::from(area.width / CELL);
    let hidden = lines.len().saturating_sub(shown);
    scene::more(scene, 0, usize::from(below.height) + hidden, below, buffer);
}

/// The sensors and their levels.
fn sensors(table: &Table) -> impl Iterator<Item = (&str, Option<f64>)> {
    table
        .values
        .iter()
        .map(|(name, level)| (name.as_str(), *level))
        .filter(|(name, _)| !OTHERS.contains(name))
}

fn overall(table: &Table) -> Option<f64> {
    table.get("OVERALL").or_else(|| table.get("overall"))
}

/// How a level looks, worst to best; no number is a level of its own.
fn level_word(level: Option<f64>) -> (Token, &'static str, &'static str) {
    match level {
        None => (Token::Dim, glyphs::UNKNOWN, "unknown"),
        Some(level) if level < 0.5 => (Token::None, "○", "none"),
        Some(level) if level < 1.5 => (Token::Bad, "◔", "very bad"),
        Some(level) if level < 2.5 => (Token::Poor, "◑", "poor"),
        Some(level) if level < 3.5 => (Token::Fair, "◕", "fair"),
        Some(_) => (Token::Good, glyphs::ON, "good"),
    }
}

/// Overall, and which sensors are not good.
pub(super) fn words(table: &Table) -> String {
    let mut bad: Vec<_> =
        sensors(table).filter(|(_, level)| level.is_none_or(|level| level < 3.5)).collect();
    bad.sort_by(|(_, a), (_, b)| a.unwrap_or(-1.0).total_cmp(&b.unwrap_or(-1.0)));
    let overall = number(overall(table), " %");
    match bad.first() {
        None => format!("{overall}, all good"),
        Some(&(name, level)) => {
            let more = if bad.len() > 1 { format!(" +{}", bad.len() - 1) } else { String::new() };
            format!("{overall}, {name} {}{more}", level_word(level).2)
        }
    }
}

fn number(value: Option<f64>, unit: &str) -> String {
    value.map_or_else(|| glyphs::UNKNOWN.to_owned(), |value| format!("{value}{unit}"))
}
