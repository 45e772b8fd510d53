//! The doctor's findings: a list that is printed as it grows and decides the exit status.

use std::{
    env,
    io::{self, IsTerminal as _},
};

use color_eyre::eyre::Result;
use crossterm::style::Stylize as _;
use serde::Serialize;
use strum::VariantArray as _;

use crate::stage::{Failure, Stage};
use crate::{commands::pretty, console::print, ui::wrap};
use cortop_client::sanitize::clean;

/// The result of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, strum::Display)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
pub(super) enum Verdict {
    Pass,
    /// Unknown, or good enough for some purposes only.
    #[serde(rename = "unsure")]
    Warning,
    Fail,
    /// Depends on a check that failed, or was omitted on purpose.
    Skipped,
}

/// A line of the report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Diagnosis {
    pub(super) stage: Stage,
    pub(super) verdict: Verdict,
    /// The part that was checked, such as a stream; may be empty.
    pub(super) about: String,
    pub(super) found: String,
    /// May be empty.
    pub(super) next: String,
    /// The command that fixes it, if there is one.
    pub(super) command: Option<String>,
}

impl Diagnosis {
    pub(super) fn new(stage: Stage, verdict: Verdict, found: &str, next: &str) -> Self {
        let (found, next) = (found.to_owned(), next.to_owned());
        Self { stage, verdict, about: String::new(), found, next, command: None }
    }

    pub(super) fn pass(stage: Stage, found: &str) -> Self {
        Self::new(stage, Verdict::Pass, found, "")
    }

    pub(super) fn skipped(stage: Stage, why: &str) -> Self {
        Self::new(stage, Verdict::Skipped, why, "")
    }

    pub(super) fn about(self, about: &str) -> Self {
        Self { about: about.to_owned(), ..self }
    }

    /// The command that fixes it, else what to do in words.
    fn step(&self) -> Option<&str> {
        self.command.as_deref().or(Some(&self.next)).filter(|step| !step.is_empty())
    }

    pub(super) fn fixed_by(self, command: impl Into<Option<String>>) -> Self {
        Self { command: command.into(), ..self }
    }
}

impl From<Failure> for Diagnosis {
    fn from(failure: Failure) -> Self {
        Self::new(failure.stage, Verdict::Fail, &failure.found, &failure.next)
    }
}

/// The output format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    /// As one JSON object at the end.
    Json,
    Plain,
    Coloured,
}

impl Style {
    pub(super) fn choose(json: bool) -> Self {
        let coloured = io::stdout().is_terminal()
            && env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        match (json, coloured) {
            (true, _) => Self::Json,
            (false, true) => Self::Coloured,
            (false, false) => Self::Plain,
        }
    }
}

/// The findings so far.
#[derive(Debug)]
pub(super) struct Report {
    pub(super) diagnoses: Vec<Diagnosis>,
    style: Style,
    /// Columns of the output terminal.
    width: usize,
}

impl Report {
    /// `width`: columns of the output terminal; `None` for unlimited lines.
    pub(super) fn new(style: Style, width: Option<u16>) -> Self {
        Self { diagnoses: Vec::new(), style, width: width.map_or(usize::MAX, usize::from) }
    }

    /// Adds a diagnosis and prints it.
    pub(super) fn add(&mut self, diagnosis: Diagnosis) -> Result<()> {
        match self.style {
            Style::Json => {}
            style => print(&lines(&diagnosis, style == Style::Coloured, self.width))?,
        }
        self.diagnoses.push(diagnosis);
        Ok(())
    }

    /// The first failure, in the order of the stages.
    pub(super) fn failed(&self) -> Option<&Diagnosis> {
        let failed = |diagnosis: &&Diagnosis| diagnosis.verdict == Verdict::Fail;
        self.diagnoses.iter().filter(failed).min_by_key(|diagnosis| diagnosis.stage)
    }

    /// What to do first: about the first failure, else about the first warning with a next step, where the
    /// terminal, which only decides what the screen looks like, comes last.
    fn first_step(&self) -> Option<&str> {
        let warned = || {
            let warned = |one: &&Diagnosis| one.verdict == Verdict::Warning && one.step().is_some();
            let warnings = self.diagnoses.iter().filter(warned);
            warnings.min_by_key(|warning| (warning.stage == Stage::Terminal, warning.stage))
        };
        self.failed().or_else(warned)?.step()
    }

    /// Reports the remaining stages as skipped, and what to do first; returns the exit status.
    pub(super) fn finish(&mut self) -> Result<u8> {
        let failed = self.failed().cloned();
        let reason = failed
            .as_ref()
            .map_or("not reached".to_owned(), |failed| format!("after {}", failed.stage));
        for &stage in Stage::VARIANTS {
            if !self.diagnoses.iter().any(|diagnosis| diagnosis.stage == stage) {
                self.add(Diagnosis::skipped(stage, &reason))?;
            }
        }
        let exit = failed.as_ref().map_or(0, |failed| failed.stage.exit_code());
        match (self.style, self.first_step()) {
            (Style::Json, _) => print(&self.json(exit)?)?,
            (_, Some(step)) => print(&format!("\nNext: {}\n", clean(step)))?,
            (_, None) => {}
        }
        Ok(exit)
    }

