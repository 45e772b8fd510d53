//! Band power on logarithmic scales: a bar for each sensor and band, the numbers of the selected sensor, and
//! below its history. Computed by Cortex (`pow`), or from the spectra of EEG if `pow` is not flowing.

use ratatui::{buffer::Buffer, layout::Rect, text::Line};

use super::{
    Canvas,
    axis::{self, AxisNotes},
    bin_groups::BinGroups,
    dots::Dots,
    overlay, stream_state,
    trace_plot::{self, Bar, TraceCache},
    traces,
};
use crate::{
    app::{App, SessionEntry},
    ui::{context::RenderContext, glyphs, paint, text, theme::ThemeToken},
};
use cortop_client::Stream;
use cortop_signal::{
    Scale, Traces, View,
    bands::{BANDS, BandPowers, by_sensor, of_label},
    snapshot::{Bin, LatestValues},
    spectrum::RANGE,
};

/// The ends of the bars' scale as powers of ten in µV²/Hz: typical values (§5.6) and a margin.
const DECADES: (f64, f64) = (-2.0, 2.0);

/// Width of the sensors' names, and of the history's labels.
const NAME: u16 = 6;
const LABEL: u16 = 12;

/// Rows above the sensors, rows for the selected one's numbers, and the sensors that stay when the history
/// takes its rows.
const HEAD: u16 = 2;
const NUMBERS: u16 = 1;
const FEWEST: u16 = 3;

/// Rows of text between them and the history.
const WORDS: u16 = 2;
/// The row of the time axis below the history.
const AXIS: u16 = 1;

/// The rate of `pow` in Hz, which the spectra of EEG do not exceed.
const RATE: f64 = 8.0;

/// Columns of the history.
fn width(app: &App, area: Rect) -> u16 {
    let width = area.width.saturating_sub(LABEL);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a minute at most")]
    let most = (app.streams.window() * RATE / 2.0) as u16;
    if app.stream() == Stream::Eeg { width.min(most) } else { width }
}

/// What the decoder has to publish: the history of the selected sensor, or the spectra of all.
pub(super) fn request(ctx: &RenderContext<'_>, area: Rect) -> View {
    let (app, ascii) = (ctx.app, ctx.ascii);
    let stream = app.stream();
    let columns = usize::from(width(app, area) * Dots::new(app.streams.glyph_set, ascii).across());
    if stream == Stream::Eeg {
        let channels = (0..traces::channels(app, stream)).collect();
        return View { channels, columns, spectra: Some(*RANGE.end()), ..View::default() };
    }
    let table = app.picture().readings.pow.as_deref();
    let channels = table.and_then(|table| {
        let sensors = by_sensor(table);
        let selected = selected(app, &sensors)?;
        let own = |(label, _): &(String, _)| {
            of_label(label).is_some_and(|(sensor, _)| sensor == selected.sensor)
        };
        let first = table.values.iter().position(own)?;
        Some((first..=table.values.iter().rposition(own)?).collect())
    });
    View { channels: channels.unwrap_or_default(), columns, ..View::default() }
}

/// The settings that shape the picture, most important first.
pub(super) fn details(ctx: &RenderContext<'_>, _: Rect) -> Vec<String> {
    let streams = &ctx.app.streams;
    let mut items =
        vec![format!("{} s", streams.window()), traces::motion(streams.scroll_mode).into()];
    if ctx.app.stream() == Stream::Eeg {
        items.insert(0, "computed from EEG".to_owned());
        items.extend(traces::spectral_filters(streams.filters()));
        items.push(traces::montage(ctx.app));
    }
    items
}

fn selected<'a>(app: &App, sensors: &'a [BandPowers]) -> Option<&'a BandPowers> {
    sensors.get(app.streams.selected.min(sensors.len().checked_sub(1)?))
}

/// The newest powers of all sensors.
pub(super) fn newest(app: &App) -> Vec<BandPowers> {
    if app.stream() == Stream::Pow {
        return app.picture().readings.pow.as_deref().map(by_sensor).unwrap_or_default();
    }
    let Some(traces) = traces::traces(app, Stream::Eeg) else { return Vec::new() };
    let Some(spectra) = &traces.spectra else { return Vec::new() };
    let newest = spectra.columns.len().saturating_sub(1);
    let channels = traces.channels.iter().enumerate();
    let powers = channels.map(|(channel, trace)| BandPowers {
        sensor: trace.label.to_string(),
        bands: spectra.bands(newest, channel),
    });
    powers.collect()
}

pub(super) fn draw(ctx: &RenderContext<'_>, entry: &SessionEntry, canvas: &mut Canvas<'_>) {
    let (area, buffer) = (canvas.area, &mut *canvas.buffer);
    stream_state::draw_readings(ctx, entry, Stream::Pow, 0, area, buffer, |area, buffer| {
        draw_bands(ctx, area, buffer);
    });
}

