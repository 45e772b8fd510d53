//! EEG and motion as traces: which channels fit, how they share the room, and what the title says.

use std::sync::Arc;

use ratatui::{buffer::Buffer, layout::Rect};

use super::{
    Canvas,
    axis::{self, AxisNotes},
    bin_groups::BinGroups,
    dots::Dots,
    gaps, labels, overlay,
    scale_bar::{self, TimeBar},
    scales, stream_state,
    trace_plot::{self, Bar, TraceCache},
};
use crate::{
    app::{App, ChannelLayout, MouseTarget, Pane, ScrollMode, SessionEntry},
    ui::{context::RenderContext, glyphs, paint, text, theme::ThemeToken},
};
use cortop_client::Stream;
use cortop_signal::{Filters, Montage, Traces, View};

/// Minimum width of the area for unabbreviated text.
const WIDE: u16 = 70;

/// Channels requested while their number is unknown.
const CHANNELS_UNKNOWN: usize = 32;

/// The division of the traces' area.
#[derive(Clone, Debug)]
pub(super) struct TraceLayout {
    /// The traces themselves, without labels and axis.
    pub(super) plot: Rect,
    /// The time axis below, if there is room.
    axis: Option<Rect>,
    /// The first channel shown.
    pub(super) first: usize,
    /// The number of channels shown.
    pub(super) shown: usize,
    /// The number of channels with enough room: all but the hidden ones.
    all: usize,
    /// Rows of each channel.
    height: u16,
}

impl TraceLayout {
    pub(super) fn new(app: &App, stream: Stream, area: Rect) -> Self {
        let label = labels::width(app, stream, area.width);
        let all = shown(app, stream);
        let selected = app.streams.selected.min(all.saturating_sub(1));
        let axis = (area.height >= 2).then(|| Rect {
            y: area.bottom() - 1,
            height: 1,
            x: area.x + label,
            width: area.width - label,
        });
        let room = area.height - u16::from(axis.is_some());
        let shown = usize::from(room).min(all);
        let height = room / paint::cells(shown.max(1));
        // Rows that do not divide evenly stay below: only rows of one height can be compared.
        let used = paint::cells(shown) * height;
        let plot = Rect { x: area.x + label, width: area.width - label, height: used, ..area };
        Self {
            plot,
            axis: axis.map(|axis| Rect { y: area.y + used, ..axis }),
            first: (selected + 1).saturating_sub(shown),
            shown,
            all,
            height,
        }
    }

    /// Rows filled by the traces and their axis.
    pub(super) fn used(&self) -> u16 {
        self.plot.height + u16::from(self.axis.is_some())
    }
}

/// Rows that the streams pane needs in a body where it stands above or below others: with the focus, one row
/// per channel and one for the axis take precedence over other panes.
pub(in crate::ui) fn rows_needed(app: &App, body: Rect, least: u16) -> u16 {
    // Independent of the view, so that no pane moves when the view changes.
    let mut pictured = [Stream::Eeg, Stream::Mot].into_iter().filter(|&it| app.has_picture(it));
    let stream = pictured.next().filter(|_| app.focus == Pane::Streams);
    let all = stream.map_or(0, |stream| paint::cells(shown(app, stream)).saturating_add(1 + 2));
    all.min(body.height).max(least)
}

/// The indices of `count` channels from a position on among those not hidden, in their order.
pub(super) fn places(app: &App, stream: Stream, first: usize, count: usize) -> Arc<[usize]> {
    let shown = app.streams.channels(stream).shown(channels(app, stream));
    shown.into_iter().skip(first).take(count).collect()
}

/// The number of channels of a stream that are not hidden.
pub(super) fn shown(app: &App, stream: Stream) -> usize {
    app.streams.channels(stream).count(channels(app, stream))
}

/// The number of channels of a stream or its montage: from its traces, else from the headset, else a guess.
pub(super) fn channels(app: &App, stream: Stream) -> usize {
    let headset = app.sessions.current().map(|entry| &entry.session.headset);
    let listed = headset.map(|headset| match stream {
        Stream::Eeg => headset.sensors.len(),
        _ => headset.motion_sensors.len(),
    });
    traces(app, stream)
        .map(|traces| app.streams.channel_count(traces))
        .or(listed.filter(|&count| count > 0))
        .unwrap_or(CHANNELS_UNKNOWN)
}

