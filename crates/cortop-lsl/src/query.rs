//! The queries by which receivers look for streams: the part of `XPath` 1.0 that speaks of elements
//! (paths, positions, comparisons, arithmetic, the common functions), evaluated on a stream's
//! information. A query comes from anybody on the network, so its length, its depth and the work it
//! may cause are bounded; one that is not understood matches nothing.

use std::{borrow::Cow, cell::Cell, cmp::Ordering};

use crate::Element;

/// Bytes of the longest query that is looked at.
const LONGEST: usize = 4096;
/// How deep parentheses, predicates and calls may nest.
const DEEPEST: usize = 24;
/// Elements visited, and bytes of text put together, for one query.
const WORK: usize = 200_000;

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
        let mut parser = Parser { rest: text, depth: 0 };
        let expression = parser.or()?;
        parser.skip_space();
        parser.rest.is_empty().then_some(Self(Some(expression)))
    }

    /// Whether a stream's information, the element `info`, is what is looked for. The empty query
    /// matches all.
    #[must_use]
    pub fn matches(&self, info: &Element) -> bool {
        let Some(expression) = &self.0 else { return true };
        let tree = Tree::of(info);
        let evaluation = Evaluation { tree: &tree, work: Cell::new(WORK) };
        let context = EvaluationContext { node: 1, position: 1, size: 1 };
        evaluation.value(expression, context).is_some_and(|value| truth(&value))
    }
}