    fn json(&self, exit_status: u8) -> Result<String> {
        #[derive(Serialize)]
        struct JsonCheck<'a> {
            check: String,
            about: Option<&'a str>,
            result: Verdict,
            found: &'a str,
            next: Option<&'a str>,
            command: Option<&'a str>,
        }
        #[derive(Serialize)]
        struct JsonReport<'a> {
            cortop: &'static str,
            exit_status: u8,
            checks: Vec<JsonCheck<'a>>,
        }
        fn nonempty(text: &str) -> Option<&str> {
            (!text.is_empty()).then_some(text)
        }
        fn line(diagnosis: &Diagnosis) -> JsonCheck<'_> {
            JsonCheck {
                check: diagnosis.stage.to_string(),
                about: nonempty(&diagnosis.about),
                result: diagnosis.verdict,
                found: &diagnosis.found,
                next: nonempty(&diagnosis.next),
                command: diagnosis.command.as_deref(),
            }
        }
        let checks = self.diagnoses.iter().map(line).collect();
        pretty(&JsonReport { cortop: env!("CARGO_PKG_VERSION"), exit_status, checks })
    }
}

/// The column where texts begin.
const INDENT: usize = 21;
/// Minimum width for wrapping.
const NARROWEST: usize = 20;

/// A diagnosis as text. The colour only repeats the word.
fn lines(diagnosis: &Diagnosis, coloured: bool, width: usize) -> String {
    let word = format!("{:<8}", diagnosis.verdict);
    let word = match diagnosis.verdict {
        _ if !coloured => word,
        Verdict::Pass => word.green().to_string(),
        Verdict::Warning => word.yellow().to_string(),
        Verdict::Fail => word.red().bold().to_string(),
        Verdict::Skipped => word.dim().to_string(),
    };
    let about = if diagnosis.about.is_empty() { "" } else { ": " };
    let found = clean(&format!("{}{about}{}", diagnosis.about, diagnosis.found));
    let width = width.saturating_sub(INDENT + 2).max(NARROWEST);
    let indent = " ".repeat(INDENT);
    let mut text = format!("{word}{:<12} ", diagnosis.stage);
    text.push_str(&wrap(&found, width).join(&format!("\n{indent}")));
    if !diagnosis.next.is_empty() {
        let next = wrap(&clean(&diagnosis.next), width).join(&format!("\n{indent}  "));
        text += "\n";
        text += &indent;
        text += "→ ";
        text += &next;
    }
    text + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_failing_check_counts_in_the_order_of_the_checks() {
        let mut report = Report::new(Style::Json, None);
        assert_eq!(report.failed().map(|failed| failed.stage), None);
        for (stage, verdict) in [
            (Stage::Terminal, Verdict::Warning),
            (Stage::Loss, Verdict::Fail),
            (Stage::Samples, Verdict::Fail),
            (Stage::Login, Verdict::Skipped),
        ] {
            report.add(Diagnosis::new(stage, verdict, "", "")).expect("added");
        }
        assert_eq!(report.failed().map(|failed| failed.stage), Some(Stage::Samples));
    }

    #[test]
    fn a_failure_comes_before_warnings_and_the_looks_of_the_screen_come_last() {
        let mut report = Report::new(Style::Json, None);
        for (stage, verdict, next) in [
            (Stage::Loss, Verdict::Warning, "closer"),
            (Stage::Terminal, Verdict::Warning, "another terminal"),
            (Stage::Login, Verdict::Warning, ""),
            (Stage::Clock, Verdict::Fail, "set it"),
        ] {
            report.add(Diagnosis::new(stage, verdict, "", next)).expect("added");
        }
        assert_eq!(report.first_step(), Some("set it"));
        report.diagnoses.pop();
        assert_eq!(report.first_step(), Some("closer"));
        report.diagnoses.remove(0);
        assert_eq!(report.first_step(), Some("another terminal"));
        report.diagnoses.remove(0);
        assert_eq!(report.first_step(), None);
    }

    #[test]
    fn a_line_has_its_word_without_colour_and_no_control_character() {
        let diagnosis =
            Diagnosis::new(Stage::Tls, Verdict::Fail, "a\u{1b}[2Jb", "fix it").about("x");
        let text = lines(&diagnosis, false, usize::MAX);
        assert_eq!(text, "fail    tls          x: a\u{fffd}[2Jb\n                     → fix it\n");
        assert!(lines(&diagnosis, true, 80).contains("fail"));
        let long =
            Diagnosis::new(Stage::Loss, Verdict::Fail, &"word ".repeat(30), &"next ".repeat(30));
        assert!(lines(&long, false, 60).lines().all(|line| line.chars().count() <= 60));
    }
}
