//! One channel's runs of dots as cells: braille where it has two rows or more, a sparkline where
//! it has one; in sweep or scroll. Knows neither channels nor scales.

use std::num::NonZeroU16;

use ratatui::{
    buffer::{Buffer, CellDiffOption},
    layout::Rect,
    style::Style,
};

use crate::{
    app::Motion,
    signal::{Run, Scale, runs, snapshot::Column},
    ui::glyphs,
};

/// Cells left blank ahead of the sweep's write cursor.
const BLANK: u64 = 2;
/// Dots in a cell, side by side and one above the other.
const ACROSS: u64 = 2;
const DOWN: u16 = 4;
/// Levels of a sparkline.
const LEVELS: u16 = 8;

/// Which bins the cells of a row show, left to right. Cells hold whole pairs of bins counted from
/// the start of the stream, so that a pair keeps its glyph wherever it stands.
#[derive(Clone, Debug)]
pub(super) struct Cells {
    /// For each cell, the place of its two bins among the channel's columns.
    pairs: Vec<Option<[Option<usize>; 2]>>,
}

impl Cells {
    /// `first` is the absolute number of the first of `count` bins; the last of them still grows.
    pub(super) fn new(motion: Motion, width: u16, first: u64, count: usize) -> Self {
        let width = u64::from(width);
        let end = first + count as u64;
        let place =
            |bin: u64| usize::try_from(bin.checked_sub(first)?).ok().filter(|&at| at < count);
        let pair = |pair: u64| [place(pair * ACROSS), place(pair * ACROSS + 1)];
        // The pair that holds the bin still growing.
        let newest = end.saturating_sub(1) / ACROSS;
        let pairs = (0..width).map(|cell| match motion {
            Motion::Scroll => (newest + cell + 1).checked_sub(width).map(pair),
            Motion::Sweep => {
                // Only finished pairs are drawn: a cell is written once and then stands.
                let ahead = (cell + width - newest % width) % width;
                if ahead < BLANK.min(width / 4 + 1) {
                    None
                } else {
                    (newest + ahead).checked_sub(width).map(pair)
                }
            }
        });
        Self { pairs: pairs.collect() }
    }

    /// Whether each cell holds a short loss.
    pub(super) fn lost(&self, columns: &[Column]) -> impl Iterator<Item = bool> {
        let ticks: Vec<bool> = runs(columns, Scale { centre: 0.0, half: 1.0 }, 1)
            .map(|run| run.is_some_and(|run| run.tick))
            .collect();
        self.pairs.iter().map(move |pair| {
            let bins = pair.iter().flatten().flatten();
            bins.into_iter().any(|&bin| ticks.get(bin).copied().unwrap_or(false))
        })
    }
}

/// Draws a channel into its rows. All cells get the style, blank ones too, so that nothing but
/// glyphs changes between frames.
pub(super) fn draw(
    columns: &[Column],
    scale: Scale,
    cells: &Cells,
    style: Style,
    area: Rect,
    buffer: &mut Buffer,
) {
    let single = area.height == 1;
    let rows = if single { LEVELS } else { area.height * DOWN };
    let dots: Vec<Option<Run>> = runs(columns, scale, rows).collect();
    for (pair, x) in cells.pairs.iter().zip(area.left()..area.right()) {
        let run = |side: usize| dots.get(pair.as_ref()?[side]?).copied().flatten();
        let (left, right) = (run(0), run(1));
        for y in area.rows() {
            let row = y.y - area.y;
            let glyph = match mark([left, right], row, area.height) {
                Some(mark) => mark,
                None if single => level([left, right], rows),
                None => glyphs::braille(lit(left, row), lit(right, row)),
            };
            if let Some(cell) = buffer.cell_mut((x, y.y)) {
                cell.set_char(glyph).set_style(style);
                // Every glyph of a plot is one cell wide; saying so spares measuring them.
                cell.set_diff_option(CellDiffOption::ForcedWidth(NonZeroU16::MIN));
            }
        }
    }
}

/// The dots of a run in a cell's row, bit 0 the uppermost.
fn lit(run: Option<Run>, row: u16) -> u8 {
    let Some(run) = run else { return 0 };
    (0..DOWN)
        .filter(|dot| (run.top..=run.bottom).contains(&(row * DOWN + dot)))
        .fold(0, |lit, dot| lit | 1 << dot)
}

/// What goes beyond the scale is drawn at the edge and marked there.
fn mark(pair: [Option<Run>; 2], row: u16, rows: u16) -> Option<char> {
    let clipped = |edge: fn(Run) -> bool| pair.into_iter().flatten().any(edge);
    if row == 0 && clipped(|run| run.clipped_top) {
        Some(glyphs::CLIPPED_TOP)
    } else if row + 1 == rows && clipped(|run| run.clipped_bottom) {
        Some(glyphs::CLIPPED_BOTTOM)
    } else {
        None
    }
}

/// The level of the value farthest from the middle.
fn level(pair: [Option<Run>; 2], rows: u16) -> char {
    let peak =
        pair.into_iter().flatten().map(|run| run.peak).max_by_key(|peak| peak.abs_diff(rows / 2));
    let level =
        peak.and_then(|peak| glyphs::LEVELS.get(usize::from((rows - 1).checked_sub(peak)?)));
    level.copied().unwrap_or(' ')
}
