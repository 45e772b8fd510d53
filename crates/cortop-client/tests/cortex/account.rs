//! Signing in (§2.1–§2.4): login, approval, agreement, tokens, and whose tokens they are.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use cortop_client::{
    Command, ConnectionStep, Credentials, CredentialsReader, Event, RecordCommand,
    account::UserLogin,
};
use cortop_sim::fault::Fault;
use serde_json::json;

use crate::{
    service::{
        ClientUnderTest, Reply, ScriptedService, TOKEN, closed, config, reached, refused, step,
    },
    simulated::SimHarness,
};

#[tokio::test]
async fn a_token_that_no_longer_serves_is_renewed_without_a_debit() {
    let mut refusals = [-32015, -32014].into_iter();
    let service = ScriptedService::start(move |seen| match seen.method.as_str() {
        "generateNewToken" => Reply::Error(-32130, "later"),
        "createSession" | "subscribe" => match refusals.next() {
            Some(code) => Reply::Error(code, "no"),
            None => Reply::Usual,
        },
        _ => Reply::Usual,
    })
    .await;
    let mut tested = ClientUnderTest::start(config(&service.url).debit(1));
    tested.until(reached(ConnectionStep::Streaming)).await;
    let debits: Vec<_> =
        service.asked("authorize").iter().map(|seen| seen.params.get("debit").is_some()).collect();
    assert!(debits[0]);
    assert!(debits.len() >= 2 && debits[1..].iter().all(|debit| !debit), "{debits:?}");
    assert_eq!(service.asked("generateNewToken").len(), 1);
    tested.quit().await;
}

#[tokio::test]
async fn nobody_logged_in_and_no_approval_are_waited_for() {
    let mut logged_in = false;
    let mut granted = false;
    let service = ScriptedService::start(move |seen| match seen.method.as_str() {
        "getUserLogin" if !logged_in => {
            logged_in = true;
            Reply::Result(json!([]))
        }
        "hasAccessRight" => Reply::Result(json!({"accessGranted": granted})),
        "requestAccess" => {
            granted = true;
            Reply::Result(json!({"accessGranted": false}))
        }
        _ => Reply::Usual,
    })
    .await;
    let mut tested = ClientUnderTest::start(config(&service.url));
    tested.until(reached(ConnectionStep::Login)).await;
    service.warn(2, json!("logged in"));
    tested.until(reached(ConnectionStep::Approval)).await;
    service.warn(9, json!("granted"));
    tested.until(reached(ConnectionStep::Streaming)).await;
    assert_eq!(service.asked("requestAccess").len(), 1);
    let events = tested.quit().await;
    let users: Vec<_> = events
        .iter()
        .filter_map(|event| match event {
            Event::User(user) => Some(user.clone().map(|UserLogin { username, .. }| username)),
            _ => None,
        })
        .collect();
    assert_eq!(users, [None, Some("ana.lab".to_owned())]);
}

#[tokio::test]
async fn the_agreement_is_waited_for() {
    let service = ScriptedService::start(|seen| match seen.method.as_str() {
        "authorize" => Reply::Result(json!({
            "cortexToken": TOKEN, "warning": {"code": 6, "licenseUrl": "https://", "message": "EULA"}
        })),
        _ => Reply::Usual,
    })
    .await;
    let mut tested = ClientUnderTest::start(config(&service.url));
    tested.until(reached(ConnectionStep::Agreement)).await;
    service.warn(17, json!("accepted"));
    tested.until(reached(ConnectionStep::Streaming)).await;
    tested.quit().await;
}

#[tokio::test(start_paused = true)]
async fn an_agreement_without_a_token_is_waited_for_until_there_is_one() {
    let mut times = 0;
    let service = ScriptedService::start(move |seen| match seen.method.as_str() {
        "authorize" if times < 3 => {
            times += 1;
            Reply::Result(json!({"warning": {"code": 6, "message": "EULA"}}))
        }
        _ => Reply::Usual,
    })
    .await;
    let mut tested = ClientUnderTest::start(config(&service.url));
    tested.until(reached(ConnectionStep::Agreement)).await;
    // Asked again without a warning, Cortex reports that it was accepted.
    tested.until(reached(ConnectionStep::Streaming)).await;
    assert_eq!(service.asked("authorize").len(), 4);
    tested.quit().await;
}

#[tokio::test(start_paused = true)]
async fn an_open_agreement_is_not_forgotten_with_the_connection() {
    let service = ScriptedService::start(|seen| match seen.method.as_str() {
        "authorize" if seen.connection < 2 => {
            Reply::Result(json!({"cortexToken": TOKEN, "warning": {"code": 6, "message": "EULA"}}))
        }
        _ => Reply::Usual,
    })
    .await;
    let mut tested = ClientUnderTest::start(config(&service.url).debit(1));
    for _ in 0..2 {
        tested.until(reached(ConnectionStep::Agreement)).await;
        assert!(service.asked("createSession").is_empty());
        service.drop_connections();
    }
    tested.until(reached(ConnectionStep::Streaming)).await;
    let authorized = service.asked("authorize");
    assert!(authorized[1..].iter().all(|seen| seen.params.get("debit").is_none()));
    tested.quit().await;
}

