//! `cortop login` and `cortop trust` as programs, against `cortop sim`: their questions, what is stored and
//! where, and what is refused.
#![cfg(unix)]
#![expect(clippy::expect_used, reason = "helpers of tests fail aloud")]

mod served;

use std::{
    fs,
    io::Write as _,
    os::unix::fs::PermissionsExt as _,
    path::Path,
    process::{Command, Output, Stdio},
};

use rustix::process::Signal;
use served::{CORTOP, Served};

/// Runs a program to its end: its exit status, and everything it printed.
fn run(folder: &Path, args: &[&str], input: &str) -> (Option<i32>, String) {
    run_in(&[], folder, args, input)
}

/// The same with more in its environment.
fn run_in(
    env: &[(&str, &str)],
    folder: &Path,
    args: &[&str],
    input: &str,
) -> (Option<i32>, String) {
    let mut child = Command::new(CORTOP)
        .args(args)
        .env("XDG_CONFIG_HOME", folder)
        .env_remove("EMOTIV_CORTEX_URL")
        .env_remove("EMOTIV_CLIENT_ID")
        .env_remove("EMOTIV_CLIENT_SECRET")
        // Keeps away from the keyring of the user who runs the tests.
        .env("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent")
        .envs(env.iter().copied())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("started");
    // A program that ends before it asks leaves its input unread.
    let _ = child.stdin.take().expect("piped").write_all(input.as_bytes());
    let Output { status, stdout, stderr } = child.wait_with_output().expect("it ends");
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    (status.code(), text(stdout) + &text(stderr))
}

#[test]
fn credentials_are_kept_once_cortex_accepts_them() {
    let mut served = Served::start(&["--ws", "--approved"]);
    let folder = tempfile::tempdir().expect("a folder");
    let address = served.url.clone();
    let url = ["--url", &address];
    let run = |args: &[&str], input| run(folder.path(), &[args, &url].concat(), input);
    let config = folder.path().join("cortop").join("config.toml");

    let (code, said) = run(&["headsets"], "");
    assert!(code == Some(2) && said.contains("cortop login"), "{said}");
    let (code, said) = run(&["doctor"], "");
    let next = format!("Next: cortop login --url {}\n", served.url);
    assert!(code == Some(17) && said.ends_with(&next), "{said}");

    let (code, said) = run(&["login", "--store", "file"], "the-id\nthe-secret\n");
    assert!(code == Some(0) && said.contains("config.toml"), "{said}");
    assert!(!said.contains("the-secret"), "{said}");
    let mode = fs::metadata(&config).expect("it is there").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert_eq!(run(&["headsets"], "").0, Some(0));

    // From now on the service knows the secret of this id.
    let (code, said) = run(&["login", "--store", "file"], "the-id\nanother\n");
    assert!(code == Some(17) && said.contains("nothing is kept"), "{said}");
    assert!(fs::read_to_string(&config).expect("text").contains("the-secret"));
    // Without a keyring only the file remains.
    let (code, said) = run(&["login"], "other-id\nother-secret\n");
    assert!(code == Some(0) && said.contains("no keyring"), "{said}");
    let (code, said) = run(&["login", "--store", "keyring"], "other-id\nother-secret\n");
    assert!(code == Some(1) && said.contains("--store file"), "{said}");
    assert_eq!(run(&["login"], "only-an-id\n").0, Some(2));

    let (code, said) = run(&["login", "--forget"], "");
    assert!(code == Some(0) && said.contains("config.toml"), "{said}");
    assert_eq!(run(&["headsets"], "").0, Some(2));
    assert!(run(&["login", "--forget"], "").1.contains("none"), "a second time");
    // All clients left cleanly; the only mistakes were the wrong secrets.
    let (code, said) = served.end(Signal::TERM);
    let mut advice = said.lines().filter(|line| line.contains("advice"));
    assert!(
        code == Some(0) && advice.all(|line| line.contains("the clientSecret is not")),
        "{said}"
    );
}

#[test]
fn nothing_is_asked_for_that_could_not_be_used() {
    let folder = tempfile::tempdir().expect("a folder");
    let roots = tempfile::tempdir().expect("a folder");
    let root = roots.path().to_str().expect("UTF-8");
    let login = |url: &str| run(folder.path(), &["login", "--url", url], "");
    let secured = Served::start(&["--ca-out", root]);
    let (code, said) = login(&secured.url);
    assert!(code == Some(13) && said.contains("`cortop trust`"), "{said}");
    let scenario = folder.path().join("scenario.toml");
    fs::write(&scenario, "[[fault]]\nat = 0\ndo.logout = {}\n").expect("written");
    let nobody = Served::start(&["--ws", "--scenario", scenario.to_str().expect("UTF-8")]);
    let (code, said) = login(&nobody.url);
    assert!(code == Some(15) && said.contains("log in with EMOTIV Launcher"), "{said}");
    // Nobody can make files in this one.
    let served = Served::start(&["--ws", "--approved"]);
    let (code, said) = run(Path::new("/proc"), &["login", "--url", &served.url], "an-id\nsecret\n");
    let place = "/proc/cortop/config.toml cannot be written";
    assert!(code == Some(2) && said.contains(place) && said.contains("--config"), "{said}");
    assert!(!said.contains("accepts"), "{said}");
}

