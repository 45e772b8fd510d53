//! `cortop sim` as a program: what it prints, serves and rejects, and how it ends.
#![cfg(unix)]
#![expect(
    clippy::expect_used,
    clippy::needless_pass_by_value,
    reason = "helpers of tests fail aloud, and take json!(…) as it comes"
)]

mod served;

use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    process::{Command, Output, Stdio},
    sync::{Arc, mpsc},
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};
use rustls::{
    ClientConfig, ClientConnection, RootCertStore, StreamOwned,
    crypto::ring,
    pki_types::{CertificateDer, pem::PemObject},
};
use serde_json::{Value, json};
use served::{CORTOP, Served};
use tokio_tungstenite::tungstenite::{Message, WebSocket, client};

/// Generous: the machine may be busy.
const PATIENCE: Duration = Duration::from_secs(30);
/// A signal that has not ended a program in this time is sent again.
const AGAIN: Duration = Duration::from_millis(5);

impl Served {
    fn port(&self) -> u16 {
        self.url.rsplit(':').next().and_then(|port| port.parse().ok()).expect("a port")
    }

    /// A client over plain text.
    fn client(&self) -> WebSocket<TcpStream> {
        let tcp = TcpStream::connect(("127.0.0.1", self.port())).expect("connected");
        tcp.set_read_timeout(Some(PATIENCE)).expect("set");
        client(&self.url, tcp).expect("a handshake").0
    }
}

fn ask<S: Read + Write>(socket: &mut WebSocket<S>, method: &str, params: Value) -> Value {
    let request = json!({ "id": 1, "jsonrpc": "2.0", "method": method, "params": params });
    socket.send(Message::text(request.to_string())).expect("sent");
    loop {
        let message = socket.read().expect("an answer");
        let answer: Value = serde_json::from_str(message.to_text().expect("text")).expect("JSON");
        if answer.get("id").is_some() {
            return answer;
        }
    }
}

/// The same as a program that ends on its own.
fn output(args: &[&str]) -> (Option<i32>, String, String) {
    let Output { status, stdout, stderr } =
        Command::new(CORTOP).arg("sim").args(args).output().expect("started");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (status.code(), text(&stdout), text(&stderr))
}

#[test]
fn a_signal_closes_connections_properly_and_ends_with_0() {
    for signal in [Signal::INT, Signal::TERM] {
        let mut served = Served::start(&["--ws"]);
        assert!(served.url.starts_with("ws://localhost:"), "{}", served.url);
        let mut client = served.client();
        let keys = json!({ "clientId": "the-id", "clientSecret": "the-secret" });
        ask(&mut client, "requestAccess", keys);
        ask(&mut client, "no\u{1b}[2Jsuch", json!({}));
        kill_process(Pid::from_child(&served.child), signal).expect("signalled");
        let close = loop {
            if let Message::Close(_) = client.read().expect("a close frame") {
                break client.read().expect_err("the end");
            }
        };
        assert!(close.to_string().contains("closed normally"), "{close}");
        let (code, log) = served.end(signal);
        assert_eq!(code, Some(0));
        assert!(log.contains("requestAccess: ok") && log.contains("-32601"), "{log}");
        assert!(!log.contains("the-id") && !log.contains("the-secret"), "{log}");
        assert!(!log.contains('\u{1b}'), "{log}");
    }
}

#[test]
fn quiet_says_nothing_and_both_loopback_addresses_are_served() {
    let mut served = Served::start(&["--ws", "--quiet", "--headset", "mn8:MN8-0A1B2C3D"]);
    let mut client = served.client();
    let found = ask(&mut client, "queryHeadsets", json!({}))["result"][0].clone();
    assert_eq!((&found["id"], &found["status"]), (&json!("MN8-0A1B2C3D"), &json!("discovered")));
    if TcpListener::bind("[::1]:0").is_ok() {
        TcpStream::connect(("::1", served.port())).expect("the other address");
    }
    // The machine's other addresses are not served.
    if let Some(address) = others() {
        TcpStream::connect((address, served.port())).expect_err("only loopback");
    }
    assert_eq!(served.end(Signal::TERM), (Some(0), String::new()));
}

/// An address of this machine that is not loopback, if it has one.
fn others() -> Option<std::net::IpAddr> {
    let socket = std::net::UdpSocket::bind("0.0.0.0:0").ok()?;
    // Nothing is sent: this only chooses a route.
    socket.connect("192.0.2.1:9").ok()?;
    socket.local_addr().ok().map(|own| own.ip()).filter(|ip| !ip.is_loopback())
}

