//! One channel's runs of dots as cells: by the dots of a cell where it has two rows or more, a
//! sparkline where it has one; in sweep or scroll. Knows neither channels nor scales.

use std::num::NonZeroU16;

use ratatui::{
    buffer::{Buffer, CellDiffOption},
    layout::Rect,
    style::Style,
};

use super::dots::Dots;
use crate::{
    app::Motion,
    signal::{Run, Scale, runs, snapshot::Column},
    ui::glyphs,
};

/// Levels of a sparkline.
const LEVELS: u16 = 8;

/// Which bins the cells of a row show, left to right. A cell holds as many bins as it has dots
/// across, a group that is counted from the start of the stream, so that a group keeps its glyph
/// wherever it stands.
#[derive(Clone, Debug)]
pub(super) struct Cells {
    motion: Motion,
    across: u64,
    width: u64,
    /// The group that holds the bin still growing.
    newest: u64,
    /// For each cell, the places of its bins among the channel's columns; the second only where
    /// there are two dots across.
    groups: Vec<Option<[Option<usize>; 2]>>,
}

impl Cells {
    /// `first` is the absolute number of the first of `count` bins; the last of them still grows.
    pub(super) fn new(motion: Motion, dots: Dots, width: u16, first: u64, count: usize) -> Self {
        let (width, across) = (u64::from(width), u64::from(dots.across()));
        let end = first + count as u64;
        let place =
            |bin: u64| usize::try_from(bin.checked_sub(first)?).ok().filter(|&at| at < count);
        let second = |bin: u64| if across > 1 { place(bin + 1) } else { None };
        let group = |group: u64| [place(group * across), second(group * across)];
        let newest = end.saturating_sub(1) / across;
        let groups = (0..width).map(|cell| match motion {
            Motion::Scroll => (newest + cell + 1).checked_sub(width).map(group),
            Motion::Sweep => {
                // Only finished groups are drawn: a cell is written once and then stands. The one
                // still growing is left blank, as the write cursor; no more than that one, so that
                // a cell and the blank after it are one stretch of output.
                let ahead = (cell + width - newest % width) % width;
                let behind = if ahead == 0 { None } else { (newest + ahead).checked_sub(width) };
                behind.map(group)
            }
        });
        Self { motion, across, width, newest, groups: groups.collect() }
    }

    /// The cell of a bin, if it is on the screen.
    pub(super) fn cell(&self, bin: u64) -> Option<u16> {
        let group = bin / self.across;
        let back = self.newest.checked_sub(group).filter(|&back| back < self.width)?;
        let cell = match self.motion {
            Motion::Scroll => self.width - 1 - back,
            Motion::Sweep => group % self.width,
        };
        u16::try_from(cell).ok()
    }

    /// The bins of each cell that are there.
    pub(super) fn bins(&self) -> impl Iterator<Item = Vec<usize>> {
        self.groups.iter().map(|group| group.iter().flatten().flatten().copied().collect())
    }

    /// Whether each cell holds a short loss.
    pub(super) fn lost(&self, columns: &[Column]) -> impl Iterator<Item = bool> {
        let ticks: Vec<bool> = runs(columns, Scale { centre: 0.0, half: 1.0 }, 1)
            .map(|run| run.is_some_and(|run| run.tick))
            .collect();
        self.groups.iter().map(move |group| {
            let bins = group.iter().flatten().flatten();
            bins.into_iter().any(|&bin| ticks.get(bin).copied().unwrap_or(false))
        })
    }
}

/// What the bar of a sparkline stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Bar {
    /// How far the signal swung within the cell, max − min. For EEG: by the value farthest from the
    /// middle, alpha would jump between the upper and the lower half from cell to cell, a comb that
    /// shows where the cells fall and not what the signal does.
    Swing,
    /// Where the value farthest from the middle lies. For what moves slower than the cells.
    Place,
}

/// A channel to be drawn.
pub(super) struct Trace<'a> {
    pub(super) columns: &'a [Column],
    pub(super) scale: Scale,
    /// Where there is but one row.
    pub(super) bar: Bar,
    pub(super) style: Style,
}

/// The runs of a cell's bins, left to right.
type Runs = [Option<Run>; 2];

/// Draws a channel into its rows.
pub(super) fn draw(trace: &Trace<'_>, cells: &Cells, dots: Dots, area: Rect, buffer: &mut Buffer) {
    let (bar, levels) = (trace.bar, dots.levels());
    if area.height == 1 {
        return fill(trace, cells, LEVELS, area, buffer, |runs, _| level(runs, bar, levels));
    }
    let rows = area.height * dots.down();
    match dots {
        Dots::Braille => fill(trace, cells, rows, area, buffer, |[left, right], row| {
            glyphs::braille(lit::<4>(left, row), lit::<4>(right, row))
        }),
        Dots::Halves => fill(trace, cells, rows, area, buffer, |[run, _], row| {
            glyphs::HALVES[usize::from(lit::<2>(run, row))]
        }),
        Dots::Whole => fill(trace, cells, rows, area, buffer, |[run, _], row| {
            glyphs::WHOLE[usize::from(lit::<1>(run, row))]
        }),
        Dots::Ascii => fill(trace, cells, rows, area, buffer, |[run, _], row| {
            glyphs::THIRDS[usize::from(lit::<3>(run, row))]
        }),
    }
}