#[derive(Clone, Debug, PartialEq)]
enum Expression {
    Binary(Operator, Box<Self>, Box<Self>),
    Negative(Box<Self>),
    Text(String),
    Number(f64),
    Call(Function, Vec<Self>),
    /// From the document if absolute, else from where the query stands.
    Path {
        absolute: bool,
        steps: Vec<Step>,
    },
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Operator {
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
struct Step {
    axis: Axis,
    test: Test,
    predicates: Vec<Expression>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Axis {
    Child,
    Descendant,
    DescendantOrSelf,
    Itself,
    Parent,
    /// Attributes, of which there are none.
    Attribute,
}

#[derive(Clone, Debug, PartialEq)]
enum Test {
    Any,
    Text,
    Name(String),
}

/// The functions that are known, by the names that `XPath` gives them.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Function {
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
    fn named(name: &str) -> Option<Self> {
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

/// Reads from the front of a text.
struct Parser<'a> {
    rest: &'a str,
    depth: usize,
}

impl<'a> Parser<'a> {
    fn skip_space(&mut self) {
        self.rest = self.rest.trim_start();
    }

    /// Takes a symbol if it comes next.
    fn take(&mut self, symbol: &str) -> bool {
        self.skip_space();
        let rest = self.rest.strip_prefix(symbol);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    /// Takes a word if it comes next as a whole.
    fn take_word(&mut self, word: &str) -> bool {
        self.skip_space();
        let is_next = self.word().is_some_and(|next| next == word);
        if is_next {
            self.rest = &self.rest[word.len()..];
        }
        is_next
    }

    /// The name that comes next, without taking it.
    fn word(&self) -> Option<&'a str> {
        let first = self.rest.chars().next()?;
        if !(first.is_alphabetic() || first == '_') {
            return None;
        }
        let is_part = |char: char| char.is_alphanumeric() || matches!(char, '_' | '-' | '.');
        let end = self.rest.find(|char| !is_part(char)).unwrap_or(self.rest.len());
        Some(&self.rest[..end])
    }

    /// One level deeper, unless that is too deep.
    fn deeper<T>(&mut self, read: impl FnOnce(&mut Self) -> Option<T>) -> Option<T> {
        if self.depth == DEEPEST {
            return None;
        }
        self.depth += 1;
        let found = read(self);
        self.depth -= 1;
        found
    }

    /// Operands joined from the left by operators of the same strength.
    fn joined(
        &mut self,
        operand: fn(&mut Self) -> Option<Expression>,
        operator: fn(&mut Self) -> Option<Operator>,
    ) -> Option<Expression> {
        let mut left = operand(self)?;
        let mut joined = 0;
        while let Some(operator) = operator(self) {
            joined += 1;
            if joined > 256 {
                return None;
            }
            let right = operand(self)?;
            left = Expression::Binary(operator, Box::new(left), Box::new(right));
        }
        Some(left)
    }

    fn or(&mut self) -> Option<Expression> {
        self.deeper(|parser| {
            parser.joined(Self::and, |parser| parser.take_word("or").then_some(Operator::Or))
        })
    }

    fn and(&mut self) -> Option<Expression> {
        self.joined(Self::equality, |parser| parser.take_word("and").then_some(Operator::And))
    }

    fn equality(&mut self) -> Option<Expression> {
        self.joined(Self::relation, |parser| {
            if parser.take("!=") {
                Some(Operator::Unequal)
            } else {
                parser.take("=").then_some(Operator::Equal)
            }
        })
    }

    fn relation(&mut self) -> Option<Expression> {
        self.joined(Self::sum, |parser| {
            [
                ("<=", Operator::LessEqual),
                (">=", Operator::GreaterEqual),
                ("<", Operator::Less),
                (">", Operator::Greater),
            ]
            .into_iter()
            .find_map(|(symbol, operator)| parser.take(symbol).then_some(operator))
        })
    }

    fn sum(&mut self) -> Option<Expression> {
        self.joined(Self::product, |parser| {
            if parser.take("+") {
                Some(Operator::Plus)
            } else {
                parser.take("-").then_some(Operator::Minus)
            }
        })
    }

    fn product(&mut self) -> Option<Expression> {
        self.joined(Self::negated, |parser| {
            if parser.take("*") {
                Some(Operator::Times)
            } else if parser.take_word("div") {
                Some(Operator::Divided)
            } else {
                parser.take_word("mod").then_some(Operator::Modulo)
            }
        })
    }

    fn negated(&mut self) -> Option<Expression> {
        if self.take("-") {
            return self.deeper(|parser| Some(Expression::Negative(Box::new(parser.negated()?))));
        }
        self.joined(Self::primary, |parser| parser.take("|").then_some(Operator::Union))
    }

    fn primary(&mut self) -> Option<Expression> {
        if self.take("(") {
            let inner = self.or()?;
            return self.take(")").then_some(inner);
        }
        for quote in ['"', '\''] {
            if let Some(rest) = self.rest.strip_prefix(quote) {
                let (text, rest) = rest.split_once(quote)?;
                self.rest = rest;
                return Some(Expression::Text(text.to_owned()));
            }
        }
        let is_digit = |char: char| char.is_ascii_digit() || char == '.';
        let end = self.rest.find(|char| !is_digit(char)).unwrap_or(self.rest.len());
        if let Ok(number) = self.rest[..end].parse() {
            self.rest = &self.rest[end..];
            return Some(Expression::Number(number));
        }
        if let Some(word) = self.word()
            && let Some(function) = Function::named(word)
            && self.rest[word.len()..].trim_start().starts_with('(')
        {
            self.rest = &self.rest[word.len()..];
            return self.call(function);
        }
        self.path()
    }

    fn call(&mut self, function: Function) -> Option<Expression> {
        self.take("(");
        let mut arguments = Vec::new();
        if !self.take(")") {
            loop {
                arguments.push(self.or()?);
                if self.take(")") {
                    break;
                }
                if !self.take(",") {
                    return None;
                }
            }
        }
        Some(Expression::Call(function, arguments))
    }

    fn path(&mut self) -> Option<Expression> {
        let anywhere =
            Step { axis: Axis::DescendantOrSelf, test: Test::Any, predicates: Vec::new() };
        let mut steps = Vec::new();
        let absolute = if self.take("//") {
            steps.push(anywhere.clone());
            true
        } else {
            self.take("/")
        };
        if absolute && steps.is_empty() && self.step_is_missing() {
            return Some(Expression::Path { absolute, steps });
        }
        loop {
            steps.push(self.step()?);
            if self.take("//") {
                steps.push(anywhere.clone());
            } else if !self.take("/") {
                return Some(Expression::Path { absolute, steps });
            }
        }
    }

    fn step_is_missing(&mut self) -> bool {
        self.skip_space();
        self.word().is_none() && !self.rest.starts_with(['*', '.', '@'])
    }

    fn step(&mut self) -> Option<Step> {
        let plain = |axis| Some(Step { axis, test: Test::Any, predicates: Vec::new() });
        if self.take("..") {
            return plain(Axis::Parent);
        }
        if self.take(".") {
            return plain(Axis::Itself);
        }
        let axis = if self.take("@") { Axis::Attribute } else { self.axis()? };
        let test = if self.take("*") {
            Test::Any
        } else {
            self.skip_space();
            let name = self.word()?;
            self.rest = &self.rest[name.len()..];
            match name {
                "text" | "node" if self.take("(") => {
                    if !self.take(")") {
                        return None;
                    }
                    if name == "text" { Test::Text } else { Test::Any }
                }
                name => Test::Name(name.to_owned()),
            }
        };
        let mut predicates = Vec::new();
        while self.take("[") {
            predicates.push(self.or()?);
            if !self.take("]") {
                return None;
            }
        }
        Some(Step { axis, test, predicates })
    }

    /// The axis that is named; children where none is.
    fn axis(&mut self) -> Option<Axis> {
        self.skip_space();
        let Some(name) = self.word() else { return Some(Axis::Child) };
        let Some(rest) = self.rest[name.len()..].strip_prefix("::") else {
            return Some(Axis::Child);
        };
        self.rest = rest;
        Some(match name {
            "attribute" => Axis::Attribute,
            "child" => Axis::Child,
            "descendant" => Axis::Descendant,
            "descendant-or-self" => Axis::DescendantOrSelf,
            "parent" => Axis::Parent,
            "self" => Axis::Itself,
            _ => return None,
        })
    }
}

/// The elements in the order of the document, which itself is the first.
struct Tree<'a>(Vec<Node<'a>>);

struct Node<'a> {
    name: &'a str,
    text: &'a str,
    parent: usize,
    /// Where its descendants end, which follow it.
    end: usize,
}

impl<'a> Tree<'a> {
    fn of(info: &'a Element) -> Self {
        let mut nodes = vec![Node { name: "", text: "", parent: 0, end: 0 }];
        Self::add(&mut nodes, info, 0);
        nodes[0].end = nodes.len();
        Self(nodes)
    }

