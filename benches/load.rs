//! The simulator under load, on one thread: 64 headsets of 32 channels at 256 Hz with all their
//! other streams to one client, over plain text and over TLS; how late the samples are, and how
//! much of a core it takes. With `-- --memory` instead: an hour of service time at sixty times the
//! speed, which takes a minute, and the memory of the process meanwhile. With `-- --soak MINUTES`:
//! the program `cortop sim` itself with 64 headsets, and 24 clients that each read all streams of
//! one; how late the samples are and how much memory it takes, as long as asked for. With
//! `-- --replay MEGABYTES`: how much memory the program takes while it reads a recording of that size.

use std::{
    fmt::Write as _,
    fs,
    io::{BufRead as _, BufReader, Read, Write},
    net::TcpStream,
    process::{Child, Command, Stdio},
    sync::{Arc, mpsc},
    thread,
    time::{Duration, Instant, SystemTime},
};

use color_eyre::{
    Result,
    eyre::{OptionExt as _, bail, eyre},
};
use cortop_client::{Stream, model::Model};
use cortop_sim::{Options, Sim, headset_config::HeadsetConfig, tls::Tls};
use rustls::{
    ClientConfig, ClientConnection, RootCertStore, StreamOwned,
    crypto::ring,
    pki_types::{CertificateDer, pem::PemObject},
};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::{Message, WebSocket, client};

const MEASURED: Duration = Duration::from_secs(5);
const HOUR: Duration = Duration::from_secs(60);

fn main() -> Result<()> {
    let mut args = std::env::args()
        .skip_while(|arg| !["--memory", "--soak", "--replay"].contains(&arg.as_str()));
    match args.next().as_deref() {
        Some("--memory") => return memory(),
        Some("--replay") => return replay(args.next().ok_or_eyre("how many megabytes?")?.parse()?),
        Some(_) => return soak(args.next().ok_or_eyre("--soak wants minutes")?.parse()?),
        None => {}
    }
    let wanted = HeadsetConfig { eeg_rate: Some(256), ..HeadsetConfig::from(Model::Flex2) };
    let options = Options { headsets: vec![wanted; 64], ..Options::default() };
    println!("64 headsets × 32 channels at 256 Hz and all other streams, {MEASURED:?} each");
    load("ws ", options.clone())?;
    load("wss", Options { tls: Some(Arc::new(Tls::new(&[])?)), ..options })
}

fn load(name: &str, options: Options) -> Result<()> {
    let service = Running::start(options)?;
    let mut client = service.client()?;
    let mut late = Vec::new();
    let (busy, started) = (service.busy(), Instant::now());
    let mut bytes = 0;
    while started.elapsed() < MEASURED {
        let text = client.read()?;
        let text = text.to_text()?;
        bytes += text.len();
        if let Some(stamp) = stamp(text) {
            late.push(epoch() - stamp);
        }
    }
    let seconds = started.elapsed().as_secs_f64();
    let core = service.busy().saturating_sub(busy).as_secs_f64() / seconds;
    late.sort_by(f64::total_cmp);
    let at = |share: usize| late.get(late.len() * share / 1000).map_or(f64::NAN, |late| late * 1e3);
    println!(
        "{name} {:.0} samples/s, {:.1} MB/s: late by {:.1} ms (median, target ≤ 50), {:.1} ms (p99), \
         {:.1} ms (p99.9); {:.0} % of a core (target ≤ 100); {} dropped (target 0)",
        late.len() as f64 / seconds,
        bytes as f64 / seconds / 1e6,
        at(500),
        at(990),
        at(999),
        core * 100.0,
        service.dropped()
    );
    if at(500) <= 50.0 { Ok(()) } else { bail!("samples are late") }
}

