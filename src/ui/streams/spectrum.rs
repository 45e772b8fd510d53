//! The power spectrum of EEG over the window: bars of the selected channel, bars of all channels one below
//! the other, or lines of all in one plot; from 1 Hz to 45 Hz, 70 Hz or half the sample rate, in dB or
//! linear, with the limits of the bands and the mains frequencies.

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    style::{Modifier, Style},
    text::{Line, Span},
    widgets::Widget,
};

use super::{Canvas, dots::Dots, gaps, traces};
use crate::{
    app::{App, MouseTarget, SessionEntry, SpectrumChannels},
    ui::{context::RenderContext, glyphs, paint, text, theme::ThemeToken},
};
use cortop_client::Stream;
use cortop_signal::{
    Traces, View,
    bands::{BANDS, Band},
    spectra::Welch,
    spectrum::{FrequencyAxis, MAINS, RANGE, decibel},
};

/// The range of the scale in dB.
pub(super) const HEIGHT: f64 = 60.0;

/// The ends of the scale are multiples of this many dB.
const STEP: f64 = 5.0;

/// Width of the labels on the left, and of the peaks on the right.
const LABEL: u16 = 7;
const PEAK: u16 = 8;

/// The top of the scale in dB µV²/Hz: a sine that fits the height of a trace is not clipped here either.
pub(super) fn top(app: &App) -> f64 {
    (decibel(highest(app)) / STEP).ceil() * STEP
}

/// The same power in µV²/Hz.
fn highest(app: &App) -> f64 {
    let amplitude = f64::from(app.streams.amplitude());
    // The power of a sine is half the square of its amplitude; with a Hann window of two seconds, two thirds
    // of it fall into one line of 0.5 Hz.
    amplitude * amplitude / 1.5
}

/// The range of a plot's height: powers in µV²/Hz, or in dB.
#[derive(Clone, Copy)]
struct PowerScale {
    low: f64,
    high: f64,
    linear: bool,
}

impl PowerScale {
    fn new(app: &App) -> Self {
        let linear = app.streams.linear;
        let top = if linear { highest(app) } else { top(app) };
        Self { low: if linear { 0.0 } else { top - HEIGHT }, high: top, linear }
    }

    /// The position of a power within the height; above 1 if it exceeds the scale.
    fn share(self, power: f64) -> f64 {
        let value = if self.linear { power } else { decibel(power) };
        (value - self.low) / (self.high - self.low)
    }

    fn unit(self) -> &'static str {
        if self.linear { "µV²/Hz" } else { "dB µV²/Hz" }
    }

    fn ends(self) -> String {
        format!("{:.0} to {:.0} {}", self.low, self.high, self.unit())
    }
}

/// A mark at a frequency.
pub(super) struct FrequencyMark {
    pub(super) hz: f64,
    pub(super) name: &'static str,
    /// The text in two cells.
    short: String,
}

/// The limits of the bands and the mains frequencies.
pub(super) fn marks() -> impl Iterator<Item = FrequencyMark> {
    let band = |band: &Band| FrequencyMark {
        hz: band.low,
        name: band.name,
        short: band.letters.to_owned(),
    };
    let end =
        BANDS.last().map(|band| FrequencyMark { hz: band.high, name: "", short: String::new() });
    let mains = MAINS.map(|hz| FrequencyMark { hz, name: "mains", short: hz.to_string() });
    BANDS.iter().map(band).chain(end).chain(mains)
}

/// The highest frequency in Hz of a spectrum requested up to a limit.
pub(super) fn end(lines: FrequencyAxis, most: f64) -> f64 {
    most.min(lines.hz(lines.count))
}

/// The division of the area.
struct SpectrumLayout {
    /// The bars.
    plot: Rect,
    /// The first channel shown, the number of channels shown, and the rows of each.
    first: usize,
    shown: usize,
    height: u16,
}

