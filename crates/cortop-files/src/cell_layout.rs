//! How the cells of a table's rows stand under its names. The first rows show it; what they leave open
//! is not guessed.

use std::{collections::BTreeMap, iter};

use crate::{
    cell::{Cell, is_comment},
    header::{ColumnKind, FileColumn, Header},
    lines::{self, LineReader, cells},
};

/// Rows that are looked at.
const LOOKED_AT: usize = 64;

/// What holds whole numbers in all exports.
const WHOLE: [ColumnKind; 7] = [
    ColumnKind::Counter,
    ColumnKind::MotionCounter,
    ColumnKind::Interpolated,
    ColumnKind::MarkerIndex,
    ColumnKind::MarkerType,
    ColumnKind::MarkerValue,
    ColumnKind::MarkerFlag,
];

/// How cells stand under names.
pub(crate) struct CellLayout {
    /// Names, those that are empty among them.
    names: usize,
    /// Cells of a row that is not cut off, and those that all of its names need.
    least: usize,
    full: usize,
    /// A number or name of the row stands before the cells, which no name stands for.
    is_numbered: bool,
    /// Which columns stand in two cells, because decimal commas separate these.
    split: Vec<bool>,
}

impl CellLayout {
    /// That of the rows that come next, and a sentence about what is odd in it.
    pub(crate) fn of(
        header: &Header,
        separator: char,
        lines: &mut LineReader,
    ) -> (Self, Option<String>) {
        let (names, full) = widths(header);
        let plain = Self { names, least: full, full, is_numbered: false, split: Vec::new() };
        let rows = lines.look_ahead(LOOKED_AT).filter(|line| !is_comment(line));
        let rows: Vec<_> = rows.map(|line| cells(line, separator)).collect();
        let has_number = |row: &&Vec<String>| row.iter().any(|own| lines::number(own).is_some());
        let rows: Vec<_> = rows.iter().filter(has_number).collect();
        let width = |row: &Vec<String>| {
            row.iter().rposition(|own| !own.is_empty()).map_or(0, |own| own + 1)
        };
        // Most rows are of one form; single ones may be broken.
        let mut forms: BTreeMap<usize, Vec<&Vec<String>>> = BTreeMap::new();
        for row in rows.iter().filter(|row| width(row) > names) {
            forms.entry(row.len()).or_default().push(row);
        }
        let wide = forms.into_values().max_by_key(Vec::len).unwrap_or_default();
        if 5 * wide.len() >= 4 * rows.len() && wide.len() > 1 {
            return Self::of_wide(header, plain, &wide);
        }
        // Spreadsheets leave out the separators after the last cell of a row that is not empty.
        let core = core(header).max().map_or(full, |place| place + 1).min(full);
        let is_trimmed = |row: &&&Vec<String>| (core..full).contains(&row.len());
        let least = if 4 * rows.iter().filter(is_trimmed).count() >= rows.len().max(1) {
            core
        } else {
            full
        };
        (Self { least, ..plain }, None)
    }

    /// That of rows which all have more cells than there are names, if only one makes sense of them.
    fn of_wide(header: &Header, plain: Self, rows: &[&Vec<String>]) -> (Self, Option<String>) {
        let names = plain.names;
        let kind =
            |place: usize| header.columns.iter().find(|own| own.place == place).map(|own| own.kind);
        let kinds: Vec<_> = (0..names).filter_map(kind).collect();
        let split =
            |is_split: fn(&ColumnKind) -> bool| kinds.iter().map(is_split).collect::<Vec<_>>();
        let layouts = [
            split(|_| true),
            split(|kind| !WHOLE.contains(kind)),
            split(|kind| matches!(kind, ColumnKind::Sensor | ColumnKind::Time)),
            split(|kind| *kind == ColumnKind::Sensor),
        ];
        // Those that make the same of the rows are one: the first puts more together.
        let mut fitting: Vec<(Vec<bool>, Vec<Vec<String>>)> = Vec::new();
        for split in layouts {
            let joined: Option<Vec<_>> = rows.iter().map(|row| joined(row, &split)).collect();
            let joined = joined.filter(|rows| goes_on(header, rows, 0));
            if let Some(joined) = joined.filter(|own| fitting.iter().all(|(_, other)| other != own))
            {
                fitting.push((split, joined));
            }
        }
        let mut fitting = fitting.into_iter().map(|(split, _)| split);
        let (split, other) = (fitting.next(), fitting.next());
        let shifted: Vec<Vec<String>> = rows.iter().map(|row| (*row).clone()).collect();
        let is_numbered = rows.iter().all(|row| row.len() == names + 1)
            && counts_on(rows.iter().map(|row| row.first().map_or("", String::as_str)))
            && goes_on(header, &shifted, 1);
        match (split, other, is_numbered) {
            (Some(split), None, false) => {
                let note = "Its decimal commas also separate its cells: each number is put together \
                            from two.";
                (Self { split, ..plain }, Some(note.to_owned()))
            }
            (None, _, true) => {
                let note = "Its rows begin with a number that no name stands for: it is left out.";
                let numbered = Self {
                    is_numbered: true,
                    names: names + 1,
                    least: plain.least + 1,
                    full: plain.full + 1,
                    split: Vec::new(),
                };
                (numbered, Some(note.to_owned()))
            }
            _ => (plain, None),
        }
    }