fn memory() -> Result<()> {
    let service = Running::start(Options { speed: 60.0, ..Options::default() })?;
    let mut client = service.client()?;
    let started = Instant::now();
    let mut sizes = Vec::new();
    while started.elapsed() < HOUR {
        client.read()?;
        if started.elapsed() >= HOUR / 12 * (u32::try_from(sizes.len())? + 1) {
            sizes.push(resident("self")?);
            println!("{:2} min: {} kB", sizes.len() * 5, resident("self")?);
        }
    }
    let (early, last) =
        (sizes.get(1).ok_or_eyre("too slow")?, sizes.last().ok_or_eyre("too slow")?);
    println!("grown by {} kB from minute 10 to 60 (target ≤ 512)", last.saturating_sub(*early));
    if last.saturating_sub(*early) <= 512 { Ok(()) } else { bail!("memory grows") }
}

/// 64 headsets, and 24 clients with a session each.
fn soak(minutes: u64) -> Result<()> {
    const HEADSETS: usize = 64;
    const SESSIONS: usize = 24;
    /// Maximum median lateness in milliseconds.
    const LATE: f64 = 5.0;
    /// Maximum growth in kB over the last quarter of the time: the newest 4096 entries of the journal fill in
    /// half an hour.
    const GROWN: u64 = 512;

    let mut sim = SimProcess::start(["--headset", "epocx@256:connected"].repeat(HEADSETS))?;
    let process = sim.0.id().to_string();
    let url = sim.url()?;
    let (sender, delays) = mpsc::channel();
    for number in 0..SESSIONS {
        let (url, sender) = (url.clone(), sender.clone());
        thread::spawn(move || -> Result<()> {
            let mut socket = soak_client(&url, number)?;
            // In batches of hundreds, so that the channel costs next to nothing.
            let mut late = Vec::new();
            loop {
                if let Some(stamp) = stamp(socket.read()?.to_text()?) {
                    late.push(epoch() - stamp);
                }
                if late.len() == 100 {
                    sender.send(std::mem::take(&mut late))?;
                }
            }
        });
    }
    drop(sender);

    println!("{HEADSETS} headsets, {SESSIONS} sessions of all streams, {minutes} min");
    // A histogram in tenths of a millisecond: of constant size, however long it runs.
    let mut counts = vec![0_u64; 10_000];
    let mut sizes = Vec::new();
    let time = Duration::from_secs(60 * minutes);
    let started = Instant::now();
    let (busy, mut heard) = (busy(&process), 0);
    while started.elapsed() < time {
        let late = delays.recv_timeout(Duration::from_secs(10)).map_err(|_| eyre!("silence"))?;
        heard += late.len();
        for late in late {
            let tenths = (late * 1e4).clamp(0.0, 9_999.0);
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped")]
            if let Some(count) = counts.get_mut(tenths as usize) {
                *count += 1;
            }
        }
        if started.elapsed() >= time / 12 * (u32::try_from(sizes.len())? + 1) {
            let size = resident(&process)?;
            sizes.push(size);
            println!("{:5.1} min: {size} kB", started.elapsed().as_secs_f64() / 60.0);
        }
    }
    let core = self::busy(&process).saturating_sub(busy).as_secs_f64() / time.as_secs_f64();
    let total: u64 = counts.iter().sum();
    let at = |share: u64| {
        let mut left = total * share / 1000;
        let place = counts.iter().position(|count| {
            let is_reached = *count > left;
            left = left.saturating_sub(*count);
            is_reached
        });
        place.map_or(f64::NAN, |tenths| tenths as f64 / 10.0)
    };
    let before = sizes.get((sizes.len() * 3 / 4).saturating_sub(1)).ok_or_eyre("too slow")?;
    let grown = sizes.last().ok_or_eyre("too slow")?.saturating_sub(*before);
    println!(
        "{:.0} samples/s: late by {:.1} ms (median, target < {LATE}), {:.1} ms (p99), {:.1} ms \
         (p99.9); {:.0} % of a core; memory grown by {grown} kB in the last quarter (target ≤ {GROWN})",
        heard as f64 / time.as_secs_f64(),
        at(500),
        at(990),
        at(999),
        core * 100.0,
    );
    if at(500) >= LATE {
        bail!("samples are late");
    }
    if grown <= GROWN { Ok(()) } else { bail!("memory grows") }
}

