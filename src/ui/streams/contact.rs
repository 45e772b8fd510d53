//! Contact quality (`dev`) and EEG quality (`eq`): the head with its sensors, a table of them with the worst
//! first, and the next step for fitting the headset.
//!
//! Contact is shown as received, as whoever presses a sensor wants to see the effect at once; a strip of its
//! last two minutes shows whether it helped. EEG quality is smoothed, as it flickers by design (§5.5). If the
//! raw signal of a sensor cannot be EEG, that replaces what Cortex reports.

use std::time::Duration;

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    text::{Line, Span},
};

use super::{
    Canvas, advice,
    head::{HeadMap, OutlineCache},
    levels::{GOOD, SensorRow, by_need, level_word},
    stream_state, timeline,
};
use crate::{
    app::{MouseTarget, Pane, SessionEntry},
    ui::{context::RenderContext, glyphs, paint, text, theme::ThemeToken},
};
use cortop_client::Stream;
use cortop_signal::{
    BadChannel, Defect, Smoothed,
    contact_history::SPAN,
    smoothed::SMOOTHING_TIME,
    snapshot::{LatestValues, Readings},
};

/// Widths in the table: a sensor's name, a level as a word with its glyph, and a whole row with one and with
/// both qualities.
const NAME: usize = 5;
const LEVEL: usize = 12;
const CELL: u16 = 17;
const BOTH: u16 = 29;
/// Minimum cells of a strip, and the seconds that one cell may stand for.
const LEAST_STRIP: u16 = 10;
const STRETCHES: [u64; 10] = [1, 2, 3, 4, 5, 6, 8, 10, 12, 15];
/// Columns that a round head may need in addition to two per row.
const HEAD_MARGIN: u16 = 6;
/// A sample rate quality below this is bad (§5.5).
const BAD_RATE: f64 = 0.9;
/// An age below this is not mentioned.
const YOUNG: Duration = Duration::from_secs(3);

pub(super) fn draw(ctx: &RenderContext<'_>, entry: &SessionEntry, canvas: &mut Canvas<'_>) {
    let (area, buffer, stream) = (canvas.area, &mut *canvas.buffer, ctx.app.stream());
    let outline = &mut canvas.cache.outline;
    stream_state::draw_readings(ctx, entry, stream, 0, area, buffer, |area, buffer| {
        draw_quality(ctx, entry, stream, outline, area, buffer);
    });
}

/// Says that EEG quality is smoothed.
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
    let since = (stream == Stream::Dev).then(|| all_good(ctx)).flatten().unwrap_or_default();
    let step = paint::sentence(&format!("→ {step}{since}"), area.width, ctx.style(token));

    let [top, bottom] = [&facts, &step].map(|lines| paint::cells(lines.len()));
    paint::lines(&facts, area, buffer);
    let below =
        Rect { y: area.y + top.min(area.height), height: area.height.saturating_sub(top), ..area };
    // If rows are scarce, the sensors keep half of them.
    let bottom = bottom.min(below.height / 2);
    let middle = Rect { height: below.height - bottom, ..below };
    paint::lines(&step, Rect { y: middle.bottom(), height: bottom, ..below }, buffer);
    draw_middle(ctx, &sensors, stream, outline, middle, buffer);
}

/// The head and, if there is room, the next step below it; only if contact is flowing and its sensors have
/// positions.
pub(super) fn draw_head(
    ctx: &RenderContext<'_>,
    entry: &SessionEntry,
    outline: &mut OutlineCache,
    area: Rect,
    buffer: &mut Buffer,
) {
    let readings = &ctx.app.numbers().readings;
    let Some(dev) = readings.dev.as_deref().filter(|_| entry.subscribed.contains(&Stream::Dev))
    else {
        return;
    };
    let sensors = sensors(readings, Stream::Dev, ctx.app.bad_channels());
    let names: Vec<_> = sensors.iter().map(|sensor| sensor.name).collect();
    let Some(head) = HeadMap::fit(&names, area) else { return };
    draw_sensors(ctx, &sensors, &head, outline, buffer);
    if !stream_state::is_fresh(ctx, entry, Stream::Dev) {
        return buffer.set_style(area, ctx.style(ThemeToken::Stale));
    }
    let (token, step) = advice::next(Stream::Dev, dev, &sensors, entry.session.headset.model());
    let step = paint::sentence(&format!("→ {step}"), area.width, ctx.style(token));
    // A step that is cut off would mislead.
    let below = Rect { y: head.bottom() + 1, height: paint::cells(step.len()), ..area };
    if below.bottom() <= area.bottom() {
        paint::lines(&step, below, buffer);
    }
}