impl SpectrumLayout {
    fn new(app: &App, area: Rect) -> Self {
        let all = traces::shown(app, Stream::Eeg);
        let streams = &app.streams;
        // Above are the names of the bands and, unless each channel has a row, the text; below are the
        // frequencies.
        let in_rows = streams.spectrum_channels == SpectrumChannels::Rows;
        let (above, right) = if in_rows { (1, PEAK) } else { (2, 0) };
        let plot = Rect {
            x: area.x + LABEL.min(area.width),
            y: area.y + above.min(area.height),
            width: area.width.saturating_sub(LABEL + right),
            height: area.height.saturating_sub(above + 1),
        };
        let last = all.saturating_sub(1);
        match streams.spectrum_channels {
            SpectrumChannels::Selected => {
                let first = streams.selected.min(last);
                return Self { plot, first, shown: 1, height: plot.height };
            }
            SpectrumChannels::Overlaid => {
                return Self { plot, first: 0, shown: all, height: plot.height };
            }
            SpectrumChannels::Rows => {}
        }
        let shown = usize::from(plot.height).min(all);
        let height = plot.height / paint::cells(shown.max(1));
        let first = (streams.selected.min(last) + 1).saturating_sub(shown);
        let plot = Rect { height: height * paint::cells(shown), ..plot };
        Self { plot, first, shown, height }
    }
}

/// A request for spectra of the window: one column per second, so that segments overlap by half.
pub(super) fn by_second(app: &App) -> View {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a minute at most")]
    let columns = app.streams.window() as usize;
    View { columns, spectra: Some(*RANGE.end()), ..View::default() }
}

pub(super) fn request(ctx: &RenderContext<'_>, area: Rect) -> View {
    let app = ctx.app;
    if !app.has_picture(Stream::Eeg) {
        return View::default();
    }
    let SpectrumLayout { first, shown, .. } = SpectrumLayout::new(app, area);
    View {
        channels: traces::places(app, Stream::Eeg, first, shown),
        spectra: Some(app.streams.spectrum_end()),
        ..by_second(app)
    }
}

/// The settings that shape the spectrum, most important first.
pub(super) fn details(ctx: &RenderContext<'_>, _: Rect) -> Vec<String> {
    if !ctx.app.has_picture(Stream::Eeg) {
        return Vec::new();
    }
    let streams = &ctx.app.streams;
    let scale = PowerScale::new(ctx.app);
    let scale = if streams.spectrum_channels == SpectrumChannels::Rows {
        scale.ends()
    } else {
        scale.unit().to_owned()
    };
    let mut items = vec![format!("{} s", streams.window())];
    items.extend(traces::spectral_filters(streams.filters()));
    items.extend([traces::montage(ctx.app), scale]);
    items
}

pub(super) fn draw(ctx: &RenderContext<'_>, entry: &SessionEntry, canvas: &mut Canvas<'_>) {
    traces::draw_computed(ctx, entry, canvas, draw_spectra);
}

fn draw_spectra(
    ctx: &RenderContext<'_>,
    traces: &Traces,
    stale: bool,
    area: Rect,
    buffer: &mut Buffer,
) {
    let app = ctx.app;
    let layout = SpectrumLayout::new(app, area);
    let Some(spectra) = &traces.spectra else { return };
    // After a change of view its spectra arrive with the next frame.
    if traces.channels.len() != layout.shown {
        return;
    }
    let lines = spectra.lines;
    let in_rows = app.streams.spectrum_channels == SpectrumChannels::Rows;
    if app.streams.spectrum_channels == SpectrumChannels::Overlaid {
        draw_overlaid(ctx, traces, stale, &layout, area, buffer);
    } else {
        for (at, trace) in traces.channels.iter().enumerate() {
            let y = layout.plot.y + paint::cells(at) * layout.height;
            let part = Rect { y, height: layout.height, ..layout.plot }.intersection(area);
            let welch = spectra.welch(at, traces.bins);
            let token = match (stale, at % 2) {
                (true, _) => ThemeToken::Stale,
                (_, 0) => ThemeToken::Trace,
                _ => ThemeToken::TraceAlt,
            };
            limits(ctx, lines, part, buffer);
            match &welch {
                Some(welch) => bars(ctx, token, welch, part, buffer),
                None => missing(ctx, traces, part, buffer),
            }
            let label = Rect { x: area.x, width: LABEL.min(area.width), ..part };
            let name = text::clean(&trace.label);
            let peak = peak(app, traces, welch.as_ref());
            if in_rows {
                ctx.hit(label.union(part), || MouseTarget::Channel(layout.first + at, None));
                draw_label(ctx, &name, layout.first + at == app.streams.selected, label, buffer);
                let peak = peak.map_or(glyphs::UNKNOWN.to_owned(), |(hz, _)| format!("{hz:.1} Hz"));
                let right = Rect { x: part.right(), width: PEAK, height: 1, ..part };
                ctx.span(token, format!("{peak:>8}")).render(right.intersection(area), buffer);
            } else {
                scale(ctx, label, buffer);
                let words = words(welch.as_ref(), peak);
                let line: Line<'_> =
                    vec![ctx.span(ThemeToken::Title, name), ctx.span(ThemeToken::Text, words)]
                        .into();
                paint::line(&line, Rect { height: 1, ..area }, buffer);
            }
        }
    }
    let above = Rect { y: layout.plot.y.saturating_sub(1), height: 1, ..layout.plot };
    names(ctx, lines, above.intersection(area), buffer);
    let below = Rect {
        y: layout.plot.bottom(),
        height: 1,
        width: area.right() - layout.plot.x,
        ..layout.plot
    };
    axis(ctx, lines, layout.plot.width, below.intersection(area), buffer);
}

