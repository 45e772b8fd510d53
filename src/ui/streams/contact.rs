//! Contact quality (`dev`) and EEG quality (`eq`): the head with its sensors, a table of them with
//! the worst first, and the next step for whoever fits the headset.
//!
//! The table is ordered by the levels evened out over some seconds, so that it does not jump;
//! contact is shown as it came, for who presses a sensor wants to see it at once, EEG quality
//! evened out, for it flickers by design (§5.5). Where the raw signal of a sensor cannot be EEG, that
//! comes first, in place of what Cortex says of it.

use std::{cmp::Ordering, time::Duration};

use ratatui::{buffer::Buffer, layout::Rect, text::Line};

use super::{
    Canvas, advice,
    head::{HeadMap, OutlineCache},
    levels::{SensorRow, level_word},
    stream_state,
};
use crate::{
    app::SessionEntry,
    ui::{context::RenderContext, glyphs, paint, text, theme::ThemeToken},
};
use cortop_client::Stream;
use cortop_signal::{
    BadChannel, Defect, Smoothed,
    smoothed::SMOOTHING_TIME,
    snapshot::{LatestValues, Readings},
};

/// Widths in the table: a sensor's name, a level in words with its glyph, and all of a row with
/// one and with both qualities.
const NAME: usize = 6;
const LEVEL: usize = 12;
const CELL: u16 = 18;
const BOTH: u16 = 30;
/// Below this the sample rate quality is bad (§5.5).
const BAD_RATE: f64 = 0.9;
/// An age that is not worth a word.
const YOUNG: Duration = Duration::from_secs(3);

pub(super) fn draw(ctx: &RenderContext<'_>, entry: &SessionEntry, canvas: &mut Canvas<'_>) {
    let (area, buffer, stream) = (canvas.area, &mut *canvas.buffer, ctx.app.stream());
    let outline = &mut canvas.cache.outline;
    stream_state::draw_readings(ctx, entry, stream, 0, area, buffer, |area, buffer| {
        draw_quality(ctx, entry, stream, outline, area, buffer);
    });
}

/// That EEG quality is not drawn as it comes.
pub(super) fn smoothing(_: &RenderContext<'_>, _: Rect) -> Vec<String> {
    vec![format!("smoothed over {} s", SMOOTHING_TIME.as_secs())]
}

fn draw_quality(
    ctx: &RenderContext<'_>,
    entry: &SessionEntry,
    stream: Stream,
    outline: &mut OutlineCache,
    area: Rect,
    buffer: &mut Buffer,
) {
    let readings = &ctx.app.numbers().readings;
    let table = if stream == Stream::Dev { &readings.dev } else { &readings.eq };
    let Some(table) = table else {
        let lines = paint::sentence("No sample yet.", area.width, ctx.style(ThemeToken::Dim));
        return paint::lines(&lines, area, buffer);
    };
    let facts = match stream {
        Stream::Dev => contact_facts(ctx, table),
        _ => quality_facts(table, &readings.eq_smoothed),
    };
    let facts =
        paint::sentence(&facts.join(glyphs::SEPARATOR), area.width, ctx.style(ThemeToken::Text));
    let sensors = sensors(readings, stream, ctx.app.bad_channels());
    let (token, step) = advice::next(stream, table, &sensors, entry.session.headset.model());
    let step = paint::sentence(&format!("→ {step}"), area.width, ctx.style(token));

    let [top, bottom] = [&facts, &step].map(|lines| paint::cells(lines.len()));
    paint::lines(&facts, area, buffer);
    let below =
        Rect { y: area.y + top.min(area.height), height: area.height.saturating_sub(top), ..area };
    // Where rows are few, half of them stay with the sensors.
    let bottom = bottom.min(below.height / 2);
    let middle = Rect { height: below.height - bottom, ..below };
    paint::lines(&step, Rect { y: middle.bottom(), height: bottom, ..below }, buffer);
    draw_middle(ctx, &sensors, stream, outline, middle, buffer);
}