/// Draws a head and each sensor with the glyph of its level.
fn draw_sensors(
    ctx: &RenderContext<'_>,
    sensors: &[SensorRow<'_>],
    head: &HeadMap,
    outline: &mut OutlineCache,
    buffer: &mut Buffer,
) {
    head.draw_sensors(ctx.theme, sensors, ctx.app.selected_sensor(), outline, buffer);
    for (sensor, label) in sensors.iter().zip(&head.labels) {
        if let Some(label) = label {
            ctx.hit(*label, || MouseTarget::Sensor(sensor.name.to_owned()));
        }
    }
}

/// The layout of a row of the table.
#[derive(Clone, Copy, Debug, Default)]
struct TableLayout {
    /// Whether EEG quality stands beside the contact.
    both: bool,
    /// The number of sensors side by side.
    columns: usize,
    /// The strip of the last two minutes, if there is one.
    strip: Option<StripLayout>,
}

impl TableLayout {
    /// The width of a row.
    fn width(self) -> u16 {
        let gap = u16::from(self.columns > 1);
        let strip = self.strip.map_or(0, |strip| paint::cells(strip.cells) + gap);
        strip + if self.both { BOTH } else { CELL }
    }

    fn all(self) -> u16 {
        self.width() * paint::cells(self.columns)
    }

    fn with_strip(self, room: u16) -> Option<Self> {
        Some(Self { strip: Some(StripLayout::fit(room)?), ..self })
    }
}

/// The division of [`SPAN`] into cells.
#[derive(Clone, Copy, Debug)]
struct StripLayout {
    stretch: Duration,
    cells: usize,
}

impl StripLayout {
    /// As many cells as fit, each of whole seconds.
    fn fit(room: u16) -> Option<Self> {
        let layouts = STRETCHES.into_iter().map(|seconds| Self {
            stretch: Duration::from_secs(seconds),
            cells: usize::try_from(SPAN.as_secs().div_ceil(seconds)).unwrap_or(usize::MAX),
        });
        layouts.into_iter().find(|layout| layout.cells <= usize::from(room))
    }

    /// The heading above a strip.
    fn heading(self) -> String {
        let seconds = self.stretch.as_secs();
        let headings = [
            format!("the last 2 min, newest at the right, {seconds} s a cell"),
            format!("the last 2 min, {seconds} s a cell"),
            format!("2 min, {seconds} s/cell"),
            "2 min → now".to_owned(),
        ];
        let fits = |heading: &String| heading.chars().count() <= self.cells;
        headings.into_iter().find(fits).unwrap_or_else(|| "2 min".to_owned())
    }
}

/// The head on the left, as large as possible, and the table with its strips beside it; in a small area only
/// the table.
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
    let columns = sensors.len().div_ceil(rows).max(1);
    let beside = sensors.iter().any(|sensor| sensor.beside.is_some());
    let is_rich = stream == Stream::Dev && beside && columns == 1;
    let has_strip = stream == Stream::Dev;
    let all = TableLayout { columns, ..TableLayout::default() };
    let rich = TableLayout { both: true, ..all };
    let head = |table: TableLayout, least: u16| {
        let room = area.width.checked_sub(table.all() + 1 + least)?;
        // A round head is limited by its height; the remaining width goes to the strips.
        let width = if least > 0 { room.min(2 * area.height + HEAD_MARGIN) } else { room };
        let head = HeadMap::fit(&names, Rect { width, ..area })?;
        let strip = (least > 0).then(|| table.with_strip(area.width - width - 1 - table.all()));
        Some((strip.unwrap_or(Some(table))?, Some(head)))
    };
    let with_strip =
        [(area.width / 4).max(LEAST_STRIP), LEAST_STRIP].into_iter().flat_map(|least| {
            [is_rich.then_some(rich), (columns == 1).then_some(all)]
                .into_iter()
                .flatten()
                .map(move |table| (table, least))
        });
    let mut with_strip = with_strip.filter(|_| has_strip);
    let strips_alone = || {
        let each = (area.width / paint::cells(columns)).checked_sub(CELL + 1)?;
        Some((all.with_strip(each).filter(|_| has_strip)?, None))
    };
    // The richest table first: strips and head, strips alone, head and all sensors, head and the worst
    // sensors.
    let fitting = with_strip
        .find_map(|(table, least)| head(table, least))
        .or_else(strips_alone)
        .or_else(|| is_rich.then(|| head(rich, 0)).flatten())
        .or_else(|| head(all, 0))
        .or_else(|| head(TableLayout { columns: 1, ..all }, 0));
    let (table, head) = fitting.unwrap_or_else(|| {
        let both = is_rich && area.width >= BOTH;
        (TableLayout { both, ..all }, None)
    });
    if let Some(head) = &head {
        draw_sensors(ctx, sensors, head, outline, buffer);
    }
    let width = if head.is_some() { table.all() } else { area.width };
    let list = Rect { x: area.right() - width, width, ..area };
    draw_table(ctx, sensors, table, list, buffer);
}