/// The available traces, if they are this stream's and of the headset shown.
pub(super) fn traces(app: &App, stream: Stream) -> Option<&Traces> {
    let headset = app.headset()?;
    app.traces().filter(|traces| {
        traces.subscription.stream == stream && traces.subscription.headset == *headset
    })
}

/// What the decoder has to publish.
pub(super) fn request(ctx: &RenderContext<'_>, stream: Stream, area: Rect) -> View {
    let (app, ascii) = (ctx.app, ctx.ascii);
    let rows = TraceLayout::new(app, stream, area);
    let columns = usize::from(rows.plot.width * Dots::new(app.streams.glyph_set, ascii).across());
    let channels = places(app, stream, rows.first, rows.shown);
    View { channels, columns, ..View::default() }
}

/// The settings that shape the picture, most important first.
pub(super) fn details(ctx: &RenderContext<'_>, stream: Stream, area: Rect) -> Vec<String> {
    let streams = &ctx.app.streams;
    let traces = traces(ctx.app, stream);
    let mut items: Vec<String> = traces.map(|traces| cursors(ctx, traces)).unwrap_or_default();
    items.push(format!("{} s", streams.window()));
    if stream == Stream::Eeg {
        let half = scales::eeg_half(ctx.app, traces);
        let auto = if streams.auto { "auto " } else { "" };
        let height = TraceLayout::new(ctx.app, stream, area).height;
        let wide = area.width >= WIDE;
        items.push(if trace_plot::is_sparkline(Dots::new(streams.glyph_set, ctx.ascii), height) {
            // The bars of a sparkline show peak to peak, which may fill both halves.
            format!("{auto}0–{:.0} µV {}", 2.0 * half, if wide { "peak to peak" } else { "p-p" })
        } else {
            format!("{auto}±{half:.0} µV/row")
        });
        items.push(filters(streams.filters()));
    } else {
        items.push("scales by group".to_owned());
    }
    items.push(motion(streams.scroll_mode).to_owned());
    if stream == Stream::Eeg {
        // Only default settings may be omitted.
        let chosen = usize::from(streams.montage() != Montage::AsRecorded);
        items.insert(items.len() - chosen, montage(ctx.app));
    }
    if stream == Stream::Eeg && streams.channels(stream).has_own_scales() {
        items.push("± own scale".to_owned());
    }
    items.extend(hidden(streams.channels(stream), channels(ctx.app, stream)));
    let shown = traces.map(|traces| &traces.channels[..]).unwrap_or_default();
    if shown.iter().any(|trace| !trace.restarts.is_empty()) {
        items.push(format!("{} restart", glyphs::RESTARTED));
    }
    items
}

/// Says that not all channels are shown.
fn hidden(channels: &ChannelLayout, all: usize) -> Option<String> {
    let hidden = all - channels.count(all);
    if channels.is_solo() {
        return Some("one channel only".to_owned());
    }
    (hidden > 0).then(|| format!("{hidden} hidden"))
}

/// The times of the cursors, and their difference.
fn cursors(ctx: &RenderContext<'_>, traces: &Traces) -> Vec<String> {
    let [first, second] = traces.cursors.map(|cursor| cursor?.time);
    let start = traces.bins.start(traces.bins.first_of_window(traces.end));
    let beside = match traces.cursors[0] {
        Some(cursor) if cursor.index < start => " before this",
        Some(cursor) if cursor.index >= traces.end => " after this",
        _ => "",
    };
    let clock = |time: f64| Some(format!("{} {}{beside}", glyphs::CURSOR, ctx.clock_in_ms(time)?));
    let apart = first.zip(second).map(|(first, second)| format!("Δt {:+.3} s", first - second));
    first.and_then(clock).into_iter().chain(apart).collect()
}

pub(super) fn motion(motion: ScrollMode) -> &'static str {
    match motion {
        ScrollMode::Sweep => "sweep",
        ScrollMode::Scroll => "scroll",
    }
}

/// The montage actually drawn, which may differ from the requested one.
pub(super) fn montage(app: &App) -> String {
    let labels = traces(app, Stream::Eeg).map(|traces| &traces.reference[..]).unwrap_or_default();
    match (app.streams.montage(), labels) {
        (Montage::AsRecorded, _) => "as recorded".to_owned(),
        (Montage::LongitudinalBipolar, _) => "longitudinal bipolar".to_owned(),
        (Montage::CommonAverage, []) => "as recorded: too few sensors in contact".to_owned(),
        (Montage::CommonAverage, all) => format!("average of {}", all.len()),
        (Montage::Channel(_) | Montage::LinkedMastoids, []) => {
            "as recorded: the reference is not there".to_owned()
        }
        (Montage::Channel(_) | Montage::LinkedMastoids, some) => {
            let labels: Vec<_> = some.iter().map(|label| text::clean(label)).collect();
            format!("against {}", labels.join("+"))
        }
    }
}

