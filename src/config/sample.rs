//! The commented config file, generated from the defaults and the table of actions.

use std::fmt::Write as _;

use super::{DEFAULT_FPS, DEFAULT_HISTORY, DEFAULT_THEME, DEFAULT_URL};
use crate::{
    app::{Keymap, section_name, sections},
    cli::METRICS,
    ui,
};

/// A setting of the file: its name, its value in the sample, and its description.
pub(super) type SettingLine = (&'static str, String, &'static str);

/// The section on alerts.
pub(super) fn alerts() -> [SettingLine; 11] {
    [
        (
            "when",
            "\"recording\"".into(),
            "off, recording (headsets with a running record), always (all with a session).",
        ),
        ("stale", "true".into(), "A stream has become stale."),
        (
            "loss",
            "1.0".into(),
            "More than so many per cent of a stream's samples lost within 10 s; false: no such alert.",
        ),
        (
            "contact",
            "10".into(),
            "A sensor has had no contact (none) for so many seconds, 1 to 3600; false: no such alert.",
        ),
        ("rail", "true".into(), "A channel is at the rail of the amplifier."),
        (
            "battery",
            "20".into(),
            "The battery has less than so many per cent; false: no such alert.",
        ),
        ("disk", "true".into(), "Cortex warns of a disk that is nearly full (warnings 19 and 20)."),
        (
            "record",
            "true".into(),
            "A record has ended because its session or the connection was lost.",
        ),
        ("bell", "true".into(), "Ring the terminal's bell."),
        (
            "notification",
            "\"off\"".into(),
            "Ask the terminal for a desktop notification: off, osc9 or osc777. In tmux, set allow-passthrough on.",
        ),
        (
            "on-alert",
            "[\"/path/to/program\", \"argument\"]".into(),
            "Run a program at each alert and at its end. No shell reads it; it knows CORTOP_ALERT (stale, loss, contact, rail, battery, disk, record), CORTOP_STATE (begun, over), CORTOP_HEADSET, CORTOP_STREAM, CORTOP_SENSOR, CORTOP_VALUE (per cent, seconds, or Cortex's code; of what is over, for how many seconds it was) and CORTOP_TEXT, a sentence. It is killed after 10 s; one runs at a time.",
        ),
    ]
}

/// The section on stations.
pub(super) fn mqtt() -> [SettingLine; 9] {
    let text = |text: &str| format!("\"{text}\"");
    [
        (
            "broker",
            text("mqtts://broker.example.org:8883"),
            "Where stations publish; --broker wins.",
        ),
        ("user", text("PC-03"), "A user of the broker; for a station best its name."),
        ("password", text("…"), "Its password. Keep this file to yourself: chmod 600."),
        (
            "ca-file",
            text("/path/to/broker-root.pem"),
            "Root certificate of the broker to trust beside the system's.",
        ),
        (
            "certificate",
            text("/path/to/client.pem"),
            "This computer's certificate for the broker, in place of or beside user and password.",
        ),
        ("key", text("/path/to/client.key"), "The key of that certificate."),
        (
            "name",
            text("PC-03"),
            "The station's name; if absent, that of the computer; --name wins.",
        ),
        ("accept-markers", "false".into(), "Take markers of a lab; so does --accept-markers."),
        (
            "publish",
            "false".into(),
            "Publish beside the monitor, too; cortop station does so without a screen.",
        ),
    ]
}

