//! The spellings, and the help that lists them.

use std::{net::Ipv4Addr, time::Duration};

use super::{values::duration, *};
use cortop_client::{SessionPolicy, Stream, model::Model};
use cortop_files::recorder::RecordingFormat;
use strum::VariantArray as _;

fn parse(line: &str) -> Result<Cli, clap::Error> {
    Cli::try_parse_from(line.split(' ')).and_then(Cli::checked)
}

#[test]
fn the_definition_holds_together() {
    Cli::command().debug_assert();
}

#[test]
fn help() {
    insta::assert_snapshot!(Cli::command().term_width(80).render_help());
}

#[test]
fn help_of_the_subcommands() {
    let mut command = Cli::command().term_width(80);
    command.build();
    for name in [
        "demo", "sim", "proxy", "login", "trust", "doctor", "watch", "lsl", "record", "capture",
        "open", "report", "metrics", "station", "lab", "headsets", "records", "print",
    ] {
        let subcommand = command.find_subcommand_mut(name).expect("a subcommand");
        insta::assert_snapshot!(format!("{name}_help"), subcommand.render_help());
    }
}

/// All commands, the top level first.
fn commands() -> Vec<clap::Command> {
    let mut command = Cli::command().term_width(80);
    command.build();
    let mut all = vec![command.clone()];
    for subcommand in command.get_subcommands() {
        all.push(subcommand.clone());
        all.extend(subcommand.get_subcommands().cloned());
    }
    all
}

#[test]
fn each_help_has_examples_that_are_understood() {
    for mut command in commands() {
        // The names of `cortop print config` and the like need no further help.
        if command.get_arguments().all(|argument| argument.get_id() == "help") {
            continue;
        }
        let help = command.render_help().to_string();
        let (_, end) = help.split_once("Examples:\n").unwrap_or_else(|| panic!("{help}"));
        let lines = end.lines().take_while(|line| !line.is_empty());
        for line in lines.filter(|line| line.starts_with("  cortop")) {
            let line = line.trim().split(['|', '>']).next().expect("one");
            let line = line.split("  ").next().expect("one");
            parse(line.trim()).unwrap_or_else(|error| panic!("{line}: {error}"));
        }
    }
}

#[test]
fn no_old_spelling_is_suggested() {
    for command in commands() {
        for arg in command.get_arguments() {
            let all = arg.get_all_aliases().unwrap_or_default();
            let visible = arg.get_visible_aliases().unwrap_or_default();
            for old in all.iter().filter(|old| !visible.contains(old)) {
                let new = arg.get_long().expect("a long one");
                assert!(OLD_SPELLINGS.contains(&(old, new)), "{old}");
            }
        }
    }
    for line in ["cortop --plain", "cortop --plain-outpu", "cortop sim --plain-outpu"]
        .into_iter()
        .chain(["cortop headsets --plain-output", "cortop sim --unsur", "cortop --unsur"])
    {
        let error = without_old_spellings(parse(line).expect_err(line)).to_string();
        let error = error.replace(line.rsplit(' ').next().expect("one"), "");
        assert!(!error.contains("plain-output") && !error.contains("unsure"), "{line}: {error}");
    }
}

#[test]
fn a_station_is_named_with_its_broker() {
    parse("cortop station --broker mqtts://b:8883 --name PC-03 --accept-markers --headset EPOCX-1")
        .expect("understood");
}

#[test]
fn a_bids_dataset_has_its_own_folder_and_format_and_its_options_need_it() {
    let record = |line: &str| match parse(line).expect("valid").command {
        Some(CliCommand::Record(args)) => args,
        other => panic!("{other:?}"),
    };
    let plain = record("cortop record");
    assert_eq!((plain.format, plain.out), (vec![RecordingFormat::Csv], ".".into()));
    let own = record("cortop record --bids 07 --bids-session a --task rest --mains 50");
    assert_eq!(
        (own.format, own.out, own.mains),
        (vec![RecordingFormat::Edf], "bids".into(), Some(50))
    );
    let own = record("cortop record --bids 07 --format bdf,csv --out x");
    assert_eq!((own.format.len(), own.out), (2, "x".into()));
    for line in ["--task rest", "--bids-session a", "--mains 50", "--bids 07 --subject 08"] {
        parse(&format!("cortop record {line}")).expect_err(line);
    }
}

