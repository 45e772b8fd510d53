//! The screen of a lab.
//!
//! ```text
//! ┌ header ─ broker, stations, headsets, what is wrong ────────────────────────────────┐
//! │ 1 headsets of all stations, a row each; or a station: its headsets, and of the     │
//! │   selected one the head with its contact and the last ten minutes                  │
//! │ 2 log: alerts and events of all stations                                           │
//! └ footer ─ the keys, what is typed, or what there is to say ─────────────────────────┘
//! ```
//!
//! `station` draws a station; the table and the head are those of the monitor.

mod station;
#[cfg(test)]
mod tests;

use std::{collections::VecDeque, time::Duration};

use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use ratatui::{
    buffer::Buffer,
    layout::Rect,
    text::{Line, Span},
    widgets::{Block, Clear, Widget as _},
};
use tokio::time::Instant;

use super::{
    context::{self, heading_of},
    glyphs, layout, paint,
    streams::{head::OutlineCache, levels},
    table::{self, TableCell, TableColumn},
    text,
    theme::{Theme, ThemeToken},
};
use crate::{
    app::Scroll,
    lab::{
        BrokerLink, Lab, LabInput, LabLine, LabPane, LabRow, LabSort, TABLE, condition_word,
        counted, main_stream, stations,
    },
};
use cortop_mqtt::{
    book::StationPresence,
    payload::{BadLabel, HeadsetCondition, HeadsetState, LONGEST_LABEL, StreamReport},
};

/// How long a notice stays.
const NOTICE: Duration = Duration::from_secs(6);
/// By so much a time of a station may be ahead of the lab's.
const CLOCK_ERROR: SignedDuration = SignedDuration::from_secs(5);
/// Below so many rows a station has them for its head.
const SMALL: u16 = 28;
/// Pointer, mark and a blank, before the columns.
const MARKS: usize = 3;
/// Cells for a time of day and a blank.
const TIME: usize = 9;
/// Below so many cells within the frame columns are shorter.
const NARROW: usize = 44;
/// Cells for the keys in the help.
const KEYS: usize = 13;

type LabColumn = TableColumn<fn(&LabPainter<'_>, &LabRow<'_>) -> TableCell, LabSort>;

