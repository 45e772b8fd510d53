//! What `cortop print` prints: man pages, completions and what stations publish. All else is written where its
//! table is.

use std::time::Duration;

use clap::{Arg, Command, CommandFactory as _, builder::Str};
use clap_complete::{
    ArgValueCandidates, CompletionCandidate, Shell,
    env::{CompleteEnv, Shells},
};
use clap_mangen::Man;
use color_eyre::eyre::{Result, eyre};
use serde_json::Value;

use crate::{
    cli::{Cli, DisplayArgs, ServiceArgs},
    config::{self, Sources},
    ui,
};
use cortop_client::{Client, ClientConfig, Headset, Stream};

/// The shell asks the program itself, with this set in its environment: it alone knows the headsets.
const COMPLETE: &str = "COMPLETE";

/// How long a shell waits for names of headsets.
const PATIENCE: Duration = Duration::from_secs(1);

/// Answers a shell that completes a command line, and ends then; does nothing otherwise.
pub fn complete() {
    CompleteEnv::with_factory(completed).var(COMPLETE).complete();
}

/// The command line with what its values can be.
fn completed() -> Command {
    fn values(command: Command) -> Command {
        command.mut_args(named).mut_subcommands(values)
    }
    fn named(argument: Arg) -> Arg {
        let value = argument.get_value_names().and_then(<[_]>::first).map(Str::as_str);
        match (argument.get_id().as_str(), value) {
            ("headset", Some("ID")) => argument.add(ArgValueCandidates::new(headsets)),
            ("streams", _) => argument.add(ArgValueCandidates::new(streams)),
            ("theme", _) => argument.add(ArgValueCandidates::new(themes)),
            _ => argument,
        }
    }
    values(Cli::command())
}

/// The script that has `shell` complete cortop's command lines.
///
/// # Errors
/// The completions know fewer shells than the command line.
pub fn completions(shell: Shell) -> Result<String> {
    let (shells, name) = (Shells::builtins(), shell.to_string());
    let completer = shells.completer(&name).ok_or_else(|| eyre!("no completions for {name}"))?;
    let mut script = Vec::new();
    completer.write_registration(COMPLETE, "cortop", "cortop", "cortop", &mut script)?;
    Ok(String::from_utf8(script)?)
}

/// The man page of cortop, or of one of its commands, as roff.
///
/// # Errors
/// There is no such command; the text names those that are.
pub fn man(command: Option<&str>) -> Result<String> {
    let mut cortop = Cli::command();
    // Global flags reach the commands.
    cortop.build();
    let page = match command {
        None => cortop,
        Some(name) => {
            let found = cortop.get_subcommands().find(|found| found.get_name() == name);
            let found = found.ok_or_else(|| {
                let all: Vec<&str> = cortop.get_subcommands().map(Command::get_name).collect();
                eyre!("there is no command \"{name}\"; there are {}", all.join(", "))
            })?;
            found.clone().display_name(format!("cortop-{name}"))
        }
    };
    let mut roff = Vec::new();
    let source = concat!("cortop ", env!("CARGO_PKG_VERSION"));
    Man::new(page).source(source).render(&mut roff)?;
    Ok(String::from_utf8(roff)?)
}

/// The JSON schema of what stations publish over MQTT.
#[must_use]
pub fn mqtt_schema() -> Value {
    cortop_mqtt::schema()
}

/// The streams, as `--streams` names them.
fn streams() -> Vec<CompletionCandidate> {
    Stream::ALL.iter().map(|stream| CompletionCandidate::new(stream.name())).collect()
}

/// The themes that there are, the user's own included.
fn themes() -> Vec<CompletionCandidate> {
    let options = ui::UiOptions {
        themes: config::folder().map(|folder| folder.join("themes")),
        ..ui::UiOptions::default()
    };
    ui::Ui::new(&options).0.theme_names().into_iter().map(CompletionCandidate::new).collect()
}

/// The headsets that the service sees; none where it does not answer in time.
fn headsets() -> Vec<CompletionCandidate> {
    let found = || -> Result<Vec<Headset>> {
        let env = |name: &str| std::env::var(name).ok();
        let only = ServiceArgs::default();
        let file = config::file_path();
        let sources = Sources { env: &env, file, keyring: &|| None };
        let config = config::load(&only, &DisplayArgs::default(), &sources)?;
        let service = ClientConfig::new("", "")
            .url(config.url)
            .ca_file(config.ca_file)
            .trusted(config.trusted)
            .insecure(config.insecure);
        crate::console::block_on(async {
            Ok(tokio::time::timeout(PATIENCE, Client::query_headsets(&service)).await??)
        })
    };
    let headsets = found().unwrap_or_default().into_iter();
    headsets.map(|headset| CompletionCandidate::new(headset.id.to_string())).collect()
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum as _;

    use super::*;

    #[test]
    fn each_command_has_a_man_page_with_its_flags() {
        let mut cortop = Cli::command();
        cortop.build();
        for command in cortop.get_subcommands() {
            let name = command.get_name();
            let page = man(Some(name)).expect("a page").replace("\\-", "-");
            assert!(page.contains(&format!(".TH cortop-{name} 1  \"cortop 0.")), "{page}");
            for flag in command.get_arguments().filter(|flag| !flag.is_hide_set()) {
                if let Some(flag) = flag.get_long() {
                    assert!(page.contains(&format!("--{flag}")), "{name} lacks --{flag}");
                }
            }
        }
        assert!(man(Some("nope")).expect_err("no such command").to_string().contains("watch"));
    }

    #[test]
    fn each_shell_has_its_completions() {
        for shell in Shell::value_variants() {
            let script = completions(*shell).expect("a script");
            assert!(script.contains("cortop") && script.contains(COMPLETE), "{shell}: {script}");
        }
    }

    #[test]
    fn streams_and_themes_are_completed_by_name() {
        let values = |line: &str| -> Vec<String> {
            let words: Vec<_> = line.split(' ').map(Into::into).collect();
            let last = words.len() - 1;
            let found = clap_complete::engine::complete(&mut completed(), words, last, None);
            let found = found.expect("completions").into_iter();
            found.map(|candidate| candidate.get_value().display().to_string()).collect()
        };
        assert_eq!(values("cortop watch --streams m"), ["mot", "met"]);
        assert_eq!(values("cortop record --streams eeg,p"), ["eeg,pow"]);
        assert_eq!(values("cortop --theme high"), ["high-contrast"]);
    }

    #[test]
    fn man_page() {
        insta::assert_snapshot!(man(None).expect("a page"));
    }
}
