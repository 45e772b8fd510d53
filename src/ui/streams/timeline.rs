//! A strip of the past, the newest at the right, each cell a time span. Cells are anchored to the clock, so
//! that past cells stay as they were drawn.

use std::time::Duration;

use ratatui::text::Line;
use tokio::time::Instant;

use crate::ui::{context::RenderContext, glyphs, theme::ThemeToken};

/// The time span of a cell, for values that change within seconds.
pub(super) const CELL: Duration = Duration::from_millis(500);

/// The heading above strips of so many cells.
pub(super) fn heading(ctx: &RenderContext<'_>, cells: usize) -> Line<'static> {
    let seconds = CELL.as_secs_f64() * cells as f64;
    ctx.span(ThemeToken::Dim, format!("the last {seconds:.0} s, newest at the right")).into()
}

/// The cell of a moment in a strip of `cells` cells, each `stretch` long, that ends at `newest`; `None` if
/// the moment is older.
pub(super) fn cell(
    ctx: &RenderContext<'_>,
    moment: Instant,
    newest: Instant,
    stretch: Duration,
    width: usize,
) -> Option<usize> {
    let cell = i64::try_from(stretch.as_millis()).unwrap_or(i64::MAX);
    let count = |moment| ctx.wall_at(moment).as_millisecond().div_euclid(cell);
    let back = usize::try_from(count(newest) - count(moment)).unwrap_or(0);
    width.checked_sub(back.checked_add(1)?)
}

/// The level of a share from 0 to 1; blank without a value, which is not the lowest level.
pub(super) fn level(share: Option<f64>) -> char {
    let Some(share) = share.filter(|share| !share.is_nan()) else { return ' ' };
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped")]
    let at = (share.clamp(0.0, 1.0) * (glyphs::LEVELS.len() - 1) as f64).round() as usize;
    glyphs::LEVELS[at]
}