    /// Moves the columns of a header to where their cells stand.
    pub(crate) fn shift(&self, header: &mut Header) {
        if self.is_numbered {
            header.columns.iter_mut().for_each(|own| own.place += 1);
        }
    }

    /// Takes another header, whose columns are moved to where their cells stand.
    pub(crate) fn resize(&mut self, header: &mut Header) {
        self.shift(header);
        (self.names, self.full) = widths(header);
        self.least = self.full;
        if !self.split.is_empty() {
            self.split.resize(self.names, true);
        }
    }

    /// Puts the numbers of a row together where decimal commas separate them; `false` if its cells do
    /// not fit the names.
    pub(crate) fn join(&self, line: &str, cells: &mut Vec<Cell>) -> bool {
        if self.split.is_empty() || !cells.iter().any(|cell| matches!(cell, Cell::Number(_))) {
            return true;
        }
        let row: Vec<_> = lines::cells(line, ',');
        let Some(row) = joined(&row, &self.split) else { return false };
        cells.clear();
        cells.extend(row.iter().map(|cell| Cell::of(cell)));
        true
    }

    /// Whether a row is not cut off, as far as its cells show.
    pub(crate) fn is_whole(&self, cells: &[Cell]) -> bool {
        cells.len() >= self.least
    }

    /// Whether there is a cell for each name.
    pub(crate) fn is_full(&self, cells: &[Cell]) -> bool {
        cells.len() >= self.full
    }

    /// Whether there are values that no name stands for, so that it is not certain which do.
    pub(crate) fn has_surplus(&self, cells: &[Cell]) -> bool {
        let surplus = cells.get(self.names..).unwrap_or_default();
        surplus.iter().any(|cell| *cell != Cell::Empty)
    }
}

/// How many names a header has, and how many up to the last one that is not empty.
fn widths(header: &Header) -> (usize, usize) {
    let end = |own: &FileColumn| own.place + 1;
    let all = header.columns.iter().map(end).max();
    let named = header.columns.iter().filter(|own| !own.name.is_empty()).map(end).max();
    (all.unwrap_or_default(), named.unwrap_or_default())
}

/// The places of what each row of EEG has.
fn core(header: &Header) -> impl Iterator<Item = usize> {
    let is_core =
        |kind| matches!(kind, ColumnKind::Sensor | ColumnKind::Time | ColumnKind::Counter);
    header.columns.iter().filter(move |own| is_core(own.kind)).map(|own| own.place)
}

/// The cells of a row whose columns stand in two where they are split: digits after digits.
fn joined(row: &[String], split: &[bool]) -> Option<Vec<String>> {
    let is_digits = |own: &str| !own.is_empty() && own.bytes().all(|byte| byte.is_ascii_digit());
    let mut cells = row.iter();
    let joined = split.iter().map(|is_split| {
        let own = cells.next()?;
        if own.contains('.') {
            return None;
        }
        if !is_split {
            return Some(own.clone());
        }
        let after = cells.next()?;
        if own.is_empty() && after.is_empty() {
            return Some(String::new());
        }
        let is_number = is_digits(own.trim_start_matches('-')) && is_digits(after);
        is_number.then(|| format!("{own}.{after}"))
    });
    let joined = joined.collect();
    cells.all(String::is_empty).then_some(joined)?
}

/// Whether texts are names, or numbers that count on by one.
fn counts_on<'a>(texts: impl Iterator<Item = &'a str>) -> bool {
    let numbers: Vec<_> = texts.map(|own| own.parse::<u64>().ok()).collect();
    numbers.windows(2).all(|pair| match pair {
        [Some(before), Some(own)] => *own == before + 1,
        other => other.iter().all(Option::is_none),
    })
}

/// Whether counters count on and times rise, as far as rows have them, `shift` cells further on than
/// their names; a table of neither says nothing.
fn goes_on(header: &Header, rows: &[Vec<String>], shift: usize) -> bool {
    let numbers = |kind: ColumnKind| {
        let place = header.columns.iter().find(|own| own.kind == kind)?.place + shift;
        let cells = rows.iter().map(|row| match Cell::of(row.get(place)?) {
            Cell::Number(number) => Some(number),
            _ => None,
        });
        Some(cells.collect::<Option<Vec<f64>>>().unwrap_or_default())
    };
    let steps = |numbers: &[f64], is_step: fn(f64, f64) -> bool| {
        let pairs = iter::zip(numbers, numbers.iter().skip(1));
        let all = numbers.len().saturating_sub(1);
        all > 0 && 4 * pairs.filter(|(before, own)| is_step(**before, **own)).count() >= 3 * all
    };
    let by_one = |before: f64, own: f64| (own - before - 1.0).abs() < 1e-9;
    let rises = |before: f64, own: f64| own >= before;
    numbers(ColumnKind::Counter).is_none_or(|own| steps(&own, by_one))
        && numbers(ColumnKind::Time).is_none_or(|own| steps(&own, rises))
}
