//! Hides credentials that the service echoes. Out of errors, warnings and the log they are cut
//! wherever they stand. A text of a result is data, which a cut would falsify: it is hidden as a
//! whole, and only where it is a credential. What has been sent or given under one of their names is
//! known to be secret; what a text means is not known here.
//!
//! The client, the simulator's journal and the proxy's capture all hide with it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

/// The members that carry credentials (§2.3, §2.4).
const NAMES: [&str; 3] = ["clientId", "clientSecret", "cortexToken"];

/// The members whose values are cut out of a whole message: credentials, whatever they are called, and
/// the ids of licences.
const CUT: [&str; 7] =
    ["clientId", "clientSecret", "cortexToken", "token", "license", "licenseId", "licenseIds"];

/// The members of results that carry errors and warnings (§2.4, §2.8, §3.4).
const MESSAGES: [&str; 3] = ["failure", "message", "warning"];

/// Stands for a credential. One that is not longer than this is a word, and no secret.
pub const HIDDEN: &str = "[hidden]";

/// Most credentials remembered: the two of the application, and old tokens.
const MOST: usize = 16;

/// The credentials that have crossed the connections of a client, the last ones last; shared by its
/// clones.
#[derive(Clone, Debug, Default)]
pub struct Secrets(Arc<Mutex<Vec<SecretString>>>);

impl Secrets {
    /// Remembers the credentials among the members of an object.
    pub fn learn(&self, object: &Value) {
        let mut known = self.lock();
        for secret in NAMES.iter().filter_map(|name| object.get(name)?.as_str()) {
            if secret.len() > HIDDEN.len() {
                known.retain(|known| known.expose_secret() != secret);
                known.push(secret.into());
            }
        }
        let old = known.len().saturating_sub(MOST);
        known.drain(..old);
    }

    /// Learns the token that a result gives, and hides each other text that is a credential.
    pub fn redact_result(&self, result: &mut Value) {
        self.learn(result);
        let token = result.get_mut("cortexToken").map(Value::take);
        self.redact_messages(result);
        let known = self.lock();
        change(result, &|text| {
            if known.iter().any(|secret| secret.expose_secret() == text) {
                HIDDEN.clone_into(text);
            }
        });
        drop(known);
        if let Some(token) = token {
            result["cortexToken"] = token;
        }
    }

    /// Cuts all credentials out of the errors and warnings that stand in a result.
    fn redact_messages(&self, result: &mut Value) {
        match result {
            Value::Array(list) => list.iter_mut().for_each(|entry| self.redact_messages(entry)),
            Value::Object(map) => {
                for (name, member) in map {
                    if MESSAGES.contains(&name.as_str()) {
                        self.redact(member);
                    } else {
                        self.redact_messages(member);
                    }
                }
            }
            _ => {}
        }
    }

    /// Cuts all credentials out of the texts and names of a value, whole texts before they are cut
    /// short.
    pub fn redact(&self, value: &mut Value) {
        change(value, &|text| self.hide(text));
    }

    /// A message with its credentials and its licences cut out, and otherwise as it stands, also where
    /// it is no JSON. What is cut out is known to be secret from then on.
    #[must_use]
    pub fn redact_text(&self, text: &str) -> String {
        let mut redacted = String::with_capacity(text.len());
        let (mut rest, mut is_secret) = (text, false);
        while let Some(start) = rest.find('"') {
            let (between, string) = rest.split_at(start);
            // The value of a member ends with its object or list.
            is_secret &= !between.contains(['}', ']']);
            let end = end_of_string(string);
            let (string, after) = string.split_at(end);
            rest = after;
            redacted.push_str(between);
            if after.trim_ascii_start().starts_with(':') {
                let name = serde_json::from_str::<String>(string).unwrap_or_default();
                is_secret = CUT.contains(&name.as_str());
            } else if is_secret && string.len() > 2 {
                let secret = string.trim_matches('"');
                if secret.len() > HIDDEN.len() {
                    self.learn(&serde_json::json!({ "clientSecret": secret }));
                }
                redacted.extend(["\"", HIDDEN, "\""]);
                continue;
            }
            redacted.push_str(string);
        }
        redacted.push_str(rest);
        self.hide(&mut redacted);
        redacted
    }

    fn lock(&self) -> MutexGuard<'_, Vec<SecretString>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Cuts all credentials out of a text. The longest first, for one may be part of another. It
    /// ends because each turn shortens the text.
    pub fn hide(&self, text: &mut String) {
        let known = self.lock();
        let longest = |text: &str| {
            let known = known.iter().map(ExposeSecret::expose_secret);
            known.filter(|secret| text.contains(*secret)).max_by_key(|secret| secret.len())
        };
        while let Some(secret) = longest(text) {
            *text = text.replace(secret, HIDDEN);
        }
    }
}

