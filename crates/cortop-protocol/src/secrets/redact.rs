//! Cuts credentials and licences out of a whole message, and keeps everything else byte by byte.
//! JSON is parsed as such; anything else is searched for names of credentials, and what follows one
//! is cut out, in doubt too much rather than too little.

use std::borrow::Cow;

use serde::de::IgnoredAny;

use super::{HIDDEN, Secrets};

/// How much of a member's value is hidden.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hide {
    /// Nothing.
    Nothing,
    /// A text or number, or those in a list; members of an object by their own names.
    Direct,
    /// Every text and number in it.
    All,
}

/// What to hide of a member with this name: everything of credentials (§2.3, §2.4), and the ids of
/// licences. Compares letters only, because programs misspell names: `client_secret`,
/// `ClientSecert`.
pub(super) fn hide_of(name: &str) -> Hide {
    /// Longer than every name that matters.
    const LETTERS: usize = 32;
    let mut letters = [0; LETTERS];
    let mut length = 0;
    for byte in name.bytes().filter(u8::is_ascii_alphabetic).take(LETTERS) {
        letters[length] = byte.to_ascii_lowercase();
        length += 1;
    }
    let letters = std::str::from_utf8(&letters[..length]).unwrap_or_default();
    let is_credential = letters.strip_prefix("client").is_some_and(|rest| !rest.is_empty())
        || ["secret", "token", "password"].iter().any(|word| letters.contains(word));
    if is_credential {
        return Hide::All;
    }
    let licence = letters.strip_prefix("license").or_else(|| letters.strip_prefix("licence"));
    match licence {
        Some("" | "id" | "ids" | "key" | "keys") => Hide::Direct,
        _ => Hide::Nothing,
    }
}

/// [`hide_of`] for a member of a message: positional parameters may be credentials as well.
fn hide_of_member(name: &str) -> Hide {
    if name == "params" { Hide::Direct } else { hide_of(name) }
}

impl Secrets {
    /// A message with its credentials and licences cut out and otherwise unchanged, even if it is
    /// not JSON. What is cut out is remembered as a secret.
    #[must_use]
    pub fn redact_text(&self, text: &str) -> String {
        let (redacted, has_learnt) = self.redact_once(text);
        // A secret that was found further on may have occurred earlier, too.
        let mut redacted = if has_learnt { self.redact_once(text).0 } else { redacted };
        self.hide(&mut redacted);
        redacted
    }

    /// Remembers the credentials and licences of a message.
    pub fn learn_text(&self, text: &str) {
        self.redact_once(text);
    }

    /// One pass. Also returns whether a new secret was found.
    fn redact_once(&self, text: &str) -> (String, bool) {
        let mut redactor = Redactor {
            secrets: self,
            redacted: String::with_capacity(text.len()),
            has_learnt: false,
        };
        redactor.message(text, Hide::Nothing);
        (redactor.redacted, redactor.has_learnt)
    }
}

/// Rewrites a text without its secrets.
struct Redactor<'a> {
    secrets: &'a Secrets,
    redacted: String,
    has_learnt: bool,
}