#[tokio::test]
async fn wrong_credentials_stop_with_the_next_step() {
    let service = ScriptedService::start(|seen| match seen.method.as_str() {
        "hasAccessRight" => Reply::Error(-32021, "Invalid client."),
        _ => Reply::Usual,
    })
    .await;
    let wrong = Credentials { repair: "look there".into(), ..Credentials::new("id", "wrong") };
    let mut tested = ClientUnderTest::start(config(&service.url).credentials(wrong));
    let refusal = tested.until(refused).await;
    assert!(refusal.ends_with("→ look there"), "{refusal}");
    tested.until(reached(ConnectionStep::Stopped)).await;
    // Retrying reports the refusal again; whatever needs a token is refused for the same reason.
    for command in [Command::Connect, Command::Record(RecordCommand::List)] {
        tested.command(command).await;
        assert_eq!(tested.until(refused).await, refusal);
    }
    tested.quit().await;
}

#[tokio::test]
async fn credentials_that_the_user_corrects_meanwhile_are_used_at_the_next_attempt() {
    let service = ScriptedService::start(|seen| match seen.method.as_str() {
        "hasAccessRight"
            if !seen.params["clientSecret"]
                .as_str()
                .is_some_and(|own| own.starts_with("right")) =>
        {
            Reply::Error(-32021, "no")
        }
        _ => Reply::Usual,
    })
    .await;
    let kept = Arc::new(Mutex::new(Some("wrong")));
    let reader = {
        let kept = Arc::clone(&kept);
        let read = move || kept.lock().unwrap().map(|secret| Credentials::new("id", secret));
        CredentialsReader::new(read)
    };
    let config = config(&service.url).credentials(Credentials::new("id", "wrong"));
    let mut tested = ClientUnderTest::start(config.credentials_reader(reader));
    tested.until(reached(ConnectionStep::Stopped)).await;
    // None at all are no better: the previous ones stay.
    *kept.lock().unwrap() = None;
    tested.command(Command::Connect).await;
    tested.until(refused).await;
    *kept.lock().unwrap() = Some("right");
    tested.command(Command::Connect).await;
    tested.until(reached(ConnectionStep::Streaming)).await;
    assert_eq!(service.asked("authorize").len(), 1);
    // The token of an application is of no use to another.
    *kept.lock().unwrap() = Some("right too");
    service.drop_connections();
    tested.until(closed).await;
    tested.until(reached(ConnectionStep::Streaming)).await;
    assert_eq!(service.asked("authorize").len(), 2);
    tested.quit().await;
}

#[tokio::test]
async fn after_a_logout_the_next_user_gets_a_token_of_their_own_and_no_debit() {
    let mut users = ["ana.lab", "ben.lab"].into_iter();
    let service = ScriptedService::start(move |seen| match seen.method.as_str() {
        "getUserLogin" => Reply::Result(json!([{"username": users.next().unwrap()}])),
        _ => Reply::Usual,
    })
    .await;
    let config = config(&service.url).debit(2);
    let mut tested = ClientUnderTest::start(config);
    tested.until(reached(ConnectionStep::Streaming)).await;
    service.warn(3, json!("ana.lab has logged out"));
    assert!(tested.until(closed).await.contains("logged out"));
    tested.until(reached(ConnectionStep::Streaming)).await;
    let authorized = service.asked("authorize");
    assert_eq!(authorized.len(), 2);
    assert_eq!(authorized[1].params.get("debit"), None);
    tested.quit().await;
}

#[tokio::test]
async fn another_user_of_this_computer_who_holds_the_service_is_named() {
    let service = ScriptedService::start(|seen| match seen.method.as_str() {
        "getUserLogin" => Reply::Result(json!([{
            "currentOSUId": "501", "currentOSUsername": "ana", "loggedInOSUId": "502",
            "loggedInOSUsername": "ben", "username": "ben.lab"
        }])),
        _ => Reply::Usual,
    })
    .await;
    let mut tested = ClientUnderTest::start(config(&service.url));
    let refusal = tested.until(refused).await;
    assert!(refusal.contains("ben, is logged in") && refusal.contains("log in here as ana"));
    let now =
        tested.until(|event| step(event).filter(|step| *step != ConnectionStep::Greeting)).await;
    assert_eq!(now.to_string(), "another user logged in");
    tested.quit().await;
    assert!(service.asked("authorize").is_empty());
}

