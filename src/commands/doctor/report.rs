//! What the doctor has found: a list that grows, is printed as it grows, and tells the exit status.

use std::{
    env,
    io::{self, IsTerminal as _},
};

use color_eyre::eyre::Result;
use crossterm::style::Stylize as _;
use serde::Serialize;

use crate::check::{Check, Trouble};
use crate::{commands::pretty, console::print, ui::wrap};
use cortop_client::sanitize::clean;

/// How a check went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Verdict {
    Pass,
    /// It cannot be told, or is fine for some purposes only.
    Unsure,
    Fail,
    /// What it depends on has failed, or it was left out on purpose.
    Skipped,
}

impl Verdict {
    fn name(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Unsure => "unsure",
            Self::Fail => "fail",
            Self::Skipped => "skipped",
        }
    }
}

/// One line of the report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Finding {
    pub(super) check: Check,
    pub(super) verdict: Verdict,
    /// What of it, such as a stream; may be empty.
    pub(super) about: String,
    pub(super) found: String,
    /// May be empty.
    pub(super) next: String,
}

impl Finding {
    pub(super) fn new(check: Check, verdict: Verdict, found: &str, next: &str) -> Self {
        let (found, next) = (found.to_owned(), next.to_owned());
        Self { check, verdict, about: String::new(), found, next }
    }

    pub(super) fn pass(check: Check, found: &str) -> Self {
        Self::new(check, Verdict::Pass, found, "")
    }

    pub(super) fn skipped(check: Check, why: &str) -> Self {
        Self::new(check, Verdict::Skipped, why, "")
    }

    pub(super) fn about(self, about: &str) -> Self {
        Self { about: about.to_owned(), ..self }
    }
}

impl From<Trouble> for Finding {
    fn from(trouble: Trouble) -> Self {
        Self::new(trouble.check, Verdict::Fail, &trouble.found, &trouble.next)
    }
}

/// How findings are printed as they come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    /// Not at all: JSON comes at the end.
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

/// What has been found so far.
#[derive(Debug)]
pub(super) struct Report {
    pub(super) findings: Vec<Finding>,
    style: Style,
    /// Columns of the terminal that is printed to.
    width: usize,
}

impl Report {
    /// `width`: columns of the terminal that is printed to; `None` where lines may be of any length.
    pub(super) fn new(style: Style, width: Option<u16>) -> Self {
        Self { findings: Vec::new(), style, width: width.map_or(usize::MAX, usize::from) }
    }

    /// Adds a finding and prints it.
    pub(super) fn add(&mut self, finding: Finding) -> Result<()> {
        match self.style {
            Style::Json => {}
            style => print(&lines(&finding, style == Style::Coloured, self.width))?,
        }
        self.findings.push(finding);
        Ok(())
    }

    /// The first check that has failed.
    pub(super) fn failed(&self) -> Option<Check> {
        let failed = |finding: &&Finding| finding.verdict == Verdict::Fail;
        self.findings.iter().filter(failed).map(|finding| finding.check).min()
    }

    /// Skips the checks that have not been looked at, and prints what comes at the end.
    pub(super) fn finish(&mut self) -> Result<u8> {
        let reason =
            self.failed().map_or("not reached".to_owned(), |check| format!("after {check}"));
        for check in Check::ALL {
            if !self.findings.iter().any(|finding| finding.check == check) {
                self.add(Finding::skipped(check, &reason))?;
            }
        }
        let exit = self.failed().map_or(0, Check::exit_code);
        if self.style == Style::Json {
            print(&self.json(exit)?)?;
        }
        Ok(exit)
    }

    fn json(&self, exit_status: u8) -> Result<String> {
        #[derive(Serialize)]
        struct Line<'a> {
            check: String,
            about: Option<&'a str>,
            result: Verdict,
            found: &'a str,
            next: Option<&'a str>,
        }
        #[derive(Serialize)]
        struct Whole<'a> {
            cortop: &'static str,
            exit_status: u8,
            checks: Vec<Line<'a>>,
        }
        fn told(text: &str) -> Option<&str> {
            (!text.is_empty()).then_some(text)
        }
        fn line(finding: &Finding) -> Line<'_> {
            Line {
                check: finding.check.to_string(),
                about: told(&finding.about),
                result: finding.verdict,
                found: &finding.found,
                next: told(&finding.next),
            }
        }
        let checks = self.findings.iter().map(line).collect();
        pretty(&Whole { cortop: env!("CARGO_PKG_VERSION"), exit_status, checks })
    }
}

/// Where the texts begin.
const INDENT: usize = 21;
/// Texts are not wrapped narrower than this.
const NARROWEST: usize = 20;

/// A finding for people: the word says all, the colour nothing more.
fn lines(finding: &Finding, coloured: bool, width: usize) -> String {
    let word = format!("{:<8}", finding.verdict.name());
    let word = match finding.verdict {
        _ if !coloured => word,
        Verdict::Pass => word.green().to_string(),
        Verdict::Unsure => word.yellow().to_string(),
        Verdict::Fail => word.red().bold().to_string(),
        Verdict::Skipped => word.dim().to_string(),
    };
    let about = if finding.about.is_empty() { "" } else { ": " };
    let found = clean(&format!("{}{about}{}", finding.about, finding.found));
    let width = width.saturating_sub(INDENT + 2).max(NARROWEST);
    let indent = " ".repeat(INDENT);
    let mut text = format!("{word}{:<12} ", finding.check);
    text.push_str(&wrap(&found, width).join(&format!("\n{indent}")));
    if !finding.next.is_empty() {
        let next = wrap(&clean(&finding.next), width).join(&format!("\n{indent}  "));
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
        assert_eq!(report.failed(), None);
        for (check, verdict) in [
            (Check::Terminal, Verdict::Unsure),
            (Check::Loss, Verdict::Fail),
            (Check::Samples, Verdict::Fail),
            (Check::Login, Verdict::Skipped),
        ] {
            report.add(Finding::new(check, verdict, "", "")).expect("added");
        }
        assert_eq!(report.failed(), Some(Check::Samples));
    }

    #[test]
    fn a_line_has_its_word_without_colour_and_no_control_character() {
        let finding = Finding::new(Check::Tls, Verdict::Fail, "a\u{1b}[2Jb", "mend it").about("x");
        let text = lines(&finding, false, usize::MAX);
        assert_eq!(text, "fail    tls          x: a\u{fffd}[2Jb\n                     → mend it\n");
        assert!(lines(&finding, true, 80).contains("fail"));
        let long =
            Finding::new(Check::Loss, Verdict::Fail, &"word ".repeat(30), &"next ".repeat(30));
        assert!(lines(&long, false, 60).lines().all(|line| line.chars().count() <= 60));
    }
}
