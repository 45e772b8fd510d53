//! Every method through the socket, with right, missing, misnamed, mistyped and extra parameters: a
//! table that mirrors §3 of the reference, which alone says what is right.

use std::collections::BTreeMap;

use cortop_protocol::Method;
use cortop_sim::journal::Advice;
use strum::VariantArray as _;
use tempfile::TempDir;

use super::*;

/// What has to exist before a call is valid.
#[derive(Clone, Copy, Debug)]
enum Step {
    /// An activated session: `$session`.
    Session,
    /// A running record in it: `$record`.
    Record,
    /// A marker in that record: `$marker`.
    Marker,
    /// The record is stopped and ready for export.
    Stop,
    /// `dev` is subscribed to.
    Subscribe,
    /// The profile `ana`.
    Profile,
    /// It is loaded.
    Load,
    /// A training of `push` has succeeded and waits to be accepted or rejected.
    Train,
    /// The subject `ana`.
    Subject,
    /// A stored mapping of a Flex: `$mapping`.
    Mapping,
}

use Step::{
    Load, Mapping, Marker, Profile, Record, Session as Opened, Stop, Subject, Subscribe, Train,
};

/// A valid call.
struct Row {
    method: Method,
    steps: &'static [Step],
    /// Its parameters, including optional ones. `$name` stands for a value known by then.
    right: &'static str,
    /// The required ones.
    required: &'static str,
    /// Members of the result, or of the first object in its list.
    result: &'static str,
}

const fn row(
    method: Method,
    steps: &'static [Step],
    right: &'static str,
    required: &'static str,
    result: &'static str,
) -> Row {
    Row { method, steps, right, required, result }
}

const SESSION_OBJECT: &str =
    "appId headset id license owner recordIds recording started status stopped streams";
const HEADSET_OBJECT: &str = "connectedBy customName dongle firmware headbandPosition id isDfuMode \
                              isVirtual motionSensors sensors settings status virtualHeadsetId";
const RECORD_OBJECT: &str = "applicationId applicationVersion description endDatetime experimentId \
                             licenseId licenseScope localOnly ownerId startDatetime tags title uuid";
const SUBJECT_OBJECT: &str = "attributes city countryCode countryName dateOfBirth experimentsCount \
                              sex state subjectName";