/// The most prominent peak of a channel that is visible on the dB scale.
fn peak(app: &App, traces: &Traces, welch: Option<&Welch>) -> Option<(f64, f64)> {
    traces.spectra.as_ref()?.peak(welch?, top(app) - HEIGHT)
}

/// All channels as lines in one plot with the selected one in front, and their names in the colours of their
/// lines.
fn draw_overlaid(
    ctx: &RenderContext<'_>,
    traces: &Traces,
    stale: bool,
    layout: &SpectrumLayout,
    area: Rect,
    buffer: &mut Buffer,
) {
    let (app, plot) = (ctx.app, layout.plot.intersection(area));
    let Some(spectra) = &traces.spectra else { return };
    limits(ctx, spectra.lines, plot, buffer);
    scale(ctx, Rect { x: area.x, width: LABEL.min(area.width), ..plot }, buffer);
    let selected = app.streams.selected.min(layout.shown.saturating_sub(1));
    let look = |at: usize| {
        let place = traces.channels.get(at).map_or(at, |trace| trace.place);
        let own = if stale { ctx.style(ThemeToken::Stale) } else { ctx.theme.channel(place) };
        if at == selected { own.add_modifier(Modifier::BOLD) } else { own }
    };
    let dots = Dots::new(app.streams.glyph_set, ctx.ascii);
    let mut plotted = LinePlot::new(dots, plot);
    let behind = (0..layout.shown).filter(|&at| at != selected);
    for at in behind.chain([selected]) {
        if let Some(welch) = spectra.welch(at, traces.bins) {
            plotted.add(&welch, PowerScale::new(app), look(at));
        }
    }
    let nothing = plotted.cells.iter().all(|(_, _, style)| style.is_none());
    plotted.draw(buffer);
    if nothing {
        missing(ctx, traces, plot, buffer);
    }
    let mut line = Line::default();
    for (at, trace) in traces.channels.iter().enumerate() {
        let mark = if at == selected { glyphs::SELECTED } else { " " };
        line.push_span(Span::styled(format!("{mark}{}", text::clean(&trace.label)), look(at)));
    }
    let welch = spectra.welch(selected, traces.bins);
    let peak = peak(app, traces, welch.as_ref());
    line.push_span(ctx.span(ThemeToken::Text, words(welch.as_ref(), peak)));
    paint::line(&line, Rect { height: 1, ..area }, buffer);
}

/// Lines made of dots; a cell shared by several shows all their dots in the style of the last one.
struct LinePlot {
    dots: Dots,
    area: Rect,
    /// The dots of each cell, left and right, row by row, and the style of the last line added.
    cells: Vec<(u8, u8, Option<Style>)>,
}

impl LinePlot {
    fn new(dots: Dots, area: Rect) -> Self {
        let count = usize::from(area.width) * usize::from(area.height);
        Self { dots, area, cells: vec![(0, 0, None); count] }
    }

