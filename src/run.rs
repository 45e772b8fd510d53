//! The program: from the command line to the exit code. What can be refused is refused before the
//! screen is taken over, in one sentence with the next step.

use std::{
    io::{self, IsTerminal as _, Write as _},
    net::Ipv4Addr,
    process::ExitCode,
    time::Duration,
};

use color_eyre::eyre::{Result, bail, eyre};
use jiff::tz::TimeZone;
use tokio::sync::mpsc;
use tracing::{info, warn};

use crate::{
    app::{App, AppSettings, ReloadedSettings},
    cli::{self, Cli, CliCommand, Print},
    commands::{self, Listing, doctor, proxy, sim as simulator},
    config::{self, Changes, Config, Sources},
    console::{self, print, report_panics},
    exchange::OutsideMarker,
    logging,
    monitor::Monitor,
    terminal::{
        self, Exit, Host, Input, Reloaded, Screen as _, Tty, guard::TerminalGuard, input,
        probe::Probe, screen, signals,
    },
    ui::{self, Colors, Ui},
};
use cortop_signal::decoder;
use cortop_sim::Sim;

/// Could not start as asked.
const REFUSED: u8 = 2;

/// Does what the command line asks; the exit codes are those of the help.
#[must_use]
pub fn main(cli: &Cli) -> ExitCode {
    let display = &cli.display;
    let list = |subject, args| commands::list(subject, args, display);
    let done = match &cli.command {
        Some(CliCommand::Print(Print::Config)) => print(&config::sample()).map(|()| 0),
        Some(CliCommand::Print(Print::Theme)) => print(&ui::sample_theme()).map(|()| 0),
        Some(CliCommand::Sim(sim)) => simulator::run(sim),
        Some(CliCommand::Proxy(args)) => proxy::run(args),
        Some(CliCommand::Demo(demo)) => start(cli, Some(demo)).map(Exit::code),
        Some(CliCommand::Doctor(args)) => doctor::run(args, display),
        Some(CliCommand::Watch(watch)) => commands::watch(watch, display),
        Some(CliCommand::Lsl(args)) => commands::lsl(args, display),
        Some(CliCommand::Headsets(args)) => list(Listing::Headsets, args),
        Some(CliCommand::Sessions(args)) => list(Listing::Sessions, args),
        Some(CliCommand::License(args)) => list(Listing::Licence, args),
        Some(CliCommand::Records(args)) => list(Listing::Records, args),
        None if console::discards_output() => Err(eyre!(
            "standard output is closed or /dev/null, where the samples would go to nobody: run \
             cortop in a terminal, or give its output to a file or a program"
        )),
        // Nobody looks at a screen there.
        None if !io::stdout().is_terminal() => {
            let watch =
                cli::WatchArgs { service: cli.service.clone(), ..cli::WatchArgs::default() };
            commands::watch(&watch, display)
        }
        None => start(cli, None).map(Exit::code),
    };
    match done {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            // Nobody may be listening, which is no failure.
            let _ = writeln!(io::stderr(), "cortop: {error:#}");
            ExitCode::from(REFUSED)
        }
    }
}

fn start(cli: &Cli, demo: Option<&cli::DemoArgs>) -> Result<Exit> {
    report_panics()?;
    if !(io::stdin().is_terminal() && io::stdout().is_terminal()) {
        bail!(
            "the monitor needs a terminal for input and output; run it without pipes and \
             redirections"
        );
    }
    let env = |name: &str| std::env::var(name).ok();
    let folder = config::folder();
    let mut config = read_config(&cli.service, &cli.display)?;
    let log = logging::init(cli.display.verbose, config.log_file.as_deref())?;

    let set = |name: &str| env(name).is_some_and(|value| !value.is_empty());
    let zone = time_zone(&env);
    let options = ui::UiOptions {
        ascii: config.ascii.unwrap_or_default(),
        colors: colors(&env),
        themes: folder.map(|folder| folder.join("themes")),
        zone: Some(zone.clone()),
    };
    // ratatui's colours are what the theme says; crossterm's own NO_COLOR would also drop bold and
    // reverse, and with them the selection.
    crossterm::style::force_color_output(true);
    let (ui, theme_warnings) = Ui::new(&options);
    config.warnings.extend(theme_warnings);

    for warning in &config.warnings {
        eprintln!("cortop: {warning}");
        warn!("{warning}");
    }
    let themes = ui.theme_names();
    let theme = themes.iter().position(|name| *name == config.theme).ok_or_else(|| {
        eyre!("there is no theme \"{}\"; there are {}", config.theme, themes.join(", "))
    })?;

    let exchange = demo.map_or(&cli.exchange, |demo| &demo.exchange);
    let runtime = cortop_client::timer::runtime()?;
    let end = runtime.block_on(async {
        let sim = match demo {
            Some(demo) => Some(simulate(demo).await?),
            None => None,
        };
        let cortex = match &sim {
            Some(sim) => demo_service(sim),
            None => config.client()?,
        };
        let settings = AppSettings {
            log,
            keymap: config.keymap.clone(),
            themes,
            theme,
            url: cortex.url.clone(),
            demo: demo.is_some(),
            mouse: config.mouse,
            markers: config.markers.clone(),
            alerts: config.alerts.clone(),
            fragile: set("SSH_CONNECTION") && !set("TMUX") && !set("STY"),
            folder: std::env::current_dir().unwrap_or_default().display().to_string(),
            zone: Some(zone),
            fps: config.fps,
        };
        let markers = commands::markers_from_outside(exchange).await?;
        let reload = reload(cli, &config, &options);
        let interface = exchange.lsl_interface;
        let end = show(&config, cortex, settings, ui, reload, interface, markers).await;
        if let Some(sim) = sim {
            sim.task.abort();
        }
        end
    });
    // A name that is still being looked up does not hold the exit back.
    runtime.shutdown_background();
    end
}