/// The sensors from worst to best, as many as fit.
fn draw_table(
    ctx: &RenderContext<'_>,
    sensors: &[SensorRow<'_>],
    table: TableLayout,
    area: Rect,
    buffer: &mut Buffer,
) {
    let TableLayout { both, strip, .. } = table;
    let cell = |(token, mark, word): (ThemeToken, &str, &str)| {
        ctx.span(token, text::pad(&format!("{mark} {word}"), LEVEL))
    };
    let strips = strip.map(|strip| (strip, places(ctx, strip)));
    let selected = ctx.app.selected_sensor();
    let row = |sensor: &SensorRow<'_>| {
        let name = text::pad(&text::clean(sensor.name), NAME);
        let (name, air) = name.split_at(name.trim_end().len());
        let token =
            if selected == Some(sensor.name) { ThemeToken::Selection } else { ThemeToken::Text };
        let name = [ctx.span(token, name), ctx.span(ThemeToken::Text, air)];
        let mut line = Line::from_iter(name);
        line.push_span(cell(sensor.word()));
        if both {
            line.push_span(cell(level_word(sensor.beside)));
        }
        if let Some((strip, places)) = &strips {
            line.extend(self::strip(ctx, *strip, places, sensor.name));
        }
        line
    };
    let mut lines: Vec<_> = sensors.iter().map(row).collect();
    let mut targets: Vec<_> =
        sensors.iter().map(|sensor| MouseTarget::Sensor(sensor.name.to_owned())).collect();
    let width = table.width();
    if (both || strip.is_some()) && lines.len() < usize::from(area.height) {
        let quality = both.then_some("EEG quality");
        let heads = ["", "contact"].into_iter().chain(quality).zip([NAME, LEVEL, LEVEL]);
        let heads: String = heads.map(|(head, width)| text::pad(head, width)).collect();
        let heads = heads + &strip.map(StripLayout::heading).unwrap_or_default();
        lines.insert(0, ctx.span(ThemeToken::Axis, heads).into());
        targets.insert(0, MouseTarget::Pane(Pane::Streams));
    }
    paint::columns(&lines, width, area, buffer);
    if area.height > 0 {
        for (column, x) in
            targets.chunks(area.height.into()).zip((area.x..area.right()).step_by(width.into()))
        {
            let place = Rect { x, width, ..area }.intersection(area);
            ctx.hit_rows(place, 0, column.iter().map(|target| (1, target.clone())));
        }
    }
    let shown = usize::from(area.height) * usize::from((area.width / width).max(1));
    let hidden = lines.len().saturating_sub(shown);
    ctx.mark_more(0, usize::from(area.height) + hidden, area, buffer);
}

/// The strip cell of each contact sample, oldest first.
fn places(ctx: &RenderContext<'_>, strip: StripLayout) -> Vec<Option<usize>> {
    let history = &ctx.app.numbers().readings.contact;
    // While samples arrive, the strip ends with the newest one, not with an empty cell.
    let now = ctx.moment();
    let last = history.received().last();
    let newest = last.filter(|&last| now.saturating_duration_since(last) < YOUNG).unwrap_or(now);
    let place = |received| timeline::cell(ctx, received, newest, strip.stretch, strip.cells);
    history.received().map(place).collect()
}

