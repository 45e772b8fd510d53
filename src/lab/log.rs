//! The log of all stations, and how far it is scrolled.

use jiff::Timestamp;

use super::Lab;

/// How many lines are kept; the oldest are dropped first.
pub(super) const MOST_LINES: usize = 1000;

/// A line of the log.
#[derive(Clone, Debug, PartialEq)]
pub struct LabLine {
    /// The time, by this computer's clock.
    pub at: Timestamp,
    /// Whether it reports a problem.
    pub is_problem: bool,
    /// The text.
    pub text: String,
}

impl Lab {
    pub(super) fn log_line(&mut self, is_problem: bool, text: String) {
        self.push(LabLine { at: self.now.wall, is_problem, text });
    }

    /// Adds a line. Lines that the user has scrolled to stay in place.
    pub(super) fn push(&mut self, line: LabLine) {
        if self.log.len() == MOST_LINES {
            self.log.pop_front();
        }
        self.log.push_back(line);
        if self.back > 0 {
            self.back = (self.back + 1).min(self.log.len() - 1);
        }
    }

    /// Scrolls to newer or older lines. At the end, the log follows new lines again.
    pub(super) fn scroll_log(&mut self, step: isize) {
        let oldest = self.log.len().saturating_sub(1);
        self.back = self.back.saturating_add_signed(step.saturating_neg()).min(oldest);
    }
}