/// The settings as the command line, the environment and the config file give them now.
fn read_config(service: &cli::ServiceArgs, display: &cli::DisplayArgs) -> Result<Config> {
    let env = |name: &str| std::env::var(name).ok();
    let file = config::file_path();
    config::load(service, display, &Sources { env: &env, file })
}

/// What reads configuration and themes again. Nothing of it holds where any of it is wrong.
fn reload(
    cli: &Cli,
    config: &Config,
    options: &ui::UiOptions,
) -> impl FnMut() -> Result<Reloaded, String> + Send + use<> {
    let (service, display) = (cli.service.clone(), cli.display.clone());
    let (mut before, options) = (config.clone(), options.clone());
    move || {
        let config = read_config(&service, &display)
            .map_err(|error| console::one_line(&format!("{error:#}")))?;
        let (ui, wrong) = Ui::new(&options);
        if !wrong.is_empty() {
            return Err(console::one_line(&wrong.join("; ")));
        }
        let themes = ui.theme_names();
        if !themes.contains(&config.theme) {
            return Err(format!("there is no theme \"{}\"", config.theme));
        }
        let changes = Changes::between(&before, &config);
        let mut report = vec![changes.sentence()];
        report.extend(config.warnings.iter().map(|warning| console::one_line(warning)));
        let settings = ReloadedSettings {
            keymap: config.keymap.clone(),
            markers: config.markers.clone(),
            alerts: config.alerts.clone(),
            fps: config.fps,
            themes,
            theme: (config.theme != before.theme).then(|| config.theme.clone()),
            mouse: (config.mouse != before.mouse).then_some(config.mouse),
            report,
        };
        before = config;
        Ok(Reloaded { settings, ui })
    }
}

/// The zone of this computer. [`TimeZone::system`] first lists every zone that the system knows, a
/// hundred system calls before the first frame; the file of the local one is enough unless TZ names
/// another.
fn time_zone(env: &dyn Fn(&str) -> Option<String>) -> TimeZone {
    let local = || TimeZone::tzif("local", &std::fs::read("/etc/localtime").ok()?).ok();
    let named = env("TZ").is_some();
    (!named).then(local).flatten().unwrap_or_else(TimeZone::system)
}

/// The colours that the terminal says it shows.
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

/// Runs the monitor on the terminal.
async fn show(
    config: &Config,
    cortex: cortop_client::ClientConfig,
    settings: AppSettings,
    ui: Ui,
    reload: impl FnMut() -> Result<Reloaded, String> + Send + 'static,
    interface: Ipv4Addr,
    markers: Option<mpsc::Receiver<OutsideMarker>>,
) -> Result<Exit> {
    let frame = Duration::from_secs(1) / u32::from(config.fps);
    let (sender, mut input) = input::queue();
    signals::watch(sender.clone())?;
    let mut terminal = screen::terminal(Tty::new(config.output)?)?;
    let guard = TerminalGuard::new(sender.clone())?;
    let term = std::env::var("TERM").unwrap_or_default();
    let asked = Probe::ask(&term, config.ascii.is_none())?;
    let probe = asked.map(|(probe, answered)| {
        terminal.backend_mut().expect_answers(answered);
        probe
    });
    // Like the client's tasks it gets its turn after the first frame.
    tokio::spawn(async move {
        if let Err(error) = input::forward(probe, crossterm::event::read, sender.clone()) {
            tracing::warn!("the system gives no thread for the keys, leaving: {error}");
            let _ = sender.send(Input::Exit(Exit::TerminalGone)).await;
        }
    });

    let limits = decoder::Limits { frame, history: config.history };
    let mut monitor = Monitor::start(cortex, limits);
    monitor.channels.markers = markers;
    monitor.channels.lsl.set_interface(interface);
    let host = Host { frame, reload: Box::new(reload) };
    let app = App::new(settings, cortop_client::Moment::now());
    let (_, exit) =
        terminal::run(app, ui, &mut terminal, &mut monitor.channels, &mut input, host).await;
    info!("leaving with exit code {}", exit.code());
    terminal.backend_mut().leave().await;
    drop(guard);
    monitor.stop().await;
    Ok(exit)
}

/// The simulator as the arguments ask for it.
async fn simulate(demo: &cli::DemoArgs) -> Result<Sim> {
    let headsets = usize::from(demo.headsets);
    let sim = Sim::start(cortop_sim::Options {
        replay: demo.replay.clone(),
        scopes: demo.licence.scopes.0.clone(),
        quota: demo.licence.activations,
        ..cortop_sim::Options::demo(demo.model, headsets, demo.seed)
    })
    .await?;
    for note in &sim.notes {
        info!("{note}");
    }
    Ok(sim)
}

/// The simulator, which takes any credentials. The demo shows all there is, whatever is configured
/// for the service.
fn demo_service(sim: &Sim) -> cortop_client::ClientConfig {
    cortop_client::ClientConfig::new("demo", "demo").url(sim.url())
}
