//! `cortop demo --lab N`: a lab on one machine. Starts a broker, and stations as separate programs, each with
//! a simulated service; `cortop lab` shows them.

use std::{
    fs::{self, File},
    net::{Ipv4Addr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use color_eyre::eyre::{Context as _, Result, bail, eyre};
use tempfile::TempDir;
use tokio::time::sleep;

use super::lab;
use crate::{
    cli,
    config::{Config, MqttSettings},
    terminal::Exit,
};
use cortop_sim::Sim;

/// How long a broker may take to start, and how often to check.
const START: Duration = Duration::from_secs(5);
const LOOK: Duration = Duration::from_millis(20);

/// Directories besides `PATH` that may contain mosquitto: Debian does not add its directory to the `PATH` of
/// users.
const SBIN: [&str; 3] = ["/usr/sbin", "/usr/local/sbin", "/opt/homebrew/sbin"];

/// Shows the lab until the user quits; then nothing of it is left.
///
/// # Errors
/// There is no terminal or no mosquitto, or something does not start; the text says what to do.
pub(super) async fn show(stations: u8, demo: &cli::DemoArgs, mut config: Config) -> Result<Exit> {
    lab::check_terminal()?;
    let folder = tempfile::tempdir()?;
    let (_broker, url) = start_broker(folder.path()).await?;
    let mut running = Vec::new();
    for number in 1..=stations {
        let sim = Sim::start(cortop_sim::Options {
            scopes: demo.licence.scopes.0.clone(),
            quota: demo.licence.activations,
            ..cortop_sim::Options::demo(demo.model, 1, demo.seed + u64::from(number) - 1)
        });
        let sim = sim.await?;
        running.push((start_station(number, &sim.url(), &url, &folder)?, sim));
    }
    // The user's account belongs to another broker.
    config.mqtt = MqttSettings::default();
    let args = cli::LabArgs { broker: Some(url), display: demo.display.clone() };
    let exit = lab::watch(&args, &config).await;
    for (_, sim) in running {
        sim.task.abort();
    }
    exit
}

/// A program that is killed when this is dropped.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Starts a broker without accounts, for this machine only; returns its address.
async fn start_broker(folder: &Path) -> Result<(Process, String)> {
    let (file, log) = (folder.join("mosquitto.conf"), folder.join("mosquitto.log"));
    // Another program may take the port between its choice and its use.
    for _ in 0..3 {
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
        // As root it would switch to another user, and then no longer end with us (`bound_to_us`).
        let settings = format!("listener {port} 127.0.0.1\nallow_anonymous true\nuser root\n");
        fs::write(&file, settings)?;
        let output = File::create(&log)?;
        let mut broker = spawn_mosquitto(&file, &output)?;
        let until = Instant::now() + START;
        while Instant::now() < until && broker.0.try_wait()?.is_none() {
            if TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok() {
                return Ok((broker, format!("mqtt://localhost:{port}")));
            }
            sleep(LOOK).await;
        }
    }
    let said = fs::read_to_string(&log).unwrap_or_default();
    bail!("mosquitto does not start: {}", said.lines().last().unwrap_or("it says nothing"))
}

fn spawn_mosquitto(config: &Path, output: &File) -> Result<Process> {
    let program = installed("mosquitto").ok_or_else(|| {
        eyre!(
            "a lab needs an MQTT broker, and mosquitto is not installed: `apt-get install \
             mosquitto`, `brew install mosquitto`, or https://mosquitto.org/download"
        )
    })?;
    let mut command = bound_to_us(&program);
    command.arg("-c").arg(config).stdin(Stdio::null());
    command.stdout(output.try_clone()?).stderr(output.try_clone()?);
    Ok(Process(command.spawn().wrap_err("mosquitto does not start")?))
}

/// The path of an installed program.
fn installed(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders = std::env::split_paths(&path).chain(SBIN.map(PathBuf::from));
    let name = format!("{name}{}", std::env::consts::EXE_SUFFIX);
    folders.find_map(|folder| Some(folder.join(&name)).filter(|program| program.is_file()))
}

/// A command that the system kills when this process ends, even by SIGKILL. Only on Linux, and only while the
/// program keeps its user.
fn bound_to_us(program: &Path) -> Command {
    let setpriv = installed("setpriv").filter(|_| cfg!(target_os = "linux"));
    let Some(setpriv) = setpriv else { return Command::new(program) };
    let mut command = Command::new(setpriv);
    command.args(["--pdeathsig", "TERM", "--"]).arg(program);
    command
}

/// Starts the station of a service, without the user's configuration.
fn start_station(number: u8, service: &str, broker: &str, folder: &TempDir) -> Result<Process> {
    let settings = folder.path().join("station.toml");
    fs::write(&settings, "")?;
    let mut command = bound_to_us(&std::env::current_exe()?);
    command.args(["station", "--accept-markers", "--url", service, "--broker", broker]);
    command.arg("--name").arg(format!("PC-{number:02}")).arg("--config").arg(settings);
    command.env("EMOTIV_CLIENT_ID", "demo").env("EMOTIV_CLIENT_SECRET", "demo");
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    Ok(Process(command.spawn().wrap_err("a station does not start")?))
}