/// The head alone, where contact flows and its sensors have places.
pub(super) fn draw_head(
    ctx: &RenderContext<'_>,
    entry: &SessionEntry,
    outline: &mut OutlineCache,
    area: Rect,
    buffer: &mut Buffer,
) {
    let readings = &ctx.app.numbers().readings;
    if readings.dev.is_none() || !entry.subscribed.contains(&Stream::Dev) {
        return;
    }
    let sensors = sensors(readings, Stream::Dev, ctx.app.bad_channels());
    let names: Vec<_> = sensors.iter().map(|sensor| sensor.name).collect();
    let Some(head) = HeadMap::fit(&names, area) else { return };
    draw_sensors(ctx, &sensors, &head, outline, buffer);
    if !stream_state::is_fresh(ctx, entry, Stream::Dev) {
        buffer.set_style(area, ctx.style(ThemeToken::Stale));
    }
}

/// A head, and on it each sensor with the glyph of its level.
fn draw_sensors(
    ctx: &RenderContext<'_>,
    sensors: &[SensorRow<'_>],
    head: &HeadMap,
    outline: &mut OutlineCache,
    buffer: &mut Buffer,
) {
    head.draw(ctx, outline, buffer);
    for (sensor, label) in sensors.iter().zip(&head.labels) {
        let Some(label) = label else { continue };
        let (token, mark, _) = sensor.word();
        let style = if token == ThemeToken::Good { ThemeToken::Text } else { token };
        let line = Line::from(vec![ctx.span(token, mark), ctx.sanitized(style, sensor.name)]);
        paint::line(&line, *label, buffer);
    }
}

/// The head at the left as large as it gets, and the table beside it; in a small area the table
/// alone.
fn draw_middle(
    ctx: &RenderContext<'_>,
    sensors: &[SensorRow<'_>],
    stream: Stream,
    outline: &mut OutlineCache,
    area: Rect,
    buffer: &mut Buffer,
) {
    let names: Vec<_> = sensors.iter().map(|sensor| sensor.name).collect();
    let rows = usize::from(area.height.max(1));
    let beside = sensors.iter().any(|sensor| sensor.beside.is_some());
    let rich = stream == Stream::Dev && beside && sensors.len() <= rows;
    let all = CELL * paint::cells(sensors.len().div_ceil(rows)).max(1);
    // The richest table that leaves room for the head: both qualities, all sensors, the worst.
    let fitting = rich.then_some(BOTH).into_iter().chain([all, CELL]).find_map(|width| {
        let room = area.width.checked_sub(width + 1)?;
        Some((width, HeadMap::fit(&names, Rect { width: room, ..area })?))
    });
    let Some((width, head)) = fitting else {
        return draw_table(ctx, sensors, rich && area.width >= BOTH, area, buffer);
    };
    draw_sensors(ctx, sensors, &head, outline, buffer);
    let list = Rect { x: area.right() - width, width, ..area };
    draw_table(ctx, sensors, width == BOTH, list, buffer);
}

/// The sensors from worst to best, those that fit.
fn draw_table(
    ctx: &RenderContext<'_>,
    sensors: &[SensorRow<'_>],
    both: bool,
    area: Rect,
    buffer: &mut Buffer,
) {
    let cell = |(token, mark, word): (ThemeToken, &str, &str)| {
        ctx.span(token, text::pad(&format!("{mark} {word}"), LEVEL))
    };
    let row = |sensor: &SensorRow<'_>| {
        let name = text::pad(&text::clean(sensor.name), NAME - 1) + " ";
        let mut line = Line::from(vec![ctx.span(ThemeToken::Text, name), cell(sensor.word())]);
        if both {
            line.push_span(cell(level_word(sensor.beside)));
        }
        line
    };
    let mut lines: Vec<_> = sensors.iter().map(row).collect();
    let width = if both { BOTH } else { CELL };
    if both && lines.len() < usize::from(area.height) {
        let heads = ["", "contact", "EEG quality"].into_iter().zip([NAME, LEVEL, LEVEL]);
        let heads: String = heads.map(|(head, width)| text::pad(head, width)).collect();
        lines.insert(0, ctx.span(ThemeToken::Axis, heads).into());
    }
    paint::columns(&lines, width, area, buffer);
    let shown = usize::from(area.height) * usize::from((area.width / width).max(1));
    let hidden = lines.len().saturating_sub(shown);
    ctx.mark_more(0, usize::from(area.height) + hidden, area, buffer);
}

/// The sensors in the order of the table.
fn sensors<'a>(readings: &'a Readings, stream: Stream, bad: &[BadChannel]) -> Vec<SensorRow<'a>> {
    let (steady, table) = match stream {
        Stream::Dev => (&readings.dev_smoothed, readings.dev.as_deref()),
        _ => (&readings.eq_smoothed, readings.eq.as_deref()),
    };
    let quality = |name: &str| readings.eq_smoothed.levels().find(|(own, _)| *own == name)?.1;
    let newest = table.into_iter().flat_map(LatestValues::sensors);
    let mut sensors: Vec<_> = newest
        .zip(steady.levels())
        .map(|((name, level), (_, steady))| {
            let defect = defect_of(name, bad);
            match stream {
                Stream::Dev => SensorRow { name, defect, level, beside: quality(name), steady },
                _ => SensorRow { name, defect, level: steady, beside: None, steady },
            }
        })
        .collect();
    sensors.sort_by(|a, b| worse((a.defect, a.steady), (b.defect, b.steady)));
    sensors
}

