//! EEG and motion as traces: which channels fit, the scale of each, labels, and the time axis.

use ratatui::{buffer::Buffer, layout::Rect, text::Line, widgets::Widget};

use super::{
    plot::{self, Bar, Cells},
    scales, summary,
};
use crate::{
    app::{App, Entry, Motion},
    cortex::Stream,
    signal::{Filters, Scale, Traces, View, snapshot::Trace, view::Reference},
    ui::{
        glyphs,
        scene::{self, Scene},
        text,
        theme::Token,
    },
};

/// Channels asked for while nobody has told how many there are.
const CHANNELS_UNKNOWN: usize = 32;

/// How the area of the traces is divided.
#[derive(Clone, Debug)]
pub(super) struct Rows {
    /// The traces themselves, without labels and axis.
    pub(super) plot: Rect,
    /// The time axis below, if there is room.
    axis: Option<Rect>,
    /// The first channel shown.
    pub(super) first: usize,
    /// How many are shown.
    pub(super) shown: usize,
    /// How many there are.
    all: usize,
    /// Rows of each.
    height: u16,
}

impl Rows {
    pub(super) fn new(app: &App, stream: Stream, area: Rect) -> Self {
        let label = if stream == Stream::Eeg { 6 } else { 12 }.min(area.width / 3);
        let all = channels(app, stream);
        // The axis gives way where its one row would cost the last channel its own.
        let axis = (area.height >= 4 && usize::from(area.height) != all).then(|| Rect {
            y: area.bottom() - 1,
            height: 1,
            x: area.x + label,
            width: area.width - label,
        });
        let room = area.height - u16::from(axis.is_some());
        let shown = usize::from(room).min(all);
        let height = room / scene::cells(shown.max(1));
        // What cannot be shared evenly stays below: rows of one height can be compared.
        let used = scene::cells(shown) * height;
        let plot = Rect { x: area.x + label, width: area.width - label, height: used, ..area };
        Self {
            plot,
            axis: axis.map(|axis| Rect { y: area.y + used, ..axis }),
            first: app.streams.first_channel.min(all - shown),
            shown,
            all,
            height,
        }
    }

    /// Rows that the traces and their axis fill.
    pub(super) fn used(&self) -> u16 {
        self.plot.height + u16::from(self.axis.is_some())
    }

    /// Rows a channel would have if all were shown, less than 1 if they do not fit: how good a
    /// division of the screen is.
    pub(super) fn height(&self) -> f64 {
        f64::from(self.plot.height) / self.all.max(1) as f64
    }
}

/// How many channels a stream has: by its traces, else by the headset, else a guess.
pub(super) fn channels(app: &App, stream: Stream) -> usize {
    let headset = app.sessions.current().map(|entry| &entry.session.headset);
    let told = headset.map(|headset| match stream {
        Stream::Eeg => headset.sensors.len(),
        _ => headset.motion_sensors.len(),
    });
    traces(app, stream)
        .map(|traces| traces.channels_in_all)
        .or(told.filter(|&count| count > 0))
        .unwrap_or(CHANNELS_UNKNOWN)
}

/// The traces at hand, if they are this stream's of this session.
pub(super) fn traces(app: &App, stream: Stream) -> Option<&Traces> {
    let session = app.sessions.current.as_ref()?;
    app.traces().filter(|traces| {
        traces.subscription.stream == stream && traces.subscription.session == *session
    })
}

/// What the decoder has to publish.
pub(super) fn view(app: &App, stream: Stream, area: Rect) -> View {
    let rows = Rows::new(app, stream, area);
    let columns = usize::from(rows.plot.width) * 2;
    View { stream, channels: rows.first..rows.first + rows.shown, columns, ..View::default() }
}

