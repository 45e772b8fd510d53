//! Headsets, their connection, settings and mappings, and sessions on them (§2.5 to §2.8, §3.2).

use super::*;
use crate::{Fault, Login};

fn device(peer: &TestClient) -> Value {
    peer.call("queryHeadsets", &json!({ "includeFlexMappings": true }))[0].clone()
}

fn connect(peer: &TestClient, more: &Value) -> Value {
    let mut params = json!({ "command": "connect", "headset": peer.headset() });
    for (name, value) in more.as_object().unwrap() {
        params[name] = value.clone();
    }
    params
}

async fn disconnected(model: Model) -> TestClient {
    let mut peer = TestClient::warm(model);
    peer.call("controlDevice", &json!({ "command": "disconnect", "headset": peer.headset() }));
    assert_eq!(device(&peer)["status"], "connected");
    peer.pass(0.1).await;
    assert_eq!(device(&peer)["status"], "discovered");
    peer.warnings();
    peer
}

#[tokio::test(start_paused = true)]
async fn a_connection_ends_as_its_link_and_settings_allow() {
    let cases = [
        (Model::EpocX, json!({}), 104),
        (Model::EpocX, json!({ "connectionType": "dongle" }), 104),
        (Model::EpocX, json!({ "connectionType": "bluetooth" }), 112),
        (Model::EpocPlus, json!({ "connectionType": "bluetooth" }), 113),
        (Model::Epoc, json!({ "connectionType": "bluetooth" }), 101),
        (Model::Insight, json!({ "connectionType": "bluetooth" }), 104),
    ];
    for (model, more, code) in cases {
        let mut peer = disconnected(model).await;
        assert_eq!(device(&peer)["settings"]["mode"], "UNKNOWN");
        peer.call("controlDevice", &connect(&peer, &more));
        assert_eq!(device(&peer)["status"], "connecting");
        peer.pass(2.1).await;
        let (warned, message) = peer.warnings().pop().unwrap();
        assert_eq!((warned, &message["headsetId"]), (code, &json!(peer.headset())));
        let status = if code == 104 { "connected" } else { "discovered" };
        assert_eq!(device(&peer)["status"], status);
    }
    let mut peer = disconnected(Model::Insight).await;
    peer.call("controlDevice", &connect(&peer, &json!({})));
    peer.inject(Fault::HeadsetGone {});
    peer.pass(2.1).await;
    assert_eq!(peer.codes(), [102]);
    for (params, code) in [
        (json!({ "command": "connect" }), -32602),
        (json!({ "command": "connect", "headset": "EPOCX-00000000" }), -32004),
        (json!({ "command": "disconnect", "headset": "EPOCX-00000000" }), -32004),
        (json!({ "command": "explode" }), -32602),
    ] {
        assert_eq!(peer.raw("controlDevice", &params), code, "{params}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_connected_headset_is_ready_at_once_unless_that_is_the_fault() {
    let mut peer = disconnected(Model::Insight).await;
    let open = json!({ "headset": peer.headset(), "status": "open" });
    peer.call("controlDevice", &connect(&peer, &json!({})));
    peer.pass(2.0).await;
    assert_eq!(peer.codes(), [104]);
    assert_eq!(peer.refused("createSession", &open), 0);

    let inject = |text: &str| peer.inject(toml::from_str::<Injection>(text).unwrap());
    let close = || {
        peer.shared.update(|service, now| service.log_in(Login::None, now));
        peer.shared.update(|service, now| service.log_in(Login::Same, now));
    };
    inject("do.not-ready = { seconds = 1.5 }");
    close();
    assert_eq!(peer.refused("createSession", &open), -32152);
    peer.pass(1.6).await;
    assert_eq!(peer.refused("createSession", &open), 0);
    // And again after the next connection.
    peer.call("controlDevice", &json!({ "command": "disconnect", "headset": peer.headset() }));
    peer.pass(0.1).await;
    peer.call("controlDevice", &connect(&peer, &json!({})));
    peer.pass(2.1).await;
    assert_eq!(peer.refused("createSession", &open), -32152);
    inject("do.clear = {}");
    assert_eq!(peer.refused("createSession", &open), 0);
    close();
    inject("headset = \"EPOCX-00000000\"\ndo.not-ready = { seconds = 1.5 }");
    assert_eq!(peer.refused("createSession", &open), 0);
}

#[tokio::test(start_paused = true)]
async fn warning_0_comes_around_ones_own_close_too() {
    let mut peer = TestClient::warm(Model::Insight);
    let session = peer.session("open");
    let id = session.as_str().unwrap();
    let closed = peer.own("updateSession", &json!({ "session": session, "status": "close" }));
    assert_eq!(closed["status"], "closed");
    let behavior = format!("Cortex has stopped all the subscriptions of session {id}.");
    assert_eq!(peer.warnings(), [(0, json!({ "behavior": behavior, "sessionId": id }))]);
}

#[tokio::test(start_paused = true)]
async fn warning_0_stays_away_where_an_older_version_is_asked_for() {
    let mut peer = TestClient::warm(Model::Insight);
    for (fault, codes) in [(Fault::SilentClose {}, vec![]), (Fault::Clear {}, vec![0])] {
        peer.inject(fault);
        let session = peer.session("open");
        peer.own("updateSession", &json!({ "session": session, "status": "close" }));
        assert_eq!(peer.codes(), codes);
    }
}

#[tokio::test(start_paused = true)]
async fn the_same_seed_gives_the_same_ids_if_that_is_asked_for() {
    let made = |ids| {
        let mut peer = TestClient::new(&Options { ids, ..Options::default() });
        peer.authorize();
        let session = peer.session("active");
        let record = peer.own("createRecord", &json!({ "session": session, "title": "rest" }));
        [session, record["record"]["uuid"].clone()]
    };
    let first = made(Some(7));
    assert_eq!(first, made(Some(7)));
    assert_ne!(first[0], first[1]);
    assert!(made(None).iter().zip(made(None)).all(|(one, other)| *one != other));
}

#[tokio::test(start_paused = true)]
async fn on_a_usb_cable_it_looks_connected_and_never_is_ready() {
    let mut peer = disconnected(Model::EpocX).await;
    peer.call("controlDevice", &connect(&peer, &json!({ "connectionType": "usb cable" })));
    peer.pass(3600.0).await;
    assert_eq!(peer.codes(), [104]);
    let object = device(&peer);
    assert_eq!((&object["connectedBy"], &object["sensors"]), (&json!("usb cable"), &json!([])));
    let open = json!({ "headset": peer.headset(), "status": "open" });
    assert_eq!(peer.refused("createSession", &open), -32152);

    // Its settings can be changed there, and only there.
    let setting =
        |mode: &str, eeg: u32, mems: u32| json!({ "mode": mode, "eegRate": eeg, "memsRate": mems });
    let update = |setting: Value| json!({ "headset": peer.headset(), "setting": setting });
    for bad in [
        setting("EPOC", 256, 0),
        setting("EPOC", 128, 32),
        setting("EPOCPLUS", 512, 0),
        setting("EPOCPLUS", 128, 48),
        json!({ "mode": "EPOC" }),
    ] {
        assert_eq!(peer.refused("updateHeadset", &update(bad.clone())), -32602, "{bad}");
    }
    peer.own("updateHeadset", &update(setting("EPOCPLUS", 128, 128)));
    peer.pass(3.1).await;
    assert_eq!(peer.codes(), [110]);
    assert_eq!(
        device(&peer)["settings"],
        json!({ "eegRate": 128, "eegRes": 16, "memsRate": 128, "memsRes": 16, "mode": "EPOCPLUS" })
    );
    peer.own(
        "updateHeadset",
        &json!({ "headset": peer.headset(), "setting": setting("EPOC", 128, 0) }),
    );
    peer.pass(3.1).await;
    peer.call("controlDevice", &json!({ "command": "disconnect", "headset": peer.headset() }));
    peer.pass(0.1).await;
    // At 128 Hz and without motion, Bluetooth is fast enough.
    peer.call("controlDevice", &connect(&peer, &json!({ "connectionType": "bluetooth" })));
    peer.pass(4.0).await;
    assert_eq!(peer.codes(), [110, 104]);
    let session = peer.session("active");
    let failure = peer.subscribe(&session, &["eeg", "mot"])["failure"].clone();
    assert_eq!((&failure[0]["streamName"], &failure[0]["code"]), (&json!("mot"), &json!(-32016)));
    for (setting, code) in [(setting("EPOCPLUS", 256, 0), 112), (setting("EPOC", 128, 0), 111)] {
        peer.own("updateHeadset", &json!({ "headset": peer.headset(), "setting": setting }));
        peer.pass(3.1).await;
        assert_eq!(peer.codes(), [code]);
    }
}

#[tokio::test(start_paused = true)]
async fn name_and_headband_are_the_users() {
    let peer = TestClient::warm(Model::EpocX);
    let info = |more: Value| {
        let mut params = json!({ "headsetId": peer.headset() });
        params.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        params
    };
    let done = peer.own(
        "updateHeadsetCustomInfo",
        &info(json!({ "customName": "red", "headbandPosition": "top" })),
    );
    assert_eq!((&done["customName"], &done["headbandPosition"]), (&json!("red"), &json!("top")));
    let object = device(&peer);
    assert_eq!(
        (&object["customName"], &object["headbandPosition"]),
        (&json!("red"), &json!("top"))
    );
    assert_eq!(peer.refused("updateHeadsetCustomInfo", &info(json!({}))), -32602);
    assert_eq!(
        peer.refused("updateHeadsetCustomInfo", &json!({ "headset": peer.headset() })),
        -32602
    );
    assert_eq!(
        peer.refused("updateHeadsetCustomInfo", &json!({ "headsetId": "X", "customName": "" })),
        -32004
    );
    let insight = TestClient::warm(Model::Insight);
    let band = json!({ "headsetId": insight.headset(), "headbandPosition": "top" });
    assert_eq!(insight.refused("updateHeadsetCustomInfo", &band), -32602);

    // Relative to the clock of the samples, whatever the client's time.
    let sync = json!({ "headset": peer.headset(), "systemTime": 1000.5, "monotonicTime": 20.25 });
    let adjustment = peer.call("syncWithHeadsetClock", &sync)["adjustment"].as_f64().unwrap();
    assert!((adjustment + 20.25 - peer.millis() / 1000.0).abs() < 1e-3, "{adjustment}");
    let sync = json!({ "headset": "X", "systemTime": 1.0, "monotonicTime": 1.0 });
    assert_eq!(peer.raw("syncWithHeadsetClock", &sync), -32004);
    // An Insight has no such settings.
    let setting = json!({ "mode": "EPOC", "eegRate": 128, "memsRate": 0 });
    let update = json!({ "headset": insight.headset(), "setting": setting });
    assert_eq!(insight.refused("updateHeadset", &update), -32602);
}

#[tokio::test(start_paused = true)]
async fn a_flex_has_its_sensors_where_it_is_told() {
    let mut peer = disconnected(Model::EpocFlex).await;
    assert_eq!(device(&peer)["flexMappings"]["mappings"]["LA"], "Cz");
    let mapping = json!({ "CMS": "TP9", "DRL": "Afz", "RA": "Pz", "LB": "Fz", "LA": "AF3" });
    for bad in [
        json!({ "CMS": "TP9", "LA": "Pz" }),
        json!({ "CMS": "TP9", "DRL": "TP10" }),
        json!({ "CMS": "TP9", "DRL": "TP10", "LI": "Pz" }),
        json!({ "CMS": "TP9", "DRL": "TP10", "LA": "Nose" }),
        json!({ "CMS": "TP9", "DRL": "TP10", "LA": "Pz", "LB": "Pz" }),
    ] {
        assert_eq!(peer.raw("controlDevice", &connect(&peer, &json!({ "mappings": bad }))), -32602);
    }
    peer.call("controlDevice", &connect(&peer, &json!({ "mappings": mapping })));
    peer.pass(4.0).await;
    assert_eq!(peer.codes(), [104]);
    assert_eq!(device(&peer)["sensors"], json!(["AF3", "Fz", "Pz"]));
    let session = peer.session("active");
    let answer = peer.subscribe(&session, &["eeg", "met", "com"]);
    assert_eq!(answer["failure"].as_array().unwrap().len(), 2);
    let cols = json!([
        "COUNTER",
        "INTERPOLATED",
        "AF3",
        "Fz",
        "Pz",
        "HighBitFlex",
        "RAW_CQ",
        "MARKER_HARDWARE",
        "MARKERS"
    ]);
    assert_eq!(answer["success"][0]["cols"], cols);
    peer.pass(0.01).await;
    assert_eq!(peer.values("eeg")[0].as_array().unwrap().len(), 9);

    let epoc = cortop_protocol::model::EPOC_SENSORS;
    let keys = ["LA", "LB", "LC", "LD", "LE", "LF", "LG", "LH", "LJ", "LK", "LL", "LM", "LN", "LO"];
    let mut like: Value = keys
        .iter()
        .zip(epoc)
        .map(|(key, place)| ((*key).to_owned(), json!(place)))
        .collect::<serde_json::Map<_, _>>()
        .into();
    like["CMS"] = json!("TP9");
    like["DRL"] = json!("TP10");
    peer.call("controlDevice", &json!({ "command": "disconnect", "headset": peer.headset() }));
    peer.pass(0.1).await;
    peer.call("controlDevice", &connect(&peer, &json!({ "mappings": like })));
    peer.pass(4.0).await;
    // With an EPOC's positions, there are an EPOC's detections.
    assert_eq!(
        peer.subscribe(&peer.session("active"), &["met", "com", "fac"])["failure"],
        json!([])
    );
    let insight = TestClient::warm(Model::Insight);
    assert_eq!(
        insight.raw("controlDevice", &connect(&insight, &json!({ "mappings": mapping }))),
        -32602
    );
    assert!(device(&insight).get("flexMappings").is_none());
}

#[tokio::test(start_paused = true)]
async fn mappings_are_stored_read_changed_and_deleted() {
    let peer = TestClient::warm(Model::EpocFlex);
    let mapping = json!({ "CMS": "TP9", "DRL": "TP10", "LA": "CTM1" });
    let create = json!({ "status": "create", "name": "one", "mappings": mapping });
    let made = peer.own("configMapping", &create);
    assert_eq!(made["message"], "Create flex mapping config successful");
    let made = made["value"].clone();
    let uuid = made["uuid"].clone();
    let expected = json!({ "label": {}, "mappings": mapping, "name": "one", "uuid": uuid });
    assert_eq!(made, expected);
    assert_eq!(
        peer.own("configMapping", &json!({ "status": "read", "uuid": uuid }))["value"],
        expected
    );
    let update = json!({ "status": "update", "uuid": uuid, "name": "two" });
    assert_eq!(peer.own("configMapping", &update)["value"]["name"], "two");
    let all = peer.own("configMapping", &json!({ "status": "get" }))["value"].clone();
    assert_eq!((&all["config"][0]["name"], &all["version"]), (&json!("two"), &json!("2018-05-08")));
    for bad in [
        json!({ "status": "create", "name": "x" }),
        json!({ "status": "create", "mappings": mapping }),
        json!({ "status": "create", "name": "x", "mappings": { "LA": "Pz" } }),
        json!({ "status": "read", "uuid": "x" }),
        json!({ "status": "update", "uuid": uuid }),
        json!({ "status": "update", "uuid": uuid, "name": "x", "mappings": {} }),
        json!({ "status": "steal" }),
    ] {
        assert_eq!(peer.refused("configMapping", &bad), -32602, "{bad}");
    }
    let delete = json!({ "status": "delete", "uuid": uuid });
    assert_eq!(peer.own("configMapping", &delete)["uuid"], uuid);
    assert_eq!(peer.refused("configMapping", &delete), -32602);
}

#[tokio::test(start_paused = true)]
async fn silence_ends_sessions_and_a_virtual_headset_says_nothing_of_it() {
    for (is_virtual, expected) in [(false, vec![103, 0, 1, 15]), (true, vec![0, 1, 15])] {
        let mut peer = TestClient::warm(Model::EpocX);
        peer.session("open");
        peer.shared.update(|service, _| service.headsets.0[0].is_virtual = is_virtual);
        let id = peer.headset();
        peer.inject(Fault::HeadsetGone {});
        assert_eq!(device(&peer)["virtualHeadsetId"], if is_virtual { &id } else { "" });
        peer.pass(29.0).await;
        assert_eq!((peer.codes(), &device(&peer)["status"]), (vec![], &json!("connecting")));
        peer.pass(1.1).await;
        assert_eq!(peer.codes(), expected);
        assert_eq!(peer.own("querySessions", &json!({})), json!([]));
    }
}

#[tokio::test(start_paused = true)]
async fn sessions_are_of_one_application_and_one_headset() {
    let peer = TestClient::warm(Model::EpocX);
    let other = peer.neighbour(2);
    let session = peer.session("open");
    let open = json!({ "headset": peer.headset(), "status": "open" });
    assert_eq!(peer.refused("createSession", &open), -32005);
    let theirs = other.session("active");
    let all = other.own("querySessions", &json!({}));
    assert_eq!((all.as_array().unwrap().len(), &all[0]["appId"]), (1, &json!("com.sim.user.app2")));
    for (method, params) in [
        ("updateSession", json!({ "session": session, "status": "close" })),
        ("subscribe", json!({ "session": session, "streams": ["dev"] })),
        ("unsubscribe", json!({ "session": session, "streams": ["dev"] })),
        ("createRecord", json!({ "session": session, "title": "x" })),
        ("stopRecord", json!({ "session": session })),
    ] {
        assert_eq!(other.refused(method, &params), -32007, "{method}");
    }
    peer.leave();
    assert_eq!(peer.own("querySessions", &json!({})), json!([]));
    assert_eq!(other.own("querySessions", &json!({}))[0]["id"], theirs);
    assert_eq!(
        peer.refused("updateSession", &json!({ "session": session, "status": "active" })),
        -32007
    );
}

#[tokio::test(start_paused = true)]
async fn a_stepped_clock_goes_on_only_when_it_is_told_to() {
    let mut peer = TestClient::new(&Options { stepped: true, ..Options::default() });
    peer.authorize();
    let session = peer.session("active");
    peer.subscribe(&session, &["eeg"]);
    peer.pass(3600.0).await;
    assert_eq!(peer.samples().len(), 0);
    let step = |seconds| peer.shared.update(|service, _| service.env.clock.step(seconds));
    step(5.0);
    // However large the step, none is lost.
    assert_eq!(peer.samples().len(), 5 * 256);
    step(49.0 * 3600.0);
    assert_eq!(peer.refused("querySessions", &json!({})), -32015);
}
