//! Band power (`pow`): a bar by sensor and band, on a logarithmic scale.

use std::collections::BTreeMap;

use ratatui::{buffer::Buffer, layout::Rect, text::Line};

use crate::{
    signal::snapshot::Table,
    ui::{
        glyphs,
        scene::{self, Scene},
        text,
        theme::Token,
    },
};

/// The bands and their limits in Hz (§5.6); there is no delta.
const BANDS: [(&str, &str); 5] = [
    ("theta", "4–8"),
    ("alpha", "8–12"),
    ("betaL", "12–16"),
    ("betaH", "16–25"),
    ("gamma", "25–45"),
];

/// Powers of ten of the scale's ends, in µV²/Hz: what is typical (§5.6) and some room.
const DECADES: (f64, f64) = (-2.0, 2.0);

/// Width of the sensors' names.
const NAME: usize = 6;

pub(super) fn draw(scene: &Scene<'_>, area: Rect, buffer: &mut Buffer) {
    let Some(table) = &scene.app.picture().readings.pow else {
        let lines = scene::sentence("No sample yet.", area.width, scene.style(Token::Dim));
        return scene::lines(&lines, area, buffer);
    };
    let width = usize::from(area.width).saturating_sub(NAME) / BANDS.len();
    let head = |text: fn(&(&'static str, &'static str)) -> String| {
        let cells: String = BANDS.iter().map(|band| text::pad(&text(band), width)).collect();
        Line::from(scene.say(Token::Axis, " ".repeat(NAME) + &cells))
    };
    let mut lines =
        vec![head(|(name, _)| (*name).to_owned()), head(|(_, limits)| format!("{limits} Hz"))];
    let sensors = by_sensor(table);
    let (low, high) = DECADES;
    let all = sensors.len();
    let fit = usize::from(area.height).saturating_sub(lines.len() + 1);
    for (at, (sensor, powers)) in sensors.into_iter().take(fit).enumerate() {
        let mut line = Line::from(scene.say(Token::Text, text::pad(&text::clean(sensor), NAME)));
        for (name, _) in BANDS {
            let power = powers.get(name).copied().flatten();
            let cell = match power {
                Some(power) => {
                    let share = (power.max(f64::MIN_POSITIVE).log10() - low) / (high - low);
                    glyphs::bar(share, width.saturating_sub(1))
                }
                None => text::pad(glyphs::UNKNOWN, width.saturating_sub(1)),
            };
            let token = if at % 2 == 0 { Token::Trace } else { Token::TraceAlt };
            line.push_span(scene.say(token, cell + " "));
        }
        lines.push(line);
    }
    let hidden = if all > fit {
        format!(", {} more {}", all - fit, glyphs::MORE_BELOW)
    } else {
        String::new()
    };
    let legend =
        format!("bars: {} to {} µV²/Hz, logarithmic{hidden}", 10_f64.powf(low), 10_f64.powf(high));
    lines.push(scene.say(Token::Dim, legend).into());
    scene::lines(&lines, area, buffer);
}

/// The powers by sensor, in the order of the columns, then by band.
fn by_sensor(table: &Table) -> Vec<(&str, BTreeMap<&str, Option<f64>>)> {
    let mut sensors: Vec<(&str, BTreeMap<&str, Option<f64>>)> = Vec::new();
    for (label, power) in &table.values {
        let Some((sensor, band)) = label.split_once('/') else { continue };
        match sensors.iter_mut().find(|(name, _)| *name == sensor) {
            Some((_, bands)) => drop(bands.insert(band, *power)),
            None => sensors.push((sensor, BTreeMap::from([(band, *power)]))),
        }
    }
    sensors
}

/// The strongest sensor of the alpha band: the first thing that moves when the eyes close.
pub(super) fn words(table: &Table) -> String {
    let alpha = table
        .values
        .iter()
        .filter_map(|(label, power)| Some((label.strip_suffix("/alpha")?, (*power)?)));
    alpha.max_by(|(_, a), (_, b)| a.total_cmp(b)).map_or_else(String::new, |(sensor, power)| {
        format!("alpha highest at {sensor}, {power:.1}")
    })
}
