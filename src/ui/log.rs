//! Pane 4: the log, and on demand the list of its targets with what is captured and shown of each.

use std::sync::Arc;

use log::Level;
use ratatui::{
    buffer::Buffer,
    layout::Rect,
    text::{Line, Span},
};

use super::{context::RenderContext, glyphs, layout, paint, text, theme::Token};
use crate::app::{App, FormatLine, Pane, TARGETS, level_name};

/// Width from which on each line names its target.
const WITH_TARGET: u16 = 80;
/// Width of the list of targets.
const LIST: u16 = 34;
/// Width of a time of day, and of a level.
const CLOCK: usize = 9;
const LEVEL: usize = 6;

/// A few rows, but in the left column all that are left there.
pub(super) fn likes(_: &App, body: Rect) -> u16 {
    if layout::is_large(body) { u16::MAX } else { (body.height / 6).max(4) }
}

pub(super) fn draw(ctx: &RenderContext<'_>, area: Rect, buffer: &mut Buffer) {
    let log = &ctx.app.log;
    let mut title = Line::default();
    let mut add = |text: String| title.push_span(ctx.span(Token::Dim, text));
    if !log.filter.is_empty() {
        add(format!(" only \"{}\"", text::clean(&log.filter)));
    }
    if log.only {
        add(format!(" only {}", TARGETS[log.selected].0));
    }
    if log.last.is_some() {
        add(" older lines".to_owned());
    }
    let mut inside = ctx.pane(Pane::Log, title, area, buffer);
    if log.lists_targets {
        let list = Rect { width: LIST.min(inside.width / 2), ..inside };
        paint::lines(&targets(ctx), list, buffer);
        inside = Rect { x: list.right(), width: inside.width - list.width, ..inside };
    }
    if !inside.is_empty() {
        log.draw(inside, buffer, &rows(ctx, area.width >= WITH_TARGET));
    }
}

/// Makes of a line as many rows as it needs.
fn rows(ctx: &RenderContext<'_>, with_target: bool) -> FormatLine {
    let (zone, ascii) = (ctx.zone.clone(), ctx.ascii);
    let [dim, bad, poor, text] =
        [Token::Dim, Token::Bad, Token::Poor, Token::Text].map(|token| ctx.style(token));
    Arc::new(move |width, line| {
        let style = match line.level {
            Level::Error => bad,
            Level::Warn => poor,
            Level::Info => text,
            _ => dim,
        };
        let target = if with_target { format!("{:<10}", line.target) } else { String::new() };
        let clock = text::time_of_day(line.at, &zone);
        let front = format!("{clock:<CLOCK$}{:<LEVEL$}{target}", line.level.as_str());
        let indent = front.chars().count();
        let fronts = std::iter::once(front).chain(std::iter::repeat(" ".repeat(indent)));
        let text = text::spell_out(text::clean(&line.text), ascii);
        let parts = text::wrap(&text, width.saturating_sub(indent));
        fronts
            .zip(parts)
            .map(|(front, part)| vec![Span::styled(front, dim), Span::styled(part, style)].into())
            .collect()
    })
}

/// The targets with the levels up to which each is captured and shown.
fn targets(ctx: &RenderContext<'_>) -> Vec<Line<'static>> {
    let log = &ctx.app.log;
    let head = Line::from(ctx.span(Token::Dim, "  target    captured shown".to_owned()));
    let rows = TARGETS.iter().enumerate().map(|(at, (name, _))| {
        let selected = at == log.selected;
        let mark = if selected { glyphs::SELECTED } else { " " };
        let token = if selected { Token::Selection } else { Token::Text };
        let levels = format!("{:<8} {}", level_name(log.captured(at)), level_name(log.shown[at]));
        Line::from(vec![
            Span::raw(format!("{mark} ")),
            ctx.span(token, format!("{name:<10}")),
            ctx.span(Token::Dim, levels),
        ])
    });
    std::iter::once(head).chain(rows).collect()
}
