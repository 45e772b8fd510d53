//! All streams at a glance: the traces of EEG, or of motion without EEG, and below them the state of each
//! stream, one line each, or folded into three rows if rows are scarce. With enough room, the head with its
//! contact stands beside the lines. If the traces lack rows but not columns, lines and head stand beside the
//! traces. What keeps samples from flowing stands above the lines, and takes rows of the traces if need be.

use ratatui::{layout::Rect, text::Line};

use super::{Canvas, contact, obstacle, summary, traces};
use crate::{
    app::{App, SessionEntry},
    ui::{context::RenderContext, paint},
};
use cortop_client::Stream;
use cortop_signal::View;

/// Rows always kept for the traces.
const MIN_PLOT: u16 = 4;
/// The row of the time axis.
const AXIS: u16 = 1;
/// Minimum columns and rows for a head with legible sensor labels.
const HEAD: (u16, u16) = (32, 12);

/// Columns of the lines beside the head.
const LINES: u16 = 44;

/// Rows of a channel that show its shape: a channel gets more only at no cost to anything else.
const ENOUGH: u16 = 3;
/// Minimum columns of lines and head beside the traces; the traces get half of the width and `MORE`.
const SIDE: u16 = summary::WIDTH;
const MORE: u16 = 16;

/// The parts of the view.
struct AllLayout {
    plot: Option<Rect>,
    lines: Rect,
    head: Option<Rect>,
}

impl AllLayout {
    /// The parts, and what keeps samples from flowing, with its place.
    fn new(ctx: &RenderContext<'_>, inside: Rect) -> (Self, Vec<Line<'static>>, Rect) {
        let app = ctx.app;
        let calm = Self::calm(app, inside);
        let Some(obstacle) = app.sessions.current().and_then(|entry| obstacle::of(ctx, entry))
        else {
            return (calm, Vec::new(), Rect::default());
        };
        let below =
            |area: Rect, used: u16| Rect { y: area.y + used, height: area.height - used, ..area };
        let explained = obstacle.lines(ctx, calm.lines.width);
        let rows = paint::cells(explained.len());
        if rows <= calm.lines.height {
            let place = Rect { height: rows, ..calm.lines };
            return (Self { lines: below(calm.lines, rows), ..calm }, explained, place);
        }
        let explained = obstacle.lines_in(ctx, inside.width, usize::from(inside.height));
        let rows = paint::cells(explained.len());
        let rest = Rect { height: inside.height - rows, ..inside };
        let used = traces::TraceLayout::new(app, app.stream(), rest).used();
        let plot = calm.plot.filter(|_| used > AXIS).map(|_| Rect { height: used, ..rest });
        let place = below(inside, plot.map_or(0, |plot| plot.height));
        let lines = below(place, rows);
        (Self { plot, lines, head: None }, explained, Rect { height: rows, ..place })
    }

    /// The parts while all is well.
    fn calm(app: &App, inside: Rect) -> Self {
        let stream = app.stream();
        if !app.has_picture(stream) {
            return Self { plot: None, lines: inside, head: None };
        }
        let count = paint::cells(app.sessions.current().map_or(0, summary::count));
        let channels = paint::cells(traces::shown(app, stream)).max(1);
        // Rows of a channel if `below` rows are taken from the traces.
        let height = |below: u16| inside.height.saturating_sub(AXIS + below) / channels;
        let with_head = count.max(HEAD.1);
        // The rows left after one per channel; if not even those fit, one row for what is wrong.
        let free = inside.height.checked_sub(AXIS + channels);
        let folded = free.map_or(1, |free| free.min(summary::FOLDED));
        let has_head = inside.width >= LINES + HEAD.0 && height(with_head) > 0;
        // Lines side by side take fewer rows: use as few columns as cost the traces no height.
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
        // Rows that do not divide evenly among the channels go to what is below.
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

    /// The lines to the right of the traces, and the head below the lines if it fits.
    fn with_side(app: &App, stream: Stream, inside: Rect) -> Self {
        let width = inside.width / 2 - MORE;
        let plot = Rect { width: inside.width - width - 1, ..inside };
        let used = traces::TraceLayout::new(app, stream, plot).used();
        let side = Rect { x: inside.right() - width, width, ..inside };
        // Without lines, what keeps samples from flowing gets all of the room.
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
    let plot = AllLayout::new(ctx, inside).0.plot;
    plot.map_or_else(Vec::new, |plot| traces::details(ctx, ctx.app.stream(), plot))
}

pub(super) fn request(ctx: &RenderContext<'_>, inside: Rect) -> View {
    let plot = AllLayout::new(ctx, inside).0.plot;
    plot.map_or_else(View::default, |plot| traces::request(ctx, ctx.app.stream(), plot))
}

pub(super) fn draw(ctx: &RenderContext<'_>, entry: &SessionEntry, canvas: &mut Canvas<'_>) {
    let (AllLayout { plot, lines, head }, explained, place) = AllLayout::new(ctx, canvas.area);
    paint::lines(&explained, place, canvas.buffer);
    if let Some(area) = plot {
        traces::draw(ctx, entry, ctx.app.stream(), area, canvas.buffer, &mut canvas.cache.traces);
    }
    summary::draw(ctx, entry, lines, canvas.buffer);
    if let Some(area) = head {
        contact::draw_head(ctx, entry, &mut canvas.cache.outline, area, canvas.buffer);
    }
}
