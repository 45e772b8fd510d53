//! The program in a real terminal: every way in and out leaves the terminal as it was. Knows only what a user
//! of a terminal sees and does.
#![cfg(unix)]
#![expect(clippy::expect_used, clippy::panic, reason = "helpers of tests")]

mod adopted;
mod alerts;
mod reload;
#[path = "../served/mod.rs"]
mod served;
mod traffic;

use std::{
    io::{Read, Write},
    path::Path,
    process::Command,
    sync::{Arc, Condvar, Mutex},
    thread,
    time::{Duration, Instant},
};

use cortop::{
    app::{App, AppSettings},
    monitor::Channels,
    terminal::{self, Output, Tty, guard::TerminalGuard, input, screen},
    ui::{self, Ui},
};
use cortop_sim::Sim;
use portable_pty::{Child, CommandBuilder, ExitStatus, MasterPty, PtySize, native_pty_system};
use rustix::process::{Pid, Signal, kill_process};

const CORTOP: &str = env!("CARGO_BIN_EXE_cortop");
const CREDENTIALS: [(&str, &str); 2] =
    [("EMOTIV_CLIENT_ID", "the-client-id"), ("EMOTIV_CLIENT_SECRET", "the-client-secret")];
/// Generous: the machine may be busy.
const PATIENCE: Duration = Duration::from_secs(30);
/// The bytes that begin every frame.
const FRAME: &[u8] = b"\x1b[?2026h";
const LEAVE_SCREEN: &[u8] = b"\x1b[?1049l";

/// What the terminal has received.
struct Received {
    screen: vt100::Parser,
    bytes: Vec<u8>,
    ended: bool,
    hung_up: bool,
}

/// A program in a terminal.
struct Pty {
    master: Option<Box<dyn MasterPty + Send>>,
    keyboard: Option<Box<dyn Write + Send>>,
    child: Box<dyn Child + Send + Sync>,
    received: Arc<(Mutex<Received>, Condvar)>,
    modes_before: String,
    // The empty config folder of the program.
    _folder: tempfile::TempDir,
}

impl Pty {
    fn start(program: &Path, args: &[&str], env: &[(&str, &str)]) -> Self {
        Self::start_in((24, 80), program, args, env)
    }

    fn start_in(size: (u16, u16), program: &Path, args: &[&str], env: &[(&str, &str)]) -> Self {
        Self::start_slow(size, program, args, env, f64::INFINITY)
    }

    /// In a terminal that accepts only so many bytes per second.
    fn start_slow(
        (rows, cols): (u16, u16),
        program: &Path,
        args: &[&str],
        env: &[(&str, &str)],
        bytes_a_second: f64,
    ) -> Self {
        let size = PtySize { rows, cols, ..PtySize::default() };
        let pair = native_pty_system().openpty(size).expect("a pty");
        let folder = tempfile::tempdir().expect("a folder");
        let mut command = CommandBuilder::new(program);
        command.args(args);
        for name in ["EMOTIV_CLIENT_ID", "EMOTIV_CLIENT_SECRET", "EMOTIV_CORTEX_URL", "NO_COLOR"] {
            command.env_remove(name);
        }
        command.env("XDG_CONFIG_HOME", folder.path());
        command.env("LC_ALL", "C.UTF-8");
        command.env("TERM", "xterm-256color");
        for (name, value) in env {
            command.env(name, value);
        }
        let modes_before = modes(&*pair.master);
        let child = pair.slave.spawn_command(command).expect("started");
        let [rows, cols] = [rows, cols].map(|it| it.try_into().expect("more than none"));
        let received = Received {
            screen: vt100::Parser::new(rows, cols, 1000),
            bytes: Vec::new(),
            ended: false,
            hung_up: false,
        };
        let received = Arc::new((Mutex::new(received), Condvar::new()));
        let mut output = pair.master.try_clone_reader().expect("readable");
        let shared = Arc::clone(&received);
        thread::spawn(move || {
            let mut chunk = [0; 512];
            loop {
                let count = output.read(&mut chunk).unwrap_or(0);
                thread::sleep(Duration::from_secs_f64(count as f64 / bytes_a_second));
                let mut received = shared.0.lock().expect("no panic");
                received.screen.process(&chunk[..count]);
                received.bytes.extend_from_slice(&chunk[..count]);
                received.ended = count == 0;
                shared.1.notify_all();
                if count == 0 || received.hung_up {
                    return;
                }
            }
        });
        let keyboard = Some(pair.master.take_writer().expect("writable"));
        Self { master: Some(pair.master), keyboard, child, received, modes_before, _folder: folder }
    }

