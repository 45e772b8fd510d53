//! The tokens issued to applications (§2.4). Independent of users and applications.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

/// The most tokens kept; an application that asks for more loses its oldest.
const MAX_TOKENS: usize = 64;
/// Lifetime of a token in seconds.
const LIFE: f64 = 48.0 * 3600.0;
/// The lifetime in seconds that it claims.
pub(super) const CLAIMED_LIFE: u64 = 259_200;

/// What a token has to be sufficient for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TokenUse {
    /// Everything: not expired, and the licence agreement accepted.
    Any,
    /// Requests made before the licence agreement has been accepted.
    BeforeEula,
    /// To be exchanged for a new one: it may have expired.
    Renewal,
}

/// A token that was issued.
pub(super) struct IssuedToken {
    text: String,
    /// The client id it belongs to.
    pub(super) app: String,
    /// The user it belongs to.
    pub(super) user: String,
    /// Service time of its expiry.
    pub(super) expires: f64,
}

/// All issued tokens, newest last.
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

    /// Makes all tokens issued so far expire.
    pub(super) fn expire(&mut self, now: f64) {
        self.0.iter_mut().for_each(|token| token.expires = now);
    }
}
