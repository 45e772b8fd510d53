//! The columns of the tables and the content of their cells.

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    text::{Line, Span},
};

use super::LabPainter;
use crate::{
    lab::{DEVICE, LabRow, LabSort, condition_word, main_stream},
    ui::{
        context, glyphs, paint,
        streams::levels,
        table::{self, TableCell, TableColumn},
        text,
        theme::ThemeToken,
    },
};
use cortop_mqtt::{
    book::{StationHeadset, StationPresence},
    payload::{HeadsetCondition, HeadsetState, StreamReport},
};

/// Cells before the columns: pointer, mark and a blank.
pub(super) const MARKS: usize = 3;
/// If there are fewer cells than this within the frame, columns are shorter.
const NARROW: usize = 44;

pub(super) type LabColumn = TableColumn<fn(&LabPainter<'_>, &LabRow<'_>) -> TableCell, LabSort>;

/// A left-aligned column.
const fn left(
    (title, width, rank): (&'static str, usize, u8),
    sort: Option<LabSort>,
    cell: fn(&LabPainter<'_>, &LabRow<'_>) -> TableCell,
) -> LabColumn {
    TableColumn { title, width, rank, right: false, sort, cell }
}

/// A right-aligned column, for numbers.
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

/// The text of a cell, and shorter and shorter versions to use if it does not fit.
struct CellTexts {
    token: ThemeToken,
    long: String,
    shorter: Vec<String>,
}

/// The texts of a row: those of its columns, and one in place of the columns that follow.
struct RowTexts {
    cells: Vec<CellTexts>,
    instead: Option<TableCell>,
}

impl LabPainter<'_> {
    /// Draws a table of rows with these columns and their titles. The selected row stays visible.
    pub(super) fn table(
        &self,
        rows: &[LabRow<'_>],
        mut columns: Vec<(&LabColumn, usize)>,
        area: Rect,
        buffer: &mut Buffer,
    ) {
        let body = Rect { y: area.y + 1, height: area.height.saturating_sub(1), ..area };
        let selected = self.lab.selected(rows);
        let skip = (selected + 1).saturating_sub(usize::from(body.height));
        let seen: Vec<_> = rows.iter().enumerate().skip(skip).take(body.height.into()).collect();
        let texts: Vec<_> = seen.iter().map(|(_, row)| self.texts(row, &columns)).collect();
        let need = |place: usize| {
            let wide = texts.iter().filter_map(|own| own.cells.get(place));
            wide.map(|own| text::cells(&own.long)).max().unwrap_or_default()
        };
        let needs: Vec<_> = (0..columns.len()).map(need).collect();
        let used: usize = columns.iter().map(|(_, width)| width + 1).sum();
        let spare = usize::from(area.width).saturating_sub(MARKS + used);
        table::widen(&mut columns, &needs, spare);
        let titles =
            table::titles(|token, text| self.span(token, text), MARKS, &columns, self.lab.sort);
        paint::line(&titles, Rect { height: 1, ..area }.intersection(area), buffer);
        let lines = seen
            .iter()
            .zip(texts)
            .map(|((at, row), texts)| self.line(row, *at == selected, &columns, texts, area.width));
        paint::lines(&lines.collect::<Vec<_>>(), body, buffer);
        context::mark_more(self.theme, skip, rows.len(), body, buffer);
    }

    /// The texts of a row.
    fn texts(&self, row: &LabRow<'_>, columns: &[(&LabColumn, usize)]) -> RowTexts {
        let instead = self.instead(row);
        let is_replaced =
            |column: &LabColumn| instead.is_some() && column.sort == Some(LabSort::State);
        let cells = columns.iter().take_while(|(column, _)| !is_replaced(column));
        let cells = cells.map(|(column, _)| {
            let (token, long) = (column.cell)(self, row);
            let shorter = match column.sort {
                Some(LabSort::State) => self.shorter_states(row),
                _ => Vec::new(),
            };
            CellTexts { token, long: text::clean(&long), shorter }
        });
        RowTexts { cells: cells.collect(), instead }
    }

    fn line(
        &self,
        row: &LabRow<'_>,
        is_selected: bool,
        columns: &[(&LabColumn, usize)],
        texts: RowTexts,
        width: u16,
    ) -> Line<'static> {
        let pointer = if is_selected { glyphs::SELECTED } else { " " };
        let (token, mark) = mark(row);
        let mut line = Line::from(vec![
            self.span(ThemeToken::Focus, pointer),
            self.span(token, format!("{mark} ")),
        ]);
        for (&(column, cells), CellTexts { token, long, shorter }) in
            columns.iter().zip(texts.cells)
        {
            let token = if is_selected && column.rank < 2 { ThemeToken::Selection } else { token };
            let text = if column.sort == Some(LabSort::Headset) {
                // Ids differ in their ends.
                text::fit_id(&long, cells)
            } else if text::cells(&long) <= cells {
                long
            } else {
                let last = shorter.last().cloned();
                let short = shorter.into_iter().find(|own| text::cells(own) <= cells);
                short.or(last).unwrap_or(long)
            };
            line.push_span(self.span(token, column.place(&text, cells)));
            line.push_span(Span::raw(" "));
        }
        if let Some((token, text)) = texts.instead {
            // The last cell stays free for the mark that there are more rows.
            let rest = usize::from(width).saturating_sub(line.width() + 1);
            line.push_span(self.span(token, text::fit(&text, rest)));
        }
        line
    }

    /// Shorter versions of a row's state, the longest first.
    fn shorter_states(&self, row: &LabRow<'_>) -> Vec<String> {
        let stale = row.staleness().filter(|_| is_stale(row));
        let since = stale.and_then(|own| self.clock(own.since));
        let since = since.map(|since| format!("{} {since}", row.state_word()));
        since.into_iter().chain([short_state(row)]).collect()
    }

    /// The text in place of a headset's columns, if they would be empty.
    pub(super) fn instead(&self, row: &LabRow<'_>) -> Option<TableCell> {
        if let Some(outage) = self.outage(row) {
            return Some((ThemeToken::Bad, outage));
        }
        let state = row.station.state.as_ref().filter(|_| row.is_live())?;
        let words = text::clean(&state.cortex);
        let text = match row.headset {
            // The words say what the station waits for.
            None if words.starts_with("no headset") => words,
            None => format!("no headset{}{words}", glyphs::SEPARATOR),
            Some(own) if own.state.condition == HeadsetCondition::NoService => words,
            // The station uses none of its headsets: each row says why.
            Some(own) if is_idle(own) && row.station.headsets().all(is_idle) => {
                format!("{}{}{words}", condition_word(own.state.condition), glyphs::SEPARATOR)
            }
            Some(_) => return None,
        };
        Some((ThemeToken::Dim, text))
    }

    /// The text that the row's station cannot reach Cortex, since when and why; `None` if it can.
    pub(super) fn outage(&self, row: &LabRow<'_>) -> Option<String> {
        let (since, why) = row.outage()?;
        let since = self.clock(since).map(|at| format!(" since {at}")).unwrap_or_default();
        Some(text::clean(&format!("Cortex not reached{since}: {why}")))
    }
}