/// What shapes the picture, the most telling first.
pub(super) fn title(scene: &Scene<'_>, stream: Stream, area: Rect) -> Vec<String> {
    let streams = &scene.app.streams;
    let mut items = vec![format!("{} s", streams.window())];
    if stream == Stream::Eeg {
        let half = scales::eeg_half(scene.app, traces(scene.app, stream));
        let auto = if streams.auto { "auto " } else { "" };
        items.push(match Rows::new(scene.app, stream, area).height {
            // The bars of a sparkline stand for the swing, whose whole height is both halves.
            1 => format!("{auto}swing to {:.0} µV", 2.0 * half),
            _ => format!("{auto}±{half:.0} µV"),
        });
        items.push(filters(streams.filters()));
    } else {
        items.push("scales by group".to_owned());
    }
    items.push(motion(streams.motion).to_owned());
    if stream == Stream::Eeg {
        items.push(reference(scene.app));
    }
    items
}

pub(super) fn motion(motion: Motion) -> &'static str {
    match motion {
        Motion::Sweep => "sweep",
        Motion::Scroll => "scroll",
    }
}

/// What EEG is drawn against, in truth and not only as wished.
pub(super) fn reference(app: &App) -> String {
    let averaged = traces(app, Stream::Eeg).and_then(|traces| traces.averaged);
    match (app.streams.reference, averaged) {
        (Reference::AsRecorded, _) => "as recorded".to_owned(),
        (Reference::CommonAverage, Some(count)) => format!("average of {count}"),
        (Reference::CommonAverage, None) => "as recorded: too few in contact".to_owned(),
    }
}

pub(super) fn filters(filters: Filters) -> String {
    let band = match (filters.high_pass, filters.low_pass) {
        (Some(low), Some(high)) => format!("{low}–{high} Hz"),
        (Some(low), None) => format!("from {low} Hz"),
        (None, Some(high)) => format!("to {high} Hz"),
        (None, None) => "unfiltered".to_owned(),
    };
    filters.notch.map_or_else(|| band.clone(), |hz| format!("{band}, notch {hz}"))
}

pub(super) fn draw(
    scene: &Scene<'_>,
    entry: &Entry,
    stream: Stream,
    area: Rect,
    buffer: &mut Buffer,
) {
    let app = scene.app;
    let rows = Rows::new(app, stream, area);
    let Some(traces) = traces(app, stream) else {
        return waiting(scene, stream, area, buffer);
    };
    // A picture for another width comes on the next frame.
    if traces.bins.columns != u64::from(rows.plot.width) * 2 {
        return;
    }
    let stale = app.streams.frozen.is_none() && !summary::is_fresh(scene, entry, stream);
    let count = traces.channels.first().map_or(0, |trace| trace.columns.len());
    let cells = Cells::new(app.streams.motion, rows.plot.width, traces.first_bin, count);
    // EEG swings about its middle many times a cell, motion stays where the head is.
    let bar = if stream == Stream::Eeg { Bar::Swing } else { Bar::Place };
    for (at, trace) in traces.channels.iter().take(rows.shown).enumerate() {
        let y = rows.plot.y + scene::cells(at) * rows.height;
        let token = match (stale, at % 2) {
            (true, _) => Token::Stale,
            (_, 0) => Token::Trace,
            _ => Token::TraceAlt,
        };
        let size = scales::of(app, stream, trace, traces);
        let label = Rect { x: area.x, width: rows.plot.x - area.x, y, height: rows.height };
        draw_label(scene, stream, trace, size, label, buffer);
        let part = Rect { y, height: rows.height, ..rows.plot };
        let trace = plot::Trace { columns: &trace.columns, scale: size, bar };
        plot::draw(&trace, &cells, scene.style(token), part, buffer);
    }
    more(scene, &rows, area, buffer);
    if let Some(axis) = rows.axis {
        let columns = traces.channels.first().map_or(&[][..], |trace| &trace.columns);
        let lost: Vec<_> = cells.lost(columns).collect();
        draw_axis(scene, &lost, axis, buffer);
    }
    if stale && rows.plot.width > 20 {
        let health = app.snapshot.health_of(&entry.session.id, stream);
        let since = health.and_then(|health| health.stale_since.or(health.last));
        let since = since.map(|since| format!(" since {}", scene.clock_at(since)));
        let text = format!(" {} STALE{} ", glyphs::PROBLEM, since.unwrap_or_default());
        let width = scene::cells(text.chars().count());
        // Between the seconds of the axis, where it hides no trace.
        let row = rows.axis.unwrap_or(Rect { height: 1, ..rows.plot });
        let place = Rect { x: row.right().saturating_sub(row.width / 2 + width / 2), width, ..row };
        scene.say(Token::Bad, text).render(place.intersection(area), buffer);
    }
}

