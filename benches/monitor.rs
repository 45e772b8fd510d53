//! The whole monitor as a process in a terminal of 160×48, with a simulator in another process: how often it
//! wakes up and how much of a core it uses, idle and streaming; the cost of a slow terminal; the time to the
//! first frame; and the size of the program. Linux only, as the figures come from the system.

#![expect(clippy::expect_used, reason = "a bench that cannot be set up has failed")]

use std::{
    fs,
    io::{Read, Write as _},
    path::Path,
    sync::{Arc, Mutex, mpsc},
    thread,
    time::{Duration, Instant},
};

use cortop_client::{Stream, model::Model};
use cortop_sim::{
    Options, Sim, headset_config::HeadsetConfig, model::Spec, source::SampleSource as _,
    synth::Synth,
};
use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};

const CORTOP: &str = env!("CARGO_BIN_EXE_cortop");
/// The bytes that begin every frame.
const FRAME: &[u8] = b"\x1b[?2026h";
/// Time for the start and the first window, which is not measured.
const SETTLED: Duration = Duration::from_secs(12);
const MEASURED: Duration = Duration::from_secs(20);
/// Runs this program as the one that the start is compared with.
const BARE: &str = "--bare";

fn main() {
    if std::env::args().any(|arg| arg == BARE) {
        return print!("\x1b[?1049h\x1b[?1049l");
    }
    let size = fs::metadata(CORTOP).expect("a program").len() as f64 / 1e6;
    println!("size of the program: {size:.2} MB (target ≤ 7)");
    first_frame();
    if !Path::new("/proc/self/schedstat").exists() {
        return println!("no /proc here: wake-ups and CPU cannot be measured");
    }
    idle();
    streaming();
    slow();
}

fn first_frame() {
    let this = std::env::current_exe().expect("this program");
    let median = |start: &dyn Fn() -> MonitorProcess, seen: &[u8]| {
        let mut times: Vec<_> = (0..11)
            .map(|_| {
                let started = Instant::now();
                let monitor = start();
                monitor.wait(|received| received.windows(seen.len()).any(|bytes| bytes == seen));
                started.elapsed().as_secs_f64() * 1e3
            })
            .collect();
        times.sort_by(f64::total_cmp);
        times[times.len() / 2]
    };
    let unreachable = ["--url", "ws://localhost:1"];
    let first =
        median(&|| MonitorProcess::start(Path::new(CORTOP), &unreachable, None), b"\x1b[?2026l");
    let bare = median(&|| MonitorProcess::start(&this, &[BARE], None), b"\x1b[?1049l");
    let ratio = first / bare;
    println!("first frame: {first:.1} ms, {ratio:.2} times a bare program (target ≤ 2)");
}

fn idle() {
    let service = SimThread::start(vec![epoc_x()]);
    // Connected, with a session, but without streams.
    let args = ["--url", &service.url, "--streams", "sys"];
    let use_ = MonitorProcess::start(Path::new(CORTOP), &args, None).measure();
    println!(
        "idle: {:.2} wake-ups/s (target ≤ 2), {:.3} s CPU a minute (target ≤ 0.02), {:.0} B/s",
        use_.wake_ups,
        use_.cpu * 60.0,
        use_.bytes
    );
}

fn streaming() {
    let service = SimThread::start(vec![epoc_x()]);
    let messages = messages_a_second();
    for scroll in [false, true] {
        let mut monitor = service.monitor(None);
        if scroll {
            monitor.type_in("s");
        }
        let use_ = monitor.measure();
        let due = messages + use_.frames;
        println!(
            "streaming, {}: {:.0} wake-ups/s, {:.2} times {messages:.0} messages and {:.1} frames \
             (target ≤ 1.1), {:.2} % of a core (target ≤ 3), {:.1} kB/s (target ≤ {})",
            if scroll { "scroll" } else { "sweep" },
            use_.wake_ups,
            use_.wake_ups / due,
            use_.frames,
            use_.cpu * 100.0,
            use_.bytes / 1e3,
            if scroll { 8 } else { 6 },
        );
    }
}

fn slow() {
    let service = SimThread::start(vec![epoc_x()]);
    // Unlimited, it would write seven times as much.
    let mut monitor = service.monitor(Some(20_000.0));
    monitor.type_in("s");
    thread::sleep(SETTLED);
    let before = monitor.resident();
    thread::sleep(MEASURED);
    let grown = monitor.resident().saturating_sub(before);
    let screen = monitor.screen();
    let lost = screen.split("lost ").nth(1).and_then(|text| text.split_whitespace().next());
    println!(
        "a terminal of 20 kB/s: {} samples lost (target 0), {} dropped (target none), memory grown \
         by {grown} kB",
        lost.unwrap_or("unknown"),
        if screen.contains("dropped") { "some" } else { "none" },
    );
}

fn epoc_x() -> HeadsetConfig {
    HeadsetConfig { eeg_rate: Some(256), ..HeadsetConfig::from(Model::EpocX) }
}

/// The messages per second of all streams of [`epoc_x`].
fn messages_a_second() -> f64 {
    let spec = Spec { eeg_rate: 256, ..Spec::of(Model::EpocX).expect("a model of today") };
    let source = Synth::new(spec, 1);
    let streams = Stream::ALL.into_iter().filter(|&stream| source.columns(stream).is_some());
    streams.map(|stream| 1000.0 / (source.time(stream, 1000) - source.time(stream, 0))).sum()
}

