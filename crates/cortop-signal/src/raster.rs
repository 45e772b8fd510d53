//! From envelope columns to the dots to light: pure geometry of one channel (docs/signal.md,
//! "Downsampling"). Independent of cells, glyphs and colours: braille, half blocks and ASCII are
//! all drawn from these runs, in sweep and in scroll mode.

use super::columns::Bin;

/// The vertical scale of a trace.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scale {
    /// The value on the middle row, in the channel's unit (µV for eeg).
    pub centre: f32,
    /// The distance from the centre to the top and to the bottom edge, in the same unit.
    pub half: f32,
}

/// A scale over this many rows; precomputes what is the same for all values.
///
/// The centre of the scale falls on the middle of a row, so that noise around it never flips a flat
/// line, and there are as many rows above that one as below, so that equal swings look equal. With
/// an even number of rows, the lowest therefore stays dark.
#[derive(Clone, Copy, Debug)]
struct Raster {
    centre: f32,
    /// Height of a row, in the channel's unit; infinite if the scale has no height.
    height: f32,
    /// The offset that rounds to the nearest row.
    middle: f32,
    last: u16,
}

impl Raster {
    fn new(scale: Scale, rows: u16) -> Self {
        let last = rows.saturating_sub(1) / 2 * 2;
        let height = 2.0 * scale.half / f32::from(last + 1);
        Self {
            centre: scale.centre,
            height: if height > 0.0 { height } else { f32::INFINITY },
            middle: f32::from(last / 2) + 0.5,
            last,
        }
    }

    /// The dot row of a value, 0 at the top; beyond the scale it is the row at the edge.
    fn row(self, value: f32) -> u16 {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "what is negative or too large becomes the row at the edge"
        )]
        let row = (self.middle + (self.centre - value) / self.height) as u16;
        row.min(self.last)
    }
}

/// The vertical run of dots lit in one dot column: rows `top..=bottom`, 0 at the top.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DotRun {
    /// The uppermost lit row.
    pub top: u16,
    /// The lowest lit row, at least `top`.
    pub bottom: u16,
    /// The row of the sample farthest from the centre of the scale, for a sparkline with one level
    /// per column.
    pub peak: u16,
    /// Samples lie above the scale: drawn on the top row, to be marked.
    pub clipped_top: bool,
    /// Samples lie below the scale: drawn on the bottom row, to be marked.
    pub clipped_bottom: bool,
    /// Samples were lost here, but too few to leave a column empty: to be marked by a tick.
    pub tick: bool,
}

/// The runs of consecutive columns, one per column; `None` if nothing is lit.
///
/// With an even number of rows, the lowest stays dark, so that the scale is symmetric about a row.
///
/// A run covers the rows of the column's min and max and everything in between. It extends beyond
/// them only to close the gap to the samples of the previous column, up to but never onto their
/// rows, so that a join only looks back and a closed column never changes. A join never crosses a
/// loss. Between samples more than one column apart, a straight line is drawn.
pub fn runs(columns: &[Bin], scale: Scale, rows: u16) -> impl Iterator<Item = Option<DotRun>> {
    // The rows of the samples (or of the line) in the previous column, and the latest sample with
    // its position, as long as nothing has been lost since.
    let raster = Raster::new(scale, rows);
    let (upper, lower) = (scale.centre + scale.half, scale.centre - scale.half);
    let mut before: Option<(u16, u16)> = None;
    let mut latest: Option<(usize, f32)> = None;
    columns.iter().enumerate().map(move |(at, column)| {
        if rows == 0 {
            return None;
        }
        if column.gap {
            latest = None;
        }
        let (min, max) = if column.count > 0 {
            latest = Some((at, column.last));
            (column.min, column.max)
        } else if let Some(value) = latest.and_then(|from| between(columns, from, at)) {
            (value, value)
        } else {
            before = None;
            return None;
        };
        let (high, low) = (raster.row(max), raster.row(min));
        let joined = before.replace((high, low));
        let (mut top, mut bottom) = (high, low);
        if let Some((above, below)) = joined.filter(|_| !column.gap) {
            top = top.min(below.saturating_add(1));
            bottom = bottom.max(above.saturating_sub(1));
        }
        Some(DotRun {
            top,
            bottom,
            peak: if max - scale.centre > scale.centre - min { high } else { low },
            clipped_top: max > upper,
            clipped_bottom: min < lower,
            // If the loss left the previous column empty, the hole itself shows it.
            tick: column.gap && joined.is_some(),
        })
    })
}

/// The value at column `at` of the straight line from the sample `from` to the next one, if there
/// are only bins without an index in between.
fn between(columns: &[Bin], from: (usize, f32), at: usize) -> Option<f32> {
    let (left, value) = from;
    let mut ahead = columns.iter().enumerate().skip(at);
    let (right, next) = ahead.find(|(_, column)| column.count > 0 || column.gap)?;
    let share = (at - left) as f32 / (right - left) as f32;
    (!next.gap).then_some(value + (next.first - value) * share)
}
