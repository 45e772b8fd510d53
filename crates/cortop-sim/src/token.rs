//! Tokens: issued to an application, looked at with every request (§2.4).

use serde_json::json;

use super::{
    account::{LICENSE_ID, USER_ID},
    noise::slot,
    refusal::{ApiError, BAD_TOKEN, NO_ACCESS, NO_LOGIN, TOKEN_EXPIRED, TOKEN_OF_ANOTHER_USER},
    service::Service,
};

/// Tokens kept; an application that asks for more loses its oldest.
const TOKENS: usize = 64;
/// Seconds for which a token is good.
const LIFE: f64 = 48.0 * 3600.0;
/// Seconds for which it claims to be.
const CLAIM: u64 = 259_200;

/// What a token has to be good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TokenUse {
    /// Everything: neither expired nor without an accepted licence agreement.
    Usable,
    /// To be asked for before the licence agreement has been accepted.
    BeforeEula,
    /// To be exchanged for a new one: it may have expired.
    Expired,
}

/// A token that was handed out.
pub(super) struct Token {
    text: String,
    /// The client id it belongs to.
    app: String,
    /// The user it belongs to.
    user: String,
    /// Service time of its end.
    pub(super) expires: f64,
}

impl Service {
    /// The client id behind a token that is good enough.
    pub(super) fn admit(&self, token: &str, pass: TokenUse, now: f64) -> Result<String, ApiError> {
        let token = self.tokens.iter().find(|known| known.text == token);
        let token = token.ok_or_else(|| ApiError::new(BAD_TOKEN))?;
        if !self.login.usable() {
            return Err(ApiError::new(NO_LOGIN));
        }
        if token.user != self.user {
            return Err(ApiError::new(TOKEN_OF_ANOTHER_USER));
        }
        if now >= token.expires && pass != TokenUse::Expired {
            return Err(ApiError::new(TOKEN_EXPIRED));
        }
        if !self.may(&token.app) {
            return Err(ApiError::new(NO_ACCESS));
        }
        // The reference only says that the token is unusable until then; the code is inferred.
        if !self.eula && pass == TokenUse::Usable {
            return Err(ApiError::told(BAD_TOKEN, "The licence agreement has not been accepted."));
        }
        Ok(token.app.clone())
    }

    /// A new token: a JWT in standard base64.
    pub(super) fn issue(&mut self, app: &str, now: f64) -> String {
        let (from, _) = slot(self.clock.epoch(now));
        let claims = json!({
            "appId": self.app_id(app),
            "appVersion": "1.0",
            "exp": from + CLAIM,
            "licenseId": LICENSE_ID,
            "nbf": from,
            "userId": USER_ID,
            "username": self.user,
            "version": "2.0",
        });
        let header = json!({ "alg": "HS256", "typ": "JWT" });
        let signature: [u8; 32] = rand::random();
        let text = [header.to_string().as_bytes(), claims.to_string().as_bytes(), &signature]
            .map(base64)
            .join(".");
        if self.tokens.len() == TOKENS {
            self.tokens.remove(0);
        }
        self.tokens.push(Token {
            text: text.clone(),
            app: app.to_owned(),
            user: self.user.clone(),
            expires: now + LIFE,
        });
        text
    }
}

/// Standard base64 with padding (RFC 4648 §4).
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let byte = |at: usize| u32::from(chunk.get(at).copied().unwrap_or_default());
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for place in 0..4 {
            let digit = (bits >> (18 - 6 * place)) & 63;
            let known = place <= chunk.len();
            text.push(if known { char::from(DIGITS[digit as usize]) } else { '=' });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_pads_as_the_standard_says() {
        let cases = ["", "f", "fo", "foo", "foob"].map(|text| base64(text.as_bytes()));
        assert_eq!(cases, ["", "Zg==", "Zm8=", "Zm9v", "Zm9vYg=="]);
    }
}
