use std::{
    collections::{BTreeMap, HashMap},
    fs,
};

use clap::Parser as _;
use secrecy::ExposeSecret as _;

use super::*;
use crate::app::{Action, Key, Pane};

/// The result of `load` for a command line, an environment and a config file's text.
fn load_from(line: &str, env: &[(&str, &str)], file: Option<&str>) -> Result<Config> {
    let folder = tempfile::tempdir().expect("a folder");
    let place = folder.path().join("config.toml");
    if let Some(text) = file {
        fs::write(&place, text).expect("written");
    }
    let env: HashMap<&str, &str> = env.iter().copied().collect();
    let cli = cli::Cli::parse_from(line.split(' ')).checked().expect("understood");
    let sources = Sources {
        env: &|name| env.get(name).map(ToString::to_string),
        file: Some(place),
        keyring: &|| None,
    };
    load(&cli.service, &cli.display, &sources)
}

#[test]
fn nothing_set_gives_the_defaults_and_says_how_to_give_credentials() {
    let config = load_from("cortop", &[], None).expect("valid");
    assert_eq!((config.url.as_str(), config.fps), (DEFAULT_URL, DEFAULT_FPS));
    assert_eq!(config.streams, Stream::ALL);
    assert_eq!(config.ascii, Some(true), "a locale that is not set is C");
    assert!(config.warnings.is_empty());
    let next = config.credentials.expect_err("none").to_string();
    for word in ["EMOTIV_CLIENT_ID", "EMOTIV_CLIENT_SECRET", "config.toml", "cortop demo"] {
        assert!(next.contains(word), "{next}");
    }
}

#[test]
fn flags_win_over_the_environment_and_that_over_the_file() {
    let file =
        "url = \"ws://file\"\nfps = 20\ntheme = \"mono\"\nclient_id = \"f\"\nclient_secret = \"f\"";
    let env = [("EMOTIV_CORTEX_URL", "ws://env"), ("EMOTIV_CLIENT_ID", "e")];
    let url = |line, env, file| load_from(line, env, file).expect("valid").url;
    assert_eq!(url("cortop --url ws://flag", &env, Some(file)), "ws://flag");
    assert_eq!(url("cortop", &env, Some(file)), "ws://env");
    assert_eq!(url("cortop", &[("EMOTIV_CORTEX_URL", "")], Some(file)), "ws://file");

    let root = [("CORTOP_CA_FILE", "env.pem")];
    let ca_file =
        |line, env| load_from(line, env, Some("ca-file = \"f.pem\"")).expect("valid").ca_file;
    assert_eq!(ca_file("cortop --ca-file flag.pem", &root), Some("flag.pem".into()));
    assert_eq!(ca_file("cortop", &root), Some("env.pem".into()));
    assert_eq!(ca_file("cortop", &[]), Some("f.pem".into()));

    let config = load_from("cortop --fps 30", &env, Some(file)).expect("valid");
    assert_eq!((config.fps, config.theme.as_str()), (30, "mono"));
    let credentials = config.credentials.expect("given");
    assert_eq!(credentials.id.expose_secret(), "e");
    assert_eq!(credentials.secret.expose_secret(), "f");
}

#[test]
fn the_first_locale_that_is_set_decides_on_utf8() {
    let ascii = |env: &[(&str, &str)]| load_from("cortop", env, None).expect("valid").ascii;
    assert_eq!(ascii(&[("LANG", "de_DE.UTF-8")]), None);
    assert_eq!(ascii(&[("LC_CTYPE", "C.utf8"), ("LANG", "C")]), None);
    assert_eq!(ascii(&[("LC_ALL", "C"), ("LANG", "de_DE.UTF-8")]), Some(true));
    assert_eq!(ascii(&[("LC_ALL", ""), ("LANG", "en_US.UTF-8")]), None);
    assert_eq!(ascii(&[("LANG", "en_US.UTF-8"), ("TERM", "linux")]), Some(true));
}

#[test]
fn the_history_has_as_much_memory_as_the_file_says() {
    let history = |file| load_from("cortop", &[], file).expect("valid").history;
    assert_eq!(history(None), 256 << 20);
    assert_eq!(history(Some("history-mib = 24")), 24 << 20);
    assert!(sample().contains("#history-mib = 256\n"));
}

