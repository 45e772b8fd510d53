//! Login, approval, licence agreement, token, licence, opting out (§2.1 to §2.4, §3.1).

use base64::{Engine as _, engine::general_purpose::STANDARD};

use super::*;
use crate::{Delays, Login, licence::LICENSE_ID};

/// The content of a part of a token.
fn decoded(part: &str) -> Value {
    serde_json::from_slice(&STANDARD.decode(part).unwrap()).unwrap()
}

#[tokio::test(start_paused = true)]
async fn the_user_is_asked_once_and_the_answer_stands() {
    let mut peer = TestClient::cold();
    let keys = peer.keys.clone();
    assert_eq!(peer.raw("authorize", &keys), -32102);
    assert_eq!(peer.call("requestAccess", &keys)["accessGranted"], false);
    peer.pass(2.0).await;
    // Asking again neither prompts the user again nor delays the answer.
    assert_eq!(peer.call("requestAccess", &keys)["accessGranted"], false);
    peer.pass(1.1).await;
    assert_eq!(peer.codes(), [9]);
    assert_eq!(peer.call("hasAccessRight", &keys)["accessGranted"], true);
    peer.authorize();
    peer.shared.update(|service, _| service.account.answer_access("id", false, &mut service.env));
    assert_eq!(peer.codes(), [10]);
    assert_eq!(peer.refused("querySessions", &json!({})), -32102);
    assert_eq!(peer.call("requestAccess", &keys)["accessGranted"], false);
    peer.pass(60.0).await;
    assert_eq!(peer.codes(), [0_i64; 0]);

    let silent = Delays { approval: None, ..Delays::default() };
    let peer = TestClient::new(&Options { approved: false, delays: silent, ..Options::default() });
    peer.call("requestAccess", &keys);
    peer.pass(3600.0).await;
    assert_eq!(peer.call("hasAccessRight", &keys)["accessGranted"], false);
}

#[tokio::test(start_paused = true)]
async fn who_asks_with_the_wrong_words_is_not_known() {
    let peer = TestClient::warm(Model::Insight);
    let cases = [
        (json!({ "clientId": "id", "clientSecret": "other" }), -32021),
        (json!({ "clientId": "", "clientSecret": "no" }), -32021),
        (json!({ "clientId": "id", "clientSecret": "no", "license": "Basic" }), -32602),
        (
            json!({ "clientId": "id", "clientSecret": "no", "license": LICENSE_ID.replace('5', "6") }),
            -32002,
        ),
        (json!({ "clientId": "id", "clientSecret": "no", "debit": -1 }), -32602),
        (json!({ "clientId": "id", "clientSecret": "no", "license": LICENSE_ID, "debit": 3 }), 0),
        (json!({ "clientId": "id", "clientSecret": "no", "license": "" }), 0),
    ];
    for (params, code) in cases {
        assert_eq!(peer.raw("authorize", &params), code, "{params}");
    }
    let licence = peer.own("getLicenseInfo", &json!({}))["license"].clone();
    assert_eq!((&licence["localQuota"], &licence["totalDebit"]), (&json!(1003), &json!(1003)));
}

#[tokio::test(start_paused = true)]
async fn a_token_lasts_48_hours_and_is_exchanged_for_a_new_one_even_then() {
    let mut peer = TestClient::warm(Model::Insight);
    let claims = decoded(peer.token.split('.').nth(1).unwrap());
    assert_eq!(claims["exp"].as_i64().unwrap() - claims["nbf"].as_i64().unwrap(), 259_200);
    assert_eq!(
        (&claims["appId"], &claims["version"], &claims["licenseId"]),
        (&json!("com.sim.user.app"), &json!("2.0"), &json!(LICENSE_ID))
    );
    peer.pass(48.0 * 3600.0 - 1.0).await;
    peer.own("querySessions", &json!({}));
    peer.pass(2.0).await;
    for method in ["querySessions", "getUserInformation"] {
        assert_eq!(peer.refused(method, &json!({})), -32015);
    }
    let other = peer.neighbour(2);
    let renew = |keys: &Value| {
        let mut params = peer.with_token(keys);
        params["cortexToken"] = json!(peer.token);
        params
    };
    assert_eq!(peer.raw("generateNewToken", &renew(&other.keys)), -32135);
    let mut wrong = renew(&peer.keys);
    wrong["clientSecret"] = json!("wrong");
    assert_eq!(peer.raw("generateNewToken", &wrong), -32021);
    let fresh = peer.call("generateNewToken", &renew(&peer.keys))["cortexToken"].clone();
    peer.token = fresh.as_str().unwrap().to_owned();
    peer.own("querySessions", &json!({}));
    peer.shared.update(|service, _| service.account.user = "somebody.else".to_owned());
    assert_eq!(peer.refused("querySessions", &json!({})), -32034);
}