    fn add(&mut self, welch: &Welch, scale: PowerScale, style: Style) {
        let Some(lowest) = (self.area.height * self.dots.down()).checked_sub(1) else { return };
        let across = self.dots.across();
        let columns = self.area.width * across;
        let mut before = None;
        for column in 0..columns {
            let share = scale.share(highest_of(welch, column.into(), columns.into()));
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped")]
            let row = ((1.0 - share.clamp(0.0, 1.0)) * f64::from(lowest)).round() as u16;
            // From the previous position, excluding its dot, to the current one.
            let run = match before {
                Some(old) if old < row => (old + 1, row),
                Some(old) if old > row => (row, old - 1),
                _ => (row, row),
            };
            before = Some(row);
            let x = usize::from(column / across);
            let cells = self.cells.iter_mut().skip(x).step_by(self.area.width.into());
            for (y, cell) in (0..).zip(cells) {
                let own = self.dots.lit(run, y);
                let side = if column % across == 0 { &mut cell.0 } else { &mut cell.1 };
                *side |= own;
                if own > 0 {
                    cell.2 = Some(style);
                }
            }
        }
    }

    fn draw(&self, buffer: &mut Buffer) {
        for (place, &(left, right, style)) in self.area.positions().zip(&self.cells) {
            if let (Some(cell), Some(style)) = (buffer.cell_mut(place), style) {
                cell.set_char(self.dots.glyph(left, right)).set_style(style);
            }
        }
    }
}

/// Says why there is no spectrum.
fn missing(ctx: &RenderContext<'_>, traces: &Traces, area: Rect, buffer: &mut Buffer) {
    let words = gaps::all_forgotten(ctx, traces);
    let words = words.as_deref().unwrap_or("Two seconds without a gap are needed.");
    paint::lines(&paint::sentence(words, area.width, ctx.style(ThemeToken::Dim)), area, buffer);
}

fn words(welch: Option<&Welch>, peak: Option<(f64, f64)>) -> String {
    let Some(welch) = welch else { return String::new() };
    let segments = match welch.segments {
        1 => "of 2 s".to_owned(),
        count => format!("mean of {count} × 2 s"),
    };
    let peak = peak.map_or("no peak above 4 Hz".to_owned(), |(hz, power)| {
        let band = BANDS.iter().find(|band| (band.low..band.high).contains(&hz));
        let band = band.map_or(String::new(), |band| format!(" ({})", band.name));
        format!("peak {hz:.1} Hz{band} {:.0} dB", decibel(power))
    });
    format!("  {peak}  {segments}")
}

fn draw_label(
    ctx: &RenderContext<'_>,
    name: &str,
    selected: bool,
    area: Rect,
    buffer: &mut Buffer,
) {
    let (mark, token) =
        if selected { (glyphs::SELECTED, ThemeToken::Selection) } else { (" ", ThemeToken::Text) };
    let name = text::fit(name, usize::from(area.width.saturating_sub(2)));
    let line = vec![ctx.span(ThemeToken::Text, mark), ctx.span(token, name)].into();
    paint::line(&line, Rect { height: 1, ..area }.intersection(area), buffer);
}

/// The power at the top, at half the height and at the bottom.
fn scale(ctx: &RenderContext<'_>, area: Rect, buffer: &mut Buffer) {
    let PowerScale { low, high, linear } = PowerScale::new(ctx.app);
    let rows = [
        (0, high),
        (area.height / 2, f64::midpoint(low, high)),
        (area.height.saturating_sub(1), low),
    ];
    let rows = rows.into_iter().take(usize::from(area.height / 2));
    for (row, level) in rows {
        let place = Rect { y: area.y + row, height: 1, ..area }.intersection(area);
        let label = if linear { format!("{level:>6.0}") } else { format!("{level:>3} dB") };
        ctx.span(ThemeToken::Axis, label).render(place, buffer);
    }
}