impl Redactor<'_> {
    fn message(&mut self, text: &str, hide: Hide) {
        if serde_json::from_str::<IgnoredAny>(text).is_ok() {
            self.json(text, hide);
        } else {
            self.words(text);
        }
    }

    fn remember(&mut self, secret: &str) {
        self.has_learnt |= self.secrets.remember(secret);
    }

    /// Valid JSON. `hide`: what to hide of the outermost value.
    fn json(&mut self, text: &str, hide: Hide) {
        // For each enclosing object or list: what is hidden, and whether it is an object.
        let mut around: Vec<(Hide, bool)> = Vec::new();
        let (mut next, mut is_name) = (hide, false);
        let (mut rest, mut plain) = (text, 0);
        while let Some(byte) = rest.as_bytes().get(plain).copied() {
            let length = match byte {
                b'{' => {
                    let inner = if next == Hide::All { Hide::All } else { Hide::Nothing };
                    around.push((inner, true));
                    is_name = true;
                    1
                }
                b'[' => {
                    around.push((next, false));
                    1
                }
                b']' | b'}' => {
                    around.pop();
                    1
                }
                b',' => {
                    let (hide, is_object) = around.last().copied().unwrap_or((hide, false));
                    (next, is_name) = (hide, is_object);
                    1
                }
                b'"' | b'-' | b'0'..=b'9' => {
                    let (before, value) = rest.split_at(plain);
                    self.redacted.push_str(before);
                    let (value, after) = value.split_at(end_of_scalar(value));
                    (rest, plain) = (after, 0);
                    if is_name {
                        let name = unescaped(value);
                        let inside = around.last().map_or(Hide::Nothing, |(hide, _)| *hide);
                        next = if inside == Hide::All { inside } else { hide_of_member(&name) };
                        is_name = false;
                        self.string(value, Hide::Nothing);
                    } else {
                        self.scalar(value, next);
                    }
                    continue;
                }
                _ => 1,
            };
            plain += length;
        }
        self.redacted.push_str(rest);
    }

    /// A string or a number of JSON.
    fn scalar(&mut self, value: &str, hide: Hide) {
        if value.starts_with('"') {
            self.string(value, hide);
        } else if hide == Hide::Nothing {
            self.redacted.push_str(value);
        } else {
            self.remember(value);
            self.redacted.extend(["\"", HIDDEN, "\""]);
        }
    }

    /// A JSON string with its quotes.
    fn string(&mut self, string: &str, hide: Hide) {
        let text = unescaped(string);
        if text.trim_start().starts_with(['{', '[']) {
            // JSON within a string. Each level doubles the escapes, so that there are few levels.
            let outer = std::mem::take(&mut self.redacted);
            self.message(&text, hide);
            let inner = std::mem::replace(&mut self.redacted, outer);
            self.changed(string, &text, inner);
        } else if hide != Hide::Nothing && !text.is_empty() {
            self.remember(&text);
            self.redacted.extend(["\"", HIDDEN, "\""]);
        } else if matches!(text, Cow::Owned(_)) {
            let inner = text.clone().into_owned();
            self.changed(string, &text, inner);
        } else {
            self.redacted.push_str(string);
        }
    }

    /// Writes a string whose text may have changed; if it has not, the string is kept as written.
    fn changed(&mut self, string: &str, text: &str, mut inner: String) {
        self.secrets.hide(&mut inner);
        if inner == text {
            self.redacted.push_str(string);
        } else {
            self.redacted.push_str(&serde_json::Value::String(inner).to_string());
        }
    }

    /// Text of any other form.
    fn words(&mut self, text: &str) {
        let is_letter = |char: char| char.is_ascii_alphanumeric() || matches!(char, '_' | '-');
        let mut rest = text;
        while let Some(start) = rest.find(is_letter) {
            let (between, word) = rest.split_at(start);
            let (word, after) =
                word.split_at(word.find(|char| !is_letter(char)).unwrap_or(word.len()));
            self.redacted.extend([between, word]);
            rest = after;
            let hide = hide_of(word);
            if hide == Hide::Nothing {
                continue;
            }
            // The end of the name, then : or =, and the value.
            let is_quote = |char: char| matches!(char, '"' | '\'' | '`' | '\\');
            let value = rest.trim_start_matches(is_quote).trim_start();
            let Some(value) = value.strip_prefix([':', '=']) else { continue };
            let value = value.trim_start_matches(|char: char| char.is_whitespace() || char == '=');
            let (before, value) = rest.split_at(rest.len() - value.len());
            self.redacted.push_str(before);
            let open = value.trim_start_matches('\\');
            let (secret, after) = match open.chars().next() {
                Some(quote @ ('"' | '\'' | '`')) => {
                    let (before, value) = value.split_at(value.len() - open.len() + 1);
                    self.redacted.push_str(before);
                    value.split_at(end_of_quoted(value, quote))
                }
                Some('{') if hide == Hide::Direct => ("", value),
                // It is unclear what this is a value of.
                Some('{' | '[' | '(') => value.split_at(value.len()),
                _ => value.split_at(value.find(is_end).unwrap_or(value.len())),
            };
            if !secret.is_empty() {
                self.remember(secret.trim_end_matches('\\'));
                self.redacted.push_str(HIDDEN);
            }
            rest = after;
        }
        self.redacted.push_str(rest);
    }
}

/// Whether this character ends an unquoted value.
fn is_end(char: char) -> bool {
    char.is_whitespace() || matches!(char, ',' | ';' | '&' | '}' | ']' | ')' | '"' | '\'')
}

/// The end of a text that began with a quote, before its closing quote.
fn end_of_quoted(text: &str, quote: char) -> usize {
    let mut is_escaped = false;
    for (at, char) in text.char_indices() {
        match char {
            _ if char == quote && !is_escaped => return at,
            '\\' => is_escaped = !is_escaped,
            _ => is_escaped = false,
        }
    }
    text.len()
}

/// The length of the string or number at the start of JSON text, including quotes.
fn end_of_scalar(text: &str) -> usize {
    match text.strip_prefix('"') {
        Some(inner) => (end_of_quoted(inner, '"') + 2).min(text.len()),
        None => text
            .find(|char: char| !matches!(char, '0'..='9' | '-' | '+' | '.' | 'e' | 'E'))
            .unwrap_or(text.len()),
    }
}

