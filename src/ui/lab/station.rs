//! A station: its headsets, and for the selected one the contact on the head, its sensors, its alerts and
//! the last ten minutes.

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    text::{Line, Span},
};

use super::{
    LabPainter,
    cells::{fitting, live},
};
use crate::{
    lab::{CELLS, DEVICE, HeadsetHistory, HistoryCell, LabPane, LabRow, LabSort, STRETCH, counted},
    ui::{
        context::{self, heading_of},
        glyphs, paint,
        streams::{
            head::{HeadMap, OutlineCache},
            levels::{self, SensorRow},
        },
        text,
        theme::ThemeToken,
    },
};
use cortop_mqtt::{
    book::{DepartureTime, StationPresence},
    payload::{HeadsetState, LOST, SensorState},
};
use cortop_signal::Defect;

/// Width of the label before a strip, in cells.
const LABEL: usize = 9;
/// Rows of the strips; they get a heading if there are at least [`HEADING`] rows.
const STRIPS: u16 = 3;
const HEADING: u16 = 20;
/// Columns that a round head may need in addition to two for each of its rows.
const MARGIN: u16 = 6;
/// Width of a sensor in the list beside the head, in cells.
const SENSOR: u16 = 17;

/// Draws the open station; `rows` are its headsets.
pub(super) fn draw(
    painter: &LabPainter<'_>,
    rows: &[LabRow<'_>],
    outline: &mut OutlineCache,
    area: Rect,
    buffer: &mut Buffer,
) {
    let name = painter.lab.opened.as_ref().map_or("", |name| name.as_str());
    let title = Line::from(painter.span(ThemeToken::Dim, about(painter, rows)));
    let heading = heading_of(1, &format!("station {name}"));
    let is_focused = painter.lab.focus == LabPane::Rows;
    let inside = context::frame(painter.theme, is_focused, &heading, title, area, buffer);
    let Some(selected) = rows.get(painter.lab.selected(rows)) else {
        let says = "the broker no longer has this station";
        let lines = paint::sentence(says, inside.width, painter.theme.style(ThemeToken::Dim));
        return paint::lines(&lines, inside, buffer);
    };
    // The station's name is in the title.
    let mut columns = fitting(inside.width);
    columns.retain(|(column, _)| column.sort != Some(LabSort::Station));
    let list = paint::cells(rows.len()).min(inside.height / 4).max(1);
    let table = Rect { height: list + 1, ..inside }.intersection(inside);
    painter.table(rows, columns, table, buffer);

    let below =
        Rect { y: inside.y + list + 1, height: inside.height.saturating_sub(list + 1), ..inside };
    let Some(state) = selected.state() else { return };
    let has_heading = below.height >= HEADING;
    let strips = (STRIPS + u16::from(has_heading)).min(below.height / 2);
    let middle = Rect { height: below.height - strips, ..below };
    draw_contact(painter, selected, state, outline, middle, buffer);
    let place = Rect { y: middle.bottom(), height: strips, ..below };
    let lines = strip_lines(painter, selected, usize::from(place.width).saturating_sub(LABEL));
    paint::lines(&lines[usize::from(!has_heading)..], place, buffer);
}

/// Describes a station in its title; `rows` are its headsets.
fn about(painter: &LabPainter<'_>, rows: &[LabRow<'_>]) -> String {
    let Some(row) = rows.first() else { return String::new() };
    let state = row.station.state.as_ref();
    let presence = match row.presence {
        StationPresence::Live => "live".to_owned(),
        StationPresence::Unconfirmed => painter.unconfirmed().to_owned(),
        StationPresence::Silent(None) => match painter.kept(row) {
            Some(kept) => format!("silent, its last state was sent {kept} by its clock"),
            None => "not heard from since this lab connected".to_owned(),
        },
        StationPresence::Silent(Some(since)) => {
            format!("silent for {}", text::age(painter.since(since)))
        }
        StationPresence::Gone(at) => {
            let why = state.and_then(|own| own.why.as_deref()).unwrap_or(LOST);
            let when = painter.departure(at).map(|when| match at {
                DepartureTime::At(_) => format!(" at {when}"),
                DepartureTime::Told { .. } | DepartureTime::Before(_) => format!(" {when}"),
            });
            format!("gone{}: {why}", when.unwrap_or_default())
        }
    };
    let host = state.map(|own| own.host.as_str()).unwrap_or_default();
    let cortex = state.map(|own| own.cortex.to_string()).unwrap_or_default();
    let cortex = painter.outage(row).or_else(|| stale(painter, rows)).unwrap_or(cortex);
    let clock = row.station.clock_behind().filter(|behind| behind.abs() > 1.0);
    let clock = clock.map(|behind| format!("its clock is {:+.0} s", -behind)).unwrap_or_default();
    let markers = match state {
        Some(own) if own.accepts_markers => "accepts markers",
        _ => "",
    };
    let parts = [&presence, host, &cortex, &clock, markers];
    let parts: Vec<_> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    let parts = parts.iter().map(|part| format!("{}{part}", glyphs::SEPARATOR));
    text::clean(&parts.collect::<String>())
}

