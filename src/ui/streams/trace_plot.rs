//! Draws one channel's runs of dots as cells: with dots if a cell has enough of them, otherwise as a
//! sparkline; in sweep or scroll. Most cells stay from frame to frame and are only copied. Knows neither
//! channels nor scales.

use ratatui::{
    buffer::{Buffer, Cell},
    layout::Rect,
    style::Style,
};

use super::{bin_groups::BinGroups, dots::Dots};
use crate::ui::{glyphs, paint};
use cortop_signal::{DotRun, Scale, runs, snapshot::Bin};

/// Levels of a sparkline, and those for values around a middle, which is half a cell high: as many above as
/// below.
const LEVELS: u16 = 8;
const PLACES: u16 = LEVELS - 1;

/// What the bar of a sparkline shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Bar {
    /// The range of the signal within the cell, max − min. For EEG: with the value farthest from the middle,
    /// alpha would jump between the upper and the lower half from cell to cell, a comb that reflects the cell
    /// boundaries and not the signal.
    PeakToPeak,
    /// The value farthest from the middle. For signals that change slowly compared with the cells.
    Extreme,
}

/// Whether a channel is drawn as a sparkline at a height: with one row of cells, or too few dots for a line
/// with room above and below.
pub(super) fn is_sparkline(dots: Dots, height: u16) -> bool {
    height == 1 || height * dots.down() < 3
}

/// A channel to be drawn.
pub(super) struct PlottedTrace<'a> {
    pub(super) columns: &'a [Bin],
    pub(super) scale: Scale,
    /// Used if the channel has only one row.
    pub(super) bar: Bar,
    pub(super) style: Style,
}

/// The runs of a cell's bins, left to right.
type Runs = [Option<DotRun>; 2];

/// What determines the cells of a channel besides its columns.
#[derive(Clone, Copy, Debug, PartialEq)]
struct PlotStyle {
    scale: Scale,
    bar: Bar,
    style: Style,
    dots: Dots,
    width: u64,
    height: u16,
}

/// A channel as last drawn.
#[derive(Debug, Default)]
pub(in crate::ui) struct TraceCache {
    look: Option<PlotStyle>,
    /// The number of the first bin, and the columns from there on.
    first: u64,
    columns: Vec<Bin>,
    /// The group at each position of a row, in sweep order, and the cells row by row.
    groups: Vec<Option<u64>>,
    cells: Vec<Cell>,
    /// Which positions have to be redrawn; valid only while drawing.
    changed: Vec<bool>,
}

/// Draws a channel into its rows. All cells, including blank ones, get the style, so that only glyphs change
/// between frames.
pub(super) fn draw(
    trace: &PlottedTrace<'_>,
    cells: &BinGroups,
    dots: Dots,
    area: Rect,
    buffer: &mut Buffer,
    drawn: &mut TraceCache,
) {
    let PlottedTrace { columns, scale, bar, style } = *trace;
    let look = PlotStyle { scale, bar, style, dots, width: cells.width, height: area.height };
    if drawn.look != Some(look) {
        *drawn = TraceCache::new(look);
    }
    let area = area.intersection(buffer.area);
    if area.is_empty() {
        return;
    }
    drawn.update(look, columns, cells);
    for (row, y) in
        drawn.cells.chunks_exact(drawn.groups.len().max(1)).zip(area.top()..area.bottom())
    {
        let (right, left) = row.split_at(cells.leftmost());
        let start = buffer.index_of(area.x, y);
        let line = &mut buffer.content[start..start + usize::from(area.width)];
        // Two loops cost less than a single one over both parts.
        let (before, after) = line.split_at_mut(left.len().min(line.len()));
        for (part, drawn) in [(before, left), (after, right)] {
            part.iter_mut().zip(drawn).for_each(|(cell, drawn)| cell.clone_from(drawn));
        }
    }
}