#[test]
fn the_root_that_is_written_is_all_a_client_needs() {
    let folder = tempfile::tempdir().expect("a folder");
    let place = folder.path().join("new/ca");
    let mut served = Served::start(&["--ca-out", place.to_str().expect("UTF-8")]);
    let root = place.join("root.pem");
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(&root).expect("a certificate")).expect("usable");
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    let config = Arc::new(config);
    for name in ["localhost", "127.0.0.1", "::1"] {
        let tcp = TcpStream::connect(("127.0.0.1", served.port())).expect("connected");
        let name = name.to_owned().try_into().expect("a name");
        let tls = ClientConnection::new(Arc::clone(&config), name).expect("TLS");
        let (mut socket, _) = client(&served.url, StreamOwned::new(tls, tcp)).expect("trusted");
        let info = ask(&mut socket, "getCortexInfo", json!({}));
        assert_eq!(info["result"]["version"], "4.8.32");
    }
    let (code, said) = served.end(Signal::TERM);
    assert!(code == Some(0) && said.contains(root.to_str().expect("UTF-8")), "{said}");
}

#[test]
fn what_cannot_start_says_why_and_what_to_do() {
    let taken = Served::start(&["--ws"]);
    let port = taken.port().to_string();
    let folder = tempfile::tempdir().expect("a folder");
    let scenario = folder.path().join("s.toml");
    std::fs::write(&scenario, "[[fault]]\nat = 1\ndo.explode = {}\n").expect("written");
    let scenario = scenario.to_str().expect("UTF-8");
    let many = ["--headset", "mn8"].repeat(65);
    let twice = ["--headset", "mn8:MN8-0A1B2C3D"].repeat(2);
    for (args, said) in [
        (&["--ws", "--port", &port][..], "another port with --port"),
        (&["--scenario", scenario], "line 3, column 4"),
        (&["--scenario", "/nowhere/s.toml"], "--scenario"),
        (&["--replay", "/nowhere/r.csv"], "/nowhere/r.csv"),
        (&["--ca-out", "/dev/null/ca"], "--ca-out"),
        (&["--headset", "insight@512"], "it has 128 Hz"),
        (&["--bind", "192.0.2.1"], "192.0.2.1"),
        (&many, "the maximum is 64"),
        (&twice, "MN8-0A1B2C3D"),
    ] {
        let (code, stdout, stderr) = output(args);
        assert_eq!((code, stdout.as_str()), (Some(2), ""), "{args:?}");
        assert!(stderr.contains(said), "{stderr}");
    }
}

#[test]
fn the_licence_is_what_the_flags_say() {
    let served = Served::start(&[
        "--ws",
        "--approved",
        "--scopes",
        "none",
        "--activations",
        "0",
        "--headset",
        "insight:connected",
    ]);
    let mut client = served.client();
    let mut keys = json!({ "clientId": "id", "clientSecret": "no" });
    // Nobody has asked for access.
    let right = ask(&mut client, "hasAccessRight", keys.clone());
    assert_eq!(right["result"]["accessGranted"], true);
    let token = ask(&mut client, "authorize", keys.clone())["result"]["cortexToken"].clone();
    let activate = json!({ "cortexToken": token, "status": "active" });
    assert_eq!(ask(&mut client, "createSession", activate.clone())["error"]["code"], -32019);
    keys["debit"] = json!(2);
    ask(&mut client, "authorize", keys);
    let session = ask(&mut client, "createSession", activate)["result"].clone();
    assert_eq!(session["status"], "activated");
    let licence = ask(&mut client, "getLicenseInfo", json!({ "cortexToken": token }));
    let licence = &licence["result"]["license"];
    assert_eq!((&licence["scopes"], &licence["localQuota"]), (&json!([""]), &json!(1)));
    let eeg = json!({ "cortexToken": token, "session": session["id"], "streams": ["eeg"] });
    let refused = ask(&mut client, "subscribe", eeg)["result"]["failure"][0].clone();
    assert_eq!(refused["code"], -32016);
}