    fn add(nodes: &mut Vec<Node<'a>>, element: &'a Element, parent: usize) {
        let at = nodes.len();
        nodes.push(Node { name: &element.name, text: &element.text, parent, end: 0 });
        for child in &element.children {
            Self::add(nodes, child, at);
        }
        nodes[at].end = nodes.len();
    }
}

/// Where an expression is evaluated.
#[derive(Clone, Copy)]
struct EvaluationContext {
    node: usize,
    position: usize,
    size: usize,
}

enum XPathValue {
    /// In the order of the document, each once.
    Nodes(Vec<usize>),
    Text(String),
    Number(f64),
    Truth(bool),
}

/// Evaluates; `None` from anything that makes no sense, or costs too much.
struct Evaluation<'a> {
    tree: &'a Tree<'a>,
    work: Cell<usize>,
}

impl Evaluation<'_> {
    /// Notes some work; `None` once it is too much.
    fn spend(&self, work: usize) -> Option<()> {
        self.work.set(self.work.get().checked_sub(work)?);
        Some(())
    }

    fn value(&self, expression: &Expression, context: EvaluationContext) -> Option<XPathValue> {
        self.spend(1)?;
        Some(match expression {
            Expression::Text(text) => XPathValue::Text(text.clone()),
            Expression::Number(number) => XPathValue::Number(*number),
            Expression::Negative(inner) => {
                let inner = self.value(inner, context)?;
                XPathValue::Number(-self.number(&inner)?)
            }
            Expression::Path { absolute, steps } => {
                let mut nodes = vec![if *absolute { 0 } else { context.node }];
                for step in steps {
                    nodes = self.step(step, &nodes)?;
                }
                XPathValue::Nodes(nodes)
            }
            Expression::Call(function, arguments) => {
                return self.call(*function, arguments, context);
            }
            Expression::Binary(operator, left, right) => {
                let left = self.value(left, context)?;
                match operator {
                    Operator::Or if truth(&left) => return Some(XPathValue::Truth(true)),
                    Operator::And if !truth(&left) => return Some(XPathValue::Truth(false)),
                    _ => {}
                }
                let right = self.value(right, context)?;
                return self.binary(*operator, left, right);
            }
        })
    }

    fn binary(
        &self,
        operator: Operator,
        left: XPathValue,
        right: XPathValue,
    ) -> Option<XPathValue> {
        let numbers = || Some((self.number(&left)?, self.number(&right)?));
        Some(match operator {
            Operator::Or | Operator::And => XPathValue::Truth(truth(&right)),
            Operator::Plus => numbers().map(|(left, right)| XPathValue::Number(left + right))?,
            Operator::Minus => numbers().map(|(left, right)| XPathValue::Number(left - right))?,
            Operator::Times => numbers().map(|(left, right)| XPathValue::Number(left * right))?,
            Operator::Divided => numbers().map(|(left, right)| XPathValue::Number(left / right))?,
            Operator::Modulo => numbers().map(|(left, right)| XPathValue::Number(left % right))?,
            Operator::Union => {
                let (XPathValue::Nodes(mut all), XPathValue::Nodes(more)) = (left, right) else {
                    return None;
                };
                all.extend(more);
                all.sort_unstable();
                all.dedup();
                XPathValue::Nodes(all)
            }
            _ => XPathValue::Truth(self.compare(operator, &left, &right)?),
        })
    }

    /// A comparison with elements holds if it holds for any one of them.
    fn compare(&self, operator: Operator, left: &XPathValue, right: &XPathValue) -> Option<bool> {
        if let (XPathValue::Nodes(_), XPathValue::Truth(_))
        | (XPathValue::Truth(_), XPathValue::Nodes(_)) = (left, right)
        {
            return Some(holds_for(operator, truth(left).cmp(&truth(right))));
        }
        for (own, other, is_left) in [(left, right, true), (right, left, false)] {
            let XPathValue::Nodes(nodes) = own else { continue };
            for &node in nodes {
                let text = XPathValue::Text(self.text_of(node)?);
                let holds = if is_left {
                    self.compare(operator, &text, other)?
                } else {
                    self.compare(operator, other, &text)?
                };
                if holds {
                    return Some(true);
                }
            }
            return Some(false);
        }
        let is_equality = matches!(operator, Operator::Equal | Operator::Unequal);
        Some(match (left, right) {
            (XPathValue::Truth(_), _) | (_, XPathValue::Truth(_)) if is_equality => {
                holds_for(operator, truth(left).cmp(&truth(right)))
            }
            (XPathValue::Text(left), XPathValue::Text(right)) if is_equality => {
                self.spend(left.len().min(right.len()))?;
                holds_for(operator, left.cmp(right))
            }
            _ => match self.number(left)?.partial_cmp(&self.number(right)?) {
                Some(order) => holds_for(operator, order),
                // What is no number differs from everything.
                None => operator == Operator::Unequal,
            },
        })
    }

    fn step(&self, step: &Step, from: &[usize]) -> Option<Vec<usize>> {
        let mut all = Vec::new();
        for &origin in from {
            let node = &self.tree.0[origin];
            let below = origin + 1..node.end;
            self.spend(below.len() + 1)?;
            let mut found: Vec<usize> = match step.axis {
                Axis::Child if step.test == Test::Text => vec![origin],
                Axis::Child => below.filter(|&other| self.tree.0[other].parent == origin).collect(),
                Axis::Descendant => below.collect(),
                Axis::DescendantOrSelf => (origin..node.end).collect(),
                Axis::Itself => vec![origin],
                Axis::Parent if origin > 0 => vec![node.parent],
                Axis::Parent | Axis::Attribute => Vec::new(),
            };
            found.retain(|&other| match &step.test {
                Test::Any => true,
                Test::Text => !self.tree.0[other].text.is_empty(),
                Test::Name(name) => self.tree.0[other].name == name,
            });
            for predicate in &step.predicates {
                let size = found.len();
                let mut kept = Vec::new();
                for (at, node) in found.into_iter().enumerate() {
                    let context = EvaluationContext { node, position: at + 1, size };
                    let keep = match self.value(predicate, context)? {
                        XPathValue::Number(position) => {
                            position.total_cmp(&((at + 1) as f64)).is_eq()
                        }
                        other => truth(&other),
                    };
                    kept.extend(keep.then_some(node));
                }
                found = kept;
            }
            all.extend(found);
        }
        all.sort_unstable();
        all.dedup();
        Some(all)
    }

    fn call(
        &self,
        function: Function,
        arguments: &[Expression],
        context: EvaluationContext,
    ) -> Option<XPathValue> {
        let argument = |at: usize| self.value(arguments.get(at)?, context);
        // Of functions that speak of where they stand if nothing is given.
        let own = || match arguments {
            [] => Some(XPathValue::Nodes(vec![context.node])),
            [_] => argument(0),
            _ => None,
        };
        let text = |at: usize| self.text(&argument(at)?);
        let number = |at: usize| self.number(&argument(at)?);
        let most = match function {
            Function::Concat => usize::MAX,
            Function::Substring => 3,
            Function::Contains
            | Function::StartsWith
            | Function::SubstringAfter
            | Function::SubstringBefore => 2,
            Function::True | Function::False | Function::Last | Function::Position => 0,
            _ => 1,
        };
        if arguments.len() > most {
            return None;
        }
        Some(match function {
            Function::True => XPathValue::Truth(true),
            Function::False => XPathValue::Truth(false),
            Function::Last => XPathValue::Number(context.size as f64),
            Function::Position => XPathValue::Number(context.position as f64),
            Function::Boolean => XPathValue::Truth(truth(&argument(0)?)),
            Function::Not => XPathValue::Truth(!truth(&argument(0)?)),
            Function::Ceiling => XPathValue::Number(number(0)?.ceil()),
            Function::Floor => XPathValue::Number(number(0)?.floor()),
            Function::Round => XPathValue::Number((number(0)? + 0.5).floor()),
            Function::Number => XPathValue::Number(self.number(&own()?)?),
            Function::String => XPathValue::Text(self.text(&own()?)?),
            Function::StringLength => {
                XPathValue::Number(self.text(&own()?)?.chars().count() as f64)
            }
            Function::NormalizeSpace => {
                let text = self.text(&own()?)?;
                XPathValue::Text(text.split_whitespace().collect::<Vec<_>>().join(" "))
            }
            Function::Count => match argument(0)? {
                XPathValue::Nodes(nodes) => XPathValue::Number(nodes.len() as f64),
                _ => return None,
            },
            Function::Sum => match argument(0)? {
                XPathValue::Nodes(nodes) => {
                    let mut sum = 0.0;
                    for node in nodes {
                        sum += number_of(&self.text_of(node)?);
                    }
                    XPathValue::Number(sum)
                }
                _ => return None,
            },
            Function::Name => match own()? {
                XPathValue::Nodes(nodes) => {
                    let name = nodes.first().map_or("", |&node| self.tree.0[node].name);
                    XPathValue::Text(name.to_owned())
                }
                _ => return None,
            },
            Function::Concat => {
                let mut all = String::new();
                for at in 0..arguments.len() {
                    let part = text(at)?;
                    self.spend(part.len())?;
                    all.push_str(&part);
                }
                XPathValue::Text(all)
            }
            Function::StartsWith => XPathValue::Truth(text(0)?.starts_with(&text(1)?)),
            Function::Contains => {
                let (text, part) = (text(0)?, text(1)?);
                self.spend(text.len() + part.len())?;
                XPathValue::Truth(text.contains(&part))
            }
            Function::SubstringBefore => {
                let (text, part) = (text(0)?, text(1)?);
                XPathValue::Text(text.split_once(&part).map_or("", |(before, _)| before).to_owned())
            }
            Function::SubstringAfter => {
                let (text, part) = (text(0)?, text(1)?);
                XPathValue::Text(text.split_once(&part).map_or("", |(_, after)| after).to_owned())
            }
            Function::Substring => {
                let (text, start) = (text(0)?, (number(1)? + 0.5).floor());
                let end = match arguments.len() {
                    3 => start + (number(2)? + 0.5).floor(),
                    _ => f64::INFINITY,
                };
                let chars = text.chars().zip(1_u32..);
                let inside = |place: u32| f64::from(place) >= start && f64::from(place) < end;
                XPathValue::Text(
                    chars.filter(|&(_, at)| inside(at)).map(|(char, _)| char).collect(),
                )
            }
        })
    }

    fn number(&self, value: &XPathValue) -> Option<f64> {
        Some(match value {
            XPathValue::Number(number) => *number,
            XPathValue::Truth(truth) => f64::from(u8::from(*truth)),
            XPathValue::Nodes(_) | XPathValue::Text(_) => number_of(&self.text(value)?),
        })
    }

    fn text(&self, value: &XPathValue) -> Option<String> {
        Some(match value {
            XPathValue::Text(text) => {
                self.spend(text.len())?;
                text.clone()
            }
            XPathValue::Number(number) => number.to_string(),
            XPathValue::Truth(truth) => truth.to_string(),
            XPathValue::Nodes(nodes) => match nodes.first() {
                Some(&node) => self.text_of(node)?,
                None => String::new(),
            },
        })
    }

    /// The text of an element and of all below it.
    fn text_of(&self, node: usize) -> Option<String> {
        let all = node..self.tree.0[node].end;
        self.spend(all.len())?;
        let texts: Vec<Cow<'_, str>> =
            all.map(|node| Cow::Borrowed(self.tree.0[node].text)).collect();
        self.spend(texts.iter().map(|text| text.len()).sum())?;
        Some(texts.concat())
    }
}

