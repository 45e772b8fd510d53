//! The program: from the command line to the exit code. Whatever can be rejected is rejected before the
//! screen is taken over, in one sentence with the next step.

use std::{
    fs,
    io::{self, IsTerminal as _, Write as _},
    net::Ipv4Addr,
    path::Path,
    process::ExitCode,
    sync::Arc,
    time::Duration,
};

use color_eyre::eyre::{Result, bail, eyre};
use tokio::net::TcpListener;
use tracing::info;

use crate::{
    app::{App, AppSettings, ReloadedSettings, TerminalPlace},
    cli::{self, Cli, CliCommand, Print},
    commands::{self, Listing, doctor, login, proxy, sim as simulator, trust},
    config::{self, Changes, Config, Credentials, Keyring, Sources},
    console::{self, print, print_error, report_panics},
    exchange::MarkerReceiver,
    logging,
    monitor::Monitor,
    playback::Player,
    screen::{TakenTerminal, load_ui, ui_options},
    station::{StationOptions, StationService},
    terminal::{self, Exit, Host, Reloaded},
    ui::{self, Ui},
};
use cortop_client::Moment;
use cortop_signal::decoder;
use cortop_sim::Sim;

/// Client id and secret of the demo.
const DEMO: &str = "demo";

/// The exit status if it could not start as asked.
const REFUSED: u8 = 2;

/// Runs the command; the exit codes are those listed in the help.
#[must_use]
pub fn main(cli: &Cli) -> ExitCode {
    let display = &cli.display;
    let list = |subject, args| commands::list(subject, args, display);
    let done = match &cli.command {
        Some(CliCommand::Print(what)) => print_what(what, display).map(|()| 0),
        Some(CliCommand::Sim(sim)) => simulator::run(sim, display),
        Some(CliCommand::Proxy(args)) => proxy::run(args, display),
        Some(CliCommand::Demo(demo @ cli::DemoArgs { lab: Some(stations), .. })) => {
            commands::demo_lab(*stations, demo, display).map(Exit::code)
        }
        Some(CliCommand::Demo(demo)) => start(cli, Source::Demo(demo)).map(Exit::code),
        Some(CliCommand::Open(open)) => start(cli, Source::Capture(&open.file)).map(Exit::code),
        Some(CliCommand::Login(args)) => login::run(args, display),
        Some(CliCommand::Trust(args)) => trust::run(args, display),
        Some(CliCommand::Doctor(args)) => doctor::run(args, display),
        Some(CliCommand::Watch(watch)) => commands::watch(watch, display),
        Some(CliCommand::Lsl(args)) => commands::lsl(args, display),
        Some(CliCommand::Capture(args)) => commands::capture(args, display),
        Some(CliCommand::Report(args)) => commands::report::run(args),
        Some(CliCommand::Metrics(args)) => commands::metrics(args, display),
        Some(CliCommand::Station(args)) => commands::station(args, display),
        Some(CliCommand::Lab(args)) => commands::lab(args, display).map(Exit::code),
        Some(CliCommand::Record(args)) => commands::record(args, display),
        Some(CliCommand::Headsets(args)) => list(Listing::Headsets, args),
        Some(CliCommand::Sessions(args)) => list(Listing::Sessions, args),
        Some(CliCommand::License(args)) => list(Listing::Licence, args),
        Some(CliCommand::Records(args)) => list(Listing::Records, args),
        None if console::discards_output() => Err(eyre!(
            "standard output is closed or /dev/null, where the samples would go to nobody: run \
             cortop in a terminal, or give its output to a file or a program"
        )),
        // There is no screen to look at.
        None if !io::stdout().is_terminal() => {
            let watch =
                cli::WatchArgs { service: cli.service.clone(), ..cli::WatchArgs::default() };
            commands::watch(&watch, display)
        }
        None => start(cli, Source::Service).map(Exit::code),
    };
    match done {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            // Nobody may be reading, which is not a failure.
            let _ = writeln!(io::stderr(), "cortop: {error:#}");
            ExitCode::from(REFUSED)
        }
    }
}

