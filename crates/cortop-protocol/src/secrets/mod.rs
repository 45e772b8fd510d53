//! Hides credentials that the service echoes. They are cut out of errors, warnings and the log
//! wherever they occur. A text in a result is data, which a cut would falsify: it is hidden as a
//! whole, and only if it is a credential. Whatever was sent or returned under the name of a
//! credential is known to be secret, even if a program slightly misspelt the name; this module
//! knows nothing about the meaning of texts.
//!
//! The client, the simulator's journal and the proxy's capture all use it.

mod redact;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

use self::redact::{Hide, hide_of};

/// The members of results that contain errors and warnings (§2.4, §2.8, §3.4).
const MESSAGES: [&str; 3] = ["failure", "message", "warning"];

/// Replaces a credential. A value that is not longer than this is a word, not a secret.
pub const HIDDEN: &str = "[hidden]";

/// How many credentials are remembered: those of the applications, and the tokens of their
/// connections.
const MOST: usize = 64;

/// The credentials that have crossed the connections of a client, newest last; shared by its
/// clones.
#[derive(Clone, Debug, Default)]
pub struct Secrets(Arc<Mutex<Vec<SecretString>>>);

impl Secrets {
    /// Remembers the credentials among the members of an object, including nested ones.
    pub fn learn(&self, object: &Value) {
        for (name, member) in object.as_object().into_iter().flatten() {
            if hide_of(name) == Hide::All {
                self.learn_all(member);
            }
        }
    }

    fn learn_all(&self, value: &Value) {
        match value {
            Value::String(text) => {
                self.remember(text);
            }
            Value::Number(number) => {
                self.remember(&number.to_string());
            }
            Value::Array(list) => list.iter().for_each(|entry| self.learn_all(entry)),
            Value::Object(map) => map.values().for_each(|member| self.learn_all(member)),
            Value::Null | Value::Bool(_) => {}
        }
    }

    /// Remembers a secret. Returns whether it is new.
    fn remember(&self, secret: &str) -> bool {
        if secret.len() <= HIDDEN.len() {
            return false;
        }
        let mut known = self.lock();
        let before = known.len();
        known.retain(|known| known.expose_secret() != secret);
        let is_new = known.len() == before;
        known.push(secret.into());
        let old = known.len().saturating_sub(MOST);
        known.drain(..old);
        is_new
    }

    /// Remembers the token in a result, and hides every other text that is a credential.
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

    /// Cuts all credentials out of the errors and warnings in a result.
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

    /// Cuts all credentials out of the texts and names in a value, before long texts are truncated.
    pub fn redact(&self, value: &mut Value) {
        change(value, &|text| self.hide(text));
    }

    fn lock(&self) -> MutexGuard<'_, Vec<SecretString>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Cuts all credentials out of a text. Longest first, because one may be part of another.
    /// Terminates because each round shortens the text.
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
    fn what_stands_under_a_name_nearly_right_is_learnt() {
        let secrets = Secrets::default();
        secrets.learn(&json!({
            "client_secret": "the first one", "ClientId": ["the second"], "x": "plain text here",
            "clientSecert": {"nested": 1_234_567_890}, "licenseId": "5e0c7a3e-1",
        }));
        let text = "the first one, the second, plain text here, 1234567890, 5e0c7a3e-1";
        let mut value = json!(text);
        secrets.redact(&mut value);
        let shown = "[hidden], [hidden], plain text here, [hidden], 5e0c7a3e-1";
        assert_eq!(value, shown);
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
    fn words_are_left_alone() {
        let secrets = Secrets::default();
        secrets.learn(&json!({"clientId": "demo", "clientSecret": "hidden", "cortexToken": ""}));
        let mut value = json!("demo of what is hidden");
        secrets.redact(&mut value);
        assert_eq!(value, json!("demo of what is hidden"));
    }
}
