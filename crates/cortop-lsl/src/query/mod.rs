//! The queries with which receivers look for streams: the part of `XPath` 1.0 that concerns
//! elements (paths, positions, comparisons, arithmetic, the common functions), evaluated on a
//! stream's information. Queries come from anybody on the network, so their length, their depth and
//! the work that they may cause are limited; an unsupported query matches nothing.

mod evaluation;
mod expression;
mod parser;
#[cfg(test)]
mod tests;

use self::expression::Expression;
use crate::Element;

/// The longest query that is evaluated, in bytes.
const LONGEST: usize = 4096;

/// A parsed query.
#[derive(Clone, Debug, PartialEq)]
pub struct Query(Option<Expression>);

impl Query {
    /// Parses a query. `None` if it is not supported, too long or too deep.
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

    /// Whether a stream's information, the element `info`, matches. The empty query matches
    /// everything.
    #[must_use]
    pub fn matches(&self, info: &Element) -> bool {
        self.0.as_ref().is_none_or(|own| evaluation::is_true_of(info, own))
    }
}
