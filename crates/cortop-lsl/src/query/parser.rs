//! Parses a query, following `XPath`'s precedence from the weakest operator to the strongest.

use super::expression::{Axis, Expression, Function, Operator, PathStep, Test};

/// How deeply parentheses, predicates and calls may nest.
const DEEPEST: usize = 24;

/// Parses the whole text as one expression.
pub(super) fn parse(text: &str) -> Option<Expression> {
    let mut parser = Parser { rest: text, depth: 0 };
    let expression = parser.or()?;
    parser.skip_space();
    parser.rest.is_empty().then_some(expression)
}

/// Parses from the start of a text.
struct Parser<'a> {
    rest: &'a str,
    depth: usize,
}

impl<'a> Parser<'a> {
    fn skip_space(&mut self) {
        self.rest = self.rest.trim_start();
    }

    /// Consumes a symbol if it comes next.
    fn take(&mut self, symbol: &str) -> bool {
        self.skip_space();
        let rest = self.rest.strip_prefix(symbol);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    /// Consumes a word if it comes next as a whole.
    fn take_word(&mut self, word: &str) -> bool {
        self.skip_space();
        let is_next = self.word().is_some_and(|next| next == word);
        if is_next {
            self.rest = &self.rest[word.len()..];
        }
        is_next
    }

    /// The name that comes next, without consuming it.
    fn word(&self) -> Option<&'a str> {
        let first = self.rest.chars().next()?;
        if !(first.is_alphabetic() || first == '_') {
            return None;
        }
        let is_part = |char: char| char.is_alphanumeric() || matches!(char, '_' | '-' | '.');
        let end = self.rest.find(|char| !is_part(char)).unwrap_or(self.rest.len());
        Some(&self.rest[..end])
    }

    /// Parses one level deeper, unless that is too deep.
    fn deeper<T>(&mut self, read: impl FnOnce(&mut Self) -> Option<T>) -> Option<T> {
        if self.depth == DEEPEST {
            return None;
        }
        self.depth += 1;
        let found = read(self);
        self.depth -= 1;
        found
    }

    /// Parses operands joined by left-associative operators of equal precedence.
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
            PathStep { axis: Axis::DescendantOrSelf, test: Test::Any, predicates: Vec::new() };
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

    fn step(&mut self) -> Option<PathStep> {
        let plain = |axis| Some(PathStep { axis, test: Test::Any, predicates: Vec::new() });
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
        Some(PathStep { axis, test, predicates })
    }

    /// The axis, if one is named; otherwise children.
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
