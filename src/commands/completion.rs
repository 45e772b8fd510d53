//! Command-line completion: the shell asks the program itself, as only that knows the headsets.

use std::{
    ffi::{OsStr, OsString},
    io::{self, Write},
    path::{Path, PathBuf},
    time::Duration,
};

use clap::{Arg, ArgMatches, Command, CommandFactory as _, FromArgMatches as _, builder::Str};
use clap_complete::{
    ArgValueCandidates, ArgValueCompleter, CompletionCandidate, Shell,
    env::{self, CompleteEnv, EnvCompleter, Shells},
};
use color_eyre::eyre::{Result, eyre};

use crate::{
    cli::{Cli, CommonArgs, ConnectionArgs, DisplayArgs, NO_SCOPES, SCOPES, ServiceArgs},
    config::{self, Sources},
    console, ui,
};
use cortop_client::{Client, ClientConfig, Headset, Stream};
use cortop_files::recorder::RecordingFormat;

/// The environment variable set when a shell asks.
const COMPLETE: &str = "COMPLETE";

/// How long a shell waits for the names of headsets.
const PATIENCE: Duration = Duration::from_secs(1);

/// The shells with completion.
const SHELLS: Shells<'_> = Shells(&[&Bash, &env::Elvish, &env::Fish, &env::Powershell, &env::Zsh]);

/// Answers a shell that completes a command line, and exits; otherwise does nothing.
pub fn complete() {
    let words = || std::env::args_os().skip_while(|word| word != "--").skip(1).collect::<Vec<_>>();
    CompleteEnv::with_factory(|| completed(&words())).var(COMPLETE).shells(SHELLS).complete();
}

/// The script with which `shell` completes cortop's command lines.
///
/// # Errors
/// There is no completion for this shell.
pub fn completions(shell: Shell) -> Result<String> {
    let name = shell.to_string();
    let completer = SHELLS.completer(&name).ok_or_else(|| eyre!("no completions for {name}"))?;
    let mut script = Vec::new();
    completer.write_registration(COMPLETE, "cortop", "cortop", "cortop", &mut script)?;
    Ok(String::from_utf8(script)?)
}

/// The command line with its possible values. `words` are those typed so far.
fn completed(words: &[OsString]) -> Command {
    fn values(command: Command, words: &[OsString]) -> Command {
        command
            .mut_args(|argument| named(argument, words))
            .mut_subcommands(|command| values(command, words))
    }
    fn named(argument: Arg, words: &[OsString]) -> Arg {
        let value = argument.get_value_names().and_then(<[_]>::first).map(Str::as_str);
        match (argument.get_id().as_str(), value) {
            ("headset", Some("ID")) => {
                let words = words.to_vec();
                argument.add(ArgValueCandidates::new(move || headsets(&words)))
            }
            ("streams", _) => list(argument, &Stream::ALL.map(Stream::name), None, words),
            ("format", Some("FORMAT,…")) => {
                list(argument, &RecordingFormat::ALL.map(RecordingFormat::name), None, words)
            }
            ("scopes", _) => list(argument, &SCOPES, Some(NO_SCOPES), words),
            ("theme", _) => argument.add(ArgValueCandidates::new(themes)),
            _ => argument,
        }
    }
    values(Cli::command(), words)
}

