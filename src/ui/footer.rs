//! The footer: the most important keys, with notices above them, or in their place if rows are scarce.

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    text::Line,
    widgets::{Clear, Widget as _},
};

use super::{context::RenderContext, glyphs, paint, theme::ThemeToken};
use crate::app::{Action, App, Binding, MouseTarget, Severity};

/// Maximum rows of a notice.
const ROWS: usize = 4;
/// With so many rows above, a notice does not replace the keys.
const ENOUGH: u16 = 16;

/// `area` is the footer's row. A notice takes rows above it: a reason cut off before its next step is useless.
pub(super) fn draw(ctx: &RenderContext<'_>, area: Rect, buffer: &mut Buffer) {
    let mut lines = unseen(ctx, area.width);
    let notice = notice(ctx, area.width);
    let has_keys = notice.is_none() || area.y >= ENOUGH;
    lines.extend(notice.unwrap_or_default());
    lines.extend(has_keys.then(|| line(ctx, area)));
    let more = paint::cells(lines.len()).saturating_sub(1).min(area.y);
    let rows = Rect { y: area.y - more, height: area.height + more, ..area };
    Clear.render(rows, buffer);
    paint::lines(&lines, rows, buffer);
}

/// The notices that stay until they have been seen, newest last, with a count of those that do not fit.
fn unseen(ctx: &RenderContext<'_>, width: u16) -> Vec<Line<'static>> {
    let style = ctx.style(ThemeToken::Bad);
    let blocks = ctx.app.unseen.iter().map(|notice| {
        paint::sentence(&format!("{} {}", glyphs::PROBLEM, notice.text), width, style)
    });
    let blocks: Vec<_> = blocks.collect();
    let mut rows = ROWS;
    let shown = blocks.iter().rev().take_while(|block| {
        let fits = block.len() <= rows;
        rows = rows.saturating_sub(block.len());
        fits
    });
    let shown = shown.count().max(1).min(blocks.len());
    let hidden = blocks.len() - shown;
    let more = (hidden > 0).then(|| {
        ctx.span(ThemeToken::Bad, format!("{} {hidden} more before, in the log", glyphs::PROBLEM))
            .into()
    });
    more.into_iter().chain(blocks[hidden..].concat()).collect()
}

fn notice(ctx: &RenderContext<'_>, width: u16) -> Option<Vec<Line<'static>>> {
    let notice = ctx.app.fresh_notice()?;
    let (token, mark) = match notice.severity {
        Severity::Info => (ThemeToken::Text, glyphs::SELECTED),
        Severity::Warning => (ThemeToken::Poor, glyphs::PROBLEM),
        Severity::Problem => (ThemeToken::Bad, glyphs::PROBLEM),
    };
    let text = format!("{mark} {}", notice.text);
    let mut lines = paint::sentence(&text, width, ctx.style(token));
    lines.truncate(ROWS);
    Some(lines)
}

fn line(ctx: &RenderContext<'_>, area: Rect) -> Line<'static> {
    let mut x = area.x;
    let spans = hints(ctx.app, area.width).into_iter().flat_map(|hint| {
        let width = paint::cells(hint.width());
        ctx.hit(Rect { x, width, ..area }.intersection(area), || MouseTarget::Footer(hint.action));
        x += width;
        let text = format!(" {}  ", hint.text);
        [ctx.span(ThemeToken::Key, hint.key), ctx.span(ThemeToken::Dim, text)]
    });
    spans.collect()
}

/// A key and what it does.
struct Hint {
    action: Action,
    key: String,
    text: &'static str,
}

impl Hint {
    /// Its width, including the gap to the next hint.
    fn width(&self) -> usize {
        self.key.chars().count() + self.text.len() + 3
    }
}

/// The keys that have an effect now: first those that a running record or a pending wait needs, then those of
/// the focused pane and its view, then the global ones. The last global keys always have a place.
fn hints(app: &App, width: u16) -> Vec<Hint> {
    let always = |action| {
        matches!(
            action,
            Action::Freeze
                | Action::PickHeadset
                | Action::Record
                | Action::Commands
                | Action::Help
                | Action::Quit
        )
    };
    let records = app.running_record().is_some();
    let in_overview = app.shows_overview();
    let urgent = move |action| match action {
        Action::Mark | Action::EndMarker => records,
        // It has an effect only while cortop is waiting for something.
        Action::Connect => true,
        Action::Open => in_overview && !app.headsets.picked.is_empty(),
        Action::Overview | Action::SortBy => in_overview,
        _ => false,
    };
    let hints = |fits: &dyn Fn(&Binding) -> bool| -> Vec<Hint> {
        let rows = app.settings.keymap.rows().filter(|(row, _)| fits(row));
        let hints = rows.filter_map(|(row, keys)| {
            let key = keys.first()?.to_string();
            Some(Hint { action: row.action, key, text: hint(app, row)? })
        });
        hints.collect()
    };
    let of = |pane| hints(&|row| row.pane == pane && !always(row.action) && !urgent(row.action));
    let mut left = usize::from(width);
    let fixed_of = |pane| hints(&|row| always(row.action) && row.pane == pane);
    let mut fixed = fixed_of(Some(app.focus));
    fixed.extend(fixed_of(None));
    // On the narrowest screens whole keys are dropped, but never help and quit.
    let cells = |hints: &[Hint]| hints.iter().map(Hint::width).sum::<usize>();
    for action in [Action::Commands, Action::Record, Action::PickHeadset, Action::Freeze] {
        if cells(&fixed) > left + 2 {
            fixed.retain(|hint| hint.action != action);
        }
    }
    // No gap is needed at the right edge.
    left = (left + 2).saturating_sub(cells(&fixed));
    let first = hints(&|row| urgent(row.action));
    let wished = first.into_iter().chain(of(Some(app.focus))).chain(of(None));
    let fitting = wished.take_while(|hint| {
        let fits = hint.width() <= left;
        left = left.saturating_sub(hint.width());
        fits
    });
    fitting.collect::<Vec<_>>().into_iter().chain(fixed).collect()
}

/// The word for an action at the moment; `None` if it has no effect.
fn hint(app: &App, row: &Binding) -> Option<&'static str> {
    let hint = row.hint.filter(|_| app.is_available(row))?;
    Some(match row.action {
        Action::Record if app.running_record().is_some() => "stop",
        Action::Freeze if app.streams.frozen.is_some() => "resume",
        Action::PickHeadset if picked(app) => "drop",
        Action::Open if !app.headsets.picked.is_empty() => "open picked",
        Action::Overview if app.shows_overview() => "list",
        Action::Zoom if app.zoomed => "all panes",
        Action::View(_) if app.is_shown(row) => "back",
        _ => hint,
    })
}

/// Whether the selected headset is picked.
fn picked(app: &App) -> bool {
    app.headsets.selected.as_ref().is_some_and(|id| app.headsets.picked.contains(id))
}
