//! Evaluates a query on a stream's information, according to the rules of `XPath`, with a limited
//! amount of work.

use std::{borrow::Cow, cell::Cell, cmp::Ordering};

use super::expression::{Axis, Expression, Function, Operator, PathStep, Test};
use crate::Element;

/// The limit of elements visited plus bytes of text processed, for one query.
const WORK: usize = 200_000;

/// Whether an expression is true of the element `info`; false if it makes no sense or costs too
/// much.
pub(super) fn is_true_of(info: &Element, expression: &Expression) -> bool {
    let tree = Tree::of(info);
    let evaluation = Evaluation { tree: &tree, work: Cell::new(WORK) };
    let context = EvaluationContext { node: 1, position: 1, size: 1 };
    evaluation.value(expression, context).is_some_and(|value| truth(&value))
}

/// The elements in document order; the first is the document itself.
struct Tree<'a>(Vec<Node<'a>>);

struct Node<'a> {
    name: &'a str,
    text: &'a str,
    parent: usize,
    /// The end of its descendants, which follow it.
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

/// The context of an evaluation.
#[derive(Clone, Copy)]
struct EvaluationContext {
    node: usize,
    position: usize,
    size: usize,
}

enum XPathValue {
    /// In document order, without duplicates.
    Nodes(Vec<usize>),
    Text(String),
    Number(f64),
    Truth(bool),
}

/// An evaluation. Its methods return `None` for whatever makes no sense or costs too much.
struct Evaluation<'a> {
    tree: &'a Tree<'a>,
    work: Cell<usize>,
}

impl Evaluation<'_> {
    /// Accounts for some work; `None` once it is too much.
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

    /// A comparison with a set of elements is true if it is true for any of them.
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
                // NaN differs from everything.
                None => operator == Operator::Unequal,
            },
        })
    }

    fn step(&self, step: &PathStep, from: &[usize]) -> Option<Vec<usize>> {
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
        // For functions that apply to the context node if called without arguments.
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

    /// The text of an element and all of its descendants.
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
