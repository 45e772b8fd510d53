//! The syntax tree of a query.

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Expression {
    Binary(Operator, Box<Self>, Box<Self>),
    Negative(Box<Self>),
    Text(String),
    Number(f64),
    Call(Function, Vec<Self>),
    /// From the document if absolute, otherwise from the context node.
    Path {
        absolute: bool,
        steps: Vec<PathStep>,
    },
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Operator {
    Or,
    And,
    Equal,
    Unequal,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    Plus,
    Minus,
    Times,
    Divided,
    Modulo,
    Union,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct PathStep {
    pub(super) axis: Axis,
    pub(super) test: Test,
    pub(super) predicates: Vec<Expression>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Axis {
    Child,
    Descendant,
    DescendantOrSelf,
    Itself,
    Parent,
    /// Attributes, which do not occur here.
    Attribute,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Test {
    Any,
    Text,
    Name(String),
}

/// The supported functions, by their `XPath` names.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Function {
    Boolean,
    Ceiling,
    Concat,
    Contains,
    Count,
    False,
    Floor,
    Last,
    Name,
    NormalizeSpace,
    Not,
    Number,
    Position,
    Round,
    StartsWith,
    String,
    StringLength,
    Substring,
    SubstringAfter,
    SubstringBefore,
    Sum,
    True,
}

impl Function {
    pub(super) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "boolean" => Self::Boolean,
            "ceiling" => Self::Ceiling,
            "concat" => Self::Concat,
            "contains" => Self::Contains,
            "count" => Self::Count,
            "false" => Self::False,
            "floor" => Self::Floor,
            "last" => Self::Last,
            "local-name" | "name" => Self::Name,
            "normalize-space" => Self::NormalizeSpace,
            "not" => Self::Not,
            "number" => Self::Number,
            "position" => Self::Position,
            "round" => Self::Round,
            "starts-with" => Self::StartsWith,
            "string" => Self::String,
            "string-length" => Self::StringLength,
            "substring" => Self::Substring,
            "substring-after" => Self::SubstringAfter,
            "substring-before" => Self::SubstringBefore,
            "sum" => Self::Sum,
            "true" => Self::True,
            _ => return None,
        })
    }
}
