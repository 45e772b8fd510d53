//! Pane 3: the streams, all at a glance or one of them as what it is.

mod actions;
mod bands;
mod contact;
mod events;
mod metrics;
mod plot;
mod summary;
mod traces;

pub(super) use summary::rate_is_off;

use ratatui::{buffer::Buffer, layout::Rect, text::Line};

use super::{
    glyphs, link,
    scene::{self, Scene},
    theme::Token,
};
use crate::{
    app::{App, Entry, Pane, Shown},
    cortex::Stream,
    signal::View,
};

pub(super) fn draw(scene: &Scene<'_>, area: Rect, buffer: &mut Buffer) {
    let app = scene.app;
    let inside = scene.pane(Pane::Streams, title(scene, area.width), area, buffer);
    let Some(entry) = app.sessions.current() else {
        let (now, next) = link::story(scene);
        let mut lines = scene::sentence(&now, inside.width, scene.style(Token::Text));
        lines.extend(scene::sentence(&next, inside.width, scene.style(Token::Changed)));
        return scene::lines(&lines, inside, buffer);
    };
    let parts = Parts::new(app, inside);
    if let Some((stream, plot)) = parts.plot {
        traces::draw(scene, stream, plot, buffer);
    }
    if let Some(lines) = parts.lines {
        summary::draw(scene, entry, lines, buffer);
    }
    let Some(readings) = parts.readings else { return };
    let Shown::One(stream) = app.streams.shown else { return };
    let head = summary::lines_of_one(scene, entry, stream, readings.width);
    scene::lines(&head, readings, buffer);
    let used = (head.len() as u16).min(readings.height);
    let area = Rect { y: readings.y + used, height: readings.height - used, ..readings };
    match stream {
        Stream::Dev | Stream::Eq => contact::draw(scene, stream, area, buffer),
        Stream::Pow => bands::draw(scene, area, buffer),
        Stream::Met => metrics::draw(scene, area, buffer),
        Stream::Com => actions::command(scene, area, buffer),
        Stream::Fac => actions::face(scene, area, buffer),
        Stream::Sys => events::draw(scene, area, buffer),
        Stream::Eeg | Stream::Mot => {}
    }
}

/// What the decoder has to publish for a pane of this size.
pub(super) fn view(app: &App, area: Option<Rect>) -> View {
    let inside = area.unwrap_or_default().inner(ratatui::layout::Margin::new(1, 1));
    let parts = Parts::new(app, inside);
    let stream = match (parts.plot, app.streams.shown) {
        (Some((stream, _)), _) | (None, Shown::One(stream)) => stream,
        (None, Shown::All) => Stream::Eeg,
    };
    let rows = parts.plot.map(|(stream, area)| traces::Rows::new(app, stream, area));
    View {
        session: app.sessions.current.clone(),
        stream,
        channels: rows.as_ref().map_or(0..0, |rows| rows.first..rows.first + rows.shown),
        window: app.streams.window(),
        columns: rows.map_or(0, |rows| usize::from(rows.plot.width) * 2),
        end: app.streams.end(),
        filters: app.streams.filters(),
    }
}

/// What the pane is divided into.
struct Parts {
    /// Traces of a stream.
    plot: Option<(Stream, Rect)>,
    /// A line for every stream.
    lines: Option<Rect>,
    /// One stream that is not drawn as traces.
    readings: Option<Rect>,
}

impl Parts {
    fn new(app: &App, inside: Rect) -> Self {
        match app.streams.shown {
            Shown::One(stream) if stream.is_trace() => {
                Self { plot: Some((stream, inside)), lines: None, readings: None }
            }
            Shown::One(_) => Self { plot: None, lines: None, readings: Some(inside) },
            Shown::All => {
                let entry = app.sessions.current();
                let traced = entry.and_then(traced);
                let count = entry.map_or(0, summary::count) as u16;
                let kept = if traced.is_some() { 4.min(inside.height) } else { 0 };
                let height = count.min(inside.height - kept);
                let top = inside.height - height;
                let lines = Rect { y: inside.y + top, height, ..inside };
                let plot = traced.map(|stream| (stream, Rect { height: top, ..inside }));
                let lines = if plot.is_some() { lines } else { inside };
                Self { plot, lines: Some(lines), readings: None }
            }
        }
    }
}

/// The stream whose traces the overview draws: EEG, and without it motion.
fn traced(entry: &Entry) -> Option<Stream> {
    [Stream::Eeg, Stream::Mot].into_iter().find(|stream| entry.subscribed.contains(stream))
}

/// Everything that shapes the picture stands in the title; what fits least is left out.
fn title(scene: &Scene<'_>, width: u16) -> Line<'static> {
    let app = scene.app;
    let mut items = vec![match app.streams.shown {
        Shown::All => "all".to_owned(),
        Shown::One(stream) => format!("{stream} {}", stream.title()),
    }];
    let stream = match app.streams.shown {
        Shown::All => app.sessions.current().and_then(traced),
        Shown::One(stream) => Some(stream).filter(|stream| stream.is_trace()),
    };
    if let Some(stream) = stream {
        items.extend(traces::title(scene, stream));
    }
    if app.streams.frozen.is_some() {
        items.insert(1, "FROZEN".to_owned());
    }
    let mut room = usize::from(width).saturating_sub(" 3 streams ".len() + 4);
    let mut line = Line::default();
    for item in items {
        let text = if line.spans.is_empty() {
            format!(" {item}")
        } else {
            format!("{}{item}", glyphs::SEPARATOR)
        };
        let Some(left) = room.checked_sub(text.chars().count()) else { break };
        room = left;
        let token = if item == "FROZEN" { Token::Changed } else { Token::Dim };
        line.push_span(scene.say(token, text));
    }
    line
}
