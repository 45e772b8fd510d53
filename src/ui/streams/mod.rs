//! Pane 3: the streams, all at a glance or one of them in its own view. A view is a file of its own and one
//! row of the table of views.

mod advice;
mod all;
mod axis;
mod band_power;
mod bin_groups;
mod contact;
mod detections;
mod dots;
mod events;
mod gaps;
pub(super) mod head;
mod inspector;
mod labels;
pub(super) mod levels;
mod metrics;
mod motion;
mod numbers;
mod obstacle;
mod one_trace;
mod overlay;
mod scale_bar;
mod scales;
mod spectrogram;
mod spectrum;
mod stream_state;
mod summary;
mod timeline;
mod topography;
mod trace_plot;
mod traces;

use std::sync::Arc;

use ratatui::{
    buffer::Buffer,
    layout::{Margin, Rect},
    text::{Line, Span},
};

pub(super) use self::{
    contact::worst as contact, head::OutlineCache, trace_plot::TraceCache, traces::rows_needed,
};
use super::{
    cache::DrawCache,
    context::{RenderContext, heading},
    glyphs, link, paint,
    theme::ThemeToken,
};
use crate::app::{App, Feature, Key, Pane, SessionEntry, StreamView};
use cortop_client::Stream;
use cortop_signal::View;

const FROZEN: &str = "FROZEN";
/// The name of the view of all streams.
const ALL: &str = "streams";

/// Width of the frame around a title.
const FRAME: usize = 5;

