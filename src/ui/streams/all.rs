//! All streams at a glance: the traces of EEG, or of motion where there is no EEG, and below them how
//! each stream is: a line each, or folded into three rows where every row counts. Where there is
//! room, the head with its contact stands beside the lines. Where rows are what the traces lack, lines
//! and head stand beside them.

use ratatui::layout::Rect;

use super::{Canvas, contact, summary, traces};
use crate::{
    app::{App, SessionEntry},
    ui::{context::RenderContext, paint},
};
use cortop_client::Stream;
use cortop_signal::View;

/// Rows that the traces keep, however little room there is.
const MIN_PLOT: u16 = 4;
/// The row of the time axis.
const AXIS: u16 = 1;
/// Columns and rows from which on the labels of a head's sensors can be distinguished.
const HEAD: (u16, u16) = (32, 12);

/// Columns of the lines beside it.
const LINES: u16 = 44;

/// Rows of a channel that are enough to see its shape: more come only once they cost nothing else.
const ENOUGH: u16 = 3;
/// Columns of lines and head at least where they stand beside the traces; these keep half of all, and
/// so many more.
const SIDE: u16 = summary::WIDTH;
const MORE: u16 = 16;

/// The parts of the view.
struct AllLayout {
    plot: Option<Rect>,
    lines: Rect,
    head: Option<Rect>,
}

impl AllLayout {
    fn new(app: &App, inside: Rect) -> Self {
        let stream = app.stream();
        if !app.has_picture(stream) {
            return Self { plot: None, lines: inside, head: None };
        }
        let count = paint::cells(app.sessions.current().map_or(0, summary::count));
        let channels = paint::cells(traces::shown(app, stream)).max(1);
        // Rows of a channel with so many rows below the traces.
        let height = |below: u16| inside.height.saturating_sub(AXIS + below) / channels;
        let with_head = count.max(HEAD.1);
        // Beside one row a channel; where not all channels have one, a row for what is wrong stays.
        let free = inside.height.checked_sub(AXIS + channels);
        let folded = free.map_or(1, |free| free.min(summary::FOLDED));
        let has_head = inside.width >= LINES + HEAD.0 && height(with_head) > 0;
        // Side by side the lines take fewer rows; one that costs the traces none is worth its rows.
        let columns = (inside.width / summary::WIDTH).max(1);
        let listed = (1..=columns).map(|columns| count.div_ceil(columns));
        let mut listed = listed.filter(|&rows| height(rows) == height(summary::FOLDED));
        let below = if has_head {
            with_head
        } else {
            listed.next().filter(|_| height(summary::FOLDED) > 0).unwrap_or(folded)
        };
        let has_side = height(below) < ENOUGH.min(height(0))
            && inside.width / 2 >= SIDE + MORE
            && inside.height >= count;
        if has_side {
            return Self::with_side(app, stream, inside);
        }
        let most = inside.height.saturating_sub(below).max(MIN_PLOT).min(inside.height);
        // What the traces cannot share evenly stays below them.
        let used = traces::TraceLayout::new(app, stream, Rect { height: most, ..inside }).used();
        let plot = Rect { height: used, ..inside };
        let lines = Rect { y: inside.y + used, height: inside.height - used, ..inside };
        if !has_head {
            return Self { plot: Some(plot), lines, head: None };
        }
        let width = inside.width - LINES.max(inside.width / 2);
        let head = Rect { x: inside.right() - width, width, ..lines };
        let lines = Rect { width: inside.width - width, ..lines };
        Self { plot: Some(plot), lines, head: Some(head) }
    }

    /// With the lines at the right of the traces, and the head below them where it has room.
    fn with_side(app: &App, stream: Stream, inside: Rect) -> Self {
        let width = inside.width / 2 - MORE;
        let plot = Rect { width: inside.width - width - 1, ..inside };
        let used = traces::TraceLayout::new(app, stream, plot).used();
        let side = Rect { x: inside.right() - width, width, ..inside };
        // Why a session ended has all of the room.
        let current = app.sessions.current().filter(|entry| entry.closed.is_none());
        let above = current.map_or(side.height, |entry| paint::cells(summary::rows(entry)) + 1);
        let rest = side.height.saturating_sub(above);
        let head = Rect { y: side.bottom() - rest, height: rest, ..side };
        let head = (rest >= HEAD.1).then_some(head);
        let lines = Rect { height: head.map_or(side.height, |_| above - 1), ..side };
        Self { plot: Some(Rect { height: used, ..plot }), lines, head }
    }
}

pub(super) fn details(ctx: &RenderContext<'_>, inside: Rect) -> Vec<String> {
    let plot = AllLayout::new(ctx.app, inside).plot;
    plot.map_or_else(Vec::new, |plot| traces::details(ctx, ctx.app.stream(), plot))
}

pub(super) fn request(app: &App, ascii: bool, inside: Rect) -> View {
    let plot = AllLayout::new(app, inside).plot;
    plot.map_or_else(View::default, |plot| traces::request(app, app.stream(), plot, ascii))
}

pub(super) fn draw(ctx: &RenderContext<'_>, entry: &SessionEntry, canvas: &mut Canvas<'_>) {
    let AllLayout { plot, lines, head } = AllLayout::new(ctx.app, canvas.area);
    if let Some(area) = plot {
        traces::draw(ctx, entry, ctx.app.stream(), area, canvas.buffer, &mut canvas.cache.traces);
    }
    summary::draw(ctx, entry, lines, canvas.buffer);
    if let Some(area) = head {
        contact::draw_head(ctx, entry, &mut canvas.cache.outline, area, canvas.buffer);
    }
}
