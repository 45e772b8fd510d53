//! Who gets which part of the screen. At 80×24 all four panes fit; on smaller screens panes drop
//! out one by one – first the log, then the session, then the headsets – but never the focused one.

use ratatui::layout::Rect;

use super::{headsets, paint};
use crate::app::{App, Pane};

/// The smallest screen on which a pane can be drawn.
pub const SMALLEST: (u16, u16) = (24, 6);
/// From this height on the header has two lines.
const TWO_LINES: u16 = 16;
/// From this width on there are two columns.
const TWO_COLUMNS: u16 = 72;

/// From this size of the body on the log stands in the left column, and the streams have all of
/// the right one: wide enough for its lines, high enough for a session seen whole.
const LOG_LEFT: (u16, u16) = (120, 32);
/// Rows in which a session is seen whole: frame, fields and notes.
const SESSION: u16 = 20;

/// The parts of the screen.
pub(super) struct ScreenLayout {
    pub(super) header: Rect,
    /// The panes that are seen.
    pub(super) panes: Vec<(Pane, Rect)>,
    pub(super) footer: Rect,
}

/// What is said where nothing fits: first what is needed, as the rest may not fit either.
pub(super) fn too_small(area: Rect) -> String {
    format!("{}×{} needed, this is {}×{}", SMALLEST.0, SMALLEST.1, area.width, area.height)
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

/// What a pane requests for in a column: rows it cannot do without, rows it would like.
struct PaneRequest {
    pane: Pane,
    min: u16,
    like: u16,
}

fn panes(app: &App, body: Rect) -> Vec<(Pane, Rect)> {
    let like = paint::cells(headsets::rows(app)).min(body.height / 3).max(6);
    let headsets = PaneRequest { pane: Pane::Headsets, min: 4, like };
    let log_left = body.width >= LOG_LEFT.0 && body.height >= LOG_LEFT.1;
    let whole = log_left && !app.sessions.unfolded;
    let session =
        PaneRequest { pane: Pane::Session, min: 6, like: if whole { SESSION } else { u16::MAX } };
    let streams = PaneRequest { pane: Pane::Streams, min: 6, like: u16::MAX };
    let rows = if log_left { u16::MAX } else { body.height / 6 };
    let log = PaneRequest { pane: Pane::Log, min: 4, like: rows.max(4) };
    if body.width < TWO_COLUMNS {
        return stack(app.focus, body, vec![headsets, session, streams, log]);
    }
    let left = (body.width * 2 / 5).min(30 + body.width.saturating_sub(80) / 3).min(56);
    let right = Rect { x: body.x + left, width: body.width - left, ..body };
    let (mut in_left, mut in_right) = (vec![headsets, session], vec![streams]);
    if log_left { &mut in_left } else { &mut in_right }.push(log);
    let mut all = stack(app.focus, Rect { width: left, ..body }, in_left);
    all.extend(stack(app.focus, right, in_right));
    all
}

/// Stacks panes in a column: drops what does not fit, then gives each what it needs and the rest
/// to the ones that like more, the streams first.
fn stack(focus: Pane, area: Rect, mut requests: Vec<PaneRequest>) -> Vec<(Pane, Rect)> {
    for pane in [Pane::Log, Pane::Session, Pane::Headsets, Pane::Streams] {
        let needed: u16 = requests.iter().map(|request| request.min).sum();
        if needed > area.height && requests.len() > 1 && pane != focus {
            requests.retain(|request| request.pane != pane);
        }
    }
    let mut heights: Vec<u16> =
        requests.iter().map(|request| request.min.min(area.height)).collect();
    let mut rest = area.height.saturating_sub(heights.iter().sum());
    // The modest ones first: what they leave goes to those that take any number of rows.
    let mut order: Vec<usize> = (0..requests.len()).collect();
    order.sort_by_key(|&at| (requests[at].like, requests[at].pane != Pane::Streams));
    for at in order {
        let more = requests[at].like.saturating_sub(heights[at]).min(rest);
        heights[at] += more;
        rest -= more;
    }
    if let Some(last) = heights.last_mut() {
        *last += rest;
    }
    let mut y = area.y;
    requests
        .iter()
        .zip(heights)
        .map(|(request, height)| {
            let part = Rect { y, height, ..area };
            y += height;
            (request.pane, part)
        })
        .collect()
}