/// A row of the table of views.
struct ViewRow {
    /// Its name, keys, streams and features.
    view: StreamView,
    /// The first words on the frame.
    title: &'static str,
    /// The settings that shape the picture in this area, most important first.
    details: fn(&RenderContext<'_>, Rect) -> Vec<String>,
    /// What it requests from the decoder for an area.
    request: fn(&RenderContext<'_>, Rect) -> View,
    draw: fn(&RenderContext<'_>, &SessionEntry, &mut Canvas<'_>),
}

/// What a view draws into.
struct Canvas<'a> {
    area: Rect,
    buffer: &'a mut Buffer,
    cache: &'a mut DrawCache,
}

/// What most views of a stream's latest readings share.
const READINGS: ViewRow = ViewRow {
    view: StreamView { name: "", keys: &[], help: "", hint: None, streams: &[], features: &[] },
    title: "",
    details: |_, _| Vec::new(),
    request: |_, _| View::default(),
    draw: |_, _, _| (),
};

/// The views in the order in which the keys step through them.
static VIEWS: [ViewRow; 15] = [
    ViewRow {
        view: StreamView::ALL,
        title: ALL,
        details: all::details,
        request: all::request,
        draw: all::draw,
    },
    ViewRow {
        view: StreamView {
            name: "eeg",
            help: "EEG as traces",
            streams: &[Stream::Eeg],
            features: StreamView::TRACES,
            ..READINGS.view
        },
        title: "eeg",
        details: one_trace::details,
        request: one_trace::request,
        draw: one_trace::draw,
    },
    ViewRow {
        view: StreamView {
            name: "spectrum",
            keys: &[Key::char('p')],
            help: "power spectrum; again: back",
            streams: &[Stream::Eeg],
            features: &[
                Feature::Amplitude,
                Feature::Window,
                Feature::Spectrum,
                Feature::Filters,
                Feature::Selection,
                Feature::ChannelLayout,
                Feature::History,
            ],
            ..READINGS.view
        },
        title: "spectrum",
        details: spectrum::details,
        request: spectrum::request,
        draw: spectrum::draw,
    },
    ViewRow {
        view: StreamView {
            name: "spectrogram",
            keys: &[Key::char('g')],
            help: "spectrogram of the selected channel; again: back",
            streams: &[Stream::Eeg],
            features: &[
                Feature::Window,
                Feature::Scrolling,
                Feature::Filters,
                Feature::Selection,
                Feature::ChannelLayout,
                Feature::Cursor,
                Feature::History,
            ],
            ..READINGS.view
        },
        title: "spectrogram",
        details: spectrogram::details,
        request: spectrogram::request,
        draw: spectrogram::draw,
    },
    ViewRow {
        view: StreamView {
            name: "numbers",
            keys: &[Key::char('N')],
            help: "EEG in numbers: RMS, peak to peak, mains, bad channels; again: back",
            streams: &[Stream::Eeg],
            features: &[
                Feature::Window,
                Feature::Filters,
                Feature::Selection,
                Feature::ChannelLayout,
                Feature::History,
            ],
            ..READINGS.view
        },
        title: "numbers",
        details: numbers::details,
        request: numbers::request,
        draw: numbers::draw,
    },
    ViewRow {
        view: StreamView {
            name: "mot",
            help: "motion as traces",
            streams: &[Stream::Mot],
            features: StreamView::TRACES,
            ..READINGS.view
        },
        title: "mot motion",
        details: one_trace::details,
        request: one_trace::request,
        draw: one_trace::draw,
    },
    ViewRow {
        view: StreamView {
            name: "contact",
            keys: &[Key::char('c')],
            help: "contact quality, for fitting the headset; again: back",
            hint: Some("contact"),
            streams: &[Stream::Dev],
            features: &[Feature::Selection],
        },
        title: "dev contact quality",
        draw: contact::draw,
        ..READINGS
    },
    ViewRow {
        view: StreamView {
            name: "eq",
            help: "EEG quality by sensor",
            streams: &[Stream::Eq],
            features: &[Feature::Selection],
            ..READINGS.view
        },
        title: "eq EEG quality",
        details: contact::smoothing,
        draw: contact::draw,
        ..READINGS
    },
    ViewRow {
        view: StreamView {
            name: "pow",
            help: "band power, computed from EEG where pow is not subscribed",
            streams: &[Stream::Pow, Stream::Eeg],
            features: &[
                Feature::Window,
                Feature::Scrolling,
                Feature::Glyphs,
                Feature::Filters,
                Feature::Selection,
                Feature::History,
            ],
            ..READINGS.view
        },
        title: "pow band power",
        details: band_power::details,
        request: band_power::request,
        draw: band_power::draw,
    },
    ViewRow {
        view: StreamView {
            name: "topography",
            keys: &[Key::char('T')],
            help: "power of one band over the head; again: back",
            streams: &[Stream::Pow, Stream::Eeg],
            features: &[Feature::Band, Feature::Filters],
            ..READINGS.view
        },
        title: "topographic map",
        details: topography::details,
        request: band_power::request,
        draw: topography::draw,
    },
    ViewRow {
        view: StreamView {
            name: "met",
            help: "performance metrics",
            streams: &[Stream::Met],
            ..READINGS.view
        },
        title: "met performance metrics",
        draw: metrics::draw,
        ..READINGS
    },
    ViewRow {
        view: StreamView {
            name: "com",
            help: "mental command",
            streams: &[Stream::Com],
            ..READINGS.view
        },
        title: "com mental command",
        draw: detections::draw_command,
        ..READINGS
    },
    ViewRow {
        view: StreamView {
            name: "fac",
            help: "facial expression",
            streams: &[Stream::Fac],
            ..READINGS.view
        },
        title: "fac facial expression",
        draw: detections::draw_face,
        ..READINGS
    },
    ViewRow {
        view: StreamView {
            name: "sys",
            help: "training events",
            streams: &[Stream::Sys],
            ..READINGS.view
        },
        title: "sys training events",
        draw: events::draw,
        ..READINGS
    },
    ViewRow {
        view: StreamView {
            name: "inspector",
            keys: &[Key::char('i')],
            help: "last raw message of each stream; again: back",
            features: &[Feature::Messages, Feature::Selection, Feature::History],
            ..READINGS.view
        },
        title: "inspector",
        details: inspector::details,
        request: inspector::request,
        draw: inspector::draw,
    },
];

/// The views of the streams, the initial one first.
#[must_use]
pub fn views() -> Vec<&'static StreamView> {
    VIEWS.iter().map(|row| &row.view).collect()
}

