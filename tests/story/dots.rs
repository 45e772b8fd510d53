//! Reads a plot back from the text of a screen, dot by dot, and computes what should be lit: by the rules of
//! the picture, implemented here again independently of the code that draws.

use std::ops::Range;

use cortop_signal::{Snapshot, view::ViewEnd};

/// The marks for values beyond the scale, and for a loss.
const ABOVE: char = '▴';
const BELOW: char = '▾';
const LOST: char = '╳';

/// The traces on a screen.
pub(crate) struct Plot {
    /// The cells of each channel, row by row.
    channels: Vec<Vec<Vec<char>>>,
    axis: Vec<char>,
}

/// Rows of dots lit in one column, 0 at the top.
pub(crate) type Rows = Range<usize>;

impl Plot {
    /// Finds the channels by their labels at the left of a zoomed pane. `columns`: dots per cell, side by
    /// side.
    pub(crate) fn read(screen: &str, labels: &[&str], columns: u64) -> Option<Self> {
        let lines: Vec<Vec<char>> = screen.lines().map(|line| line.chars().collect()).collect();
        let starts = |line: &Vec<char>, label: &str| {
            let text: String = line.iter().skip(1).collect();
            // A note on the channel may follow.
            text.split(['▶', ' ']).next() == Some(label)
        };
        let row = |label: &&str| lines.iter().position(|line| starts(line, label));
        let rows: Vec<usize> = labels.iter().map(row).collect::<Option<_>>()?;
        let height = rows.get(1)?.checked_sub(*rows.first()?)?;
        let width = usize::try_from(columns).ok()? / 2;
        let cells = |line: &Vec<char>| {
            let right = line.len() - 1;
            line[right - width..right].to_vec()
        };
        let channel = |&row: &usize| lines[row..row + height].iter().map(cells).collect();
        let axis = cells(lines.get(rows.last()? + height)?);
        Some(Self { channels: rows.iter().map(channel).collect(), axis })
    }

    /// The number of cells side by side.
    pub(crate) fn width(&self) -> usize {
        self.axis.len()
    }

    /// The glyphs of a cell column over all channels, from top to bottom.
    pub(crate) fn cell(&self, cell: usize) -> String {
        self.channels.iter().flatten().map(|row| row[cell]).collect()
    }

    /// Rows of dots per channel.
    pub(crate) fn height(&self) -> usize {
        self.channels[0].len() * 4
    }

    /// Which rows of a channel's dot column are lit; `None` for a row under a mark.
    pub(crate) fn lit(&self, channel: usize, column: usize) -> Vec<Option<bool>> {
        const BITS: [[u32; 4]; 2] = [[0x01, 0x02, 0x04, 0x40], [0x08, 0x10, 0x20, 0x80]];
        let dots = |row: &Vec<char>| {
            let glyph = row[column / 2];
            BITS[column % 2].map(|bit| match glyph {
                ' ' => Some(false),
                '\u{2800}'..='\u{28ff}' => Some(u32::from(glyph) & bit != 0),
                ABOVE | BELOW => None,
                other => panic!("{other} is no part of a trace"),
            })
        };
        self.channels[channel].iter().flat_map(dots).collect()
    }

    /// Whether a channel's cell is marked as beyond the scale, above and below.
    pub(crate) fn clipped(&self, channel: usize, cell: usize) -> (bool, bool) {
        let rows = &self.channels[channel];
        (rows[0][cell] == ABOVE, rows[rows.len() - 1][cell] == BELOW)
    }

    /// The cells marked as containing a short loss.
    pub(crate) fn ticks(&self) -> Vec<usize> {
        (0..self.width()).filter(|&cell| self.axis[cell] == LOST).collect()
    }

    /// The write cursor of a sweep whose window is full: the one cell without lit dots.
    pub(crate) fn cursor(&self) -> Option<usize> {
        let blank = |&cell: &usize| self.cell(cell).chars().all(|glyph| glyph == ' ');
        let mut blanks = (0..self.width()).filter(blank);
        blanks.next().filter(|_| blanks.next().is_none())
    }
}

/// Maps the columns of a still picture to samples.
pub(crate) struct PlotWindow {
    /// Samples and columns of a window.
    pub(crate) samples: u64,
    pub(crate) columns: u64,
    /// The index one past the last sample.
    pub(crate) end: u64,
    pub(crate) scrolls: bool,
}

