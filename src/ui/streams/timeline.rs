//! The past as a strip: what happened, the newest at the right, a cell for a stretch of time.
//! Cells are anchored to the clock, so that what is past stays as it was drawn.

use std::time::Duration;

use ratatui::text::Line;
use tokio::time::Instant;

use crate::ui::{context::RenderContext, glyphs, theme::ThemeToken};

/// The stretch of time of a cell of what changes within seconds.
pub(super) const CELL: Duration = Duration::from_millis(500);

/// What stands above strips of so many cells.
pub(super) fn heading(ctx: &RenderContext<'_>, cells: usize) -> Line<'static> {
    let seconds = CELL.as_secs_f64() * cells as f64;
    ctx.span(ThemeToken::Dim, format!("the last {seconds:.0} s, newest at the right")).into()
}

/// The place that a moment falls into in a strip of so many cells, each `stretch` long, up to `newest`;
/// `None` if it is older than that.
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

/// The level of a share of 0 to 1; nothing for no value, which is not the lowest level.
pub(super) fn level(share: Option<f64>) -> char {
    let Some(share) = share.filter(|share| !share.is_nan()) else { return ' ' };
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped")]
    let at = (share.clamp(0.0, 1.0) * (glyphs::LEVELS.len() - 1) as f64).round() as usize;
    glyphs::LEVELS[at]
}
