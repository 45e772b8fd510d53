//! The log of all stations, and what is seen of it.

use jiff::Timestamp;

use super::Lab;

/// Lines of the log that are kept; the oldest go first.
pub(super) const MOST_LINES: usize = 1000;

/// A line of the log.
#[derive(Clone, Debug, PartialEq)]
pub struct LabLine {
    /// When, by this computer's clock.
    pub at: Timestamp,
    /// Whether something is wrong.
    pub is_problem: bool,
    /// In words.
    pub text: String,
}

impl Lab {
    pub(super) fn log_line(&mut self, is_problem: bool, text: String) {
        self.push(LabLine { at: self.now.wall, is_problem, text });
    }

    /// Adds a line; what is being read stays where it is.
    pub(super) fn push(&mut self, line: LabLine) {
        if self.log.len() == MOST_LINES {
            self.log.pop_front();
        }
        self.log.push_back(line);
        if self.back > 0 {
            self.back = (self.back + 1).min(self.log.len() - 1);
        }
    }

    /// Shows lines further on, or further back; at the end it goes on with what comes.
    pub(super) fn scroll_log(&mut self, step: isize) {
        let oldest = self.log.len().saturating_sub(1);
        self.back = self.back.saturating_add_signed(step.saturating_neg()).min(oldest);
    }
}
