//! What `cortop print` prints: man pages, completions, and the table of keys. The config file, its
//! schema and the theme are written where their tables are.

use std::{fmt::Write as _, time::Duration};

use clap::{Command, CommandFactory as _};
use clap_complete::{
    CompletionCandidate,
    env::{CompleteEnv, Shells},
};
use clap_mangen::Man;
use color_eyre::eyre::{Result, eyre};

use super::{
    Listing,
    list::{self, Found},
};
use crate::{
    app::{Keymap, section_name, sections},
    cli::{Cli, ConnectionArgs, DisplayArgs, ServiceArgs},
    config::{self, Config, Sources},
    ui,
};

/// The shell asks the program itself, with this set in its environment: it alone knows the headsets.
const COMPLETE: &str = "COMPLETE";

/// How long a shell waits for names of headsets.
const PATIENCE: Duration = Duration::from_secs(1);

/// Answers a shell that completes a command line, and ends then; does nothing otherwise.
pub fn complete() {
    CompleteEnv::with_factory(Cli::command).var(COMPLETE).complete();
}

/// The script that has `shell` complete cortop's command lines.
///
/// # Errors
/// The shell is not known; the text names those that are.
pub fn completions(shell: &str) -> Result<String> {
    let shells = Shells::builtins();
    let completer = shells
        .completer(shell)
        .ok_or_else(|| eyre!("there are completions for {}", names(&shells).join(", ")))?;
    let mut script = Vec::new();
    completer.write_registration(COMPLETE, "cortop", "cortop", "cortop", &mut script)?;
    Ok(String::from_utf8(script)?)
}

/// The shells that can be completed for.
#[must_use]
pub fn shells() -> Vec<&'static str> {
    names(&Shells::builtins())
}

fn names(shells: &Shells<'static>) -> Vec<&'static str> {
    shells.iter().map(clap_complete::env::EnvCompleter::name).collect()
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
    Man::new(page).render(&mut roff)?;
    Ok(String::from_utf8(roff)?)
}

/// The keys in force, as a Markdown table.
#[must_use]
pub fn keys(keymap: &Keymap) -> String {
    let mut table = String::from("| where | keys | what |\n| --- | --- | --- |\n");
    for pane in sections() {
        for (binding, keys) in keymap.rows() {
            if binding.pane == pane && !keys.is_empty() {
                let keys: Vec<String> = keys.iter().map(|key| format!("`{key}`")).collect();
                let place = section_name(pane);
                // Writing to a String cannot fail.
                let _ = writeln!(table, "| {place} | {} | {} |", keys.join(" "), binding.help);
            }
        }
    }
    table
}

/// The themes that there are, the user's own included.
pub(crate) fn themes() -> Vec<CompletionCandidate> {
    let options = ui::UiOptions {
        themes: config::folder().map(|folder| folder.join("themes")),
        ..ui::UiOptions::default()
    };
    ui::Ui::new(&options).0.theme_names().into_iter().map(CompletionCandidate::new).collect()
}

/// The headsets that the service sees; none where it does not answer in time.
pub(crate) fn headsets() -> Vec<CompletionCandidate> {
    let found = || -> Result<Found> {
        let env = |name: &str| std::env::var(name).ok();
        let only = ServiceArgs { connection: ConnectionArgs::default(), ..ServiceArgs::default() };
        let file = config::file_path();
        let config = config::load(&only, &DisplayArgs::default(), &Sources { env: &env, file })?;
        // Whatever the file says: a completion never debits.
        let service = Config { debit: None, ..config }.client()?;
        crate::console::block_on(async {
            let answer = tokio::time::timeout(PATIENCE, list::fetch(Listing::Headsets, service));
            answer.await?.map_err(|failure| eyre!("{failure}"))
        })
    };
    match found() {
        Ok(Found::Headsets(headsets)) => headsets
            .into_iter()
            .map(|headset| CompletionCandidate::new(headset.id.to_string()))
            .collect(),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_command_has_a_man_page_with_its_flags() {
        let mut cortop = Cli::command();
        cortop.build();
        for command in cortop.get_subcommands() {
            let name = command.get_name();
            let page = man(Some(name)).expect("a page").replace("\\-", "-");
            assert!(page.contains(&format!(".TH cortop-{name} 1")), "{page}");
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
        for shell in shells() {
            let script = completions(shell).expect("a script");
            assert!(script.contains("cortop") && script.contains(COMPLETE), "{shell}: {script}");
        }
    }

    #[test]
    fn man_page() {
        insta::assert_snapshot!(man(None).expect("a page"));
    }
}
