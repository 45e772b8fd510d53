//! A row of the tables: its columns and what stands in them.

use ratatui::text::{Line, Span};

use super::LabPainter;
use crate::{
    lab::{LabRow, LabSort, condition_word, main_stream},
    ui::{
        glyphs,
        streams::levels,
        table::{self, TableCell, TableColumn},
        text,
        theme::ThemeToken,
    },
};
use cortop_mqtt::{
    book::StationPresence,
    payload::{HeadsetCondition, HeadsetState, StreamReport},
};

/// Pointer, mark and a blank, before the columns.
pub(super) const MARKS: usize = 3;
/// Below so many cells within the frame columns are shorter.
const NARROW: usize = 44;

pub(super) type LabColumn = TableColumn<fn(&LabPainter<'_>, &LabRow<'_>) -> TableCell, LabSort>;

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
pub(super) const COLUMNS: [LabColumn; 12] = [
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

impl LabPainter<'_> {
    pub(super) fn line(
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

    /// What stands in place of the columns of a headset, where there is nothing in them.
    pub(super) fn instead(&self, row: &LabRow<'_>) -> Option<TableCell> {
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
    pub(super) fn outage(&self, row: &LabRow<'_>) -> Option<String> {
        let (since, why) = row.outage()?;
        let since = self.clock(since).map(|at| format!(" since {at}")).unwrap_or_default();
        Some(text::clean(&format!("Cortex not reached{since}: {why}")))
    }
}

/// So many columns as fit; on narrow screens they are shorter, so that the state is among them.
pub(super) fn fitting(width: u16) -> Vec<(&'static LabColumn, usize)> {
    let is_narrow = usize::from(width) < NARROW;
    table::fitting(&COLUMNS, MARKS, width.into(), |column| match column.sort {
        Some(LabSort::Station) if is_narrow => 8,
        Some(LabSort::Headset) if is_narrow => 10,
        _ => column.width,
    })
}

/// What is of now looks so; what is not never does.
pub(super) const fn live(row: &LabRow<'_>, token: ThemeToken) -> ThemeToken {
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