/// Writes a recording of an EPOC X of the requested length to standard input. Its first 16 MiB of numbers
/// stay in memory, so that it needs 256 MB or more for a tenth of it to fill them.
fn replay(megabytes: usize) -> Result<()> {
    /// Maximum growth in kB, from a tenth of the file to its end.
    const GROWN: u64 = 4096;
    const CHUNK: usize = 1 << 20;

    let mut sim = SimProcess::start(["--replay", "-"])?;
    let process = sim.0.id().to_string();
    let mut input = sim.0.stdin.take().ok_or_eyre("no input")?;
    let sensors = Model::EpocX.sensors();
    write!(input, "Timestamp,EEG.Counter")?;
    for sensor in sensors {
        write!(input, ",EEG.{sensor}")?;
    }
    for sensor in sensors {
        write!(input, ",CQ.{sensor}")?;
    }
    writeln!(input)?;
    let started = Instant::now();
    let (mut rows, mut text, mut before) = (0_u32, String::new(), 0);
    for chunk in 0..megabytes {
        text.clear();
        while text.len() < CHUNK {
            let time = 1.8e9 + f64::from(rows) / 256.0;
            write!(text, "{time:.6},{}", rows % 256)?;
            for sensor in 0..sensors.len() {
                write!(text, ",{}.25", 4000 + (rows as usize * 7 + sensor * 31) % 400)?;
            }
            text.push_str(&",4".repeat(sensors.len()));
            text.push('\n');
            rows += 1;
        }
        input.write_all(text.as_bytes())?;
        if chunk == megabytes / 10 {
            before = resident(&process)?;
        }
    }
    drop(input);
    sim.url()?;
    let grown = resident(&process)?.saturating_sub(before);
    println!(
        "{megabytes} MB, {rows} rows, read in {:.1} s: {before} kB at a tenth, grown by {grown} kB \
         at the end (target ≤ {GROWN})",
        started.elapsed().as_secs_f64()
    );
    if grown <= GROWN { Ok(()) } else { bail!("memory grows with the file") }
}

/// The program as a process, killed on drop.
struct SimProcess(Child);

impl SimProcess {
    fn start<'a>(args: impl IntoIterator<Item = &'a str>) -> Result<Self> {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cortop"));
        command.args(["sim", "--ws", "--port", "0", "--approved", "--quiet"]).args(args);
        Ok(Self(command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?))
    }

    fn url(&mut self) -> Result<String> {
        let lines = BufReader::new(self.0.stdout.as_mut().ok_or_eyre("no output")?).lines();
        for line in lines {
            if let Some(url) = line?.strip_prefix("READY ") {
                return Ok(url.to_owned());
            }
        }
        bail!("the simulator has ended")
    }
}

impl Drop for SimProcess {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// One of several clients, each its own application with its own headset.
fn soak_client(url: &str, number: usize) -> Result<WebSocket<Box<dyn Socket>>> {
    let address = url.strip_prefix("ws://").ok_or_eyre("no ws:// address")?;
    let tcp = TcpStream::connect(address)?;
    tcp.set_nodelay(true)?;
    let stream: Box<dyn Socket> = Box::new(tcp);
    let Ok((mut socket, _)) = client(url, stream) else { bail!("no handshake") };
    let keys = json!({ "clientId": format!("client {number}"), "clientSecret": "no" });
    let token = ask(&mut socket, "authorize", keys)?["cortexToken"].clone();
    let headset = ask(&mut socket, "queryHeadsets", json!({}))?[number]["id"].clone();
    let params = json!({ "cortexToken": token, "headset": headset, "status": "active" });
    let session = ask(&mut socket, "createSession", params)?["id"].clone();
    let streams = Stream::ALL.map(Stream::name);
    let params = json!({ "cortexToken": token, "session": session, "streams": streams });
    ask(&mut socket, "subscribe", params)?;
    Ok(socket)
}

/// The CPU time of a process or thread; zero if the system does not report it.
fn busy(process: &str) -> Duration {
    let text = fs::read_to_string(format!("/proc/{process}/schedstat"));
    let spent = text.ok().and_then(|text| text.split(' ').next()?.parse().ok());
    Duration::from_nanos(spent.unwrap_or_default())
}

/// A service on its own thread.
struct Running {
    sim: Sim,
    root: Option<String>,
    thread: String,
}

impl Running {
    fn start(options: Options) -> Result<Self> {
        let root = options.tls.as_ref().map(|tls| tls.root_pem.clone());
        let (sender, started) = mpsc::channel();
        thread::spawn(move || -> Result<()> {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(async {
                let own = fs::read_link("/proc/thread-self").unwrap_or_default();
                sender.send((Sim::start(options).await?, own.display().to_string()))?;
                std::future::pending().await
            })
        });
        let (sim, thread) = started.recv()?;
        Ok(Self { sim, root, thread })
    }