#[test]
fn unknown_settings_are_warned_about_by_name_and_the_rest_holds() {
    let file = "frames = 5\nfps = 5\n steams = [\"eeg\"]\n[colours]\nx = 1\n[mqtt]\n\n  brokers = \"b\"\n\
                alerts.rial = true";
    let config = load_from("cortop", &[], Some(file)).expect("valid");
    assert_eq!(config.fps, 5);
    let sentence = |own: &ConfigWarning| {
        own.to_string().split_once("config.toml: ").expect("the file's path").1.to_owned()
    };
    let mut warnings: Vec<_> = config.warnings.iter().map(sentence).collect();
    warnings.sort();
    let next = "`cortop print config` lists them";
    assert_eq!(
        warnings,
        [
            format!("line 1, column 1: there is no setting \"frames\"; {next}"),
            "line 3, column 2: there is no setting \"steams\"; did you mean streams?".into(),
            format!("line 4, column 2: there is no setting \"colours\"; {next}"),
            "line 8, column 3: there is no setting \"mqtt.brokers\"; did you mean broker?".into(),
            format!("line 9, column 1: there is no setting \"mqtt.alerts\"; {next}"),
        ]
    );
}

#[test]
fn a_wrong_value_is_shown_with_its_line_and_a_caret() {
    for wrong in [
        "fps = \"ten\"",
        "fps = 0",
        "history-mib = 0",
        "history-mib = 40000",
        "max-rate = -1.0",
        "session = \"maybe\"",
        "streams = [\"egg\"]",
        "streams = []",
        "theme = mono",
        "theme = \"nope\"",
        "url = \"localhost\"",
        "url = \"ws://localhost:0\"",
        "[mqtt]\nbroker = \"broker.example.org\"",
        "[mqtt]\nname = \"a/b\"",
        "[keys.streams]\nsweep = \"s\"",
    ] {
        let error = load_from("cortop", &[], Some(&format!("insecure = false\n{wrong}")));
        let error = error.expect_err(wrong).to_string();
        assert!(error.contains("line ") && error.contains('^'), "{error}");
        assert!(error.contains("config.toml") && error.contains("print config"), "{error}");
    }
}

#[test]
fn alerts_have_switches_and_thresholds() {
    use crate::app::{AlertSettings, AlertWhen, NotificationProtocol};
    use std::time::Duration;
    let alerts = |file| load_from("cortop", &[], Some(file)).expect("valid").alerts;
    assert_eq!(alerts(""), AlertSettings::default());
    let file = "[alerts]\nwhen = \"always\"\nloss = 2.5\ncontact = 3\nbattery = false\nrail = false\n\
                bell = false\nnotification = \"osc777\"\non-alert = [\"/bin/lamp\", \"red\"]";
    let expected = AlertSettings {
        when: AlertWhen::Always,
        loss: Some(2.5),
        contact: Some(Duration::from_secs(3)),
        battery: None,
        rail: false,
        bell: false,
        notification: NotificationProtocol::Osc777,
        command: vec!["/bin/lamp".to_owned(), "red".to_owned()],
        ..AlertSettings::default()
    };
    assert_eq!(alerts(file), expected);
    assert_eq!(alerts("[alerts]\nwhen = \"off\"").when, AlertWhen::Off);
}

#[test]
fn a_wrong_alert_is_refused_by_its_key_with_what_is_allowed() {
    for (wrong, key, allowed) in [
        ("when = \"never\"", "when", "\"off\", \"recording\", \"always\""),
        ("loss = 0", "loss", "above 0 and below 100, or false"),
        ("loss = true", "loss", "above 0 and below 100, or false"),
        ("battery = \"low\"", "battery", "above 0 and below 100, or false"),
        ("contact = 0", "contact", "1 to 3600 seconds, or false"),
        ("contact = 2.5", "contact", "1 to 3600 seconds, or false"),
        ("stale = 1", "stale", "true or false"),
        ("notification = \"osc99\"", "notification", "\"off\", \"osc9\", \"osc777\""),
        ("on-alert = \"beep\"", "on-alert", "a program and its arguments"),
        ("on-alert = [\"\"]", "on-alert", "[] for none"),
    ] {
        let error = load_from("cortop", &[], Some(&format!("[alerts]\n{wrong}")));
        let error = error.expect_err(wrong).to_string();
        assert!(error.contains("line 2") && error.contains('^'), "{error}");
        assert!(error.contains(key) && error.contains(allowed), "{error}");
    }
    let warnings = load_from("cortop", &[], Some("[alerts]\nlos = 1")).expect("valid").warnings;
    assert!(warnings[0].found.contains("alerts.los"), "{warnings:?}");
}

#[test]
fn a_setting_without_the_one_that_it_needs_is_refused_at_its_line() {
    for (alone, needed) in [
        ("password = \"90125\"", "set user, too"),
        ("certificate = \"c.pem\"", "set key, too"),
        ("key = \"c.key\"", "set certificate, too"),
        ("publish = true", "set broker, too"),
    ] {
        let error = load_from("cortop", &[], Some(&format!("fps = 5\n[mqtt]\n {alone}")));
        let error = error.expect_err(alone).to_string();
        assert!(error.contains("line 3, column 2: mqtt: ") && error.contains(needed), "{error}");
        assert!(!error.contains("90125"), "{error}");
    }
    // A broker may ask for no password.
    load_from("cortop", &[], Some("[mqtt]\nuser = \"PC-03\"")).expect("valid");
}

