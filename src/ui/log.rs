//! Pane 4: the log, with target and level selection; tui-logger's own widget.

use ratatui::{buffer::Buffer, layout::Rect, widgets::Widget};
use tui_logger::{TuiLoggerLevelOutput, TuiLoggerSmartWidget};

use super::{
    scene::{Scene, heading},
    theme::Token,
};
use crate::app::Pane;

/// Width from which on each line names its target.
const WITH_TARGET: u16 = 80;

pub(super) fn draw(scene: &Scene<'_>, area: Rect, buffer: &mut Buffer) {
    let focused = scene.app.focus == Pane::Log;
    let border = if focused { Token::Focus } else { Token::Border };
    let title = if focused { Token::Focus } else { Token::Title };
    TuiLoggerSmartWidget::default()
        .style(scene.style(Token::Text))
        .border_style(scene.style(border))
        .border_type(if focused {
            ratatui::widgets::BorderType::Thick
        } else {
            ratatui::widgets::BorderType::Plain
        })
        .highlight_style(scene.style(Token::Selection))
        .style_error(scene.style(Token::Bad))
        .style_warn(scene.style(Token::Poor))
        .style_info(scene.style(Token::Text))
        .style_debug(scene.style(Token::Dim))
        .style_trace(scene.style(Token::Dim))
        .style_off(scene.style(Token::Dim))
        .style_hide(scene.style(Token::Dim))
        .style_show(scene.style(Token::Text))
        .output_level(Some(TuiLoggerLevelOutput::Long))
        // In a narrow pane the module of each line would leave no room for what it says.
        .output_target(area.width >= WITH_TARGET)
        .output_file(false)
        .output_line(false)
        .output_separator(' ')
        .title_target(scene.say(title, " targets "))
        .title_log(scene.say(title, heading(Pane::Log, focused)))
        .state(&scene.app.log)
        .render(area, buffer);
    hide_rate(area, buffer);
}

/// Takes out of the title the rate that tui-logger adds: it is one over the lines kept, however long
/// ago they came, and so says "600/s" of a log that has been silent for minutes.
fn hide_rate(area: Rect, buffer: &mut Buffer) {
    if area.is_empty() {
        return;
    }
    let row = || area.columns().map(Rect::as_position);
    let symbols: Vec<String> = row().map(|at| buffer[at].symbol().to_owned()).collect();
    let Some(start) = symbols.windows(5).position(|five| five.concat() == "[log=") else { return };
    let Some(border) = symbols.iter().rev().nth(1) else { return };
    let length = symbols[start..].iter().position(|symbol| symbol == "]").unwrap_or_default() + 1;
    for at in row().skip(start).take(length) {
        buffer[at].set_symbol(border);
    }
}