/// All settings outside of sections.
pub(super) fn rows() -> [SettingLine; 20] {
    let text = |text: &str| format!("\"{text}\"");
    [
        (
            "url",
            text(DEFAULT_URL),
            "Address of the Cortex service; EMOTIV_CORTEX_URL and --url win.",
        ),
        ("ca-file", text("/path/to/root.pem"), "Root certificate to trust beside the system's."),
        (
            "insecure",
            "false".into(),
            "Skip certificate checks; only for a service on this machine.",
        ),
        ("headset", text("EPOCX-1A2B3C4D"), "Headset to take without asking."),
        (
            "session",
            text("auto"),
            "auto: activated where the licence allows, else open; active; open.",
        ),
        ("debit", "1".into(), "Sessions to move from the licence to this computer."),
        (
            "streams",
            "[\"eeg\", \"mot\", \"dev\", \"eq\", \"pow\", \"met\", \"com\", \"fac\", \"sys\"]"
                .into(),
            "Streams to subscribe to.",
        ),
        (
            "client_id",
            text("…"),
            "The Cortex application's id; EMOTIV_CLIENT_ID wins. Keep this file to yourself: chmod 600.",
        ),
        ("client_secret", text("…"), "Its secret; EMOTIV_CLIENT_SECRET wins."),
        ("fps", DEFAULT_FPS.to_string(), "Frames a second, 1 to 60."),
        (
            "history-mib",
            (DEFAULT_HISTORY >> 20).to_string(),
            "MiB of memory for the history of all headsets together, 1 to 32768; the oldest goes first.",
        ),
        (
            "max-rate",
            "20.0".into(),
            "Most kB a second to the terminal, for slow links; no limit if absent.",
        ),
        (
            "ascii",
            "false".into(),
            "Draw without braille and box characters; if absent, the locale and the terminal decide.",
        ),
        (
            "mouse",
            "false".into(),
            "Use the mouse: a click focuses and selects, the wheel scrolls; Shift selects text.",
        ),
        (
            "theme",
            text(DEFAULT_THEME),
            "auto (by the terminal's background), ansi, light, mono, high-contrast, hues-dark, hues-light, pastel, colour-blind, or a file in themes/ beside this one.",
        ),
        (
            "synchronized",
            "true".into(),
            "Wrap each frame in synchronized output, so that no half-drawn frame shows.",
        ),
        (
            "full-redraw",
            "false".into(),
            "Redraw each run of cells with its position and style, for terminals that garble the compact output.",
        ),
        ("log-file", text("/path/to/cortop.log"), "Append the log to a file too."),
        (
            "markers",
            "[\"1\", \"2\", \"3\", \"4\", \"5\", \"6\", \"7\", \"8\", \"9\"]".into(),
            "Labels of the markers that F1 to F9 set.",
        ),
        (
            "metrics",
            text(METRICS),
            "Serve metrics for Prometheus beside the monitor at this address; if absent, do not.",
        ),
    ]
}

/// The commented config file that `cortop print config` prints.
#[must_use]
pub fn sample() -> String {
    let mut text = String::from(
        "# cortop's settings. Flags win over the environment, the environment over this file.\n\
         # Every setting is commented out; what stands here is the default or an example.\n",
    );
    for (name, value, help) in rows() {
        // Writing to a String cannot fail.
        let _ = write!(text, "\n# {help}\n#{name} = {value}\n");
    }
    text.push_str(
        "\n# Alerts: one line on the screen, and as loud as you like; the same at most once a minute.\n\n[alerts]\n",
    );
    for (name, value, help) in alerts() {
        let _ = write!(text, "# {help}\n#{name} = {value}\n");
    }
    text.push_str("\n# Stations: publish over MQTT, by cortop station or beside the monitor (docs/mqtt.md).\n\n[mqtt]\n");
    for (name, value, help) in mqtt() {
        let _ = write!(text, "# {help}\n#{name} = {value}\n");
    }
    text.push_str(
        "\n# Keys: a character, ctrl- and a letter, or tab, enter, space, up, pageup, …; [] unbinds.\n",
    );
    let keymap = Keymap::new(ui::views());
    for pane in sections() {
        let _ = write!(text, "\n[keys.{}]\n", section_name(pane));
        for (row, _) in keymap.rows().filter(|(row, _)| row.pane == pane) {
            let keys: Vec<String> = row.keys.iter().map(|key| quoted(&key.to_string())).collect();
            let _ = write!(text, "# {}\n#{} = [{}]\n", row.help, row.name, keys.join(", "));
        }
    }
    text
}

/// A key as a TOML string.
fn quoted(key: &str) -> String {
    toml::Value::from(key).to_string()
}

/// The sample as a file that sets everything.
#[cfg(test)]
pub(super) fn uncommented() -> String {
    sample()
        .lines()
        .filter(|line| !line.starts_with("# "))
        .flat_map(|line| [line.strip_prefix('#').unwrap_or(line), "\n"])
        .collect()
}
