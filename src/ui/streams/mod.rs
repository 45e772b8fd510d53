//! Pane 3: the streams, all at a glance or one of them as what it is. A view is a file of its own and
//! one row of the table of views.

mod advice;
mod all;
mod axis;
mod band_power;
mod contact;
mod detections;
mod dots;
mod electrode_positions;
mod events;
mod gaps;
mod head;
mod inspector;
mod labels;
pub(super) mod levels;
mod metrics;
mod motion;
mod one_trace;
mod overlay;
mod scales;
mod spectrogram;
mod spectrum;
mod stream_state;
mod summary;
mod timeline;
mod topography;
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
use cortop_signal::View;

const FROZEN: &str = "FROZEN";

/// A row of the table of views.
struct StreamView {
    shown: Shown,
    /// What stands first on the frame.
    title: &'static str,
    /// What else shapes the picture in this area, the most telling first.
    details: fn(&RenderContext<'_>, Rect) -> Vec<String>,
    /// What the decoder has to publish for an area, drawn in ASCII or not.
    request: fn(&App, bool, Rect) -> View,
    draw: fn(&RenderContext<'_>, &SessionEntry, &mut Canvas<'_>),
}

/// What a view draws into.
struct Canvas<'a> {
    area: Rect,
    buffer: &'a mut Buffer,
    /// The traces of the last frame, from top to bottom.
    traces: &'a mut Vec<TraceCache>,
}

/// Of a view that the frame's title says all of.
fn no_details(_: &RenderContext<'_>, _: Rect) -> Vec<String> {
    Vec::new()
}

/// Of a view that needs nothing but the latest readings.
fn no_request(_: &App, _: bool, _: Rect) -> View {
    View::default()
}

/// The views in the order of their key.
static VIEWS: [StreamView; 14] = [
    StreamView {
        shown: Shown::All,
        title: "all",
        details: all::details,
        request: all::request,
        draw: all::draw,
    },
    StreamView {
        shown: Shown::One(Stream::Eeg),
        title: "eeg",
        details: one_trace::details,
        request: one_trace::request,
        draw: one_trace::draw,
    },
    StreamView {
        shown: Shown::Spectrum,
        title: "spectrum",
        details: spectrum::details,
        request: spectrum::request,
        draw: spectrum::draw,
    },
    StreamView {
        shown: Shown::Spectrogram,
        title: "spectrogram",
        details: spectrogram::details,
        request: spectrogram::request,
        draw: spectrogram::draw,
    },
    StreamView {
        shown: Shown::One(Stream::Mot),
        title: "mot motion",
        details: one_trace::details,
        request: one_trace::request,
        draw: one_trace::draw,
    },
    StreamView {
        shown: Shown::One(Stream::Dev),
        title: "dev contact quality",
        details: no_details,
        request: no_request,
        draw: contact::draw,
    },
    StreamView {
        shown: Shown::One(Stream::Eq),
        title: "eq EEG quality",
        details: contact::smoothing,
        request: no_request,
        draw: contact::draw,
    },
    StreamView {
        shown: Shown::One(Stream::Pow),
        title: "pow band power",
        details: band_power::details,
        request: band_power::request,
        draw: band_power::draw,
    },
    StreamView {
        shown: Shown::Topography,
        title: "topographic map",
        details: topography::details,
        request: band_power::request,
        draw: topography::draw,
    },
    StreamView {
        shown: Shown::One(Stream::Met),
        title: "met performance metrics",
        details: no_details,
        request: no_request,
        draw: metrics::draw,
    },
    StreamView {
        shown: Shown::One(Stream::Com),
        title: "com mental command",
        details: no_details,
        request: no_request,
        draw: detections::draw_command,
    },
    StreamView {
        shown: Shown::One(Stream::Fac),
        title: "fac facial expression",
        details: no_details,
        request: no_request,
        draw: detections::draw_face,
    },
    StreamView {
        shown: Shown::One(Stream::Sys),
        title: "sys training events",
        details: no_details,
        request: no_request,
        draw: events::draw,
    },
    StreamView {
        shown: Shown::Inspector,
        title: "inspector",
        details: inspector::details,
        request: inspector::request,
        draw: inspector::draw,
    },
];

/// The row of the view shown.
fn shown(app: &App) -> &'static StreamView {
    let [first, ..] = &VIEWS;
    VIEWS.iter().find(|view| view.shown == app.streams.shown).unwrap_or(first)
}

pub(super) fn draw(
    ctx: &RenderContext<'_>,
    traces: &mut Vec<TraceCache>,
    area: Rect,
    buffer: &mut Buffer,
) {
    let view = shown(ctx.app);
    let [top, bottom] = titles(ctx, view, area);
    let inside = ctx.pane(Pane::Streams, top, area, buffer);
    let edge = Rect { x: area.x + 2, y: area.bottom() - 1, width: area.width - 3, height: 1 };
    paint::line(&bottom, edge.intersection(area), buffer);
    match ctx.app.sessions.current() {
        Some(entry) => (view.draw)(ctx, entry, &mut Canvas { area: inside, buffer, traces }),
        None => paint::lines(&link::lines(ctx, inside.width), inside, buffer),
    }
}

/// What the decoder has to publish for a pane of this size.
pub(super) fn request(app: &App, ascii: bool, area: Option<Rect>) -> View {
    let inside = area.unwrap_or_default().inner(Margin::new(1, 1));
    View {
        headset: app.headset().cloned(),
        stream: app.stream(),
        window: app.streams.window(),
        end: app.streams.end(),
        filters: app.streams.filters(),
        reference: app.streams.reference,
        cursors: app.streams.cursors(),
        ..(shown(app).request)(app, ascii, inside)
    }
}

/// Everything that shapes the picture stands on the frame: what does not fit into the title goes
/// to the bottom.
fn titles(ctx: &RenderContext<'_>, view: &StreamView, area: Rect) -> [Line<'static>; 2] {
    let mut items = vec![view.title.to_owned()];
    if ctx.app.streams.frozen.is_some() {
        items.push(FROZEN.to_owned());
    }
    items.extend((view.details)(ctx, area.inner(Margin::new(1, 1))));
    let mut room =
        [usize::from(area.width).saturating_sub(16), usize::from(area.width).saturating_sub(4)];
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
