//! The screen of `cortop sim --watch` and `cortop proxy`, from the settings to its end.

use std::{
    io::{self, IsTerminal as _},
    time::Duration,
};

use color_eyre::eyre::{Result, bail};
use cortop_sim::{Injection, journal::Journal};

use crate::{
    cli,
    config::{self, Config, Sources},
    screen::{TakenTerminal, load_ui, ui_options},
    terminal::{self, Exit},
    traffic::{Traffic, TrafficAbout, TrafficSettings},
    ui::Ui,
};

/// The screen, before it is shown.
pub(super) struct TrafficScreen {
    config: Config,
    ui: Ui,
    theme: usize,
}

/// Whether there is a terminal for it.
pub(super) fn has_terminal() -> bool {
    io::stdin().is_terminal() && io::stdout().is_terminal()
}

impl TrafficScreen {
    /// Loads settings and themes.
    ///
    /// # Errors
    /// There is no terminal, or the settings cannot be used; the text says what to do.
    pub(super) fn prepare(display: &cli::DisplayArgs) -> Result<Self> {
        if !has_terminal() {
            bail!(
                "the screen needs a terminal for input and output; without one, leave out --watch: \
                 what clients do is logged on standard error"
            );
        }
        let env = |name: &str| std::env::var(name).ok();
        let sources = Sources { env: &env, file: config::file_path(), keyring: &|| None };
        let config = config::load(&cli::ServiceArgs::default(), display, &sources)?;
        let (ui, theme) = load_ui(&config, &ui_options(&config, &env))?;
        Ok(Self { config, ui, theme })
    }

    /// Shows it until the user quits. `inject` injects a fault, if faults are available.
    ///
    /// # Errors
    /// The terminal cannot be taken over.
    pub(super) async fn show(
        self,
        about: TrafficAbout,
        journal: &Journal,
        inject: Option<&dyn Fn(Injection)>,
    ) -> Result<Exit> {
        let Self { config, ui, theme } = self;
        let settings = TrafficSettings {
            about,
            has_faults: inject.is_some(),
            themes: ui.theme_names(),
            theme,
            began: journal.moment(0.0),
        };
        let frame = Duration::from_secs(1) / u32::from(config.fps);
        let mut taken = TakenTerminal::take(&config)?;
        let (_, exit) = terminal::run_traffic(
            Traffic::new(settings),
            ui,
            &mut taken.terminal,
            journal,
            inject.unwrap_or(&|_| {}),
            &mut taken.input,
            frame,
        )
        .await;
        taken.leave().await;
        Ok(exit)
    }
}