#[tokio::test]
async fn each_connection_asks_for_the_approval_that_the_service_may_have_forgotten() {
    let approved = Arc::new(AtomicBool::new(true));
    let granted = Arc::clone(&approved);
    let service = ScriptedService::start(move |seen| match seen.method.as_str() {
        "hasAccessRight" | "requestAccess" => {
            Reply::Result(json!({"accessGranted": granted.load(Ordering::Relaxed)}))
        }
        _ => Reply::Usual,
    })
    .await;
    let mut tested = ClientUnderTest::start(config(&service.url));
    tested.until(reached(ConnectionStep::Streaming)).await;
    approved.store(false, Ordering::Relaxed);
    service.drop_connections();
    tested.until(reached(ConnectionStep::Approval)).await;
    let asked = service.asked("requestAccess");
    assert_eq!(asked.iter().map(|seen| seen.connection).collect::<Vec<_>>(), [1]);
    approved.store(true, Ordering::Relaxed);
    service.warn(9, json!("granted"));
    tested.until(reached(ConnectionStep::Streaming)).await;
    tested.quit().await;
}

#[tokio::test]
async fn an_approval_taken_back_is_waited_for_and_nothing_else_is_needed() {
    let mut rig = SimHarness::start(&["insight:INSIGHT-0A1B2C3D:connected"]).await;
    rig.streaming().await;
    rig.order(Fault::RevokeAccess {});
    rig.tested.until(reached(ConnectionStep::Approval)).await;
    rig.order(Fault::GrantAccess {});
    rig.tested.until(reached(ConnectionStep::Streaming)).await;
    rig.tested.quit().await;
}

/// Each refusal that names what is missing leads back to the step that provides it.
#[tokio::test(start_paused = true)]
async fn what_is_missing_for_a_request_is_fetched_again() {
    for (code, cure) in [
        (-32102, "hasAccessRight"),
        (-32014, "authorize"),
        (-32015, "generateNewToken"),
        (-32021, "hasAccessRight"),
        (-32033, "getUserLogin"),
        (-32034, "authorize"),
        (-32135, "authorize"),
        (-32170, "authorize"),
    ] {
        let mut ill = None;
        let service = ScriptedService::start(move |seen| match seen.method.as_str() {
            "createSession" if *ill.get_or_insert(true) => Reply::Error(code, "no"),
            method if method == cure && ill == Some(true) => {
                ill = Some(false);
                Reply::Usual
            }
            _ => Reply::Usual,
        })
        .await;
        let mut tested = ClientUnderTest::start(config(&service.url));
        tested.until(reached(ConnectionStep::Streaming)).await;
        tested.quit().await;
        let tries = service.asked("createSession").len();
        assert_eq!(tries, 2, "{code}");
    }
}

/// A refusal that recurs although everything was fetched anew does not become a flood of requests.
#[tokio::test(start_paused = true)]
async fn what_stays_missing_is_asked_for_in_peace() {
    let service = ScriptedService::start(|seen| match seen.method.as_str() {
        "createSession" => Reply::Error(-32102, "You have no access rights to the Application."),
        _ => Reply::Usual,
    })
    .await;
    let mut tested = ClientUnderTest::start(config(&service.url));
    tested.until(refused).await;
    tokio::time::sleep(Duration::from_secs(60)).await;
    let tries = service.asked("createSession").len();
    assert!((2..=14).contains(&tries), "{tries}");
    tested.quit().await;
}

#[tokio::test]
async fn each_user_is_asked_for_approval() {
    let mut users = ["ana.lab", "ben.lab"].into_iter();
    let mut now = "";
    let mut approved = Vec::new();
    let service = ScriptedService::start(move |seen| match seen.method.as_str() {
        "getUserLogin" => {
            now = users.next().unwrap_or(now);
            Reply::Result(json!([{"username": now}]))
        }
        "requestAccess" => {
            approved.push(now);
            Reply::Result(json!({"accessGranted": true}))
        }
        "hasAccessRight" => Reply::Result(json!({"accessGranted": approved.contains(&now)})),
        _ => Reply::Usual,
    })
    .await;
    let mut tested = ClientUnderTest::start(config(&service.url));
    tested.until(reached(ConnectionStep::Streaming)).await;
    service.warn(3, json!("ana.lab has logged out"));
    tested.until(closed).await;
    tested.until(reached(ConnectionStep::Streaming)).await;
    // A user who has approved is not asked again.
    service.drop_connections();
    tested.until(closed).await;
    tested.until(reached(ConnectionStep::Streaming)).await;
    let asked = service.asked("requestAccess");
    assert_eq!(asked.iter().map(|seen| seen.connection).collect::<Vec<_>>(), [0, 1]);
    tested.quit().await;
}
