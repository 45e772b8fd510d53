//! Checks the terminal and the settings, which need no service.

use std::path::Path;

use color_eyre::eyre::Report;

use super::report::{Diagnosis, Verdict};
use crate::{
    config::{self, Config, ConfigWarning, InvalidFile},
    stage::Stage,
    terminal::probe::Answers,
    ui,
};
use cortop_client::Error;

/// The size at which every pane fits.
const WHOLE: (u16, u16) = (80, 24);

/// What is known of the terminal.
#[derive(Debug, Default)]
pub(super) struct Terminal {
    /// Columns and rows.
    pub(super) size: Option<(u16, u16)>,
    /// Its answers to the queries.
    pub(super) answers: Answers,
}

/// Judges the terminal, `None` if there is none. `env` looks up an environment variable.
pub(super) fn terminal(
    terminal: Option<&Terminal>,
    env: &dyn Fn(&str) -> Option<String>,
) -> Vec<Diagnosis> {
    let Some(terminal) = terminal else {
        let found = "input or output is no terminal: the monitor needs one, cortop watch does not";
        return vec![Diagnosis::new(Stage::Terminal, Verdict::Warning, found, "")];
    };
    let env = |name: &str| env(name).filter(|value| !value.is_empty());
    let diagnosis =
        |verdict, found: &str, next: &str| Diagnosis::new(Stage::Terminal, verdict, found, next);
    let size = match terminal.size {
        None => diagnosis(Verdict::Warning, "it does not report its size", ""),
        Some((columns, rows)) => {
            let found = format!("{columns}×{rows}");
            let (least, whole) = (ui::SMALLEST, WHOLE);
            if columns < least.0 || rows < least.1 {
                let next = format!("make it {}×{} at least", whole.0, whole.1);
                diagnosis(Verdict::Fail, &found, &next)
            } else if columns < whole.0 || rows < whole.1 {
                let next = format!("at {}×{} all panes are seen", whole.0, whole.1);
                diagnosis(Verdict::Warning, &found, &next)
            } else {
                diagnosis(Verdict::Pass, &found, "")
            }
        }
    };
    let term = env("TERM").unwrap_or_default();
    let direct = env("COLORTERM").is_some_and(|value| value == "truecolor" || value == "24bit");
    let colours = if matches!(term.as_str(), "" | "dumb") {
        let found = format!("TERM is \"{term}\", which can neither move the cursor nor colour");
        diagnosis(Verdict::Fail, &found, "use another terminal, or set TERM to what it is")
    } else if env("NO_COLOR").is_some() {
        diagnosis(Verdict::Pass, "none, as NO_COLOR says", "")
    } else if direct {
        diagnosis(Verdict::Pass, "24 bit", "")
    } else if term.contains("256color") {
        diagnosis(Verdict::Pass, "256", "")
    } else {
        diagnosis(Verdict::Pass, "16, enough for the themes ansi, light and mono", "")
    };
    let characters = if term == "linux" {
        let found = "the console's font lacks braille and symbols: all is drawn in ASCII";
        diagnosis(Verdict::Warning, found, "use a terminal emulator, or ssh from one")
    } else if terminal.answers.wide == Some(true) {
        let found = "characters of ambiguous width (●) take two cells: all is drawn in ASCII";
        diagnosis(Verdict::Warning, found, "let the terminal draw ambiguous characters narrow")
    } else if config::utf8(&env) {
        diagnosis(Verdict::Pass, "UTF-8", "")
    } else {
        let found = "the locale is not UTF-8: traces are drawn in ASCII";
        diagnosis(Verdict::Warning, found, "set LANG to one that is, such as C.UTF-8")
    };
    let frames = match terminal.answers.synchronized {
        Some(true) => diagnosis(Verdict::Pass, "synchronized output is supported", ""),
        Some(false) => {
            let found = "synchronized output is not supported";
            diagnosis(Verdict::Warning, found, "if frames tear, use a newer terminal or --fps 5")
        }
        None => {
            let found = "the terminal does not say whether it draws them whole";
            diagnosis(Verdict::Warning, found, "if frames tear, use a newer terminal or --fps 5")
        }
    };
    vec![
        size.about("size"),
        colours.about("colours"),
        characters.about("characters"),
        frames.about("frames"),
    ]
}

