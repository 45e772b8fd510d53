//! `cortop lab`: the screen of all stations of a broker, from the settings to its end.

use std::{
    io::{self, IsTerminal as _},
    time::Duration,
};

use color_eyre::eyre::{Result, bail};

use super::station::broker_of;
use crate::{
    cli,
    config::Config,
    lab::{Lab, LabSettings},
    screen::{TakenTerminal, load_ui, ui_options},
    terminal::{self, Exit},
};
use cortop_client::Moment;
use cortop_mqtt::Subscriber;

/// Shows the stations until the user quits.
///
/// # Errors
/// There is no terminal, or the broker or the settings cannot be used; the text says what to do.
pub(super) async fn watch(args: &cli::LabArgs, config: &Config) -> Result<Exit> {
    check_terminal()?;
    let env = |name: &str| std::env::var(name).ok();
    let url = args.broker.as_ref().or(config.mqtt.broker.as_ref());
    let broker = broker_of(url, &config.mqtt.account)?;
    let (ui, theme) = load_ui(config, &ui_options(config, &env))?;
    let settings = LabSettings {
        broker: broker.address(),
        themes: ui.theme_names(),
        theme,
        bell: config.alerts.bell,
    };
    let mut subscriber = Subscriber::spawn(broker);
    let frame = Duration::from_secs(1) / u32::from(config.fps);
    let mut taken = TakenTerminal::take(config)?;
    let lab = Lab::new(settings, Moment::now());
    let (terminal, input) = (&mut taken.terminal, &mut taken.input);
    let (_, exit) = terminal::run_lab(lab, ui, terminal, &mut subscriber, input, frame).await;
    taken.leave().await;
    subscriber.stop().await;
    Ok(exit)
}

/// Fails early if there is no terminal.
pub(super) fn check_terminal() -> Result<()> {
    if !io::stdin().is_terminal() || !io::stdout().is_terminal() {
        bail!(
            "cortop lab is a screen and needs a terminal; programs read the broker itself (docs/mqtt.md)"
        );
    }
    Ok(())
}