#[test]
fn an_error_never_quotes_a_credential() {
    for wrong in [
        "client_secret = 90125",
        "client_secret = \"90125",
        "client_id = [\n\"90125\"]",
        "client_secret = 90125x",
        "[mqtt]\nbroker = \"mqtts://me:90125@broker\"",
    ] {
        let error = load_from("cortop", &[], Some(wrong)).expect_err(wrong);
        let shown = format!("{error} {error:?}");
        assert!(!shown.contains("90125"), "{shown}");
        assert!(shown.contains("line "), "{shown}");
    }
    let config = load_from("cortop", &[("EMOTIV_CLIENT_SECRET", "90125")], None).expect("valid");
    assert!(!format!("{config:?}").contains("90125"));
}

#[test]
fn a_file_named_by_a_flag_must_be_there() {
    let error = load_from("cortop --config /nowhere/c.toml", &[], None).expect_err("absent");
    assert!(error.to_string().contains("/nowhere/c.toml"), "{error}");
}

#[cfg(unix)]
#[test]
fn a_secret_that_others_can_read_is_warned_about() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().expect("a folder");
    let place = folder.path().join("config.toml");
    fs::write(&place, "client_secret = \"x\"").expect("written");
    for (mode, warnings) in [(0o644, 1), (0o600, 0)] {
        fs::set_permissions(&place, fs::Permissions::from_mode(mode)).expect("set");
        let mut found = Vec::new();
        file::read(&place, &mut found).expect("valid");
        assert_eq!(found.len(), warnings, "{mode:o}");
        let step = format!("chmod 600 {}", place.display());
        assert!(found.iter().all(|own| own.next == step), "{found:?}");
    }
}

#[test]
fn keys_are_bound_by_scope_and_clashes_refused_by_name() {
    let config =
        load_from("cortop", &[], Some("[keys.streams]\nsweep = [\"f12\"]")).expect("valid");
    assert_eq!(config.keymap.action(Pane::Streams, Key::f(12)), Some(Action::Sweep));

    let clash = load_from("cortop", &[], Some("keys.streams.sweep = [\"z\"]"));
    let clash = clash.expect_err("a clash").to_string();
    assert!(clash.contains("config.toml") && clash.contains("line 1, column 22"), "{clash}");
    let misspelt = load_from("cortop", &[], Some("[keys.streams]\n\nswep = [\"z\"]"));
    let misspelt = misspelt.expect_err("no such action").to_string();
    assert!(misspelt.contains("line 3, column 8: keys: "), "{misspelt}");
    assert!(misspelt.contains("did you mean streams.sweep?"), "{misspelt}");
    assert!(clash.contains("streams.sweep") && clash.contains("global.zoom"), "{clash}");
}

/// The setting without which this one means nothing, as a line of the same section.
fn needed(name: &str) -> &'static str {
    match name {
        "client_id" => "client_secret = \"s\"\n",
        "client_secret" => "client_id = \"s\"\n",
        "password" => "user = \"u\"\n",
        "certificate" => "key = \"k\"\n",
        "key" => "certificate = \"c\"\n",
        "publish" => "broker = \"mqtt://localhost\"\n",
        _ => "",
    }
}

#[test]
fn the_sample_is_valid_as_printed_and_uncommented() {
    let printed = sample();
    let uncommented = sample::uncommented();
    // All settings together, and each one alone or with the one that it needs.
    let settings =
        printed.match_indices("\n#").filter(|(at, _)| !printed[at + 2..].starts_with(' '));
    let single = settings.map(|(at, _)| {
        let (before, line) = (&printed[..at], &printed[at + 2..]);
        let name = line.split(" = ").next().unwrap_or_default();
        format!("{before}\n{}{line}", needed(name))
    });
    let single: Vec<_> = single.collect();
    assert!(single.len() > 100);
    for text in [&printed, &uncommented].into_iter().chain(&single) {
        let config = load_from("cortop", &[], Some(text)).expect("valid");
        assert!(
            config.warnings.iter().all(|warning| warning.exposes_secret),
            "{:?}",
            config.warnings
        );
    }
    let (file, ..) = file::parse(&uncommented).expect("valid");
    let settings = format!("{file:?}");
    assert!(!settings.contains("None"), "the sample lacks a setting: {settings}");
    assert_eq!(
        file.keys.values().map(BTreeMap::len).sum::<usize>(),
        crate::app::Keymap::new(crate::ui::views()).rows().count()
    );
    let config = load_from("cortop", &[], Some(&uncommented)).expect("valid");
    assert_eq!((config.url.as_str(), config.fps), (DEFAULT_URL, DEFAULT_FPS));
    assert_eq!((config.theme.as_str(), config.streams), (DEFAULT_THEME, Stream::ALL.to_vec()));
}