/// Judges what prevents the settings from being used.
pub(super) fn invalid(error: &Report) -> Diagnosis {
    let (found, next) = if let Some(invalid) = error.downcast_ref::<InvalidFile>() {
        (invalid.sentence(), "fix it, or compare with `cortop print config`".to_owned())
    } else if let Some(error) = error.downcast_ref::<Error>() {
        (error.headline(), error.next.to_string())
    } else {
        // The other ones are written as `what is wrong; next step`, with the system's reason as cause.
        let text = error.to_string();
        let (found, next) = text.split_once("; ").unwrap_or((&text, "see `cortop --help`"));
        let cause = error.chain().nth(1).map(|cause| format!(" ({cause})")).unwrap_or_default();
        (format!("{found}{cause}"), next.to_owned())
    };
    Diagnosis::new(Stage::Config, Verdict::Fail, &found.replace('\n', " "), &next)
}

/// Judges what is wrong in a file that is used nevertheless.
fn warned(warning: &ConfigWarning) -> Diagnosis {
    if warning.exposes_secret {
        Diagnosis::new(Stage::Config, Verdict::Fail, &warning.found, &warning.next)
    } else {
        let found = format!("{}: it is ignored", warning.found);
        let next = format!("correct the setting: {}", warning.next);
        Diagnosis::new(Stage::Config, Verdict::Warning, &found, &next)
    }
}

/// Judges the settings read from `file`, or reports why there are none.
pub(super) fn settings(config: &Config, file: Option<&Path>) -> Vec<Diagnosis> {
    let mut diagnoses: Vec<Diagnosis> = config.warnings.iter().map(warned).collect();
    if diagnoses.is_empty() {
        diagnoses.push(Diagnosis::pass(
            Stage::Config,
            &match file {
                Some(file) if file.exists() => {
                    // Only Unix has permissions that cortop can check.
                    let others =
                        if cfg!(unix) { "" } else { "; who reads it cannot be checked here" };
                    format!("{} is valid{others}", file.display())
                }
                Some(file) => format!("no file {}: using the built-in defaults", file.display()),
                None => {
                    "no place for a file on this system: using the built-in defaults".to_owned()
                }
            },
        ));
    }
    diagnoses
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The verdicts on size, colours, characters and frames.
    fn verdicts(own: &Terminal, env: &[(&str, &str)]) -> Vec<Verdict> {
        let env = |name: &str| {
            env.iter().find(|(own, _)| *own == name).map(|(_, value)| (*value).to_owned())
        };
        terminal(Some(own), &env).iter().map(|diagnosis| diagnosis.verdict).collect()
    }

    #[test]
    fn each_part_of_the_terminal_is_judged_by_itself() {
        use Verdict::{Fail, Pass, Warning};
        let good = [("TERM", "xterm-256color"), ("LANG", "C.UTF-8")];
        let own = |size, synchronized| Terminal {
            size: Some(size),
            answers: Answers { synchronized, ..Answers::default() },
        };
        assert_eq!(verdicts(&own((80, 24), Some(true)), &good), [Pass; 4]);
        assert_eq!(verdicts(&own((79, 24), Some(false)), &good), [Warning, Pass, Pass, Warning]);
        assert_eq!(verdicts(&own((10, 24), None), &good), [Fail, Pass, Pass, Warning]);
        assert_eq!(verdicts(&own((80, 24), Some(true)), &[]), [Pass, Fail, Warning, Pass]);
        let console = [("TERM", "linux"), ("LANG", "C.UTF-8")];
        assert_eq!(verdicts(&own((80, 24), Some(true)), &console), [Pass, Pass, Warning, Pass]);
        let mut wide = own((80, 24), Some(true));
        wide.answers.wide = Some(true);
        assert_eq!(verdicts(&wide, &good), [Pass, Pass, Warning, Pass]);
        let none = terminal(None, &|_| None);
        assert!(matches!(none.as_slice(), [one] if one.verdict == Warning));
    }
}
