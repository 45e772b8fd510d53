//! Problems on standard error, for commands that go on whatever happens.

use crate::console::print_error;

/// Says what stands in the way; the same once, until it is over.
#[derive(Debug, Default)]
pub(super) struct ProblemReporter {
    last: Option<String>,
}

impl ProblemReporter {
    /// What stands in the way now, if anything does.
    pub(super) fn report(&mut self, problem: Option<String>) {
        if let Some(problem) = &problem
            && self.last.as_ref() != Some(problem)
        {
            print_error(problem);
        }
        self.last = problem;
    }
}
