//! The commands without a screen as programs, against `cortop sim`: what they print, how they end, and what
//! the doctor finds.
#![cfg(unix)]
#![expect(clippy::expect_used, reason = "helpers of tests fail aloud")]

mod served;

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Output, Stdio},
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use served::{CORTOP, Served};
use tempfile::TempDir;

/// The user approves immediately.
const APPROVED: &str = "[[fault]]\ncall = \"requestAccess\"\ndo.grant-access = {}\n";
const SECRET: &str = "the-client-secret";

/// A simulator that follows a scenario, over plain text.
struct CommandRunner {
    served: Served,
    // The config folder of the programs, with the scenario.
    folder: TempDir,
}

impl CommandRunner {
    /// `faults` are added to the scenario after the approval.
    fn new(faults: &str, args: &[&str]) -> Self {
        Self::with(&format!("{APPROVED}{faults}"), &[&["--ws"], args].concat())
    }

    fn with(scenario: &str, args: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("scenario.toml");
        fs::write(&path, scenario).expect("written");
        let path = path.to_str().expect("UTF-8");
        let served = Served::start(&[&["--scenario", path], args].concat());
        Self { served, folder }
    }

    fn command(&self, args: &[&str]) -> Command {
        command(self.folder.path(), &[args, &["--url", &self.served.url]].concat())
    }

    fn run(&self, args: &[&str]) -> CommandOutput {
        CommandOutput::of(&mut self.command(args))
    }

    /// The report of the doctor as JSON.
    fn doctor(&self, args: &[&str]) -> DoctorReport {
        DoctorReport::of(&self.run(&[&["doctor", "--json"], args].concat()))
    }
}

fn command(folder: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(CORTOP);
    command
        .args(args)
        .stdin(Stdio::null())
        .env_remove("EMOTIV_CORTEX_URL")
        .env("XDG_CONFIG_HOME", folder)
        .env("EMOTIV_CLIENT_ID", "the-client-id")
        .env("EMOTIV_CLIENT_SECRET", SECRET);
    command
}

/// A program that has ended.
#[derive(Debug)]
struct CommandOutput {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

impl CommandOutput {
    fn of(command: &mut Command) -> Self {
        let Output { status, stdout, stderr } = command.output().expect("started");
        let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
        let ran = Self { code: status.code(), stdout: text(stdout), stderr: text(stderr) };
        assert!(!format!("{ran:?}").contains(SECRET), "{ran:?}");
        ran
    }

    /// Its output, if it succeeded without messages on standard error.
    fn well(self) -> String {
        assert_eq!((self.code, self.stderr.as_str()), (Some(0), ""));
        self.stdout
    }

    fn json(self) -> Value {
        serde_json::from_str(&self.well()).expect("JSON")
    }
}

/// The doctor's report.
#[derive(Debug)]
struct DoctorReport {
    code: Option<i32>,
    json: Value,
}

impl DoctorReport {
    fn of(ran: &CommandOutput) -> Self {
        let json: Value = serde_json::from_str(&ran.stdout).expect("JSON");
        assert_eq!(json["exit_status"].as_i64(), ran.code.map(i64::from));
        Self { code: ran.code, json }
    }

    fn checks(&self) -> &[Value] {
        self.json["checks"].as_array().expect("a list")
    }

    /// The first finding with this result.
    fn first(&self, result: &str) -> &Value {
        let of = |one: &&Value| one["result"] == result;
        self.checks().iter().find(of).expect("such a finding")
    }