pub(super) fn filters(filters: Filters) -> String {
    let band = match (filters.high_pass, filters.low_pass) {
        (Some(low), Some(high)) => format!("{low}–{high} Hz"),
        (Some(low), None) => format!("high-pass {low} Hz"),
        (None, Some(high)) => format!("low-pass {high} Hz"),
        (None, None) => "unfiltered".to_owned(),
    };
    filters.notch.map_or_else(|| band.clone(), |hz| format!("{band}, notch {hz}"))
}

/// The filters that affect spectra and what is computed from them: all but the low-pass.
pub(super) fn spectral_filters(all: Filters) -> Vec<String> {
    let mut items = vec![filters(Filters { low_pass: None, ..all })];
    items.extend(all.low_pass.map(|_| "before the low-pass".to_owned()));
    items
}

pub(super) fn draw(
    ctx: &RenderContext<'_>,
    entry: &SessionEntry,
    stream: Stream,
    area: Rect,
    buffer: &mut Buffer,
    cache: &mut Vec<TraceCache>,
) {
    let app = ctx.app;
    let rows = TraceLayout::new(app, stream, area);
    let Some(traces) = traces(app, stream) else {
        return waiting(ctx, stream, area, buffer);
    };
    let dots = Dots::new(app.streams.glyph_set, ctx.ascii);
    let columns = u64::from(rows.plot.width * dots.across());
    // The old picture is used until one of the new width arrives.
    let resampled = (traces.bins.columns != columns).then(|| traces.resampled(columns));
    let traces = resampled.as_ref().unwrap_or(traces);
    let is_stale = app.streams.frozen.is_none() && !stream_state::is_current(ctx, entry, stream);
    let count = traces.channels.first().map_or(0, |trace| trace.columns.len());
    let cells =
        BinGroups::new(app.streams.scroll_mode, dots, rows.plot.width, traces.first_bin, count)
            .still(ctx.app.streams.frozen.is_some());
    // EEG crosses its middle many times per cell; motion stays at the position of the head.
    let bar = if stream == Stream::Eeg { Bar::PeakToPeak } else { Bar::Extreme };
    let arranged = app.streams.channels(stream).shown(channels(app, stream));
    let selected = arranged.get(app.streams.selected.min(arranged.len().saturating_sub(1)));
    // Motion has a scale per group, shown by its labels; a sparkline has no polarity.
    let has_bar = stream == Stream::Eeg && !trace_plot::is_sparkline(dots, rows.height);
    cache.resize_with(rows.shown, TraceCache::default);
    for ((at, trace), cache) in traces.channels.iter().enumerate().zip(cache.iter_mut()) {
        let y = rows.plot.y + paint::cells(at) * rows.height;
        let style = match () {
            () if is_stale => ctx.style(ThemeToken::Stale),
            () if labels::is_marked(app, trace) => ctx.style(ThemeToken::Dim),
            () => ctx.theme.channel(trace.place),
        };
        let size = scales::of(app, stream, trace, traces);
        let label = Rect { x: area.x, width: rows.plot.x - area.x, y, height: rows.height };
        let is_selected = selected == Some(&trace.place);
        labels::draw(ctx, traces, trace, size, is_selected, label, buffer);
        if has_bar && at + 1 == rows.shown {
            scale_bar::draw_height(ctx, size, is_selected, label, buffer);
        }
        let part = Rect { y, height: rows.height, ..rows.plot };
        hit_channel(ctx, rows.first + at, traces, &cells, label, part);
        let restarts = &trace.restarts;
        let trace = trace_plot::PlottedTrace { columns: &trace.columns, scale: size, bar, style };
        trace_plot::draw(&trace, &cells, dots, part, buffer, cache);
        mark_restarts(ctx, restarts, &cells, part, buffer);
    }
    gaps::draw(ctx, traces, &cells, rows.plot, buffer);
    overlay::draw(ctx, traces, &cells, false, rows.plot, buffer);
    if let Some(values) = labels::values_area(traces, &cells, rows.plot) {
        for (trace, at) in traces.channels.iter().zip(0..) {
            let size = scales::of(app, stream, trace, traces);
            let row = Rect { y: values.y + at * rows.height, height: 1, ..values };
            labels::draw_values(ctx, traces, trace, size, row.intersection(values), buffer);
        }
    }
    let below = rows.all - rows.first - rows.shown;
    let beside = Rect { width: rows.plot.x - area.x, ..area };
    labels::more(ctx, rows.first, below, beside, buffer);
    let alarm = (is_stale && rows.plot.width > 20).then(|| {
        let health = app.snapshot.health_of(&entry.session.id, stream);
        let since = health.and_then(|health| health.stale_since.or(health.last)).or(traces.last);
        let since = since.map(|since| format!(" since {}", ctx.clock_at(since)));
        format!(" {} STALE{} ", glyphs::PROBLEM, since.unwrap_or_default())
    });
    let Some(axis) = rows.axis else { return };
    let bar = TimeBar::new(app.streams.window(), rows.plot.width).filter(|_| has_bar);
    // It begins below the labels, where there is no axis yet.
    let place = Rect { x: area.x, width: area.width, ..axis };
    let reserved = bar.map_or(0, |bar| bar.width().saturating_sub(axis.x - area.x));
    let is_free = axis::draw(ctx, traces, &cells, &AxisNotes { reserved, alarm }, axis, buffer);
    if let Some(bar) = bar.filter(|_| is_free) {
        bar.draw(ctx, place, buffer);
    }
}

