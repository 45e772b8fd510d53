//! The overview: all headsets in a table, like the processes in `top`. It replaces the panes; columns that do
//! not fit are omitted.

use std::time::Duration;

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    text::{Line, Span},
};

use super::{
    context::RenderContext,
    glyphs, headsets, health, link, paint,
    streams::levels,
    table::{self, TableCell, TableColumn},
    text,
    theme::ThemeToken,
};
use crate::app::{Action, HeadsetRow, MouseTarget, OverviewState, Pane, Sort};
use cortop_client::{ConnectionStep, Link, Stream, model::Model};
use cortop_signal::{BadChannel, snapshot::DeviceReadings};

/// A headset reports its state twice a second; older reports than this are out of date.
const OLD: Duration = Duration::from_secs(3);

type OverviewColumn = TableColumn<fn(&RenderContext<'_>, &HeadsetRow<'_>) -> TableCell, Sort>;

const COLUMNS: [OverviewColumn; 13] = [
    OverviewColumn {
        title: "headset",
        width: 17,
        rank: 0,
        right: false,
        sort: Some(Sort::Headset),
        cell: id,
    },
    OverviewColumn { title: "name", width: 14, rank: 12, right: false, sort: None, cell: name },
    OverviewColumn { title: "model", width: 9, rank: 8, right: false, sort: None, cell: model },
    OverviewColumn {
        title: "state",
        width: 10,
        rank: 1,
        right: false,
        sort: Some(Sort::State),
        cell: state,
    },
    OverviewColumn {
        title: "batt",
        width: 4,
        rank: 5,
        right: true,
        sort: Some(Sort::Battery),
        cell: battery,
    },
    OverviewColumn { title: "cq", width: 4, rank: 9, right: true, sort: None, cell: overall },
    OverviewColumn {
        title: "contact",
        width: 12,
        rank: 2,
        right: false,
        sort: Some(Sort::Contact),
        cell: worst,
    },
    OverviewColumn {
        title: "Hz",
        width: 7,
        rank: 3,
        right: true,
        sort: Some(Sort::Rate),
        cell: rate,
    },
    OverviewColumn {
        title: "loss",
        width: 4,
        rank: 4,
        right: true,
        sort: Some(Sort::Loss),
        cell: loss,
    },
    OverviewColumn {
        title: "age",
        width: 5,
        rank: 6,
        right: true,
        sort: Some(Sort::Age),
        cell: age,
    },
    OverviewColumn { title: "jitter", width: 7, rank: 10, right: true, sort: None, cell: jitter },
    OverviewColumn { title: "delay", width: 8, rank: 11, right: true, sort: None, cell: delay },
    OverviewColumn {
        title: "session",
        width: 9,
        rank: 7,
        right: false,
        sort: Some(Sort::Session),
        cell: session,
    },
];

/// Minimum inner height for a last row about the selected headset.
const FOOT: u16 = 6;

/// Maximum width of a bad channel in the contact column: the longest sensor name and `off level`.
const WIDEST_CONTACT: usize = 14;

/// Width before the columns: pointer, mark, and whether it is picked or shown.
const MARKS: usize = 3;

/// Draws the table in place of the panes.
pub(super) fn draw(ctx: &RenderContext<'_>, area: Rect, buffer: &mut Buffer) {
    let rows = ctx.app.overview();
    let inside = ctx.pane(Pane::Headsets, Pane::Headsets.name(), title(ctx, &rows), area, buffer);
    if rows.is_empty() {
        return paint::lines(&headsets::empty(ctx, inside.width), inside, buffer);
    }
    paint::lines(&question(ctx, inside), inside, buffer);
    let TableAreas { inside, body, selected, skip } = table(ctx, &rows, inside);
    let columns = fitting(&rows, usize::from(inside.width));
    let lines: Vec<_> = rows.iter().skip(skip).map(|row| line(ctx, row, &columns)).collect();
    let titles =
        table::titles(|token, text| ctx.span(token, text), MARKS, &columns, ctx.app.headsets.sort);
    paint::line(&titles, Rect { height: 1, ..inside }.intersection(inside), buffer);
    paint::lines(&lines, body, buffer);
    ctx.hit_rows(
        body,
        skip,
        rows.iter().map(|row| (1, MouseTarget::Headset(row.headset.id.clone()))),
    );
    ctx.mark_more(skip, rows.len(), body, buffer);
    let foot = Rect { y: body.bottom(), height: 1, ..inside }.intersection(inside);
    if let Some(row) = rows.get(selected).filter(|_| !foot.is_empty()) {
        paint::line(&about(ctx, row, usize::from(inside.width)), foot, buffer);
    }
}