/// The content of a JSON string.
fn unescaped(string: &str) -> Cow<'_, str> {
    let inner = string.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(string);
    if inner.contains('\\') {
        serde_json::from_str(string).map_or(Cow::Borrowed(inner), Cow::Owned)
    } else {
        Cow::Borrowed(inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_loses_its_secrets_and_keeps_all_else() {
        let secrets = Secrets::default();
        for (message, redacted) in [
            (
                r#"{ "params":{"clientSecret" : "so \" secret", "debit":10,"license":""},"id":"a"}"#,
                r#"{ "params":{"clientSecret" : "[hidden]", "debit":10,"license":""},"id":"a"}"#,
            ),
            (
                r#"{"result":{"license":{"licenseId":"5e0c7a3e-1","seatCount":1,"licenseName":"Pro"},"cortexToken":"aaaa\/bbbb=="}}"#,
                r#"{"result":{"license":{"licenseId":"[hidden]","seatCount":1,"licenseName":"Pro"},"cortexToken":"[hidden]"}}"#,
            ),
            (
                r#"{"licenseIds":["5e0c7a3e-1","5e0c7a3e-2"],"recordIds":["r"]}"#,
                r#"{"licenseIds":["[hidden]","[hidden]"],"recordIds":["r"]}"#,
            ),
            (
                r#"{"message":"aaaa\/bbbb== is bad","x":["token"],"y":"no aaaa/bbbb=="}"#,
                r#"{"message":"[hidden] is bad","x":["token"],"y":"no [hidden]"}"#,
            ),
            (r#"{"cl\u0069entId":"an id of ours","a":1}"#, r#"{"cl\u0069entId":"[hidden]","a":1}"#),
            (r#"no JSON: "token": "abc"#, r#"no JSON: "token": "[hidden]"#),
            (
                "{\"eeg\":[1,2.50],\"sid\":\"µ\",\"time\":1.5}",
                "{\"eeg\":[1,2.50],\"sid\":\"µ\",\"time\":1.5}",
            ),
        ] {
            assert_eq!(secrets.redact_text(message), redacted);
        }
    }

    #[test]
    fn names_that_programs_get_wrong_hide_as_well() {
        for name in [
            "clientSecret",
            "client_secret",
            "ClientSecret",
            "clientsecret",
            "CLIENT-SECRET",
            "clientSecert",
            "client key",
            "secret",
            "app_secret",
            "clientID",
            "token",
            "cortex_token",
            "accessToken",
            "licence",
            "license_id",
        ] {
            let redacted = Secrets::default().redact_text(&format!("{{\"{name}\":\"s3cret\"}}"));
            assert_eq!(redacted, format!("{{\"{name}\":\"[hidden]\"}}"));
        }
        for name in ["client", "id", "headset", "licenseName", "licenseUrl", "params", "session"] {
            let message = format!("{{\"{name}\":{{\"x\":\"plain\",\"y\":[1,\"z\"]}}}}");
            assert_eq!(Secrets::default().redact_text(&message), message);
        }
    }

    #[test]
    fn a_secret_of_any_shape_is_hidden() {
        for (message, redacted) in [
            (
                r#"{"clientSecret":12345,"debit":-1.5e3}"#,
                r#"{"clientSecret":"[hidden]","debit":-1.5e3}"#,
            ),
            (
                r#"{"clientSecret":{"a":["s","t",{"b":7}],"c":null},"debit":1}"#,
                r#"{"clientSecret":{"a":["[hidden]","[hidden]",{"b":"[hidden]"}],"c":null},"debit":1}"#,
            ),
            (
                r#"{"params":["id","secret",1],"id":1}"#,
                r#"{"params":["[hidden]","[hidden]","[hidden]"],"id":1}"#,
            ),
            (r#"{"params":[{"debit":1}],"id":1}"#, r#"{"params":[{"debit":1}],"id":1}"#),
            (
                r#"{"params":"{\"clientSecret\": \"s\", \"debit\": 1}"}"#,
                r#"{"params":"{\"clientSecret\": \"[hidden]\", \"debit\": 1}"}"#,
            ),
            (r#"{"params":"[\"id\",\"s\"]"}"#, r#"{"params":"[\"[hidden]\",\"[hidden]\"]"}"#),
            (
                r#"{"params":"{'clientSecret': 's'}"}"#,
                r#"{"params":"{'clientSecret': '[hidden]'}"}"#,
            ),
            (r#"{"params":"s"}"#, r#"{"params":"[hidden]"}"#),
            (r#"{"x":"{\"debit\":1}\/"}"#, r#"{"x":"{\"debit\":1}\/"}"#),
            (
                "{'params': {'clientId': 'it\\'s', 'clientSecret': 's', 'debit': 1}}",
                "{'params': {'clientId': '[hidden]', 'clientSecret': '[hidden]', 'debit': 1}}",
            ),
            ("{clientSecret: s3cret, debit: 1}", "{clientSecret: [hidden], debit: 1}"),
            ("clientSecret=s3cret&debit=1", "clientSecret=[hidden]&debit=1"),
            (r#"{"clientSecret":["a","b"],"debit":1"#, r#"{"clientSecret":[hidden]"#),
            (r#"[{"params":{"token":"s"}}]"#, r#"[{"params":{"token":"[hidden]"}}]"#),
            ("the token is bad, it's ours", "the token is bad, it's ours"),
        ] {
            assert_eq!(Secrets::default().redact_text(message), redacted);
        }
    }

    #[test]
    fn a_secret_is_hidden_before_its_name_has_come_and_in_any_spelling() {
        let message =
            r#"{"id":"so \"secret\"\/","x":"so \u0022secret\"/","clientSecret":"so \"secret\"/"}"#;
        let shown = r#"{"id":"[hidden]","x":"[hidden]","clientSecret":"[hidden]"}"#;
        assert_eq!(Secrets::default().redact_text(message), shown);
    }
}
