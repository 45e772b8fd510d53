//! Contact quality (`dev`) and EEG quality (`eq`) by sensor: worst first, in words and colours.

use ratatui::{buffer::Buffer, layout::Rect, text::Line, widgets::Widget};

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

/// Width of one sensor in the list.
const CELL: u16 = 18;

/// Width and height of the map of the head, and the width of a sensor on it.
const MAP: (u16, u16) = (55, 10);
const SPOT: u16 = 5;

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
    let (list, head) = if area.width >= CELL + MAP.0 && below.height >= MAP.1 {
        let list = Rect { width: area.width - MAP.0, ..below };
        (list, Some(Rect { x: list.right(), width: MAP.0, height: MAP.1, ..below }))
    } else {
        (below, None)
    };
    scene::columns(&lines, CELL, list, buffer);
    let shown = usize::from(list.height) * usize::from((list.width / CELL).max(1));
    let hidden = lines.len().saturating_sub(shown);
    scene::more(scene, 0, usize::from(list.height) + hidden, list, buffer);
    if let Some(head) = head {
        draw_head(scene, &sensors, head, buffer);
    }
}

/// The sensors where they sit on the head, seen from above, the nose at the top; one that is not
/// of the 10–20 system stands in the list only.
fn draw_head(scene: &Scene<'_>, sensors: &[(&str, Option<f64>)], area: Rect, buffer: &mut Buffer) {
    let line = |y: u16| Rect { y: area.y + y, height: 1, ..area };
    scene.say(Token::Axis, format!("{:^1$}", "nose", usize::from(MAP.0))).render(line(0), buffer);
    for (name, level) in sensors {
        let Some((x, y)) = place(name) else { continue };
        let (token, mark, _) = level_word(*level);
        let spot = Rect { x: area.x + x, width: SPOT, ..line(y) };
        Line::from(vec![scene.say(token, mark), scene.say(Token::Dim, text::clean(name))])
            .render(spot.intersection(area), buffer);
    }
}

/// Where a sensor of the 10–20 system is drawn on the map: its row by the letters of its name, its
/// column by the number, odd on the left, even on the right, `z` in the middle.
fn place(name: &str) -> Option<(u16, u16)> {
    let number = name.trim_start_matches(|char: char| char.is_ascii_alphabetic() && char != 'z');
    let row = match name.strip_suffix(number)? {
        "Fp" => 1,
        "AF" => 2,
        "F" => 3,
        "FC" | "FT" => 4,
        "C" | "T" => 5,
        "CP" | "TP" => 6,
        "P" => 7,
        "PO" => 8,
        "O" => 9,
        _ => return None,
    };
    let number = if number == "z" { 0 } else { u16::from(number.parse::<u8>().ok()?) };
    // Steps of two numbers away from the middle: 1 and 2 are next to it, 9 and 10 outermost.
    let away = number.div_ceil(2) * SPOT;
    let middle = (MAP.0 - SPOT) / 2;
    let x = if number % 2 == 1 { middle.checked_sub(away)? } else { middle + away };
    (x + SPOT <= MAP.0).then_some((x, row))
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
pub(in crate::ui) fn level_word(level: Option<f64>) -> (Token, &'static str, &'static str) {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cortex::model::{EPOC_SENSORS, FLEX_SENSORS};

    #[test]
    fn every_sensor_of_the_headsets_has_a_place_of_its_own_on_its_side() {
        for sensors in [&EPOC_SENSORS[..], &FLEX_SENSORS] {
            let mut places: Vec<_> = sensors.iter().map(|name| place(name).expect(name)).collect();
            places.sort_unstable();
            places.dedup();
            assert_eq!(places.len(), sensors.len());
        }
        let [left, middle, right] = ["F7", "Fz", "F8"].map(|name| place(name).expect(name));
        assert!(left.0 < middle.0 && middle.0 < right.0 && left.1 == right.1);
        assert_eq!(["L1", "Ch-3", "", "F255", "F65535"].map(place), [None; 5]);
    }
}