/// The history of a sensor's contact: the worst level in each cell; blank without samples.
fn strip(
    ctx: &RenderContext<'_>,
    strip: StripLayout,
    places: &[Option<usize>],
    sensor: &str,
) -> Vec<Span<'static>> {
    let mut worst: Vec<Option<Option<f64>>> = vec![None; strip.cells];
    let history = &ctx.app.numbers().readings.contact;
    for (place, level) in places.iter().zip(history.levels(sensor)) {
        if let Some(cell) = place.and_then(|place| worst.get_mut(place)) {
            // A null does not count if the cell also has a level.
            *cell = Some(match (cell.flatten(), level) {
                (Some(before), Some(level)) => Some(before.min(level)),
                (before, level) => before.or(level),
            });
        }
    }
    let runs = worst.chunk_by(|a, b| a.map(level_word) == b.map(level_word));
    let span = |run: &[Option<Option<f64>>]| {
        let (token, mark, _) =
            run.first().copied().flatten().map_or((ThemeToken::Text, " ", ""), level_word);
        ctx.span(token, mark.repeat(run.len()))
    };
    runs.map(span).collect()
}

/// The sensors in the order of the table.
fn sensors<'a>(readings: &'a Readings, stream: Stream, bad: &[BadChannel]) -> Vec<SensorRow<'a>> {
    let quality = |name: &str| readings.eq_smoothed.levels().find(|(own, _)| *own == name)?.1;
    let row = |name, level, beside| SensorRow { name, defect: defect_of(name, bad), level, beside };
    let mut sensors: Vec<_> = match stream {
        Stream::Dev => {
            let newest = readings.dev.as_deref().into_iter().flat_map(LatestValues::sensors);
            newest.map(|(name, level)| row(name, level, quality(name))).collect()
        }
        _ => readings.eq_smoothed.levels().map(|(name, level)| row(name, level, None)).collect(),
    };
    sensors.sort_by(|a, b| by_need((a.defect, a.level), (b.defect, b.level)));
    sensors
}

fn defect_of(sensor: &str, bad: &[BadChannel]) -> Option<Defect> {
    bad.iter().find(|bad| *bad.label == *sensor).map(|bad| bad.defect)
}

