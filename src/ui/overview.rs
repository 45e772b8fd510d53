//! The overview: all headsets in a table, as `top` has its processes. It takes the place of the
//! panes; columns that do not fit are left out.

use std::time::Duration;

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    text::{Line, Span},
};

use super::{
    glyphs, headsets, health,
    scene::{self, Scene},
    streams::contact,
    text,
    theme::Token,
};
use crate::app::{HeadsetRow, Pane, Sort, Standing};
use cortop_client::{Stream, model::Model};
use cortop_signal::{BadChannel, snapshot::DeviceReadings};

/// What a headset says of itself twice a second is old after this.
const OLD: Duration = Duration::from_secs(3);

/// A column: its title and width, and how early it is given room.
struct Column {
    title: &'static str,
    width: usize,
    rank: u8,
    /// Numbers stand at its right edge.
    right: bool,
    sort: Option<Sort>,
    cell: fn(&Scene<'_>, &HeadsetRow<'_>) -> (Token, String),
}

const COLUMNS: [Column; 13] = [
    Column {
        title: "headset",
        width: 17,
        rank: 0,
        right: false,
        sort: Some(Sort::Headset),
        cell: id,
    },
    Column { title: "name", width: 14, rank: 12, right: false, sort: None, cell: name },
    Column { title: "model", width: 9, rank: 8, right: false, sort: None, cell: model },
    Column {
        title: "state",
        width: 10,
        rank: 1,
        right: false,
        sort: Some(Sort::State),
        cell: state,
    },
    Column {
        title: "batt",
        width: 4,
        rank: 5,
        right: true,
        sort: Some(Sort::Battery),
        cell: battery,
    },
    Column { title: "cq", width: 4, rank: 9, right: true, sort: None, cell: overall },
    Column {
        title: "contact",
        width: 12,
        rank: 2,
        right: false,
        sort: Some(Sort::Contact),
        cell: worst,
    },
    Column { title: "Hz", width: 7, rank: 3, right: true, sort: Some(Sort::Rate), cell: rate },
    Column { title: "loss", width: 4, rank: 4, right: true, sort: Some(Sort::Loss), cell: loss },
    Column { title: "age", width: 5, rank: 6, right: true, sort: Some(Sort::Age), cell: age },
    Column { title: "jitter", width: 7, rank: 10, right: true, sort: None, cell: jitter },
    Column { title: "delay", width: 8, rank: 11, right: true, sort: None, cell: delay },
    Column {
        title: "session",
        width: 9,
        rank: 7,
        right: false,
        sort: Some(Sort::Session),
        cell: session,
    },
];

/// Most that a bad channel gets of the column of contact: all of a sensor's name, `off level`.
const WIDEST_CONTACT: usize = 14;

/// Pointer and mark before the columns.
const MARKS: usize = 3;

/// Draws the table into the place of the panes.
pub(super) fn draw(scene: &Scene<'_>, area: Rect, buffer: &mut Buffer) {
    let rows = scene.app.overview();
    let inside = scene.pane(Pane::Headsets, title(scene, &rows), area, buffer);
    if rows.is_empty() {
        return scene::lines(&headsets::empty(scene, inside.width), inside, buffer);
    }
    let columns = fitting(&rows, usize::from(inside.width));
    let selected = rows.iter().position(|row| is_selected(scene, row)).unwrap_or(0);
    let body = Rect { y: inside.y + 1, height: inside.height.saturating_sub(1), ..inside };
    // The selected one stays in sight.
    let skip = (selected + 1).saturating_sub(usize::from(body.height));
    let lines: Vec<_> = rows.iter().skip(skip).map(|row| line(scene, row, &columns)).collect();
    scene::line(
        &titles(scene, &columns),
        Rect { height: 1, ..inside }.intersection(inside),
        buffer,
    );
    scene::lines(&lines, body.intersection(inside), buffer);
    scene::more(scene, skip, rows.len(), body.intersection(inside), buffer);
}