fn defect_of(sensor: &str, bad: &[BadChannel]) -> Option<Defect> {
    bad.iter().find(|bad| *bad.label == *sensor).map(|bad| bad.defect)
}

/// A defect is worse than any level, and no level is worse than the worst.
fn worse(a: (Option<Defect>, Option<f64>), b: (Option<Defect>, Option<f64>)) -> Ordering {
    let defect = |defect: Option<Defect>| (defect.is_none(), defect);
    let level = |level: Option<f64>| level.unwrap_or(-1.0);
    defect(a.0).cmp(&defect(b.0)).then(level(a.1).total_cmp(&level(b.1)))
}

fn contact_facts(ctx: &RenderContext<'_>, table: &LatestValues) -> Vec<String> {
    let age = ctx.since(table.received);
    let age = if age < YOUNG { String::new() } else { format!(" {} ago", text::age(age)) };
    let percent = |label| table.get(label).filter(|percent| *percent >= 0.0);
    let battery = match (percent("batteryLeftPercent"), percent("batteryRightPercent")) {
        (None, None) => match (percent("BatteryPercent"), percent("Battery")) {
            // Before percents there were five steps.
            (None, Some(steps)) => format!("{steps} of 4"),
            (percent, _) => number(percent, " %"),
        },
        (left, right) => format!("L {} R {}", number(left, " %"), number(right, " %")),
    };
    let link = match table.get("Signal") {
        Some(signal) if signal <= 0.0 => format!("{signal} (none)"),
        signal => number(signal, ""),
    };
    vec![
        format!("overall {}", number(table.overall(), " %")),
        format!("battery {battery}{age}"),
        format!("link {link}"),
    ]
}

fn quality_facts(table: &LatestValues, steady: &Smoothed) -> Vec<String> {
    let rate = match table.get("sampleRateQuality") {
        Some(rate) if rate < 0.0 => "many packets lost".to_owned(),
        Some(rate) if rate < BAD_RATE => format!("sample rate quality {rate} (bad)"),
        rate => format!("sample rate quality {}", number(rate, "")),
    };
    vec![format!("overall {}", number(steady.overall(), " %")), rate]
}

/// Overall contact, and which sensors are not good, in so many cells if that can be.
pub(super) fn contact_words(table: &LatestValues, bad: &[BadChannel], room: usize) -> String {
    words(table.overall(), table.sensors(), bad, room)
}

/// The same of EEG quality, evened out; nothing before the first.
pub(super) fn quality_words(steady: &Smoothed, bad: &[BadChannel], room: usize) -> String {
    let none = steady.levels().next().is_none();
    if none { String::new() } else { words(steady.overall(), steady.levels(), bad, room) }
}

/// The worst sensor and how many more have no good contact, as loud as the worst level; nothing
/// before the first sample of `dev`.
pub(in crate::ui) fn worst(ctx: &RenderContext<'_>, room: usize) -> Option<(ThemeToken, String)> {
    let readings = &ctx.app.latest().readings;
    let known = readings.dev.as_deref()?.sensors();
    let known: Vec<_> = known.filter_map(|(name, level)| Some((name, level?))).collect();
    let poor: Vec<_> = known.iter().filter(|(_, level)| *level < 3.5).collect();
    let Some(&&(worst, level)) = poor.iter().min_by(|(_, a), (_, b)| a.total_cmp(b)) else {
        // Where a channel is bad, nothing is all good.
        let all_good = !known.is_empty() && ctx.app.bad_channels().is_empty();
        return all_good.then(|| (ThemeToken::Good, "all good".to_owned()));
    };
    let (token, _, word) = level_word(Some(level));
    let first = format!("{} {word}", text::clean(worst));
    Some((token, text::and_more(&first, poor.len() - 1, " poor", "", room)))
}