/// The layout of the table.
struct TableAreas {
    /// The table with its titles and its last row.
    inside: Rect,
    /// Its rows.
    body: Rect,
    /// The index of the selected row, and how many rows are scrolled out above.
    selected: usize,
    skip: usize,
}

fn table(ctx: &RenderContext<'_>, rows: &[HeadsetRow<'_>], inside: Rect) -> TableAreas {
    let asked = paint::cells(question(ctx, inside).len());
    let inside = Rect { y: inside.y + asked, height: inside.height - asked, ..inside };
    // The last row names what needs attention on the selected headset.
    let foot = u16::from(inside.height >= FOOT);
    let height = inside.height.saturating_sub(1 + foot);
    let body = Rect { y: inside.y + 1, height, ..inside }.intersection(inside);
    let selected = rows.iter().position(|row| is_selected(ctx, row)).unwrap_or(0);
    // Keep the selected row visible.
    let skip = (selected + 1).saturating_sub(usize::from(body.height));
    TableAreas { inside, body, selected, skip }
}

/// The choice of headset that cortop waits for, as rows above the table.
fn question(ctx: &RenderContext<'_>, area: Rect) -> Vec<Line<'static>> {
    if !matches!(
        ctx.app.link,
        Link::Up { step: ConnectionStep::Choosing | ConnectionStep::Missing(_), .. }
    ) {
        return Vec::new();
    }
    let [pick, all] = [Action::PickHeadset, Action::OpenAll].map(|action| ctx.key(action));
    let more = format!("{pick} picks several to open together, {all} opens all.");
    let mut question = link::explanation(ctx).lines(ctx, area.width);
    question.extend(paint::sentence(&more, area.width, ctx.style(ThemeToken::Changed)));
    question.truncate(usize::from(area.height / 3));
    question
}

/// What needs attention on a headset, as a line.
fn about(ctx: &RenderContext<'_>, row: &HeadsetRow<'_>, width: usize) -> Line<'static> {
    let concerns = concerns(ctx, row);
    let (token, says) = match &concerns[..] {
        [] if row.entry.is_none() => (ThemeToken::Dim, "no session".to_owned()),
        [] => (ThemeToken::Dim, "nothing needs attention".to_owned()),
        some => (ThemeToken::Bad, some.join(glyphs::SEPARATOR)),
    };
    let text = format!("{}: {says}", row.headset.id);
    Line::from(ctx.span(token, text::fit(&text::clean(&text), width)))
}

/// The columns that fit, lowest rank first, with their widths; the contact column is widened for a bad
/// channel.
fn fitting(rows: &[HeadsetRow<'_>], width: usize) -> Vec<(&'static OverviewColumn, usize)> {
    let bad = rows.iter().filter_map(bad_channel).map(|bad| text::cells(&bad_word(bad)));
    let widest = bad.max().unwrap_or_default().min(WIDEST_CONTACT);
    let width_of = |column: &OverviewColumn| match column.sort {
        Some(Sort::Contact) => column.width.max(widest),
        _ => column.width,
    };
    table::fitting(&COLUMNS, MARKS, width, width_of)
}

fn title(ctx: &RenderContext<'_>, rows: &[HeadsetRow<'_>]) -> Line<'static> {
    let count = |is: fn(&OverviewState) -> bool| rows.iter().filter(|row| is(&row.state)).count();
    let stale = count(|state| matches!(state, OverviewState::Stale(_)));
    let streaming = count(|state| *state == OverviewState::Streaming);
    let mut title = Line::from(ctx.span(
        ThemeToken::Dim,
        format!(" ({}){}{streaming} streaming", rows.len(), glyphs::SEPARATOR),
    ));
    if stale > 0 {
        let text = format!("{}{} {stale} stale", glyphs::SEPARATOR, glyphs::PROBLEM);
        title.push_span(ctx.span(ThemeToken::Bad, text));
    }
    let by = COLUMNS.iter().find(|column| column.sort == Some(ctx.app.headsets.sort));
    let by = by.map_or("", |column| column.title);
    title.push_span(ctx.span(ThemeToken::Dim, format!("{}sorted by {by}", glyphs::SEPARATOR)));
    title.extend(headsets::scanning(ctx));
    title
}

/// Whether the streams pane shows this headset's session.
fn is_shown(ctx: &RenderContext<'_>, row: &HeadsetRow<'_>) -> bool {
    let shown = ctx.app.sessions.current.as_ref();
    row.entry.is_some_and(|entry| shown == Some(&entry.session.id))
}

