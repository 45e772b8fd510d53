//! EEG in numbers, one row per channel: its amplitude, its share of mains hum, and whether its raw signal can
//! be EEG.

use ratatui::{buffer::Buffer, layout::Rect, text::Line};

use super::{Canvas, gaps, levels, spectrum, traces};
use crate::{
    app::{App, MouseTarget, SessionEntry},
    ui::{context::RenderContext, glyphs, paint, text, theme::ThemeToken},
};
use cortop_client::Stream;
use cortop_signal::{
    Traces, View,
    snapshot::Trace,
    spectra::Welch,
    spectrum::{FrequencyAxis, MAINS, RANGE},
};

/// Rows above and below the channels: the titles, and the explanation of the numbers.
const HEAD: u16 = 1;
const FOOT: u16 = 1;
/// Widths of the columns except the last.
const NAME: usize = 6;
const NUMBER: usize = 8;
const SHARE: usize = 12;
/// Half the width in Hz of the band searched for mains hum.
const MAINS_HALF_WIDTH: f64 = 1.0;

/// The first channel shown in an area, and how many are shown.
fn shown(app: &App, area: Rect) -> (usize, usize) {
    let all = traces::shown(app, Stream::Eeg);
    let count = usize::from(area.height.saturating_sub(HEAD + FOOT)).min(all);
    let selected = app.streams.selected.min(all.saturating_sub(1));
    ((selected + 1).saturating_sub(count), count)
}

pub(super) fn request(ctx: &RenderContext<'_>, area: Rect) -> View {
    let app = ctx.app;
    let (first, count) = shown(app, area);
    View { channels: traces::places(app, Stream::Eeg, first, count), ..spectrum::by_second(app) }
}

pub(super) fn details(ctx: &RenderContext<'_>, _: Rect) -> Vec<String> {
    let streams = &ctx.app.streams;
    let window = format!("{} s", streams.window());
    vec![window, traces::filters(streams.filters()), traces::montage(ctx.app)]
}

pub(super) fn draw(ctx: &RenderContext<'_>, entry: &SessionEntry, canvas: &mut Canvas<'_>) {
    traces::draw_computed(ctx, entry, canvas, draw_table);
}

fn draw_table(
    ctx: &RenderContext<'_>,
    traces: &Traces,
    stale: bool,
    area: Rect,
    buffer: &mut Buffer,
) {
    let (first, count) = shown(ctx.app, area);
    let Some(spectra) = &traces.spectra else { return };
    // After a change of view its numbers arrive with the next frame.
    if traces.channels.len() != count {
        return;
    }
    let head = ["", "RMS µV", "p-p µV", "mains", "signal"];
    let mut lines =
        vec![row(ctx, ThemeToken::Axis, " ", ThemeToken::Axis, head.map(str::to_owned))];
    for (at, trace) in traces.channels.iter().enumerate() {
        let welch = spectra.welch(at, traces.bins);
        let selected = first + at == ctx.app.streams.selected;
        let (mark, name) = if selected {
            (glyphs::SELECTED, ThemeToken::Selection)
        } else {
            (" ", ThemeToken::Text)
        };
        let bad = ctx.app.bad_channels().iter().find(|bad| trace.is_of(&bad.label));
        let (token, signal) = match bad.map(|bad| levels::defect_word(bad.defect)) {
            _ if stale => (ThemeToken::Stale, format!("{} stale", glyphs::PROBLEM)),
            Some((token, glyph, word)) => (token, format!("{glyph} {word}")),
            None => (ThemeToken::Text, "no defect".to_owned()),
        };
        let power =
            welch.as_ref().map(|welch| (rms(welch, spectra.lines), mains(welch, spectra.lines)));
        let microvolts = |value: f64| format!("{value:.1}");
        let cells = [
            text::clean(&trace.label),
            power.map_or_else(unknown, |(rms, _)| microvolts(rms)),
            peak_to_peak(trace).map_or_else(unknown, |value| microvolts(value.into())),
            power
                .map_or_else(unknown, |(_, (share, hz))| format!("{:.0} % {hz} Hz", 100.0 * share)),
            signal,
        ];
        lines.push(row(ctx, token, mark, name, cells));
    }
    let table = Rect { height: area.height.saturating_sub(FOOT), ..area };
    paint::lines(&lines, table, buffer);
    let channels = Rect { y: area.y + HEAD, height: table.height.saturating_sub(HEAD), ..table };
    let all = traces::shown(ctx.app, Stream::Eeg);
    let rows = (first..first + count).map(|at| (1, MouseTarget::Channel(at, None)));
    ctx.hit_rows(channels.intersection(area), 0, rows);
    ctx.mark_more(first, all, channels.intersection(area), buffer);
    let (low, high) = RANGE.into_inner();
    let forgotten = gaps::all_forgotten(ctx, traces);
    let note =
        forgotten.unwrap_or_else(|| format!("RMS and mains: {low}–{high} Hz, before the low-pass"));
    let foot = Rect { y: table.bottom(), height: area.height - table.height, ..area };
    paint::line(
        &ctx.span(ThemeToken::Dim, text::fit(&note, foot.width.into())).into(),
        foot,
        buffer,
    );
}

