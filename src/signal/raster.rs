//! From envelope columns to the dots to light: pure geometry of one channel (signal.md,
//! "Downsampling"). Knows neither cells, glyphs nor colours: braille, half blocks and ASCII are all
//! drawn from these runs, in a sweep as in a scroll.

use super::snapshot::Column;

/// The vertical scale of a trace.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scale {
    /// The value drawn on the middle row, in the channel's unit (µV for eeg).
    pub centre: f32,
    /// The distance from there to the top and to the bottom edge, in the same unit.
    pub half: f32,
}

impl Scale {
    /// The dot row of a value, 0 at the top; beyond the scale it is the row at the edge.
    ///
    /// The centre of the scale falls on the middle of row `rows / 2`, not between two rows, so that
    /// noise around it never flips a flat line.
    fn row(self, value: f32, rows: u16) -> u16 {
        let row_height = 2.0 * self.half / f32::from(rows);
        let below = if row_height > 0.0 { (self.centre - value) / row_height } else { 0.0 };
        // The nearest row, as what is negative is clamped away; a rounding call costs more than all else.
        let row = f32::from(rows / 2) + below + 0.5;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "clamped to the rows before"
        )]
        let row = row.clamp(0.0, f32::from(rows.saturating_sub(1))) as u16;
        row
    }
}

/// The vertical run of dots lit in one dot column: rows `top..=bottom`, 0 at the top.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run {
    /// The uppermost lit row.
    pub top: u16,
    /// The lowest lit row; never above `top`.
    pub bottom: u16,
    /// The row of the sample farthest from the centre of the scale, for a sparkline that has one
    /// level a column.
    pub peak: u16,
    /// Samples lie above the scale: drawn on the top row, to be marked.
    pub clipped_top: bool,
    /// Samples lie below the scale: drawn on the bottom row, to be marked.
    pub clipped_bottom: bool,
    /// Samples were lost here, too few to leave a column empty: to be marked by a tick.
    pub tick: bool,
}

/// The runs of consecutive columns, one for each, `None` where nothing is lit.
///
/// A run covers the rows of the column's min and max and all between. It reaches beyond them only
/// to close the gap to the samples of the column before, up to but never onto their rows, so a join
/// looks back only and a closed column stays as it is. A join crosses no loss. Between samples more
/// than one column apart a straight line is drawn.
pub fn runs(columns: &[Column], scale: Scale, rows: u16) -> impl Iterator<Item = Option<Run>> {
    // The rows of the samples (or of the line) in the column before, and the latest sample with its
    // place, as long as nothing was lost since.
    let mut before: Option<(u16, u16)> = None;
    let mut latest: Option<(usize, f32)> = None;
    columns.iter().enumerate().map(move |(at, column)| {
        if rows == 0 {
            return None;
        }
        if column.gap {
            latest = None;
        }
        let drawn = if column.count > 0 {
            latest = Some((at, column.last));
            *column
        } else if let Some(value) = latest.and_then(|from| between(columns, from, at)) {
            Column { min: value, max: value, first: value, last: value, ..*column }
        } else {
            before = None;
            return None;
        };
        let (high, low) = (scale.row(drawn.max, rows), scale.row(drawn.min, rows));
        let joined = before.replace((high, low));
        let (mut top, mut bottom) = (high, low);
        if let Some((above, below)) = joined.filter(|_| !column.gap) {
            top = top.min(below.saturating_add(1));
            bottom = bottom.max(above.saturating_sub(1));
        }
        Some(Run {
            top,
            bottom,
            peak: if drawn.max - scale.centre > scale.centre - drawn.min { high } else { low },
            clipped_top: drawn.max > scale.centre + scale.half,
            clipped_bottom: drawn.min < scale.centre - scale.half,
            // Where the loss left the column before empty, the hole itself shows it.
            tick: column.gap && joined.is_some(),
        })
    })
}

/// The value at column `at` of the straight line from the sample `from` to the next one, if only
/// bins without an index lie between.
fn between(columns: &[Column], from: (usize, f32), at: usize) -> Option<f32> {
    let (left, value) = from;
    let mut ahead = columns.iter().enumerate().skip(at);
    let (right, next) = ahead.find(|(_, column)| column.count > 0 || column.gap)?;
    let share = (at - left) as f32 / (right - left) as f32;
    (!next.gap).then_some(value + (next.first - value) * share)
}
