//! Problems on standard error, for commands that go on whatever happens.

use crate::console::print_error;

/// Said once nothing stands between the service and what it sends.
pub(super) const SERVICE_OVER: &str = "nothing stands in the way of Cortex's data any more";

/// Says what stands in the way, the same once, and that it is over.
#[derive(Debug, Default)]
pub(super) struct ProblemReporter {
    last: Option<String>,
}

impl ProblemReporter {
    /// What stands in the way now, if anything does; `over` is said when nothing does any more.
    pub(super) fn report(&mut self, problem: Option<String>, over: &str) {
        match &problem {
            Some(problem) if self.last.as_ref() != Some(problem) => print_error(problem),
            None if self.last.is_some() => print_error(over),
            _ => {}
        }
        self.last = problem;
    }
}