#[test]
fn credentials_of_the_environment_are_named_where_they_override_what_is_kept() {
    let served = Served::start(&["--ws", "--approved"]);
    let folder = tempfile::tempdir().expect("a folder");
    let url = ["--url", &served.url];
    let login = [&["login", "--store", "file"], &url[..]].concat();
    assert_eq!(run(folder.path(), &login, "the-id\nright\n").0, Some(0));
    let env = [("EMOTIV_CLIENT_ID", "the-id"), ("EMOTIV_CLIENT_SECRET", "wrong")];
    let run = |args: &[&str], input| run_in(&env, folder.path(), &[args, &url].concat(), input);
    let variables = "EMOTIV_CLIENT_ID and EMOTIV_CLIENT_SECRET";

    let (code, said) = run(&["doctor"], "");
    let next = format!("Next: correct or unset {variables} in the environment");
    assert!(code == Some(17) && said.contains(&next), "{said}");
    let (code, said) = run(&["headsets"], "");
    assert!(code == Some(17) && said.contains("correct or unset"), "{said}");
    let (code, said) = run(&["login", "--store", "file"], "the-id\nright\n");
    let last = said.lines().last().expect("a line");
    assert!(code == Some(0) && last.contains(variables) && last.contains("unset them"), "{said}");
    // One of them alone hides the other half of what is kept.
    let one = [("EMOTIV_CLIENT_SECRET", "wrong")];
    let (code, said) = run_in(&one, folder.path(), &[&["doctor"], &url[..]].concat(), "");
    assert!(code == Some(17) && said.contains("correct or unset EMOTIV_CLIENT_SECRET"), "{said}");
    fs::remove_file(folder.path().join("cortop/config.toml")).expect("removed");
    let (code, said) = run_in(&one, folder.path(), &[&["doctor"], &url[..]].concat(), "");
    assert!(code == Some(17) && said.contains("Next: unset EMOTIV_CLIENT_SECRET"), "{said}");
}

#[test]
fn without_a_service_nothing_is_kept() {
    let folder = tempfile::tempdir().expect("a folder");
    let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("ws://{}", free.local_addr().expect("one"));
    drop(free);
    let (code, said) = run(folder.path(), &["login", "--store", "file", "--url", &url], "a\nb\n");
    assert!(code == Some(12) && said.contains("nothing is kept"), "{said}");
    assert!(!folder.path().join("cortop").exists());
}

#[test]
fn a_certificate_is_trusted_on_a_yes_and_refused_once_it_has_changed() {
    let roots = tempfile::tempdir().expect("a folder");
    let args = ["--approved", "--ca-out", roots.path().to_str().expect("UTF-8")];
    let served = Served::start(&args);
    let folder = tempfile::tempdir().expect("a folder");
    let run = |args: &[&str], url: &str, input| {
        run(folder.path(), &[args, &["--url", url]].concat(), input)
    };
    let headsets = |url: &str| {
        let mut command = Command::new(CORTOP);
        command.args(["headsets", "--url", url]).env("XDG_CONFIG_HOME", folder.path());
        command.env("EMOTIV_CLIENT_ID", "id").env("EMOTIV_CLIENT_SECRET", "secret");
        let output = command.stdin(Stdio::null()).output().expect("it ends");
        (output.status.code(), String::from_utf8(output.stderr).expect("UTF-8"))
    };

    assert_eq!(headsets(&served.url).0, Some(13));
    let (code, said) = run(&["trust"], &served.url, "\n");
    assert!(code == Some(1) && said.contains("SHA-256") && said.contains("issuer"), "{said}");
    assert_eq!(headsets(&served.url).0, Some(13));
    let (code, said) = run(&["trust"], &served.url, "y\n");
    assert!(code == Some(0) && said.contains("is trusted"), "{said}");
    assert_eq!(headsets(&served.url), (Some(0), String::new()));
    assert!(run(&["trust"], &served.url, "").1.contains("is the one that you trust"));
    let root = roots.path().join("root.pem");
    let known = run(&["trust", "--ca-file", root.to_str().expect("UTF-8")], &served.url, "");
    assert!(known.0 == Some(0) && known.1.contains("known root"), "{known:?}");

    // Another service takes its place, as if the certificate of its port had changed.
    let other = Served::start(&args);
    let port = |url: &str| url.rsplit(':').next().expect("a port").to_owned();
    let trusted = folder.path().join("cortop").join("trusted");
    let of = |url: &str| trusted.join(format!("{}.pem", port(url)));
    fs::copy(of(&served.url), of(&other.url)).expect("copied");
    let (code, said) = headsets(&other.url);
    assert!(code == Some(13) && said.contains("HAS CHANGED"), "{said}");
    let (code, said) = run(&["trust"], &other.url, "n\n");
    assert!(code == Some(1) && said.contains("HAS CHANGED") && said.contains("before"), "{said}");
    assert_eq!(run(&["trust", "--forget"], &other.url, "").0, Some(0));
    assert!(!of(&other.url).exists() && of(&served.url).exists());

    // A damaged file is replaced.
    fs::write(of(&served.url), "no certificate").expect("written");
    let (code, said) = headsets(&served.url);
    assert!(code != Some(0) && said.contains("`cortop trust` saves it again"), "{said}");
    let (code, said) = run(&["trust"], &served.url, "y\n");
    assert!(
        code == Some(0) && said.contains("cannot be read") && said.contains("trusted"),
        "{said}"
    );
    assert_eq!(headsets(&served.url), (Some(0), String::new()));

    let (code, said) = run(&["trust"], "wss://192.0.2.1:6868", "");
    assert!(code == Some(2) && said.contains("this machine only"), "{said}");
}