#[tokio::test(start_paused = true)]
async fn without_an_accepted_agreement_a_token_only_tells_so() {
    let mut peer = TestClient::warm(Model::Insight);
    peer.shared.update(|service, _| service.account.set_eula(false, &mut service.env));
    let answer = peer.call("authorize", &peer.keys);
    assert_eq!(answer["warning"]["code"], 6);
    assert!(answer["warning"]["licenseUrl"].is_string());
    peer.token = answer["cortexToken"].as_str().unwrap().to_owned();
    assert_eq!(peer.refused("querySessions", &json!({})), -32014);
    let accepted = |peer: &TestClient| {
        peer.own("getUserInformation", &json!({}))["licenseAgreement"]["accepted"].clone()
    };
    assert_eq!(accepted(&peer), false);
    peer.shared.update(|service, _| service.account.set_eula(true, &mut service.env));
    assert_eq!(peer.codes(), [17]);
    assert_eq!(accepted(&peer), true);
    peer.own("querySessions", &json!({}));
}

#[tokio::test(start_paused = true)]
async fn nobody_or_somebody_else_logged_in_shuts_the_service() {
    let mut peer = TestClient::warm(Model::Insight);
    peer.session("open");
    for (login, code) in [(Login::None, 3), (Login::Other, 16)] {
        peer.shared.update(|service, now| service.log_in(login, now));
        assert_eq!(peer.codes().last(), Some(&code));
        for method in ["requestAccess", "hasAccessRight", "authorize"] {
            assert_eq!(peer.raw(method, &peer.keys), -32033, "{method} {login:?}");
        }
        assert_eq!(peer.refused("querySessions", &json!({})), -32033);
        let user = peer.call("getUserLogin", &json!({}));
        match login {
            Login::None => assert_eq!(user, json!([])),
            _ => assert_ne!(user[0]["currentOSUId"], user[0]["loggedInOSUId"]),
        }
    }
    peer.shared.update(|service, now| service.log_in(Login::Same, now));
    assert_eq!(peer.codes(), [2]);
    // The sessions ended with the login.
    assert_eq!(peer.own("querySessions", &json!({})), json!([]));
}

#[tokio::test(start_paused = true)]
async fn an_expired_licence_activates_nothing() {
    let peer = TestClient::warm(Model::Insight);
    peer.shared.update(|service, now| service.account.licence.ends = now);
    assert_eq!(peer.raw("authorize", &peer.keys), -32024);
    let active = json!({ "headset": peer.headset(), "status": "active" });
    assert_eq!(peer.refused("createSession", &active), -32024);
    let session = peer.session("open");
    let active = json!({ "session": session, "status": "active" });
    assert_eq!(peer.refused("updateSession", &active), -32024);
    assert_eq!(peer.own("getLicenseInfo", &json!({}))["license"]["expired"], true);
}

#[tokio::test(start_paused = true)]
async fn opting_out_is_of_one_application() {
    let peer = TestClient::warm(Model::Insight);
    let other = peer.neighbour(2);
    assert_eq!(peer.refused("configOptOut", &json!({ "status": "set" })), -32602);
    peer.own("configOptOut", &json!({ "status": "set", "newOptOut": true }));
    let get = json!({ "status": "get" });
    assert_eq!(peer.own("configOptOut", &get)["currentOptOut"], true);
    assert_eq!(other.own("configOptOut", &get)["currentOptOut"], false);
}
