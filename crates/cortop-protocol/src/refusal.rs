//! A refusal: the one error type for everything that Cortex, or this program, answered with a no.

use std::fmt;

/// A refused or unanswered request, with the next step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The method asked for.
    pub method: String,
    /// Cortex's code, if it answered.
    pub code: Option<i64>,
    /// Cortex's text, or ours if it did not answer.
    pub message: String,
    /// One sentence of ours: what to do now.
    pub next: String,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.method)?;
        if let Some(code) = self.code {
            write!(f, " {code}")?;
        }
        write!(f, ": {}", self.message)?;
        if !self.next.is_empty() {
            write!(f, " → {}", self.next)?;
        }
        Ok(())
    }
}

impl Refusal {
    /// A refusal of this program, without a code.
    #[must_use]
    pub fn own(method: &str, message: &str, next: &str) -> Self {
        Self {
            method: method.to_owned(),
            code: None,
            message: message.to_owned(),
            next: next.to_owned(),
        }
    }
}
