//! The queries by which receivers look for streams: the part of `XPath` 1.0 that speaks of elements
//! (paths, positions, comparisons, arithmetic, the common functions), evaluated on a stream's
//! information. A query comes from anybody on the network, so its length, its depth and the work it
//! may cause are bounded; one that is not understood matches nothing.

mod evaluation;
mod expression;
mod parser;
#[cfg(test)]
mod tests;

use self::expression::Expression;
use crate::Element;

/// Bytes of the longest query that is looked at.
const LONGEST: usize = 4096;

/// A query that was understood.
#[derive(Clone, Debug, PartialEq)]
pub struct Query(Option<Expression>);

impl Query {
    /// Reads a query. `None` if it is not understood, or too long or too deep.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if text.trim().is_empty() {
            return Some(Self(None));
        }
        if text.len() > LONGEST {
            return None;
        }
        parser::parse(text).map(|expression| Self(Some(expression)))
    }

    /// Whether a stream's information, the element `info`, is what is looked for. The empty query
    /// matches all.
    #[must_use]
    pub fn matches(&self, info: &Element) -> bool {
        self.0.as_ref().is_none_or(|own| evaluation::is_true_of(info, own))
    }
}
