//! Tokens that were handed out to applications (§2.4). Knows neither the user nor the application
//! behind one.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

/// Tokens kept; an application that asks for more loses its oldest.
const MAX_TOKENS: usize = 64;
/// Seconds for which a token is good.
const LIFE: f64 = 48.0 * 3600.0;
/// Seconds for which it claims to be.
pub(super) const CLAIMED_LIFE: u64 = 259_200;

/// What a token has to be good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TokenUse {
    /// Everything: neither expired nor without an accepted licence agreement.
    Any,
    /// What is asked for before the licence agreement has been accepted.
    BeforeEula,
    /// Being exchanged for a new one: it may have expired.
    Renewal,
}

/// A token that was handed out.
pub(super) struct IssuedToken {
    text: String,
    /// The client id it belongs to.
    pub(super) app: String,
    /// The user it belongs to.
    pub(super) user: String,
    /// Service time of its end.
    pub(super) expires: f64,
}

/// All that were handed out, the newest last.
#[derive(Default)]
pub(super) struct Tokens(Vec<IssuedToken>);

impl Tokens {
    pub(super) fn find(&self, text: &str) -> Option<&IssuedToken> {
        self.0.iter().find(|token| token.text == text)
    }

    /// A new token: a JWT in standard base64.
    pub(super) fn issue(&mut self, app: &str, user: &str, claims: &Value, now: f64) -> String {
        let [header, claims] = [&json!({ "alg": "HS256", "typ": "JWT" }), claims]
            .map(|part| STANDARD.encode(part.to_string()));
        let signature = STANDARD.encode(rand::random::<[u8; 32]>());
        let text = format!("{header}.{claims}.{signature}");
        if self.0.len() == MAX_TOKENS {
            self.0.remove(0);
        }
        self.0.push(IssuedToken {
            text: text.clone(),
            app: app.to_owned(),
            user: user.to_owned(),
            expires: now + LIFE,
        });
        text
    }

    /// All tokens handed out so far run out.
    pub(super) fn expire(&mut self, now: f64) {
        self.0.iter_mut().for_each(|token| token.expires = now);
    }
}
