//! How the cells of a table's rows correspond to its names. Inferred from the first rows; what they
//! leave ambiguous is not guessed.

use std::{collections::BTreeMap, iter};

use crate::{
    cell::{Cell, is_comment},
    header::{ColumnKind, FileColumn, Header},
    lines::{self, LineReader, cells},
};

/// How many rows are examined.
const LOOKED_AT: usize = 64;

/// The kinds that hold whole numbers in all exports.
const WHOLE: [ColumnKind; 7] = [
    ColumnKind::Counter,
    ColumnKind::MotionCounter,
    ColumnKind::Interpolated,
    ColumnKind::MarkerIndex,
    ColumnKind::MarkerType,
    ColumnKind::MarkerValue,
    ColumnKind::MarkerFlag,
];

/// How cells correspond to names.
pub(crate) struct CellLayout {
    /// The number of names, including empty ones.
    names: usize,
    /// The number of cells in a row that is not cut off, and the number that all of its names need.
    least: usize,
    full: usize,
    /// Whether a row number or row name precedes the cells, for which there is no column name.
    is_numbered: bool,
    /// Which columns take two cells, because a decimal comma splits them.
    split: Vec<bool>,
}

impl CellLayout {
    /// Infers the layout from the next rows. Also returns a sentence about anything odd in it.
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
        // Most rows have one form; single ones may be broken.
        let mut forms: BTreeMap<usize, Vec<&Vec<String>>> = BTreeMap::new();
        for row in rows.iter().filter(|row| width(row) > names) {
            forms.entry(row.len()).or_default().push(row);
        }
        let wide = forms.into_values().max_by_key(Vec::len).unwrap_or_default();
        if 5 * wide.len() >= 4 * rows.len() && wide.len() > 1 {
            return Self::of_wide(header, plain, &wide);
        }
        // Spreadsheets omit the separators after the last non-empty cell of a row.
        let core = core(header).max().map_or(full, |place| place + 1).min(full);
        let is_trimmed = |row: &&&Vec<String>| (core..full).contains(&row.len());
        let least = if 4 * rows.iter().filter(is_trimmed).count() >= rows.len().max(1) {
            core
        } else {
            full
        };
        (Self { least, ..plain }, None)
    }

    /// The layout of rows that all have more cells than there are names, if only one interpretation
    /// makes sense.
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
        // Interpretations that give the same rows count as one: the first joins more cells.
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

    /// Shifts the columns of a header to the positions of their cells.
    pub(crate) fn shift(&self, header: &mut Header) {
        if self.is_numbered {
            header.columns.iter_mut().for_each(|own| own.place += 1);
        }
    }

    /// Adapts to another header, whose columns are shifted to the positions of their cells.
    pub(crate) fn resize(&mut self, header: &mut Header) {
        self.shift(header);
        (self.names, self.full) = widths(header);
        self.least = self.full;
        if !self.split.is_empty() {
            self.split.resize(self.names, true);
        }
    }

    /// Joins the numbers of a row that decimal commas split. Returns `false` if its cells do not
    /// fit the names.
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

    /// Whether a row is complete, as far as its cells show.
    pub(crate) fn is_whole(&self, cells: &[Cell]) -> bool {
        cells.len() >= self.least
    }

    /// Whether there is a cell for each name.
    pub(crate) fn is_full(&self, cells: &[Cell]) -> bool {
        cells.len() >= self.full
    }

    /// Whether there are values without a name, so that it is uncertain which ones they are.
    pub(crate) fn has_surplus(&self, cells: &[Cell]) -> bool {
        let surplus = cells.get(self.names..).unwrap_or_default();
        surplus.iter().any(|cell| *cell != Cell::Empty)
    }
}

/// The number of names in a header, and the number up to the last non-empty one.
fn widths(header: &Header) -> (usize, usize) {
    let end = |own: &FileColumn| own.place + 1;
    let all = header.columns.iter().map(end).max();
    let named = header.columns.iter().filter(|own| !own.name.is_empty()).map(end).max();
    (all.unwrap_or_default(), named.unwrap_or_default())
}

/// The positions of what each EEG row has.
fn core(header: &Header) -> impl Iterator<Item = usize> {
    let is_core =
        |kind| matches!(kind, ColumnKind::Sensor | ColumnKind::Time | ColumnKind::Counter);
    header.columns.iter().filter(move |own| is_core(own.kind)).map(|own| own.place)
}

/// The cells of a row with the split columns joined: digits after digits.
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

/// Whether texts are names, or numbers that increase by one.
fn counts_on<'a>(texts: impl Iterator<Item = &'a str>) -> bool {
    let numbers: Vec<_> = texts.map(|own| own.parse::<u64>().ok()).collect();
    numbers.windows(2).all(|pair| match pair {
        [Some(before), Some(own)] => *own == before + 1,
        other => other.iter().all(Option::is_none),
    })
}

/// Whether counters increase by one and times increase, as far as rows have them, with cells
/// `shift` positions to the right of their names; a table with neither proves nothing.
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