/// A column whose text stands at the left.
const fn left(
    (title, width, rank): (&'static str, usize, u8),
    sort: Option<LabSort>,
    cell: fn(&LabPainter<'_>, &LabRow<'_>) -> TableCell,
) -> LabColumn {
    TableColumn { title, width, rank, right: false, sort, cell }
}

/// A column of numbers.
const fn right(
    (title, width, rank): (&'static str, usize, u8),
    sort: Option<LabSort>,
    cell: fn(&LabPainter<'_>, &LabRow<'_>) -> TableCell,
) -> LabColumn {
    TableColumn { right: true, ..left((title, width, rank), sort, cell) }
}

const COLUMNS: [LabColumn; 12] = [
    left(("station", 10, 0), Some(LabSort::Station), name),
    left(("headset", 14, 1), Some(LabSort::Headset), id),
    left(("name", 12, 10), Some(LabSort::Name), custom_name),
    left(("model", 9, 9), Some(LabSort::Model), model),
    left(("state", 13, 2), Some(LabSort::State), state),
    right(("batt", 4, 6), Some(LabSort::Battery), battery),
    right(("cq", 4, 11), Some(LabSort::Overall), overall),
    left(("contact", 12, 3), Some(LabSort::Contact), contact),
    right(("Hz", 7, 4), Some(LabSort::Rate), rate),
    right(("loss", 5, 5), Some(LabSort::Loss), loss),
    right(("heard", 6, 7), Some(LabSort::Age), heard),
    left(("session", 9, 8), Some(LabSort::Session), session),
];

/// What all parts need to draw.
struct LabPainter<'a> {
    lab: &'a Lab,
    theme: &'a Theme,
    zone: &'a TimeZone,
}

/// Draws the whole screen.
pub(super) fn draw(
    lab: &Lab,
    theme: &Theme,
    zone: &TimeZone,
    outline: &mut OutlineCache,
    area: Rect,
    buffer: &mut Buffer,
) {
    let painter = LabPainter { lab, theme, zone };
    if area.width < layout::SMALLEST.0 || area.height < layout::SMALLEST.1 {
        let lines =
            paint::sentence(&layout::too_small(area), area.width, theme.style(ThemeToken::Text));
        return paint::lines(&lines, area, buffer);
    }
    let header = Rect { height: 1, ..area };
    let footer = Rect { y: area.bottom() - 1, height: 1, ..area };
    let body = Rect { y: area.y + 1, height: area.height - 2, ..area };
    let log = match (lab.focus, lab.opened.is_some(), body.height) {
        (LabPane::Log, _, height) => (height * 2 / 3).max(4),
        (LabPane::Rows, true, ..SMALL) => 3,
        (LabPane::Rows, true, _) => 4,
        (LabPane::Rows, false, height) => (height / 4).max(4),
    };
    // Panes share a border.
    let upper = Rect { height: body.height - log + 1, ..body };
    let lower = Rect { y: body.bottom() - log, height: log, ..body };
    let rows = lab.rows();
    paint::line(&painter.header(header.width), header, buffer);
    if lab.opened.is_some() {
        station::draw(&painter, &rows, outline, upper, buffer);
    } else {
        painter.overview(&rows, upper, buffer);
    }
    painter.log(lower, buffer);
    paint::line(&painter.footer(footer.width), footer, buffer);
    if let Some(scroll) = &lab.help {
        painter.help(scroll, area, buffer);
    }
}

impl LabPainter<'_> {
    fn span(&self, token: ThemeToken, text: impl Into<String>) -> Span<'static> {
        Span::styled(text.into(), self.theme.style(token))
    }

    fn since(&self, moment: Instant) -> Duration {
        self.lab.now.instant.saturating_duration_since(moment)
    }

    /// A time of today, or a date with its time, of seconds since 1970. Nothing of a station is later
    /// than now, but for the error of its clock.
    fn clock(&self, seconds: f64) -> Option<String> {
        let time =
            Timestamp::from_duration(SignedDuration::try_from_secs_f64(seconds).ok()?).ok()?;
        let now = self.lab.now.wall;
        if time.duration_since(now) > CLOCK_ERROR {
            return None;
        }
        let (day, today) = (time.to_zoned(self.zone.clone()), now.to_zoned(self.zone.clone()));
        Some(if day.date() == today.date() {
            text::time_of_day(time, self.zone)
        } else {
            day.strftime("%-d %b %Y %H:%M").to_string()
        })
    }

    fn header(&self, width: u16) -> Line<'static> {
        let lab = self.lab;
        let stations = lab.book.stations();
        let count = |is: fn(StationPresence) -> bool| {
            stations.values().filter(|own| is(own.presence(lab.now.instant))).count()
        };
        let heard = count(|presence| presence == StationPresence::Live);
        let gone = count(|presence| matches!(presence, StationPresence::Gone(_)));
        let silent = count(|presence| matches!(presence, StationPresence::Silent(_)));
        let awaited = count(|presence| presence == StationPresence::Unconfirmed);
        let headsets: usize = stations.values().map(|own| own.headsets().count()).sum();
        let (beyond, beyond_headsets) = lab.book.beyond();
        let (malformed, _) = lab.book.malformed();
        let is_connected = lab.link == BrokerLink::Connected;
        let broker = match &lab.link {
            BrokerLink::Connecting => (ThemeToken::Poor, "◐ connecting".to_owned()),
            BrokerLink::Connected => (ThemeToken::Good, "● connected".to_owned()),
            BrokerLink::Lost(_, until) => {
                let left = until.saturating_duration_since(lab.now.instant).as_secs();
                (ThemeToken::Bad, format!("✖ no broker, again in {left} s"))
            }
        };
        let bad = |count: u64, what: &str| {
            let text = if count > 0 { format!("{count} {what}") } else { String::new() };
            (ThemeToken::Bad, text)
        };
        // An item that has no room is left out.
        let items = [
            broker,
            (ThemeToken::Text, format!("{heard}/{} stations", stations.len())),
            bad(gone as u64, "gone"),
            bad(silent as u64, "silent"),
            (
                ThemeToken::Stale,
                if is_connected && awaited > 0 {
                    format!("{awaited} {}", self.unconfirmed())
                } else {
                    String::new()
                },
            ),
            (ThemeToken::Text, counted(headsets, "headset")),
            bad(beyond as u64, "stations more"),
            bad(beyond_headsets, "headsets more"),
            bad(malformed, "malformed"),
            (ThemeToken::Dim, lab.settings.broker.clone()),
        ];
        let mut line = Line::from(self.span(ThemeToken::Title, "cortop lab"));
        for (token, text) in items.into_iter().filter(|(_, text)| !text.is_empty()) {
            let text = text::clean(&text);
            let cells = text::cells(glyphs::SEPARATOR) + text::cells(&text);
            if line.width() + cells <= usize::from(width) {
                line.push_span(self.span(ThemeToken::Dim, glyphs::SEPARATOR));
                line.push_span(self.span(token, text));
            }
        }
        let clock = text::time_of_day(lab.now.wall, self.zone);
        let room = usize::from(width).saturating_sub(line.width());
        if room > clock.len() {
            line.push_span(self.span(ThemeToken::Dim, format!("{clock:>room$}")));
        }
        line
    }

    fn footer(&self, width: u16) -> Line<'static> {
        let lab = self.lab;
        if let Some(input) = &lab.input {
            let (asks, input) = match input {
                LabInput::Filter(input) => ("filter: ".to_owned(), input),
                LabInput::Marker(input) => {
                    let stations = stations(lab.accepting().len());
                    (format!("marker to {stations}, its label: "), input)
                }
            };
            let problem = lab.input.as_ref().and_then(LabInput::label_problem);
            let (token, asks) = match problem {
                Some(BadLabel::Long(length)) => {
                    (ThemeToken::Bad, format!("{length} of {LONGEST_LABEL} bytes, too long: "))
                }
                _ => (ThemeToken::Key, asks),
            };
            let room = usize::from(width).saturating_sub(text::cells(&asks) + 1);
            let typed = text::fit(&text::clean(input.text()), room);
            return Line::from(vec![
                self.span(token, asks),
                self.span(ThemeToken::Text, format!("{typed}_")),
            ]);
        }
        let notice_age = |at: Timestamp| lab.now.wall.duration_since(at);
        if let Some((said, is_problem, at)) = &lab.notice
            && notice_age(*at) < SignedDuration::try_from(NOTICE).unwrap_or_default()
        {
            let (token, mark) = if *is_problem {
                (ThemeToken::Bad, glyphs::PROBLEM)
            } else {
                (ThemeToken::Text, glyphs::SELECTED)
            };
            let said = text::fit(&text::clean(said), usize::from(width).saturating_sub(2));
            return Line::from(self.span(token, format!("{mark} {said}")));
        }
        let hints = TABLE.iter().filter_map(|row| Some((row.keys.first()?.to_string(), row.hint?)));
        let back = lab.opened.is_some().then(|| ("Esc".to_owned(), "all stations"));
        back.into_iter()
            .chain(hints.filter(|(_, hint)| lab.opened.is_none() || *hint != "open"))
            .flat_map(|(key, hint)| {
                let hint = self.span(ThemeToken::Dim, format!(" {hint}  "));
                [self.span(ThemeToken::Key, key), hint]
            })
            .collect()
    }

    fn overview(&self, rows: &[LabRow<'_>], area: Rect, buffer: &mut Buffer) {
        let by = COLUMNS.iter().find(|column| column.sort == Some(self.lab.sort));
        let mut title =
            format!("{}sorted by {}", glyphs::SEPARATOR, by.map_or("", |column| column.title));
        if !self.lab.filter.is_empty() {
            let shown = text::clean(&self.lab.filter);
            title = format!("{}only \"{shown}\"{title}", glyphs::SEPARATOR);
        }
        let title = Line::from(self.span(ThemeToken::Dim, title));
        let heading = heading_of(1, "headsets of all stations");
        let is_focused = self.lab.focus == LabPane::Rows;
        let inside = context::frame(self.theme, is_focused, &heading, title, area, buffer);
        if rows.is_empty() {
            let says = self.nothing();
            let lines = paint::sentence(&says, inside.width, self.theme.style(ThemeToken::Dim));
            return paint::lines(&lines, inside, buffer);
        }
        let columns = fitting(inside.width);
        let titles =
            table::titles(|token, text| self.span(token, text), MARKS, &columns, self.lab.sort);
        paint::line(&titles, Rect { height: 1, ..inside }.intersection(inside), buffer);
        let body = Rect { y: inside.y + 1, height: inside.height.saturating_sub(1), ..inside };
        let selected = self.lab.selected(rows);
        let skip = (selected + 1).saturating_sub(usize::from(body.height));
        let seen = rows.iter().enumerate().skip(skip).take(body.height.into());
        let lines: Vec<_> =
            seen.map(|(at, row)| self.line(row, at == selected, &columns, inside.width)).collect();
        paint::lines(&lines, body, buffer);
        context::mark_more(self.theme, skip, rows.len(), body, buffer);
    }

    /// What is said where there is no row.
    fn nothing(&self) -> String {
        match &self.lab.link {
            BrokerLink::Lost(why, _) => why.clone(),
            BrokerLink::Connecting => "connecting to the broker".to_owned(),
            BrokerLink::Connected if !self.lab.filter.is_empty() => {
                "no row has this: Esc shows all".to_owned()
            }
            BrokerLink::Connected => format!(
                "no station yet: start one with cortop station --broker {}",
                self.lab.settings.broker
            ),
        }
    }

    fn line(
        &self,
        row: &LabRow<'_>,
        is_selected: bool,
        columns: &[(&LabColumn, usize)],
        width: u16,
    ) -> Line<'static> {
        let pointer = if is_selected { glyphs::SELECTED } else { " " };
        let (token, mark) = mark(row);
        let mut line = Line::from(vec![
            self.span(ThemeToken::Focus, pointer),
            self.span(token, format!("{mark} ")),
        ]);
        let instead = self.instead(row);
        for &(column, cells) in columns {
            if let (Some((token, text)), Some(LabSort::State)) = (&instead, column.sort) {
                // At the edge stands whether there is more.
                let rest = usize::from(width).saturating_sub(line.width() + 1);
                line.push_span(self.span(*token, text::fit(text, rest)));
                break;
            }
            let (token, text) = (column.cell)(self, row);
            let token = if is_selected && column.rank < 2 { ThemeToken::Selection } else { token };
            // The end distinguishes ids.
            let text = if column.sort == Some(LabSort::Headset) {
                text::fit_id(&text, cells)
            } else {
                text
            };
            line.push_span(self.span(token, column.place(&text, cells)));
            line.push_span(Span::raw(" "));
        }
        line
    }

    /// What is said of a station that was not heard over this connection.
    fn unconfirmed(&self) -> &'static str {
        if self.lab.link == BrokerLink::Connected { "not heard yet" } else { "no broker" }
    }

    /// What stands in place of the columns of a headset, where there is nothing in them.
    fn instead(&self, row: &LabRow<'_>) -> Option<TableCell> {
        if let Some(outage) = self.outage(row) {
            return Some((ThemeToken::Bad, outage));
        }
        let state = row.station.state.as_ref().filter(|_| row.is_live())?;
        let words = text::clean(&state.cortex);
        let text = match row.headset {
            // What it waits for.
            None if words.starts_with("no headset") => words,
            None => format!("no headset{}{words}", glyphs::SEPARATOR),
            Some(own) if own.state.condition == HeadsetCondition::NoService => words,
            Some(_) => return None,
        };
        Some((ThemeToken::Dim, text))
    }

    /// That the station of a row does not reach Cortex, since when and why.
    fn outage(&self, row: &LabRow<'_>) -> Option<String> {
        let (since, why) = row.outage()?;
        let since = self.clock(since).map(|at| format!(" since {at}")).unwrap_or_default();
        Some(text::clean(&format!("Cortex not reached{since}: {why}")))
    }

    /// Alerts and events, the newest last; whole lines while it has the focus.
    fn log(&self, area: Rect, buffer: &mut Buffer) {
        let lab = self.lab;
        let is_focused = lab.focus == LabPane::Log;
        let all = lab.log.len();
        let height = usize::from(area.height.saturating_sub(2));
        // The oldest lines fill the pane, too.
        let end = all.saturating_sub(lab.back).max(height.min(all));
        let title = match all - end {
            0 => String::new(),
            newer => format!("{}{newer} newer below", glyphs::SEPARATOR),
        };
        let title = Line::from(self.span(ThemeToken::Dim, title));
        let heading = heading_of(2, "log");
        let inside = context::frame(self.theme, is_focused, &heading, title, area, buffer);
        let mut lines = VecDeque::new();
        for line in lab.log.range(..end).rev() {
            // At the edge stands whether there is more.
            let mut own = self.log_lines(line, inside.width.saturating_sub(1), is_focused);
            let room = height.saturating_sub(lines.len());
            if own.len() > room {
                // Of the newest one the beginning is seen.
                own.truncate(if lines.is_empty() { room } else { 0 });
            }
            if own.is_empty() {
                break;
            }
            own.into_iter().rev().for_each(|own| lines.push_front(own));
        }
        paint::lines(lines.make_contiguous(), inside, buffer);
        context::mark_more(self.theme, end.saturating_sub(lines.len()), end, inside, buffer);
    }

    /// A line of the log: cut, or over as many rows as it needs.
    fn log_lines(&self, line: &LabLine, width: u16, is_whole: bool) -> Vec<Line<'static>> {
        let (token, mark) = if line.is_problem {
            (ThemeToken::Bad, glyphs::PROBLEM)
        } else {
            (ThemeToken::Text, " ")
        };
        let room = usize::from(width).saturating_sub(TIME + 2);
        let said = text::clean(&line.text);
        let rows = if is_whole { text::wrap(&said, room) } else { vec![text::fit(&said, room)] };
        let time = text::time_of_day(line.at, self.zone);
        let row = |(at, said): (usize, String)| {
            let front = if at == 0 { format!("{time} ") } else { " ".repeat(TIME) };
            let mark = if at == 0 { mark } else { " " };
            Line::from(vec![
                self.span(ThemeToken::Dim, front),
                self.span(token, format!("{mark} {said}")),
            ])
        };
        rows.into_iter().enumerate().map(row).collect()
    }

    fn help(&self, scroll: &Scroll, area: Rect, buffer: &mut Buffer) {
        Clear.render(area, buffer);
        let block = Block::bordered()
            .border_style(self.theme.style(ThemeToken::Focus))
            .title(" keys ")
            .title_bottom(" ? or Esc closes ");
        let inside = block.inner(area);
        block.render(area, buffer);
        // At the edge stands whether there is more.
        let room = usize::from(inside.width).saturating_sub(KEYS + 2);
        let rows = |row: &crate::lab::LabBinding| {
            let keys: Vec<_> = row.keys.iter().map(ToString::to_string).collect();
            let mut keys = keys.join(" ");
            let rows = text::wrap(row.help, room).into_iter().map(|said| {
                Line::from(vec![
                    self.span(ThemeToken::Key, text::pad(&std::mem::take(&mut keys), KEYS)),
                    self.span(ThemeToken::Text, format!(" {said}")),
                ])
            });
            rows.collect::<Vec<_>>()
        };
        let lines: Vec<_> = TABLE.iter().flat_map(rows).collect();
        let first = scroll.first(lines.len(), inside.height.into());
        paint::lines(&lines[first..], inside, buffer);
        context::mark_more(self.theme, first, lines.len(), inside, buffer);
    }
}