/// Where there are no traces.
pub(super) fn waiting(scene: &Scene<'_>, stream: Stream, area: Rect, buffer: &mut Buffer) {
    // After a change of view the picture comes on the next frame.
    if scene.app.snapshot.view.stream == stream {
        let text = "Waiting for the first samples.";
        let lines = scene::sentence(text, area.width, scene.style(Token::Dim));
        scene::lines(&lines, area, buffer);
    }
}

fn draw_label(
    scene: &Scene<'_>,
    stream: Stream,
    trace: &Trace,
    scale: Scale,
    area: Rect,
    buffer: &mut Buffer,
) {
    let width = usize::from(area.width.saturating_sub(1));
    let label = text::clean(&trace.label);
    let mut line = Line::from(scene.say(Token::Text, text::fit(&label, width)));
    if stream != Stream::Eeg {
        // Motion channels have different units, so each row says its own.
        let unit = scales::unit(&trace.label, scale.half);
        line.push_span(scene.say(Token::Axis, format!(" ±{}{unit}", scales::short(scale.half))));
    }
    scene::lines(&[line], Rect { width: area.width.saturating_sub(1), ..area }, buffer);
}

/// How many channels are above and below, in the last row of the labels.
fn more(scene: &Scene<'_>, rows: &Rows, area: Rect, buffer: &mut Buffer) {
    let below = rows.all - rows.first - rows.shown;
    let mark =
        |count: usize, mark: &str| if count > 0 { format!("{mark}{count}") } else { String::new() };
    let text = mark(rows.first, glyphs::MORE_ABOVE) + &mark(below, glyphs::MORE_BELOW);
    let width = scene::cells(text.chars().count()).min(rows.plot.x - area.x);
    if let Some(row) = area.rows().next_back().filter(|_| width > 0) {
        scene.say(Token::Changed, text).render(Rect { width, ..row }, buffer);
    }
}

/// Seconds from the left edge in a sweep, before the newest in a scroll; lost samples are marked.
pub(super) fn draw_axis(scene: &Scene<'_>, lost: &[bool], area: Rect, buffer: &mut Buffer) {
    let streams = &scene.app.streams;
    let steps: u16 = if area.width >= 60 { 5 } else { 2 };
    let seconds = |step: u16| streams.window() * f64::from(step) / f64::from(steps);
    buffer.set_style(area, scene.style(Token::Axis));
    for step in 0..steps {
        let text = match streams.motion {
            Motion::Sweep => format!("│{} s", seconds(step)),
            Motion::Scroll => format!("│-{} s", seconds(steps - step)),
        };
        let x = area.x + area.width * step / steps;
        scene.say(Token::Axis, text).render(Rect { x, ..area }.intersection(area), buffer);
    }
    let end = match (streams.motion, &streams.frozen) {
        (Motion::Sweep, _) => format!("{} s│", seconds(steps)),
        (Motion::Scroll, None) => "now│".to_owned(),
        (Motion::Scroll, Some(_)) => "end│".to_owned(),
    };
    let x = area.right().saturating_sub(scene::cells(end.chars().count()));
    scene.say(Token::Axis, end).render(Rect { x, ..area }.intersection(area), buffer);
    for (x, _) in (area.left()..area.right()).zip(lost).filter(|(_, lost)| **lost) {
        if let Some(cell) = buffer.cell_mut((x, area.y)) {
            cell.set_char(glyphs::LOST).set_style(scene.style(Token::Bad));
        }
    }
}
