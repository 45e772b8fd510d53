//! Pane 4: the log, or a single line of it if there is no more room; on demand the list of its targets with
//! the levels captured and shown.

use std::sync::Arc;

use log::Level;
use ratatui::{
    buffer::Buffer,
    layout::Rect,
    style::Style,
    text::{Line, Span},
};

use super::{
    cache::{DrawCache, LogKey},
    context::{RenderContext, heading},
    glyphs, layout, paint, text,
    theme::ThemeToken,
};
use crate::app::{App, FormatLine, MouseTarget, Pane, TARGETS, level_name, newest_record};

/// Minimum width for lines that name their target.
const WITH_TARGET: u16 = 80;
/// Width of the list of targets.
const LIST: u16 = 34;
/// Widths of a time of day and of a level.
const CLOCK: usize = 9;
const LEVEL: usize = 6;

/// Half of the column; in the left column, all remaining rows.
pub(super) fn preferred_rows(_: &App, body: Rect) -> u16 {
    if layout::is_large(body) { u16::MAX } else { body.height / 2 }
}

fn key(ctx: &RenderContext<'_>, with_target: bool) -> LogKey {
    let log = &ctx.app.log;
    LogKey {
        newest: newest_record(),
        last: log.last(),
        selected: log.selected_line(),
        filter: log.filter().to_owned(),
        shown: *log.shown(),
        only: log.only(),
        with_target,
        ascii: ctx.ascii,
        styles: styles(ctx),
    }
}

pub(super) fn draw(
    ctx: &RenderContext<'_>,
    cache: &mut DrawCache,
    area: Rect,
    buffer: &mut Buffer,
) {
    let log = &ctx.app.log;
    if area.height == 1 {
        let name =
            ctx.span(ThemeToken::Title, format!(" {}", heading(Pane::Log, Pane::Log.name())));
        let width = paint::cells(name.width()).min(area.width);
        let line = Rect { width: area.width - width, ..area };
        cache.log.draw(key(ctx, false), line, buffer, |line, buffer| {
            log.draw_newest(line, buffer, &row(ctx));
        });
        hit_lines(ctx, line);
        return paint::line(&name.into(), Rect { x: line.right(), width, ..area }, buffer);
    }
    let mut title = Line::default();
    let mut add = |text: String| title.push_span(ctx.span(ThemeToken::Dim, text));
    if !log.filter().is_empty() {
        add(format!(" only \"{}\"", text::clean(log.filter())));
    }
    if let Some(target) = log.only() {
        add(format!(" only {}", TARGETS[target].0));
    }
    if log.last().is_some() {
        add(" older lines".to_owned());
    }
    let mut inside = ctx.pane(Pane::Log, Pane::Log.name(), title, area, buffer);
    if log.lists_targets() {
        let list = Rect { width: LIST.min(inside.width / 2), ..inside };
        paint::lines(&targets(ctx), list, buffer);
        let rows = (0..TARGETS.len()).map(|at| (1, MouseTarget::LogTarget(at)));
        ctx.hit_rows(list, 0, std::iter::once((1, MouseTarget::Pane(Pane::Log))).chain(rows));
        inside = Rect { x: list.right(), width: inside.width - list.width, ..inside };
    }
    if !inside.is_empty() {
        let with_target = area.width >= WITH_TARGET;
        cache.log.draw(key(ctx, with_target), inside, buffer, |inside, buffer| {
            log.draw(inside, buffer, &rows(ctx, with_target));
        });
        hit_lines(ctx, inside);
    }
}

/// Registers each row's line as a mouse target.
fn hit_lines(ctx: &RenderContext<'_>, area: Rect) {
    if ctx.hits.is_none() {
        return;
    }
    let lines = ctx.app.log.in_sight();
    let rows: usize = lines.iter().map(|(_, rows)| rows).sum();
    let lines = lines.into_iter().map(|(at, rows)| (rows, MouseTarget::LogLine(at)));
    ctx.hit_rows(area, rows.saturating_sub(usize::from(area.height)), lines);
}

/// Formats a line as one row.
fn row(ctx: &RenderContext<'_>) -> FormatLine {
    let (zone, ascii, styles) = (ctx.zone.clone(), ctx.ascii, styles(ctx));
    let (selected, [dim, ..]) = (ctx.app.log.selected_line(), styles);
    Arc::new(move |width, line| {
        let clock = format!("{:<CLOCK$}", text::time_of_day(line.at, &zone));
        let text = text::spell_out(text::clean(&line.text), ascii);
        let text = text::fit(&text, width.saturating_sub(CLOCK));
        let style = style(styles, line.level, selected == Some(line.at));
        vec![vec![Span::styled(clock, dim), Span::styled(text, style)].into()]
    })
}

/// The styles of lines: those of the lower levels, errors, warnings, the rest, and the selected one.
fn styles(ctx: &RenderContext<'_>) -> [Style; 5] {
    [ThemeToken::Dim, ThemeToken::Bad, ThemeToken::Poor, ThemeToken::Text, ThemeToken::Selection]
        .map(|token| ctx.style(token))
}

fn style([dim, bad, poor, text, selection]: [Style; 5], level: Level, is_selected: bool) -> Style {
    match level {
        _ if is_selected => selection,
        Level::Error => bad,
        Level::Warn => poor,
        Level::Info => text,
        _ => dim,
    }
}

/// Formats a line as as many rows as it needs.
fn rows(ctx: &RenderContext<'_>, with_target: bool) -> FormatLine {
    let (zone, ascii, styles) = (ctx.zone.clone(), ctx.ascii, styles(ctx));
    let (selected, [dim, ..]) = (ctx.app.log.selected_line(), styles);
    Arc::new(move |width, line| {
        let style = style(styles, line.level, selected == Some(line.at));
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
    let head = Line::from(ctx.span(ThemeToken::Dim, "  target    captured shown".to_owned()));
    let rows = TARGETS.iter().enumerate().map(|(at, (name, _))| {
        let selected = at == log.selected();
        let mark = if selected { glyphs::SELECTED } else { " " };
        let token = if selected { ThemeToken::Selection } else { ThemeToken::Text };
        let levels = format!("{:<8} {}", level_name(log.captured(at)), level_name(log.shown()[at]));
        Line::from(vec![
            Span::raw(format!("{mark} ")),
            ctx.span(token, format!("{name:<10}")),
            ctx.span(ThemeToken::Dim, levels),
        ])
    });
    std::iter::once(head).chain(rows).collect()
}