#[test]
fn a_recording_that_never_comes_holds_no_signal_back() {
    let folder = tempfile::tempdir().expect("a folder");
    let pipe = folder.path().join("r.csv");
    let made = Command::new("mkfifo").arg(&pipe).status().expect("mkfifo");
    assert!(made.success());
    for signal in [Signal::INT, Signal::TERM] {
        let mut child = Command::new(CORTOP)
            .args(["sim", "--ws", "--port", "0", "--replay"])
            .arg(&pipe)
            .stderr(std::process::Stdio::null())
            .spawn()
            .expect("started");
        let pid = Pid::from_child(&child);
        let (end, ended) = mpsc::channel();
        std::thread::spawn(move || end.send(child.wait().map(drop)));
        let asked = Instant::now();
        // The signal may arrive before it is handled, which also ends the program; and again later, when it
        // waits for the pipe.
        while asked.elapsed() < PATIENCE && ended.recv_timeout(AGAIN).is_err() {
            let _ = kill_process(pid, signal);
        }
        if asked.elapsed() >= PATIENCE {
            let _ = kill_process(pid, Signal::KILL);
            panic!("{signal:?} does not end it");
        }
    }
}

#[test]
fn a_recording_from_standard_input_is_played_once() {
    let args = ["sim", "--ws", "--port", "0", "--quiet", "--replay", "-"];
    let mut starting = Served::spawn(&args, Stdio::piped());
    let mut input = starting.child.stdin.take().expect("piped");
    input.write_all(b"COUNTER,AF3,Pz\n0,1,2\n1,,3\n").expect("written");
    drop(input);
    let (code, said) = starting.ready().end(Signal::TERM);
    assert_eq!(code, Some(0), "{said}");
    for part in [
        "standard input is read to its end before it is played
",
        "standard input: ",
        "played once",
        "held at the last one: 1.",
    ] {
        assert!(said.contains(part), "{said}");
    }
}

#[test]
fn standard_input_without_a_recording_is_refused_by_its_name() {
    let mut command = Command::new(CORTOP);
    command.args(["sim", "--ws", "--port", "0", "--replay", "-"]).stdin(Stdio::null());
    let Output { status, stderr, .. } = command.output().expect("ended");
    let said = String::from_utf8_lossy(&stderr);
    assert_eq!(status.code(), Some(2), "{said}");
    assert!(said.contains("standard input is empty; give a recording"), "{said}");
}

/// Runs a command beside the simulator: the status, and both outputs.
fn exec(args: &[&str], command: &str) -> (Option<i32>, String, String) {
    let all = [args, &["--exec", command]].concat();
    output(&all)
}

#[test]
fn a_command_gets_what_it_needs_and_its_status_is_passed_on() {
    let (code, stdout, stderr) = exec(
        &["--quiet"],
        "echo $EMOTIV_CORTEX_URL; test -n \"$EMOTIV_CLIENT_ID$EMOTIV_CLIENT_SECRET\" && \
         grep -q CERTIFICATE $CORTOP_CA_FILE && echo $CORTOP_CA_FILE && exit 7",
    );
    assert_eq!((code, stderr.as_str()), (Some(7), ""), "{stdout}");
    let (url, root) = stdout.split_once('\n').expect("two lines");
    assert!(url.starts_with("wss://localhost:") && !url.ends_with(":6868"), "{url}");
    assert!(!std::path::Path::new(root.trim()).exists(), "left behind: {root}");
    let (code, stdout, _) = exec(&["--ws"], "echo $EMOTIV_CORTEX_URL${CORTOP_CA_FILE-none}");
    assert!(code == Some(0) && stdout.starts_with("ws://") && stdout.ends_with("none\n"));
    assert_eq!(exec(&["--ws"], "kill -9 $$").0, Some(128 + 9));
    assert_eq!(exec(&["--ws"], "no-such-program-anywhere").0, Some(127));
    let folder = tempfile::tempdir().expect("a folder");
    let given = folder.path().join("input");
    std::fs::write(&given, "through standard input").expect("written");
    let child = Command::new(CORTOP)
        .args(["sim", "--ws", "--exec", "cat"])
        .stdin(std::fs::File::open(&given).expect("there"))
        .output()
        .expect("started");
    assert_eq!(child.stdout, b"through standard input");
}

