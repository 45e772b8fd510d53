//! Hides credentials that the service echoes, in errors, warnings and results alike. What has been
//! sent or given under one of their names is known to be secret; what a text means is not known
//! here.

use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

/// The members that carry credentials (§2.3, §2.4).
const NAMES: [&str; 3] = ["clientId", "clientSecret", "cortexToken"];

/// Stands for a credential. One that is not longer than this is a word, and no secret.
pub const HIDDEN: &str = "[hidden]";

/// Most credentials remembered of one connection: the two of the application, and old tokens.
const MOST: usize = 16;

/// The credentials that have crossed one connection, the last ones last.
#[derive(Default)]
pub(super) struct Secrets(Vec<SecretString>);

impl Secrets {
    /// Remembers the credentials among the members of an object.
    pub(super) fn learn(&mut self, object: &Value) {
        for secret in NAMES.iter().filter_map(|name| object.get(name)?.as_str()) {
            if secret.len() > HIDDEN.len() {
                self.0.retain(|known| known.expose_secret() != secret);
                self.0.push(secret.into());
            }
        }
        self.0.drain(..self.0.len().saturating_sub(MOST));
    }

    /// Learns the token that a result gives, and hides all credentials elsewhere in it.
    pub(super) fn redact_result(&mut self, result: &mut Value) {
        self.learn(result);
        let token = result.get_mut("cortexToken").map(Value::take);
        self.redact(result);
        if let Some(token) = token {
            result["cortexToken"] = token;
        }
    }

    /// Hides all credentials in the texts and names of a value, whole texts before they are cut.
    pub(super) fn redact(&self, value: &mut Value) {
        match value {
            Value::String(text) => self.hide(text),
            Value::Array(list) => list.iter_mut().for_each(|entry| self.redact(entry)),
            Value::Object(map) => {
                for (mut name, mut member) in std::mem::take(map) {
                    self.hide(&mut name);
                    self.redact(&mut member);
                    map.insert(name, member);
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    /// The longest first, for one may be part of another. It ends because each turn shortens the
    /// text.
    fn hide(&self, text: &mut String) {
        let longest = |text: &str| {
            let known = self.0.iter().map(ExposeSecret::expose_secret);
            known.filter(|secret| text.contains(*secret)).max_by_key(|secret| secret.len())
        };
        while let Some(secret) = longest(text) {
            *text = text.replace(secret, HIDDEN);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn one_that_is_part_of_another_leaves_nothing_of_it() {
        let mut secrets = Secrets::default();
        secrets.learn(&json!({"clientId": "identity-1", "clientSecret": "identity-1-and-more"}));
        let mut value = json!(["not identity-1-and-more or identity-1", {"identity-1": 1}, 7]);
        secrets.redact(&mut value);
        assert_eq!(value, json!(["not [hidden] or [hidden]", {"[hidden]": 1}, 7]));
    }

    #[test]
    fn a_new_token_is_given_and_hidden_from_then_on() {
        let mut secrets = Secrets::default();
        let mut result = json!({"cortexToken": "aaa.bbb.ccc", "warning": "aaa.bbb.ccc"});
        secrets.redact_result(&mut result);
        assert_eq!(result, json!({"cortexToken": "aaa.bbb.ccc", "warning": "[hidden]"}));
    }

    #[test]
    fn old_tokens_are_forgotten_before_those_of_the_application() {
        let mut secrets = Secrets::default();
        for n in 0..100 {
            let token = format!("token number {n}");
            secrets.learn(&json!({"clientId": "identity-1", "cortexToken": token}));
        }
        let mut value = json!("identity-1, token number 99, token number 0");
        secrets.redact(&mut value);
        assert_eq!(value, json!("[hidden], [hidden], token number 0"));
        assert_eq!(secrets.0.len(), MOST);
    }

    #[test]
    fn words_are_left_alone() {
        let mut secrets = Secrets::default();
        secrets.learn(&json!({"clientId": "demo", "clientSecret": "hidden", "cortexToken": ""}));
        let mut value = json!("demo of what is hidden");
        secrets.redact(&mut value);
        assert_eq!(value, json!("demo of what is hidden"));
    }
}