impl TraceCache {
    /// Nothing drawn yet.
    fn new(look: PlotStyle) -> Self {
        let mut blank = Cell::EMPTY;
        blank.set_style(look.style);
        blank.set_diff_option(paint::ONE_CELL);
        let width = usize::try_from(look.width).unwrap_or_default();
        Self {
            look: Some(look),
            groups: vec![None; width],
            changed: vec![false; width],
            cells: vec![blank; width * usize::from(look.height)],
            ..Self::default()
        }
    }

    /// Redraws what has changed.
    fn update(&mut self, look: PlotStyle, columns: &[Bin], cells: &BinGroups) {
        self.mark_changed(columns, cells);
        let width = self.groups.len();
        let places = (cells.leftmost()..width).chain(0..cells.leftmost());
        for (&group, place) in cells.groups.iter().zip(places) {
            if self.changed[place] || self.groups[place] != group {
                self.groups[place] = group;
                let runs = group.map(|group| group_runs(cells, group, look, columns));
                paint(
                    look,
                    runs.unwrap_or_default(),
                    self.cells[place..].iter_mut().step_by(width),
                );
            }
        }
        self.first = cells.first;
        self.columns.clear();
        self.columns.extend_from_slice(columns);
    }

    /// Marks the groups with a changed bin, and those right after one, as they are joined to it.
    fn mark_changed(&mut self, columns: &[Bin], cells: &BinGroups) {
        self.changed.fill(false);
        let width = self.changed.len() as u64;
        let mut mark = |bin: u64| {
            for group in [bin / cells.across, (bin + 1) / cells.across] {
                let place = usize::try_from(group % width.max(1)).ok();
                if let Some(changed) = place.and_then(|place| self.changed.get_mut(place)) {
                    *changed = true;
                }
            }
        };
        let place = |from: u64, to: u64| usize::try_from(to.saturating_sub(from)).ok();
        let before = place(self.first, cells.first).and_then(|at| self.columns.get(at..));
        let before = before.unwrap_or_default();
        let later = place(cells.first, self.first).unwrap_or_default().min(columns.len());
        let end = columns.len().min(later + before.len());
        // The oldest bin has no predecessor, and the newest no successor.
        mark(cells.first.saturating_sub(1));
        (cells.first..).zip(&columns[..later]).for_each(|(bin, _)| mark(bin));
        for (bin, (column, before)) in
            (cells.first + later as u64..).zip(columns[later..].iter().zip(before))
        {
            if !is_same(column, before) {
                mark(bin);
            }
        }
        (cells.first + end as u64..).zip(0..=columns.len() - end).for_each(|(bin, _)| mark(bin));
    }
}

/// Whether a bin looks the same. One without samples may depend on distant bins, so it never does. Compares
/// bits, at half the cost of comparing numbers.
fn is_same(bin: &Bin, before: &Bin) -> bool {
    let bits = |bin: &Bin| [bin.min, bin.max, bin.first, bin.last].map(f32::to_bits);
    bin.count > 0 && bin.count == before.count && bin.gap == before.gap && bits(bin) == bits(before)
}

/// Draws the cells of a group, each with its glyph.
fn paint<'a>(look: PlotStyle, runs: Runs, column: impl Iterator<Item = &'a mut Cell>) {
    // Values beyond the scale are drawn at the edge and marked there.
    let beyond = |edge: fn(&DotRun) -> bool| runs.iter().flatten().any(edge);
    let (above, below) = (beyond(|run| run.clipped_top), beyond(|run| run.clipped_bottom));
    for (row, cell) in (0..look.height).zip(column) {
        let glyph = match (above && row == 0, below && row + 1 == look.height) {
            (false, false) => look.glyph(runs, row),
            (true, false) => glyphs::CLIPPED_TOP,
            (false, true) => glyphs::CLIPPED_BOTTOM,
            (true, true) => glyphs::CLIPPED_BOTH,
        };
        cell.set_char(glyph);
    }
}

/// The runs of a group's bins.
fn group_runs(cells: &BinGroups, group: u64, look: PlotStyle, columns: &[Bin]) -> Runs {
    let places = cells.places(group);
    let Some(&first) = places.iter().flatten().next() else { return Runs::default() };
    // Only the last samples before the group matter.
    let back = columns[..first].iter().rposition(|column| column.count > 0).unwrap_or(0);
    let mut runs = runs(&columns[back..], look.scale, look.rows()).skip(first - back);
    places.map(|place| place.and_then(|_| runs.next().flatten()))
}

