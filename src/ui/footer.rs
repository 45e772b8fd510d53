//! The footer: what there is to say, else the few keys that matter now.

use std::time::Duration;

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    text::Line,
    widgets::{Clear, Widget as _},
};

use super::{
    glyphs,
    scene::{self, Scene},
    theme::Token,
};
use crate::app::{Action, Scope, Severity, TABLE};

/// How long a notice stays.
const INFO: Duration = Duration::from_secs(6);
const PROBLEM: Duration = Duration::from_secs(20);

/// Rows that a notice may take, those above the footer among them.
const ROWS: usize = 4;

/// `area` is the footer's row. What there is to say may need more: a reason that is cut off before
/// the next step helps nobody.
pub(super) fn draw(scene: &Scene<'_>, area: Rect, buffer: &mut Buffer) {
    let lines = notice(scene, area.width).unwrap_or_else(|| vec![hints(scene, area.width)]);
    let more = scene::cells(lines.len()).saturating_sub(1).min(area.y);
    let rows = Rect { y: area.y - more, height: area.height + more, ..area };
    Clear.render(rows, buffer);
    scene::lines(&lines, rows, buffer);
}

fn notice(scene: &Scene<'_>, width: u16) -> Option<Vec<Line<'static>>> {
    let notice = scene.app.notice.as_ref()?;
    let (stays, token, mark) = match notice.severity {
        Severity::Info => (INFO, Token::Text, glyphs::SELECTED),
        Severity::Problem => (PROBLEM, Token::Bad, glyphs::PROBLEM),
    };
    let text = format!("{mark} {}", notice.text);
    let lines = || {
        let mut lines = scene::sentence(&text, width, scene.style(token));
        lines.truncate(ROWS);
        lines
    };
    (scene.since(notice.at.instant) < stays).then(lines)
}

/// The keys in force: those of the focused pane first, but help and quit always.
fn hints(scene: &Scene<'_>, width: u16) -> Line<'static> {
    let scope = scene.app.focus.scope();
    let always = |action| matches!(action, Action::Help | Action::Quit);
    let of = |scope, fixed: bool| {
        TABLE
            .iter()
            .filter(move |row| row.scope == scope && always(row.action) == fixed)
            .filter_map(|row| {
                Some((scene.app.settings.keymap.keys(row.action).first()?, row.hint?))
            })
            .map(|(key, hint)| (key.to_string(), hint))
    };
    let mut left = usize::from(width);
    let mut line = Line::default();
    let room = |(key, hint): &(String, &str)| key.chars().count() + hint.len() + 3;
    let fixed: Vec<_> = of(Scope::Global, true).collect();
    left = left.saturating_sub(fixed.iter().map(room).sum());
    let fitting = of(scope, false).chain(of(Scope::Global, false)).take_while(|hint| {
        let fits = room(hint) <= left;
        left = left.saturating_sub(room(hint));
        fits
    });
    for (key, hint) in fitting.collect::<Vec<_>>().into_iter().chain(fixed) {
        line.push_span(scene.say(Token::Key, key));
        line.push_span(scene.say(Token::Dim, format!(" {hint}  ")));
    }
    line
}
