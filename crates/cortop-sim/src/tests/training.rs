//! Profiles, training and its results (§2.10, §3.7, §3.8, §5.8, §5.10).

use super::*;
use crate::profile::StoredProfile;

fn setup(peer: &TestClient, status: &str, profile: &str) -> Value {
    json!({ "headset": peer.headset(), "profile": profile, "status": status })
}

/// A headset without a profile.
fn plain(model: Model) -> TestClient {
    let mut peer = TestClient::warm(model);
    peer.shared.update(|service, _| service.headsets.0[0].profile = None);
    peer.warnings();
    peer
}

fn current(peer: &TestClient) -> Value {
    peer.own("getCurrentProfile", &json!({ "headset": peer.headset() }))
}

#[tokio::test(start_paused = true)]
async fn a_profile_is_made_loaded_saved_renamed_unloaded_and_deleted() {
    let mut peer = plain(Model::EpocX);
    assert_eq!(current(&peer), json!({ "name": null }));
    assert_eq!(peer.own("setupProfile", &setup(&peer, "create", "ana"))["action"], "create");
    let all = peer.own("queryProfile", &json!({}));
    assert_eq!((&all[1]["name"], &all[1]["readOnly"]), (&json!("ana"), &json!(false)));
    assert_eq!(all[1]["eegChannels"].as_array().unwrap().len(), 14);
    for (status, name) in [
        ("create", "ana"),
        ("create", ""),
        ("load", "eve"),
        ("save", "ana"),
        ("unload", ""),
        ("delete", "eve"),
    ] {
        assert_eq!(
            peer.refused("setupProfile", &setup(&peer, status, name)),
            -32602,
            "{status} {name}"
        );
    }
    peer.own("setupProfile", &setup(&peer, "load", "ana"));
    let warned =
        |text: &str| json!({ "behavior": text, "headset": peer.headset(), "profile": "ana" });
    let (loaded, unloaded) = (warned("Profile is loaded"), warned("Profile is unloaded"));
    assert_eq!(peer.warnings(), [(13, loaded)]);
    assert_eq!(current(&peer), json!({ "loadedByThisApp": true, "name": "ana" }));
    assert_eq!(peer.refused("setupProfile", &setup(&peer, "load", "ana")), -32127);
    assert_eq!(peer.refused("loadGuestProfile", &json!({ "headset": peer.headset() })), -32127);
    peer.own("setupProfile", &setup(&peer, "save", "ana"));

    // What one application has loaded is off limits for another.
    let other = peer.neighbour(2);
    assert_eq!(current(&other), json!({ "loadedByThisApp": false, "name": "ana" }));
    for status in ["save", "unload", "delete"] {
        assert_eq!(other.refused("setupProfile", &setup(&peer, status, "ana")), -32046, "{status}");
    }
    let rename =
        |name: &str| json!({ "profile": "ana", "status": "rename", "newProfileName": name });
    assert_eq!(other.refused("setupProfile", &rename("eva")), -32046);

    // A wrong name silently unloads nothing.
    peer.own("setupProfile", &setup(&peer, "unload", "eve"));
    assert_eq!((peer.warnings(), &current(&peer)["name"]), (vec![], &json!("ana")));
    peer.own("setupProfile", &setup(&peer, "unload", ""));
    assert_eq!(peer.warnings(), [(14, unloaded)]);
    assert_eq!(peer.refused("setupProfile", &rename("demo")), -32602);
    peer.own("setupProfile", &rename("eva"));
    peer.own("setupProfile", &setup(&peer, "load", "eva"));
    peer.own("setupProfile", &setup(&peer, "delete", "eva"));
    assert_eq!((peer.codes(), current(&peer)), (vec![13, 14], json!({ "name": null })));

    peer.own("loadGuestProfile", &json!({ "headset": peer.headset() }));
    assert_eq!(peer.refused("setupProfile", &setup(&peer, "save", "Guest")), -32602);
    let nowhere = json!({ "headset": "EPOCX-00000000", "profile": "demo", "status": "load" });
    assert_eq!(peer.refused("setupProfile", &nowhere), -32004);
}