/// The overall EEG quality alone, evened out; nothing before the first.
pub(super) fn overall_quality(steady: &Smoothed) -> String {
    let none = steady.levels().next().is_none();
    if none { String::new() } else { number(steady.overall(), " %") }
}

fn words<'a>(
    overall: Option<f64>,
    sensors: impl Iterator<Item = (&'a str, Option<f64>)>,
    bad: &[BadChannel],
    room: usize,
) -> String {
    let mut sensors = sensors.peekable();
    let overall = number(overall, " %");
    if sensors.peek().is_none() {
        // Of none nothing is known, good or bad.
        return overall;
    }
    let sensors = sensors.map(|(name, level)| (name, (defect_of(name, bad), level)));
    let bad: Vec<_> = sensors
        .filter(|(_, (defect, level))| defect.is_some() || level.is_none_or(|level| level < 3.5))
        .collect();
    match bad.iter().min_by(|(_, a), (_, b)| worse(*a, *b)) {
        None => format!("{overall}, all good"),
        Some(&(name, (defect, level))) => {
            // A defect says more than the rest, and the line may be short.
            let (worst, rest) = match defect {
                Some(defect) => (format!("{name} {}", defect.name()), format!(", {overall}")),
                None => (format!("{overall}, {name} {}", level_word(level).2), String::new()),
            };
            text::and_more(&worst, bad.len() - 1, " poor", &rest, room)
        }
    }
}

fn number(value: Option<f64>, unit: &str) -> String {
    value.map_or_else(|| glyphs::UNKNOWN.to_owned(), |value| format!("{value}{unit}"))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tokio::time::Instant;

    use super::*;

    /// The order of the table after contact of three sensors came twice a second.
    fn order(levels: &[[Option<f64>; 3]]) -> Vec<String> {
        let (start, mut readings) = (Instant::now(), Readings::default());
        for (at, levels) in (0..).zip(levels) {
            let names = ["AF3", "T7", "Pz"].map(str::to_owned);
            let received = start + Duration::from_millis(500) * at;
            let table = Arc::new(LatestValues {
                values: names.into_iter().zip(*levels).collect(),
                received,
            });
            readings.dev_smoothed.push(Arc::clone(&table));
            readings.dev = Some(table);
        }
        sensors(&readings, Stream::Dev, &[]).iter().map(|sensor| sensor.name.to_owned()).collect()
    }

    #[test]
    fn sensors_are_good_only_where_there_are_some() {
        assert_eq!(words(Some(100.0), std::iter::empty(), &[], 40), "100 %");
        assert_eq!(
            words(Some(100.0), [("AF3", Some(4.0))].into_iter(), &[], 40),
            "100 %, all good"
        );
        assert_eq!(words(Some(90.0), [("AF3", None)].into_iter(), &[], 40), "90 %, AF3 unknown");
    }

    #[test]
    fn a_defect_comes_before_any_level() {
        let bad = [("T8", Defect::Flat), ("AF3", Defect::Railed)];
        let bad = bad.map(|(label, defect)| BadChannel { label: label.into(), defect });
        let levels = [("AF3", Some(4.0)), ("T7", Some(0.0)), ("Pz", Some(4.0)), ("T8", Some(4.0))];
        assert_eq!(
            words(Some(75.0), levels.into_iter(), &bad, 40),
            "AF3 railed, 2 more poor, 75 %"
        );
        assert_eq!(
            words(Some(75.0), levels.into_iter(), &bad[..1], 40),
            "T8 flat, 1 more poor, 75 %"
        );
        assert_eq!(words(Some(75.0), levels.into_iter(), &bad, 19), "AF3 railed +2, 75 %");
    }

    #[test]
    fn the_worst_is_first_and_one_sample_moves_nobody() {
        let calm = [Some(4.0), Some(2.0), Some(4.0)];
        assert_eq!(order(&[calm]), ["T7", "AF3", "Pz"], "equals as the columns have them");
        assert_eq!(order(&[[Some(4.0), Some(2.0), None]]), ["Pz", "T7", "AF3"]);
        let loose = [Some(0.0), Some(4.0), Some(4.0)];
        let mut levels = vec![calm; 8];
        levels.push(loose);
        assert_eq!(order(&levels), order(&[calm]), "one sample");
        levels.extend([loose; 7]);
        assert_eq!(order(&levels), ["AF3", "T7", "Pz"], "four seconds");
    }
}
