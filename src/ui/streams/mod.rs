//! Pane 3: the streams, all at a glance or one of them as what it is.

mod advice;
mod axis;
mod band_power;
pub(super) mod contact;
mod detections;
mod dots;
mod electrode_positions;
mod events;
mod gaps;
mod head;
mod inspector;
mod labels;
mod metrics;
mod motion;
mod overlay;
mod scales;
mod spectrogram;
mod spectrum;
mod summary;
mod timeline;
mod trace_plot;
mod traces;

use ratatui::{
    buffer::Buffer,
    layout::{Margin, Rect},
    text::{Line, Span},
};

pub(super) use self::trace_plot::TraceCache;
use super::{context::RenderContext, glyphs, link, paint, theme::Token};
use crate::app::{App, Pane, SessionEntry, Shown};
use cortop_client::Stream;
use cortop_signal::{View, smoothed::SMOOTHING_TIME};

/// Rows that the traces of the overview keep, however many streams there are.
const MIN_PLOT: u16 = 4;
const FROZEN: &str = "FROZEN";

pub(super) fn draw(
    ctx: &RenderContext<'_>,
    cache: &mut Vec<TraceCache>,
    area: Rect,
    buffer: &mut Buffer,
) {
    let app = ctx.app;
    let parts = Parts::new(app, area.inner(Margin::new(1, 1)));
    let [top, bottom] = titles(ctx, &parts, area.width);
    let inside = ctx.pane(Pane::Streams, top, area, buffer);
    let edge = Rect { x: area.x + 2, y: area.bottom() - 1, width: area.width - 3, height: 1 };
    paint::line(&bottom, edge.intersection(area), buffer);
    let Some(entry) = app.sessions.current() else {
        return paint::lines(&link::lines(ctx, inside.width), inside, buffer);
    };
    if let Some((stream, plot)) = parts.plot {
        traces::draw(ctx, entry, stream, plot, buffer, cache);
    }
    if let Some((stream, area)) = parts.health {
        let lines = summary::lines_of_one(ctx, entry, stream, area.width);
        paint::lines(&lines, area, buffer);
    }
    if let Some(lines) = parts.lines {
        summary::draw(ctx, entry, lines, buffer);
    }
    if let Some((stream, area)) = parts.one {
        draw_one(ctx, entry, stream, area, buffer);
    }
    if let Some(area) = parts.motion {
        motion::draw(ctx, entry, area, buffer);
    }
    if let Some(area) = parts.inspector {
        inspector::draw(ctx, entry, area, buffer);
    }
    if let Some(area) = parts.spectral {
        let stale = app.streams.frozen.is_none() && !summary::is_current(ctx, entry, Stream::Eeg);
        match app.streams.shown {
            Shown::Spectrum => spectrum::draw(ctx, area, stale, buffer),
            _ => spectrogram::draw(ctx, area, stale, buffer),
        }
    }
}

/// A stream that is not drawn as traces, or does not flow.
fn draw_one(
    ctx: &RenderContext<'_>,
    entry: &SessionEntry,
    stream: Stream,
    area: Rect,
    buffer: &mut Buffer,
) {
    let head = summary::lines_of_one(ctx, entry, stream, area.width);
    paint::lines(&head, area, buffer);
    let source = ctx.app.stream();
    if !entry.subscribed.contains(&source) {
        return;
    }
    // A blank row below, but where rows are dear.
    let gap = u16::from(!matches!(stream, Stream::Dev | Stream::Eq | Stream::Pow));
    let used = (paint::cells(head.len()) + gap).min(area.height);
    let area = Rect { y: area.y + used, height: area.height - used, ..area };
    match stream {
        Stream::Dev | Stream::Eq => contact::draw(ctx, entry, stream, area, buffer),
        Stream::Pow => band_power::draw(ctx, area, buffer),
        Stream::Met => metrics::draw(ctx, area, buffer),
        Stream::Com => detections::command(ctx, area, buffer),
        Stream::Fac => detections::face(ctx, area, buffer),
        Stream::Sys => events::draw(ctx, area, buffer),
        Stream::Eeg | Stream::Mot => {}
    }
    if !summary::is_fresh(ctx, entry, source) {
        buffer.set_style(area, ctx.style(Token::Stale));
    }
}

/// What the decoder has to publish for a pane of this size.
pub(super) fn view(app: &App, ascii: bool, area: Option<Rect>) -> View {
    let parts = Parts::new(app, area.unwrap_or_default().inner(Margin::new(1, 1)));
    let view = match (parts, app.streams.shown) {
        (Parts { plot: Some((stream, area)), .. }, _) => traces::view(app, stream, area, ascii),
        (Parts { spectral: Some(area), .. }, Shown::Spectrum) => spectrum::view(app, area),
        (Parts { spectral: Some(area), .. }, _) => spectrogram::view(app, area),
        (Parts { one: Some((Stream::Pow, area)), .. }, _) => band_power::view(app, area, ascii),
        (Parts { inspector: Some(_), .. }, _) => View { inspect: true, ..View::default() },
        _ => View::default(),
    };
    View {
        headset: app.headset().cloned(),
        stream: app.stream(),
        window: app.streams.window(),
        end: app.streams.end(),
        filters: app.streams.filters(),
        reference: app.streams.reference,
        cursors: app.streams.cursors(),
        ..view
    }
}