#[test]
fn the_old_name_of_full_redraw_is_understood() {
    let redraws = |line, file| {
        let config = load_from(line, &[], file).expect("valid");
        assert_eq!(config.warnings, []);
        config.output.full_redraw
    };
    assert!(!redraws("cortop", None));
    for line in ["cortop --full-redraw", "cortop --plain-output", "cortop demo --plain-output"] {
        assert!(redraws(line, None), "{line}");
    }
    for file in ["full-redraw = true", "plain-output = true"] {
        assert!(redraws("cortop", Some(file)), "{file}");
    }
    assert!(!sample().contains("plain-output"));
}

#[test]
fn what_has_changed_is_named_as_in_the_file_and_what_needs_a_restart_apart() {
    let config = |file| load_from("cortop", &[], Some(file)).expect("valid");
    let compare = |before, after| Changes::between(&config(before), &config(after));
    assert_eq!(compare("fps = 5", "fps = 5"), Changes::default());
    assert!(compare("", "").sentence().contains("nothing has changed"));
    let before = "client_id = \"a\"\nclient_secret = \"90125\"";
    let after = "url = \"ws://localhost:1\"\nfps = 20\ntheme = \"mono\"\nclient_id = \"a\"\n\
                 client_secret = \"b\"\n[alerts]\nloss = 3\non-alert = [\"lamp\"]\n\
                 [keys.streams]\nsweep = [\"f12\"]";
    let changed = compare(before, after);
    assert_eq!(
        changed.applied,
        ["fps", "theme", "alerts.loss", "alerts.on-alert", "keys.streams.sweep"]
    );
    assert_eq!(changed.restart, ["url"]);
    assert_eq!(changed.reconnect, ["client_id or client_secret"]);
    let sentence = changed.sentence();
    assert!(sentence.contains("alerts.loss") && sentence.contains("url changed, in effect after"));
    assert!(!sentence.contains("90125"));
    // A flag overrides the file, whatever changes there.
    let flag = |file| load_from("cortop --fps 30", &[], Some(file)).expect("valid");
    assert_eq!(Changes::between(&flag("fps = 5"), &flag("fps = 6")), Changes::default());
}

/// Every setting of the file takes effect either at once or after a restart.
#[test]
fn no_setting_of_the_file_changes_unseen() {
    let printed = sample();
    let mut section = "";
    let mut seen = 0;
    for line in printed.lines().filter(|line| !line.starts_with("# ")) {
        if let Some(name) = line.strip_prefix('[') {
            section = name.trim_end_matches(']');
            continue;
        }
        let line = line.trim_start_matches('#');
        let Some((name, value)) = line.split_once(" = ") else { continue };
        if section.starts_with("keys") {
            break;
        }
        // Another value of the same type.
        let other = match value {
            "true" => "false".to_owned(),
            "false" => "true".to_owned(),
            "\"off\"" => "\"osc9\"".to_owned(),
            "\"recording\"" => "\"always\"".to_owned(),
            "\"auto\"" if name == "session" => "\"open\"".to_owned(),
            _ if name == "theme" => "\"mono\"".to_owned(),
            _ if name == "broker" => "\"mqtt://localhost:9\"".to_owned(),
            _ if name == "name" => "\"PC-04\"".to_owned(),
            value if value.starts_with("[\"eeg") => "[\"mot\"]".to_owned(),
            _ if name == "metrics" => "\"127.0.0.1:9\"".to_owned(),
            value if value.starts_with('[') => "[\"x\"]".to_owned(),
            value if value.starts_with('"') => "\"ws://localhost:9\"".to_owned(),
            "1" => "2".to_owned(),
            "10" => "11".to_owned(),
            "20.0" => "30.0".to_owned(),
            "20" => "30".to_owned(),
            "1.0" => "2.0".to_owned(),
            "256" => "512".to_owned(),
            value => panic!("another value than {value}"),
        };
        let head = if section.is_empty() { String::new() } else { format!("[{section}]\n") };
        let with = |value: &str| {
            let text = format!("{head}{}{name} = {value}\n", needed(name));
            load_from("cortop", &[("LANG", "C.UTF-8")], Some(&text)).expect(&text)
        };
        let Changes { applied, reconnect, restart } = Changes::between(&with(value), &with(&other));
        let named = applied.iter().chain(&reconnect).chain(&restart).any(|own| own.contains(name));
        assert!(named, "{name}: {value} → {other}");
        seen += 1;
    }
    assert!(seen > 25, "{seen}");
}
