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
}