#[tokio::test(start_paused = true)]
async fn a_profile_fits_headsets_with_its_channels_and_an_older_one_those_with_fourteen() {
    for (model, channels, read_only, code) in [
        (Model::Insight, vec!["T7".to_owned()], false, -32226),
        (Model::EpocX, vec![], true, 0),
        (Model::Insight, vec![], true, -32226),
    ] {
        let peer = plain(model);
        peer.shared.update(|service, _| {
            let mut profile = StoredProfile::new("old", String::new(), channels);
            profile.read_only = read_only;
            service.profiles.0.push(profile);
        });
        assert_eq!(peer.refused("setupProfile", &setup(&peer, "load", "old")), code, "{model:?}");
        if code == 0 {
            assert_eq!(peer.refused("setupProfile", &setup(&peer, "save", "old")), -32602);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_profile_outlives_its_application_by_a_moment() {
    let mut peer = plain(Model::EpocX);
    let other = peer.neighbour(2);
    peer.own("setupProfile", &setup(&peer, "load", "demo"));
    peer.leave();
    peer.pass(4.0).await;
    assert_eq!(other.refused("setupProfile", &setup(&peer, "load", "demo")), -32127);
    peer.pass(1.1).await;
    assert_eq!(peer.codes(), [13, 15]);
    other.own("setupProfile", &setup(&peer, "load", "demo"));
    // Disconnecting the headset unloads its profile.
    peer.call("controlDevice", &json!({ "command": "disconnect", "headset": peer.headset() }));
    peer.pass(0.1).await;
    assert_eq!(peer.codes(), [13, 15]);
}

#[tokio::test(start_paused = true)]
async fn training_tells_its_progress_on_sys_and_teaches_the_profile() {
    let peer = plain(Model::EpocX);
    peer.own("setupProfile", &setup(&peer, "create", "ana"));
    let session = peer.session("open");
    peer.subscribe(&session, &["sys"]);
    let train = |status: &str, action: &str| json!({ "session": session, "detection": "mentalCommand", "status": status, "action": action });
    assert_eq!(peer.refused("training", &train("start", "neutral")), -32602, "no profile");
    peer.own("setupProfile", &setup(&peer, "load", "ana"));
    let events = |peer: &TestClient| -> Vec<String> {
        peer.values("sys").iter().map(|sys| sys[1].as_str().unwrap().to_owned()).collect()
    };
    for (status, action) in
        [("start", "smile"), ("accept", "push"), ("reject", "push"), ("reset", "push")]
    {
        assert_eq!(peer.refused("training", &train(status, action)), -32602, "{status} {action}");
    }
    let answer = peer.own("training", &train("start", "push"));
    assert_eq!((&answer["action"], &answer["status"]), (&json!("push"), &json!("start")));
    assert_eq!(events(&peer), ["MC_Started"]);
    assert_eq!(peer.refused("training", &train("accept", "push")), -32602, "too early");
    peer.pass(7.9).await;
    assert_eq!(events(&peer), [""; 0]);
    peer.pass(0.2).await;
    assert_eq!(events(&peer), ["MC_Succeeded"]);
    peer.own("training", &train("accept", "push"));
    peer.own("training", &train("start", "lift"));
    peer.own("training", &train("reset", "lift"));
    peer.own("training", &train("start", "lift"));
    peer.pass(8.1).await;
    peer.own("training", &train("reject", "lift"));
    assert_eq!(
        events(&peer),
        ["MC_Completed", "MC_Started", "MC_Reset", "MC_Started", "MC_Succeeded", "MC_Rejected"]
    );
    let trained = json!({ "detection": "mentalCommand", "session": session });
    assert_eq!(
        peer.own("getTrainedSignatureActions", &trained),
        json!({ "totalTimesTraining": 1, "trainedActions": [{ "action": "push", "times": 1 }] })
    );
    // It is stored only after saving.
    let stored = json!({ "detection": "mentalCommand", "profile": "ana" });
    assert_eq!(peer.own("getTrainedSignatureActions", &stored)["totalTimesTraining"], 0);
    peer.own("setupProfile", &setup(&peer, "save", "ana"));
    assert_eq!(peer.own("getTrainedSignatureActions", &stored)["totalTimesTraining"], 1);
    peer.own("training", &train("erase", "push"));
    assert_eq!(events(&peer), ["MC_DataErased"]);
    assert_eq!(peer.own("getTrainedSignatureActions", &trained)["totalTimesTraining"], 0);

    // Without contact there is nothing to learn from.
    let face = |status: &str| json!({ "session": session, "detection": "facialExpression", "status": status, "action": "smile" });
    peer.own("training", &face("start"));
    peer.inject(crate::Fault::HeadsetGone {});
    peer.pass(8.1).await;
    assert_eq!(events(&peer), ["FE_Started", "FE_Failed"]);
    let blink = json!({ "session": session, "detection": "facialExpression", "status": "start", "action": "blink" });
    assert_eq!(peer.refused("training", &blink), -32602);
}

#[tokio::test(start_paused = true)]
async fn commands_come_from_the_active_actions_of_the_profile() {
    let peer = plain(Model::EpocX);
    let session = peer.session("open");
    peer.subscribe(&session, &["com"]);
    let acts = async |peer: &TestClient| {
        let mut acts = std::collections::BTreeSet::new();
        for _ in 0..600 {
            peer.pass(0.5).await;
            acts.extend(peer.values("com").iter().map(|com| com[0].as_str().unwrap().to_owned()));
        }
        acts.into_iter().collect::<Vec<_>>()
    };
    assert_eq!(acts(&peer).await, ["neutral"]);
    peer.own("setupProfile", &setup(&peer, "load", "demo"));
    assert_eq!(acts(&peer).await, ["left", "lift", "neutral", "push", "rotateRight"]);
    let active =
        |actions: Value| json!({ "session": session, "status": "set", "actions": actions });
    peer.own("mentalCommandActiveAction", &active(json!(["neutral", "lift", "drop"])));
    // A command that was never trained cannot occur.
    assert_eq!(acts(&peer).await, ["lift", "neutral"]);
    for bad in [json!(["smile"]), json!(["push", "pull", "lift", "drop", "left"])] {
        assert_eq!(peer.refused("mentalCommandActiveAction", &active(bad)), -32602);
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_profile_knows_can_be_read_from_disk_and_changed_in_a_session() {
    let peer = plain(Model::EpocX);
    let session = peer.session("open");
    peer.own("setupProfile", &setup(&peer, "load", "demo"));
    let stored = |more: Value| {
        let mut params = json!({ "profile": "demo" });
        params.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        params
    };
    let loaded = |more: Value| {
        let mut params = json!({ "session": session });
        params.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        params
    };
    let get = json!({ "status": "get" });
    let smile = json!({ "status": "get", "action": "smile" });
    for (method, params, expected) in [
        (
            "mentalCommandActiveAction",
            get.clone(),
            json!(["neutral", "push", "lift", "left", "rotateRight"]),
        ),
        ("mentalCommandActionSensitivity", get.clone(), json!([5, 5, 5, 5])),
        ("mentalCommandGetSkillRating", json!({ "action": "push" }), json!(0.5)),
        ("mentalCommandGetSkillRating", json!({}), json!(0.5)),
        (
            "mentalCommandTrainingThreshold",
            json!({}),
            json!({ "currentThreshold": 0.5, "lastTrainingScore": 0.0 }),
        ),
        ("facialExpressionThreshold", smile, json!(500)),
        (
            "facialExpressionSignatureType",
            get,
            json!({ "availableSig": ["universal"], "currentSig": "universal" }),
        ),
    ] {
        assert_eq!(peer.own(method, &stored(params.clone())), expected, "{method}");
        assert_eq!(peer.own(method, &loaded(params.clone())), expected, "{method}");
        assert_eq!(peer.refused(method, &params), -32602, "{method} of nothing");
        let nobody = json!({ "profile": "nobody" });
        let mut nobody = stored(nobody);
        nobody.as_object_mut().unwrap().extend(params.as_object().unwrap().clone());
        assert_eq!(peer.refused(method, &nobody), -32602, "{method}");
    }
    let map = peer.own("mentalCommandBrainMap", &stored(json!({})));
    assert_eq!(
        (map.as_array().unwrap().len(), &map[0]),
        (5, &json!({ "action": "neutral", "coordinates": [0.0, 0.0] }))
    );
    let time = json!({ "session": session, "detection": "mentalCommand" });
    assert_eq!(
        peer.own("getTrainingTime", &time),
        json!({ "detection": "mentalCommand", "time": 8 })
    );

    for (method, params) in [
        ("mentalCommandActionSensitivity", json!({ "status": "set", "values": [1, 10, 3, 4] })),
        ("facialExpressionThreshold", json!({ "status": "set", "action": "smile", "value": 1000 })),
        ("facialExpressionSignatureType", json!({ "status": "set", "signature": "trained" })),
    ] {
        // A stored profile is read-only.
        assert_eq!(peer.refused(method, &stored(params.clone())), -32007, "{method}");
        peer.own(method, &loaded(params));
    }
    let get = json!({ "status": "get" });
    assert_eq!(
        peer.own("mentalCommandActionSensitivity", &loaded(get.clone())),
        json!([1, 10, 3, 4])
    );
    assert_eq!(peer.own("facialExpressionSignatureType", &loaded(get))["currentSig"], "trained");
    for (method, bad) in [
        ("mentalCommandActionSensitivity", json!({ "status": "set", "values": [1, 2, 3] })),
        ("mentalCommandActionSensitivity", json!({ "status": "set", "values": [0, 2, 3, 4] })),
        ("facialExpressionThreshold", json!({ "status": "set", "action": "smile", "value": 1001 })),
        ("facialExpressionThreshold", json!({ "status": "get", "action": "push" })),
        ("facialExpressionSignatureType", json!({ "status": "set" })),
    ] {
        assert_eq!(peer.refused(method, &loaded(bad.clone())), -32602, "{method} {bad}");
    }
    let other = peer.neighbour(2);
    let theirs = other.session("open");
    let set = json!({ "session": theirs, "status": "set", "values": [1, 1, 1, 1] });
    assert_eq!(other.refused("mentalCommandActionSensitivity", &set), -32046);
    let info = peer.call("getDetectionInfo", &json!({ "detection": "facialExpression" }));
    assert_eq!(
        (info["actions"].as_array().unwrap().len(), &info["events"][6]),
        (12, &json!("FE_Reset"))
    );
    assert_eq!(peer.raw("getDetectionInfo", &json!({ "detection": "smell" })), -32602);
}
