//! Divides the screen. At 80×24 three panes and one line of the log fit; on smaller screens panes are dropped
//! one by one, first the log, then the session, then the headsets, but never the focused one.

use std::cmp::Reverse;

use ratatui::layout::Rect;

use super::{PANES, PaneRow, paint};
use crate::app::{App, Pane};

/// Minimum size of a screen with a pane.
pub const SMALLEST: (u16, u16) = (24, 6);
/// Minimum height for a header of two lines.
const TWO_LINES: u16 = 16;
/// Minimum width for two columns.
const TWO_COLUMNS: u16 = 72;

/// Minimum size of the body for a log pane in the left column: wide enough for its lines, high enough for a
/// whole session. On a smaller body the log is one line, unless it has the focus.
const LARGE: (u16, u16) = (120, 32);

/// The parts of the screen.
pub(super) struct ScreenLayout {
    pub(super) header: Rect,
    /// The visible panes.
    pub(super) panes: Vec<(Pane, Rect)>,
    pub(super) footer: Rect,
}

/// The text for a screen that is too small; it starts with the required size, as the rest may not fit.
pub(super) fn too_small(area: Rect) -> String {
    let (width, height) = SMALLEST;
    format!("{width}×{height} needed, this is {}×{}: enlarge the window", area.width, area.height)
}

impl ScreenLayout {
    /// The parts, or `None` if the screen is too small for any.
    pub(super) fn new(app: &App, area: Rect) -> Option<Self> {
        if area.width < SMALLEST.0 || area.height < SMALLEST.1 {
            return None;
        }
        let top = if area.height >= TWO_LINES { 2 } else { 1 };
        let header = Rect { height: top, ..area };
        let footer = Rect { y: area.bottom() - 1, height: 1, ..area };
        let body = Rect { y: area.y + top, height: area.height - top - 1, ..area };
        let whole = app.zoomed || app.shows_overview();
        let panes = if whole { vec![(app.focus, body)] } else { panes(app, body) };
        Some(Self { header, panes, footer })
    }
}

/// Minimum height of the body for a line of the log.
const LOG_LINE: u16 = 12;

/// Whether the body is large enough for a permanent log pane.
pub(super) fn is_large(body: Rect) -> bool {
    body.width >= LARGE.0 && body.height >= LARGE.1
}

fn panes(app: &App, body: Rect) -> Vec<(Pane, Rect)> {
    let has_log = is_large(body) || app.focus == Pane::Log;
    let is_stacked = body.width < TWO_COLUMNS;
    // In one column the log line also gives way to the channels.
    let streams = PANES.iter().find(|row| row.pane == Pane::Streams);
    let needed = streams.map_or(0, |row| (row.min)(app, body));
    let has_line = !has_log && body.height >= LOG_LINE && !(is_stacked && needed >= body.height);
    let line = Rect { y: body.bottom() - 1, height: 1, ..body };
    let body = Rect { height: body.height - u16::from(has_line), ..body };
    let line = has_line.then_some((Pane::Log, line));
    let all = || PANES.iter().filter(|row| has_log || row.pane != Pane::Log);
    if is_stacked {
        return stack(app, body, body, all().collect()).into_iter().chain(line).collect();
    }
    let left = (body.width * 2 / 5).min(28 + body.width.saturating_sub(80) / 3).min(56);
    let right = Rect { x: body.x + left, width: body.width - left, ..body };
    let in_column = |left| all().filter(move |row| (row.is_left)(body) == left).collect();
    let mut panes = stack(app, body, Rect { width: left, ..body }, in_column(true));
    panes.extend(stack(app, body, right, in_column(false)));
    panes.extend(line);
    panes
}

/// Stacks panes in a column: drops those that do not fit, gives each its minimum, then gives the remaining
/// rows to those that want more, the most important first. Adjacent panes share a border row.
fn stack(app: &App, body: Rect, area: Rect, mut rows: Vec<&'static PaneRow>) -> Vec<(Pane, Rect)> {
    let room = |rows: &[&PaneRow]| area.height + paint::cells(rows.len().saturating_sub(1));
    let mut dispensable = rows.clone();
    dispensable.sort_by_key(|row| Reverse(row.rank));
    for row in dispensable {
        let needed: u16 = rows.iter().map(|row| (row.min)(app, body)).sum();
        if needed > room(&rows) && rows.len() > 1 && row.pane != app.focus {
            rows.retain(|other| other.pane != row.pane);
        }
    }
    let mut heights: Vec<u16> =
        rows.iter().map(|row| (row.min)(app, body).min(area.height)).collect();
    let mut rest = room(&rows).saturating_sub(heights.iter().sum());
    // Panes with small wishes first: those that take any number of rows get the remainder.
    let preferred_rows: Vec<u16> = rows.iter().map(|row| (row.preferred_rows)(app, body)).collect();
    let mut order: Vec<usize> = (0..rows.len()).collect();
    order.sort_by_key(|&at| (preferred_rows[at], rows[at].rank));
    for at in order {
        let more = preferred_rows[at].saturating_sub(heights[at]).min(rest);
        heights[at] += more;
        rest -= more;
    }
    if let Some(last) = heights.last_mut() {
        *last += rest;
    }
    let mut y = area.y;
    rows.iter()
        .zip(heights)
        .map(|(row, height)| {
            let part = Rect { y, height, ..area };
            y += height.saturating_sub(1);
            (row.pane, part)
        })
        .collect()
}