/// What needs attention on a headset in words: in the table only colours show it.
fn concerns(ctx: &RenderContext<'_>, row: &HeadsetRow<'_>) -> Vec<String> {
    let state = match row.state {
        OverviewState::Stale(stream) => {
            let since = row.main.and_then(|main| main.stale_since).map(|at| ctx.since(at));
            let since = since.map(|since| format!(" for {}", text::age(since)));
            Some(format!("{stream} stopped{}", since.unwrap_or_default()))
        }
        OverviewState::OffRate => row.main.and_then(|main| {
            let (rate, nominal) = (main.rate?, main.nominal_rate?);
            Some(format!("{} of {} Hz", text::rate(rate), text::rate(nominal)))
        }),
        OverviewState::OnCable => Some("on a USB cable, over which nothing streams".to_owned()),
        OverviewState::Silent => Some("no sample has come yet".to_owned()),
        _ => None,
    };
    let says = |cell: fn(&RenderContext<'_>, &HeadsetRow<'_>) -> (ThemeToken, String),
                what: &str| {
        let (token, text) = cell(ctx, row);
        matches!(token, ThemeToken::Bad | ThemeToken::Poor).then(|| what.replace("{}", &text))
    };
    let lost = says(loss, "{} of the last 10 s lost");
    let charge = says(battery, "battery {}: charge it");
    let late = says(delay, "samples {} late");
    let contact = says(worst, "contact: {}");
    [state, lost, contact, charge, late].into_iter().flatten().collect()
}

fn is_selected(ctx: &RenderContext<'_>, row: &HeadsetRow<'_>) -> bool {
    ctx.app.headsets.selected.as_ref() == Some(&row.headset.id)
}

fn line(
    ctx: &RenderContext<'_>,
    row: &HeadsetRow<'_>,
    columns: &[(&OverviewColumn, usize)],
) -> Line<'static> {
    let pointer = if is_selected(ctx, row) { glyphs::SELECTED } else { " " };
    let (token, mark) = match row.state {
        OverviewState::Streaming => (ThemeToken::Good, glyphs::ON),
        OverviewState::Stale(_) | OverviewState::OffRate | OverviewState::OnCable => {
            (ThemeToken::Bad, glyphs::PROBLEM)
        }
        OverviewState::Silent | OverviewState::Connecting => (ThemeToken::Poor, glyphs::PENDING),
        OverviewState::Connected | OverviewState::Discovered => (ThemeToken::Dim, glyphs::OFF),
    };
    let own = if ctx.app.headsets.picked.contains(&row.headset.id) {
        ctx.span(ThemeToken::Key, "+")
    } else if is_shown(ctx, row) {
        ctx.span(ThemeToken::Changed, glyphs::CHANGED)
    } else {
        ctx.span(ThemeToken::Text, " ")
    };
    let mut line =
        Line::from(vec![ctx.span(ThemeToken::Focus, pointer), ctx.span(token, mark), own]);
    for &(column, width) in columns {
        let (token, text) = (column.cell)(ctx, row);
        line.push_span(ctx.span(token, column.place(&text, width)));
        line.push_span(Span::raw(" "));
    }
    line
}

fn unknown() -> (ThemeToken, String) {
    (ThemeToken::Dim, glyphs::UNKNOWN.to_owned())
}

fn id(ctx: &RenderContext<'_>, row: &HeadsetRow<'_>) -> (ThemeToken, String) {
    let token = if is_selected(ctx, row) { ThemeToken::Selection } else { ThemeToken::Title };
    (token, row.headset.id.as_str().to_owned())
}

fn name(_: &RenderContext<'_>, row: &HeadsetRow<'_>) -> (ThemeToken, String) {
    (ThemeToken::Text, row.headset.custom_name.clone())
}

fn model(_: &RenderContext<'_>, row: &HeadsetRow<'_>) -> (ThemeToken, String) {
    match row.headset.model() {
        Model::Unknown => unknown(),
        model => (ThemeToken::Dim, model.name().to_owned()),
    }
}

fn state(_: &RenderContext<'_>, row: &HeadsetRow<'_>) -> (ThemeToken, String) {
    match row.state {
        OverviewState::Stale(stream) => (ThemeToken::Bad, format!("STALE {stream}")),
        OverviewState::OffRate => (ThemeToken::Bad, "rate off".to_owned()),
        OverviewState::OnCable => (ThemeToken::Bad, "usb cable".to_owned()),
        OverviewState::Silent => (ThemeToken::Poor, "no data".to_owned()),
        OverviewState::Streaming => (ThemeToken::Good, "streaming".to_owned()),
        OverviewState::Connecting | OverviewState::Connected | OverviewState::Discovered => {
            (ThemeToken::Dim, row.headset.status.to_string())
        }
    }
}

