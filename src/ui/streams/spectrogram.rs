//! The spectrogram of the selected EEG channel: time runs across as in the traces, frequency from 1 Hz at the
//! bottom to the end of the spectrum at the top, power in dB as colours of a scale, two rows per cell; or as
//! shades in equal steps of dB if the terminal lacks the colours.

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    style::{Color, Style},
    text::Line,
    widgets::Widget,
};

use super::{
    Canvas,
    axis::{self, AxisNotes},
    bin_groups::BinGroups,
    dots::Dots,
    gaps, overlay, spectrum, traces,
};
use crate::{
    app::SessionEntry,
    ui::{context::RenderContext, glyphs, paint, text, theme::ThemeToken},
};
use cortop_client::Stream;
use cortop_signal::{
    Traces, View,
    spectra::Spectra,
    spectrum::{RANGE, decibel},
};

/// The difference between two shades in dB.
const STEP: f64 = spectrum::HEIGHT / (glyphs::SHADES.len() - 1) as f64;

/// Steps of the colour scale, 2.5 dB each. Finer steps cannot be distinguished, and equal neighbours cost
/// fewer bytes.
const COLORS: u16 = 24;

/// Width of the colours in the legend.
const LEGEND: u16 = COLORS / 2;

/// Width of the labels on the left.
const LABEL: u16 = 9;

/// The plot within an area, between labels, time axis and legend.
fn plot(area: Rect) -> Rect {
    let label = LABEL.min(area.width);
    Rect {
        x: area.x + label,
        width: area.width - label,
        height: area.height.saturating_sub(2),
        ..area
    }
}

/// What the decoder has to publish: two columns per cell, as for traces.
pub(super) fn request(ctx: &RenderContext<'_>, area: Rect) -> View {
    let app = ctx.app;
    if !app.has_picture(Stream::Eeg) {
        return View::default();
    }
    let last = traces::shown(app, Stream::Eeg).saturating_sub(1);
    let channels = traces::places(app, Stream::Eeg, app.streams.selected.min(last), 1);
    let columns = usize::from(plot(area).width) * 2;
    View { channels, columns, spectra: Some(*RANGE.end()), ..View::default() }
}

/// The settings that shape the spectrogram, most important first.
pub(super) fn details(ctx: &RenderContext<'_>, _: Rect) -> Vec<String> {
    if !ctx.app.has_picture(Stream::Eeg) {
        return Vec::new();
    }
    let streams = &ctx.app.streams;
    let label = traces::traces(ctx.app, Stream::Eeg).and_then(|traces| traces.channels.first());
    let mut items: Vec<String> = label.map(|trace| text::clean(&trace.label)).into_iter().collect();
    items.push(format!("{} s", streams.window()));
    items.extend(traces::spectral_filters(streams.filters()));
    items.push(traces::motion(streams.scroll_mode).to_owned());
    items.push(traces::montage(ctx.app));
    items
}

pub(super) fn draw(ctx: &RenderContext<'_>, entry: &SessionEntry, canvas: &mut Canvas<'_>) {
    traces::draw_computed(ctx, entry, canvas, draw_spectrogram);
}

fn draw_spectrogram(
    ctx: &RenderContext<'_>,
    traces: &Traces,
    stale: bool,
    area: Rect,
    buffer: &mut Buffer,
) {
    let plot = plot(area);
    let Some(spectra) = &traces.spectra else { return };
    // A spectrogram of the new width arrives with the next frame.
    if traces.bins.columns != u64::from(plot.width) * 2 {
        return;
    }
    if let Some(words) = gaps::all_forgotten(ctx, traces) {
        let lines = paint::sentence(&words, plot.width, ctx.style(ThemeToken::Dim));
        return paint::lines(&lines, plot, buffer);
    }
    let look = ctx.style(if stale { ThemeToken::Stale } else { ThemeToken::Trace });
    let (motion, count) = (ctx.app.streams.scroll_mode, spectra.columns.len());
    let cells = BinGroups::new(motion, Dots::Braille, plot.width, spectra.first_bin, count)
        .still(ctx.app.streams.frozen.is_some());
    let top = spectrum::top(ctx.app);
    // Stale data must not look live, so they get no colours.
    let in_colors = !stale && color(ctx, 0.0).is_some();
    for (x, bins) in (plot.left()..plot.right()).zip(cells.bins()) {
        for (row, y) in (0..plot.height).rev().zip(plot.top()..plot.bottom()) {
            let Some(cell) = buffer.cell_mut((x, y)) else { continue };
            if in_colors {
                let half = |row| {
                    let power = power(spectra, &bins, row, plot.height * 2)?;
                    color(ctx, (decibel(power) - top) / spectrum::HEIGHT + 1.0)
                };
                paint::halves(half(row * 2 + 1), half(row * 2), cell);
                continue;
            }
            let glyph = power(spectra, &bins, row, plot.height)
                .map_or(' ', |power| shade(decibel(power) - top));
            cell.set_char(glyph).set_style(look);
        }
    }
    labels(ctx, spectra, Rect { x: area.x, width: plot.x - area.x, ..plot }, buffer);
    let below = Rect { y: plot.bottom(), height: 1, ..plot };
    overlay::draw(ctx, traces, &cells, in_colors, plot, buffer);
    let notes = AxisNotes::default();
    axis::draw(ctx, traces, &cells, &notes, below.intersection(area), buffer);
    let below = Rect { y: plot.bottom() + 1, height: 1, ..area };
    paint::line(&legend(ctx, top, in_colors, area.width), below.intersection(area), buffer);
}

