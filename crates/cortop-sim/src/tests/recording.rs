//! Records, markers, subjects and exports (§2.9, §3.4 to §3.6).

use super::*;
use crate::{
    source::{SampleContext, SampleSource as _},
    values::Numbers,
};

fn record(peer: &TestClient, session: &Value, title: &str) -> Value {
    let params = json!({ "session": session, "title": title });
    peer.own("createRecord", &params)["record"]["uuid"].clone()
}

fn stop(peer: &TestClient, session: &Value) -> Value {
    peer.own("stopRecord", &json!({ "session": session }))["record"].clone()
}

#[tokio::test(start_paused = true)]
async fn a_record_runs_in_an_activated_session_and_is_ready_after_its_processing() {
    let mut peer = TestClient::warm(Model::EpocX);
    let session = peer.session("open");
    let create = json!({ "session": session, "title": "rest", "tags": ["a"], "experimentId": 7 });
    assert_eq!(peer.refused("createRecord", &create), -32012);
    peer.own("updateSession", &json!({ "session": session, "status": "active" }));
    for (more, code) in [("title", json!("")), ("subjectName", json!("nobody"))] {
        let mut bad = create.clone();
        bad[more] = code;
        assert_eq!(peer.refused("createRecord", &bad), -32602, "{more}");
    }
    assert_eq!(peer.refused("stopRecord", &json!({ "session": session })), -32602);
    let answer = peer.own("createRecord", &create);
    let object = &answer["record"];
    assert_eq!(answer["sessionId"], session);
    assert_eq!(
        (
            &object["title"],
            &object["endDatetime"],
            &object["experimentId"],
            &object["licenseScope"]
        ),
        (&json!("rest"), &json!(""), &json!(7), &json!(["eeg", "pm"]))
    );
    // Microseconds and a numeric offset.
    assert_eq!(
        object["startDatetime"].as_str().unwrap().len(),
        "2026-01-09T08:20:58.275678+01:00".len()
    );
    assert_eq!(peer.refused("createRecord", &create), -32602);
    let own = peer.own("querySessions", &json!({}))[0].clone();
    assert_eq!((&own["recording"], &own["recordIds"][0]), (&json!(true), &object["uuid"]));
    peer.pass(3.0).await;
    assert_ne!(stop(&peer, &session)["endDatetime"], "");
    assert_eq!(peer.own("querySessions", &json!({}))[0]["recording"], false);
    assert!(peer.warnings().is_empty());
    peer.pass(1.1).await;
    assert_eq!(peer.warnings(), [(30, json!({ "recordId": object["uuid"] }))]);

    // Closing the session or the socket stops the running record.
    let second = record(&peer, &session, "second");
    peer.own("updateSession", &json!({ "session": session, "status": "close" }));
    peer.pass(1.1).await;
    let warnings = peer.warnings();
    assert_eq!((warnings[0].0, &warnings[1..]), (0, &[(30, json!({ "recordId": second }))][..]));
    let session = peer.session("active");
    let third = record(&peer, &session, "third");
    peer.leave();
    peer.pass(1.1).await;
    assert_eq!(peer.warnings(), [(30, json!({ "recordId": third }))]);
}

