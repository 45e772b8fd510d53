//! The footer: what there is to say, else the few keys that matter now.

use std::time::Duration;

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    text::Line,
    widgets::{Clear, Widget as _},
};

use super::{context::RenderContext, glyphs, paint, theme::Token};
use crate::app::{Action, App, Binding, Severity};

/// How long a notice stays.
const INFO: Duration = Duration::from_secs(6);
const PROBLEM: Duration = Duration::from_secs(20);

/// Rows that a notice may take, those above the footer among them.
const ROWS: usize = 4;

/// `area` is the footer's row. What there is to say may need more: a reason that is cut off before
/// the next step helps nobody.
pub(super) fn draw(ctx: &RenderContext<'_>, area: Rect, buffer: &mut Buffer) {
    let lines = notice(ctx, area.width).unwrap_or_else(|| vec![hints(ctx, area.width)]);
    let more = paint::cells(lines.len()).saturating_sub(1).min(area.y);
    let rows = Rect { y: area.y - more, height: area.height + more, ..area };
    Clear.render(rows, buffer);
    paint::lines(&lines, rows, buffer);
}

fn notice(ctx: &RenderContext<'_>, width: u16) -> Option<Vec<Line<'static>>> {
    let notice = ctx.app.notice.as_ref()?;
    let (stays, token, mark) = match notice.severity {
        Severity::Info => (INFO, Token::Text, glyphs::SELECTED),
        Severity::Problem => (PROBLEM, Token::Bad, glyphs::PROBLEM),
    };
    let text = format!("{mark} {}", notice.text);
    let lines = || {
        let mut lines = paint::sentence(&text, width, ctx.style(token));
        lines.truncate(ROWS);
        lines
    };
    (ctx.since(notice.at.instant) < stays).then(lines)
}

/// The keys that do something now: what a running record needs first, then those of the focused pane
/// and its view, then those of every pane. The last ones always have their place.
fn hints(ctx: &RenderContext<'_>, width: u16) -> Line<'static> {
    let app = ctx.app;
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
    let urgent = move |action| records && matches!(action, Action::Mark | Action::EndMarker);
    let hints = |fits: &dyn Fn(&Binding) -> bool| -> Vec<(String, &str)> {
        let rows = app.settings.keymap.rows().filter(|(row, _)| fits(row));
        rows.filter_map(|(row, keys)| Some((keys.first()?.to_string(), hint(app, row)?))).collect()
    };
    let of = |pane| hints(&|row| row.pane == pane && !always(row.action) && !urgent(row.action));
    let mut left = usize::from(width);
    let mut line = Line::default();
    let room = |(key, hint): &(String, &str)| key.chars().count() + hint.len() + 3;
    let fixed_of = |pane| hints(&|row| always(row.action) && row.pane == pane);
    let fixed = [fixed_of(Some(app.focus)), fixed_of(None)].concat();
    // Nothing has to keep its distance from the right edge.
    left = (left + 2).saturating_sub(fixed.iter().map(room).sum());
    let first = hints(&|row| urgent(row.action));
    let wished = first.into_iter().chain(of(Some(app.focus))).chain(of(None));
    let fitting = wished.take_while(|hint| {
        let fits = room(hint) <= left;
        left = left.saturating_sub(room(hint));
        fits
    });
    for (key, hint) in fitting.collect::<Vec<_>>().into_iter().chain(fixed) {
        line.push_span(ctx.span(Token::Key, key));
        line.push_span(ctx.span(Token::Dim, format!(" {hint}  ")));
    }
    line
}

/// What is said of an action now; nothing of one that could do nothing.
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