/// The frequency lines of a row; row 0 has the lowest frequencies.
fn lines(count: usize, row: u16, rows: u16) -> std::ops::Range<usize> {
    let (row, rows) = (usize::from(row), usize::from(rows.max(1)));
    let first = row * count / rows;
    first..((row + 1) * count / rows).max(first + 1)
}

/// The mean power in a row over the existing bins; `None` if there are none.
fn power(spectra: &Spectra, bins: &[usize], row: u16, rows: u16) -> Option<f64> {
    let lines = lines(spectra.lines.count, row, rows);
    let powers = bins.iter().filter_map(|&bin| spectra.powers(bin, 0)?.get(lines.clone()));
    let (sum, count) = powers
        .flatten()
        .fold((0.0, 0_u32), |(sum, count), &power| (sum + f64::from(power), count + 1));
    (count > 0).then(|| sum / f64::from(count))
}

/// The colour of a value from 0 to 1 on the scale, in steps.
fn color(ctx: &RenderContext<'_>, share: f64) -> Option<Color> {
    let steps = f64::from(COLORS);
    ctx.scale_color((share.clamp(0.0, 1.0) * steps).round() / steps)
}

/// The shade of a power, given in dB above the top of the scale.
fn shade(above_top: f64) -> char {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "clamped; NaN is 0"
    )]
    let level = ((above_top + spectrum::HEIGHT) / STEP + 1.0).max(0.0) as usize;
    glyphs::SHADES[level.min(glyphs::SHADES.len() - 1)]
}

/// The legend: colours or shades and the dB between them, and the time span if there is room.
fn legend(ctx: &RenderContext<'_>, top: f64, in_colors: bool, width: u16) -> Line<'static> {
    let bottom = top - spectrum::HEIGHT;
    let mut line = Line::default();
    if in_colors {
        line.push_span(ctx.span(ThemeToken::Dim, format!("{bottom} ")));
        for step in 0..LEGEND {
            let color = color(ctx, f64::from(step) / f64::from(LEGEND - 1)).unwrap_or_default();
            line.push_span(ctx.span(ThemeToken::Text, "█").style(Style::new().fg(color)));
        }
        line.push_span(ctx.span(ThemeToken::Dim, format!(" {top}")));
    } else {
        let [lowest, shades @ ..] = glyphs::SHADES;
        let from =
            |(shade, step): (char, u8)| format!(" {} {shade}", bottom + STEP * f64::from(step));
        let shades: String = shades.into_iter().zip(0..).map(from).collect();
        line.push_span(ctx.span(ThemeToken::Dim, format!("{lowest}{shades}")));
    }
    line.push_span(ctx.span(ThemeToken::Dim, " dB µV²/Hz"));
    let more = ", of the 2 s before";
    if line.width() + text::cells(more) <= usize::from(width) {
        line.push_span(ctx.span(ThemeToken::Dim, more));
    }
    line
}

/// The ends of the axis, and each mark in its row or, if that is taken, in the next one.
fn labels(ctx: &RenderContext<'_>, spectra: &Spectra, area: Rect, buffer: &mut Buffer) {
    let Some(last) = area.height.checked_sub(1) else { return };
    let mut label = |row: u16, hz: f64, name: &str| {
        let place = Rect { y: area.bottom() - 1 - row, height: 1, ..area }.intersection(area);
        ctx.span(ThemeToken::Axis, format!("{hz:>2} {name:<6}")).render(place, buffer);
    };
    label(0, *RANGE.start(), "Hz");
    label(last, spectrum::end(spectra.lines, *RANGE.end()), "Hz");
    let mut free = 1;
    for mark in spectrum::marks() {
        let holds = |row: &u16| {
            let lines = lines(spectra.lines.count, *row, area.height);
            mark.hz < spectra.lines.hz(lines.end) && mark.hz >= spectra.lines.hz(lines.start)
        };
        let Some(own) = (0..area.height).find(holds) else { continue };
        let row = own.max(free).min(last.saturating_sub(1));
        if row >= free && row.abs_diff(own) <= 1 {
            label(row, mark.hz, mark.name);
            free = row + 1;
        }
    }
}