/// The columns that fit, those of a low rank first, and their widths: that of contact leaves room
/// for what is wrong with a sensor.
fn fitting(rows: &[HeadsetRow<'_>], width: usize) -> Vec<(&'static Column, usize)> {
    let bad = rows.iter().filter_map(bad_channel).map(|bad| text::cells(&bad_word(bad)));
    let widest = bad.max().unwrap_or_default().min(WIDEST_CONTACT);
    let width_of = |column: &Column| match column.sort {
        Some(Sort::Contact) => column.width.max(widest),
        _ => column.width,
    };
    let mut order: Vec<_> = COLUMNS.iter().collect();
    order.sort_by_key(|column| column.rank);
    let mut used = MARKS;
    let most = order.iter().take_while(|column| {
        used += width_of(column) + 1;
        // None but the last one's gap may be missing.
        used <= width + 1
    });
    let most = most.count();
    let fitting = COLUMNS.iter().filter(|column| usize::from(column.rank) < most);
    fitting.map(|column| (column, width_of(column))).collect()
}

fn title(scene: &Scene<'_>, rows: &[HeadsetRow<'_>]) -> Line<'static> {
    let count = |is: fn(&Standing) -> bool| rows.iter().filter(|row| is(&row.standing)).count();
    let stale = count(|standing| matches!(standing, Standing::Stale(_)));
    let streaming = count(|standing| *standing == Standing::Streaming);
    let mut title =
        Line::from(scene.say(
            Token::Dim,
            format!(" ({}){}{streaming} streaming", rows.len(), glyphs::SEPARATOR),
        ));
    if stale > 0 {
        let text = format!("{}{} {stale} stale", glyphs::SEPARATOR, glyphs::PROBLEM);
        title.push_span(scene.say(Token::Bad, text));
    }
    let by = COLUMNS.iter().find(|column| column.sort == Some(scene.app.headsets.sort));
    let by = by.map_or("", |column| column.title);
    title.push_span(scene.say(Token::Dim, format!("{}sorted by {by}", glyphs::SEPARATOR)));
    title.extend(headsets::scanning(scene));
    title
}

fn titles(scene: &Scene<'_>, columns: &[(&Column, usize)]) -> Line<'static> {
    let mut line = Line::from(" ".repeat(MARKS));
    for (Column { title, right, sort, .. }, width) in columns {
        let sorted = *sort == Some(scene.app.headsets.sort);
        let (mark, token) =
            if sorted { (glyphs::MORE_BELOW, Token::Title) } else { (" ", Token::Dim) };
        let title =
            if *right { format!("{title:>width$}{mark}") } else { format!("{title}{mark}") };
        line.push_span(scene.say(token, text::pad(&title, width + 1)));
    }
    line
}

fn is_selected(scene: &Scene<'_>, row: &HeadsetRow<'_>) -> bool {
    scene.app.headsets.selected.as_ref() == Some(&row.headset.id)
}

fn line(scene: &Scene<'_>, row: &HeadsetRow<'_>, columns: &[(&Column, usize)]) -> Line<'static> {
    let pointer = if is_selected(scene, row) { glyphs::SELECTED } else { " " };
    let (token, mark) = match row.standing {
        Standing::Streaming => (Token::Good, glyphs::ON),
        Standing::Stale(_) | Standing::OffRate | Standing::OnCable => (Token::Bad, glyphs::PROBLEM),
        Standing::Silent | Standing::Connecting => (Token::Poor, glyphs::PENDING),
        Standing::Connected | Standing::Discovered => (Token::Dim, glyphs::OFF),
    };
    let mut line =
        Line::from(vec![scene.say(Token::Focus, pointer), scene.say(token, format!("{mark} "))]);
    for &(column, width) in columns {
        let (token, text) = (column.cell)(scene, row);
        let text = text::fit(&text::clean(&text), width);
        let blanks = " ".repeat(width.saturating_sub(Span::raw(&text).width()));
        let text = if column.right { blanks + &text } else { text + &blanks };
        line.push_span(scene.say(token, text));
        line.push_span(Span::raw(" "));
    }
    line
}

fn unknown() -> (Token, String) {
    (Token::Dim, glyphs::UNKNOWN.to_owned())
}

fn id(scene: &Scene<'_>, row: &HeadsetRow<'_>) -> (Token, String) {
    let token = if is_selected(scene, row) { Token::Selection } else { Token::Title };
    (token, row.headset.id.as_str().to_owned())
}

fn name(_: &Scene<'_>, row: &HeadsetRow<'_>) -> (Token, String) {
    (Token::Text, row.headset.custom_name.clone())
}

fn model(_: &Scene<'_>, row: &HeadsetRow<'_>) -> (Token, String) {
    match row.headset.model() {
        Model::Unknown => unknown(),
        model => (Token::Dim, model.name().to_owned()),
    }
}

fn state(_: &Scene<'_>, row: &HeadsetRow<'_>) -> (Token, String) {
    match row.standing {
        Standing::Stale(stream) => (Token::Bad, format!("STALE {stream}")),
        Standing::OffRate => (Token::Bad, "rate off".to_owned()),
        Standing::OnCable => (Token::Bad, "usb cable".to_owned()),
        Standing::Silent => (Token::Poor, "no data".to_owned()),
        Standing::Streaming => (Token::Good, "streaming".to_owned()),
        Standing::Connecting | Standing::Connected | Standing::Discovered => {
            (Token::Dim, row.headset.status.to_string())
        }
    }
}