fn truth(value: &XPathValue) -> bool {
    match value {
        XPathValue::Nodes(nodes) => !nodes.is_empty(),
        XPathValue::Text(text) => !text.is_empty(),
        XPathValue::Number(number) => *number != 0.0 && !number.is_nan(),
        XPathValue::Truth(truth) => *truth,
    }
}

fn number_of(text: &str) -> f64 {
    let text = text.trim();
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'-'));
    if is_plain { text.parse().unwrap_or(f64::NAN) } else { f64::NAN }
}

fn holds_for(operator: Operator, order: Ordering) -> bool {
    match operator {
        Operator::Equal => order.is_eq(),
        Operator::Unequal => order.is_ne(),
        Operator::Less => order.is_lt(),
        Operator::LessEqual => order.is_le(),
        Operator::Greater => order.is_gt(),
        _ => order.is_ge(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn info() -> Element {
        let channel = |label: &str| {
            Element::new("channel")
                .with(Element::leaf("label", label))
                .with(Element::leaf("unit", "microvolts"))
        };
        let channels = Element::new("channels").with_all(["AF3", "F7", "F3", "FC5"].map(channel));
        Element::new("info")
            .with(Element::leaf("name", "cortop-EPOCX-1-EEG"))
            .with(Element::leaf("type", "EEG"))
            .with(Element::leaf("channel_count", 4))
            .with(Element::leaf("nominal_srate", "128.0000000000000"))
            .with(Element::leaf("session_id", "default"))
            .with(Element::leaf("source_id", "it's"))
            .with(Element::new("desc").with(Element::leaf("manufacturer", "EMOTIV")).with(channels))
    }

    fn matches(query: &str) -> bool {
        Query::parse(query).is_some_and(|query| query.matches(&info()))
    }

    #[test]
    fn queries_that_receivers_send_find_the_stream() {
        for query in [
            "",
            "session_id='default'",
            "session_id='default' and name='cortop-EPOCX-1-EEG'",
            "session_id='default' and type='EEG'",
            "session_id='default' and name='cortop-EPOCX-1-EEG' and starts-with(type,'EE') and \
             count(desc/channels/channel)=4",
            "channel_count='4' and name='cortop-EPOCX-1-EEG' and type='EEG' and \
             source_id=\"it's\"",
            "contains(name, \"EPOCX\")",
            "desc/manufacturer='EMOTIV'",
            "desc/channels/channel/label='F3'",
            "desc/channels/channel[2]/label = 'F7'",
            "desc/channels/channel[last()]/label='FC5'",
            "count(desc/channels/channel[unit='microvolts']) >= 4",
            "/info/name = 'cortop-EPOCX-1-EEG'",
            "//label='AF3'",
            "nominal_srate > 100 and nominal_srate <= 128",
            "nominal_srate=128",
            "not(type='Markers')",
            "type='Markers' or type='EEG'",
            "type != 'Markers'",
            "(type='a' or type='EEG') and channel_count * 2 = 8 and 7 mod 4 = 3 and 8 div 2 = 4",
            "string-length(type)=3 and substring(name,1,6)='cortop'",
            "substring-after(name,'cortop-')='EPOCX-1-EEG'",
            "name(desc/*[1])='manufacturer'",
            "desc/channels/channel/label[.='F3']/../unit='microvolts'",
            "count(desc/channels/channel/label | //unit) = 8",
            "-channel_count < 0",
            "name/text()='cortop-EPOCX-1-EEG'",
            "child::type='EEG' and self::*",
        ] {
            assert!(matches(query), "{query}");
        }
    }

    #[test]
    fn others_do_not() {
        for query in [
            "session_id='other'",
            "type='EEG' and name='x'",
            "hostname='x'",
            "desc/channels/channel[5]",
            "count(desc/channels/channel)=5",
            "type",
            "@id",
            "nominal_srate < 128",
            "not(type)",
            "type='Markers' or name=''",
        ] {
            assert_eq!(matches(query), query == "type", "{query}");
        }
    }

    #[test]
    fn what_is_not_understood_matches_nothing() {
        for query in [
            "name='",
            "and",
            "name=",
            "count(",
            "id('x')",
            "name='a'b",
            "desc[",
            "following::x",
            "count('a')=1",
            "starts-with(name)",
            "true(1)",
            "((((",
            "$x",
            "/..//..[",
            "name[[1]]",
        ] {
            assert!(!matches(query), "{query}");
        }
    }

    #[test]
    fn hostile_queries_are_bounded() {
        let deep = format!("{}1{}", "(".repeat(1000), ")".repeat(1000));
        assert_eq!(Query::parse(&deep), None);
        assert_eq!(Query::parse(&format!("{}1", "-".repeat(2000))), None);
        assert_eq!(Query::parse(&"a".repeat(LONGEST + 1)), None);
        assert_eq!(Query::parse(&format!("a{}", " or a".repeat(800))), None);
        // Each predicate visits everything again.
        let heavy = format!("//*{}", "[count(//*[count(//*)>0])>0]".repeat(20));
        let started = std::time::Instant::now();
        assert!(!matches(&heavy));
        assert!(started.elapsed().as_millis() < 500, "{:?}", started.elapsed());
    }

    proptest! {
        #[test]
        fn nothing_makes_it_panic(query in r#"[a-c/\[\]()'"=<>|.*@:, 0-9-]{0,60}"#) {
            let _ = matches(&query);
        }

        #[test]
        fn nor_do_words(words in proptest::collection::vec(
            prop_oneof![
                Just("name"), Just("'EEG'"), Just("="), Just("and"), Just("or"), Just("("),
                Just(")"), Just("["), Just("]"), Just("count"), Just("//"), Just("/"), Just("*"),
                Just(".."), Just("1"), Just("substring"), Just(","), Just("-"), Just("|"),
            ], 0..24,
        )) {
            let _ = matches(&words.join(" "));
        }
    }
}