/// The length of a string of JSON at the start of a text, with its quotes; of all of it, if it does
/// not end.
fn end_of_string(text: &str) -> usize {
    let mut is_escaped = false;
    for (at, byte) in text.bytes().enumerate().skip(1) {
        match byte {
            b'"' if !is_escaped => return at + 1,
            b'\\' => is_escaped = !is_escaped,
            _ => is_escaped = false,
        }
    }
    text.len()
}

/// Changes each text and each name in a value.
fn change(value: &mut Value, text: &dyn Fn(&mut String)) {
    match value {
        Value::String(own) => text(own),
        Value::Array(list) => list.iter_mut().for_each(|entry| change(entry, text)),
        Value::Object(map) => {
            for (mut name, mut member) in std::mem::take(map) {
                text(&mut name);
                change(&mut member, text);
                map.insert(name, member);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn one_that_is_part_of_another_leaves_nothing_of_it() {
        let secrets = Secrets::default();
        secrets.learn(&json!({"clientId": "identity-1", "clientSecret": "identity-1-and-more"}));
        let mut value = json!(["not identity-1-and-more or identity-1", {"identity-1": 1}, 7]);
        secrets.redact(&mut value);
        assert_eq!(value, json!(["not [hidden] or [hidden]", {"[hidden]": 1}, 7]));
    }

    #[test]
    fn a_new_token_is_given_and_hidden_from_then_on() {
        let secrets = Secrets::default();
        let mut result = json!({"cortexToken": "aaa.bbb.ccc", "warning": "aaa.bbb.ccc"});
        secrets.redact_result(&mut result);
        assert_eq!(result, json!({"cortexToken": "aaa.bbb.ccc", "warning": "[hidden]"}));
    }

    #[test]
    fn a_text_of_a_result_is_hidden_as_a_whole_or_left_as_it_is() {
        let secrets = Secrets::default();
        secrets.learn(&json!({"clientId": "winterfell-app"}));
        let mut result = json!({"appId": "com.jon.snow.winterfell-app", "owner": "winterfell-app"});
        secrets.redact_result(&mut result);
        let shown = json!({"appId": "com.jon.snow.winterfell-app", "owner": "[hidden]"});
        assert_eq!(result, shown);
    }

    #[test]
    fn old_tokens_are_forgotten_before_those_of_the_application() {
        let secrets = Secrets::default();
        for n in 0..100 {
            let token = format!("token number {n}");
            secrets.learn(&json!({"clientId": "identity-1", "cortexToken": token}));
        }
        let mut value = json!("identity-1, token number 99, token number 0");
        secrets.redact(&mut value);
        assert_eq!(value, json!("[hidden], [hidden], token number 0"));
        assert_eq!(secrets.lock().len(), MOST);
    }

    #[test]
    fn a_message_loses_its_secrets_and_keeps_all_else() {
        let secrets = Secrets::default();
        for (message, redacted) in [
            (
                r#"{ "params":{"clientSecret" : "so \" secret", "debit":10,"license":""},"id":"a"}"#,
                r#"{ "params":{"clientSecret" : "[hidden]", "debit":10,"license":""},"id":"a"}"#,
            ),
            (
                r#"{"result":{"license":{"licenseId":"5e0c7a3e-1","seatCount":1},"cortexToken":"aaaa\/bbbb=="}}"#,
                r#"{"result":{"license":{"licenseId":"[hidden]","seatCount":1},"cortexToken":"[hidden]"}}"#,
            ),
            (
                r#"{"licenseIds":["5e0c7a3e-1","5e0c7a3e-2"],"recordIds":["r"]}"#,
                r#"{"licenseIds":["[hidden]","[hidden]"],"recordIds":["r"]}"#,
            ),
            (
                r#"{"message":"aaaa\/bbbb== is bad","x":["token"]}"#,
                r#"{"message":"[hidden] is bad","x":["token"]}"#,
            ),
            (r#"{"cl\u0069entId":"an id of ours","a":1}"#, r#"{"cl\u0069entId":"[hidden]","a":1}"#),
            (r#"no JSON: "token": "abc"#, r#"no JSON: "token": "[hidden]""#),
            (
                "{\"eeg\":[1,2.50],\"sid\":\"µ\",\"time\":1.5}",
                "{\"eeg\":[1,2.50],\"sid\":\"µ\",\"time\":1.5}",
            ),
        ] {
            assert_eq!(secrets.redact_text(message), redacted);
        }
    }

    #[test]
    fn words_are_left_alone() {
        let secrets = Secrets::default();
        secrets.learn(&json!({"clientId": "demo", "clientSecret": "hidden", "cortexToken": ""}));
        let mut value = json!("demo of what is hidden");
        secrets.redact(&mut value);
        assert_eq!(value, json!("demo of what is hidden"));
    }
}