#[test]
fn each_systemd_unit_calls_a_command_that_is_understood() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/packaging");
    let entries = std::fs::read_dir(folder).expect("a folder").map(|own| own.expect("one").path());
    let units = entries.filter(|own| own.extension().is_some_and(|ending| ending == "service"));
    let mut commands = 0;
    for unit in units {
        let text = std::fs::read_to_string(&unit).expect("text");
        for line in text.lines().filter_map(|line| line.strip_prefix("ExecStart=")) {
            let words = shlex::split(&line.replace("%h", "/home/user")).expect(line);
            assert_eq!(words.first().map(String::as_str), Some("/usr/bin/cortop"));
            let parsed = Cli::try_parse_from(&words).and_then(Cli::checked);
            parsed.unwrap_or_else(|error| panic!("{}: {error}", unit.display()));
            commands += 1;
        }
        // The service is not restarted over and over if only its user can fix the problem.
        let stages = crate::stage::Stage::VARIANTS.iter().map(|own| own.exit_code());
        let line = text.lines().find_map(|line| line.strip_prefix("RestartPreventExitStatus="));
        let named: Vec<_> = line.expect("one").split(' ').collect();
        for code in stages.chain([2]) {
            assert!(named.contains(&&*code.to_string()), "{}: {code}", unit.display());
        }
    }
    assert!(commands >= 2, "{commands}");
}

#[test]
fn times_and_frequencies_that_cannot_be_are_refused_with_a_reason() {
    for (line, why) in [
        ("watch --duration -1", "write it as 10s"),
        ("record --duration -1s", "write it as 10s"),
        ("record --duration 999999999999h", "a year"),
        ("record --bids 1 --mains 55", "50 or 60 Hz"),
    ] {
        let said = parse(&format!("cortop {line}")).expect_err(line).to_string();
        assert!(said.contains(why), "{said}");
    }
}

#[test]
fn every_spelling_is_understood() {
    let cli = parse(
        "cortop --url ws://127.0.0.1:1 --ca-file ca.pem --insecure --headset EPOCX-1A2B3C4D \
         --session open --debit 3 --streams eeg,mot --fps 60 --max-rate 0.5 --ascii \
         --theme mono --config c.toml --log-file l.txt -vvv",
    )
    .expect("valid");
    assert_eq!(cli.service.session, Some(SessionPolicy::Open));
    assert_eq!(cli.service.streams, Some(vec![Stream::Eeg, Stream::Mot]));
    assert_eq!((cli.display.fps, cli.display.common.verbose), (Some(60), 3));

    for before in ["cortop --fps 5 demo", "cortop demo --fps 5"] {
        let line = format!("{before} --replay r.csv --headsets 64 --model mn8 --seed 7 -v");
        let cli = parse(&line).expect("valid");
        assert_eq!((cli.display.fps, cli.display.common.verbose), (Some(5), 1));
        let Some(CliCommand::Demo(demo)) = cli.command else { panic!("{:?}", cli.command) };
        assert_eq!((demo.headsets, demo.model, demo.seed), (64, Model::Mn8, 7));
    }
    for (text, expected) in [
        ("", &["eeg", "pm"][..]),
        (" --scopes pm,eeg", &["pm", "eeg"]),
        (" --scopes eeg --activations 0", &["eeg"]),
        (" --scopes none", &[]),
    ] {
        let (demo, sim) = (format!("cortop demo{text}"), format!("cortop sim{text}"));
        let licences = [demo, sim].map(|line| match parse(&line).expect("valid").command {
            Some(CliCommand::Demo(demo)) => demo.licence,
            Some(CliCommand::Sim(sim)) => sim.licence,
            other => panic!("{other:?}"),
        });
        for licence in licences {
            let activations = if text.contains("--activations") { 0 } else { 1000 };
            assert_eq!(licence.scopes.0, expected);
            assert_eq!(licence.activations, activations);
        }
    }

    let cli = parse(
        "cortop sim --port 0 --ca-out ca --headset epocx@256 \
         --headset insight:INSIGHT-0A1B2C3D:off --replay r.csv --scenario s.toml --seed 7 \
         --speed 60 --quiet --bind 127.0.0.2 --allow-control --approved --exec pytest \
         --expect e.toml",
    )
    .expect("valid");
    let Some(CliCommand::Sim(sim)) = cli.command else { panic!("{:?}", cli.command) };
    assert_eq!((sim.port, sim.headset.len(), sim.socket.ws), (Some(0), 2, false));
    assert!((sim.speed - 60.0).abs() < f64::EPSILON && sim.requests.quiet && sim.allow_control);
    let cli = parse(
        "cortop watch --url ws://127.0.0.1:1 --streams eeg,mot --session open --format csv \
         --duration 500ms",
    )
    .expect("valid");
    let Some(CliCommand::Watch(watch)) = cli.command else { panic!("{:?}", cli.command) };
    assert_eq!(watch.service.streams, Some(vec![Stream::Eeg, Stream::Mot]));
    assert_eq!(
        (watch.format, watch.duration),
        (OutputFormat::Csv, Some(Duration::from_millis(500)))
    );
    let cli = parse(
        "cortop lsl --headset EPOCX-1 --streams eeg,dev --lsl-interface 0.0.0.0 --duration 2m \
         --json --markers-lsl PsychoPy --markers-udp 5005 --markers-tcp 0.0.0.0:5006",
    )
    .expect("valid");
    let Some(CliCommand::Lsl(lsl)) = cli.command else { panic!("{:?}", cli.command) };
    assert_eq!((lsl.exchange.lsl_interface, lsl.json), (Ipv4Addr::UNSPECIFIED, true));
    let ports = [lsl.exchange.markers_udp, lsl.exchange.markers_tcp];
    let ports = ports.map(|port| port.map(|port| port.to_string()).unwrap_or_default());
    assert_eq!(ports, ["127.0.0.1:5005", "0.0.0.0:5006"]);
    for (text, seconds) in [("10", 10.0), ("10s", 10.0), ("2m", 120.0), ("0.25", 0.25)] {
        assert_eq!(duration(text), Ok(Duration::from_secs_f64(seconds)), "{text}");
    }
    for name in ["doctor", "headsets", "sessions", "license", "records"] {
        for flags in ["", " --json", " --url ws://127.0.0.1:1 --ca-file ca.pem --insecure"] {
            parse(&format!("cortop {name}{flags}")).expect(name);
        }
    }
    for line in [
        "cortop sim",
        "cortop sim --ws",
        "cortop sim --list-faults --assumptions",
        "cortop sim --unsure",
        "cortop sim --watch --expect e.toml",
        "cortop sim --log json",
        "cortop proxy --listen 7000",
        "cortop proxy --listen 0 --to wss://localhost:1 --ca-file s.pem --ca-out ca --capture c.jsonl",
        "cortop demo --plain-output",
        "cortop --plain-output",
        "cortop --plain-output demo",
        "cortop -v --config c.toml headsets",
        "cortop watch --config c.toml --log-file l.txt -vv",
        "cortop doctor --config c.toml",
        "cortop capture c.jsonl.zst --duration 2m --json --headset EPOCX-1 --streams eeg",
        "cortop report r.csv --json --html r.html",
        "cortop report -",
        "cortop open c.jsonl.zst --fps 5",
        "cortop --theme mono open c.jsonl",
        "cortop metrics --listen 127.0.0.1:9464",
        "cortop record --headset EPOCX-1 --streams eeg,mot --format csv,edf --format bdf --out r",
        "cortop record --duration 8h --title a --subject b --resume-within 10m --json",
        "cortop metrics --listen [::1]:0 --json --duration 2m --headset EPOCX-1 --config c.toml",
    ] {
        parse(line).expect(line);
    }
}