fn draw_bands(ctx: &RenderContext<'_>, area: Rect, buffer: &mut Buffer) {
    let app = ctx.app;
    let sensors = newest(app);
    let Some(own) = selected(app, &sensors) else {
        let lines = paint::sentence("No sample yet.", area.width, ctx.style(ThemeToken::Dim));
        return paint::lines(&lines, area, buffer);
    };
    // The history has at least one row per band, if some sensors stay.
    let bands = paint::cells(BANDS.len());
    let all = paint::cells(sensors.len()) + NUMBERS;
    let listed = all.min(area.height.saturating_sub(HEAD + WORDS + bands + AXIS));
    let rows = if listed < all.min(FEWEST + NUMBERS) {
        0
    } else {
        ((area.height - HEAD - listed - WORDS - AXIS) / bands).min(2 * bands)
    };
    let listed = if rows == 0 { area.height.saturating_sub(HEAD + 1) } else { listed };
    let list = Rect { height: (HEAD + listed).min(area.height), ..area };
    draw_list(ctx, &sensors, list, buffer);
    let below = Rect { y: list.bottom(), height: area.height - list.height, ..area };
    let (low, high) = DECADES;
    let words = format!("bars: {} to {} µV²/Hz, logarithmic", 10_f64.powf(low), 10_f64.powf(high));
    paint::line(&ctx.span(ThemeToken::Dim, words).into(), below, buffer);
    let Some(traces) = traces::traces(app, app.stream()).filter(|_| rows > 0) else { return };
    // The history for a new width arrives with the next frame.
    let dots = Dots::new(app.streams.glyph_set, ctx.ascii);
    if traces.bins.columns != u64::from(width(app, area) * dots.across()) {
        return;
    }
    let sensor = text::clean(&own.sensor);
    let window = app.streams.window();
    let words = format!("{sensor}, {window} s: 0.1 to 10 times the median beside");
    paint::line(&ctx.span(ThemeToken::Dim, words).into(), Rect { y: below.y + 1, ..below }, buffer);
    for (band, at) in BANDS.iter().zip(0..) {
        let y = below.y + WORDS + paint::cells(at) * rows;
        let part = Rect { y, height: rows, ..below }.intersection(below);
        let token = if at % 2 == 0 { ThemeToken::Trace } else { ThemeToken::TraceAlt };
        let BandHistory { first, columns, median } = BandHistory::new(app, traces, own, at);
        let mut label = Line::from(ctx.span(ThemeToken::Text, format!("{} ", band.name)));
        if median.is_finite() {
            label.push_span(ctx.span(ThemeToken::Axis, format!("{:>5}", number(median.into()))));
        }
        paint::line(&label, Rect { height: 1, ..part }.intersection(part), buffer);
        let place = Rect { x: area.x + LABEL, width: width(app, area), ..part };
        let cells =
            BinGroups::new(app.streams.scroll_mode, dots, place.width, first, columns.len())
                .still(ctx.app.streams.frozen.is_some());
        let scale = Scale { centre: median.max(f32::MIN_POSITIVE).log10(), half: 1.0 };
        let style = ctx.style(token);
        let trace = trace_plot::PlottedTrace { columns: &columns, scale, bar: Bar::Extreme, style };
        trace_plot::draw(
            &trace,
            &cells,
            dots,
            place.intersection(area),
            buffer,
            &mut TraceCache::default(),
        );
        let plot = place.intersection(area);
        overlay::draw(ctx, traces, &cells, false, plot, buffer);
        if at + 1 == BANDS.len() {
            let axis = Rect { y: place.bottom(), height: AXIS, ..place }.intersection(area);
            axis::draw(ctx, traces, &cells, &AxisNotes::default(), axis, buffer);
        }
    }
}

/// A power with about three digits.
pub(super) fn number(power: f64) -> String {
    let decimals = match power {
        0.0 | 100.0.. => 0,
        10.0..100.0 => 1,
        1.0..10.0 => 2,
        0.01..1.0 => 3,
        _ => return format!("{power:.0e}"),
    };
    format!("{power:.decimals$}")
}

/// The bar of a power; values beyond the scale are marked at that end.
fn bar(power: f64, width: usize) -> String {
    let (share, room) = (share(power), width.saturating_sub(1));
    if share < 0.0 {
        return format!("{}{} ", glyphs::BELOW, glyphs::bar(share, room.saturating_sub(1)));
    }
    let end = if share > 1.0 { glyphs::BEYOND } else { ' ' };
    format!("{}{end}", glyphs::bar(share, room))
}

