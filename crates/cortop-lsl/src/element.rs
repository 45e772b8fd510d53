//! The metadata of a stream: a small tree of elements, each with either a text or child elements,
//! and its XML.

use std::fmt::Write as _;

/// An element of a stream's information.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Element {
    /// Its name, such as `channel`.
    pub name: String,
    /// Its text; empty if it has children.
    pub text: String,
    /// Its children, in order.
    pub children: Vec<Self>,
}

impl Element {
    /// An element whose children are still to be added.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self { name: name.to_owned(), ..Self::default() }
    }

    /// An element with a text.
    #[must_use]
    #[expect(clippy::needless_pass_by_value, reason = "numbers are given as they are")]
    pub fn leaf(name: &str, text: impl ToString) -> Self {
        Self { name: name.to_owned(), text: text.to_string(), children: Vec::new() }
    }

    /// Appends a child.
    #[must_use]
    pub fn with(mut self, child: Self) -> Self {
        self.children.push(child);
        self
    }

    /// Appends several children.
    #[must_use]
    pub fn with_all(mut self, children: impl IntoIterator<Item = Self>) -> Self {
        self.children.extend(children);
        self
    }

    /// The element as an XML document.
    #[must_use]
    pub fn to_xml(&self) -> String {
        let mut xml = String::from("<?xml version=\"1.0\"?>\n");
        self.write(&mut xml, 0);
        xml
    }

    fn write(&self, xml: &mut String, depth: usize) {
        let (name, indent) = (&self.name, "\t".repeat(depth));
        if self.children.is_empty() && self.text.is_empty() {
            let _ = writeln!(xml, "{indent}<{name} />");
            return;
        }
        let _ = write!(xml, "{indent}<{name}>");
        escape(&self.text, xml);
        if !self.children.is_empty() {
            xml.push('\n');
            for child in &self.children {
                child.write(xml, depth + 1);
            }
            xml.push_str(&indent);
        }
        let _ = writeln!(xml, "</{name}>");
    }
}

/// Escapes a text for XML, and drops the control characters that XML does not allow.
fn escape(text: &str, xml: &mut String) {
    for char in text.chars() {
        match char {
            '&' => xml.push_str("&amp;"),
            '<' => xml.push_str("&lt;"),
            '>' => xml.push_str("&gt;"),
            '\t' | '\n' | '\r' => xml.push(char),
            char if char.is_control() => {}
            char => xml.push(char),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_is_well_formed_xml() {
        let tree = Element::new("info")
            .with(Element::leaf("name", "A & B <C>\u{1}"))
            .with(Element::new("desc").with(Element::leaf("unit", "µV")));
        let expected = "<?xml version=\"1.0\"?>\n<info>\n\t<name>A &amp; B &lt;C&gt;</name>\n\
                        \t<desc>\n\t\t<unit>µV</unit>\n\t</desc>\n</info>\n";
        assert_eq!(tree.to_xml(), expected);
        assert_eq!(Element::new("desc").to_xml(), "<?xml version=\"1.0\"?>\n<desc />\n");
        let read = roxmltree::Document::parse(expected).unwrap();
        let name = read.descendants().find(|node| node.has_tag_name("name")).unwrap();
        assert_eq!(name.text(), Some("A & B <C>"));
    }
}