    fn demo() -> Self {
        Self::start(Path::new(CORTOP), &["demo"], &[])
    }

    /// This test binary, running [`program_that_panics`].
    fn panicking(place: &str) -> Self {
        let this = std::env::current_exe().expect("this binary");
        let args = ["--exact", "program_that_panics", "--ignored", "--nocapture", "--color=never"];
        Self::start(&this, &args, &[("CORTOP_TEST_PANIC", place)])
    }

    /// Waits until the received output satisfies a condition.
    fn wait(&self, what: &str, wanted: impl Fn(&Received) -> bool) {
        let (received, changed) = &*self.received;
        let deadline = Instant::now() + PATIENCE;
        let mut received = received.lock().expect("no panic");
        while !wanted(&received) {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() || received.ended {
                let screen = received.screen.screen().contents();
                drop(received);
                panic!("waited in vain for {what}; the screen:\n{screen}");
            }
            received = changed.wait_timeout(received, left).expect("no panic").0;
        }
    }

    fn wait_for_text(&self, text: &str) {
        self.wait(text, |received| received.screen.screen().contents().contains(text));
    }

    /// Waits until the monitor has the screen and has drawn it.
    fn wait_for_monitor(&self) {
        self.wait("the monitor", |received| {
            let screen = received.screen.screen();
            screen.alternate_screen() && !screen.contents().trim().is_empty()
        });
    }

    fn wait_for_prompt(&self) {
        self.wait("the shell", |received| {
            let screen = received.screen.screen();
            !screen.alternate_screen() && screen.contents().trim_end().ends_with("ready>")
        });
    }

    fn type_in(&mut self, keys: &str) {
        let keyboard = self.keyboard.as_mut().expect("not hung up");
        keyboard.write_all(keys.as_bytes()).and_then(|()| keyboard.flush()).expect("typed");
    }

    /// Closes the terminal, as when a connection is lost; the reader closes it at the next byte.
    fn hang_up(&mut self) {
        self.received.0.lock().expect("no panic").hung_up = true;
        self.keyboard = None;
        self.master = None;
    }

    fn signal(&self, signal: Signal) {
        let pid = self.child.process_id().and_then(|id| i32::try_from(id).ok());
        let pid = pid.and_then(Pid::from_raw).expect("it runs");
        kill_process(pid, signal).expect("signalled");
    }

    /// Waits until the program has ended and all its output has been received.
    fn wait_for_end(&mut self) -> ExitStatus {
        let (received, changed) = &*self.received;
        let ended = changed
            .wait_timeout_while(received.lock().expect("no panic"), PATIENCE, |all| !all.ended)
            .expect("no panic");
        let (ended, screen) = (ended.0.ended, ended.0.screen.screen().contents());
        assert!(ended, "it still runs:\n{screen}");
        self.child.wait().expect("waited for")
    }

    /// The number of bytes and frames received within a time.
    fn received_within(&self, time: Duration) -> (usize, usize) {
        let start = self.received.0.lock().expect("no panic").bytes.len();
        thread::sleep(time);
        let received = self.received.0.lock().expect("no panic");
        let bytes = &received.bytes[start..];
        (bytes.len(), bytes.windows(FRAME.len()).filter(|bytes| *bytes == FRAME).count())
    }

    fn assert_restored(&self) {
        let received = self.received.0.lock().expect("no panic");
        let screen = received.screen.screen();
        assert!(!screen.alternate_screen(), "the alternate screen is left");
        assert!(!screen.hide_cursor(), "the cursor shows");
        assert!(!screen.bracketed_paste(), "pastes are plain");
        let left = received
            .bytes
            .windows(LEAVE_SCREEN.len())
            .rposition(|bytes| bytes == LEAVE_SCREEN)
            .expect("it had the screen");
        let after = String::from_utf8_lossy(&received.bytes[left + LEAVE_SCREEN.len()..]);
        let after = after.strip_prefix("\x1b[?25h").expect("the cursor comes back");
        assert!(!after.contains('\x1b'), "an escape sequence is left behind: {after:?}");
        let master = self.master.as_deref().expect("not hung up");
        assert_eq!(modes(master), self.modes_before, "raw mode is left");
    }
}