    /// The CPU time of its thread.
    fn busy(&self) -> Duration {
        busy(&self.thread)
    }

    fn dropped(&self) -> u64 {
        self.sim.control().dropped()
    }

    /// A client that has subscribed to everything.
    fn client(&self) -> Result<WebSocket<Box<dyn Socket>>> {
        let tcp = TcpStream::connect(self.sim.address)?;
        tcp.set_nodelay(true)?;
        let stream: Box<dyn Socket> = match &self.root {
            None => Box::new(tcp),
            Some(root) => {
                let mut roots = RootCertStore::empty();
                roots.add(CertificateDer::from_pem_slice(root.as_bytes())?)?;
                let config =
                    ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
                        .with_safe_default_protocol_versions()?
                        .with_root_certificates(roots)
                        .with_no_client_auth();
                let name = "localhost".try_into()?;
                Box::new(StreamOwned::new(ClientConnection::new(Arc::new(config), name)?, tcp))
            }
        };
        let Ok((mut socket, _)) = client(self.sim.url(), stream) else { bail!("no handshake") };
        let keys = json!({ "clientId": "id", "clientSecret": "no" });
        let token = ask(&mut socket, "authorize", keys)?["cortexToken"].clone();
        let streams = Stream::ALL.map(Stream::name);
        let mut sessions = Vec::new();
        for headset in self.sim.control().headsets() {
            let params = json!({ "cortexToken": token, "headset": headset, "status": "active" });
            sessions.push(ask(&mut socket, "createSession", params)?["id"].clone());
        }
        for session in sessions {
            let params = json!({ "cortexToken": token, "session": session, "streams": streams });
            ask(&mut socket, "subscribe", params)?;
        }
        Ok(socket)
    }
}

trait Socket: Read + Write {}
impl<T: Read + Write> Socket for T {}

#[expect(clippy::needless_pass_by_value, reason = "takes json!(…) as it comes")]
fn ask(socket: &mut WebSocket<Box<dyn Socket>>, method: &str, params: Value) -> Result<Value> {
    let request = json!({ "id": 1, "jsonrpc": "2.0", "method": method, "params": params });
    socket.send(Message::text(request.to_string()))?;
    loop {
        let message = socket.read()?;
        let text = message.to_text()?;
        if stamp(text).is_none() && text.contains("\"id\":1,") {
            let mut answer: Value = serde_json::from_str(text)?;
            return Ok(answer["result"].take());
        }
    }
}

/// The `time` of a sample, which is its last member except in `sys`.
fn stamp(text: &str) -> Option<f64> {
    text.rsplit_once("\"time\":")?.1.trim_end_matches('}').parse().ok()
}

fn epoch() -> f64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs_f64()
}

/// Resident memory of a process in kB.
fn resident(process: &str) -> Result<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let number = line.and_then(|line| line.split_whitespace().next()).ok_or_eyre("no VmRSS")?;
    Ok(number.parse()?)
}
