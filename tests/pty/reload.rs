//! `:reload` with real files: changes take effect at once; errors are named and change nothing.

use std::{fs, path::Path};

use crate::{CORTOP, Pty};

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
    pty.wait_for_text("fps, keys.global.zoom changed; in effect after a restart: url");
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
