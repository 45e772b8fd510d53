//! The topographic map: the power of one band over the head, interpolated between the sensors with a
//! thin-plate spline, on a logarithmic scale from the weakest sensor to the strongest. Computed by Cortex
//! (`pow`), or from the spectra of EEG if `pow` is not flowing.

use ratatui::{buffer::Buffer, layout::Rect, style::Style, text::Line};

use super::{
    Canvas, band_power,
    head::{HeadMap, OutlineCache},
    stream_state,
};
use crate::{
    app::{Action, SessionEntry},
    ui::{colormap, context::RenderContext, glyphs, paint, text, theme::ThemeToken},
};
use cortop_client::Stream;
use cortop_signal::{
    bands::{BANDS, Band},
    electrode_positions,
    topography::Topography,
};

/// Minimum range of the scale in powers of ten: smaller differences are meaningless.
const SPAN: f64 = 0.3;

/// Rows of text below the head.
const WORDS: u16 = 1;

/// The band that the map shows.
fn band(ctx: &RenderContext<'_>) -> (usize, Band) {
    let at = ctx.app.streams.band % BANDS.len();
    (at, BANDS[at])
}

/// The settings that shape the map, most important first.
pub(super) fn details(ctx: &RenderContext<'_>, area: Rect) -> Vec<String> {
    let (_, band) = band(ctx);
    let mut items = vec![format!("{} {}–{} Hz", band.name, band.low, band.high)];
    // The map shows neither window nor motion.
    items.extend(
        band_power::details(ctx, area).into_iter().filter(|_| ctx.app.stream() == Stream::Eeg),
    );
    items
}

pub(super) fn draw(ctx: &RenderContext<'_>, entry: &SessionEntry, canvas: &mut Canvas<'_>) {
    let (area, buffer, outline) = (canvas.area, &mut *canvas.buffer, &mut canvas.cache.outline);
    stream_state::draw_readings(ctx, entry, Stream::Pow, 0, area, buffer, |area, buffer| {
        draw_map(ctx, outline, area, buffer);
    });
}

/// The power of a band over the head, as powers of ten.
struct PowerMap {
    surface: Topography,
    low: f64,
    high: f64,
}

impl PowerMap {
    /// `None` with fewer than five sensors whose power and position are known.
    fn new(sensors: &[(&str, Option<f64>)]) -> Option<Self> {
        let known: Vec<_> = sensors
            .iter()
            .filter_map(|(name, power)| {
                Some((electrode_positions::place(name)?, power.filter(|&it| it > 0.0)?.log10()))
            })
            .collect();
        let surface = Topography::through(&known)?;
        let of = |pick: fn(f64, f64) -> f64| known.iter().map(|&(_, power)| power).reduce(pick);
        let (low, high) = (of(f64::min)?, of(f64::max)?);
        let more = (SPAN - (high - low)).max(0.0) / 2.0;
        Some(Self { surface, low: low - more, high: high + more })
    }

    /// The value from 0 to 1 on the scale at a position.
    fn share(&self, (x, y): (f64, f64)) -> f64 {
        ((self.surface.at(x, y) - self.low) / (self.high - self.low)).clamp(0.0, 1.0)
    }
}

fn draw_map(ctx: &RenderContext<'_>, outline: &mut OutlineCache, area: Rect, buffer: &mut Buffer) {
    let (at, _) = band(ctx);
    let powers = band_power::newest(ctx.app);
    let bad = &ctx.app.streams.bad;
    let sensors: Vec<_> = powers
        .iter()
        .filter(|own| !bad.contains(&*own.sensor))
        .map(|own| (&*own.sensor, own.bands.get(at).copied().flatten()))
        .collect();
    let Some(map) = PowerMap::new(&sensors) else {
        let why = if sensors.is_empty() {
            "No sample yet."
        } else {
            "A map needs the power of at least five sensors whose place on the head is known."
        };
        return paint::lines(
            &paint::sentence(why, area.width, ctx.style(ThemeToken::Dim)),
            area,
            buffer,
        );
    };
    let names: Vec<_> = sensors.iter().map(|(name, _)| *name).collect();
    let above = Rect { height: area.height.saturating_sub(WORDS), ..area };
    let Some(head) = HeadMap::fit(&names, above) else {
        let why = "The head does not fit: make the pane larger, or press z.";
        return paint::lines(
            &paint::sentence(why, area.width, ctx.style(ThemeToken::Dim)),
            area,
            buffer,
        );
    };
    head.draw(ctx.theme, outline, buffer);
    fill(ctx, &map, &head, buffer);
    for ((name, _), label) in sensors.iter().zip(&head.labels) {
        let Some(label) = label else { continue };
        for (x, char) in (label.x + 1..label.right()).zip(text::clean(name).chars()) {
            let Some(cell) = buffer.cell_mut((x, label.y)) else { continue };
            let share = map.share(head.place(x, f64::from(label.y) + 0.5));
            let style = match ctx.scale_color(share) {
                Some(color) => Style::new().fg(colormap::contrasting(share)).bg(color),
                None => ctx.style(ThemeToken::Text),
            };
            cell.set_char(char).set_style(style);
        }
    }
    let words = Rect { y: above.bottom(), height: area.height - above.height, ..area };
    paint::line(&legend(ctx, &map, words.width), words, buffer);
}

/// Fills the cells that lie entirely in the head: with two colours each, or with a shade if the terminal has
/// no colour scale.
fn fill(ctx: &RenderContext<'_>, map: &PowerMap, head: &HeadMap, buffer: &mut Buffer) {
    for (x, y) in head.cells() {
        let halves = [0.25, 0.75].map(|part| head.place(x, f64::from(y) + part));
        if halves.iter().any(|(x, y)| x.hypot(*y) > 1.0) {
            continue;
        }
        let Some(cell) = buffer.cell_mut((x, y)) else { continue };
        let [upper, lower] = halves.map(|place| map.share(place));
        match [upper, lower].map(|share| ctx.scale_color(share)) {
            [None, None] => {
                let shade = shade(f64::midpoint(upper, lower));
                cell.set_char(shade).set_style(ctx.style(ThemeToken::Trace));
            }
            [upper, lower] => paint::halves(upper, lower, cell),
        }
    }
}

fn shade(share: f64) -> char {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 1")]
    let step = (share * glyphs::SHADES.len() as f64) as usize;
    glyphs::SHADES[step.min(glyphs::SHADES.len() - 1)]
}

/// The scale from its lower to its upper end.
fn legend(ctx: &RenderContext<'_>, map: &PowerMap, width: u16) -> Line<'static> {
    let [low, high] = [map.low, map.high].map(|power| band_power::number(10_f64.powf(power)));
    let mut line = Line::from(ctx.span(ThemeToken::Dim, format!("{low} ")));
    for step in 0..10 {
        let share = f64::from(step) / 9.0;
        line.push_span(match ctx.scale_color(share) {
            Some(color) => ctx.span(ThemeToken::Text, "█").style(Style::new().fg(color)),
            None => ctx.span(ThemeToken::Trace, shade(share)),
        });
    }
    line.push_span(ctx.span(ThemeToken::Dim, format!(" {high} µV²/Hz")));
    let next = format!("; {} next band", ctx.key(Action::Band));
    for more in [", logarithmic", &next] {
        if line.width() + text::cells(more) <= usize::from(width) {
            line.push_span(ctx.span(ThemeToken::Dim, more));
        }
    }
    line
}
