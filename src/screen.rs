//! Shared by all screens of the program: themes, and the terminal, taken over and restored. The caller
//! decides what is shown.

use color_eyre::eyre::{Result, eyre};
use jiff::tz::TimeZone;
use ratatui::Terminal;
use tokio::sync::mpsc;

use crate::{
    config::{self, Config},
    terminal::{
        Exit, Input, Screen as _, Tty, guard::TerminalGuard, input, probe::Probe, screen, signals,
    },
    ui::{Colors, Ui, UiOptions},
};

/// The capabilities of the terminal, and the folder of the user's themes.
#[must_use]
pub fn ui_options(config: &Config, env: &dyn Fn(&str) -> Option<String>) -> UiOptions {
    UiOptions {
        ascii: config.ascii.unwrap_or_default(),
        colors: colors(env),
        themes: config::folder().map(|folder| folder.join("themes")),
        zone: Some(time_zone(env)),
    }
}

/// The time zone of this computer. [`TimeZone::system`] first lists every zone that the system knows, a
/// hundred system calls before the first frame; the file of the local zone is enough unless TZ names another.
fn time_zone(env: &dyn Fn(&str) -> Option<String>) -> TimeZone {
    let local = || TimeZone::tzif("local", &std::fs::read("/etc/localtime").ok()?).ok();
    let named = env("TZ").is_some();
    (!named).then(local).flatten().unwrap_or_else(TimeZone::system)
}

/// The colours that the terminal claims to support.
fn colors(env: &dyn Fn(&str) -> Option<String>) -> Colors {
    if env("NO_COLOR").is_some_and(|value| !value.is_empty()) {
        Colors::None
    } else if env("COLORTERM").is_some_and(|value| value == "truecolor" || value == "24bit") {
        Colors::Rgb
    } else if env("TERM").is_some_and(|value| value.ends_with("256color")) {
        Colors::Indexed
    } else {
        Colors::Sixteen
    }
}

/// The themes, and the index of the configured one. Prints warnings about them and the configuration.
///
/// # Errors
/// There is no theme with the configured name.
pub fn load_ui(config: &Config, options: &UiOptions) -> Result<(Ui, usize)> {
    // The themes handle NO_COLOR in ratatui's colours; crossterm's own handling would also drop bold and
    // reverse, and with them the selection.
    crossterm::style::force_color_output(true);
    let (ui, warnings) = Ui::new(options);
    let of_file = config.warnings.iter().map(ToString::to_string);
    for warning in of_file.chain(warnings) {
        eprintln!("cortop: {warning}");
        tracing::warn!("{warning}");
    }
    let themes = ui.theme_names();
    let theme = themes.iter().position(|name| *name == config.theme).ok_or_else(|| {
        eyre!("there is no theme \"{}\"; there are {}", config.theme, themes.join(", "))
    })?;
    Ok((ui, theme))
}

/// The terminal, taken over.
pub struct TakenTerminal {
    /// The terminal to draw on.
    pub terminal: Terminal<Tty>,
    /// Keys, sizes, signals and panics.
    pub input: mpsc::Receiver<Input>,
    guard: TerminalGuard,
}

impl TakenTerminal {
    /// Takes the terminal over; call it once, on a runtime.
    ///
    /// # Errors
    /// The terminal cannot be set up.
    pub fn take(config: &Config) -> Result<Self> {
        let (sender, input) = input::queue();
        signals::watch(sender.clone())?;
        let mut terminal = screen::terminal(Tty::new(config.output)?)?;
        let guard = TerminalGuard::new(sender.clone())?;
        let term = std::env::var("TERM").unwrap_or_default();
        let asked = Probe::ask(&term, config.ascii.is_none())?;
        let probe = asked.map(|(probe, answered)| {
            terminal.backend_mut().expect_answers(answered);
            probe
        });
        // The task gets its turn after the first frame.
        tokio::spawn(async move {
            if let Err(error) = input::forward(probe, crossterm::event::read, sender.clone()) {
                tracing::warn!("cannot start a thread for the keys, leaving: {error}");
                let _ = sender.send(Input::Exit(Exit::TerminalGone)).await;
            }
        });
        Ok(Self { terminal, input, guard })
    }

    /// Restores the terminal, after the last frame.
    pub async fn leave(mut self) {
        self.terminal.backend_mut().leave().await;
        drop(self.guard);
    }
}