impl PlotStyle {
    /// A channel's height in dots.
    fn rows(&self) -> u16 {
        match self.bar {
            _ if !is_sparkline(self.dots, self.height) => self.height * self.dots.down(),
            Bar::PeakToPeak => 2 * LEVELS - 1,
            Bar::Extreme => PLACES,
        }
    }

    fn glyph(&self, [left, right]: Runs, row: u16) -> char {
        match self.dots {
            _ if is_sparkline(self.dots, self.height) => {
                let is_lowest = row + 1 == self.height;
                if is_lowest { level([left, right], self.bar, self.dots.levels()) } else { ' ' }
            }
            dots => {
                let lit =
                    |run: Option<DotRun>| run.map_or(0, |run| dots.lit((run.top, run.bottom), row));
                dots.glyph(lit(left), lit(right))
            }
        }
    }
}

/// The block of a sparkline's cell.
fn level(runs: Runs, bar: Bar, levels: &[char; LEVELS as usize]) -> char {
    let mut runs = runs.into_iter().flatten();
    let Some(first) = runs.next() else { return ' ' };
    let both = runs.fold(first, |one, other| DotRun {
        top: one.top.min(other.top),
        bottom: one.bottom.max(other.bottom),
        peak: if away(other) > away(one) { other.peak } else { one.peak },
        ..one
    });
    let level = match bar {
        // Two rows per level.
        Bar::PeakToPeak => (both.bottom - both.top) / 2,
        Bar::Extreme => (PLACES - 1).saturating_sub(both.peak),
    };
    levels.get(usize::from(level)).copied().unwrap_or(' ')
}