#[rustfmt::skip]
const ROWS: &[Row] = &[
    // Authentication (§3.1)
    row(Method::GetCortexInfo, &[], "{}", "", "buildDate buildNumber version"),
    row(Method::GetUserLogin, &[], "{}", "",
        "currentOSUId currentOSUsername lastLoginTime loggedInOSUId loggedInOSUsername username"),
    row(Method::HasAccessRight, &[], r#"{"clientId":"id","clientSecret":"no"}"#, "clientId clientSecret", "accessGranted message"),
    row(Method::RequestAccess, &[], r#"{"clientId":"id","clientSecret":"no"}"#, "clientId clientSecret", "accessGranted message"),
    row(Method::Authorize, &[], r#"{"clientId":"id","clientSecret":"no","license":"","debit":1}"#, "clientId clientSecret", "cortexToken"),
    row(Method::GenerateNewToken, &[], r#"{"cortexToken":"$token","clientId":"id","clientSecret":"no"}"#,
        "cortexToken clientId clientSecret", "cortexToken"),
    row(Method::GetUserInformation, &[], r#"{"cortexToken":"$token"}"#, "cortexToken", "firstName lastName licenseAgreement username"),
    row(Method::GetLicenseInfo, &[], r#"{"cortexToken":"$token"}"#, "cortexToken", "isOnline license"),
    // Headsets (§3.2)
    row(Method::ControlDevice, &[], r#"{"command":"refresh"}"#, "command", "command message"),
    row(Method::ControlDevice, &[], r#"{"command":"connect","headset":"$discovered","connectionType":"bluetooth"}"#, "command headset", "command message"),
    row(Method::ControlDevice, &[], r#"{"command":"connect","headset":"$flex","mappings":{"CMS":"TP9","DRL":"TP10","LA":"Pz"}}"#, "command headset", "command message"),
    row(Method::ControlDevice, &[], r#"{"command":"disconnect","headset":"$headset","connectionType":"dongle"}"#, "command headset", "command message"),
    row(Method::QueryHeadsets, &[], r#"{"id":"EPOCX-*","includeFlexMappings":true}"#, "", HEADSET_OBJECT),
    row(Method::ConfigMapping, &[], r#"{"cortexToken":"$token","status":"create","name":"one","mappings":{"CMS":"TP9","DRL":"TP10","LA":"Pz"}}"#,
        "cortexToken status name mappings", "message value"),
    row(Method::ConfigMapping, &[Mapping], r#"{"cortexToken":"$token","status":"get"}"#, "cortexToken status", "message value"),
    row(Method::ConfigMapping, &[Mapping], r#"{"cortexToken":"$token","status":"read","uuid":"$mapping"}"#, "cortexToken status uuid", "message value"),
    row(Method::ConfigMapping, &[Mapping], r#"{"cortexToken":"$token","status":"update","uuid":"$mapping","name":"two","mappings":{"CMS":"TP9","DRL":"TP10","LA":"Cz"}}"#,
        "cortexToken status uuid", "message value"),
    row(Method::ConfigMapping, &[Mapping], r#"{"cortexToken":"$token","status":"delete","uuid":"$mapping"}"#, "cortexToken status uuid", "message uuid"),
    row(Method::UpdateHeadset, &[], r#"{"cortexToken":"$token","headset":"$cable","setting":{"mode":"EPOCPLUS","eegRate":256,"memsRate":64}}"#,
        "cortexToken headset setting", "headsetId message"),
    row(Method::UpdateHeadsetCustomInfo, &[], r#"{"cortexToken":"$token","headsetId":"$headset","headbandPosition":"top","customName":"red"}"#,
        "cortexToken headsetId", "customName headbandPosition headsetId message"),
    row(Method::SyncWithHeadsetClock, &[], r#"{"headset":"$headset","systemTime":1000.5,"monotonicTime":20.25}"#,
        "headset systemTime monotonicTime", "adjustment headset"),
    // Sessions and data (§3.3)
    row(Method::CreateSession, &[], r#"{"cortexToken":"$token","status":"active","headset":"$headset"}"#, "cortexToken status", SESSION_OBJECT),
    row(Method::UpdateSession, &[Opened], r#"{"cortexToken":"$token","session":"$session","status":"active"}"#, "cortexToken session status", SESSION_OBJECT),
    row(Method::UpdateSession, &[Opened], r#"{"cortexToken":"$token","session":"$session","status":"close"}"#, "cortexToken session status", SESSION_OBJECT),
    row(Method::QuerySessions, &[Opened], r#"{"cortexToken":"$token"}"#, "cortexToken", SESSION_OBJECT),
    row(Method::Subscribe, &[Opened], r#"{"cortexToken":"$token","session":"$session","streams":["eeg","dev"]}"#, "cortexToken session streams", "failure success"),
    row(Method::Unsubscribe, &[Opened, Subscribe], r#"{"cortexToken":"$token","session":"$session","streams":["dev"]}"#, "cortexToken session streams", "failure success"),
    // Records (§3.4)
    row(Method::CreateRecord, &[Opened, Subject], r#"{"cortexToken":"$token","session":"$session","title":"rest","description":"d","subjectName":"ana","tags":["a"],"experimentId":7}"#,
        "cortexToken session title", "record sessionId"),
    row(Method::StopRecord, &[Opened, Record], r#"{"cortexToken":"$token","session":"$session"}"#, "cortexToken session", "record sessionId"),
    row(Method::UpdateRecord, &[Opened, Record, Stop], r#"{"cortexToken":"$token","record":"$record","title":"new","description":"d","tags":["t"]}"#,
        "cortexToken record", RECORD_OBJECT),
    row(Method::DeleteRecord, &[Opened, Record, Stop], r#"{"cortexToken":"$token","records":["$record"]}"#, "cortexToken records", "failure success"),
    row(Method::ExportRecord, &[Opened, Record, Stop], r#"{"cortexToken":"$token","recordIds":["$record"],"folder":"$folder","streamTypes":["EEG","MOTION","PM","BP"],"format":"CSV",
        "version":"V2","licenseIds":["$license"],"includeDemographics":true,"includeMarkerExtraInfos":true,"includeSurvey":true,"includeDeprecatedPM":true}"#,
        "cortexToken recordIds folder streamTypes format", "failure success"),
    row(Method::QueryRecords, &[Opened, Record, Stop], r#"{"cortexToken":"$token","query":{"keyword":"rest"},"orderBy":[{"title":"ASC"}],"limit":1,"offset":0,
        "includeMarkers":true,"includeSyncStatusInfo":true}"#, "cortexToken query orderBy", "count limit offset records"),
    row(Method::GetRecordInfos, &[Opened, Record, Stop], r#"{"cortexToken":"$token","recordIds":["$record"]}"#, "cortexToken recordIds", RECORD_OBJECT),
    row(Method::ConfigOptOut, &[], r#"{"cortexToken":"$token","status":"get"}"#, "cortexToken status", ""),
    row(Method::ConfigOptOut, &[], r#"{"cortexToken":"$token","status":"set","newOptOut":true}"#, "cortexToken status newOptOut", ""),
    row(Method::RequestToDownloadRecordData, &[Opened, Record, Stop], r#"{"cortexToken":"$token","recordIds":["$record"]}"#, "cortexToken recordIds", "failure success"),
    // Markers (§3.5)
    row(Method::InjectMarker, &[Opened, Record], r#"{"cortexToken":"$token","session":"$session","time":1767942900123.0,"value":1,"label":"eyes closed","port":"monitor","extras":{"a":1}}"#,
        "cortexToken session time value label", "marker recordId sessionId"),
    row(Method::UpdateMarker, &[Opened, Record, Marker], r#"{"cortexToken":"$token","session":"$session","markerId":"$marker","time":4767942900123.0,"extras":{"a":1}}"#,
        "cortexToken session markerId time", "marker recordId sessionId"),
    // Subjects (§3.6)
    row(Method::CreateSubject, &[], r#"{"cortexToken":"$token","subjectName":"ana","dateOfBirth":"1990-02-28","sex":"F","countryCode":"FR","state":"Rhône","city":"Lyon",
        "attributes":[{"name":"Handedness","value":"Left-handed"}]}"#, "cortexToken subjectName", SUBJECT_OBJECT),
    row(Method::UpdateSubject, &[Subject], r#"{"cortexToken":"$token","subjectName":"ana","dateOfBirth":"1990-02-28","sex":"F","countryCode":"FR","state":"Rhône","city":"Lyon",
        "attributes":[{"name":"Handedness","value":"Left-handed"}]}"#, "cortexToken subjectName", SUBJECT_OBJECT),
    row(Method::DeleteSubjects, &[Subject], r#"{"cortexToken":"$token","subjects":["ana"]}"#, "cortexToken subjects", "failure success"),
    row(Method::QuerySubjects, &[Subject], r#"{"cortexToken":"$token","query":{},"orderBy":[{"subjectName":"ASC"}],"limit":1,"offset":0}"#, "cortexToken query orderBy", "count subjects"),
    row(Method::GetDemographicAttributes, &[], r#"{"cortexToken":"$token"}"#, "cortexToken", "name value"),
    // Profiles and training (§3.7)
    row(Method::QueryProfile, &[Profile], r#"{"cortexToken":"$token"}"#, "cortexToken", "eegChannels name readOnly uuid"),
    row(Method::GetCurrentProfile, &[], r#"{"cortexToken":"$token","headset":"$headset"}"#, "cortexToken headset", "name"),
    row(Method::GetCurrentProfile, &[Profile, Load], r#"{"cortexToken":"$token","headset":"$headset"}"#, "cortexToken headset", "loadedByThisApp name"),
    row(Method::SetupProfile, &[], r#"{"cortexToken":"$token","status":"create","profile":"ana","headset":"$headset"}"#, "cortexToken status profile", "action message name"),
    row(Method::SetupProfile, &[Profile], r#"{"cortexToken":"$token","status":"load","profile":"ana","headset":"$headset"}"#, "cortexToken status profile headset", "action message name"),
    row(Method::SetupProfile, &[Profile, Load], r#"{"cortexToken":"$token","status":"unload","profile":"","headset":"$headset"}"#, "cortexToken status headset", "action message name"),
    row(Method::SetupProfile, &[Profile, Load], r#"{"cortexToken":"$token","status":"save","profile":"ana","headset":"$headset"}"#, "cortexToken status profile headset", "action message name"),
    row(Method::SetupProfile, &[Profile], r#"{"cortexToken":"$token","status":"rename","profile":"ana","newProfileName":"eva"}"#, "cortexToken status profile newProfileName", "action message name"),
    row(Method::SetupProfile, &[Profile], r#"{"cortexToken":"$token","status":"delete","profile":"ana"}"#, "cortexToken status profile", "action message name"),
    row(Method::LoadGuestProfile, &[], r#"{"cortexToken":"$token","headset":"$headset"}"#, "cortexToken headset", "message"),
    row(Method::GetDetectionInfo, &[], r#"{"detection":"mentalCommand"}"#, "detection", "actions controls events signature"),
    row(Method::Training, &[Opened, Profile, Load], r#"{"cortexToken":"$token","session":"$session","detection":"facialExpression","status":"start","action":"smile"}"#,
        "cortexToken session detection status action", "action message status"),
    row(Method::Training, &[Opened, Profile, Load, Train], r#"{"cortexToken":"$token","session":"$session","detection":"mentalCommand","status":"accept","action":"push"}"#,
        "cortexToken session detection status action", "action message status"),
    row(Method::Training, &[Opened, Profile, Load, Train], r#"{"cortexToken":"$token","session":"$session","detection":"mentalCommand","status":"reject","action":"push"}"#,
        "cortexToken session detection status action", "action message status"),
    row(Method::Training, &[Opened, Profile, Load, Train], r#"{"cortexToken":"$token","session":"$session","detection":"mentalCommand","status":"reset","action":"push"}"#,
        "cortexToken session detection status action", "action message status"),
    row(Method::Training, &[Opened, Profile, Load], r#"{"cortexToken":"$token","session":"$session","detection":"mentalCommand","status":"erase","action":"push"}"#,
        "cortexToken session detection status action", "action message status"),
    // Advanced BCI (§3.8): a profile from disk, or that of a session
    row(Method::GetTrainedSignatureActions, &[Profile], r#"{"cortexToken":"$token","detection":"mentalCommand","profile":"ana"}"#,
        "cortexToken detection profile", "totalTimesTraining trainedActions"),
    row(Method::GetTrainedSignatureActions, &[Opened, Profile, Load], r#"{"cortexToken":"$token","detection":"mentalCommand","session":"$session"}"#,
        "cortexToken detection session", "totalTimesTraining trainedActions"),
    row(Method::GetTrainingTime, &[Opened], r#"{"cortexToken":"$token","detection":"mentalCommand","session":"$session"}"#, "cortexToken detection session", "detection time"),
    row(Method::FacialExpressionSignatureType, &[Profile], r#"{"cortexToken":"$token","status":"get","profile":"ana"}"#, "cortexToken status profile", "availableSig currentSig"),
    row(Method::FacialExpressionSignatureType, &[Opened, Profile, Load], r#"{"cortexToken":"$token","status":"set","session":"$session","signature":"universal"}"#,
        "cortexToken status session signature", ""),
    row(Method::FacialExpressionThreshold, &[Profile], r#"{"cortexToken":"$token","status":"get","profile":"ana","action":"smile"}"#, "cortexToken status profile action", ""),
    row(Method::FacialExpressionThreshold, &[Opened, Profile, Load], r#"{"cortexToken":"$token","status":"set","session":"$session","action":"smile","value":10}"#,
        "cortexToken status session action value", ""),
    row(Method::MentalCommandActiveAction, &[Profile], r#"{"cortexToken":"$token","status":"get","profile":"ana"}"#, "cortexToken status profile", ""),
    row(Method::MentalCommandActiveAction, &[Opened, Profile, Load], r#"{"cortexToken":"$token","status":"set","session":"$session","actions":["push"]}"#,
        "cortexToken status session actions", "actions message"),
    row(Method::MentalCommandBrainMap, &[Profile], r#"{"cortexToken":"$token","profile":"ana"}"#, "cortexToken profile", ""),
    row(Method::MentalCommandBrainMap, &[Opened, Profile, Load], r#"{"cortexToken":"$token","session":"$session"}"#, "cortexToken session", ""),
    row(Method::MentalCommandGetSkillRating, &[Profile], r#"{"cortexToken":"$token","profile":"ana","action":"push"}"#, "cortexToken profile", ""),
    row(Method::MentalCommandGetSkillRating, &[Opened, Profile, Load], r#"{"cortexToken":"$token","session":"$session"}"#, "cortexToken session", ""),
    row(Method::MentalCommandTrainingThreshold, &[Profile], r#"{"cortexToken":"$token","profile":"ana"}"#, "cortexToken profile", "currentThreshold lastTrainingScore"),
    row(Method::MentalCommandTrainingThreshold, &[Opened, Profile, Load], r#"{"cortexToken":"$token","session":"$session"}"#, "cortexToken session", "currentThreshold lastTrainingScore"),
    row(Method::MentalCommandActionSensitivity, &[Profile], r#"{"cortexToken":"$token","status":"get","profile":"ana"}"#, "cortexToken status profile", ""),
    row(Method::MentalCommandActionSensitivity, &[Opened, Profile, Load], r#"{"cortexToken":"$token","status":"set","session":"$session","values":[1,2,3,4]}"#,
        "cortexToken status session values", ""),
];

/// A parameter that also takes a text in place of a number.
const TEXT_OR_NUMBER: &str = "value of injectMarker";

/// A client of a service with headsets in every state, and the values that it knows.
struct Walker {
    sim: Sim,
    client: ProtocolClient,
    known: BTreeMap<&'static str, Value>,
    _folder: TempDir,
}

impl Walker {
    async fn new() -> Self {
        let soon = Duration::from_millis(1);
        let delays = Delays {
            scan: soon,
            connect: soon,
            update: soon,
            processing: soon,
            training: soon,
            ..Delays::default()
        };
        let headsets = ["epocx:connected", "epocx:usb", "insight:discovered", "flex:discovered"];
        let headsets = headsets.map(|spec| spec.parse().unwrap()).to_vec();
        let sim = Sim::start(Options { headsets, warm: false, delays, ..Options::default() });
        let sim = sim.await.unwrap();
        let client = ProtocolClient::authorized(&sim).await;
        let folder = tempfile::tempdir().unwrap();
        let mut known: BTreeMap<_, _> = ["headset", "cable", "discovered", "flex"]
            .into_iter()
            .zip(sim.control().headsets().into_iter().map(|id| json!(id)))
            .collect();
        known.insert("token", json!(client.token));
        known.insert("folder", json!(folder.path()));
        let mut walker = Self { sim, client, known, _folder: folder };
        let licence = walker.ask(Method::GetLicenseInfo, json!({ "cortexToken": "$token" })).await;
        walker.known.insert("license", licence["license"]["licenseId"].clone());
        walker
    }

    /// Replaces each `$name` by its known value.
    fn fill(&self, value: &mut Value) {
        match value {
            Value::String(text) => {
                if let Some(name) = text.strip_prefix('$') {
                    *value = self.known[name].clone();
                }
            }
            Value::Array(items) => items.iter_mut().for_each(|item| self.fill(item)),
            Value::Object(members) => members.values_mut().for_each(|own| self.fill(own)),
            _ => {}
        }
    }

    /// The result of a call that must succeed.
    async fn ask(&mut self, method: Method, mut params: Value) -> Value {
        self.fill(&mut params);
        let answer = self.client.ask(method.name(), params.clone()).await;
        assert!(answer.get("error").is_none(), "{method} {params}: {answer}");
        answer["result"].clone()
    }

    async fn take(&mut self, step: Step) {
        let (method, params) = match step {
            Opened => (Method::CreateSession, json!({ "status": "active", "headset": "$headset" })),
            Record => (Method::CreateRecord, json!({ "session": "$session", "title": "rest" })),
            Marker => (
                Method::InjectMarker,
                json!({ "session": "$session", "time": 1.0, "value": 1, "label": "x" }),
            ),
            Stop => (Method::StopRecord, json!({ "session": "$session" })),
            Subscribe => (Method::Subscribe, json!({ "session": "$session", "streams": ["dev"] })),
            Profile => (Method::SetupProfile, json!({ "status": "create", "profile": "ana" })),
            Load => (
                Method::SetupProfile,
                json!({ "status": "load", "profile": "ana", "headset": "$headset" }),
            ),
            Train => (
                Method::Training,
                json!({ "session": "$session", "detection": "mentalCommand", "status": "start",
                    "action": "push" }),
            ),
            Subject => (Method::CreateSubject, json!({ "subjectName": "ana" })),
            Mapping => (
                Method::ConfigMapping,
                json!({ "status": "create", "name": "one",
                    "mappings": { "CMS": "TP9", "DRL": "TP10", "LA": "Pz" } }),
            ),
        };
        if matches!(step, Train) {
            let sys = json!({ "cortexToken": "$token", "session": "$session", "streams": ["sys"] });
            self.ask(Method::Subscribe, sys).await;
        }
        let mut params = params;
        params["cortexToken"] = json!("$token");
        let result = self.ask(method, params).await;
        match step {
            Opened => drop(self.known.insert("session", result["id"].clone())),
            Record => drop(self.known.insert("record", result["record"]["uuid"].clone())),
            Marker => drop(self.known.insert("marker", result["marker"]["uuid"].clone())),
            Mapping => drop(self.known.insert("mapping", result["value"]["uuid"].clone())),
            Stop => drop(self.client.warned(30).await),
            Train => while self.client.sample("sys").await["sys"][1] != "MC_Succeeded" {},
            _ => {}
        }
    }

    /// A call that must be refused, and the resulting advice.
    async fn refuse(&mut self, row: &Row, params: &Value, what: &str) -> Vec<Advice> {
        let method = row.method;
        // Each client is given a piece of advice only once: so each call is made by a client of its
        // own.
        let mut other = ProtocolClient::connect(&self.sim).await;
        let before = self.sim.journal().advice().len();
        let answer = other.ask(method.name(), params.clone()).await;
        assert_eq!(code(&answer), -32602, "{method}, {what}: {params}: {answer}");
        self.sim.journal().advice().split_off(before)
    }
}

/// Values of every type but the right one.
fn of_other_types(name: &str, right: &Value) -> Vec<Value> {
    let kind = |value: &Value| match value {
        Value::Null => 0,
        Value::Bool(_) => 1,
        Value::Number(_) => 2,
        Value::String(_) => 3,
        Value::Array(_) => 4,
        Value::Object(_) => 5,
    };
    let all = [json!(true), json!(1), json!("x"), json!([]), json!({})];
    let mut wrong: Vec<_> = all.into_iter().filter(|own| kind(own) != kind(right)).collect();
    if name == TEXT_OR_NUMBER {
        wrong.retain(|own| !own.is_string());
    }
    if let Some(first) = right.as_array().and_then(|items| items.first()) {
        let items = of_other_types("", first).into_iter();
        wrong.extend(items.map(|item| json!([first, item])));
    }
    wrong
}

#[tokio::test]
async fn every_method_takes_right_parameters_and_refuses_all_others() {
    let mut methods: Vec<_> = ROWS.iter().map(|row| row.method).collect();
    methods.sort_unstable();
    methods.dedup();
    assert_eq!(methods, Method::VARIANTS, "each method has a row, in the order of the reference");
    for row in ROWS {
        let method = row.method;
        let mut walker = Walker::new().await;
        for step in row.steps {
            walker.take(*step).await;
        }
        let mut right: Value = serde_json::from_str(row.right).unwrap();
        walker.fill(&mut right);
        let required: Vec<_> = row.required.split_whitespace().collect();
        let params = right.as_object().unwrap();
        assert!(required.iter().all(|name| params.contains_key(*name)), "{method}");

        for (name, value) in params {
            let without = || {
                let mut params = params.clone();
                params.remove(name);
                params
            };
            if required.contains(&name.as_str()) {
                walker.refuse(row, &without().into(), &format!("without {name}")).await;
            }

            let mut misnamed = without();
            let wrong = &name[..name.len() - 1];
            misnamed.insert(wrong.to_owned(), value.clone());
            let advice = walker.refuse(row, &misnamed.into(), &format!("{wrong} for {name}")).await;
            let named =
                |own: &Advice| own.mistake == Mistake::WrongParameter && own.text.contains(name);
            assert!(advice.iter().any(named), "{method}, {wrong} for {name}: {advice:?}");

            for other in of_other_types(&format!("{name} of {method}"), value) {
                let mut mistyped = params.clone();
                mistyped.insert(name.clone(), other.clone());
                walker.refuse(row, &mistyped.into(), &format!("{name} as {other}")).await;
            }
        }
        let mut more = params.clone();
        more.insert("surprise".to_owned(), json!(1));
        let advice = walker.refuse(row, &more.into(), "one too many").await;
        let named =
            |own: &Advice| own.mistake == Mistake::WrongParameter && own.text.contains("surprise");
        assert!(advice.iter().any(named), "{method}: {advice:?}");

        // None of them has changed anything: the right call still succeeds.
        let result = walker.ask(method, right).await;
        let object = result.as_array().and_then(|list| list.first()).unwrap_or(&result);
        for member in row.result.split_whitespace() {
            assert!(object.get(member).is_some(), "{method} without {member}: {result}");
        }
        let failure = result.get("failure").and_then(Value::as_array);
        assert!(failure.is_none_or(Vec::is_empty), "{method}: {result}");
    }
}