impl Drop for Pty {
    fn drop(&mut self) {
        // A failed test leaves nothing running.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Starts a simulated service; returns its address, and a sender that keeps it running.
fn service(options: cortop_sim::Options) -> (String, tokio::sync::oneshot::Sender<()>) {
    let (alive, ended) = tokio::sync::oneshot::channel();
    let (told, url) = std::sync::mpsc::channel();
    thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.expect("a runtime").block_on(async {
            let sim = Sim::start(options).await.expect("a service");
            told.send(sim.url()).expect("the test listens");
            let _ = ended.await;
        });
    });
    (url.recv().expect("a service"), alive)
}

/// The terminal's modes, for comparison.
fn modes(master: &dyn MasterPty) -> String {
    format!("{:?}", master.get_termios().expect("a terminal"))
}

/// At 80×24, without pressing a key.
#[test]
fn the_demo_shows_all_that_matters_at_once_and_quits() {
    let mut pty = Pty::demo();
    let sensors = cortop_client::model::EPOC_SENSORS;
    let fields =
        "id status owner license appId started stopped streams recordIds recording headset";
    let streams = "eeg mot dev eq pow met com fac sys";
    let header = ["● streaming", "activated", "256/256 Hz", "lost 0", "EPOCX-"];
    let contact = ["all good", " none", " very bad", " poor", " fair"];
    pty.wait("everything", |received| {
        let screen = received.screen.screen().contents();
        let words = sensors.into_iter().chain(fields.split(' ')).chain(streams.split(' '));
        let lines: Vec<&str> = screen.lines().collect();
        words.chain(header).chain(["[1]", "[2]", "[3]", "[4] log"]).all(|it| screen.contains(it))
            && contact.iter().any(|level| lines.get(1).is_some_and(|line| line.contains(level)))
            // A time on the axis, and the newest log line above the footer.
            && lines.get(17).is_some_and(|axis| axis.matches(':').count() >= 2)
            && lines.get(22).is_some_and(|log| log.matches(':').count() >= 2)
    });
    pty.type_in("q");
    assert_eq!(pty.wait_for_end().exit_code(), 0);
    pty.assert_restored();
}

#[test]
fn signals_restore_the_terminal_and_tell_their_number() {
    use Signal as S;
    for signal in [S::TERM, S::INT, S::QUIT, S::HUP, S::USR1, S::USR2, S::ALARM] {
        let mut pty = Pty::demo();
        pty.wait_for_monitor();
        pty.signal(signal);
        let code = i32::try_from(pty.wait_for_end().exit_code()).expect("a byte");
        assert_eq!(code, 128 + signal.as_raw());
        pty.assert_restored();
    }
}

#[test]
fn a_terminal_that_is_gone_ends_the_program() {
    let mut pty = Pty::demo();
    pty.wait_for_monitor();
    pty.hang_up();
    let (told, ended) = std::sync::mpsc::channel();
    let mut killer = pty.child.clone_killer();
    thread::spawn(move || told.send(pty.child.wait().expect("waited for")));
    let status = ended.recv_timeout(PATIENCE).map_err(|_| killer.kill()).expect("it ends");
    assert!([1, 129].contains(&status.exit_code()), "{status:?}");
}

#[test]
fn a_paste_fires_no_shortcut() {
    let mut pty = Pty::demo();
    pty.wait_for_monitor();
    pty.type_in("\x1b[200~qqq\x1b[201~");
    pty.type_in("?");
    pty.wait_for_text("next view");
    pty.type_in("?q");
    assert_eq!(pty.wait_for_end().exit_code(), 0);
}

#[test]
fn suspending_gives_the_shell_its_terminal_and_fg_comes_back() {
    let mut pty = Pty::start(Path::new("/bin/sh"), &["-i"], &[("PS1", "ready> "), ("ENV", "")]);
    pty.wait_for_prompt();
    let modes_in_shell = modes(pty.master.as_deref().expect("open"));
    pty.type_in(&format!("{CORTOP} demo\n"));
    pty.wait_for_monitor();
    pty.type_in("\x1a");
    pty.wait_for_prompt();
    assert_eq!(modes(pty.master.as_deref().expect("open")), modes_in_shell);
    pty.type_in("fg\n");
    pty.wait_for_monitor();
    pty.type_in("q");
    pty.wait_for_prompt();
    pty.type_in("exit\n");
    pty.wait_for_end();
    assert!(!pty.received.0.lock().expect("no panic").screen.screen().hide_cursor());
}