    /// Asserts that it stopped at this check, with these words in its finding, and skipped the rest.
    fn failed(&self, code: i32, check: &str, words: &[&str]) {
        assert_eq!(self.code, Some(code), "{self:?}");
        let failed = self.first("fail");
        assert_eq!(failed["check"], check, "{self:?}");
        assert!(failed["next"].as_str().is_some_and(|next| !next.is_empty()), "{failed}");
        for word in words {
            assert!(failed.to_string().contains(word), "{word} is not in {failed}");
        }
        let last = self.checks().last().expect("a finding");
        assert!(last["check"] == "clock" && (last["result"] == "skipped" || check == "loss"));
    }
}

fn lines(ran: &str) -> Vec<Value> {
    ran.lines().map(|line| serde_json::from_str(line).expect("a JSON object")).collect()
}

#[test]
fn lists_are_tables_for_people_and_json_for_programs() {
    let place = CommandRunner::new("", &["--headset", "epocx:EPOCX-0A1B2C3D:connected"]);
    let table = place.run(&["headsets"]).well();
    let rows: Vec<Vec<_>> = table.lines().map(|row| row.split_whitespace().collect()).collect();
    assert_eq!(rows[0][..2], ["ID", "MODEL"]);
    assert_eq!(rows[1][..4], ["EPOCX-0A1B2C3D", "EPOC", "X", "connected"], "{table}");

    let headsets = place.run(&["headsets", "--json"]).json();
    assert_eq!(headsets[0]["id"], "EPOCX-0A1B2C3D");
    assert_eq!(headsets[0]["settings"]["eegRate"], 256.0);
    let licence = place.run(&["license"]).well();
    let mut rows = licence.lines().map(|row| row.split_whitespace().collect::<Vec<_>>());
    assert!(rows.any(|row| row == ["scopes", "eeg", "pm"]), "{licence}");
    assert_eq!(place.run(&["license", "--json"]).json()["localQuota"], 1000.0);
    // Listing opened no session and debited nothing.
    assert_eq!(place.run(&["sessions", "--json"]).json(), serde_json::json!([]));
    assert_eq!(place.run(&["sessions"]).well().lines().count(), 1);
    assert_eq!(place.run(&["records", "--json"]).json(), serde_json::json!([]));
    assert_eq!(place.run(&["records"]).well().lines().count(), 1);
}

#[test]
fn a_list_that_cannot_be_had_says_why_and_tells_it_by_its_exit_status() {
    let logged_out = CommandRunner::new("[[fault]]\nat = 0\ndo.logout = {}\n", &[]);
    let ran = logged_out.run(&["headsets"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(15), ""));
    assert_eq!(ran.stderr, "cortop: nobody is logged in → log in with EMOTIV Launcher\n");

    let refused = "[[fault]]\nat = 0\ndo.refuse = { method = \"queryRecords\", code = -32003 }\n";
    let ran = CommandRunner::new(refused, &[]).run(&["records"]);
    assert_eq!(ran.code, Some(18));
    assert!(ran.stderr.contains("-32003") && ran.stderr.contains("internet"), "{}", ran.stderr);
}

#[test]
fn watch_prints_an_object_a_sample_until_its_time_is_over() {
    let place = CommandRunner::new("", &["--headset", "insight:INSIGHT-0A1B2C3D"]);
    let ran = place.run(&["watch", "--duration", "2s", "--streams", "eeg,dev,com"]);
    let samples = lines(&ran.well());
    for stream in ["eeg", "dev", "com"] {
        let sample = samples.iter().find(|one| one["stream"] == stream).expect(stream);
        assert_eq!(sample["headset"], "INSIGHT-0A1B2C3D");
        assert!(sample["time"].is_f64() && sample["session"].is_string(), "{sample}");
    }
    let of = |stream| samples.iter().find(move |one| one["stream"] == stream).expect("one");
    assert!(of("eeg")["values"]["AF3"].as_f64().is_some_and(|value| value > 1000.0));
    assert!(of("dev")["values"]["OVERALL"].is_number());
    assert!(of("com")["values"]["act"].is_string());
    // Its session was closed.
    assert_eq!(place.run(&["sessions", "--json"]).json(), serde_json::json!([]));
}

#[test]
fn csv_holds_one_stream_and_a_pipe_makes_a_watch_of_cortop() {
    let place = CommandRunner::new("", &[]);
    let csv = place.run(&["watch", "--format", "csv", "--streams", "mot", "--duration", "1"]);
    let csv = csv.well();
    let mut rows = csv::Reader::from_reader(csv.as_bytes());
    let names = rows.headers().expect("names").clone();
    assert_eq!(
        names.iter().take(4).collect::<Vec<_>>(),
        ["stream", "time", "headset", "COUNTER_MEMS"]
    );
    assert!(rows.records().all(|row| row.expect("as many cells as names").get(0) == Some("mot")));

    let several = place.run(&["watch", "--format", "csv"]);
    assert_eq!((several.code, several.stdout.as_str()), (Some(2), ""));
    assert!(several.stderr.contains("--streams eeg"), "{}", several.stderr);

    let (mut child, first) = first_line(&mut place.command(&["--streams", "fac"]));
    assert_eq!(lines(&first)[0]["stream"], "fac");
    kill_process(Pid::from_child(&child), Signal::INT).expect("signalled");
    assert_eq!(child.wait().expect("ended").code(), Some(0));
}

/// Starts a program and reads its first line; standard output is still open.
fn first_line(command: &mut Command) -> (Child, String) {
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("started");
    let mut line = String::new();
    let mut output = BufReader::new(child.stdout.take().expect("piped"));
    output.read_line(&mut line).expect("a line");
    // Keep reading, so that a full pipe does not block it.
    std::thread::spawn(move || std::io::copy(&mut output, &mut std::io::sink()));
    (child, line)
}

#[test]
fn a_reader_that_has_seen_enough_ends_it_without_a_word() {
    let place = CommandRunner::new("", &[]);
    let mut command = place.command(&["watch"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("started");
    let mut line = String::new();
    // Closed as soon as the line has been read.
    BufReader::new(child.stdout.take().expect("piped")).read_line(&mut line).expect("a line");
    assert!(line.starts_with("{\"stream\":"), "{line}");
    let mut said = String::new();
    child.stderr.take().expect("piped").read_to_string(&mut said).expect("text");
    assert_eq!((child.wait().expect("ended").code(), said.as_str()), (Some(0), ""));
}

#[test]
fn a_refused_stream_is_named_and_nothing_at_all_is_a_failure() {
    let place = CommandRunner::new("", &[]);
    let some =
        place.run(&["watch", "--session", "open", "--streams", "eeg,mot", "--duration", "1"]);
    assert_eq!(some.code, Some(0));
    assert!(lines(&some.stdout).iter().all(|sample| sample["stream"] == "mot"));
    let said = &some.stderr;
    assert!(
        said.contains("eeg is refused") && said.contains("→ eeg needs an activated session"),
        "{said}"
    );

    let none = place.run(&["watch", "--session", "open", "--streams", "eeg"]);
    assert_eq!((none.code, none.stdout.as_str()), (Some(22), ""));

    let several =
        CommandRunner::new("", &["--headset", "epocx", "--headset", "insight"]).run(&["watch"]);
    assert_eq!(several.code, Some(20));
    assert!(several.stderr.contains("--headset: EPOCX-"), "{}", several.stderr);
}

#[test]
fn lsl_names_what_it_serves_and_ends_as_watch_does() {
    let place = CommandRunner::new("", &["--headset", "insight:INSIGHT-0A1B2C3D"]);
    let ran = place.run(&["lsl", "--json", "--duration", "2s", "--streams", "eeg,dev,com"]);
    let served = lines(&ran.well());
    let named = |end: &str| {
        let name = format!("cortop-INSIGHT-0A1B2C3D-{end}");
        served.iter().find(|one| one["name"] == name.as_str()).expect("served")
    };
    let eeg = named("EEG");
    assert_eq!((&eeg["type"], eeg["channels"].as_u64()), (&Value::from("EEG"), Some(5)));
    assert_eq!((eeg["rate"].as_f64(), &eeg["format"]), (Some(128.0), &Value::from("float32")));
    assert_eq!(named("Markers")["format"], "string");
    assert_eq!((served.len(), named("Contact")["rate"].as_f64()), (3, Some(2.0)));
    assert_eq!(place.run(&["sessions", "--json"]).json(), serde_json::json!([]));

    let (mut child, first) = first_line(&mut place.command(&["lsl", "--streams", "mot"]));
    assert!(first.starts_with("cortop-INSIGHT-0A1B2C3D-"), "{first}");
    kill_process(Pid::from_child(&child), Signal::INT).expect("signalled");
    assert_eq!(child.wait().expect("ended").code(), Some(0));

    let none = place.run(&["lsl", "--session", "open", "--streams", "eeg"]);
    assert_eq!((none.code, none.stdout.as_str()), (Some(22), ""));
    let elsewhere = place.run(&["lsl", "--lsl-interface", "192.0.2.1"]);
    assert_eq!(elsewhere.code, Some(2));
    assert!(elsewhere.stderr.contains("choose another address"), "{}", elsewhere.stderr);
}

#[test]
fn a_capture_has_what_crossed_the_socket_but_no_secret() {
    let place = CommandRunner::new("", &["--headset", "insight:INSIGHT-0A1B2C3D"]);
    let file = place.folder.path().join("capture.jsonl");
    let path = file.to_str().expect("UTF-8");
    let ran = place.run(&["capture", path, "--json", "--duration", "1s", "--streams", "eeg,dev"]);
    let told = &lines(&ran.well())[0];
    assert_eq!((&told["event"], told["lost"].as_u64()), (&Value::from("captured"), Some(0)));
    let text = fs::read_to_string(&file).expect("text");
    assert_eq!(told["bytes"].as_u64(), Some(text.len() as u64));
    assert!(!text.contains(SECRET) && !text.contains("the-client-id"));
    let kept = lines(&text);
    assert_eq!(kept[0]["format"], "cortop-capture");
    assert_eq!((&kept[1]["event"], kept[1]["connection"].as_u64()), (&"connected".into(), Some(1)));
    assert!(kept.last().is_some_and(|line| line["event"] == "disconnected"), "{:?}", kept.last());
    let texts = |side: &str| {
        let own = kept.iter().filter(|line| line["from"] == side).collect::<Vec<_>>();
        own.into_iter().filter_map(|line| line["text"].as_str()).collect::<Vec<_>>().join("\n")
    };
    let (requests, answers) = (texts("client"), texts("service"));
    for method in ["getCortexInfo", "authorize", "createSession", "subscribe", "updateSession"] {
        assert!(requests.contains(&format!("\"{method}\"")), "{method}");
    }
    assert!(answers.matches("{\"eeg\":").count() > 50 && answers.contains("\"cols\""));
    assert_eq!(place.run(&["sessions", "--json"]).json(), serde_json::json!([]));

    let again = place.run(&["capture", path]);
    assert_eq!(again.code, Some(2));
    assert!(again.stderr.contains("give the name of a new file"), "{}", again.stderr);
}

/// The simulator plays a capture: its clients get what was captured, value by value.
#[test]
fn a_capture_is_replayed_value_by_value() {
    let place = CommandRunner::new("", &["--headset", "insight:INSIGHT-0A1B2C3D"]);
    let file = place.folder.path().join("replayed.jsonl.zst");
    let path = file.to_str().expect("UTF-8");
    let watch = ["watch", "--streams", "eeg", "--duration", "1s"];
    let pz = |ran: CommandOutput| -> Vec<f64> {
        let all = lines(&ran.well());
        let eeg = all.iter().filter(|line| line["stream"] == "eeg");
        eeg.map(|line| line["values"]["Pz"].as_f64().expect("a number")).collect()
    };
    place.run(&["capture", path, "--duration", "2s", "--streams", "eeg"]).well();
    let plain = place.folder.path().join("plain.jsonl");
    let plain_path = plain.to_str().expect("UTF-8");
    place.run(&["capture", plain_path, "--duration", "2s", "--streams", "eeg"]).well();
    for path in [path, plain_path] {
        let replaying = CommandRunner::new("", &["--replay", path]);
        let replayed = pz(replaying.run(&watch));
        assert!(replayed.len() > 100, "{}", replayed.len());
        if path == plain_path {
            let text = fs::read_to_string(&plain).expect("text");
            let sent: Vec<f64> = lines(&text)
                .iter()
                .filter_map(|line| serde_json::from_str::<Value>(line["text"].as_str()?).ok())
                .filter_map(|message| message["eeg"][4].as_f64())
                .collect();
            let same = |(one, other): (&f64, &f64)| (one - other).abs() < 1e-3;
            let begins = |window: &[f64]| window.iter().zip(&replayed).all(same);
            assert!(sent.windows(100).any(begins), "{replayed:?} is not in {sent:?}");
        }
    }
}

/// If the file cannot grow any more, the capture ends immediately; the part written is intact and can be
/// played.
#[test]
fn a_capture_ends_where_the_disk_is_full_and_what_is_there_is_played() {
    let place = CommandRunner::new("", &["--headset", "insight:INSIGHT-0A1B2C3D"]);
    for name in ["full.jsonl", "full.jsonl.zst"] {
        let file = place.folder.path().join(name);
        let path = file.to_str().expect("UTF-8");
        // Blocks of 512 bytes, or of 1024.
        let limited = "ulimit -f 60; trap '' XFSZ; exec \"$0\" \"$@\"";
        let own = place.command(&["capture", path, "--duration", "60s"]);
        let mut command = command(place.folder.path(), &[]);
        let mut limiting = Command::new("sh");
        limiting.args(["-c", limited, CORTOP]).args(own.get_args()).stdin(Stdio::null());
        limiting.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        let begun = Instant::now();
        let ran = CommandOutput::of(&mut limiting);
        assert_eq!(ran.code, Some(1), "{}", ran.stderr);
        assert!(ran.stderr.contains("ended early"), "{}", ran.stderr);
        assert!(begun.elapsed() < Duration::from_secs(40), "it goes on without a file");
        let bytes = fs::read(&file).expect("bytes");
        assert!((10_000..=61_440).contains(&bytes.len()), "{}", bytes.len());
        if !name.ends_with("zst") {
            assert!(bytes.ends_with(b"}\n"), "half a line is left");
        }
        command.args(["sim", "--ws", "--port", "0", "--replay", path, "--exec", "true"]);
        let played = CommandOutput::of(&mut command);
        assert_eq!(played.code, Some(0), "{}", played.stderr);
    }
}

/// The text served at the address of a `READY` line.
fn scrape(ready: &str) -> String {
    let url = ready.trim_end().strip_prefix("READY http://").expect("an address");
    let mut stream = TcpStream::connect(url.strip_suffix("/metrics").expect("it")).expect("it");
    stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n").expect("written");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("text");
    assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
    answer
}

#[test]
fn metrics_are_served_whatever_the_service_does() {
    let place = CommandRunner::new("", &["--headset", "insight:INSIGHT-0A1B2C3D"]);
    let metrics = ["metrics", "--listen", "127.0.0.1:0", "--streams", "eeg,dev"];
    let (mut child, ready) = first_line(&mut place.command(&metrics));
    let rate = "cortop_stream_samples_total{headset=\"INSIGHT-0A1B2C3D\",stream=\"eeg\"} ";
    let battery = "cortop_battery_ratio{headset=\"INSIGHT-0A1B2C3D\"} ";
    let has = |text: &str| [rate, battery].iter().all(|name| text.contains(name));
    let scrape_until = |seen: &dyn Fn(&str) -> bool| {
        let begun = Instant::now();
        loop {
            let text = scrape(&ready);
            if seen(&text) {
                return;
            }
            assert!(begun.elapsed() < Duration::from_secs(60), "still:\n{text}");
            std::thread::sleep(Duration::from_millis(100));
        }
    };
    scrape_until(&has);
    drop(place);
    scrape_until(&|text| text.contains("cortop_connected 0\n"));
    let address = ready.trim_end().trim_start_matches("READY http://").replace("/metrics", "");
    let folder = tempfile::tempdir().expect("a folder");
    let taken = ["metrics", "--url", "ws://127.0.0.1:1", "--listen", &address];
    let taken = CommandOutput::of(&mut command(folder.path(), &taken));
    assert_eq!(taken.code, Some(2));
    assert!(taken.stderr.contains("choose another address or port"), "{}", taken.stderr);
    kill_process(Pid::from_child(&child), Signal::TERM).expect("signalled");
    assert_eq!(child.wait().expect("ended").code(), Some(0));
}

#[test]
fn the_doctor_finds_nothing_wrong_where_nothing_is() {
    let place = CommandRunner::new("", &["--headset", "epocx:EPOCX-0A1B2C3D"]);
    let mut command = place.command(&["doctor"]);
    let healthy = CommandOutput::of(command.env("TERM", "xterm").env("LC_ALL", "C.UTF-8")).well();
    let mut settings = insta::Settings::clone_current();
    for (volatile, stands) in [
        (r"ws://localhost:\d+", "ws://localhost:PORT"),
        (r"no file \S+:", "no file FILE:"),
        (r"\d+ of (\d+) Hz", "RATE of $1 Hz"),
        (r"(\d+\.\d Hz|\d+ so far)", "RATE"),
        (r"none of \d+", "none of N"),
        (r"offset [+-]0\.0\d\d s ± \d+ ms", "offset OFFSET ± UNCERTAINTY"),
    ] {
        settings.add_filter(volatile, stands);
    }
    settings.bind(|| insta::assert_snapshot!("doctor", healthy));
    // Its session was closed, and nothing was debited.
    assert_eq!(place.run(&["sessions", "--json"]).json(), serde_json::json!([]));
    assert_eq!(place.run(&["license", "--json"]).json()["localQuota"], 1000.0);
}

#[test]
fn the_doctor_names_what_stands_in_the_way_of_the_service() {
    let folder = tempfile::tempdir().expect("a folder");
    // Nobody listens on a port that was just closed.
    let free = TcpListener::bind("127.0.0.1:0").and_then(|own| own.local_addr()).expect("a port");
    let url = format!("ws://{free}");
    let doctor = |args: &[&str]| {
        DoctorReport::of(&CommandOutput::of(&mut command(
            folder.path(),
            &[&["doctor", "--json"], args].concat(),
        )))
    };
    doctor(&["--url", &url]).failed(12, "service", &["nothing listens", "EMOTIV Launcher"]);
    doctor(&["--url", "cortex"]).failed(11, "config", &["wss://localhost:6868"]);
    let wrong = folder.path().join("wrong.toml");
    fs::write(&wrong, "fps = 30\ntheme = \"nope\"\n").expect("written");
    let sentence = ["wrong.toml: line 2, column 9: theme: there is no theme", "; there are auto"];
    doctor(&["--config", wrong.to_str().expect("UTF-8")]).failed(11, "config", &sentence);

    let ca = folder.path().join("ca");
    let ca = ca.to_str().expect("UTF-8");
    let secured = Served::start(&["--ca-out", ca]);
    doctor(&["--url", &secured.url]).failed(13, "tls", &["known root", "--ca-file"]);
    let expired =
        CommandRunner::with("[[fault]]\nat = 0\ndo.tls-expired-leaf = {}\n", &["--ca-out", ca]);
    let root = format!("{ca}/root.pem");
    expired.doctor(&["--ca-file", &root]).failed(13, "tls", &["expired", "clock"]);
}

#[test]
fn the_doctor_names_what_stands_in_the_way_of_a_token() {
    let logout = CommandRunner::new("[[fault]]\nat = 0\ndo.logout = {}\n", &[]);
    logout.doctor(&[]).failed(15, "login", &["EMOTIV Launcher"]);

    let rejected = "[[fault]]\ncall = \"requestAccess\"\ndo.revoke-access = {}\n";
    CommandRunner::with(rejected, &["--ws"]).doctor(&[]).failed(16, "approval", &["rejected"]);

    let refused = "[[fault]]\nat = 0\ndo.refuse = { method = \"hasAccessRight\", code = -32021, times = 99 }\n";
    let place = CommandRunner::new(refused, &[]);
    place.doctor(&[]).failed(17, "credentials", &["-32021", "EMOTIV_CLIENT_SECRET"]);
    let mut without = place.command(&["doctor", "--json"]);
    let missing = DoctorReport::of(&CommandOutput::of(without.env_remove("EMOTIV_CLIENT_ID")));
    missing.failed(17, "credentials", &["client id is missing"]);

    let refused =
        "[[fault]]\nat = 0\ndo.refuse = { method = \"authorize\", code = -32142, times = 99 }\n";
    CommandRunner::new(refused, &[]).doctor(&[]).failed(17, "credentials", &["-32142"]);
}

#[test]
fn the_doctor_knows_the_traps_of_headsets() {
    let usb = CommandRunner::new("", &["--headset", "epocx:EPOCX-0A1B2C3D:usb"]);
    usb.doctor(&[]).failed(20, "headset", &["USB cable", "dongle"]);
    let watch = usb.run(&["watch"]);
    assert_eq!(watch.code, Some(20));
    assert!(watch.stderr.contains("USB cable"), "{}", watch.stderr);

    let off = CommandRunner::new("", &["--headset", "epocx:EPOCX-0A1B2C3D:off", "--speed", "20"]);
    off.doctor(&[]).failed(20, "headset", &["none is in reach"]);
    let several = CommandRunner::new("", &["--headset", "epocx", "--headset", "insight"]);
    several.doctor(&[]).failed(20, "headset", &["several", "--headset"]);
    let refused = "[[fault]]\nat = 0\ndo.refuse = { method = \"createSession\", code = -32230, times = 99 }\n";
    CommandRunner::new(refused, &[]).doctor(&[]).failed(21, "session", &["-32230"]);
}

#[test]
fn the_doctor_names_a_stream_that_is_refused() {
    let refused =
        "[[fault]]\nat = 0\ndo.refuse = { method = \"subscribe\", code = -32602, times = 99 }\n";
    CommandRunner::new(refused, &[]).doctor(&[]).failed(22, "samples", &["-32602"]);
}

/// The last line of a report, and its exit status.
fn next_step(ran: &CommandOutput) -> (Option<i32>, &str) {
    let last = ran.stdout.lines().last().unwrap_or_default();
    (ran.code, last.strip_prefix("Next: ").unwrap_or("none"))
}

#[test]
fn the_doctor_ends_with_the_step_that_helps() {
    let place = CommandRunner::new("", &[]);
    let run = |args: &[&str]| {
        CommandOutput::of(&mut command(place.folder.path(), &[&["doctor"], args].concat()))
    };
    for (args, step) in [
        (["--url", "http://localhost:6868"], "write it as wss://localhost:6868"),
        (["--url", "localhost:6868"], "write it as wss://localhost:6868"),
        (["--url", "ws://192.0.2.1:6868"], "use wss://192.0.2.1:6868, or a tunnel"),
        (["--log-file", "/nowhere/x.log"], "choose another with --log-file"),
        (["--config", "/nowhere/c.toml"], "`cortop print config` prints one"),
    ] {
        let ran = run(&args);
        let (code, found) = next_step(&ran);
        assert!(code == Some(11) && found.starts_with(step), "{ran:?}");
    }

    // TLS meets plain text, and a tunnel whose far end is down.
    let plain = run(&["--url", &place.served.url.replace("ws://", "wss://")]);
    let (code, step) = next_step(&plain);
    assert!(code == Some(13) && step.contains("not plain text (ws://)"), "{plain:?}");
    let tunnel = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = tunnel.local_addr().expect("one").port();
    std::thread::spawn(move || tunnel.incoming().for_each(drop));
    for (scheme, status) in [("wss", 13), ("ws", 12)] {
        let closed = run(&["--url", &format!("{scheme}://localhost:{port}")]);
        let (code, step) = next_step(&closed);
        assert!(code == Some(status) && step.contains("(ssh -L)"), "{closed:?}");
    }
    let ca = place.folder.path().join("ca");
    let ca = ca.to_str().expect("UTF-8");
    let fault = "[[fault]]\nat = 0\ndo.tls-expired-leaf = {}\n";
    let expired = CommandRunner::with(fault, &["--ca-out", ca]);
    let expired = expired.run(&["doctor", "--ca-file", &format!("{ca}/root.pem")]);
    assert!(next_step(&expired).1.starts_with("update EMOTIV Launcher"), "{expired:?}");
    let secured = Served::start(&["--ca-out", ca]);
    let unknown = run(&["--url", &secured.url]);
    assert_eq!(next_step(&unknown), (Some(13), &*format!("cortop trust --url {}", secured.url)));

    let refuse = |method: &str, code: i32| {
        let fault = format!(
            "[[fault]]\nat = 0\ndo.refuse = {{ method = \"{method}\", code = {code}, times = 99 }}\n"
        );
        CommandRunner::new(&fault, &[]).run(&["doctor"])
    };
    let token = refuse("authorize", -32014);
    let (code, step) = next_step(&token);
    assert!(code == Some(18) && step.contains("log out and in again"), "{token:?}");
    let unlisted = refuse("queryHeadsets", -32601);
    assert_eq!(next_step(&unlisted), (Some(20), "update EMOTIV Launcher"));
    assert!(unlisted.stdout.contains("queryHeadsets -32601"), "{unlisted:?}");
}

#[test]
fn the_doctor_names_the_config_file_and_what_to_do_with_it() {
    use std::os::unix::fs::PermissionsExt as _;
    let place = CommandRunner::new("", &[]);
    let file = place.folder.path().join("cortop").join("config.toml");
    fs::create_dir_all(file.parent().expect("a folder")).expect("made");
    let path = file.display();
    fs::write(&file, "client_secret = \"x\"\n").expect("written");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).expect("set");
    assert_eq!(next_step(&place.run(&["doctor"])), (Some(11), &*format!("chmod 600 {path}")));

    fs::write(&file, "thme = \"mono\"\n").expect("written");
    let ran = place.run(&["doctor"]);
    assert_eq!(next_step(&ran), (Some(0), "correct the setting: did you mean theme?"));
    assert!(ran.stdout.contains(&format!("{path}: line 1, column 1: there is no")), "{ran:?}");
    fs::write(&file, "theme = \"nope\"\n").expect("written");
    let ran = place.run(&["doctor"]);
    assert!(next_step(&ran).1.contains("cortop print config"), "{ran:?}");
}

#[test]
fn the_doctor_gives_the_step_of_a_warning_where_nothing_fails() {
    for (args, step) in [
        (["--scopes", "pm"], "EEG needs a licence"),
        (["--activations", "0"], "for EEG, --debit N"),
    ] {
        let ran = CommandRunner::new("", &args).run(&["doctor"]);
        let (code, found) = next_step(&ran);
        assert!(code == Some(0) && found.starts_with(step), "{ran:?}");
    }
}

#[test]
fn the_doctor_says_what_it_cannot_check_beside_another_program() {
    let place = CommandRunner::new("", &["--scopes", "pm"]);
    let (mut other, _) = first_line(&mut place.command(&["watch", "--streams", "mot,eeg"]));
    let beside = place.doctor(&[]);
    assert_eq!(beside.code, Some(0), "{beside:?}");
    let unsure = |about: &str| {
        let of = |one: &&Value| one["check"] == "samples" && one["about"] == about;
        let found = beside.checks().iter().find(of).expect("such a finding");
        assert_eq!(found["result"], "unsure", "{found}");
        found.to_string()
    };
    let theirs = unsure("mot");
    assert!(theirs.contains("not checked: another program has the session"), "{theirs}");
    assert!(theirs.contains("close it and run"), "{theirs}");
    // Its session is not why there is no EEG.
    let eeg = unsure("eeg");
    assert!(eeg.contains("licence") && !eeg.contains("close the program"), "{eeg}");
    kill_process(Pid::from_child(&other), Signal::TERM).expect("signalled");
    assert_eq!(other.wait().expect("ended").code(), Some(0));
}

#[test]
fn the_doctor_adopts_a_session_of_another_program_and_leaves_it_open() {
    let place = CommandRunner::new("", &["--headset", "epocx:EPOCX-0A1B2C3D"]);
    let (mut other, _) = first_line(&mut place.command(&["watch", "--streams", "mot"]));
    let beside = place.doctor(&[]);
    assert_eq!(beside.code, Some(0), "{beside:?}");
    let session = beside.checks().iter().find(|one| one["check"] == "session").expect("one");
    assert!(session["found"].to_string().contains("another program"), "{session}");
    assert_eq!(place.run(&["sessions", "--json"]).json()[0]["status"], "activated");
    kill_process(Pid::from_child(&other), Signal::TERM).expect("signalled");
    assert_eq!(other.wait().expect("ended").code(), Some(0));
}

#[test]
fn the_doctor_skips_a_stream_that_the_model_does_not_have() {
    // An MN8 has no facial expressions.
    let mn8 = CommandRunner::new("", &["--headset", "mn8:MN8-0A1B2C3D"]).doctor(&[]);
    assert_eq!(mn8.code, Some(0), "{mn8:?}");
    let fac = mn8.checks().iter().find(|one| one["about"] == "fac").expect("fac");
    assert_eq!(fac["result"], "skipped");
}

#[test]
fn the_doctor_finds_what_is_lost() {
    let lose =
        |at: u32| format!("[[fault]]\nat = {at}\nstream = \"mot\"\ndo.lose = {{ count = 16 }}\n");
    let losing = CommandRunner::new(&(1..40).map(lose).collect::<String>(), &[]);
    losing.doctor(&[]).failed(23, "loss", &["lost", "closer"]);
}

#[test]
fn a_shell_that_completes_headsets_asks_for_nothing_else() {
    let mut run = CommandRunner::new("", &["--headset", "mn8:MN8-0A1B2C3D"]);
    let mut shell = command(run.folder.path(), &["--", "cortop", "--headset", ""]);
    shell.env("COMPLETE", "fish").env("EMOTIV_CORTEX_URL", &run.served.url);
    // It does not need an identity either.
    shell.env_remove("EMOTIV_CLIENT_ID");
    let found = CommandOutput::of(&mut shell);
    assert!(found.stdout.contains("MN8-0A1B2C3D"), "{found:?}");
    let (_, log) = run.served.end(Signal::TERM);
    let asked: Vec<_> = log.lines().filter(|line| line.contains(": ok")).collect();
    assert!(matches!(asked.as_slice(), [one] if one.contains("queryHeadsets")), "{log}");
}

/// A shell asks the program for completions; fish passes just the words.
#[test]
fn headsets_are_completed_from_the_service_that_the_line_names() {
    let folder = tempfile::tempdir().expect("a folder");
    let served = Served::start(&["--ws", "--headset", "insight:INSIGHT-0A1B2C3D"]);
    let offered = |words: &[&str]| {
        let mut line = command(folder.path(), &[&["--", "cortop"], words].concat());
        CommandOutput::of(line.env("COMPLETE", "fish")).well()
    };
    for words in [
        &["watch"] as &[_],
        &["record"],
        &["lsl"],
        &["capture", "new.jsonl"],
        &["metrics"],
        &["station"],
        &["doctor"],
        &[],
    ] {
        let line = [words, &["--url", &served.url, "--headset", "INS"]].concat();
        assert_eq!(offered(&line), "INSIGHT-0A1B2C3D\n", "{words:?}");
    }
    // A service that never answers does not block completion.
    let silent = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("ws://{}", silent.local_addr().expect("an address"));
    let began = Instant::now();
    assert_eq!(offered(&["watch", "--url", &url, "--headset", ""]), "");
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
}

/// bash also splits words at = and :, and replaces only what follows them.
#[test]
fn bash_completes_what_stands_after_its_word_breaks() {
    let folder = tempfile::tempdir().expect("a folder");
    let served = Served::start(&["--ws", "--headset", "insight:INSIGHT-0A1B2C3D"]);
    let script = CommandOutput::of(&mut command(folder.path(), &["print", "completions", "bash"]));
    let program = format!("{}\n", script.well()).replace(" cortop -- ", &format!(" {CORTOP} -- "));
    let driver =
        "compopt() { :; }; COMP_LINE=$1; shift; COMP_POINT=${#COMP_LINE}; COMP_WORDS=(\"$@\")
                  COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); word=${COMP_WORDS[COMP_CWORD]}
                  [[ $word == [=:] ]] && word=
                  _cortop cortop \"$word\" x; printf '%s\\n' \"${COMPREPLY[@]}\"";
    let offered = |words: &[&str]| {
        let mut bash = Command::new("bash");
        // A separate word is preceded by a space, a split one is not.
        let line = words.join(" ").replace("\u{7f} ", "").replace(" \u{7f}", "");
        let words = words.iter().map(|word| word.trim_matches('\u{7f}'));
        bash.args(["--norc", "-c", &format!("{program}{driver}"), "bash", &line]).args(words);
        CommandOutput::of(bash.env("XDG_CONFIG_HOME", folder.path())).well()
    };
    assert_eq!(offered(&["cortop", "recor"]), "record\nrecords\n");
    assert_eq!(offered(&["cortop", "watch", "--streams", "\u{7f}=\u{7f}", "m"]), "mot\nmet\n");
    assert_eq!(offered(&["cortop", "record", "--format", "\u{7f}="]), "csv\nedf\nbdf\njsonl\n");
    assert_eq!(offered(&["cortop", "record", "--format", "csv,e"]), "csv,edf\n");
    assert_eq!(offered(&["cortop", "--theme", "high"]), "high-contrast\n");
    let (scheme, address) = served.url.split_once(':').expect("a URL");
    let (host, port) = address.split_once(':').expect("a port");
    let broken = [scheme, "\u{7f}:\u{7f}", host, "\u{7f}:\u{7f}", port];
    let line = [&["cortop", "watch", "--url"], &broken[..], &["--headset", "INS"]].concat();
    assert_eq!(offered(&line), "INSIGHT-0A1B2C3D\n");
}

/// Every command checks the whole file.
#[test]
fn each_command_names_each_wrong_setting() {
    let run = CommandRunner::new("", &[]);
    let place = run.folder.path().join("cortop").join("config.toml");
    fs::create_dir_all(place.parent().expect("a folder")).expect("made");
    let commands: [&[&str]; 8] = [
        &["headsets"],
        &["license"],
        &["watch", "--duration", "100ms"],
        &["record", "--duration", "100ms"],
        &["station"],
        &["trust"],
        &["doctor"],
        &[],
    ];
    for (wrong, named) in [
        ("fps = 0", "fps"),
        ("theme = \"nope\"", "\"nope\""),
        ("url = \"here\"", "\"here\""),
        ("[mqtt]\nbroker = \"there\"", "\"there\""),
        ("[mqtt]\npassword = \"x\"", "set user, too"),
        ("[alerts]\nloss = true", "loss"),
        ("keys.streams.swep = []", "did you mean streams.sweep?"),
    ] {
        fs::write(&place, wrong).expect("written");
        for args in commands {
            let ran = run.run(args);
            let said = format!("{}{}", ran.stdout, ran.stderr);
            assert!(said.contains(named) && said.contains("line "), "{args:?}: {ran:?}");
            assert!(said.contains("column ") && ran.code != Some(0), "{args:?}: {ran:?}");
        }
    }
    // Unknown settings are ignored with a message.
    fs::write(&place, "steams = [\"eeg\"]").expect("written");
    for args in [&["headsets"] as &[_], &["watch", "--duration", "1s"], &["trust"]] {
        let ran = run.run(args);
        let said = format!("{}{}", ran.stdout, ran.stderr);
        assert!(
            said.contains("line 1, column 1") && said.contains("did you mean streams?"),
            "{ran:?}"
        );
        assert_eq!(ran.code, Some(0), "{args:?}: {ran:?}");
    }
}
