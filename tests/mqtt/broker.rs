//! A broker, programs that publish to it, and a program that reads from it.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    net::{TcpListener, TcpStream},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, Output, Stdio},
    sync::{Arc, Condvar, Mutex, mpsc},
    thread,
    time::{Duration, Instant},
};

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;

use crate::served::{CORTOP, Served};

/// Generous: the machine may be busy.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Pause between two polls.
pub(crate) const LOOK: Duration = Duration::from_millis(20);

/// Where distributions install programs for administrators.
const PLACES: [&str; 3] = ["/usr/sbin", "/usr/local/sbin", "/opt/homebrew/sbin"];

/// Its accounts: stations, and the lab.
const USERS: [&str; 3] = ["PC-03", "PC-04", "lab"];

/// As in `docs/mqtt.md`.
const ACCESS: &str = "\
pattern readwrite cortop/v1/%u/#

user PC-03
topic read cortop/v1/command/marker

user lab
topic read cortop/v1/#
topic write cortop/v1/command/marker
";

/// A root certificate and those it has signed, in a folder.
struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

impl Authority {
    fn new(name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = KeyPair::generate().expect("a key");
        let pem = params.self_signed(&key).expect("a root").pem();
        Self { issuer: Issuer::new(params, key), pem }
    }

    /// Writes `FILE.pem` and `FILE.key` for a name.
    fn sign(&self, folder: &Path, file: &str, name: &str, purpose: ExtendedKeyUsagePurpose) {
        let mut params = CertificateParams::new(vec![name.to_owned()]).expect("a name");
        params.distinguished_name.push(DnType::CommonName, name);
        params.extended_key_usages = vec![purpose];
        params.use_authority_key_identifier_extension = true;
        let key = KeyPair::generate().expect("a key");
        let leaf = params.signed_by(&key, &self.issuer).expect("signed");
        fs::write(folder.join(format!("{file}.pem")), leaf.pem()).expect("written");
        fs::write(folder.join(format!("{file}.key")), key.serialize_pem()).expect("written");
    }
}

/// A running broker; killed when the test ends.
pub(crate) struct Mosquitto {
    child: Child,
    /// `root.pem`, `foreign.pem`, `PC-03.pem` and `PC-03.key`, and files added by tests.
    pub(crate) folder: TempDir,
    /// The ports for TLS, for plain text, and for TLS with a client certificate.
    pub(crate) ports: [u16; 3],
    program: PathBuf,
}

impl Mosquitto {
    /// A broker that accepts connections; `None` if mosquitto is not installed.
    pub(crate) fn start() -> Option<Self> {
        let program = installed("mosquitto");
        let (Some(program), Some(_)) = (program, installed("mosquitto_sub")) else {
            eprintln!(
                "skipped: mosquitto is missing (apt-get install mosquitto mosquitto-clients)"
            );
            return None;
        };
        let folder = tempfile::tempdir().expect("a folder");
        let root = Authority::new("root of the lab");
        fs::write(folder.path().join("root.pem"), &root.pem).expect("written");
        let foreign = Authority::new("foreign root");
        fs::write(folder.path().join("foreign.pem"), &foreign.pem).expect("written");
        root.sign(folder.path(), "server", "localhost", ExtendedKeyUsagePurpose::ServerAuth);
        root.sign(folder.path(), "PC-03", "PC-03", ExtendedKeyUsagePurpose::ClientAuth);
        fs::write(folder.path().join("access"), ACCESS).expect("written");
        let accounts = folder.path().join("accounts");
        fs::write(&accounts, "").expect("written");
        for user in USERS {
            let mut passwd = Command::new(installed("mosquitto_passwd").expect("with mosquitto"));
            let done = passwd.arg("-b").arg(&accounts).args([user, &password(user)]).output();
            assert!(done.expect("started").status.success());
        }
        // Another program may take a port between its choice and its use.
        for _ in 0..10 {
            let ports = free_ports();
            if let Some(child) = launch(&program, folder.path(), ports) {
                return Some(Self { child, folder, ports, program });
            }
        }
        panic!("mosquitto does not start:\n{}", log(folder.path()));
    }

    /// Its address for TLS.
    pub(crate) fn url(&self) -> String {
        format!("mqtts://localhost:{}", self.ports[0])
    }

    pub(crate) fn stop(&mut self) {
        self.signal(Signal::TERM);
        self.child.wait().expect("ended");
    }