/// So many columns as fit; on narrow screens they are shorter, so that the state is among them.
fn fitting(width: u16) -> Vec<(&'static LabColumn, usize)> {
    let is_narrow = usize::from(width) < NARROW;
    table::fitting(&COLUMNS, MARKS, width.into(), |column| match column.sort {
        Some(LabSort::Station) if is_narrow => 8,
        Some(LabSort::Headset) if is_narrow => 10,
        _ => column.width,
    })
}

/// What is of now looks so; what is not never does.
const fn live(row: &LabRow<'_>, token: ThemeToken) -> ThemeToken {
    if row.is_live() { token } else { ThemeToken::Stale }
}

fn mark(row: &LabRow<'_>) -> (ThemeToken, &'static str) {
    match (row.presence, row.state().map(|own| own.condition)) {
        (StationPresence::Gone(_) | StationPresence::Silent(_), _) => {
            (ThemeToken::Bad, glyphs::PROBLEM)
        }
        (StationPresence::Unconfirmed, _) => (ThemeToken::Stale, glyphs::OFF),
        (StationPresence::Live, _) if row.outage().is_some() => (ThemeToken::Bad, glyphs::PROBLEM),
        (StationPresence::Live, Some(condition)) => mark_of(condition),
        (StationPresence::Live, None) => (ThemeToken::Dim, glyphs::OFF),
    }
}

