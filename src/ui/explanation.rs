//! An explanation in sentences: what is happening, and what the user does next. Where room is short, the next
//! step is kept.

use ratatui::text::Line;

use super::{context::RenderContext, glyphs, paint, theme::ThemeToken};
use cortop_client::{Error, Stream};

/// What is happening, and the next step.
#[derive(Default)]
pub(super) struct Explanation {
    /// What is happening, the most important sentence last.
    what: Vec<(ThemeToken, String)>,
    next: Vec<String>,
}

impl Explanation {
    /// A sentence on what is happening, and one on the next step, which may be empty.
    pub(super) fn new(token: ThemeToken, what: String, next: String) -> Self {
        Self { what: vec![(token, what)], ..Self::default() }.then(next)
    }

    /// Code and text of a refusal, and its next step.
    pub(super) fn of_refusal(ctx: &RenderContext<'_>, refusal: &Error) -> Self {
        let what = format!("{} {}", glyphs::PROBLEM, refusal.headline());
        Self::new(ThemeToken::Bad, what, ctx.app.in_monitor(&refusal.next))
    }

    /// Puts something less important in front.
    pub(super) fn after(mut self, token: ThemeToken, what: String) -> Self {
        self.what.insert(0, (token, what));
        self
    }

    /// Adds a sentence to the next step, unless it is empty.
    pub(super) fn then(mut self, next: String) -> Self {
        self.next.extend(Some(next).filter(|next| !next.is_empty()).map(sentence));
        self
    }

    /// All of it, wrapped to a width.
    pub(super) fn lines(&self, ctx: &RenderContext<'_>, width: u16) -> Vec<Line<'static>> {
        self.lines_in(ctx, width, usize::MAX)
    }

    /// As much as fits into some rows.
    pub(super) fn lines_in(
        &self,
        ctx: &RenderContext<'_>,
        width: u16,
        rows: usize,
    ) -> Vec<Line<'static>> {
        let wrap = |token: ThemeToken, text: &str| paint::sentence(text, width, ctx.style(token));
        let next: Vec<_> =
            self.next.iter().flat_map(|next| wrap(ThemeToken::Changed, next)).collect();
        let room = rows.saturating_sub(next.len());
        let blocks: Vec<_> = self.what.iter().map(|(token, what)| wrap(*token, what)).collect();
        let cells = |from: usize| blocks[from..].iter().map(Vec::len).sum::<usize>();
        let last = blocks.len().saturating_sub(1);
        let first = (0..last).find(|&from| cells(from) <= room).unwrap_or(last);
        let what = blocks.into_iter().skip(first).flatten().take(room);
        what.chain(next).take(rows).collect()
    }
}

/// A step as a sentence: with a capital letter, unless it begins with a name or a key that has none, and with
/// a full stop.
fn sentence(mut step: String) -> String {
    let first = step.split([' ', ':', ',', ';']).next().unwrap_or_default();
    let is_word = first.len() > 1 && first.chars().all(|char| char.is_ascii_lowercase());
    if is_word && first != "cortop" && first.parse::<Stream>().is_err() {
        step[..1].make_ascii_uppercase();
    }
    if !step.ends_with(['.', '!', '?', '…']) {
        step.push('.');
    }
    step
}