fn contact_facts(ctx: &RenderContext<'_>, table: &LatestValues) -> Vec<String> {
    let age = ctx.since(table.received);
    let age = if age < YOUNG { String::new() } else { format!(" {} ago", text::age(age)) };
    let percent = |label| table.get(label).filter(|percent| *percent >= 0.0);
    let battery = match (percent("batteryLeftPercent"), percent("batteryRightPercent")) {
        (None, None) => match (percent("BatteryPercent"), percent("Battery")) {
            // Older versions sent five steps instead of percents.
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

/// How long all sensors have had good contact, or since when they have not.
fn all_good(ctx: &RenderContext<'_>) -> Option<String> {
    let all_good = ctx.app.numbers().readings.contact.all_good()?;
    if !all_good.is {
        return Some(format!(" Not all good since {}.", ctx.clock_at(all_good.since)));
    }
    let age = ctx.moment().saturating_duration_since(all_good.since);
    // With a bad channel, not all is good.
    let has_bad = !ctx.app.bad_channels().is_empty();
    (!has_bad).then(|| format!(" All good for {}.", text::minutes(age)))
}

fn quality_facts(table: &LatestValues, steady: &Smoothed) -> Vec<String> {
    let rate = match table.get("sampleRateQuality") {
        Some(rate) if rate < 0.0 => "many packets lost".to_owned(),
        Some(rate) if rate < BAD_RATE => format!("sample rate quality {rate} (bad)"),
        rate => format!("sample rate quality {}", number(rate, "")),
    };
    vec![format!("overall {}", number(steady.overall(), " %")), rate]
}

/// The overall contact and the sensors that are not good, within `room` cells if possible.
pub(super) fn contact_words(table: &LatestValues, bad: &[BadChannel], room: usize) -> String {
    words(table.overall(), table.sensors(), bad, room)
}

/// The same for EEG quality, smoothed; empty before the first sample.
pub(super) fn quality_words(steady: &Smoothed, bad: &[BadChannel], room: usize) -> String {
    let none = steady.levels().next().is_none();
    if none { String::new() } else { words(steady.overall(), steady.levels(), bad, room) }
}

/// The worst sensor and how many more lack good contact, in the style of the worst level; `None` before the
/// first sample of `dev`.
pub(in crate::ui) fn worst(ctx: &RenderContext<'_>, room: usize) -> Option<(ThemeToken, String)> {
    let readings = &ctx.app.latest().readings;
    let known = readings.dev.as_deref()?.sensors();
    let known: Vec<_> = known.filter_map(|(name, level)| Some((name, level?))).collect();
    let poor: Vec<_> = known.iter().filter(|(_, level)| *level < GOOD).collect();
    let Some(&&(worst, level)) = poor.iter().min_by(|(_, a), (_, b)| a.total_cmp(b)) else {
        // With a bad channel, not all is good.
        let all_good = !known.is_empty() && ctx.app.bad_channels().is_empty();
        return all_good.then(|| (ThemeToken::Good, "all good".to_owned()));
    };
    let (token, _, word) = level_word(Some(level));
    let first = format!("{} {word}", text::clean(worst));
    Some((token, text::and_more(&first, poor.len() - 1, " poor", "", room)))
}

/// The overall EEG quality alone, smoothed; empty before the first sample.
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
        // No sensor has a known level.
        return overall;
    }
    let sensors = sensors.map(|(name, level)| (name, (defect_of(name, bad), level)));
    let bad: Vec<_> = sensors
        .filter(|(_, (defect, level))| defect.is_some() || level.is_none_or(|level| level < GOOD))
        .collect();
    match bad.iter().min_by(|(_, a), (_, b)| by_need(*a, *b)) {
        None => format!("{overall}, all good"),
        Some(&(name, (defect, level))) => {
            // A defect matters more than the rest, and the line may be short.
            let (worst, rest) = match defect {
                Some(defect) => (format!("{name} {}", defect.name()), format!(", {overall}")),
                None => (format!("{overall}, {name} {}", level_word(level).2), String::new()),
            };
            let all = text::and_more(&worst, bad.len() - 1, " poor", &rest, room);
            if defect.is_some() || text::cells(&all) <= room {
                return all;
            }
            let worst = format!("{name} {}", level_word(level).2);
            text::and_more(&worst, bad.len() - 1, " poor", "", room)
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

    /// The order of the table.
    fn order(levels: [Option<f64>; 3]) -> Vec<String> {
        let names = ["AF3", "T7", "Pz"].map(str::to_owned);
        let values = names.into_iter().zip(levels).collect();
        let dev = Some(Arc::new(LatestValues { values, received: Instant::now() }));
        let readings = Readings { dev, ..Readings::default() };
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
        let poor = [("FC5", Some(1.0)), ("T7", Some(2.0)), ("T8", Some(4.0))];
        for (room, expected) in [
            (40, "75 %, FC5 very bad, 1 more poor"),
            (21, "75 %, FC5 very bad +1"),
            (20, "FC5 very bad +1"),
            (15, "FC5 very bad +1"),
        ] {
            assert_eq!(words(Some(75.0), poor.into_iter(), &[], room), expected);
        }
    }

    #[test]
    fn the_worst_is_first_as_soon_as_it_is_the_worst() {
        assert_eq!(order([Some(4.0), Some(2.0), Some(4.0)]), ["T7", "AF3", "Pz"]);
        assert_eq!(order([Some(1.0), Some(2.0), Some(4.0)]), ["AF3", "T7", "Pz"]);
        assert_eq!(order([Some(4.0), Some(3.0), None]), ["T7", "Pz", "AF3"], "unknown before good");
        assert_eq!(order([None; 3]), ["AF3", "T7", "Pz"], "equals as the columns have them");
    }

    #[test]
    fn a_strip_has_cells_of_whole_seconds() {
        let fit = |room| StripLayout::fit(room).map(|strip| (strip.cells, strip.stretch.as_secs()));
        assert_eq!(
            [7, 8, 12, 59, 60, 119, 300].map(fit),
            [
                None,
                Some((8, 15)),
                Some((12, 10)),
                Some((40, 3)),
                Some((60, 2)),
                Some((60, 2)),
                Some((120, 1)),
            ]
        );
        for room in 8..300 {
            let strip = StripLayout::fit(room).expect("room");
            assert!(strip.heading().chars().count() <= strip.cells, "{strip:?}");
        }
    }
}