/// What the headset says of itself, and whether that is of this moment.
fn device<'a>(scene: &Scene<'_>, row: &HeadsetRow<'a>) -> Option<(&'a DeviceReadings, bool)> {
    let device = row.device?;
    let newest = [&device.dev, &device.eq].into_iter().flatten().map(|table| table.received).max();
    Some((device, newest.is_some_and(|at| scene.since(at) < OLD)))
}

fn battery(scene: &Scene<'_>, row: &HeadsetRow<'_>) -> (Token, String) {
    let known = device(scene, row).and_then(|(device, fresh)| Some((device.battery()?, fresh)));
    known.map_or_else(unknown, |(percent, fresh)| {
        let token = if percent < 20.0 { Token::Bad } else { Token::Text };
        (if fresh { token } else { Token::Stale }, format!("{percent:.0}%"))
    })
}

fn overall(scene: &Scene<'_>, row: &HeadsetRow<'_>) -> (Token, String) {
    let known = device(scene, row).and_then(|(device, fresh)| Some((device.contact()?, fresh)));
    known.map_or_else(unknown, |(percent, fresh)| {
        (if fresh { Token::Text } else { Token::Stale }, format!("{percent:.0}%"))
    })
}

/// The worst channel whose raw signal cannot be EEG.
fn bad_channel<'a>(row: &HeadsetRow<'a>) -> Option<&'a BadChannel> {
    row.main?.bad_channels.iter().min_by_key(|channel| channel.defect)
}

fn bad_word(bad: &BadChannel) -> String {
    text::clean(&format!("{} {}", bad.label, bad.defect.name()))
}

fn worst(scene: &Scene<'_>, row: &HeadsetRow<'_>) -> (Token, String) {
    if let Some(bad) = bad_channel(row) {
        let fresh = row.main.is_some_and(|main| main.stale_since.is_none());
        return (if fresh { Token::Bad } else { Token::Stale }, bad_word(bad));
    }
    let known = device(scene, row).and_then(|(device, fresh)| Some((device.worst()?, fresh)));
    known.map_or_else(unknown, |((name, level), fresh)| {
        let (token, _, word) = contact::level_word(level);
        let text =
            if token == Token::Good { "all good".to_owned() } else { format!("{name} {word}") };
        (if fresh { token } else { Token::Stale }, text)
    })
}

fn rate(_: &Scene<'_>, row: &HeadsetRow<'_>) -> (Token, String) {
    row.main.map_or_else(unknown, |main| {
        let token = if main.stale_since.is_some() {
            Token::Stale
        } else if main.rate_is_off() {
            Token::Bad
        } else {
            Token::Text
        };
        let rate = main.rate.map_or_else(|| glyphs::UNKNOWN.to_owned(), text::rate);
        let text = match main.nominal_rate {
            Some(nominal) if main.stream == Stream::Eeg => {
                format!("{rate}/{}", text::rate(nominal))
            }
            _ => format!("{} {rate}", main.stream),
        };
        (token, text)
    })
}

fn loss(_: &Scene<'_>, row: &HeadsetRow<'_>) -> (Token, String) {
    row.main.map_or_else(unknown, |main| {
        let lost = 100.0 * main.recent.loss();
        let digits = usize::from(lost < 9.95);
        let token = if lost > 0.0 { Token::Bad } else { Token::Text };
        (token, format!("{lost:.digits$}%"))
    })
}

fn age(scene: &Scene<'_>, row: &HeadsetRow<'_>) -> (Token, String) {
    row.main.and_then(|main| Some((main, main.last?))).map_or_else(unknown, |(main, last)| {
        let token = if main.stale_since.is_some() { Token::Bad } else { Token::Text };
        (token, text::age(scene.since(last)))
    })
}

fn jitter(_: &Scene<'_>, row: &HeadsetRow<'_>) -> (Token, String) {
    let jitter = row.main.and_then(|main| main.recent.jitter);
    jitter.map_or_else(unknown, |seconds| (Token::Text, health::seconds(seconds)))
}

fn delay(scene: &Scene<'_>, row: &HeadsetRow<'_>) -> (Token, String) {
    row.main.and_then(|main| health::delay(scene, main)).map_or_else(unknown, |delay| {
        (if health::is_plausible(delay) { Token::Text } else { Token::Poor }, health::signed(delay))
    })
}

fn session(_: &Scene<'_>, row: &HeadsetRow<'_>) -> (Token, String) {
    row.entry.map_or_else(unknown, |entry| {
        if entry.session.recording == Some(true) {
            return (Token::Changed, "recording".to_owned());
        }
        (Token::Text, entry.session.status.to_string())
    })
}