impl PlotWindow {
    /// The window of the newest snapshot, if its picture stands still.
    pub(crate) fn of(snapshot: &Snapshot, seconds: f64, scrolls: bool) -> Option<Self> {
        let traces = snapshot.traces.as_ref()?;
        let still = matches!(snapshot.view.end, ViewEnd::At(_));
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "seconds")]
        let samples = (seconds * 256.0) as u64;
        let shown = still && traces.bins.samples == samples;
        let (columns, end) = (traces.bins.columns, traces.end);
        shown.then_some(Self { samples, columns, end, scrolls })
    }

    /// The bin in a dot column.
    pub(crate) fn bin(&self, column: u64) -> Option<u64> {
        let (width, newest) = (self.columns / 2, (self.end - 1) * self.columns / self.samples / 2);
        let cell = column / 2;
        let group = if self.scrolls {
            (newest + cell + 1).checked_sub(width)?
        } else {
            // The cell still being written is blank.
            let ahead = (cell + width - newest % width) % width;
            if ahead == 0 {
                return None;
            }
            (newest + ahead).checked_sub(width)?
        };
        Some(group * 2 + column % 2)
    }

    /// The indices in a bin, as far as they have arrived.
    pub(crate) fn indices(&self, bin: u64) -> Range<u64> {
        let start = |bin: u64| (bin * self.samples).div_ceil(self.columns).min(self.end);
        start(bin)..start(bin + 1)
    }

    /// The dot columns that show a sample.
    pub(crate) fn columns_of(&self, index: u64) -> Vec<u64> {
        let holds =
            |&column: &u64| self.bin(column).is_some_and(|bin| self.indices(bin).contains(&index));
        (0..self.columns).filter(holds).collect()
    }
}

/// The measured signal of a channel, drawn over ±`half`; `None` is a missing sample.
pub(crate) struct MeasuredChannel<'a> {
    pub(crate) half: f32,
    pub(crate) value: &'a dyn Fn(u64) -> Option<f64>,
}

impl MeasuredChannel<'_> {
    /// The existing samples of a bin.
    fn values(&self, window: &PlotWindow, bin: u64) -> Vec<(u64, f32)> {
        #[expect(clippy::cast_possible_truncation, reason = "as drawn")]
        let sample = |index| Some((index, (self.value)(index)? as f32));
        window.indices(bin).filter_map(sample).collect()
    }

    /// The rows from the max to the min of a bin.
    fn rows(&self, window: &PlotWindow, bin: u64, height: usize) -> Option<(usize, usize)> {
        // As many rows above the middle one as below: of an even number the lowest stays dark.
        let last = (height - 1) / 2 * 2;
        let row = |value: f32| {
            let of_row = 2.0 * self.half / (last + 1) as f32;
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "saturates"
            )]
            let row = ((last / 2) as f32 + 0.5 - value / of_row) as usize;
            row.min(last)
        };
        let values = self.values(window, bin);
        let highest = values.iter().map(|(_, value)| row(*value)).min()?;
        Some((highest, values.iter().map(|(_, value)| row(*value)).max()?))
    }

    /// Whether a sample is missing between the last one of the previous bin and the last one of this bin.
    pub(crate) fn is_broken(&self, window: &PlotWindow, bin: u64) -> bool {
        let last = |bin: u64| self.values(window, bin).last().map(|(index, _)| *index);
        let Some((before, own)) = bin.checked_sub(1).and_then(last).zip(last(bin)) else {
            return true;
        };
        (before..own).any(|index| (self.value)(index).is_none())
    }

    /// What should be lit in the column of a bin: from its max to its min, extended up to the rows of the
    /// previous column, but not onto them.
    fn run(&self, window: &PlotWindow, bin: u64, height: usize, joins: bool) -> Option<Rows> {
        let (mut top, mut bottom) = self.rows(window, bin, height)?;
        if joins && !self.is_broken(window, bin) {
            let (above, below) = self.rows(window, bin.checked_sub(1)?, height)?;
            (top, bottom) = (top.min(below + 1), bottom.max(above.saturating_sub(1)));
        }
        Some(top..bottom + 1)
    }

    /// The dot columns of a channel that do not show exactly its samples, as text.
    pub(crate) fn wrong(&self, plot: &Plot, channel: usize, window: &PlotWindow) -> Vec<String> {
        let oldest = (0..window.columns).filter_map(|column| window.bin(column)).min();
        let expected = |bin: Option<u64>, joins| {
            bin.and_then(|bin| self.run(window, bin, plot.height(), joins)).unwrap_or(0..0)
        };
        let mut wrong = Vec::new();
        for (column, place) in (0..window.columns).zip(0..) {
            let (bin, lit) = (window.bin(column), plot.lit(channel, place));
            let shows = |run: Rows| {
                (0..).zip(&lit).all(|(row, lit)| lit.is_none_or(|lit| lit == run.contains(&row)))
            };
            // The oldest column has no column to its left to join.
            if !(shows(expected(bin, true)) || bin == oldest && shows(expected(bin, false))) {
                let rows: Vec<usize> = (0..)
                    .zip(&lit)
                    .filter(|(_, lit)| **lit == Some(true))
                    .map(|(row, _)| row)
                    .collect();
                wrong.push(format!(
                    "column {column}, bin {bin:?}: {rows:?} in place of {:?}",
                    expected(bin, true)
                ));
            }
        }
        for (cell, columns) in (0..plot.width()).zip((0..window.columns).step_by(2)) {
            let bins = [columns, columns + 1].into_iter().filter_map(|column| window.bin(column));
            let values: Vec<f32> =
                bins.flat_map(|bin| self.values(window, bin)).map(|(_, value)| value).collect();
            let beyond = (
                values.iter().any(|value| *value > self.half),
                values.iter().any(|value| *value < -self.half),
            );
            if plot.clipped(channel, cell) != beyond {
                wrong.push(format!(
                    "cell {cell}: marked {:?} in place of {beyond:?}",
                    plot.clipped(channel, cell)
                ));
            }
        }
        wrong
    }
}