    /// Restarts it on the same ports, with nothing retained.
    pub(crate) fn start_again(&mut self) {
        self.child = launch(&self.program, self.folder.path(), self.ports).expect("started");
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).expect("signalled");
    }

    /// A config file with this section `[mqtt]`; `FOLDER/` in it becomes the folder of the certificates.
    pub(crate) fn config(&self, name: &str, section: &str) -> PathBuf {
        let path = self.folder.path().join(format!("{name}.toml"));
        let folder = format!("{}/", self.folder.path().display());
        let section = section.replace("FOLDER/", &folder);
        fs::write(&path, format!("[mqtt]\n{section}\n")).expect("written");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("its owner");
        path
    }

    /// A config file with an account and the trusted root.
    pub(crate) fn account(&self, user: &str) -> PathBuf {
        let section = format!(
            "user = \"{user}\"\npassword = \"{}\"\nca-file = \"FOLDER/root.pem\"",
            password(user)
        );
        self.config(user, &section)
    }

    /// A station with that account, whose name is the account's.
    pub(crate) fn station(&self, sim: &Served, user: &str, args: &[&str]) -> Station {
        let config = self.account(user);
        Station::start(sim, &config, &[&["--broker", &self.url(), "--name", user], args].concat())
    }

    /// Publishes as the lab.
    pub(crate) fn publish(&self, topic: &str, message: &str) {
        self.publish_as("lab", topic, &["-m", message]);
    }

    /// Publishes with one of the accounts, as given by the arguments.
    pub(crate) fn publish_as(&self, user: &str, topic: &str, args: &[&str]) {
        let published = self.client("mosquitto_pub", user, topic).args(args).status();
        assert!(published.expect("started").success());
    }

    /// Reads all topics as the lab.
    pub(crate) fn read(&self) -> Reader {
        let child = self
            .client("mosquitto_sub", "lab", "cortop/v1/#")
            .args(["-F", "%r %t %p"])
            .stdout(Stdio::piped())
            .spawn();
        Reader::new(child.expect("started"))
    }

    fn client(&self, program: &str, user: &str, topic: &str) -> Command {
        let mut command = Command::new(installed(program).expect("with mosquitto"));
        let port = self.ports[1].to_string();
        command.args(["-V", "5", "-h", "127.0.0.1", "-p", &port, "-u", user]);
        command.args(["-P", &password(user), "-t", topic]).stderr(Stdio::null());
        command
    }
}

impl Drop for Mosquitto {
    fn drop(&mut self) {
        // It has ended already if the test ended it; a stopped one is killed, too.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(crate) fn password(user: &str) -> String {
    format!("secret of {user}")
}

pub(crate) fn installed(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders = std::env::split_paths(&path).chain(PLACES.map(PathBuf::from));
    folders.find_map(|folder| Some(folder.join(name)).filter(|program| program.is_file()))
}

fn free_ports() -> [u16; 3] {
    // Bound at the same time, so that they differ.
    let held = [(); 3].map(|()| TcpListener::bind("127.0.0.1:0").expect("a port"));
    held.map(|socket| socket.local_addr().expect("bound").port())
}

fn log(folder: &Path) -> String {
    fs::read_to_string(folder.join("log")).unwrap_or_default()
}

fn launch(program: &Path, folder: &Path, [tls, plain, mutual]: [u16; 3]) -> Option<Child> {
    let place = folder.display();
    // As root, the broker would switch to a user that cannot read the keys.
    let config = format!(
        "user root\nallow_anonymous false\npassword_file {place}/accounts\nacl_file {place}/access\n\
         listener {plain} 127.0.0.1\n\
         listener {tls} 127.0.0.1\ncertfile {place}/server.pem\nkeyfile {place}/server.key\n\
         listener {mutual} 127.0.0.1\ncertfile {place}/server.pem\nkeyfile {place}/server.key\n\
         cafile {place}/root.pem\nrequire_certificate true\nuse_identity_as_username true\n"
    );
    let file = folder.join("mosquitto.conf");
    fs::write(&file, config).expect("written");
    let log = fs::File::create(folder.join("log")).expect("a file");
    let mut child = Command::new(program)
        .arg("-c")
        .arg(file)
        .stdout(log.try_clone().expect("the same file"))
        .stderr(log)
        .spawn()
        .expect("started");
    let until = Instant::now() + PATIENCE;
    while Instant::now() < until {
        if child.try_wait().expect("asked").is_some() {
            return None;
        }
        if [tls, plain, mutual].iter().all(|port| TcpStream::connect(("127.0.0.1", *port)).is_ok())
        {
            return Some(child);
        }
        thread::sleep(LOOK);
    }
    let _ = child.kill();
    let _ = child.wait();
    None
}

/// A message from the broker.
#[derive(Clone, Debug)]
pub(crate) struct Message {
    pub(crate) retained: bool,
    pub(crate) topic: String,
    /// As JSON; null for an empty one.
    pub(crate) payload: Value,
    pub(crate) arrival: Instant,
}

impl Message {
    fn parse(line: &str) -> Option<Self> {
        let (retained, rest) = line.split_once(' ')?;
        let (topic, payload) = rest.split_once(' ')?;
        Some(Self {
            retained: retained == "1",
            topic: topic.to_owned(),
            payload: serde_json::from_str(payload).unwrap_or_default(),
            arrival: Instant::now(),
        })
    }

