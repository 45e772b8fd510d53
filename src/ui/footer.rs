//! The footer: what there is to say, else the few keys that matter now.

use std::time::Duration;

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    text::Line,
    widgets::{Clear, Widget as _},
};

use super::{context::RenderContext, glyphs, paint, theme::Token};
use crate::app::{Action, App, Binding, RunningRecord, Severity};
use cortop_client::session::SessionStatus;

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

/// The keys in force: what a running record needs first, then those of the focused pane, but help
/// and quit always.
fn hints(ctx: &RenderContext<'_>, width: u16) -> Line<'static> {
    let app = ctx.app;
    let always = |action| matches!(action, Action::Help | Action::Quit);
    let records = running(app).is_some();
    let urgent = move |action| {
        records && matches!(action, Action::Mark | Action::EndMarker | Action::Record)
    };
    let hints = |fits: &dyn Fn(&Binding) -> bool| -> Vec<(String, &str)> {
        let rows = app.settings.keymap.rows().filter(|(row, _)| fits(row));
        rows.filter_map(|(row, keys)| Some((keys.first()?.to_string(), hint(app, row)?))).collect()
    };
    let of = |pane| hints(&|row| row.pane == pane && !always(row.action) && !urgent(row.action));
    let mut left = usize::from(width);
    let mut line = Line::default();
    let room = |(key, hint): &(String, &str)| key.chars().count() + hint.len() + 3;
    let fixed = hints(&|row| always(row.action));
    left = left.saturating_sub(fixed.iter().map(room).sum());
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
    let live = app.sessions.current().filter(|entry| app.is_live(entry));
    let is_activated = live.map(|entry| entry.session.status == SessionStatus::Activated);
    let can = match row.action {
        Action::Record if running(app).is_some() => return Some("stop"),
        Action::Record => is_activated == Some(true),
        Action::Mark => running(app).is_some(),
        Action::EndMarker => running(app)?.last.as_ref().is_some_and(|last| !last.is_interval()),
        Action::Activate => is_activated == Some(false),
        Action::Close => live.is_some(),
        Action::NextSession => app.sessions.list.len() > 1,
        Action::Open | Action::Disconnect | Action::HeadsetMenu => {
            app.headsets.selected().is_some()
        }
        _ => true,
    };
    row.hint.filter(|_| can)
}

/// The record that runs in the current session.
fn running(app: &App) -> Option<&RunningRecord> {
    app.records.running.get(app.sessions.current.as_ref()?)
}