/// What the pane is divided into.
#[derive(Default)]
struct Parts {
    /// Traces of a stream.
    plot: Option<(Stream, Rect)>,
    /// A line for every stream.
    lines: Option<Rect>,
    /// One stream that is not drawn as traces, or does not flow.
    one: Option<(Stream, Rect)>,
    /// How the head is held, above the traces of motion.
    motion: Option<Rect>,
    /// The last raw messages.
    inspector: Option<Rect>,
    /// The health of the stream whose traces have the pane to themselves.
    health: Option<(Stream, Rect)>,
    /// The spectrum or the spectrogram of EEG.
    spectral: Option<Rect>,
}

impl Parts {
    fn new(app: &App, inside: Rect) -> Self {
        match app.streams.shown {
            Shown::One(stream) if stream.is_trace() && app.has_picture(stream) => {
                let head = u16::from(inside.height > MIN_PLOT);
                let health = Rect { height: head, ..inside };
                let below = Rect { y: inside.y + head, height: inside.height - head, ..inside };
                let (motion, plot) = match stream {
                    Stream::Mot => motion::split(below),
                    _ => (None, below),
                };
                let (plot, health) = (Some((stream, plot)), Some((stream, health)));
                Self { plot, motion, health, ..Self::default() }
            }
            Shown::One(stream) => Self { one: Some((stream, inside)), ..Self::default() },
            Shown::Spectrum | Shown::Spectrogram if app.has_picture(Stream::Eeg) => {
                Self { spectral: Some(inside), ..Self::default() }
            }
            Shown::Spectrum | Shown::Spectrogram => {
                Self { one: Some((Stream::Eeg, inside)), ..Self::default() }
            }
            Shown::Inspector => Self { inspector: Some(inside), ..Self::default() },
            Shown::All => {
                let entry = app.sessions.current();
                let stream = app.stream();
                if !app.has_picture(stream) {
                    return Self { lines: Some(inside), ..Self::default() };
                }
                let count = entry.map_or(0, summary::count);
                // The lines stand side by side where that makes the rows of the traces higher.
                let height = |columns: usize| {
                    let rows = paint::cells(count.div_ceil(columns));
                    rows.min(inside.height.saturating_sub(MIN_PLOT))
                };
                let columns = usize::from(inside.width / summary::WIDTH).max(1);
                let row = |columns: &usize| {
                    let plot = Rect { height: inside.height - height(*columns), ..inside };
                    traces::TraceLayout::new(app, stream, plot).height()
                };
                let best =
                    (1..=columns).rev().max_by(|a, b| row(a).total_cmp(&row(b))).unwrap_or(1);
                let plot = Rect { height: inside.height - height(best), ..inside };
                // What the traces cannot share evenly goes to the lines.
                let top = traces::TraceLayout::new(app, stream, plot).used();
                let plot = (stream, Rect { height: top, ..inside });
                let lines = inside.height - top;
                let lines = Rect { y: inside.y + top, height: lines, ..inside };
                Self { plot: Some(plot), lines: Some(lines), ..Self::default() }
            }
        }
    }
}

/// Everything that shapes the picture stands on the frame: what does not fit into the title goes
/// to the bottom.
fn titles(ctx: &RenderContext<'_>, parts: &Parts, width: u16) -> [Line<'static>; 2] {
    let app = ctx.app;
    let mut items = vec![match app.streams.shown {
        Shown::All => "all".to_owned(),
        Shown::One(Stream::Eeg) => Stream::Eeg.to_string(),
        Shown::One(stream) => format!("{stream} {}", stream.title()),
        Shown::Inspector => {
            format!("inspector{}last message of {}", glyphs::SEPARATOR, app.streams.inspected)
        }
        Shown::Spectrum => "spectrum".to_owned(),
        Shown::Spectrogram => "spectrogram".to_owned(),
    }];
    if app.streams.shown == Shown::One(Stream::Eq) {
        items.push(format!("smoothed over {} s", SMOOTHING_TIME.as_secs()));
    }
    if app.streams.frozen.is_some() {
        items.push(FROZEN.to_owned());
    }
    items.extend(match (parts, app.streams.shown) {
        (Parts { plot: Some((stream, area)), .. }, _) => traces::title(ctx, *stream, *area),
        (Parts { spectral: Some(_), .. }, Shown::Spectrum) => spectrum::title(ctx),
        (Parts { spectral: Some(_), .. }, _) => spectrogram::title(ctx),
        (Parts { one: Some((Stream::Pow, _)), .. }, _) => band_power::title(ctx),
        _ => Vec::new(),
    });
    let mut room = [usize::from(width).saturating_sub(16), usize::from(width).saturating_sub(4)];
    let mut lines = [Line::default(), Line::default()];
    let mut at = 0;
    for item in items {
        let token = if item == FROZEN { Token::Changed } else { Token::Dim };
        let needed = item.chars().count() + glyphs::SEPARATOR.chars().count();
        if needed > room[at] {
            at = 1;
        }
        let Some(left) = room[at].checked_sub(needed) else { break };
        room[at] = left;
        let front = if lines[at].spans.is_empty() { " " } else { glyphs::SEPARATOR };
        lines[at].push_span(ctx.span(Token::Dim, front));
        lines[at].push_span(ctx.span(token, item));
    }
    if at == 1 {
        lines[1].push_span(Span::raw(" "));
    }
    lines
}
