//! Reports problems on standard error, for commands that continue regardless.

use crate::console::print_error;

/// Reported once nothing prevents the service from sending data.
pub(super) const SERVICE_OVER: &str = "Cortex's data can be read again";

/// Reports each problem once, and its end.
#[derive(Debug, Default)]
pub(super) struct ProblemReporter {
    last: Option<String>,
}

impl ProblemReporter {
    /// Reports the current problem, or `over` when there is none any more.
    pub(super) fn report(&mut self, problem: Option<String>, over: &str) {
        match &problem {
            Some(problem) if self.last.as_ref() != Some(problem) => print_error(problem),
            None if self.last.is_some() => print_error(over),
            _ => {}
        }
        self.last = problem;
    }
}