/// How many headsets of a station are stale, and since when; `None` if none is.
fn stale(painter: &LabPainter<'_>, rows: &[LabRow<'_>]) -> Option<String> {
    let stale = rows.iter().filter(|row| row.is_live()).filter_map(LabRow::staleness);
    let since = stale.clone().map(|own| own.since).reduce(f64::min)?;
    let of = if rows.len() == 1 {
        String::new()
    } else {
        format!("{} of {} ", stale.count(), counted(rows.len(), "headset"))
    };
    let since = painter.clock(since).map(|at| format!(" since {at}")).unwrap_or_default();
    Some(format!("{of}stale{since}"))
}

/// The streams of a headset: first those that have stopped, with the time; then the others with their
/// rates and losses.
fn streams_line(
    painter: &LabPainter<'_>,
    row: &LabRow<'_>,
    state: &HeadsetState,
    width: usize,
) -> Line<'static> {
    let number = |rate: Option<f32>| {
        rate.map_or_else(|| glyphs::UNKNOWN.to_owned(), |rate| text::rate(rate.into()))
    };
    let mut stopped: Vec<(String, Vec<&str>)> = Vec::new();
    let mut flowing = Vec::new();
    for own in &state.streams {
        let Some(since) = row.stale_since(own) else {
            let lost = own.lost.filter(|lost| *lost > 0);
            let lost = lost.map(|lost| format!(" lost {lost}")).unwrap_or_default();
            let rates = format!("{}/{} Hz", number(own.rate), number(own.nominal));
            flowing.push((ThemeToken::Text, format!("{} {rates}{lost}", own.name)));
            continue;
        };
        let since = painter.clock(since).map(|at| format!(" since {at}")).unwrap_or_default();
        match stopped.iter_mut().find(|(at, _)| *at == since) {
            Some((_, names)) => names.push(&own.name),
            None => stopped.push((since, vec![&own.name])),
        }
    }
    let stopped = stopped.into_iter().map(|(since, names)| {
        let text = format!("{} {} stale{since}", glyphs::PROBLEM, names.join(" "));
        (ThemeToken::Bad, text)
    });
    let mut line = Line::default();
    for (token, text) in stopped.chain(flowing) {
        let gap = if line.width() > 0 { glyphs::SEPARATOR } else { "" };
        line.push_span(painter.span(ThemeToken::Dim, gap));
        let room = width.saturating_sub(line.width());
        line.push_span(painter.span(live(row, token), text::fit(&text::clean(&text), room)));
    }
    line
}