/// How a condition is marked.
const fn mark_of(condition: HeadsetCondition) -> (ThemeToken, &'static str) {
    match condition {
        HeadsetCondition::Streaming => (ThemeToken::Good, glyphs::ON),
        HeadsetCondition::Stale | HeadsetCondition::RateOff | HeadsetCondition::UsbCable => {
            (ThemeToken::Bad, glyphs::PROBLEM)
        }
        HeadsetCondition::NoData | HeadsetCondition::Connecting => {
            (ThemeToken::Poor, glyphs::PENDING)
        }
        HeadsetCondition::NoService
        | HeadsetCondition::Connected
        | HeadsetCondition::Discovered
        | HeadsetCondition::Unknown => (ThemeToken::Dim, glyphs::OFF),
    }
}

fn unknown() -> TableCell {
    (ThemeToken::Dim, glyphs::UNKNOWN.to_owned())
}

fn name(_: &LabPainter<'_>, row: &LabRow<'_>) -> TableCell {
    (live(row, ThemeToken::Title), row.name.as_str().to_owned())
}

fn id(_: &LabPainter<'_>, row: &LabRow<'_>) -> TableCell {
    row.headset.map_or_else(unknown, |own| {
        (live(row, ThemeToken::Title), own.state.headset.as_str().to_owned())
    })
}