fn print_what(what: &Print, display: &cli::DisplayArgs) -> Result<()> {
    print(&match what {
        Print::Config => config::sample(),
        Print::Theme => ui::sample_theme(),
        Print::Schema => format!("{:#}\n", config::schema()),
        Print::MqttSchema => format!("{:#}\n", commands::print::mqtt_schema()),
        Print::Keys => {
            let env = |name: &str| std::env::var(name).ok();
            let sources = Sources { env: &env, file: config::file_path(), keyring: &|| None };
            let config = config::load(&cli::ServiceArgs::default(), display, &sources)?;
            for warning in &config.warnings {
                console::print_error(&warning.to_string());
            }
            config.keymap.to_markdown()
        }
        Print::Man { command } => commands::print::man(command.as_deref())?,
        Print::Completions { shell } => commands::completion::completions(*shell)?,
    })
}

/// The source of the monitor's data.
#[derive(Clone, Copy)]
enum Source<'a> {
    /// A Cortex service.
    Service,
    /// The embedded simulator.
    Demo(&'a cli::DemoArgs),
    /// A capture.
    Capture(&'a Path),
}

fn start(cli: &Cli, source: Source<'_>) -> Result<Exit> {
    report_panics()?;
    if !(io::stdin().is_terminal() && io::stdout().is_terminal()) {
        bail!(
            "the monitor needs a terminal for input and output; run it without pipes and \
             redirections"
        );
    }
    let env = |name: &str| std::env::var(name).ok();
    // Only a service needs credentials.
    let keyring: fn() -> Option<Credentials> = match source {
        Source::Service => Keyring::read,
        Source::Demo(_) | Source::Capture(_) => || None,
    };
    let config = config::read(&cli.service, &cli.display, keyring)?;
    let log = logging::init(cli.display.common.verbose, config.log_file.as_deref())?;

    let set = |name: &str| env(name).is_some_and(|value| !value.is_empty());
    let options = ui_options(&config, &env);
    let (ui, theme) = load_ui(&config, &options)?;
    let themes = ui.theme_names();
    let zone = options.zone.clone();

    let exchange = match source {
        Source::Demo(demo) => &demo.exchange,
        Source::Service | Source::Capture(_) => &cli.exchange,
    };
    let runtime = cortop_client::timer::runtime()?;
    let end = runtime.block_on(async {
        let frame = Duration::from_secs(1) / u32::from(config.fps);
        let limits = decoder::Limits { frame, history: config.history };
        let mut sim = None;
        let (url, begin): (_, Box<dyn FnOnce() -> Monitor>) = match source {
            Source::Capture(file) => {
                let monitor = Monitor::play(file, config.history)?;
                let service = monitor.channels.playback.as_deref().map(Player::service);
                (service.unwrap_or_default().to_owned(), Box::new(|| monitor))
            }
            Source::Demo(demo) => {
                let service = demo_service(sim.insert(simulate(demo).await?));
                (service.url.clone(), Box::new(move || Monitor::start(service, limits)))
            }
            Source::Service => {
                let service = config.client()?;
                (service.url.clone(), Box::new(move || Monitor::start(service, limits)))
            }
        };
        let settings = AppSettings {
            log,
            keymap: config.keymap.clone(),
            themes,
            theme,
            url,
            demo: matches!(source, Source::Demo(_)),
            mouse: config.mouse,
            markers: config.markers.clone(),
            alerts: config.alerts.clone(),
            terminal: match (set("SSH_CONNECTION"), set("TMUX") || set("STY")) {
                (false, _) => TerminalPlace::Here,
                (true, false) => TerminalPlace::OverSsh,
                (true, true) => TerminalPlace::Multiplexed,
            },
            folder: std::env::current_dir().unwrap_or_default().display().to_string(),
            zone,
            fps: config.fps,
            session: config.session,
        };
        let programs = Interfaces {
            interface: exchange.lsl_interface,
            markers: commands::markers_from_outside(exchange).await?,
            metrics: match config.metrics {
                Some(address) => Some(commands::metrics::listen(address).await?),
                None => None,
            },
            station: match source {
                Source::Service if config.mqtt.publish => {
                    Some(commands::station::options(&config, &cli::StationArgs::default())?)
                }
                // Do not publish simulated or past states as those of local headsets.
                _ => None,
            },
        };
        let reload = reload(cli, &config, &options, keyring);
        let end = Box::pin(show(&config, begin, settings, ui, reload, programs)).await;
        if let Some(sim) = sim {
            sim.task.abort();
        }
        end
    });
    // A pending name lookup does not delay the exit.
    runtime.shutdown_background();
    end
}

/// A function that reads configuration and themes again. If any of it is invalid, none of it takes effect.
fn reload(
    cli: &Cli,
    config: &Config,
    options: &ui::UiOptions,
    keyring: fn() -> Option<Credentials>,
) -> impl FnMut() -> Result<Reloaded, String> + Send + use<> {
    let (service, display) = (cli.service.clone(), cli.display.clone());
    let (mut before, options) = (config.clone(), options.clone());
    let certificate =
        |config: &Config| config.trusted.as_ref().and_then(|path| fs::read(path).ok());
    let mut trusted = certificate(config);
    move || {
        let config = config::read(&service, &display, keyring)
            .map_err(|error| console::one_line(&format!("{error:#}")))?;
        let (ui, wrong) = Ui::new(&options);
        if !wrong.is_empty() {
            return Err(console::one_line(&wrong.join("; ")));
        }
        let themes = ui.theme_names();
        if !themes.contains(&config.theme) {
            return Err(format!("there is no theme \"{}\"", config.theme));
        }
        let mut changes = Changes::between(&before, &config);
        let certificate = certificate(&config);
        if certificate != trusted {
            trusted = certificate;
            changes.reconnect.push("trusted certificate".to_owned());
        }
        let mut report = vec![changes.sentence()];
        report.extend(config.warnings.iter().map(|own| console::one_line(&own.to_string())));
        let settings = ReloadedSettings {
            keymap: config.keymap.clone(),
            markers: config.markers.clone(),
            alerts: config.alerts.clone(),
            fps: config.fps,
            themes,
            theme: (config.theme != before.theme).then(|| config.theme.clone()),
            mouse: (config.mouse != before.mouse).then_some(config.mouse),
            reconnect: !changes.reconnect.is_empty(),
            report,
        };
        before = config;
        Ok(Reloaded { settings, ui })
    }
}

/// The interfaces to other programs.
struct Interfaces {
    /// The interface for LSL.
    interface: Ipv4Addr,
    /// Markers from other programs, if enabled.
    markers: Option<MarkerReceiver>,
    /// The socket for metrics, if enabled.
    metrics: Option<TcpListener>,
    /// What is published over MQTT, if enabled.
    station: Option<StationOptions>,
}

/// Runs the monitor in the terminal.
async fn show(
    config: &Config,
    begin: impl FnOnce() -> Monitor,
    settings: AppSettings,
    ui: Ui,
    reload: impl FnMut() -> Result<Reloaded, String> + Send + 'static,
    programs: Interfaces,
) -> Result<Exit> {
    let frame = Duration::from_secs(1) / u32::from(config.fps);
    let mut taken = TakenTerminal::take(config)?;
    let mut monitor = begin();
    let losses = programs.markers.as_ref().map(|own| Arc::clone(&own.losses));
    monitor.channels.markers = programs.markers;
    monitor.channels.lsl.set_interface(programs.interface);
    if let Some(listener) = programs.metrics {
        // The task ends with the runtime.
        drop(monitor.channels.metrics.serve(listener));
    }
    let snapshots = &monitor.channels.snapshots;
    monitor.channels.station =
        programs.station.map(|options| StationService::spawn(options, snapshots.clone()));
    let host = Host { frame, reload: Box::new(reload) };
    let now = monitor.channels.playback.as_deref().map_or_else(Moment::now, Player::now);
    let app = App::new(settings, now);
    let (_, exit) =
        terminal::run(app, ui, &mut taken.terminal, &mut monitor.channels, &mut taken.input, host)
            .await;
    info!("leaving with exit code {}", exit.code());
    taken.leave().await;
    monitor.stop().await;
    if let Some(total) = losses.and_then(|losses| losses.total()) {
        print_error(&total);
    }
    Ok(exit)
}

/// Starts the simulator with these arguments.
async fn simulate(demo: &cli::DemoArgs) -> Result<Sim> {
    let headsets = usize::from(demo.headsets);
    let sim = Sim::start(cortop_sim::Options {
        replay: demo.replay.clone(),
        scopes: demo.licence.scopes.0.clone(),
        quota: demo.licence.activations,
        profile_app: DEMO.to_owned(),
        ..cortop_sim::Options::demo(demo.model, headsets, demo.seed)
    })
    .await?;
    for note in &sim.notes {
        info!("{note}");
    }
    Ok(sim)
}

/// The client's configuration for the simulator, which accepts any credentials. The demo shows everything,
/// whatever is configured for the service.
fn demo_service(sim: &Sim) -> cortop_client::ClientConfig {
    cortop_client::ClientConfig::new(DEMO, DEMO).url(sim.url())
}