/// Completes a comma-separated list of names at its last name; `alone` is a name that cannot be combined.
/// Names already in the list, or in another occurrence of the flag, are not offered again.
fn list(
    argument: Arg,
    names: &[&'static str],
    alone: Option<&'static str>,
    words: &[OsString],
) -> Arg {
    let names = names.to_vec();
    let given = given(argument.get_long().unwrap_or_default(), words);
    let candidates = move |value: &OsStr| {
        let Some(value) = value.to_str() else { return Vec::new() };
        let (before, begun) = value.rsplit_once(',').unwrap_or(("", value));
        let before: Vec<_> = before.split(',').filter(|name| !name.is_empty()).collect();
        // The value being completed is among them.
        let mut others = given.clone();
        others.iter().position(|own| own == value).map(|at| others.remove(at));
        let elsewhere: Vec<_> = others.iter().flat_map(|own| own.split(',')).collect();
        let stands = |name: &str| before.contains(&name) || elsewhere.contains(&name);
        let offered = names.iter().copied().filter(|name| !stands(name));
        let offered = offered.chain(alone.filter(|_| before.is_empty() && others.is_empty()));
        let offered = offered.filter(|name| name.starts_with(begun));
        let whole = offered.map(|name| [before.as_slice(), &[name]].concat().join(","));
        whole.map(CompletionCandidate::new).collect()
    };
    // The completer needs the whole list, not only its last name.
    argument.value_delimiter(None).add(ArgValueCompleter::new(candidates))
}

/// The values of a flag on a command line.
fn given(long: &str, words: &[OsString]) -> Vec<String> {
    let mut words = words.iter().filter_map(|word| word.to_str());
    let mut values = Vec::new();
    while let Some(word) = words.next() {
        match word.strip_prefix("--").and_then(|word| word.strip_prefix(long)) {
            Some("") => values.extend(words.next().map(str::to_owned)),
            Some(rest) => values.extend(rest.strip_prefix('=').map(str::to_owned)),
            None => {}
        }
    }
    values
}

/// The available themes, including the user's own.
fn themes() -> Vec<CompletionCandidate> {
    let options = ui::UiOptions {
        themes: config::folder().map(|folder| folder.join("themes")),
        ..ui::UiOptions::default()
    };
    ui::Ui::new(&options).0.theme_names().into_iter().map(CompletionCandidate::new).collect()
}

/// The headsets that the service of this command line sees; none if it does not answer in time.
fn headsets(words: &[OsString]) -> Vec<CompletionCandidate> {
    let found = || -> Result<Vec<Headset>> {
        let (service, display) = service(words);
        let env = |name: &str| std::env::var(name).ok();
        let sources = Sources { env: &env, file: config::file_path(), keyring: &|| None };
        let config = config::load(&service, &display, &sources)?;
        let service = ClientConfig::new("", "")
            .url(config.url)
            .ca_file(config.ca_file)
            .trusted(config.trusted)
            .insecure(config.insecure);
        console::block_on(async {
            Ok(tokio::time::timeout(PATIENCE, Client::query_headsets(&service)).await??)
        })
    };
    let headsets = found().unwrap_or_default().into_iter();
    headsets.map(|headset| CompletionCandidate::new(headset.id.to_string())).collect()
}

/// The service named by an incomplete command line.
fn service(words: &[OsString]) -> (ServiceArgs, DisplayArgs) {
    fn innermost(matches: &ArgMatches) -> &ArgMatches {
        matches.subcommand().map_or(matches, |(_, matches)| innermost(matches))
    }
    let Ok(matches) = Cli::command().ignore_errors(true).try_get_matches_from(words) else {
        return Default::default();
    };
    let own = innermost(&matches);
    let connection = ConnectionArgs::from_arg_matches(own).unwrap_or_default();
    let config = [own, &matches].into_iter().find_map(|own| own.get_one::<PathBuf>("config"));
    let common = CommonArgs { config: config.cloned(), ..CommonArgs::default() };
    (ServiceArgs::from(&connection), DisplayArgs { common, ..DisplayArgs::default() })
}

/// bash also splits words at = and :, so that `--streams=e` is three words, of which only the last is
/// replaced.
struct Bash;

/// Joins the words that belong together, and removes what bash leaves in place.
const BASH: &str = r#"_cortop() {
    local IFS=$'\013' line=${COMP_LINE:0:COMP_POINT} words=() i part rest
    for ((i = 0; i <= COMP_CWORD; i++)); do
        rest=${line#"${line%%[![:space:]]*}"}
        part=${COMP_WORDS[i]}
        ((i < COMP_CWORD)) || part=$rest
        if [[ ${#words[@]} -gt 0 && $rest == "$line" ]]; then
            words[${#words[@]}-1]+=$part
        else
            words+=("$part")
        fi
        line=${rest#"$part"}
    done
    local last=$((${#words[@]} - 1))
    COMPREPLY=($(_CLAP_IFS="$IFS" _CLAP_COMPLETE_INDEX=$last VAR=bash COMPLETER -- "${words[@]}"))
    COMPREPLY=("${COMPREPLY[@]#"${words[last]%"$2"}"}")
    if [[ ${#COMPREPLY[@]} == 1 && ${COMPREPLY[0]} == *[=/:] ]]; then
        compopt -o nospace 2>/dev/null
    fi
}
complete -o bashdefault -o nosort -F _cortop BIN 2>/dev/null || complete -o bashdefault -F _cortop BIN
"#;

impl EnvCompleter for Bash {
    fn name(&self) -> &'static str {
        env::Bash.name()
    }

    fn is(&self, name: &str) -> bool {
        env::Bash.is(name)
    }

    fn write_registration(
        &self,
        var: &str,
        _: &str,
        bin: &str,
        completer: &str,
        script: &mut dyn Write,
    ) -> io::Result<()> {
        let own = BASH.replace("VAR", var).replace("BIN", bin).replace("COMPLETER", completer);
        script.write_all(own.as_bytes())
    }

    fn write_complete(
        &self,
        command: &mut Command,
        words: Vec<OsString>,
        folder: Option<&Path>,
        answer: &mut dyn Write,
    ) -> io::Result<()> {
        env::Bash.write_complete(command, words, folder, answer)
    }
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum as _;

    use super::*;

    /// The candidates for the last word of a command line.
    fn offered(line: &str) -> Vec<String> {
        let words: Vec<OsString> = line.split(' ').map(Into::into).collect();
        let (mut command, last) = (completed(&words), words.len() - 1);
        let found = clap_complete::engine::complete(&mut command, words, last, None);
        let found = found.expect("completions").into_iter();
        found.map(|candidate| candidate.get_value().display().to_string()).collect()
    }

    #[test]
    fn each_shell_has_its_completions() {
        for shell in Shell::value_variants() {
            let script = completions(*shell).expect("a script");
            assert!(script.contains("cortop") && script.contains(COMPLETE), "{shell}: {script}");
        }
    }

    #[test]
    fn names_are_completed_and_those_of_a_list_offered_once() {
        assert_eq!(offered("cortop watch --streams m"), ["mot", "met"]);
        assert_eq!(offered("cortop watch --streams=e"), ["--streams=eeg", "--streams=eq"]);
        assert_eq!(offered("cortop record --streams eeg,p"), ["eeg,pow"]);
        assert_eq!(offered("cortop --streams eeg,mot,e"), ["eeg,mot,eq"]);
        assert_eq!(offered("cortop record --format e"), ["edf"]);
        assert_eq!(offered("cortop record --format csv,"), ["csv,edf", "csv,bdf", "csv,jsonl"]);
        assert_eq!(offered("cortop record --format=csv,e"), ["--format=csv,edf"]);
        assert_eq!(offered("cortop record --format=csv --format edf,"), ["edf,bdf", "edf,jsonl"]);
        assert_eq!(offered("cortop record --format csv,bdf --format "), ["edf", "jsonl"]);
        assert_eq!(offered("cortop --streams eeg --streams=e"), ["--streams=eq"]);
        assert_eq!(offered("cortop watch --format c"), ["csv"]);
        assert_eq!(offered("cortop sim --scopes "), ["eeg", "pm", "none"]);
        assert_eq!(offered("cortop sim --scopes eeg,"), ["eeg,pm"]);
        assert_eq!(offered("cortop --theme high"), ["high-contrast"]);
    }

    #[test]
    fn the_service_is_the_one_of_the_command_line_wherever_it_stands() {
        for line in [
            "cortop watch --url ws://localhost:9 --insecure --config c.toml --headset ",
            "cortop --config c.toml record --format csv --url=ws://localhost:9 --insecure --headset ",
            "cortop lsl --insecure --config c.toml --headset  --url ws://localhost:9",
            "cortop --insecure --config c.toml --url ws://localhost:9 --headset=",
            "cortop capture --insecure --config c.toml --url ws://localhost:9 --headset EP",
        ] {
            let (service, display) = service(&line.split(' ').map(Into::into).collect::<Vec<_>>());
            let connection = service.connection;
            assert_eq!(connection.url.as_deref(), Some("ws://localhost:9"), "{line}");
            assert!(connection.insecure, "{line}");
            assert_eq!(display.common.config, Some("c.toml".into()), "{line}");
        }
    }
}