/// The columns that fit. On narrow screens some are shorter, so that the state fits, too.
pub(super) fn fitting(width: u16) -> Vec<(&'static LabColumn, usize)> {
    let is_narrow = usize::from(width) < NARROW;
    table::fitting(&COLUMNS, MARKS, width.into(), |column| match column.sort {
        Some(LabSort::Station) if is_narrow => 8,
        Some(LabSort::Headset) if is_narrow => 10,
        _ => column.width,
    })
}

/// Whether the station sees a headset without using it, so that it has no values.
const fn is_idle(own: &StationHeadset) -> bool {
    use HeadsetCondition as Condition;
    matches!(
        own.state.condition,
        Condition::UsbCable | Condition::Connecting | Condition::Connected | Condition::Discovered
    )
}

/// Replaces the style of values that are not current: old values must never look live.
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

/// The mark of a condition.
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

/// A cell made from the state of the row's headset.
fn of_headset(
    row: &LabRow<'_>,
    cell: impl FnOnce(&HeadsetState) -> Option<TableCell>,
) -> TableCell {
    row.state().and_then(cell).map_or_else(unknown, |(token, text)| (live(row, token), text))
}

/// A cell made from values of the stream `dev`; it looks old while that stream is stale.
fn of_device(row: &LabRow<'_>, cell: impl FnOnce(&HeadsetState) -> Option<TableCell>) -> TableCell {
    let (token, text) = of_headset(row, cell);
    (if row.has_fresh(DEVICE) { token } else { ThemeToken::Stale }, text)
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
    let (token, since) = match row.presence {
        StationPresence::Gone(at) => (ThemeToken::Bad, painter.departure(at)),
        StationPresence::Silent(Some(since)) => {
            (ThemeToken::Bad, Some(text::brief_age(painter.since(since))))
        }
        StationPresence::Silent(None) => (ThemeToken::Bad, painter.kept(row)),
        StationPresence::Unconfirmed => {
            return (ThemeToken::Stale, painter.unconfirmed().to_owned());
        }
        StationPresence::Live => {
            let token = row.state().map_or(ThemeToken::Dim, |own| mark_of(own.condition).0);
            let stale = row.staleness().filter(|_| is_stale(row));
            (token, stale.and_then(|own| painter.clock(own.since)))
        }
    };
    let since = since.map(|since| format!(" {since}")).unwrap_or_default();
    (token, short_state(row) + &since)
}

/// The state of a row, without a time.
fn short_state(row: &LabRow<'_>) -> String {
    match row.staleness().filter(|_| is_stale(row)).and_then(|own| own.stream) {
        Some(stream) => format!("{} {}", row.state_word(), text::clean(stream)),
        None => row.state_word().to_owned(),
    }
}

/// Whether the state of a row is `STALE`: streams have stopped.
fn is_stale(row: &LabRow<'_>) -> bool {
    let condition = row.state().map(|own| own.condition);
    row.is_live() && row.outage().is_none() && condition == Some(HeadsetCondition::Stale)
}

fn battery(_: &LabPainter<'_>, row: &LabRow<'_>) -> TableCell {
    of_device(row, |state| {
        let percent = state.battery?;
        let token = if percent < 20 { ThemeToken::Bad } else { ThemeToken::Text };
        Some((token, format!("{percent}%")))
    })
}

fn overall(_: &LabPainter<'_>, row: &LabRow<'_>) -> TableCell {
    of_device(row, |state| Some((ThemeToken::Text, format!("{}%", state.contact?))))
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
    (if row.has_fresh(DEVICE) { token } else { ThemeToken::Stale }, text)
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
        let token = match main.stale_since {
            Some(_) => ThemeToken::Stale,
            None if lost > 0.0 => ThemeToken::Bad,
            None => ThemeToken::Text,
        };
        Some((token, format!("{lost:.1}%")))
    })
}

/// How long ago the station was last heard, by the arrival of its messages at this computer.
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
