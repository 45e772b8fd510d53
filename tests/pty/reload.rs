//! `:reload` with real files: changes take effect at once; errors are named and change nothing.

use std::{
    fs,
    io::Write as _,
    os::unix::fs::PermissionsExt as _,
    path::Path,
    process::{Command, Stdio},
};

use rustix::process::Signal;

use crate::{CORTOP, Pty, served::Served};

/// Types a command into the palette.
fn command(pty: &mut Pty, name: &str) {
    pty.type_in(":");
    pty.wait_for_text("Enter: choose");
    pty.type_in(&format!("{name}\r"));
}

#[test]
fn the_configuration_is_read_again_and_a_broken_one_changes_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let config = folder.path().join("config.toml");
    fs::create_dir_all(folder.path().join("cortop/themes")).expect("a folder");
    let write = |text: &str| fs::write(&config, text).expect("written");
    write("fps = 5\n");
    let (path, home) = (config.display().to_string(), folder.path().display().to_string());
    let args = ["demo", "--config", &path];
    let env = [("XDG_CONFIG_HOME", home.as_str())];
    let mut pty = Pty::start_in((40, 160), Path::new(CORTOP), &args, &env);
    pty.wait_for_text("streaming");

    write("fps = 20\nurl = \"ws://localhost:9\"\n[keys.global]\nzoom = [\"Z\"]\n");
    command(&mut pty, "reload");
    pty.wait_for_text("fps, keys.global.zoom changed; url changed, in effect after a restart");
    pty.type_in("3Z");
    let is_zoomed = |screen: &vt100::Screen| !screen.contents().contains("[2]");
    pty.wait("the new key", |received| is_zoomed(received.screen.screen()));

    write("fps = 30\n[alerts]\nloss = 0\n");
    command(&mut pty, "reload");
    pty.wait("what is wrong", |received| {
        let screen = received.screen.screen().contents().replace('\n', " ");
        ["nothing was reloaded", "config.toml", "line 3", "loss = 0", "loss must be a percentage"]
            .iter()
            .all(|words| screen.contains(words))
    });
    // The previous key still works.
    pty.type_in("Z");
    pty.wait("all panes", |received| !is_zoomed(received.screen.screen()));

    write("fps = 20\nurl = \"ws://localhost:9\"\n");
    fs::write(folder.path().join("cortop/themes/mine.toml"), "[tokens\n").expect("written");
    command(&mut pty, "reload");
    pty.wait("the broken theme", |received| {
        let screen = received.screen.screen().contents();
        screen.contains("nothing was reloaded") && screen.contains("mine.toml")
    });
    fs::write(folder.path().join("cortop/themes/mine.toml"), "inherits = \"mono\"\n")
        .expect("written");
    command(&mut pty, "reload");
    pty.wait_for_text("keys.global.zoom changed · themes changed: mine");
    pty.type_in("q");
    assert_eq!(pty.wait_for_end().exit_code(), 0);
    pty.assert_restored();
}

/// The monitor's screen tells to run `cortop trust` and `cortop login`, and that it tries again.
#[test]
fn what_the_repair_commands_store_reaches_a_running_monitor() {
    let (folder, roots) = (tempfile::tempdir().expect("one"), tempfile::tempdir().expect("one"));
    let roots = roots.path().to_str().expect("UTF-8");
    let mut served =
        Served::start(&["--approved", "--ca-out", roots, "--headset", "epocx:connected"]);
    let home = folder.path().to_str().expect("UTF-8");
    // Keeps away from the keyring of the user who runs the tests.
    let env = [("XDG_CONFIG_HOME", home), ("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent")];
    let url = served.url.clone();
    let run = |args: &[&str], input: &str| {
        let mut command = Command::new(CORTOP);
        command.args(args).args(["--url", &url]).envs(env);
        command.env_remove("EMOTIV_CLIENT_ID").env_remove("EMOTIV_CLIENT_SECRET");
        let mut child = command.stdin(Stdio::piped()).spawn().expect("started");
        child.stdin.take().expect("piped").write_all(input.as_bytes()).expect("read");
        assert!(child.wait().expect("it ends").success(), "{args:?}");
    };
    let root = format!("{roots}/root.pem");
    // From now on the service knows the secret of this id.
    let login = ["login", "--store", "file", "--ca-file", &root];
    run(&login, "the-id\nright\n");
    let config = folder.path().join("cortop").join("config.toml");
    fs::write(&config, "client_id = \"the-id\"\nclient_secret = \"wrong\"\n").expect("written");
    fs::set_permissions(&config, fs::Permissions::from_mode(0o600)).expect("set");

    let args = ["--url", &url];
    let mut pty = Pty::start_in((40, 160), Path::new(CORTOP), &args, &env);
    pty.wait_for_text("known root");
    run(&["trust"], "y\n");
    command(&mut pty, "reload");
    pty.wait_for_text("The client id or the client secret is wrong");
    run(&login, "the-id\nright\n");
    pty.type_in("G");
    pty.wait_for_text("streaming");
    // What streams already goes on with the token that it has.
    fs::write(&config, "client_id = \"the-id\"\nclient_secret = \"other\"\n").expect("written");
    command(&mut pty, "reload");
    pty.wait_for_text("client_id or client_secret changed, used from the next sign-in on");
    pty.wait_for_text("streaming");
    pty.type_in("q");
    assert_eq!(pty.wait_for_end().exit_code(), 0);
    assert_eq!(served.end(Signal::TERM).0, Some(0));
}