#[test]
fn a_late_answer_of_the_terminal_does_not_stand_at_the_prompt() {
    let env = [("PS1", "ready> "), ("ENV", "")];
    let mut pty = Pty::start(Path::new("/bin/sh"), &["-i"], &env);
    pty.wait_for_prompt();
    // Nobody listens there: the doctor ends soon after it has queried the terminal.
    pty.type_in(&format!("{CORTOP} doctor --url ws://localhost:1\n"));
    pty.wait("the question", |received| received.bytes.windows(3).any(|bytes| bytes == b"\x1b[c"));
    // A line that takes more than a second.
    thread::sleep(Duration::from_millis(1500));
    pty.type_in("\x1b[?2026;2$y");
    thread::sleep(Duration::from_millis(300));
    pty.type_in("\x1b[?62;22c");
    pty.wait_for_text("synchronized output is supported");
    pty.wait_for_prompt();
    let screen = pty.received.0.lock().expect("no panic").screen.screen().contents();
    assert!(!screen.contains("2026;") && !screen.contains("62;22"), "{screen}");
    pty.type_in("exit\n");
    pty.wait_for_end();
}

/// Whether the last query to the terminal was received.
fn was_asked(received: &Received) -> bool {
    received.bytes.windows(3).any(|bytes| bytes == b"\x1b[c")
}

#[test]
fn the_theme_follows_the_background_and_keys_come_through_before_the_answer() {
    let env = [("COLORTERM", "truecolor")];
    for (answer, name, text) in [
        ("\x1b]11;rgb:ffff/ffff/ffff\x1b\\", "hues-light", (0x1f, 0x23, 0x28)),
        ("\x1b]11;rgb:0000/0000/0000\x07", "hues-dark", (0xe6, 0xed, 0xf3)),
    ] {
        let mut pty = Pty::start(Path::new(CORTOP), &["demo"], &env);
        pty.wait("the questions", was_asked);
        pty.wait_for_monitor();
        pty.type_in("3z");
        // The chosen pane is zoomed; no other is visible.
        pty.wait("the zoomed pane", |received| {
            let screen = received.screen.screen().contents();
            screen.contains("[3]") && !screen.contains("[2]")
        });
        pty.type_in(&format!("{answer}\x1b[?62;22c"));
        pty.wait(name, |received| {
            let screen = received.screen.screen();
            let (rows, columns) = screen.size();
            let (rows, columns) = (rows.get(), columns.get());
            let mut cells = (0..rows).flat_map(|row| (0..columns).map(move |x| (row, x)));
            let (r, g, b) = text;
            cells.any(|(row, x)| {
                screen.cell(row, x).is_some_and(|cell| cell.fgcolor() == vt100::Color::Rgb(r, g, b))
            })
        });
        pty.type_in("q");
        assert_eq!(pty.wait_for_end().exit_code(), 0);
    }
}