/// The headset's own readings, and whether they are current.
fn device<'a>(ctx: &RenderContext<'_>, row: &HeadsetRow<'a>) -> Option<(&'a DeviceReadings, bool)> {
    let device = row.device?;
    let newest = [&device.dev, &device.eq].into_iter().flatten().map(|table| table.received).max();
    Some((device, newest.is_some_and(|at| ctx.since(at) < OLD)))
}

fn battery(ctx: &RenderContext<'_>, row: &HeadsetRow<'_>) -> (ThemeToken, String) {
    let known = device(ctx, row).and_then(|(device, fresh)| Some((device.battery()?, fresh)));
    known.map_or_else(unknown, |(percent, fresh)| {
        let token = if percent < 20.0 { ThemeToken::Bad } else { ThemeToken::Text };
        (if fresh { token } else { ThemeToken::Stale }, format!("{percent:.0}%"))
    })
}

fn overall(ctx: &RenderContext<'_>, row: &HeadsetRow<'_>) -> (ThemeToken, String) {
    let known = device(ctx, row).and_then(|(device, fresh)| Some((device.contact()?, fresh)));
    known.map_or_else(unknown, |(percent, fresh)| {
        (if fresh { ThemeToken::Text } else { ThemeToken::Stale }, format!("{percent:.0}%"))
    })
}

/// The worst channel whose raw signal cannot be EEG.
fn bad_channel<'a>(row: &HeadsetRow<'a>) -> Option<&'a BadChannel> {
    row.main?.bad_channels.iter().min_by_key(|channel| channel.defect)
}

fn bad_word(bad: &BadChannel) -> String {
    text::clean(&format!("{} {}", bad.label, bad.defect.name()))
}

fn worst(ctx: &RenderContext<'_>, row: &HeadsetRow<'_>) -> (ThemeToken, String) {
    if let Some(bad) = bad_channel(row) {
        let fresh = row.main.is_some_and(|main| main.stale_since.is_none());
        return (if fresh { ThemeToken::Bad } else { ThemeToken::Stale }, bad_word(bad));
    }
    let known = device(ctx, row).and_then(|(device, fresh)| Some((device.worst()?, fresh)));
    known.map_or_else(unknown, |((name, level), fresh)| {
        let (token, _, word) = levels::level_word(level);
        let text = if token == ThemeToken::Good {
            "all good".to_owned()
        } else {
            format!("{name} {word}")
        };
        (if fresh { token } else { ThemeToken::Stale }, text)
    })
}

fn rate(_: &RenderContext<'_>, row: &HeadsetRow<'_>) -> (ThemeToken, String) {
    row.main.map_or_else(unknown, |main| {
        let token = if main.stale_since.is_some() {
            ThemeToken::Stale
        } else if main.rate_is_off() {
            ThemeToken::Bad
        } else {
            ThemeToken::Text
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

fn loss(_: &RenderContext<'_>, row: &HeadsetRow<'_>) -> (ThemeToken, String) {
    row.main.map_or_else(unknown, |main| {
        let lost = 100.0 * main.recent.loss();
        let digits = usize::from(lost < 9.95);
        let token = if lost > 0.0 { ThemeToken::Bad } else { ThemeToken::Text };
        (token, format!("{lost:.digits$}%"))
    })
}

fn age(ctx: &RenderContext<'_>, row: &HeadsetRow<'_>) -> (ThemeToken, String) {
    row.main.and_then(|main| Some((main, main.last?))).map_or_else(unknown, |(main, last)| {
        let token = if main.stale_since.is_some() { ThemeToken::Bad } else { ThemeToken::Text };
        (token, text::age(ctx.since(last)))
    })
}

fn jitter(_: &RenderContext<'_>, row: &HeadsetRow<'_>) -> (ThemeToken, String) {
    let jitter = row.main.and_then(|main| main.recent.jitter);
    jitter.map_or_else(unknown, |seconds| (ThemeToken::Text, health::seconds(seconds)))
}

fn delay(ctx: &RenderContext<'_>, row: &HeadsetRow<'_>) -> (ThemeToken, String) {
    row.main.and_then(|main| health::delay(ctx, main)).map_or_else(unknown, |delay| {
        (
            if health::is_plausible(delay) { ThemeToken::Text } else { ThemeToken::Poor },
            health::signed(delay),
        )
    })
}

fn session(_: &RenderContext<'_>, row: &HeadsetRow<'_>) -> (ThemeToken, String) {
    row.entry.map_or_else(unknown, |entry| {
        if entry.session.recording == Some(true) {
            return (ThemeToken::Changed, "recording".to_owned());
        }
        (ThemeToken::Text, entry.session.status.to_string())
    })
}
