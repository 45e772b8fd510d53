//! Performance metrics (`met`) as gauges, each with its age and history.

use ratatui::{buffer::Buffer, layout::Rect, text::Line};

use super::{Canvas, stream_state, timeline};
use crate::{
    app::SessionEntry,
    ui::{context::RenderContext, glyphs, paint, text, theme::ThemeToken},
};
use cortop_client::{Stream, metric::MetricName};
use cortop_signal::snapshot::Metric;

/// Width of the names, minimum width for long names beside Cortex's own, and width of the gauge, which holds
/// text if there is no value.
const NAME: usize = 14;
const LONG_NAME: usize = 20;
const LONG: u16 = 64;
const GAUGE: usize = 12;
/// Widths of value and age.
const VALUE: usize = 5;
const AGE: usize = 7;

pub(super) fn draw(ctx: &RenderContext<'_>, entry: &SessionEntry, canvas: &mut Canvas<'_>) {
    let (area, buffer) = (canvas.area, &mut *canvas.buffer);
    stream_state::draw_readings(ctx, entry, Stream::Met, 1, area, buffer, |area, buffer| {
        draw_list(ctx, area, buffer);
    });
}

fn draw_list(ctx: &RenderContext<'_>, area: Rect, buffer: &mut Buffer) {
    let metrics = &ctx.app.numbers().readings.met;
    if metrics.is_empty() {
        let text = "No value yet: the first takes about 40 s, then every 10 s without a licence.";
        return paint::lines(
            &paint::sentence(text, area.width, ctx.style(ThemeToken::Dim)),
            area,
            buffer,
        );
    }
    let long = area.width >= LONG;
    let name = if long { LONG_NAME } else { NAME };
    let past = usize::from(area.width).saturating_sub(name + VALUE + AGE + GAUGE + 2);
    let head = format!(
        "{:name$}{:<VALUE$}{:>6} {:<GAUGE$}  {:>past$}",
        "", "value", "age", "0 to 1", "past"
    );
    let mut lines = vec![Line::from(ctx.span(ThemeToken::Axis, head))];
    lines.extend(metrics.iter().map(|metric| gauge(ctx, metric, name, past)));
    paint::lines(&lines, area, buffer);
    ctx.mark_more(0, lines.len(), area, buffer);
}

fn gauge(ctx: &RenderContext<'_>, metric: &Metric, width: usize, past: usize) -> Line<'static> {
    let name = match long(&metric.name) {
        Some(long) if width == LONG_NAME => format!("{} {long}", metric.name),
        Some(long) => long,
        None => text::clean(&metric.name),
    };
    let (value, age) = match metric.value {
        Some((value, at)) => (format!("{value:.2}"), text::fit(&text::age(ctx.since(at)), AGE - 1)),
        None => (glyphs::UNKNOWN.to_owned(), String::new()),
    };
    // A metric that is no longer measured has no gauge.
    let (token, gauge) = match (metric.active, metric.value) {
        (Some(false), _) => (ThemeToken::Stale, text::pad("inactive", GAUGE)),
        (_, Some((value, _))) => (ThemeToken::Trace, glyphs::bar(value, GAUGE)),
        (_, None) => (ThemeToken::Dim, text::pad("no value yet", GAUGE)),
    };
    let skip = metric.history.len().saturating_sub(past);
    let levels = metric.history.iter().skip(skip).map(|&value| timeline::level(value));
    let levels: String = levels.collect();
    Line::from(vec![
        ctx.span(ThemeToken::Text, text::pad(&name, width - 1)),
        ctx.span(token, format!(" {value:<VALUE$}{age:>6} ")),
        ctx.span(token, gauge),
        ctx.span(ThemeToken::TraceAlt, format!("  {levels:>past$}")),
    ])
}

/// The full names of Cortex's abbreviations (§5.7).
fn long(label: &str) -> Option<String> {
    let name = MetricName::of_label(label)?.name.to_lowercase();
    match label {
        // The full name is too long for its column.
        "lex" => Some("long-term exc.".to_owned()),
        _ => Some(name).filter(|name| name != label),
    }
}