/// A line for each sensor, scrolled to the selected one, with its numbers below it.
fn draw_list(ctx: &RenderContext<'_>, sensors: &[BandPowers], area: Rect, buffer: &mut Buffer) {
    let width = usize::from(area.width.saturating_sub(NAME + 1)) / BANDS.len();
    let name = usize::from(NAME);
    let head = |cells: [String; BANDS.len()]| {
        let cells: String = cells.iter().map(|cell| text::pad(cell, width)).collect();
        Line::from(ctx.span(ThemeToken::Axis, " ".repeat(name) + &cells))
    };
    // Keep a blank between two ranges.
    let in_hertz = BANDS.map(|band| format!("{}–{} Hz", band.low, band.high));
    let ranges = if in_hertz.iter().all(|range| text::cells(range) < width) {
        in_hertz
    } else {
        BANDS.map(|band| format!("{}–{}", band.low, band.high))
    };
    let mut lines = vec![head(BANDS.map(|band| band.name.to_owned())), head(ranges)];
    let at = ctx.app.streams.selected.min(sensors.len().saturating_sub(1));
    let fit = usize::from(area.height.saturating_sub(HEAD + NUMBERS));
    let skip = (at + 1).saturating_sub(fit);
    for (place, powers) in sensors.iter().enumerate().skip(skip).take(fit) {
        let mark = if place == at { glyphs::SELECTED } else { " " };
        let label = text::fit(&text::clean(&powers.sensor), name.saturating_sub(2));
        let label = text::pad(&format!("{mark}{label}"), name);
        let mut line = Line::from(ctx.span(ThemeToken::Text, label));
        for power in powers.bands {
            let cell = match power {
                Some(power) => bar(power, width),
                None => text::pad(glyphs::UNKNOWN, width),
            };
            let token = if place % 2 == 0 { ThemeToken::Trace } else { ThemeToken::TraceAlt };
            line.push_span(ctx.span(token, cell));
        }
        lines.push(line);
        if place == at {
            lines.push(head(powers.bands.map(|power| power.map(number).unwrap_or_default())));
        }
    }
    paint::lines(&lines, area, buffer);
    let list = Rect { y: area.y + HEAD, height: area.height.saturating_sub(HEAD), ..area };
    ctx.mark_more(skip, sensors.len() + usize::from(NUMBERS), list, buffer);
}

/// The position of a power on the scale.
fn share(power: f64) -> f64 {
    let (low, high) = DECADES;
    (power.max(f64::MIN_POSITIVE).log10() - low) / (high - low)
}

/// The history of a sensor's power in one band, as powers of ten.
struct BandHistory {
    /// The bin of the first column.
    first: u64,
    columns: Vec<Bin>,
    /// Their median in µV²/Hz; NaN if there is none.
    median: f32,
}

impl BandHistory {
    fn new(app: &App, traces: &Traces, own: &BandPowers, band: usize) -> Self {
        if let Some(spectra) = &traces.spectra {
            let channel = app.streams.selected.min(traces.channels.len().saturating_sub(1));
            let powers: Vec<_> = (0..spectra.columns.len())
                .map(|at| spectra.bands(at, channel).get(band).copied().flatten())
                .collect();
            let mut known: Vec<f64> = powers.iter().copied().flatten().collect();
            known.sort_by(f64::total_cmp);
            let median = known.get(known.len() / 2).copied().unwrap_or(f64::NAN);
            let columns = powers.into_iter().map(column).collect();
            #[expect(clippy::cast_possible_truncation, reason = "far finer than a dot")]
            return Self { first: spectra.first_bin, columns, median: median as f32 };
        }
        let is_own = |label: &str| of_label(label) == Some((&own.sensor, band));
        let trace = traces.channels.iter().find(|trace| is_own(&trace.label));
        let columns = trace.map_or(&[][..], |trace| &trace.columns).iter().map(|column| Bin {
            min: column.min.log10(),
            max: column.max.log10(),
            first: column.first.log10(),
            last: column.last.log10(),
            ..*column
        });
        let median = trace.map_or(f32::NAN, |trace| trace.exact_median);
        Self { first: traces.first_bin, columns: columns.collect(), median }
    }
}

/// The column of a power computed from one segment.
fn column(power: Option<f64>) -> Bin {
    let Some(power) = power else { return Bin { gap: true, ..Bin::EMPTY } };
    #[expect(clippy::cast_possible_truncation, reason = "far finer than a dot")]
    let power = power.log10() as f32;
    Bin { min: power, max: power, first: power, last: power, count: 1, gap: false }
}

/// The sensor with the strongest alpha, the first band to change when the eyes close.
pub(super) fn words(table: &LatestValues) -> String {
    strongest(table).map_or_else(String::new, |(sensor, power)| {
        format!("alpha highest at {sensor}, {power:.1}")
    })
}

/// The same, as the sensor and its power in µV²/Hz.
pub(super) fn strongest(table: &LatestValues) -> Option<(&str, f64)> {
    let alpha = table
        .values
        .iter()
        .filter_map(|(label, power)| Some((label.strip_suffix("/alpha")?, (*power)?)));
    alpha.max_by(|(_, a), (_, b)| a.total_cmp(b))
}