/// Fills the cells of a channel whose height is so many dots, each with its glyph. All cells get
/// the style, blank ones too, so that nothing but glyphs changes between frames.
fn fill(
    trace: &Trace<'_>,
    cells: &Cells,
    rows: u16,
    area: Rect,
    buffer: &mut Buffer,
    glyph: impl Fn(Runs, u16) -> char,
) {
    let area = area.intersection(buffer.area);
    if area.is_empty() {
        return;
    }
    let dots: Vec<Option<Run>> = runs(trace.columns, trace.scale, rows).collect();
    let run = |bin: Option<usize>| dots.get(bin?).copied().flatten();
    let (first, line) = (buffer.index_of(area.x, area.y), usize::from(buffer.area.width));
    for (group, start) in cells.groups.iter().zip(first..first + usize::from(area.width)) {
        let runs = group.unwrap_or_default().map(run);
        // What goes beyond the scale is drawn at the edge and marked there.
        let beyond = |edge: fn(&Run) -> bool| runs.iter().flatten().any(edge);
        let (above, below) = (beyond(|run| run.clipped_top), beyond(|run| run.clipped_bottom));
        for row in 0..area.height {
            let (above, below) = (above && row == 0, below && row + 1 == area.height);
            let glyph = match (above, below) {
                (false, false) => glyph(runs, row),
                (true, false) => glyphs::CLIPPED_TOP,
                (false, true) => glyphs::CLIPPED_BOTTOM,
                (true, true) => glyphs::CLIPPED_BOTH,
            };
            let Some(cell) = buffer.content.get_mut(start + usize::from(row) * line) else { break };
            cell.set_style(trace.style);
            // A new frame's buffer is blank already.
            if glyph != ' ' {
                cell.set_char(glyph);
            }
            // Every glyph of a plot is one cell wide; saying so spares measuring them.
            cell.set_diff_option(CellDiffOption::ForcedWidth(NonZeroU16::MIN));
        }
    }
}

/// The dots of a run in a cell's row of so many, bit 0 the uppermost.
fn lit<const DOWN: u16>(run: Option<Run>, row: u16) -> u8 {
    let all = (1 << DOWN) - 1;
    let first = row * DOWN;
    let (top, bottom) = run.map_or((u16::MAX, 0), |run| (run.top, run.bottom));
    let above = top.saturating_sub(first).min(DOWN);
    let below = (first + DOWN - 1).saturating_sub(bottom).min(DOWN);
    (all << above) & all & (all >> below)
}

/// The block of a sparkline's cell.
fn level(runs: Runs, bar: Bar, levels: &[char; LEVELS as usize]) -> char {
    let mut runs = runs.into_iter().flatten();
    let Some(first) = runs.next() else { return ' ' };
    let both = runs.fold(first, |one, other| Run {
        top: one.top.min(other.top),
        bottom: one.bottom.max(other.bottom),
        peak: if away(other) > away(one) { other.peak } else { one.peak },
        ..one
    });
    let level = match bar {
        Bar::Swing => both.bottom - both.top,
        Bar::Place => (LEVELS - 1).saturating_sub(both.peak),
    };
    levels.get(usize::from(level)).copied().unwrap_or(' ')
}