#[test]
fn values_out_of_range_and_mixed_up_flags_are_refused() {
    for line in [
        "cortop --fps 0",
        "cortop --fps 61",
        "cortop --max-rate 0",
        "cortop --max-rate nan",
        "cortop --streams eeg,egg",
        "cortop --session maybe",
        "cortop demo --headsets 0",
        "cortop demo --headsets 65",
        "cortop demo --model epoc",
        "cortop sim --headset epocy",
        "cortop sim --speed 0",
        "cortop sim --scopes egg",
        "cortop sim --scopes eeg,none",
        "cortop demo --activations -1",
        "cortop demo --approved",
        "cortop sim --speed inf",
        "cortop sim --port 65536",
        "cortop sim --bind localhost",
        "cortop sim --ws --ca-out ca",
        "cortop sim --quiet --log json",
        "cortop proxy",
        "cortop proxy --listen 7000 --ws --ca-out ca",
        "cortop sim --log xml",
        "cortop sim --watch --exec true",
        "cortop --url ws://127.0.0.1:1 sim",
        "cortop demo --url ws://127.0.0.1:1",
        "cortop --insecure print config",
        "cortop --client-secret x",
        "cortop --url ws://127.0.0.1:1 watch",
        "cortop watch --duration 0",
        "cortop watch --duration -1s",
        "cortop watch --duration soon",
        "cortop watch --format xml",
        "cortop doctor --session active",
        "cortop headsets --streams eeg",
        "cortop lsl --markers-udp 0",
        "cortop lsl --markers-tcp localhost:1",
        "cortop lsl --lsl-interface ::1",
        "cortop sim --markers-udp 5005",
        "cortop --markers-udp 5005 watch",
        "cortop capture",
        "cortop capture a b",
        "cortop open",
        "cortop report",
        "cortop report r.csv --streams eeg",
        "cortop open --url ws://127.0.0.1:1 c.jsonl",
        "cortop metrics --listen localhost",
        "cortop record --format xml",
        "cortop record --resume-within 0",
        "cortop record --ascii",
        "cortop metrics --fps 5",
        "cortop station --fps 5",
        "cortop station --password x",
        "cortop headsets --fps 5",
        "cortop --theme mono headsets",
        "cortop watch --ascii",
        "cortop --mouse print config",
    ] {
        assert!(parse(line).is_err(), "{line}");
    }
}