#[tokio::test(start_paused = true)]
async fn records_are_found_changed_and_deleted_by_their_application() {
    let peer = TestClient::warm(Model::Insight);
    let other = peer.neighbour(2);
    let session = peer.session("active");
    let mut ids = Vec::new();
    for (title, seconds) in [("b", 1.0), ("a", 3.0), ("c", 2.0)] {
        ids.push(record(&peer, &session, title));
        peer.pass(seconds).await;
        stop(&peer, &session);
    }
    let query = |query: Value, order: Value| json!({ "query": query, "orderBy": order });
    let titles = |peer: &TestClient, params: &Value| -> Vec<String> {
        let found = peer.own("queryRecords", params)["records"].clone();
        found
            .as_array()
            .unwrap()
            .iter()
            .map(|it| it["title"].as_str().unwrap().to_owned())
            .collect()
    };
    for (order, expected) in [
        (json!([{ "title": "ASC" }]), ["a", "b", "c"]),
        (json!([{ "title": "DESC" }]), ["c", "b", "a"]),
        (json!([{ "startDatetime": "ASC" }]), ["b", "a", "c"]),
        (json!([{ "duration": "DESC" }]), ["a", "c", "b"]),
        (json!([{ "applicationId": "ASC" }, { "modifiedDatetime": "DESC" }]), ["c", "a", "b"]),
    ] {
        assert_eq!(titles(&peer, &query(json!({}), order.clone())), expected, "{order}");
    }
    let from =
        peer.own("getRecordInfos", &json!({ "recordIds": [ids[1]] }))[0]["startDatetime"].clone();
    for (condition, expected) in [
        (json!({ "keyword": "A" }), vec!["a"]),
        (json!({ "duration": { "from": 1.5, "to": 2.5 } }), vec!["c"]),
        (json!({ "startDatetime": { "from": from } }), vec!["a", "c"]),
        (json!({ "modifiedDatetime": { "to": "2020-01-01T00:00:00.000+01:00" } }), vec![]),
        (json!({ "applicationId": "com.sim.user.app" }), vec!["a", "b", "c"]),
        (json!({ "licenseId": "other" }), vec![]),
    ] {
        let found = titles(&peer, &query(condition.clone(), json!([{ "title": "ASC" }])));
        assert_eq!(found, expected, "{condition}");
    }
    let page = json!({ "query": {}, "orderBy": [{ "title": "ASC" }], "limit": 1, "offset": 1,
        "includeMarkers": true, "includeSyncStatusInfo": true });
    let found = peer.own("queryRecords", &page);
    assert_eq!(
        (&found["count"], &found["limit"], &found["offset"]),
        (&json!(3), &json!(1), &json!(1))
    );
    assert_eq!(
        (&found["records"][0]["title"], &found["records"][0]["markers"]),
        (&json!("b"), &json!([]))
    );
    assert!(found["records"][0]["syncStatus"]["status"].is_string());
    for bad in [
        query(json!({ "colour": "red" }), json!([])),
        query(json!({ "duration": 3 }), json!([])),
        query(json!({ "startDatetime": { "from": "yesterday" } }), json!([])),
        query(json!({}), json!([{ "colour": "ASC" }])),
        query(json!({}), json!([{ "title": "UP" }])),
        query(json!({}), json!([{ "title": "ASC", "duration": "ASC" }])),
    ] {
        assert_eq!(peer.refused("queryRecords", &bad), -32602, "{bad}");
    }

    let update = json!({ "record": ids[0], "title": "new", "description": "d", "tags": ["t"] });
    let changed = peer.own("updateRecord", &update);
    assert_eq!((&changed["title"], &changed["tags"]), (&json!("new"), &json!(["t"])));
    assert_eq!(peer.refused("updateRecord", &json!({ "record": ids[0], "title": "" })), -32602);
    // For another application they do not exist.
    assert_eq!(other.refused("updateRecord", &update), -32602);
    assert_eq!(titles(&other, &query(json!({}), json!([]))), [""; 0]);
    assert_eq!(other.own("getRecordInfos", &json!({ "recordIds": ids })), json!([]));
    for (method, list, code) in
        [("requestToDownloadRecordData", "recordIds", -32186), ("deleteRecord", "records", -32602)]
    {
        let answer = other.own(method, &json!({ list: [ids[0]] }));
        assert_eq!(answer["success"], json!([]));
        assert_eq!(
            (&answer["failure"][0]["code"], &answer["failure"][0]["recordId"]),
            (&json!(code), &ids[0])
        );
        let answer = peer.own(method, &json!({ list: [ids[0]] }));
        assert_eq!(
            (&answer["success"][0]["recordId"], &answer["failure"]),
            (&ids[0], &json!([])),
            "{method}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_marker_stands_at_its_sample_in_everybodys_eeg() {
    let peer = TestClient::warm(Model::EpocX);
    let other = peer.neighbour(2);
    let (session, theirs) = (peer.session("active"), other.session("active"));
    let mark = json!({ "session": session, "label": "x", "value": 1, "time": 1.0 });
    assert_eq!(peer.refused("injectMarker", &mark), -32602, "nothing runs");
    let uuid = record(&peer, &session, "marked");
    peer.subscribe(&session, &["eeg"]);
    other.subscribe(&theirs, &["eeg"]);
    peer.pass(1.0).await;
    peer.samples();
    other.samples();
    let soon = peer.millis() + 500.0;
    let mark = json!({ "session": session, "label": "x", "value": "one", "time": soon, "extras": { "a": 1 } });
    let answer = peer.own("injectMarker", &mark);
    let marker = &answer["marker"];
    assert_eq!((&answer["recordId"], &answer["sessionId"]), (&uuid, &session));
    assert_eq!(
        (&marker["type"], &marker["port"], &marker["value"], &marker["startDatetime"]),
        (&json!("instance"), &json!("Software"), &json!("one"), &marker["endDatetime"])
    );
    // One for the past comes with the next sample.
    peer.own(
        "injectMarker",
        &json!({ "session": session, "label": "late", "value": 2, "time": soon - 900.0 }),
    );
    peer.pass(1.0).await;
    for peer in [&peer, &other] {
        let samples = peer.samples();
        let shown: Vec<_> = samples.iter().filter(|it| it["eeg"][18] != json!([])).collect();
        assert_eq!(shown.len(), 2);
        assert_eq!(shown[0]["eeg"][18][0]["label"], "late");
        assert_eq!(
            (&shown[1]["eeg"][18][0]["uuid"], &shown[1]["eeg"][18][0]["recordId"]),
            (&marker["uuid"], &uuid)
        );
        assert_eq!(shown[1]["eeg"][18][0]["applicationId"], "com.sim.user.app");
        let late = shown[1]["time"].as_f64().unwrap() * 1000.0 - soon;
        assert!((-0.2..1000.0 / 256.0 + 0.2).contains(&late), "{late}");
    }
    let update =
        |time: f64| json!({ "session": session, "markerId": marker["uuid"], "time": time });
    assert_eq!(peer.refused("updateMarker", &update(soon - 1.0)), -32602);
    let changed = peer.own("updateMarker", &update(soon + 250.0))["marker"].clone();
    assert_eq!((&changed["type"], &changed["extras"]), (&json!("interval"), &json!({ "a": 1 })));
    assert_eq!(
        peer.refused("updateMarker", &json!({ "session": session, "markerId": "x", "time": 1.0 })),
        -32602
    );
    let found =
        peer.own("queryRecords", &json!({ "query": {}, "orderBy": [], "includeMarkers": true }));
    assert_eq!(found["records"][0]["markers"].as_array().unwrap().len(), 2);

    let open = TestClient::warm(Model::EpocX);
    let mark = json!({ "session": open.session("open"), "label": "x", "value": 1, "time": 1.0 });
    assert_eq!(open.refused("injectMarker", &mark), -32012);
}

#[tokio::test(start_paused = true)]
async fn subjects_are_created_found_changed_and_deleted() {
    let peer = TestClient::warm(Model::Insight);
    let ana = json!({ "subjectName": "ana", "dateOfBirth": "1990-02-28", "sex": "F", "countryCode": "FR" });
    let made = peer.own("createSubject", &ana);
    assert_eq!((&made["countryName"], &made["experimentsCount"]), (&json!("France"), &json!(0)));
    let known = peer.own("getDemographicAttributes", &json!({}))[0].clone();
    let attribute = json!({ "name": known["name"], "value": known["value"][0] });
    let update = json!({ "subjectName": "ana", "city": "Lyon", "attributes": [attribute] });
    let made = peer.own("updateSubject", &update);
    assert_eq!(
        (&made["city"], &made["sex"], &made["attributes"]),
        (&json!("Lyon"), &json!("F"), &json!([attribute]))
    );
    peer.own("createSubject", &json!({ "subjectName": "bob" }));
    for (method, bad) in [
        ("createSubject", ana.clone()),
        ("createSubject", json!({ "subjectName": "" })),
        ("createSubject", json!({ "subjectName": "x".repeat(31) })),
        ("createSubject", json!({ "subjectName": "x", "dateOfBirth": "28.02.1990" })),
        ("createSubject", json!({ "subjectName": "x", "sex": "female" })),
        (
            "createSubject",
            json!({ "subjectName": "x", "attributes": [{ "name": "Shoe", "value": "43" }] }),
        ),
        ("updateSubject", json!({ "subjectName": "x" })),
        ("querySubjects", json!({ "query": { "shoe": "43" }, "orderBy": [] })),
        ("querySubjects", json!({ "query": {}, "orderBy": [{ "shoe": "ASC" }] })),
    ] {
        assert_eq!(peer.refused(method, &bad), -32602, "{bad}");
    }
    let find = |query: Value| {
        peer.own(
            "querySubjects",
            &json!({ "query": query, "orderBy": [{ "subjectName": "DESC" }] }),
        )
    };
    assert_eq!(find(json!({}))["subjects"][0]["subjectName"], "bob");
    assert_eq!(find(json!({ "keyword": "AN" }))["count"], 1);
    assert_eq!(find(json!({ "sex": "M" }))["count"], 0);
    let session = peer.session("active");
    let create = json!({ "session": session, "title": "x", "subjectName": "ana" });
    assert_eq!(peer.own("createRecord", &create)["record"]["subject"]["subjectName"], "ana");
    assert_eq!(find(json!({ "keyword": "ana" }))["subjects"][0]["experimentsCount"], 1);
    let gone = peer.own("deleteSubjects", &json!({ "subjects": ["ana", "eve"] }));
    assert_eq!(
        (&gone["success"][0]["subjectName"], &gone["failure"][0]["subjectName"]),
        (&json!("ana"), &json!("eve"))
    );
}

/// A finished record of a model; returns the client and the record's id.
async fn recorded(model: Model, scopes: &[&str], seconds: f64) -> (TestClient, Value, Value) {
    let scopes = scopes.iter().map(|&scope| scope.to_owned()).collect();
    let mut peer = TestClient::new(&Options { scopes, ..Options::demo(model, 1, 0) });
    peer.authorize();
    peer.pass(50.0).await;
    let session = peer.session("active");
    let uuid = record(&peer, &session, "../my, title");
    let time = peer.millis() + 998.0;
    peer.own(
        "injectMarker",
        &json!({ "session": session, "label": "x", "value": 5, "time": time }),
    );
    peer.pass(seconds).await;
    stop(&peer, &session);
    (peer, session, uuid)
}

#[tokio::test(start_paused = true)]
async fn an_export_can_be_replayed_and_its_values_are_those_that_were_streamed() {
    let folder = tempfile::tempdir().unwrap();
    let export = |uuid: &Value, format: &str, types: &[&str]| json!({ "recordIds": [uuid, "unknown"], "folder": folder.path(), "streamTypes": types, "format": format });
    let (peer, _, uuid) = recorded(Model::EpocX, &["eeg", "pm"], 4.0).await;
    let all = ["EEG", "MOTION", "PM", "BP"];
    let early = peer.own("exportRecord", &export(&uuid, "CSV", &all));
    assert_eq!(early["success"], json!([]), "before warning 30");
    peer.pass(1.1).await;
    let answer = peer.own("exportRecord", &export(&uuid, "CSV", &all));
    assert_eq!(answer["success"], json!([{ "recordId": uuid }]));
    assert_eq!(answer["failure"][0]["recordId"], "unknown");

    let (name, path) = exported(folder.path(), ".csv");
    assert!(name.starts_with("_my_ title_EPOCX_") && name.ends_with(".md.pm.bp.csv"), "{name}");
    let text = std::fs::read_to_string(&path).unwrap();
    let mut lines = text.lines();
    let metadata = lines.next().unwrap();
    for sentence in [
        "title:../my  title,",
        "headset type:EPOCX,",
        "sampling rate:eeg_256;mot_64;pm_2;pow_8,",
        "samples:1024 ",
        "version:2.1,",
    ] {
        assert!(metadata.contains(sentence), "{metadata}");
    }
    let header: Vec<_> = lines.next().unwrap().split(',').collect();
    let rows: Vec<Vec<_>> = lines.map(|line| line.split(',').collect()).collect();
    assert_eq!(rows.len(), 1024);
    assert!(rows.iter().all(|row| row.len() == header.len()));
    let column =
        |name: &str| header.iter().position(|own| *own == name).unwrap_or_else(|| panic!("{name}"));
    let filled = |name: &str| rows.iter().filter(|row| !row[column(name)].is_empty()).count();
    assert_eq!(
        [
            filled("EEG.AF3"),
            filled("CQ.Overall"),
            filled("MOT.Q0"),
            filled("MOT.AccX"),
            filled("POW.AF4.Gamma"),
            filled("PM.Attention.IsActive")
        ],
        [1024, 1024, 256, 256, 32, 8]
    );
    let marked: Vec<_> =
        rows.iter().enumerate().filter(|(_, row)| row[column("MarkerIndex")] == "1").collect();
    assert_eq!((marked.len(), marked[0].0, marked[0].1[column("MarkerValueInt")]), (1, 256, "5"));

    let recording = crate::replay::Recording::read(&path, |_| ()).unwrap();
    assert_eq!((recording.spec.model, recording.spec.sensors.len()), (Model::EpocX, 14));
    // The markers are in a file beside it, and match those of its rows.
    let (_, beside) = exported(folder.path(), ".json");
    let beside: Value = serde_json::from_slice(&std::fs::read(beside).unwrap()).unwrap();
    assert_eq!(
        (&beside["Markers"][0]["label"], &beside["Markers"][0]["index"]),
        (&json!("x"), &json!(1))
    );
    assert!(!recording.notes.join(" ").contains("no file beside it"), "{:?}", recording.notes);
}

/// The only file of an export whose name ends like this.
fn exported(folder: &std::path::Path, ending: &str) -> (String, std::path::PathBuf) {
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    let named = files.map(|file| (file.file_name().into_string().unwrap(), file.path()));
    let mut own: Vec<_> = named.filter(|(name, _)| name.ends_with(ending)).collect();
    assert_eq!(own.len(), 1, "{own:?}");
    own.remove(0)
}

#[tokio::test(start_paused = true)]
async fn an_export_as_edf_is_replayed_with_the_values_that_were_streamed() {
    for (model, format, ending, types) in [
        (Model::EpocX, "EDF", ".edf", vec!["EEG"]),
        (Model::Mn8, "EDFPLUS", ".md.edf", vec!["EEG", "MOTION"]),
        (Model::EpocFlex, "EDFPLUS", ".edf", vec!["EEG"]),
        (Model::Insight, "BDFPLUS", ".bdf", vec!["EEG"]),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let (peer, _, uuid) = recorded(model, &["eeg"], 10.4).await;
        peer.pass(1.1).await;
        let params = json!({ "recordIds": [uuid], "folder": folder.path(), "streamTypes": types, "format": format });
        assert_eq!(peer.own("exportRecord", &params)["failure"], json!([]));
        let (_, path) = exported(folder.path(), ending);
        let recording = crate::replay::Recording::read(&path, |_| ()).unwrap();
        assert_eq!(recording.spec.model, model, "{format}");
        let rate = f64::from(recording.spec.eeg_rate);
        let source = |sample: u64| {
            peer.shared.with(|service, _| {
                let record = &service.records.0[0];
                let measured = &record.measurement;
                let stream = cortop_protocol::Stream::Eeg;
                let first = measured.source.index_at(stream, record.start - measured.origin);
                let mut numbers = Numbers::default();
                let context = SampleContext::default();
                measured.source.write(stream, first + sample, context, &mut numbers);
                numbers.0
            })
        };
        let step = 1.0 / rate;
        // It ends where the record does, within the shortest data record that holds whole samples.
        let round = recording.round();
        assert!((10.4 - round).abs() < 0.16 + step && round <= 10.4 + step, "{format} {round}");
        for sample in [0, 1, 2, 100, 500, 1200] {
            let mut numbers = Numbers::default();
            let stream = cortop_protocol::Stream::Eeg;
            recording.write(stream, sample, SampleContext::default(), &mut numbers);
            let expected = source(sample);
            let sensors = 2..2 + recording.spec.sensors.len();
            for (own, expected) in numbers.0[sensors.clone()].iter().zip(&expected[sensors]) {
                let off = (own.unwrap() - expected.unwrap()).abs();
                assert!(off < 1.1e-3, "{model:?} {format} {sample} {own:?} {expected:?}");
            }
            assert_eq!(numbers.0[0], expected[0], "the counter of {model:?} {format}");
        }
        if format != "EDF" {
            let label = |sample| {
                let mut row = crate::sample_writer::SampleWriter::new(cortop_protocol::Stream::Eeg);
                recording.write(
                    cortop_protocol::Stream::Eeg,
                    sample,
                    SampleContext::default(),
                    &mut row,
                );
                row.values().last().unwrap()[0]["label"].clone()
            };
            let marked: Vec<u64> = (0..1300).filter(|sample| label(*sample) == "x").collect();
            assert_eq!(marked.len(), 1, "{model:?} {format}");
            assert!((marked[0] as f64 / rate - 0.998).abs() < 1.1 * step, "{marked:?}");
        }
        assert!(
            recording.notes.last().unwrap().starts_with("Rows read: "),
            "{:?}",
            recording.notes
        );
    }
}

/// EDF cannot represent gaps: what a replayed recording has lost is filled in, and what follows
/// keeps its time.
#[tokio::test(start_paused = true)]
async fn what_a_replay_has_lost_is_filled_in_where_a_file_has_no_gaps() {
    const LOST: std::ops::Range<u32> = 300..620;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("gap.csv");
    let rows = (0..1280).filter(|row| !LOST.contains(row)).map(|row: u32| {
        let time = 1e9 + f64::from(row) / 128.0;
        format!("{time:.6},{},0,{}.0,4100.0\n", row % 128, 4000 + row % 500)
    });
    let names = "Timestamp,EEG.Counter,EEG.Interpolated,EEG.T7,EEG.T8\n".to_owned();
    std::fs::write(&file, rows.fold(names, |text, row| text + &row)).unwrap();
    let recording = crate::replay::Recording::read(&file, |_| ()).unwrap();
    let (service, _) = service(&Options::default(), Some(recording)).unwrap();
    let mut peer = TestClient::serving(service);
    peer.authorize();
    let session = peer.session("active");
    let uuid = record(&peer, &session, "gap");
    let time = peer.millis() + 6000.0;
    let marker = json!({ "session": session, "label": "after", "value": 1, "time": time });
    peer.own("injectMarker", &marker);
    peer.pass(8.0).await;
    stop(&peer, &session);
    peer.pass(1.1).await;

    let params = json!({ "recordIds": [uuid], "folder": folder.path(), "streamTypes": ["EEG"], "format": "EDFPLUS" });
    assert_eq!(peer.own("exportRecord", &params)["failure"], json!([]));
    let (_, path) = exported(folder.path(), ".edf");
    let export = crate::replay::Recording::read(&path, |_| ()).unwrap();
    let stream = cortop_protocol::Stream::Eeg;
    let sample = |index: u32| {
        let mut row = crate::sample_writer::SampleWriter::new(stream);
        export.write(stream, index.into(), SampleContext::default(), &mut row);
        row.values()
    };
    for index in [0, 1, 299, 300, 301, 500, 619, 620, 621, 768, 1000] {
        let is_lost = LOST.contains(&index);
        let held = if is_lost { LOST.start - 1 } else { index };
        let values = sample(index);
        assert_eq!(values[..2], [json!(index % 128), json!(u32::from(is_lost))], "{index}");
        let off = values[2].as_f64().unwrap() - f64::from(4000 + held % 500);
        assert!(off.abs() < 0.3, "{index}: {values:?}");
    }
    let found: Vec<u32> = (0..1024).filter(|index| sample(*index)[4] != json!([])).collect();
    assert_eq!(found, [768], "six seconds after the start");
    assert!((export.time(stream, 768) - 6.0).abs() < 1e-9);
}

#[tokio::test(start_paused = true)]
async fn versions_and_formats_make_the_documented_files() {
    for (format, version, endings) in [
        ("CSV", json!("V1"), &[".csv", ".md.csv", ".bp.csv", ".json"][..]),
        ("CSV", json!("V2"), &[".md.bp.csv", ".json"]),
        ("EDF", Value::Null, &[".edf", ".md.edf", ".json"]),
        ("EDFPLUS", Value::Null, &[".md.edf", ".json"]),
        ("BDFPLUS", Value::Null, &[".md.bdf", ".json", "_intervalMarker.csv"]),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let (peer, _, uuid) = recorded(Model::Insight, &["eeg"], 2.0).await;
        peer.pass(1.1).await;
        let types = if format == "CSV" { &["EEG", "MOTION", "BP"][..] } else { &["EEG", "MOTION"] };
        let mut params = json!({ "recordIds": [uuid], "folder": folder.path(), "streamTypes": types, "format": format });
        if !version.is_null() {
            params["version"] = version.clone();
        }
        if endings.len() == 3 && format == "BDFPLUS" {
            params["includeMarkerExtraInfos"] = json!(true);
        }
        assert_eq!(peer.own("exportRecord", &params)["failure"], json!([]), "{format} {version}");
        let mut found: Vec<_> = std::fs::read_dir(folder.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .map(|name| name.split_once("+00.00").unwrap().1.to_owned())
            .collect();
        let mut endings: Vec<_> = endings.iter().map(|&own| own.to_owned()).collect();
        found.sort();
        endings.sort();
        assert_eq!(found, endings, "{format} {version}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_exported_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (peer, _, uuid) = recorded(Model::Epoc, &[], 1.0).await;
    peer.pass(1.1).await;
    let good = json!({ "recordIds": [uuid], "folder": folder.path(), "streamTypes": ["BP"], "format": "CSV" });
    assert_eq!(peer.own("exportRecord", &good)["failure"], json!([]));
    for (name, value) in [
        ("folder", json!(folder.path().join("nowhere"))),
        ("streamTypes", json!([])),
        ("streamTypes", json!(["FACES"])),
        ("format", json!("EDF")),
        ("format", json!("XDF")),
        ("version", json!("V3")),
    ] {
        let mut bad = good.clone();
        bad[name] = value;
        assert_eq!(peer.refused("exportRecord", &bad), -32602, "{bad}");
    }
    let mut many = good.clone();
    many["recordIds"] = json!(vec!["unknown"; 101]);
    assert_eq!(peer.refused("exportRecord", &many), -32602);
    many["recordIds"] = json!(vec!["unknown"; 100]);
    assert_eq!(peer.own("exportRecord", &many)["failure"].as_array().unwrap().len(), 100);
    // The licence lacks the scope, and the motion of the headset was off.
    peer.shared.update(|service, _| {
        service.records.0[0].measurement.spec.motion = crate::model::MotionFormat::None;
    });
    for types in ["EEG", "PM", "MOTION"] {
        let mut bad = good.clone();
        bad["streamTypes"] = json!([types]);
        assert_eq!(peer.own("exportRecord", &bad)["failure"][0]["code"], -32138, "{types}");
    }
    let other = peer.neighbour(2);
    assert_eq!(other.own("exportRecord", &good)["success"], json!([]));
}

#[cfg(unix)]
#[tokio::test(start_paused = true)]
async fn an_export_touches_no_file_but_its_own() {
    let [own, other] = [(); 2].map(|()| tempfile::tempdir().unwrap());
    let (peer, _, uuid) = recorded(Model::Insight, &["eeg"], 1.0).await;
    peer.pass(1.1).await;
    let export = |folder: &std::path::Path| json!({ "recordIds": [uuid], "folder": folder, "streamTypes": ["BP"], "format": "CSV" });
    for _ in 0..2 {
        assert_eq!(peer.own("exportRecord", &export(own.path()))["failure"], json!([]));
    }
    let taken = other.path().join(exported(own.path(), ".csv").0);
    let outside = own.path().join("outside");
    let refused = || peer.own("exportRecord", &export(other.path()))["failure"][0]["code"].clone();

    std::fs::write(&taken, "another's").unwrap();
    assert_eq!(refused(), -32602);
    assert_eq!(std::fs::read_to_string(&taken).unwrap(), "another's");
    for kept in [true, false] {
        std::fs::remove_file(&taken).unwrap();
        if kept {
            std::fs::write(&outside, "kept").unwrap();
        } else {
            std::fs::remove_file(&outside).unwrap();
        }
        std::os::unix::fs::symlink(&outside, &taken).unwrap();
        assert_eq!(refused(), -32602);
        assert_eq!(std::fs::read_to_string(&outside).ok().as_deref(), kept.then_some("kept"));
    }
}