/// A simulated service in this process.
struct SimThread {
    url: String,
    _alive: tokio::sync::oneshot::Sender<()>,
}

impl SimThread {
    fn start(headsets: Vec<HeadsetConfig>) -> Self {
        let (alive, ended) = tokio::sync::oneshot::channel();
        let (told, url) = mpsc::channel();
        thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("a runtime").block_on(async {
                let sim = Sim::start(Options { headsets, ..Options::default() }).await;
                let sim = sim.expect("a service");
                told.send(sim.url()).expect("somebody listens");
                let _ = ended.await;
            });
        });
        Self { url: url.recv().expect("a service"), _alive: alive }
    }

    fn monitor(&self, bytes_a_second: Option<f64>) -> MonitorProcess {
        MonitorProcess::start(Path::new(CORTOP), &["--url", &self.url], bytes_a_second)
    }
}

/// A program in a terminal.
struct MonitorProcess {
    child: Box<dyn Child + Send + Sync>,
    master: Box<dyn MasterPty + Send>,
    received: Arc<Mutex<Vec<u8>>>,
    // The empty config folder of the program.
    _folder: tempfile::TempDir,
}

/// The resources a process used per second.
struct ResourceUse {
    wake_ups: f64,
    cpu: f64,
    bytes: f64,
    frames: f64,
}

impl MonitorProcess {
    fn start(program: &Path, args: &[&str], bytes_a_second: Option<f64>) -> Self {
        let size = PtySize { rows: 48, cols: 160, ..PtySize::default() };
        let pair = native_pty_system().openpty(size).expect("a pty");
        let folder = tempfile::tempdir().expect("a folder");
        let mut command = CommandBuilder::new(program);
        command.args(args);
        command.env("XDG_CONFIG_HOME", folder.path());
        command.env("EMOTIV_CLIENT_ID", "bench");
        command.env("EMOTIV_CLIENT_SECRET", "bench");
        command.env("TERM", "xterm-256color");
        command.env("LC_ALL", "C.UTF-8");
        let child = pair.slave.spawn_command(command).expect("started");
        let mut output = pair.master.try_clone_reader().expect("readable");
        let received = Arc::new(Mutex::new(Vec::new()));
        let shared = Arc::clone(&received);
        thread::spawn(move || {
            let mut chunk = [0; 2048];
            while let Ok(count @ 1..) = output.read(&mut chunk) {
                shared.lock().expect("no panic").extend_from_slice(&chunk[..count]);
                if let Some(rate) = bytes_a_second {
                    thread::sleep(Duration::from_secs_f64(count as f64 / rate));
                }
            }
        });
        Self { child, master: pair.master, received, _folder: folder }
    }

    fn wait(&self, seen: impl Fn(&[u8]) -> bool) {
        while !seen(&self.received.lock().expect("no panic")) {
            thread::sleep(Duration::from_micros(100));
        }
    }

    fn type_in(&mut self, keys: &str) {
        let mut keyboard = self.master.take_writer().expect("writable");
        keyboard.write_all(keys.as_bytes()).expect("typed");
        // The writer would send the end of the input when dropped.
        std::mem::forget(keyboard);
    }

    fn screen(&self) -> String {
        let [rows, columns] = [48, 160].map(|it: u16| it.try_into().expect("more than none"));
        let mut screen = vt100::Parser::new(rows, columns, 0);
        screen.process(&self.received.lock().expect("no panic"));
        screen.screen().contents()
    }

    fn measure(&self) -> ResourceUse {
        thread::sleep(SETTLED);
        let start = self.received.lock().expect("no panic").len();
        let (cpu, wake_ups) = self.spent();
        thread::sleep(MEASURED);
        let (cpu_after, wake_ups_after) = self.spent();
        let received = self.received.lock().expect("no panic");
        let written = &received[start..];
        let frames = written.windows(FRAME.len()).filter(|bytes| *bytes == FRAME).count();
        let seconds = MEASURED.as_secs_f64();
        ResourceUse {
            wake_ups: (wake_ups_after - wake_ups) / seconds,
            cpu: (cpu_after - cpu) / seconds,
            bytes: written.len() as f64 / seconds,
            frames: frames as f64 / seconds,
        }
    }

    /// CPU seconds and wake-ups so far, over all threads.
    fn spent(&self) -> (f64, f64) {
        let tasks = fs::read_dir(format!("/proc/{}/task", self.pid())).expect("it runs");
        let (mut cpu, mut wake_ups) = (0.0, 0.0);
        for task in tasks.flatten() {
            let read = |name: &str| fs::read_to_string(task.path().join(name)).unwrap_or_default();
            let nanoseconds = read("schedstat").split(' ').next().and_then(|ns| ns.parse().ok());
            cpu += nanoseconds.unwrap_or(0.0) / 1e9;
            wake_ups += number(&read("status"), "voluntary_ctxt_switches:");
        }
        (cpu, wake_ups)
    }

    /// Resident memory in kB.
    fn resident(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid())).expect("it runs");
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "kB")]
        let resident = number(&status, "VmRSS:") as u64;
        resident
    }

    fn pid(&self) -> u32 {
        self.child.process_id().expect("it runs")
    }
}

impl Drop for MonitorProcess {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The first number of the line with this name.
fn number(status: &str, name: &str) -> f64 {
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or_default()
}