#[test]
fn a_signal_is_passed_on_and_nothing_is_left_running() {
    for (signal, command, expected) in [
        (Signal::TERM, "trap 'exit 5' TERM; sleep 100 & echo $!; wait", 5),
        (Signal::INT, "trap 'exit 6' INT; sleep 100 & echo $!; wait", 6),
        (Signal::TERM, "sleep 100 & echo $!; wait", 128 + 15),
        (Signal::HUP, "trap 'exit 7' HUP; sleep 100 & echo $!; wait", 7),
        (Signal::HUP, "sleep 100 & echo $!; wait", 128 + 1),
    ] {
        let mut child = Command::new(CORTOP)
            .args(["sim", "--ws", "--exec", command])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("started");
        let mut line = String::new();
        let mut output = std::io::BufReader::new(child.stdout.take().expect("piped"));
        std::io::BufRead::read_line(&mut output, &mut line).expect("a line");
        let started = Pid::from_raw(line.trim().parse().expect("a number")).expect("a process");
        kill_process(Pid::from_child(&child), signal).expect("signalled");
        let status = child.wait().expect("ended");
        assert_eq!(status.code(), Some(expected), "{signal:?} {command}");
        let deadline = Instant::now() + PATIENCE;
        let is_gone = || rustix::process::test_kill_process(started).is_err();
        while !is_gone() {
            assert!(Instant::now() < deadline, "left running: {command}");
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

/// A file of expectations.
fn expectations(text: &str) -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), text).expect("written");
    file
}

#[test]
fn cortop_does_what_is_expected_of_a_client() {
    let file = expectations(
        "calls = [\"requestAccess\", \"authorize\", \"controlDevice\", \"createSession\", \
         \"subscribe\", \"updateSession\"]\nsubscribed = [\"eeg\", \"mot\"]\nnever = \
         [\"createRecord\"]\nrefused = 0\nadvice = 0\nsessions_closed = true\n",
    );
    let expect = file.path().to_str().expect("UTF-8");
    let watch = format!("{CORTOP} watch --streams eeg,mot --duration 1s > /dev/null");
    let (code, _, stderr) = exec(&["--speed", "4", "--expect", expect], &watch);
    assert_eq!(code, Some(0), "{stderr}");
    let file = expectations("calls = [\"createRecord\"]\nadvice = 0\n");
    let expect = file.path().to_str().expect("UTF-8");
    let list = format!("{CORTOP} headsets");
    let (code, _, stderr) = exec(&["--approved", "--expect", expect], &list);
    assert_eq!(code, Some(1), "{stderr}");
    assert!(stderr.contains("createRecord was not called\n"), "{stderr}");
    // The exit status of the command itself takes precedence.
    assert_eq!(exec(&["--expect", expect], "exit 3").0, Some(3));
}

#[test]
fn what_clients_leave_undone_is_listed_at_the_end() {
    let file = expectations("refused = 0\nadvice = 0\nsessions_closed = true\n");
    let expect = file.path().to_str().expect("UTF-8");
    let mut served = Served::start(&[
        "--ws",
        "--approved",
        "--headset",
        "insight:connected",
        "--expect",
        expect,
    ]);
    let mut client = served.client();
    let keys = json!({ "clientId": "id", "clientSecret": "no" });
    let token = ask(&mut client, "authorize", keys)["result"]["cortexToken"].clone();
    let session = json!({ "cortexToken": token, "status": "open" });
    ask(&mut client, "createSession", session.clone());
    ask(&mut client, "createSession", session);
    let (code, said) = served.end(Signal::TERM);
    assert_eq!(code, Some(1), "{said}");
    for part in ["-32005", "the id 1 of createSession", "§1.3", "was not closed"] {
        assert!(said.contains(part), "{part}: {said}");
    }
    let file = expectations("cals = []");
    let (code, _, said) = output(&["--expect", file.path().to_str().expect("UTF-8")]);
    assert!(code == Some(2) && said.contains("line 1, column 1"), "{said}");
    let (code, _, said) = output(&["--replay", "-", "--exec", "true"]);
    assert!(code == Some(2) && said.contains("standard input"), "{said}");
}

/// The example in Python runs if there is a Python with its library: that of `CORTOP_PYTHON`, of `.ci/run`,
/// or of the system.
#[test]
fn the_example_in_python_passes_its_own_test() {
    let page = include_str!("../docs/simulator.md");
    let mut blocks = page.split("```python\n").skip(1);
    let code = blocks.find(|text| text.contains("def test_")).expect("an example");
    let code = code.split("```").next().expect("its end");
    let toml = page.split("```toml\n").find(|text| text.starts_with("calls")).expect("a file");
    let expected = expectations(toml.split("```").next().expect("its end"));
    let own = concat!(env!("CARGO_MANIFEST_DIR"), "/target/python/bin/python");
    let chosen = std::env::var("CORTOP_PYTHON");
    let pythons = [chosen.as_deref().unwrap_or(own), own, "python3"];
    let has_library = |python: &&str| {
        let import = Command::new(python).args(["-c", "import websocket"]).output();
        import.is_ok_and(|output| output.status.success())
    };
    let Some(python) = pythons.iter().copied().find(has_library) else {
        eprintln!("skipped: no Python with websocket-client");
        return;
    };
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("test_mn8.py");
    std::fs::write(&file, format!("{code}\ntest_an_mn8_has_two_sensors()\n")).expect("written");
    let command = format!("{python} {}", file.display());
    let expect = expected.path().to_str().expect("UTF-8");
    let (code, _, said) =
        exec(&["--approved", "--headset", "mn8:connected", "--expect", expect], &command);
    assert_eq!((code, said.contains("advice")), (Some(0), false), "{said}");
}