/// Levels between a run's peak and the middle.
fn away(run: Run) -> u16 {
    run.peak.abs_diff(LEVELS / 2)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use ratatui::buffer::Cell;

    use super::*;

    const WIDTH: u16 = 24;
    const SCALE: Scale = Scale { centre: 0.0, half: 50.0 };

    /// A window's columns after the bin `newest`, of a signal of any shape.
    fn picture(motion: Motion, dots: Dots, newest: u64, height: u16) -> Buffer {
        let all: Vec<Column> = (0..=newest)
            .map(|bin| {
                let value = ((bin * 7919) % 101) as f32 - 50.0;
                Column {
                    min: value - 9.0,
                    max: value,
                    first: value,
                    last: value - 9.0,
                    count: 8,
                    gap: false,
                }
            })
            .collect();
        let first = all.len().saturating_sub(usize::from(WIDTH * dots.across()));
        let columns = &all[first..];
        let area = Rect::new(0, 0, WIDTH, height);
        let mut buffer = Buffer::empty(area);
        let cells = Cells::new(motion, dots, WIDTH, first as u64, columns.len());
        let trace = Trace { columns, scale: SCALE, bar: Bar::Swing, style: Style::new() };
        draw(&trace, &cells, dots, area, &mut buffer);
        buffer
    }

    fn column(buffer: &Buffer, x: u16) -> Vec<&str> {
        (0..buffer.area.height).map(|y| buffer[(x, y)].symbol()).collect()
    }

    fn dots() -> impl Strategy<Value = Dots> {
        prop::sample::select(vec![Dots::Braille, Dots::Halves, Dots::Whole, Dots::Ascii])
    }

    proptest! {
        /// From one bin to the next a sweep writes at most the cell just finished and the blank
        /// ahead of it; all others stand. The oldest cell may lose its join with the past.
        #[test]
        fn a_sweep_writes_a_cell_once(dots in dots(), newest in 100_u64..400, height in 1_u16..4) {
            let before = picture(Motion::Sweep, dots, newest, height);
            let after = picture(Motion::Sweep, dots, newest + 1, height);
            let changed: Vec<u16> =
                (0..WIDTH).filter(|&x| column(&before, x) != column(&after, x)).collect();
            prop_assert!(changed.len() <= 3, "{changed:?}");
            // A bin that does not begin a group changes no other cell.
            let across = u64::from(dots.across());
            let oldest = (newest / across + 1) % u64::from(WIDTH);
            let stands = changed.iter().all(|&x| u64::from(x) == oldest);
            prop_assert!((newest + 1).is_multiple_of(across) || stands, "{newest} {changed:?}");
        }

        /// A scroll moves by whole cells: the same glyphs, one cell to the left.
        #[test]
        fn a_scroll_moves_whole_cells(dots in dots(), newest in 100_u64..400, height in 1_u16..4) {
            let before = picture(Motion::Scroll, dots, newest, height);
            let after = picture(Motion::Scroll, dots, newest + u64::from(dots.across()), height);
            // The leftmost has lost its past, the newest was still growing.
            for x in 2..WIDTH - 1 {
                prop_assert_eq!(column(&before, x), column(&after, x - 1));
            }
        }
    }

    fn columns(values: &[(f32, f32)]) -> Vec<Column> {
        let column = |&(first, last): &(f32, f32)| Column {
            min: first.min(last),
            max: first.max(last),
            first,
            last,
            count: 2,
            gap: false,
        };
        values.iter().map(column).collect()
    }

    fn scrolled(columns: &[Column], bar: Bar, height: u16) -> Buffer {
        let area = Rect::new(0, 0, 4, height);
        let mut buffer = Buffer::empty(area);
        let cells = Cells::new(Motion::Scroll, Dots::Braille, 4, 0, columns.len());
        let trace = Trace { columns, scale: SCALE, bar, style: Style::new() };
        draw(&trace, &cells, Dots::Braille, area, &mut buffer);
        buffer
    }

    #[test]
    fn what_is_beyond_the_scale_is_marked_at_the_edge() {
        let values = [0.0, 0.0, 900.0, 0.0, -900.0, 0.0, 0.0, 0.0].map(|value| (value, value));
        let buffer = scrolled(&columns(&values), Bar::Swing, 2);
        assert_eq!(column(&buffer, 1)[0], glyphs::CLIPPED_TOP.to_string());
        assert_eq!(column(&buffer, 2)[1], glyphs::CLIPPED_BOTTOM.to_string());
    }

    #[test]
    fn a_bar_is_the_swing_whatever_its_phase_or_the_place() {
        let alpha =
            columns(&[(-12.0, 14.0), (12.0, -14.0), (14.0, -12.0), (-14.0, 12.0)].repeat(2));
        let flat = columns(&[(40.0, 40.0); 8]);
        let symbols = |buffer: &Buffer| buffer.content.iter().map(Cell::symbol).collect::<String>();
        assert_eq!(symbols(&scrolled(&alpha, Bar::Swing, 1)), "▃▃▃▃");
        assert_eq!(symbols(&scrolled(&flat, Bar::Swing, 1)), "▁▁▁▁");
        assert_eq!(symbols(&scrolled(&flat, Bar::Place, 1)), "▇▇▇▇");
    }

    #[test]
    fn each_way_of_drawing_lights_the_same_run() {
        let run = |top, bottom| {
            let none = Run {
                top,
                bottom,
                peak: 0,
                clipped_top: false,
                clipped_bottom: false,
                tick: false,
            };
            Some(none)
        };
        let column =
            |height: u16, glyph: &dyn Fn(u16) -> char| (0..height).map(glyph).collect::<String>();
        assert_eq!(column(3, &|row| glyphs::HALVES[usize::from(lit::<2>(run(1, 2), row))]), "▄▀ ");
        assert_eq!(column(3, &|row| glyphs::WHOLE[usize::from(lit::<1>(run(1, 2), row))]), " ██");
        assert_eq!(column(3, &|row| glyphs::THIRDS[usize::from(lit::<3>(run(1, 6), row))]), ".|\"");
        assert_eq!(column(1, &|row| glyphs::THIRDS[usize::from(lit::<3>(None, row))]), " ");
    }
}