/// Of what the station says of the headset.
fn of_headset(
    row: &LabRow<'_>,
    cell: impl FnOnce(&HeadsetState) -> Option<TableCell>,
) -> TableCell {
    row.state().and_then(cell).map_or_else(unknown, |(token, text)| (live(row, token), text))
}

fn of_main(row: &LabRow<'_>, cell: impl FnOnce(&StreamReport) -> Option<TableCell>) -> TableCell {
    of_headset(row, |state| main_stream(state).and_then(cell))
}

fn custom_name(_: &LabPainter<'_>, row: &LabRow<'_>) -> TableCell {
    of_headset(row, |state| Some((ThemeToken::Text, state.name.as_str().to_owned())))
}

fn model(_: &LabPainter<'_>, row: &LabRow<'_>) -> TableCell {
    of_headset(row, |state| Some((ThemeToken::Dim, state.model.as_str().to_owned())))
}

fn state(painter: &LabPainter<'_>, row: &LabRow<'_>) -> TableCell {
    match row.presence {
        StationPresence::Gone(at) => {
            let at = at.and_then(|at| painter.clock(at));
            (ThemeToken::Bad, at.map_or_else(|| "gone".to_owned(), |at| format!("gone {at}")))
        }
        StationPresence::Silent(since) => {
            let age = since.map(|since| format!(" {}", text::brief_age(painter.since(since))));
            (ThemeToken::Bad, format!("silent{}", age.unwrap_or_default()))
        }
        StationPresence::Unconfirmed => (ThemeToken::Stale, painter.unconfirmed().to_owned()),
        StationPresence::Live => {
            row.state().map_or((ThemeToken::Dim, row.state_word().to_owned()), |own| {
                let text = match own.streams.iter().find(|own| own.stale_since.is_some()) {
                    Some(stream) if own.condition == HeadsetCondition::Stale => {
                        format!("STALE {}", stream.name)
                    }
                    _ => condition_word(own.condition).to_owned(),
                };
                let (token, _) = mark_of(own.condition);
                (token, text)
            })
        }
    }
}