/// One bar per cell: the highest of the lines that fall into it, in eighths of a cell.
fn bars(
    ctx: &RenderContext<'_>,
    token: ThemeToken,
    welch: &Welch,
    area: Rect,
    buffer: &mut Buffer,
) {
    let scale = PowerScale::new(ctx.app);
    let levels = usize::from(area.height) * glyphs::LEVELS.len();
    let style = ctx.style(token);
    for (x, cell) in (area.left()..area.right()).zip(0..) {
        let share = scale.share(highest_of(welch, cell, area.width.into()));
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped")]
        let level = (share.clamp(0.0, 1.0) * levels as f64).round() as usize;
        for (y, row) in (area.top()..area.bottom()).rev().zip(0..) {
            let filled = level.saturating_sub(row * glyphs::LEVELS.len()).min(glyphs::LEVELS.len());
            let Some(glyph) = filled.checked_sub(1).and_then(|at| glyphs::LEVELS.get(at)) else {
                break;
            };
            let glyph = if share > 1.0 && y == area.top() { &glyphs::CLIPPED_TOP } else { glyph };
            if let Some(place) = buffer.cell_mut((x, y)) {
                place.set_char(*glyph).set_style(style);
            }
        }
    }
}

/// The highest of the lines that fall into one of `columns` columns.
fn highest_of(welch: &Welch, column: usize, columns: usize) -> f64 {
    let (count, columns) = (welch.powers.len(), columns.max(1));
    let lines = column * count / columns..((column + 1) * count).div_ceil(columns);
    welch.powers.get(lines).unwrap_or_default().iter().copied().fold(0.0, f64::max)
}

/// The column of a frequency in a plot, if it lies within.
fn place(lines: FrequencyAxis, hz: f64, area: Rect) -> Option<u16> {
    let share = (hz - lines.first) / (lines.step * lines.count.max(1) as f64);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "within the width")]
    let at = (share.clamp(0.0, 1.0) * f64::from(area.width)).floor() as u16;
    (at < area.width).then_some(area.x + at)
}

/// Draws the marks as lines behind the bars.
fn limits(ctx: &RenderContext<'_>, lines: FrequencyAxis, area: Rect, buffer: &mut Buffer) {
    let style = ctx.style(ThemeToken::Border);
    for x in marks().filter_map(|mark| place(lines, mark.hz, area)) {
        for y in area.top()..area.bottom() {
            if let Some(cell) = buffer.cell_mut((x, y)) {
                cell.set_char(glyphs::LIMIT).set_style(style);
            }
        }
    }
}

/// The names of the marks, each cut at the next one; abbreviated if there is no room.
fn names(ctx: &RenderContext<'_>, lines: FrequencyAxis, area: Rect, buffer: &mut Buffer) {
    let marks: Vec<_> =
        marks().filter_map(|mark| Some((place(lines, mark.hz, area)?, mark))).collect();
    let ends = marks.iter().skip(1).map(|(x, _)| *x).chain([area.right()]);
    for ((x, mark), end) in marks.iter().zip(ends) {
        let room = Rect { x: *x, width: end.saturating_sub(*x), ..area }.intersection(area);
        let full = format!("{}{}", glyphs::LIMIT, mark.name);
        let fits = full.chars().count() <= usize::from(room.width);
        let name = if fits { full } else { format!("{}{}", glyphs::LIMIT, mark.short) };
        ctx.span(ThemeToken::Axis, name).render(room, buffer);
    }
}

/// The frequencies at the marks and at the ends, omitting those that do not fit.
fn axis(
    ctx: &RenderContext<'_>,
    lines: FrequencyAxis,
    width: u16,
    area: Rect,
    buffer: &mut Buffer,
) {
    let plot = Rect { width, ..area };
    let end = format!("{} Hz", end(lines, ctx.app.streams.spectrum_end()));
    let wide = paint::cells(end.len());
    let last = (plot.right().saturating_sub(2)).min(area.right().saturating_sub(wide));
    let mut free = plot.left();
    for hz in [*RANGE.start()].into_iter().chain(marks().map(|mark| mark.hz)) {
        let Some(x) = place(lines, hz, plot) else { continue };
        let label = hz.to_string();
        let next = x + paint::cells(label.len()) + 1;
        if x >= free && next <= last {
            ctx.span(ThemeToken::Axis, label).render(Rect { x, ..area }.intersection(area), buffer);
            free = next;
        }
    }
    ctx.span(ThemeToken::Axis, end).render(Rect { x: last, ..area }.intersection(area), buffer);
}
