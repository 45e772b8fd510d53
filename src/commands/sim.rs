//! `cortop sim`: the simulated service for other clients, from the arguments until it is asked to end. Needs
//! no terminal. Output for programs goes to standard output, everything else to standard error.

use std::{
    collections::BTreeSet,
    ffi::OsStr,
    fs,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use color_eyre::eyre::{Result, WrapErr as _, bail};
use tempfile::TempDir;
use tokio::time::{sleep, timeout};

use super::{
    exec,
    follower::{Follower, LogOutput},
    traffic::TrafficScreen,
};
use crate::{
    cli,
    console::{ShutdownSignals, print, report_panics},
    logging::RequestLevel,
    terminal::Exit,
    traffic::TrafficAbout,
};
use cortop_sim::{
    Injection, Options, Sim, assumptions, fault,
    headset_config::{HeadsetConfig, MAX_HEADSETS},
    journal::Expectations,
    scenario::Scenario,
    tls::Tls,
};

/// The port of the Cortex service (§1.1).
const PORT: u16 = 6868;
/// The exit status if clients did not meet the expectations.
const UNMET: u8 = 1;
/// How long to wait for the clients of a command that has ended to disconnect.
const SETTLING: Duration = Duration::from_secs(1);

/// Serves until Ctrl-C, SIGTERM or the end of the command to run, or prints the requested list. Returns the
/// exit status.
///
/// # Errors
/// It cannot start as asked; the text says what to do.
pub fn run(args: &cli::SimArgs, display: &cli::DisplayArgs) -> Result<u8> {
    if args.list_faults || args.assumptions {
        let faults = if args.list_faults { fault::list() } else { String::new() };
        let assumptions = if args.assumptions { assumptions::list() } else { String::new() };
        return print(&(faults + &assumptions)).map(|()| 0);
    }
    report_panics()?;
    if args.exec.is_some() && args.replay.as_deref() == Some(Path::new("-")) {
        bail!("standard input is that of the command of --exec: give --replay a file");
    }
    let expected = args.expect.as_deref().map(Expectations::read).transpose()?;
    let screen = args.watch.then(|| TrafficScreen::prepare(display)).transpose()?;
    let level = match (&screen, args.requests.quiet, &args.exec, args.requests.log) {
        (Some(_), ..) => RequestLevel::Off,
        (None, true, ..) => RequestLevel::Quiet,
        (None, false, Some(_), None) => RequestLevel::Advice,
        _ => RequestLevel::Requests,
    };
    let output = LogOutput::start(args.requests.log.unwrap_or_default(), level)?;
    let (options, root) = options(args, &output)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let served =
        runtime.block_on(serve(args, options, root.path.as_deref(), &output, expected, screen));
    // Neither an export nor a file being read delays the exit.
    runtime.shutdown_background();
    output.finish();
    served
}

async fn serve(
    args: &cli::SimArgs,
    options: Options,
    root: Option<&Path>,
    output: &LogOutput,
    expected: Option<Expectations>,
    screen: Option<TrafficScreen>,
) -> Result<u8> {
    // Installed before the service is announced as ready.
    let mut signals = ShutdownSignals::new()?;
    let sim = tokio::select! {
        sim = Sim::start(options) => sim?,
        _ = signals.recv() => return Ok(0),
    };
    for note in &sim.notes {
        output.note(note);
    }
    let scheme = if args.socket.ws { "ws" } else { "wss" };
    let host = match args.bind.filter(|address| !address.is_loopback() && !address.is_unspecified())
    {
        Some(IpAddr::V6(address)) => format!("[{address}]"),
        Some(IpAddr::V4(address)) => address.to_string(),
        None => "localhost".to_owned(),
    };
    let url = format!("{scheme}://{host}:{}", sim.address.port());
    let mut follower = Follower::new(sim.journal(), output, expected);
    let ended = async {
        if let Some(screen) = screen {
            let (control, journal) = (sim.control(), sim.journal());
            let inject = |injection: Injection| control.inject(injection);
            let about = TrafficAbout {
                title: "sim",
                service: String::new(),
                url: url.clone(),
                notes: output.notes(),
            };
            let shown = screen.show(about, &journal, Some(&inject));
            return shown.await.map(Exit::code);
        }
        let Some(command) = &args.exec else {
            print(&format!("READY {url}\n"))?;
            signals.recv().await;
            return Ok(0);
        };
        let code = run_command(command, &url, root)?.wait(&mut signals).await?;
        let control = sim.control();
        let gone = async {
            while control.connections() > 0 {
                sleep(Duration::from_millis(5)).await;
            }
        };
        // A client that stays does not belong to the command.
        let _ = timeout(SETTLING, gone).await;
        Ok(code)
    };
    let code: Result<u8> = tokio::select! {
        code = ended => code,
        code = follower.follow() => code,
    };
    sim.stop().await;
    let is_met = follower.finish();
    code.map(|code| if code == 0 && !is_met { UNMET } else { code })
}

/// Starts a command that finds the simulator through its environment. The credentials are made up: any will
/// do here, and those of a real application do not belong in a test.
fn run_command(command: &str, url: &str, root: Option<&Path>) -> Result<exec::RunningCommand> {
    let variables = [
        ("EMOTIV_CORTEX_URL", Some(OsStr::new(url))),
        ("EMOTIV_CLIENT_ID", Some(OsStr::new("simulated-client-id"))),
        ("EMOTIV_CLIENT_SECRET", Some(OsStr::new("simulated-client-secret"))),
        ("CORTOP_CA_FILE", root.map(Path::as_os_str)),
    ];
    exec::start(command, &variables)
}

/// The root certificate for clients.
#[derive(Default)]
struct Root {
    /// Where it was written, if it was.
    path: Option<PathBuf>,
    /// A temporary folder, removed on drop, unless the user named one.
    _folder: Option<TempDir>,
}

/// The simulator's options from the arguments.
fn options(args: &cli::SimArgs, output: &LogOutput) -> Result<(Options, Root)> {
    let bind: Vec<IpAddr> = match args.bind {
        Some(address) => vec![address],
        None => vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()],
    };
    if args.bind.is_some_and(|address| !address.is_loopback()) {
        output.note("anybody who reaches this machine can use this simulator");
    }
    let tls = if args.socket.ws { None } else { Some(Arc::new(Tls::new(&bind)?)) };
    let root = match (&tls, &args.socket.ca_out) {
        (None, _) => Root::default(),
        (Some(tls), Some(folder)) => {
            let path = write_root(folder, tls)?;
            output.note(&format!("root certificate: {}", path.display()));
            Root { path: Some(path), _folder: None }
        }
        (Some(tls), None) if args.exec.is_some() => {
            let folder = tempfile::tempdir()?;
            let path = write_root(folder.path(), tls)?;
            Root { path: Some(path), _folder: Some(folder) }
        }
        (Some(_), None) => {
            output.note(
                "clients cannot check the certificate: --ca-out DIR writes its root for their \
                 ca_certs",
            );
            Root::default()
        }
    };
    let default_port = if args.exec.is_some() { 0 } else { PORT };
    let scenario = args.scenario.as_deref().map(Scenario::read).transpose()?.unwrap_or_default();
    let defaults = Options::default();
    let options = Options {
        headsets: headsets(&args.headset)?.unwrap_or(defaults.headsets),
        replay: args.replay.clone(),
        seed: args.seed.unwrap_or(1),
        ids: args.seed,
        warm: false,
        approved: args.approved,
        tls,
        bind,
        port: args.port.unwrap_or(default_port),
        scenario: scenario.injections,
        control: args.allow_control,
        scopes: args.licence.scopes.0.clone(),
        quota: args.licence.activations,
        speed: args.speed,
        report: |progress| eprintln!("{progress}"),
        ..Options::default()
    };
    Ok((options, root))
}

/// The requested headsets, if any.
fn headsets(wanted: &[HeadsetConfig]) -> Result<Option<Vec<HeadsetConfig>>> {
    if wanted.len() > MAX_HEADSETS {
        bail!("{} headsets are too many: the maximum is {MAX_HEADSETS}", wanted.len());
    }
    let mut ids = BTreeSet::new();
    for id in wanted.iter().filter_map(|own| own.id.as_ref()) {
        if !ids.insert(id.as_str()) {
            bail!("two headsets have the id {id}: give one of them another");
        }
    }
    Ok((!wanted.is_empty()).then(|| wanted.to_vec()))
}

/// Writes the root certificate where clients find it; returns its path.
pub(super) fn write_root(folder: &Path, tls: &Tls) -> Result<PathBuf> {
    let path = folder.join("root.pem");
    fs::create_dir_all(folder)
        .and_then(|()| fs::write(&path, &tls.root_pem))
        .wrap_err_with(|| format!("cannot write {}; choose another --ca-out", path.display()))?;
    Ok(path)
}