fn battery(_: &LabPainter<'_>, row: &LabRow<'_>) -> TableCell {
    of_headset(row, |state| {
        let percent = state.battery?;
        let token = if percent < 20 { ThemeToken::Bad } else { ThemeToken::Text };
        Some((token, format!("{percent}%")))
    })
}

fn overall(_: &LabPainter<'_>, row: &LabRow<'_>) -> TableCell {
    of_headset(row, |state| Some((ThemeToken::Text, format!("{}%", state.contact?))))
}

fn contact(_: &LabPainter<'_>, row: &LabRow<'_>) -> TableCell {
    let Some((sensor, level, defect)) = row.worst() else { return unknown() };
    let (token, text) = match defect {
        Some(defect) => (ThemeToken::Bad, format!("{sensor} {defect}")),
        None => match levels::level_word(level.map(f64::from)) {
            (ThemeToken::Good, ..) => (ThemeToken::Good, "all good".to_owned()),
            (token, _, word) => (token, format!("{sensor} {word}")),
        },
    };
    (live(row, token), text)
}

fn rate(_: &LabPainter<'_>, row: &LabRow<'_>) -> TableCell {
    of_main(row, |main| {
        let is_off = row.state().is_some_and(|own| own.condition == HeadsetCondition::RateOff);
        let token = match main.stale_since {
            Some(_) => ThemeToken::Stale,
            None if is_off => ThemeToken::Bad,
            None => ThemeToken::Text,
        };
        let number = |rate: Option<f32>| {
            rate.map_or_else(|| glyphs::UNKNOWN.to_owned(), |rate| text::rate(rate.into()))
        };
        Some((token, format!("{}/{}", number(main.rate), number(main.nominal))))
    })
}

fn loss(_: &LabPainter<'_>, row: &LabRow<'_>) -> TableCell {
    of_main(row, |main| {
        let lost = main.loss?;
        let token = if lost > 0.0 { ThemeToken::Bad } else { ThemeToken::Text };
        Some((token, format!("{lost:.1}%")))
    })
}

/// When the station was heard last: by the arrival at this computer.
fn heard(painter: &LabPainter<'_>, row: &LabRow<'_>) -> TableCell {
    row.station.heard().map_or_else(unknown, |heard| {
        (live(row, ThemeToken::Text), text::brief_age(painter.since(heard)))
    })
}

fn session(_: &LabPainter<'_>, row: &LabRow<'_>) -> TableCell {
    of_headset(row, |state| {
        let session = state.session.as_ref()?;
        Some(if session.recording {
            (ThemeToken::Changed, "recording".to_owned())
        } else {
            (ThemeToken::Text, session.status.as_str().to_owned())
        })
    })
}