    /// Whether it is a station's state with this status.
    pub(crate) fn is_station(&self, name: &str, status: &str) -> bool {
        self.topic == format!("cortop/v1/{name}/state") && self.payload["status"] == status
    }

    /// Whether it is a headset's state in this condition.
    pub(crate) fn is_headset(&self, name: &str, condition: &str) -> bool {
        self.topic.starts_with(&format!("cortop/v1/{name}/headset/"))
            && self.payload["condition"] == condition
    }
}

/// A reader from another project: mosquitto's.
pub(crate) struct Reader {
    child: Child,
    messages: mpsc::Receiver<Message>,
    /// All messages so far.
    pub(crate) seen: Vec<Message>,
}

impl Reader {
    fn new(mut child: Child) -> Self {
        let lines = BufReader::new(child.stdout.take().expect("piped")).lines();
        let (sender, messages) = mpsc::channel();
        thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                if Message::parse(&line).is_some_and(|message| sender.send(message).is_err()) {
                    break;
                }
            }
        });
        Self { child, messages, seen: Vec::new() }
    }

    /// The next message that satisfies a condition.
    pub(crate) fn wait(&mut self, what: &str, is_it: impl Fn(&Message) -> bool) -> Message {
        let until = Instant::now() + PATIENCE;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            let Ok(message) = self.messages.recv_timeout(left) else {
                panic!("not published: {what}; but {:#?}", self.seen);
            };
            self.seen.push(message.clone());
            if is_it(&message) {
                return message;
            }
        }
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// `cortop station` as a program; killed when the test ends.
pub(crate) struct Station {
    pub(crate) child: Child,
    stdout: BufReader<ChildStdout>,
    said: Arc<(Mutex<Vec<String>>, Condvar)>,
}

impl Station {
    pub(crate) fn start(sim: &Served, config: &Path, args: &[&str]) -> Self {
        let mut child = command(sim, config, args).spawn().expect("started");
        let said = Arc::<(Mutex<Vec<String>>, Condvar)>::default();
        let stderr = BufReader::new(child.stderr.take().expect("piped"));
        let sayer = Arc::clone(&said);
        thread::spawn(move || {
            for line in stderr.lines().map_while(Result::ok) {
                sayer.0.lock().expect("whole").push(line);
                sayer.1.notify_all();
            }
        });
        let stdout = BufReader::new(child.stdout.take().expect("piped"));
        Self { child, stdout, said }
    }

    /// Waits until it publishes.
    pub(crate) fn ready(mut self) -> Self {
        let mut line = String::new();
        self.stdout.read_line(&mut line).expect("a line");
        assert!(line.starts_with("READY mqtts://localhost:"), "{line}{:?}", self.said.0);
        self
    }

    /// Waits for a text on standard error.
    pub(crate) fn says(&self, text: &str) -> String {
        let (lines, change) = &*self.said;
        let is_said = |lines: &[String]| lines.iter().find(|line| line.contains(text)).cloned();
        let lines = lines.lock().expect("whole");
        let (lines, _) = change
            .wait_timeout_while(lines, PATIENCE, |lines| is_said(lines).is_none())
            .expect("whole");
        is_said(&lines).unwrap_or_else(|| panic!("not said: {text}; but {lines:?}"))
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).expect("signalled");
    }

    /// Sends it a signal, and returns its exit code.
    pub(crate) fn end(&mut self, signal: Signal) -> Option<i32> {
        self.signal(signal);
        self.child.wait().expect("ended").code()
    }
}

impl Drop for Station {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A station that ends on its own.
pub(crate) fn output(sim: &Served, config: &Path, args: &[&str]) -> Output {
    command(sim, config, args).output().expect("started")
}

fn command(sim: &Served, config: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(CORTOP);
    command
        .args(["station", "--url", &sim.url, "--config"])
        .arg(config)
        .args(args)
        .env("EMOTIV_CLIENT_ID", "the-client-id")
        .env("EMOTIV_CLIENT_SECRET", "the-client-secret")
        .env_remove("EMOTIV_CORTEX_URL")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// A service with one connected headset.
pub(crate) const SERVICE: [&str; 4] =
    ["--ws", "--approved", "--headset", "epocx:EPOCX-0A1B2C3D:connected"];

/// The same, running.
pub(crate) fn service() -> Served {
    Served::start(&SERVICE)
}