/// Waits until a log file contains some words.
fn wait_for_log(log: &Path, words: &str) {
    let deadline = Instant::now() + PATIENCE;
    while !std::fs::read_to_string(log).is_ok_and(|text| text.contains(words)) {
        assert!(Instant::now() < deadline, "waited in vain for {words} in the log");
        thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn an_answer_after_the_end_does_not_stand_at_the_prompt() {
    let env = [("PS1", "ready> "), ("ENV", "")];
    let mut pty = Pty::start(Path::new("/bin/sh"), &["-i"], &env);
    pty.wait_for_prompt();
    let folder = tempfile::tempdir().expect("a folder");
    let log = folder.path().join("log");
    pty.type_in(&format!("{CORTOP} demo --log-file {}\n", log.display()));
    pty.wait("the questions", was_asked);
    pty.type_in("q");
    // It has left its loop and waits for the answers, which nothing on the terminal shows.
    wait_for_log(&log, "leaving with exit code 0");
    pty.type_in("\x1b[1;2R\x1b]11;rgb:0000/0000/0000\x1b\\\x1b[?62;22c");
    pty.wait_for_prompt();
    // Whatever was at the prompt has been read: the shell answers what was typed after it.
    pty.type_in("echo $((40+2))\n");
    pty.wait_for_text("\n42\n");
    let screen = pty.received.0.lock().expect("no panic").screen.screen().contents();
    assert!(!screen.contains("rgb") && !screen.contains("62;22"), "{screen}");
    pty.type_in("exit\n");
    pty.wait_for_end();
}

#[test]
fn where_ambiguous_characters_are_wide_all_is_drawn_in_ascii_and_it_is_said() {
    let mut pty = Pty::demo();
    pty.wait("the questions", was_asked);
    pty.type_in("\x1b[1;3R\x1b[?62;22c");
    pty.wait("ASCII, and why", |received| {
        let screen = received.screen.screen().contents();
        screen.contains("two cells wide") && screen.is_ascii()
    });
    pty.type_in("q");
    assert_eq!(pty.wait_for_end().exit_code(), 0);
}

#[test]
fn the_linux_console_is_asked_nothing_and_gets_ascii() {
    let mut pty = Pty::start(Path::new(CORTOP), &["demo"], &[("TERM", "linux")]);
    pty.wait_for_text("streaming");
    pty.type_in("q");
    assert_eq!(pty.wait_for_end().exit_code(), 0);
    let received = pty.received.0.lock().expect("no panic");
    assert!(!was_asked(&received), "asked");
    let drawn = String::from_utf8_lossy(&received.bytes);
    assert!(drawn.is_ascii(), "{drawn}");
}

#[test]
fn a_panic_anywhere_restores_the_terminal_reports_and_ends_the_program() {
    for place in ["loop", "task", "thread"] {
        let mut pty = Pty::panicking(place);
        assert_eq!(pty.wait_for_end().exit_code(), 101, "{place}");
        pty.assert_restored();
        let received = pty.received.0.lock().expect("no panic");
        let text = String::from_utf8_lossy(&received.bytes);
        assert!(text.contains(&format!("a fault in a {place}")), "{text}");
    }
}

#[test]
fn an_idle_monitor_costs_next_to_nothing() {
    let (url, _alive) =
        service(cortop_sim::Options { headsets: Vec::new(), ..cortop_sim::Options::default() });
    let mut pty = Pty::start_in((40, 120), Path::new(CORTOP), &["--url", &url], &CREDENTIALS);
    pty.wait_for_text("No headset");
    // The frames of the start are not counted.
    pty.received_within(Duration::from_secs(2));
    let (bytes, frames) = pty.received_within(Duration::from_secs(10));
    assert!(bytes <= 1000, "{bytes} bytes in {frames} frames");
    assert!(frames >= 5, "the heartbeat shows that it lives: {frames} frames");
    pty.type_in("q");
    assert_eq!(pty.wait_for_end().exit_code(), 0);
}

#[test]
fn neither_credentials_nor_token_are_in_the_log_or_on_the_screen() {
    let (url, _alive) = service(cortop_sim::Options::default());
    let folder = tempfile::tempdir().expect("a folder");
    let log = folder.path().join("log");
    let args = ["--url", &url, "-vvv", "--log-file", log.to_str().expect("UTF-8")];
    let mut pty = Pty::start_in((40, 120), Path::new(CORTOP), &args, &CREDENTIALS);
    pty.wait_for_text("AF3");
    pty.type_in("q");
    assert_eq!(pty.wait_for_end().exit_code(), 0);
    let log = std::fs::read_to_string(log).expect("a log");
    assert!(log.contains("TRACE") || log.contains("DEBUG"), "it is verbose:\n{log}");
    let received = pty.received.0.lock().expect("no panic");
    let screen = String::from_utf8_lossy(&received.bytes);
    for secret in CREDENTIALS.map(|(_, value)| value).iter().chain(&["cortexToken", "eyJ"]) {
        assert!(!log.contains(secret) && !screen.contains(secret), "{secret}");
    }
}

#[test]
fn a_sweep_of_14_channels_costs_little() {
    let mut pty = Pty::start_in((40, 120), Path::new(CORTOP), &["demo"], &[]);
    pty.wait_for_text("AF3");
    // The first window, which fills empty cells, is not counted.
    pty.received_within(Duration::from_secs(2));
    let (bytes, frames) = pty.received_within(Duration::from_secs(5));
    assert!(frames >= 10 && bytes <= 2000 * frames, "{bytes} bytes in {frames} frames");
    pty.type_in("q");
    assert_eq!(pty.wait_for_end().exit_code(), 0);
}

/// The time of day in the first row of a screen, in seconds.
fn clock(screen: &vt100::Screen) -> Option<i64> {
    let row = screen.rows(0, 160).next()?;
    let mut parts = row.split_whitespace().last()?.split(':').map(str::parse::<i64>);
    let mut part = || parts.next()?.ok();
    Some(part()? * 3600 + part()? * 60 + part()?)
}

#[test]
fn on_a_slow_line_the_picture_is_of_now_and_no_sample_is_lost() {
    // Ratatui's own backend writes seventy times as much for a scrolling picture.
    let args = ["demo", "--full-redraw"];
    let utc = [("TZ", "UTC")];
    let mut pty = Pty::start_slow((48, 160), Path::new(CORTOP), &args, &utc, 10_000.0);
    pty.wait_for_text("AF3");
    pty.type_in("s");
    pty.wait_for_text("scroll");
    // If the frames had queued up, the picture would now be ten seconds old.
    let start = pty.received.0.lock().expect("no panic").bytes.len();
    pty.wait("100 kB", |received| received.bytes.len() >= start + 100_000);
    pty.wait("a frame", |received| clock(received.screen.screen()).is_some());
    {
        let received = pty.received.0.lock().expect("no panic");
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        let now = i64::try_from(now.expect("after 1970").as_secs()).expect("soon");
        let screen = received.screen.screen();
        let late = (now - clock(screen).expect("a clock")).rem_euclid(24 * 3600);
        let text = screen.contents();
        drop(received);
        assert!(late <= 5, "{late} s late:\n{text}");
        assert!(text.contains("lost 0") && !text.contains("dropped"), "{text}");
    }
    pty.type_in("q");
    assert_eq!(pty.wait_for_end().exit_code(), 0);
}

#[test]
fn a_key_shows_although_the_bytes_are_held_back() {
    let args = ["demo", "--max-rate", "0.5"];
    let mut pty = Pty::start_in((48, 160), Path::new(CORTOP), &args, &[]);
    pty.wait_for_text("AF3");
    // At 500 bytes per second each of these frames holds the next ones back for five seconds, all fifty of
    // them.
    let start = Instant::now();
    for _ in 0..5 {
        pty.type_in("?");
        pty.wait_for_text("next pane");
        pty.type_in("?");
        pty.wait("the help is gone", |received| {
            !received.screen.screen().contents().contains("next pane")
        });
    }
    assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
    pty.type_in("q");
    assert_eq!(pty.wait_for_end().exit_code(), 0);
}

/// Not a test: takes the terminal over as the program does, and panics where told to.
#[test]
#[ignore = "run in a pty by the test of panics"]
fn program_that_panics() {
    let Ok(place) = std::env::var("CORTOP_TEST_PANIC") else { return };
    cortop::console::report_panics().expect("hooks");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let exit = runtime.expect("a runtime").block_on(async {
        let (sender, mut input) = input::queue();
        let mut terminal =
            screen::terminal(Tty::new(Output::default()).expect("a tty")).expect("a size");
        let _guard = TerminalGuard::new(sender).expect("a terminal");
        match place.as_str() {
            "loop" => panic!("a fault in a loop"),
            "task" => drop(tokio::spawn(async { panic!("a fault in a task") })),
            _ => drop(thread::spawn(|| panic!("a fault in a thread"))),
        }
        let (commands, _asked) = tokio::sync::mpsc::channel(1);
        let (_told, events) = tokio::sync::mpsc::channel(1);
        let (view, _viewed) = tokio::sync::watch::channel(cortop_signal::View::default());
        let (_pictures, snapshots) = tokio::sync::watch::channel(Arc::default());
        let mut channels = Channels::alone(commands, events, view, snapshots);
        let (ui, _) = Ui::new(&ui::UiOptions::default());
        let app = App::new(AppSettings::default(), cortop_client::Moment::now());
        let frame = Duration::from_millis(100);
        terminal::run(app, ui, &mut terminal, &mut channels, &mut input, frame).await.1
    });
    std::process::exit(i32::from(exit.code()));
}

#[test]
fn what_cannot_start_says_so_and_ends_with_2() {
    let piped = Command::new(CORTOP).arg("demo").output().expect("started");
    assert_eq!(piped.status.code(), Some(2));
    assert!(piped.stdout.is_empty());
    assert!(String::from_utf8_lossy(&piped.stderr).contains("needs a terminal"));

    for nowhere in ["exec \"$0\" >&-", "exec \"$0\" >/dev/null"] {
        let mut shell = Command::new("sh");
        let closed = shell.args(["-c", nowhere, CORTOP]).envs(CREDENTIALS).output();
        let closed = closed.expect("started");
        assert_eq!(closed.status.code(), Some(2), "{nowhere}");
        let said = String::from_utf8_lossy(&closed.stderr);
        assert!(said.contains("standard output is closed"), "{said}");
    }

    for (args, env, said) in [
        (&[][..], &[][..], "EMOTIV_CLIENT_SECRET"),
        (&[], &CREDENTIALS[..1], "client secret is missing"),
        (&["--url", "cortex"], &CREDENTIALS, "cortex"),
        (&["--url", "ws://localhost:99999"], &CREDENTIALS, "port 99999"),
        (&["--url", "ws://192.0.2.1:6868"], &CREDENTIALS, "ssh -L"),
        (&["--ca-file", "/nowhere/root.pem"], &CREDENTIALS, "/nowhere/root.pem"),
        (&["--config", "/nowhere/cortop.toml"], &[], "/nowhere/cortop.toml"),
        (&["demo", "--replay", "/nowhere/eeg.csv"], &[], "/nowhere/eeg.csv"),
        (&["demo", "--theme", "nonesuch"], &[], "nonesuch"),
        (&["demo", "--log-file", "/nowhere/log"], &[], "/nowhere/log"),
    ] {
        let mut pty = Pty::start(Path::new(CORTOP), args, env);
        assert_eq!(pty.wait_for_end().exit_code(), 2, "{args:?}");
        let received = pty.received.0.lock().expect("no panic");
        let text = String::from_utf8_lossy(&received.bytes);
        assert!(text.contains(said) && !text.contains('\x1b'), "{text}");
    }
}

#[test]
fn the_doctor_asks_the_terminal_and_gives_it_back() {
    let env = [CREDENTIALS[0], CREDENTIALS[1], ("TERM", "xterm-256color")];
    let mut pty = Pty::start(Path::new(CORTOP), &["doctor", "--url", "ws://127.0.0.1:1"], &env);
    pty.wait("the question", |received| {
        received.bytes.windows(8).any(|bytes| bytes == b"\x1b[?2026$")
    });
    pty.type_in("\x1b[?2026;2$y\x1b[?62;c");
    pty.wait_for_text("synchronized output is supported");
    assert_eq!(pty.wait_for_end().exit_code(), 12);
    assert_eq!(modes(pty.master.as_deref().expect("not hung up")), pty.modes_before);
}

#[test]
fn the_sample_config_is_printed_without_a_terminal_and_starts_the_demo() {
    let printed = Command::new(CORTOP).args(["print", "config"]).output().expect("started");
    assert!(printed.status.success());
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("sample.toml");
    std::fs::write(&path, &printed.stdout).expect("written");
    let path = path.to_str().expect("UTF-8");
    let mut pty = Pty::start(Path::new(CORTOP), &["demo", "--config", path], &[]);
    pty.wait_for_monitor();
    pty.type_in("q");
    assert_eq!(pty.wait_for_end().exit_code(), 0);
}

/// However the question ends, what is typed next is visible.
#[test]
fn the_echo_comes_back_when_the_question_for_the_secret_is_interrupted() {
    let (url, _service) = service(cortop_sim::Options::default());
    for signal in [None, Some(Signal::TERM), Some(Signal::HUP)] {
        let mut pty = Pty::start(Path::new(CORTOP), &["login", "--url", &url], &[]);
        pty.wait_for_text("Client id:");
        pty.type_in("the-id\r");
        pty.wait_for_text("Client secret");
        pty.wait("no echo", |_| modes(pty.master.as_deref().expect("open")) != pty.modes_before);
        match signal {
            None => pty.type_in("half-a-sec\x03"),
            Some(signal) => pty.signal(signal),
        }
        assert_eq!(pty.wait_for_end().exit_code(), 130, "{signal:?}");
        assert_eq!(modes(pty.master.as_deref().expect("open")), pty.modes_before, "{signal:?}");
        let received = pty.received.0.lock().expect("no panic");
        assert!(!String::from_utf8_lossy(&received.bytes).contains("half"), "{signal:?}");
    }
}