#[test]
fn the_journal_is_written_as_json_without_secrets() {
    let mut served = Served::start(&["--ws", "--approved", "--log", "json"]);
    let mut client = served.client();
    let keys = json!({ "clientId": "the-client-id", "clientSecret": "the-client-secret" });
    let answer = ask(&mut client, "authorize", keys);
    let token = answer["result"]["cortexToken"].as_str().expect("a token").to_owned();
    ask(&mut client, "createSession", json!({ "cortexToken": token, "status": "open" }));
    client.close(None).expect("sent");
    while client.read().is_ok() {}
    let (code, said) = served.end(Signal::TERM);
    assert_eq!(code, Some(0));
    let lines: Vec<Value> =
        said.lines().map(|line| serde_json::from_str(line).expect(line)).collect();
    let events: Vec<_> = lines.iter().filter_map(|line| line["event"].as_str()).collect();
    let expected =
        ["connected", "request", "answer", "request", "advice", "answer", "advice", "disconnected"];
    assert_eq!(events, expected, "{said}");
    assert_eq!(lines[5]["error"]["code"], -32001);
    assert_eq!(lines[4]["mistake"], "id-reused");
    assert!(lines.iter().all(|line| line["time"].is_string() && line["client"] == 1));
    for secret in ["the-client-id", "the-client-secret", &token] {
        assert!(!said.contains(secret), "{said}");
    }
}

#[test]
fn a_recording_from_a_fifo_is_played_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let pipe = folder.path().join("r.csv");
    assert!(Command::new("mkfifo").arg(&pipe).status().expect("mkfifo").success());
    let path = pipe.to_str().expect("UTF-8");
    let args = ["sim", "--ws", "--port", "0", "--quiet", "--replay", path];
    let starting = Served::spawn(&args, Stdio::null());
    // Opening the pipe waits for the reader.
    std::fs::write(&pipe, "COUNTER,AF3,Pz\n0,1,2\n1,3,4\n2,5\n").expect("written");
    let (code, said) = starting.ready().end(Signal::TERM);
    assert_eq!(code, Some(0), "{said}");
    for part in ["played once", "Rows read: 3.", "cut off, dropped: 1."] {
        assert!(said.contains(part), "{said}");
    }
}

#[test]
fn the_lists_are_printed() {
    let (code, faults, said) = output(&["--list-faults"]);
    assert_eq!((code, said.as_str()), (Some(0), ""));
    assert!(faults.lines().any(|line| line.starts_with("tls-wrong-name = {}")), "{faults}");
    let (_, assumptions, _) = output(&["--assumptions"]);
    assert!(assumptions.contains("§5.10"), "{assumptions}");
    // The former name of the flag.
    assert_eq!(output(&["--unsure"]).1, assumptions);
}

#[test]
fn a_client_makes_things_go_wrong_only_where_it_may() {
    let forbidden = Served::start(&["--ws"]);
    let mut client = forbidden.client();
    let order = json!({ "do": { "refuse": { "code": -32003 } }, "call": "getUserLogin", "nth": 2 });
    assert_eq!(ask(&mut client, "sim.fault", order.clone())["error"]["code"], -32601);

    let allowed = Served::start(&["--ws", "--allow-control"]);
    let mut client = allowed.client();
    assert!(ask(&mut client, "sim.fault", order).get("result").is_some());
    assert!(ask(&mut client, "getUserLogin", json!({})).get("result").is_some());
    assert_eq!(ask(&mut client, "getUserLogin", json!({}))["error"]["code"], -32003);
    assert!(ask(&mut client, "getUserLogin", json!({})).get("result").is_some());
    let wrong = ask(&mut client, "sim.fault", json!({ "do": { "explode": {} } }));
    assert_eq!(wrong["error"]["code"], -32602);
    let text = wrong["error"]["message"].as_str().expect("text");
    assert!(text.contains("unknown variant `explode`"), "{text}");
}
