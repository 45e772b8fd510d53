//! The output of `cortop print` for man pages and the schema of stations. The rest is generated where its
//! table is.

use clap::{Command, CommandFactory as _};
use clap_mangen::Man;
use color_eyre::eyre::{Result, eyre};
use serde_json::Value;

use crate::cli::Cli;

/// The man page of cortop, or of one of its commands, as roff.
///
/// # Errors
/// There is no such command; the text lists the existing ones.
pub fn man(command: Option<&str>) -> Result<String> {
    let mut cortop = Cli::command();
    // Propagates global flags to the commands.
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
    fn man_page() {
        insta::assert_snapshot!(man(None).expect("a page"));
    }
}