/// Registers a row's channel as a mouse target and, for a frozen picture, each cell's sample.
fn hit_channel(
    ctx: &RenderContext<'_>,
    at: usize,
    traces: &Traces,
    cells: &BinGroups,
    label: Rect,
    row: Rect,
) {
    if ctx.hits.is_none() {
        return;
    }
    ctx.hit(label.union(row), || MouseTarget::Channel(at, None));
    if ctx.app.streams.frozen.is_none() {
        return;
    }
    for (x, bin) in (row.x..row.right()).zip(cells.first_bins()) {
        if let Some(bin) = bin {
            let cell = Rect { x, width: 1, ..row };
            ctx.hit(cell, || MouseTarget::Channel(at, Some(traces.bins.start(bin))));
        }
    }
}

/// Marks where the filters of a channel restarted: a jump too large for them lasted, and what follows looks
/// calm only because it is measured from the new level.
fn mark_restarts(
    ctx: &RenderContext<'_>,
    bins: &[u64],
    cells: &BinGroups,
    row: Rect,
    buffer: &mut Buffer,
) {
    let y = row.y + row.height.saturating_sub(1) / 2;
    for x in bins.iter().filter_map(|&bin| cells.cell(bin)) {
        if let Some(cell) = buffer.cell_mut((row.x + x, y)) {
            cell.set_char(glyphs::RESTARTED).set_style(ctx.style(ThemeToken::Poor));
        }
    }
}

/// The text if there are no traces.
fn waiting(ctx: &RenderContext<'_>, stream: Stream, area: Rect, buffer: &mut Buffer) {
    // After a change of view its picture arrives with the next frame.
    let view = &ctx.app.snapshot.view;
    let comes = ctx.app.sessions.current().is_some_and(|entry| entry.closed.is_none());
    if comes && view.stream == stream && view.headset.as_ref() == ctx.app.headset() {
        let text = "Waiting for the first samples.";
        let lines = paint::sentence(text, area.width, ctx.style(ThemeToken::Dim));
        paint::lines(&lines, area, buffer);
    }
}

/// Draws what is computed from EEG, stale or not, or says why there is no EEG.
pub(super) fn draw_computed(
    ctx: &RenderContext<'_>,
    entry: &SessionEntry,
    canvas: &mut Canvas<'_>,
    draw: fn(&RenderContext<'_>, &Traces, bool, Rect, &mut Buffer),
) {
    let (area, stream) = (canvas.area, Stream::Eeg);
    if !ctx.app.has_picture(stream) {
        let lines = stream_state::lines(ctx, entry, stream, area.width);
        return paint::lines(&lines, area, canvas.buffer);
    }
    let Some(traces) = traces(ctx.app, stream) else {
        return waiting(ctx, stream, area, canvas.buffer);
    };
    let is_frozen = ctx.app.streams.frozen.is_some();
    let is_stale = !is_frozen && !stream_state::is_current(ctx, entry, stream);
    draw(ctx, traces, is_stale, area, canvas.buffer);
}
