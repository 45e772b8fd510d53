//! The XML description of an XDF stream: the few elements that are needed, located as text, so that
//! a description that is not quite well-formed can still be used.

/// The text of the first element with a name.
pub(super) fn element<'a>(xml: &'a str, name: &str) -> Option<&'a str> {
    elements(xml, name).next()
}

/// The contents of all elements with a name.
pub(super) fn elements<'a>(xml: &'a str, name: &str) -> impl Iterator<Item = &'a str> + use<'a> {
    let (open, close) = (format!("<{name}"), format!("</{name}>"));
    let mut rest = xml;
    std::iter::from_fn(move || {
        loop {
            rest = &rest[rest.find(&open)? + open.len()..];
            // `<channels>` is not `<channel>`.
            if !rest.starts_with(['>', ' ', '/']) {
                continue;
            }
            let end = rest.find('>')?;
            if rest[..end].ends_with('/') {
                continue;
            }
            let inside = &rest[end + 1..];
            let length = inside.find(&close)?;
            rest = &inside[length + close.len()..];
            return Some(&inside[..length]);
        }
    })
}

/// A text with its XML escapes resolved.
pub(super) fn unescape(text: &str) -> String {
    let escapes = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&apos;", "'"), ("&amp;", "&")];
    let text = text.trim().to_owned();
    escapes.iter().fold(text, |text, (escape, own)| text.replace(escape, own))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_are_found_by_name() {
        let xml = "<info><name>a &amp; b</name><desc><channels><channel><label>AF3</label>\
                   </channel><channel/><channel><label>Pz</label></channel></channels></desc>";
        assert_eq!(element(xml, "name").map(unescape).as_deref(), Some("a & b"));
        let labels: Vec<_> =
            elements(xml, "channel").filter_map(|own| element(own, "label")).collect();
        assert_eq!(labels, ["AF3", "Pz"]);
        assert_eq!(element(xml, "label2"), None);
        assert_eq!(element("<name>cut", "name"), None);
    }
}
