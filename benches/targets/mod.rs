//! Figures with their targets. A bench fails if it misses the target of an exact figure, so that
//! `.ci/targets` can enforce it; a figure that depends on the machine, such as a time, is only printed.
//!
//! ```text
//! let mut targets = Targets::default();
//! targets.hold("a message", cost, cost.number(), "≤ 6700", 6700.0);
//! targets.outcome()
//! ```

use std::{fmt::Display, process::ExitCode};

/// The targets of a bench, and whether one was missed.
#[derive(Default)]
pub(crate) struct Targets {
    missed: bool,
}

impl Targets {
    /// Prints a figure with its target and records whether it is met: `figure` must not exceed `most`.
    pub(crate) fn hold(
        &mut self,
        what: impl Display,
        shown: impl Display,
        figure: f64,
        target: impl Display,
        most: f64,
    ) {
        let missed = figure > most;
        self.missed |= missed;
        let mark = if missed { ", MISSED" } else { "" };
        println!("{what}: {shown} (target {target}{mark})");
    }

    /// Fails the bench if a target was missed.
    pub(crate) fn outcome(self) -> ExitCode {
        if self.missed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
    }
}