/// The number of levels between a run's peak and the middle.
fn away(run: DotRun) -> u16 {
    run.peak.abs_diff(PLACES / 2)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::app::ScrollMode;

    const WIDTH: u16 = 24;
    const SCALE: Scale = Scale { centre: 0.0, half: 50.0 };

    /// A window's columns up to the bin `newest`, of an arbitrary signal.
    fn picture(motion: ScrollMode, dots: Dots, newest: u64, height: u16) -> Buffer {
        let all: Vec<Bin> = (0..=newest)
            .map(|bin| {
                let value = ((bin * 7919) % 101) as f32 - 50.0;
                Bin {
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
        let cells = BinGroups::new(motion, dots, WIDTH, first as u64, columns.len());
        let trace =
            PlottedTrace { columns, scale: SCALE, bar: Bar::PeakToPeak, style: Style::new() };
        draw(&trace, &cells, dots, area, &mut buffer, &mut TraceCache::default());
        buffer
    }

    fn column(buffer: &Buffer, x: u16) -> Vec<&str> {
        (0..buffer.area.height).map(|y| buffer[(x, y)].symbol()).collect()
    }

    fn dots() -> impl Strategy<Value = Dots> {
        prop::sample::select(vec![Dots::Braille, Dots::Halves, Dots::Whole, Dots::Ascii])
    }

    proptest! {
        /// From one bin to the next a sweep writes at most the cell just finished and the blank ahead of it;
        /// all others stay. The oldest cell may lose its join with the past.
        #[test]
        fn a_sweep_writes_a_cell_once(dots in dots(), newest in 100_u64..400, height in 1_u16..4) {
            let before = picture(ScrollMode::Sweep, dots, newest, height);
            let after = picture(ScrollMode::Sweep, dots, newest + 1, height);
            let changed: Vec<u16> =
                (0..WIDTH).filter(|&x| column(&before, x) != column(&after, x)).collect();
            prop_assert!(changed.len() <= 3, "{changed:?}");
            // Unless a bin begins a group, it changes no other cell.
            let across = u64::from(dots.across());
            let oldest = (newest / across + 1) % u64::from(WIDTH);
            let stands = changed.iter().all(|&x| u64::from(x) == oldest);
            prop_assert!((newest + 1).is_multiple_of(across) || stands, "{newest} {changed:?}");
        }

        /// A scroll moves by whole cells: the same glyphs, one cell to the left.
        #[test]
        fn a_scroll_moves_whole_cells(dots in dots(), newest in 100_u64..400, height in 1_u16..4) {
            let before = picture(ScrollMode::Scroll, dots, newest, height);
            let after = picture(ScrollMode::Scroll, dots, newest + u64::from(dots.across()), height);
            // The leftmost cell has lost its past, and the newest was still growing.
            for x in 2..WIDTH - 1 {
                prop_assert_eq!(column(&before, x), column(&after, x - 1));
            }
        }
    }

    /// An arbitrary column, possibly without samples.
    fn any_column() -> impl Strategy<Value = Bin> {
        let samples = (prop::num::i8::ANY, 0_u8..90, 0_u32..4, prop::bool::weighted(0.1));
        samples.prop_map(|(value, swing, count, gap)| {
            let (min, max) = (f32::from(value), f32::from(value) + f32::from(swing));
            let of = |value: f32| if count > 0 { value } else { f32::NAN };
            Bin { min: of(min), max: of(max), first: of(max), last: of(min), count, gap }
        })
    }

    /// A change from one frame to the next.
    #[derive(Clone, Debug)]
    enum FrameChange {
        /// The window moves by this many bins, and the newest has grown.
        Move(i8, Bin),
        /// A finished bin changes, as with another filter.
        Change(usize, Bin),
        Look(ScrollMode, Dots, u16),
    }

    fn step() -> impl Strategy<Value = FrameChange> {
        let motion = prop::sample::select(vec![ScrollMode::Sweep, ScrollMode::Scroll]);
        prop_oneof![
            6 => (-8_i8..40, any_column()).prop_map(|(by, newest)| FrameChange::Move(by, newest)),
            1 => (0_usize..200, any_column()).prop_map(|(at, column)| FrameChange::Change(at, column)),
            1 => (motion, dots(), 1_u16..4).prop_map(|(motion, dots, height)| {
                FrameChange::Look(motion, dots, height)
            }),
        ]
    }

    proptest! {
        /// Whatever was drawn before, the picture shows the current columns.
        #[test]
        fn nothing_old_is_drawn(
            mut all in prop::collection::vec(any_column(), 200),
            steps in prop::collection::vec(step(), 1..20),
        ) {
            let mut drawn = TraceCache::default();
            let (mut end, mut motion, mut dots, mut height) = (60_usize, ScrollMode::Sweep, Dots::Braille, 3);
            for step in steps {
                match step {
                    FrameChange::Move(by, newest) => {
                        end = end.saturating_add_signed(by.into()).clamp(2, all.len());
                        all[end - 1] = newest;
                    }
                    FrameChange::Change(at, column) => all[at] = column,
                    FrameChange::Look(other, ways, rows) => (motion, dots, height) = (other, ways, rows),
                }
                let first = end.saturating_sub(usize::from(WIDTH * dots.across()));
                let columns = &all[first..end];
                let cells = BinGroups::new(motion, dots, WIDTH, first as u64, columns.len());
                let trace = PlottedTrace { columns, scale: SCALE, bar: Bar::PeakToPeak, style: Style::new() };
                let area = Rect::new(0, 0, WIDTH, height);
                let mut pictures = [Buffer::empty(area), Buffer::empty(area)];
                let [kept, fresh] = &mut pictures;
                draw(&trace, &cells, dots, area, kept, &mut drawn);
                draw(&trace, &cells, dots, area, fresh, &mut TraceCache::default());
                let [kept, fresh] = &pictures;
                prop_assert_eq!(kept, fresh);
                if let Some(look) = drawn.look {
                    let all: Vec<_> = runs(columns, SCALE, look.rows()).collect();
                    for &group in cells.groups.iter().flatten() {
                        let own = cells.places(group).map(|place| place.and_then(|at| all[at]));
                        prop_assert_eq!(group_runs(&cells, group, look, columns), own);
                    }
                }
            }
        }
    }

    fn columns(values: &[(f32, f32)]) -> Vec<Bin> {
        let column = |&(first, last): &(f32, f32)| Bin {
            min: first.min(last),
            max: first.max(last),
            first,
            last,
            count: 2,
            gap: false,
        };
        values.iter().map(column).collect()
    }

    /// Four finished cells, and the blank one that grows.
    fn scrolled(columns: &[Bin], bar: Bar, height: u16) -> Buffer {
        let area = Rect::new(0, 0, 5, height);
        let mut buffer = Buffer::empty(area);
        let cells = BinGroups::new(ScrollMode::Scroll, Dots::Braille, 5, 0, columns.len() + 2);
        let trace = PlottedTrace { columns, scale: SCALE, bar, style: Style::new() };
        draw(&trace, &cells, Dots::Braille, area, &mut buffer, &mut TraceCache::default());
        buffer
    }

    #[test]
    fn what_is_beyond_the_scale_is_marked_at_the_edge() {
        let values = [0.0, 0.0, 900.0, 0.0, -900.0, 0.0, 0.0, 0.0].map(|value| (value, value));
        let buffer = scrolled(&columns(&values), Bar::PeakToPeak, 2);
        assert_eq!(column(&buffer, 1)[0], glyphs::CLIPPED_TOP.to_string());
        assert_eq!(column(&buffer, 2)[1], glyphs::CLIPPED_BOTTOM.to_string());
    }

    #[test]
    fn a_bar_is_the_swing_whatever_its_phase_or_the_place() {
        let alpha =
            columns(&[(-12.0, 14.0), (12.0, -14.0), (14.0, -12.0), (-14.0, 12.0)].repeat(2));
        let flat = columns(&[(40.0, 40.0); 8]);
        let symbols =
            |buffer: &Buffer| buffer.content.iter().take(4).map(Cell::symbol).collect::<String>();
        assert_eq!(symbols(&scrolled(&alpha, Bar::PeakToPeak, 1)), "▃▃▃▃");
        assert_eq!(symbols(&scrolled(&flat, Bar::PeakToPeak, 1)), "▁▁▁▁");
        assert_eq!(symbols(&scrolled(&flat, Bar::Extreme, 1)), "▇▇▇▇");
        // As far below the middle as above it.
        let places = [50.0, 30.0, 0.0, 0.0, -30.0, -50.0, 0.0, 0.0].map(|value| (value, value));
        assert_eq!(symbols(&scrolled(&columns(&places), Bar::Extreme, 1)), "▇▄▁▄");
        let full = columns(&[(50.0, -50.0); 8]);
        assert_eq!(symbols(&scrolled(&full, Bar::PeakToPeak, 1)), "████");
    }

    #[test]
    fn two_whole_cells_are_too_few_for_a_line_and_hold_a_bar() {
        let area = Rect::new(0, 0, 4, 2);
        let mut buffer = Buffer::empty(area);
        let columns = columns(&[(-14.0, 14.0); 4]);
        let cells = BinGroups::new(ScrollMode::Scroll, Dots::Whole, 4, 0, columns.len());
        let trace = PlottedTrace {
            columns: &columns,
            scale: SCALE,
            bar: Bar::PeakToPeak,
            style: Style::new(),
        };
        draw(&trace, &cells, Dots::Whole, area, &mut buffer, &mut TraceCache::default());
        assert_eq!(column(&buffer, 1), [" ", "▃"]);
    }

    #[test]
    fn each_way_of_drawing_lights_the_same_run() {
        let column = |dots: Dots, rows| -> String {
            (0..3).map(|row| dots.glyph(dots.lit(rows, row), 0)).collect()
        };
        assert_eq!(column(Dots::Halves, (1, 2)), "▄▀ ");
        assert_eq!(column(Dots::Whole, (1, 2)), " ██");
        assert_eq!(column(Dots::Ascii, (1, 6)), ".|\"");
        assert_eq!(column(Dots::Braille, (1, 8)), "⡆⡇⠁");
    }
}