/// The row of the current view.
fn shown(app: &App) -> &'static ViewRow {
    let [first, ..] = &VIEWS;
    VIEWS.iter().find(|row| row.view.name == app.streams.shown.name).unwrap_or(first)
}

pub(super) fn draw(
    ctx: &RenderContext<'_>,
    cache: &mut DrawCache,
    area: Rect,
    buffer: &mut Buffer,
) {
    let row = shown(ctx.app);
    let name = match ctx.app.stream() {
        stream if row.title == ALL && ctx.app.has_picture(stream) => stream.name(),
        _ => row.title,
    };
    let [top, bottom] = titles(ctx, row, name, area);
    let inside = ctx.pane(Pane::Streams, name, top, area, buffer);
    let edge = Rect { x: area.x + 2, y: area.bottom() - 1, width: area.width - 3, height: 1 };
    paint::line(&bottom, edge.intersection(area), buffer);
    match ctx.app.sessions.current() {
        Some(entry) => {
            let (explained, area) = split(ctx, row, inside);
            paint::lines(&explained, inside, buffer);
            (row.draw)(ctx, entry, &mut Canvas { area, buffer, cache });
        }
        None => paint::lines(&link::lines_in(ctx, inside), inside, buffer),
    }
}

/// What keeps samples from flowing, above a view of one stream, and the rest of the area. The view of all
/// streams has its own place for it.
fn split(ctx: &RenderContext<'_>, row: &ViewRow, inside: Rect) -> (Vec<Line<'static>>, Rect) {
    let entry = ctx.app.sessions.current().filter(|_| row.title != ALL);
    let obstacle = entry.and_then(|entry| obstacle::of(ctx, entry));
    let lines = obstacle.map_or_else(Vec::new, |obstacle| {
        obstacle.lines_in(ctx, inside.width, usize::from(inside.height))
    });
    let used = paint::cells(lines.len());
    let rest = Rect { y: inside.y + used, height: inside.height - used, ..inside };
    (lines, rest)
}

/// What the decoder has to publish for a pane of this size.
pub(super) fn request(ctx: &RenderContext<'_>, area: Option<Rect>) -> View {
    let app = ctx.app;
    let row = shown(app);
    let inside = area.unwrap_or_default().inner(Margin::new(1, 1));
    let (_, rest) = split(ctx, row, inside);
    View {
        headset: app.headset().cloned(),
        stream: app.stream(),
        window: app.streams.window(),
        end: app.streams.end(),
        filters: app.streams.filters(),
        montage: app.streams.montage(),
        bad: Arc::clone(&app.streams.bad),
        cursors: app.streams.cursors(),
        ..(row.request)(ctx, rest)
    }
}

/// All settings that shape the picture are on the frame: what does not fit into the title goes to the bottom.
fn titles(ctx: &RenderContext<'_>, row: &ViewRow, name: &str, area: Rect) -> [Line<'static>; 2] {
    let mut items = Vec::new();
    if ctx.app.streams.frozen.is_some() {
        items.push(FROZEN.to_owned());
    }
    let (_, rest) = split(ctx, row, area.inner(Margin::new(1, 1)));
    items.extend((row.details)(ctx, rest));
    let used = heading(Pane::Streams, name).len() + FRAME;
    let mut room =
        [usize::from(area.width).saturating_sub(used), usize::from(area.width).saturating_sub(4)];
    let mut lines = [Line::default(), Line::default()];
    let mut at = 0;
    for item in items {
        let token = if item == FROZEN { ThemeToken::Changed } else { ThemeToken::Dim };
        let needed = item.chars().count() + glyphs::SEPARATOR.chars().count();
        if needed > room[at] {
            at = 1;
        }
        let Some(left) = room[at].checked_sub(needed) else { break };
        room[at] = left;
        let front = if at == 1 && lines[at].spans.is_empty() { " " } else { glyphs::SEPARATOR };
        lines[at].push_span(ctx.span(ThemeToken::Dim, front));
        lines[at].push_span(ctx.span(token, item));
    }
    if at == 1 {
        lines[1].push_span(Span::raw(" "));
    }
    lines
}