/// Draws the alerts, the head with its sensors at the left, and beside it a list of the sensors, the
/// worst first.
fn draw_contact(
    painter: &LabPainter<'_>,
    row: &LabRow<'_>,
    state: &HeadsetState,
    outline: &mut OutlineCache,
    area: Rect,
    buffer: &mut Buffer,
) {
    // The line of the streams already shows which have stopped, and since when.
    let alerts = state.alerts.iter().filter(|own| &*own.kind != "stale");
    let wrong: Vec<_> = alerts.map(|own| own.text.as_str()).collect();
    let nothing = || (ThemeToken::Dim, "nothing is wrong by the station's thresholds".to_owned());
    let (token, wrong) = match painter.outage(row) {
        Some(outage) => (ThemeToken::Bad, outage),
        None if wrong.is_empty() => painter.instead(row).unwrap_or_else(nothing),
        None => (ThemeToken::Bad, wrong.join(glyphs::SEPARATOR)),
    };
    let wrong = text::fit(&text::clean(&wrong), area.width.into());
    let wrong = Line::from(painter.span(live(row, token), wrong));
    let streams = streams_line(painter, row, state, area.width.into());
    let is_all = row.staleness().is_some() && token == ThemeToken::Dim;
    let lines = [(!is_all).then_some(wrong), (streams.width() > 0).then_some(streams)];
    let lines: Vec<_> = lines.into_iter().flatten().collect();
    paint::lines(&lines, area, buffer);
    let above = paint::cells(lines.len());
    let below = Rect { y: area.y + above, height: area.height.saturating_sub(above), ..area };
    let mut sensors: Vec<_> = state.sensors.iter().map(sensor).collect();
    let names: Vec<_> = sensors.iter().map(|own| own.name).collect();
    // A round head is twice as wide as high, in cells.
    let width = (2 * below.height + MARGIN).min(below.width.saturating_sub(SENSOR));
    let head = HeadMap::fit(&names, Rect { width, ..below });
    let mut list = below;
    if let Some(head) = &head {
        head.draw_sensors(painter.theme, &sensors, None, outline, buffer);
        list = Rect { x: below.x + width + 1, width: below.width - width - 1, ..below };
    }
    sensors.sort_by(|a, b| levels::by_need((a.defect, a.level), (b.defect, b.level)));
    let line = |own: &SensorRow<'_>| {
        let (token, mark, word) = own.word();
        Line::from(vec![
            painter.span(ThemeToken::Text, text::pad(&text::clean(own.name), 5)),
            painter.span(token, format!("{mark} {word}")),
        ])
    };
    let lines: Vec<_> = sensors.iter().map(line).collect();
    paint::columns(&lines, SENSOR, list, buffer);
    if !row.has_fresh(DEVICE) {
        buffer.set_style(below, painter.theme.style(ThemeToken::Stale));
    }
}

fn sensor(own: &SensorState) -> SensorRow<'_> {
    let defect = own.defect.as_deref();
    SensorRow {
        name: &own.name,
        defect: defect.and_then(|name| Defect::ALL.into_iter().find(|own| own.name() == name)),
        level: own.level.map(f64::from),
        beside: None,
    }
}

/// The last ten minutes: contact of the worst sensor, rate and loss. `room` is the width of a strip in
/// cells; if it is too small, the newest cells are shown.
fn strip_lines(painter: &LabPainter<'_>, row: &LabRow<'_>, room: usize) -> [Line<'static>; 4] {
    let id = row.headset.map(|own| &own.state.headset);
    let history = id.and_then(|id| painter.lab.history(row.name, id));
    let (room, known) = (room.min(CELLS), history.map_or(0, |own| own.cells().len()));
    let (blanks, hidden) = (room.saturating_sub(known), known.saturating_sub(room));
    let strip = |label: &str, cell: &dyn Fn(&HistoryCell) -> (ThemeToken, &'static str)| {
        let front = format!("{label:<LABEL$}{}", " ".repeat(blanks));
        let cells = history.into_iter().flat_map(HeadsetHistory::cells).skip(hidden);
        let cells = cells.map(|own| {
            let (token, mark) = cell(own);
            painter.span(token, mark)
        });
        let front: Span<'static> = painter.span(ThemeToken::Axis, front);
        std::iter::once(front).chain(cells).collect::<Line<'static>>()
    };
    let contact = |own: &HistoryCell| {
        own.contact.map_or((ThemeToken::Text, " "), |level| {
            let (token, mark, _) = levels::level_word(Some(level));
            (token, mark)
        })
    };
    let rate = |own: &HistoryCell| match own.rate {
        None => (ThemeToken::Text, " "),
        Some(share) if share < 0.01 => (ThemeToken::Bad, glyphs::PROBLEM),
        Some(share) if (share - 1.0).abs() > 0.03 => (ThemeToken::Poor, "◑"),
        Some(_) => (ThemeToken::Good, glyphs::ON),
    };
    let loss = |own: &HistoryCell| match own.loss {
        None => (ThemeToken::Text, " "),
        Some(lost) if lost > 0.0 => (ThemeToken::Bad, "╳"),
        Some(_) => (ThemeToken::Good, glyphs::ON),
    };
    let seconds = STRETCH.as_secs();
    let says = format!(
        "{:LABEL$}the last 10 min, newest at the right, the worst of {seconds} s a cell",
        ""
    );
    [
        painter.span(ThemeToken::Axis, says).into(),
        strip("contact", &contact),
        strip("rate", &rate),
        strip("loss", &loss),
    ]
}