fn unknown() -> String {
    glyphs::UNKNOWN.to_owned()
}

/// A row: the channel's name has its own style, the rest that of its signal.
fn row(
    ctx: &RenderContext<'_>,
    token: ThemeToken,
    mark: &'static str,
    name: ThemeToken,
    [label, rms, peak, mains, signal]: [String; 5],
) -> Line<'static> {
    Line::from(vec![
        ctx.span(ThemeToken::Text, mark),
        ctx.span(name, text::pad(&label, NAME)),
        ctx.span(token, format!("{rms:>NUMBER$}{peak:>NUMBER$}{mains:>SHARE$}  {signal}")),
    ])
}

/// The root mean square in µV: by Parseval's theorem, the root of the sum of all powers.
fn rms(welch: &Welch, lines: FrequencyAxis) -> f64 {
    (welch.powers.iter().sum::<f64>() * lines.step).sqrt()
}

/// The share of the total power around the stronger of the two mains frequencies, and that frequency.
fn mains(welch: &Welch, lines: FrequencyAxis) -> (f64, f64) {
    let all: f64 = welch.powers.iter().sum();
    let about = |hz: f64| -> f64 {
        let powers = welch.powers.iter().enumerate();
        let near = powers.filter(|&(line, _)| (lines.hz(line) - hz).abs() <= MAINS_HALF_WIDTH);
        near.map(|(_, power)| power).sum()
    };
    let [first, second] = MAINS;
    let stronger = if about(second) > about(first) { second } else { first };
    (about(stronger) / all.max(f64::MIN_POSITIVE), stronger)
}

/// The difference between the highest and lowest value of the window in µV.
fn peak_to_peak(trace: &Trace) -> Option<f32> {
    let bins = trace.columns.iter().filter(|bin| bin.count > 0);
    let (low, high) = bins.fold((f32::INFINITY, f32::NEG_INFINITY), |(low, high), bin| {
        (low.min(bin.min), high.max(bin.max))
    });
    (low <= high).then_some(high - low)
}

#[cfg(test)]
mod tests {
    use super::*;
    use cortop_signal::{snapshot::Binning, spectra::SpectrumBuilder, spectrum::Periodogram};

    /// Lines every 0.5 Hz from 1 to 70 Hz.
    const LINES: FrequencyAxis = FrequencyAxis { first: 1.0, step: 0.5, count: 139 };

    fn near(a: f64, b: f64) -> bool {
        (a - b).abs() < 1e-9
    }

    fn welch(powers: &[(f64, f64)]) -> Welch {
        let mut all = vec![0.0; LINES.count];
        for (line, power) in all.iter_mut().enumerate() {
            *power =
                powers.iter().find(|(hz, _)| near(*hz, LINES.hz(line))).map_or(0.0, |own| own.1);
        }
        Welch { powers: all, segments: 1, effective_segments: 1.0 }
    }

    #[test]
    fn the_rms_is_that_of_all_lines() {
        // 3 µV² and 6 µV².
        let rms = rms(&welch(&[(10.0, 6.0), (50.0, 12.0)]), LINES);
        assert!(near(rms, 3.0), "{rms}");
    }

    #[test]
    fn a_sine_has_the_rms_of_a_sine() {
        const RATE: u64 = 128;
        let bins = Binning { samples: 10 * RATE, columns: 10 };
        let mut builder = SpectrumBuilder::new(bins, 1, Periodogram::new(RATE, 70.0), 0, 0);
        for sample in 0..10 * RATE {
            let turns = 10.0 * sample as f32 / RATE as f32;
            builder.push(&[30.0 * (turns * std::f32::consts::TAU).sin()]);
        }
        let spectra = builder.spectra();
        let rms = rms(&spectra.welch(0, bins).expect("ten seconds"), spectra.lines);
        assert!((rms - 30.0 / 2_f64.sqrt()).abs() < 0.1, "{rms}");
    }

    #[test]
    fn mains_is_the_share_about_the_stronger_of_its_frequencies() {
        let (share, hz) =
            mains(&welch(&[(10.0, 6.0), (49.5, 1.0), (50.0, 1.0), (60.0, 1.0)]), LINES);
        assert!(near(share, 2.0 / 9.0) && near(hz, 50.0), "{share} at {hz}");
        let (share, hz) = mains(&welch(&[(10.0, 1.0), (60.5, 3.0)]), LINES);
        assert!(near(share, 0.75) && near(hz, 60.0), "{share} at {hz}");
        assert!(near(mains(&welch(&[]), LINES).0, 0.0), "of nothing");
    }
}
