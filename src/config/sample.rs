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
            "More than this percentage of a stream's samples was lost within 10 s; false: no alert.",
        ),
        (
            "contact",
            "10".into(),
            "A sensor has had no contact (none) for this many seconds, 1 to 3600; false: no alert.",
        ),
        ("rail", "true".into(), "A channel is at the rail of the amplifier."),
        ("battery", "20".into(), "The battery is below this percentage; false: no alert."),
        ("disk", "true".into(), "Cortex warns that the disk is nearly full (warnings 19 and 20)."),
        ("record", "true".into(), "A record ended because its session or the connection was lost."),
        ("bell", "true".into(), "Ring the terminal's bell."),
        (
            "notification",
            "\"off\"".into(),
            "Ask the terminal for a desktop notification: off, osc9 or osc777. In tmux, set allow-passthrough on.",
        ),
        (
            "on-alert",
            "[\"/path/to/program\", \"argument\"]".into(),
            "Run a program at each alert and at its end, without a shell. Its environment has CORTOP_ALERT (stale, loss, contact, rail, battery, disk, record), CORTOP_STATE (begun, over), CORTOP_HEADSET, CORTOP_STREAM, CORTOP_SENSOR, CORTOP_VALUE (per cent, seconds, or Cortex's code; at the end of an alert, how many seconds it lasted) and CORTOP_TEXT, a sentence. It is killed after 10 s; one runs at a time.",
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
            "Where stations publish; --broker overrides it.",
        ),
        ("user", text("PC-03"), "A user of the broker; for a station, preferably its name."),
        ("password", text("…"), "Its password. Keep this file to yourself: chmod 600."),
        (
            "ca-file",
            text("/path/to/broker-root.pem"),
            "Root certificate of the broker to trust in addition to the system's.",
        ),
        (
            "certificate",
            text("/path/to/client.pem"),
            "This computer's certificate for the broker, instead of or in addition to user and password.",
        ),
        ("key", text("/path/to/client.key"), "The key of that certificate."),
        (
            "name",
            text("PC-03"),
            "The station's name; if absent, that of the computer; --name overrides it.",
        ),
        ("accept-markers", "false".into(), "Accept markers from a lab, as --accept-markers does."),
        (
            "publish",
            "false".into(),
            "Publish while the monitor runs; cortop station publishes without a screen.",
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
            "Address of the Cortex service; EMOTIV_CORTEX_URL and --url override it.",
        ),
        (
            "ca-file",
            text("/path/to/root.pem"),
            "Root certificate to trust in addition to the system's.",
        ),
        (
            "insecure",
            "false".into(),
            "Skip certificate checks; only for a service on this machine.",
        ),
        ("headset", text("EPOCX-1A2B3C4D"), "Headset to take without asking."),
        (
            "session",
            text("auto"),
            "auto (activated if the licence allows it, else open), active, or open.",
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
            "The Cortex application's id; EMOTIV_CLIENT_ID overrides it. Keep this file to yourself: chmod 600.",
        ),
        ("client_secret", text("…"), "Its secret; EMOTIV_CLIENT_SECRET overrides it."),
        ("fps", DEFAULT_FPS.to_string(), "Frames per second, 1 to 60."),
        (
            "history-mib",
            (DEFAULT_HISTORY >> 20).to_string(),
            "MiB of memory for the history of all headsets together, 1 to 32768; the oldest goes first.",
        ),
        (
            "max-rate",
            "20.0".into(),
            "Maximum kB per second to the terminal, for slow connections; no limit if absent.",
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
            "Address at which to serve metrics for Prometheus while the monitor runs; none if absent.",
        ),
    ]
}

/// The commented config file that `cortop print config` prints.
#[must_use]
pub fn sample() -> String {
    let mut text = String::from(
        "# cortop's settings. Flags override the environment, the environment overrides this file.\n\
         # Every setting is commented out and shows its default or an example.\n",
    );
    for (name, value, help) in rows() {
        // Writing to a String cannot fail.
        let _ = write!(text, "\n# {help}\n#{name} = {value}\n");
    }
    text.push_str(
        "\n# Alerts: a line on the screen and whatever else you choose; the same one at most once a minute.\n\n[alerts]\n",
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
