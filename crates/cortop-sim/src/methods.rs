//! The methods of the API (§3), one row each: name, parameters, and implementation. Names and types
//! of parameters are checked here before a method runs; their meaning is up to the method.

use serde_json::{Map, Value};

use super::{
    account,
    api_error::{ApiError, CallResult},
    bci::BciContext,
    call::Call,
    outgoing::Deferred,
    profiles::{self, Profiles},
    recording::RecordContext,
    service::Service,
    subjects,
    token::TokenUse,
};
use cortop_protocol::{Method, code::error::INVALID_PARAMS};

/// The parameter that carries the token.
pub(super) const TOKEN: &str = "cortexToken";

/// The most bytes of a text or an object, so that little is stored of a request.
const LONGEST: usize = 4096;

/// The type of a parameter.
#[derive(Clone, Copy)]
enum ParamType {
    Text,
    /// One of these texts.
    OneOf(&'static [&'static str]),
    Number,
    /// A non-negative whole number.
    Count,
    Flag,
    Object,
    Texts,
    Counts,
    Objects,
    /// A text or a non-negative whole number.
    Value,
    /// A token, and what it has to be sufficient for.
    Token(TokenUse),
}

impl ParamType {
    fn fits(self, value: &Value) -> bool {
        let all = |fits: fn(&Value) -> bool| value.as_array().is_some_and(|it| it.iter().all(fits));
        match self {
            Self::Text | Self::Token(_) => value.as_str().is_some_and(|text| text.len() <= LONGEST),
            Self::OneOf(words) => value.as_str().is_some_and(|word| words.contains(&word)),
            Self::Number => value.is_number(),
            Self::Count => value.is_u64(),
            Self::Flag => value.is_boolean(),
            Self::Object => value.is_object() && value.to_string().len() <= LONGEST,
            Self::Texts => all(|item| Self::Text.fits(item)),
            Self::Counts => all(Value::is_u64),
            Self::Objects => all(Value::is_object),
            Self::Value => Self::Text.fits(value) || value.is_u64(),
        }
    }
}

impl ParamType {
    /// The type in words.
    fn words(self) -> String {
        match self {
            Self::Text => "a text",
            Self::OneOf(words) => return format!("one of {}", words.join(", ")),
            Self::Number => "a number",
            Self::Count => "a whole number from 0",
            Self::Flag => "true or false",
            Self::Object => "an object",
            Self::Texts => "a list of texts",
            Self::Counts => "a list of whole numbers from 0",
            Self::Objects => "a list of objects",
            Self::Value => "a text or a whole number from 0",
            Self::Token(_) => "the token, a text",
        }
        .to_owned()
    }
}

/// When a parameter is required.
#[derive(Clone, Copy)]
enum Presence {
    Required,
    Optional,
    /// Required if another parameter has one of these values.
    RequiredWith(&'static str, &'static [&'static str]),
    /// Required if another one is omitted.
    RequiredWithout(&'static str),
}

struct Param {
    name: &'static str,
    kind: ParamType,
    presence: Presence,
}

impl Param {
    fn is_required(&self, params: &Map<String, Value>) -> bool {
        match self.presence {
            Presence::Required => true,
            Presence::Optional => false,
            Presence::RequiredWith(other, values) => {
                let value = params.get(other).and_then(Value::as_str);
                value.is_some_and(|value| values.contains(&value))
            }
            Presence::RequiredWithout(other) => !params.contains_key(other),
        }
    }
}

const fn need(name: &'static str, kind: ParamType) -> Param {
    Param { name, kind, presence: Presence::Required }
}

const fn may(name: &'static str, kind: ParamType) -> Param {
    Param { name, kind, presence: Presence::Optional }
}

const fn need_with(
    name: &'static str,
    kind: ParamType,
    other: &'static str,
    values: &'static [&'static str],
) -> Param {
    Param { name, kind, presence: Presence::RequiredWith(other, values) }
}

/// What is wrong with the parameters of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum ParamFault {
    /// The method has no parameter of this name.
    Unknown(String),
    /// A required parameter is missing, and so is its alternative.
    Missing { name: &'static str, other: Option<&'static str> },
    /// A parameter has the wrong type.
    Mistyped(&'static str, String),
}

/// The implementation of a method.
#[derive(Clone, Copy)]
pub(super) enum Handler {
    /// Its result is available at once.
    Immediate(fn(&mut Service, &Call<'_>) -> CallResult),
    /// Its result takes long to compute.
    Deferred(fn(&mut Service, &Call<'_>) -> Result<Deferred, ApiError>),
}

/// A method of the API: its parameters and its implementation.
pub(super) struct Operation {
    method: Method,
    params: &'static [Param],
    pub(super) handler: Handler,
}

const fn immediate(
    method: Method,
    params: &'static [Param],
    run: fn(&mut Service, &Call<'_>) -> CallResult,
) -> Operation {
    Operation { method, params, handler: Handler::Immediate(run) }
}

const fn deferred(
    method: Method,
    params: &'static [Param],
    run: fn(&mut Service, &Call<'_>) -> Result<Deferred, ApiError>,
) -> Operation {
    Operation { method, params, handler: Handler::Deferred(run) }
}

const USABLE: Param = need(TOKEN, ParamType::Token(TokenUse::Any));
const ID: Param = need("clientId", ParamType::Text);
const SECRET: Param = need("clientSecret", ParamType::Text);
const HEADSET: Param = need("headset", ParamType::Text);
const SESSION: Param = need("session", ParamType::Text);
const STREAMS: Param = need("streams", ParamType::Texts);
const RECORDS: Param = need("recordIds", ParamType::Texts);
const DETECTION: Param =
    need("detection", ParamType::OneOf(&["mentalCommand", "facialExpression"]));
const GET_SET: Param = need("status", ParamType::OneOf(&["get", "set"]));
// The two ways to name a profile (§3.8).
const STORED: Param = may("profile", ParamType::Text);
const LOADED: Param = Param {
    name: "session",
    kind: ParamType::Text,
    presence: Presence::RequiredWithout("profile"),
};
const QUERY: Param = need("query", ParamType::Object);
const ORDER: Param = need("orderBy", ParamType::Objects);
const LIMIT: Param = may("limit", ParamType::Count);
const OFFSET: Param = may("offset", ParamType::Count);
// The attributes of a person (§3.6).
const PERSON: &[Param] = &[
    USABLE,
    need("subjectName", ParamType::Text),
    may("dateOfBirth", ParamType::Text),
    may("sex", ParamType::OneOf(&["M", "F", "U"])),
    may("countryCode", ParamType::Text),
    may("state", ParamType::Text),
    may("city", ParamType::Text),
    may("attributes", ParamType::Objects),
];

/// All methods, with the areas that each needs.
#[rustfmt::skip]
const OPERATIONS: &[Operation] = &[
    // Authentication (§3.1)
    immediate(Method::GetCortexInfo, &[], |_, _| Ok(account::cortex_info())),
    immediate(Method::GetUserLogin, &[], |s, _| Ok(s.account.user_login(&s.env))),
    immediate(Method::HasAccessRight, &[ID, SECRET], |s, call| s.account.has_access_right(call)),
    immediate(Method::RequestAccess, &[ID, SECRET], |s, call| s.account.request_access(call, &mut s.env)),
    immediate(Method::Authorize, &[ID, SECRET, may("license", ParamType::Text), may("debit", ParamType::Count)], |s, call| s.account.authorize(call, &s.env)),
    immediate(Method::GenerateNewToken, &[need(TOKEN, ParamType::Token(TokenUse::Renewal)), ID, SECRET], |s, call| s.account.renew_token(call, &s.env)),
    immediate(Method::GetUserInformation, &[need(TOKEN, ParamType::Token(TokenUse::BeforeEula))], |s, _| Ok(s.account.user_information())),
    immediate(Method::GetLicenseInfo, &[USABLE], |s, call| Ok(s.account.license_info(call, &s.env))),
    // Headsets (§3.2)
    immediate(Method::ControlDevice, &[need("command", ParamType::OneOf(&["connect", "disconnect", "refresh"])), need_with("headset", ParamType::Text, "command", &["connect", "disconnect"]),
        may("connectionType", ParamType::OneOf(&["dongle", "bluetooth", "usb cable"])), may("mappings", ParamType::Object)], |s, call| s.headsets.control_device(call, &mut s.env)),
    immediate(Method::QueryHeadsets, &[may("id", ParamType::Text), may("includeFlexMappings", ParamType::Flag)], |s, call| Ok(s.headsets.query(call))),
    immediate(Method::ConfigMapping, &[USABLE, need("status", ParamType::OneOf(&["create", "get", "read", "update", "delete"])),
        need_with("name", ParamType::Text, "status", &["create"]), need_with("mappings", ParamType::Object, "status", &["create"]),
        need_with("uuid", ParamType::Text, "status", &["read", "update", "delete"])], |s, call| s.mappings.config(call, &mut s.env)),
    immediate(Method::UpdateHeadset, &[USABLE, HEADSET, need("setting", ParamType::Object)], |s, call| s.headsets.update(call, &mut s.env)),
    immediate(Method::UpdateHeadsetCustomInfo, &[USABLE, need("headsetId", ParamType::Text), may("headbandPosition", ParamType::OneOf(&["back", "top"])),
        may("customName", ParamType::Text)], |s, call| s.headsets.update_custom_info(call)),
    immediate(Method::SyncWithHeadsetClock, &[HEADSET, need("systemTime", ParamType::Number), need("monotonicTime", ParamType::Number)], |s, call| s.headsets.sync_clock(call, &s.env)),
    // Sessions and data (§3.3)
    immediate(Method::CreateSession, &[USABLE, need("status", ParamType::OneOf(&["open", "active"])), may("headset", ParamType::Text)], |s, call| s.sessions.create(call, &mut s.env, &s.headsets, &mut s.account)),
    immediate(Method::UpdateSession, &[USABLE, SESSION, need("status", ParamType::OneOf(&["active", "close"]))], |s, call| {
        s.sessions.update(call, &mut s.env, &s.headsets, &mut s.account, &mut s.records, &s.faults)
    }),
    immediate(Method::QuerySessions, &[USABLE], |s, call| Ok(s.sessions.query(call, &s.env, &s.headsets, &s.account))),
    immediate(Method::Subscribe, &[USABLE, SESSION, STREAMS], |s, call| s.sessions.subscribe(call, &mut s.headsets, &s.account)),
    immediate(Method::Unsubscribe, &[USABLE, SESSION, STREAMS], |s, call| s.sessions.unsubscribe(call)),
    // Records (§3.4)
    immediate(Method::CreateRecord, &[USABLE, SESSION, need("title", ParamType::Text), may("description", ParamType::Text), may("subjectName", ParamType::Text),
        may("tags", ParamType::Texts), may("experimentId", ParamType::Count)], |s, call| {
        RecordContext { env: &mut s.env, headsets: &mut s.headsets, sessions: &mut s.sessions, records: &mut s.records }
            .create_record(call, &s.account, &s.subjects)
    }),
    immediate(Method::StopRecord, &[USABLE, SESSION], |s, call| recorder(s).stop_record(call)),
    immediate(Method::UpdateRecord, &[USABLE, need("record", ParamType::Text), may("title", ParamType::Text), may("description", ParamType::Text),
        may("tags", ParamType::Texts)], |s, call| s.records.update(call, &s.env)),
    immediate(Method::DeleteRecord, &[USABLE, need("records", ParamType::Texts)], |s, call| Ok(s.records.delete(call))),
    deferred(Method::ExportRecord, &[USABLE, RECORDS, need("folder", ParamType::Text), need("streamTypes", ParamType::Texts),
        need("format", ParamType::OneOf(&["CSV", "EDF", "EDFPLUS", "BDFPLUS"])), may("version", ParamType::OneOf(&["V1", "V2"])),
        may("licenseIds", ParamType::Texts), may("includeDemographics", ParamType::Flag), may("includeMarkerExtraInfos", ParamType::Flag),
        may("includeSurvey", ParamType::Flag), may("includeDeprecatedPM", ParamType::Flag)], |s, call| s.exporter.export(call, &s.env, &s.records)),
    immediate(Method::QueryRecords, &[USABLE, QUERY, ORDER, LIMIT, OFFSET, may("includeMarkers", ParamType::Flag),
        may("includeSyncStatusInfo", ParamType::Flag)], |s, call| s.records.query(call, &s.env)),
    immediate(Method::GetRecordInfos, &[USABLE, RECORDS], |s, call| Ok(s.records.infos(call, &s.env))),
    immediate(Method::ConfigOptOut, &[USABLE, GET_SET, need_with("newOptOut", ParamType::Flag, "status", &["set"])], |s, call| s.account.config_opt_out(call)),
    immediate(Method::RequestToDownloadRecordData, &[USABLE, RECORDS], |s, call| Ok(s.records.download(call))),
    // Markers (§3.5)
    immediate(Method::InjectMarker, &[USABLE, SESSION, need("time", ParamType::Number), need("value", ParamType::Value), need("label", ParamType::Text),
        may("port", ParamType::Text), may("extras", ParamType::Object)], |s, call| recorder(s).inject_marker(call)),
    immediate(Method::UpdateMarker, &[USABLE, SESSION, need("markerId", ParamType::Text), need("time", ParamType::Number), may("extras", ParamType::Object)], |s, call| recorder(s).update_marker(call)),
    // Subjects (§3.6)
    immediate(Method::CreateSubject, PERSON, |s, call| s.subjects.create(call, &s.records)),
    immediate(Method::UpdateSubject, PERSON, |s, call| s.subjects.update(call, &s.records)),
    immediate(Method::DeleteSubjects, &[USABLE, need("subjects", ParamType::Texts)], |s, call| Ok(s.subjects.delete(call))),
    immediate(Method::QuerySubjects, &[USABLE, QUERY, ORDER, LIMIT, OFFSET], |s, call| s.subjects.query(call, &s.records)),
    immediate(Method::GetDemographicAttributes, &[USABLE], |_, _| Ok(subjects::demographic_attributes())),
    // Profiles and training (§3.7)
    immediate(Method::QueryProfile, &[USABLE], |s, _| Ok(s.profiles.query())),
    immediate(Method::GetCurrentProfile, &[USABLE, HEADSET], |s, call| Profiles::current(call, &s.headsets)),
    immediate(Method::SetupProfile, &[USABLE, need("status", ParamType::OneOf(&["create", "load", "unload", "save", "rename", "delete"])),
        need_with("profile", ParamType::Text, "status", &["create", "load", "save", "rename", "delete"]), need_with("headset", ParamType::Text, "status", &["load", "unload", "save"]),
        need_with("newProfileName", ParamType::Text, "status", &["rename"])], |s, call| s.profiles.setup(call, &mut s.env, &mut s.headsets)),
    immediate(Method::LoadGuestProfile, &[USABLE, HEADSET], |s, call| Profiles::load_guest(call, &mut s.env, &mut s.headsets)),
    immediate(Method::GetDetectionInfo, &[DETECTION], |_, call| Ok(profiles::detection_info(call))),
    immediate(Method::Training, &[USABLE, SESSION, DETECTION, need("status", ParamType::OneOf(&["start", "accept", "reject", "reset", "erase"])),
        need("action", ParamType::Text)], |s, call| s.sessions.train(call, &mut s.env, &mut s.headsets)),
    // Advanced BCI (§3.8)
    immediate(Method::GetTrainedSignatureActions, &[USABLE, DETECTION, STORED, LOADED], |s, call| bci(s).trained_actions(call)),
    immediate(Method::GetTrainingTime, &[USABLE, DETECTION, SESSION], |s, call| s.sessions.training_time(call, &s.env)),
    immediate(Method::FacialExpressionSignatureType, &[USABLE, GET_SET, STORED, LOADED, need_with("signature", ParamType::OneOf(&["universal", "trained"]), "status", &["set"])], |s, call| bci(s).signature_type(call)),
    immediate(Method::FacialExpressionThreshold, &[USABLE, GET_SET, STORED, LOADED, need("action", ParamType::Text), need_with("value", ParamType::Count, "status", &["set"])], |s, call| bci(s).facial_threshold(call)),
    immediate(Method::MentalCommandActiveAction, &[USABLE, GET_SET, STORED, LOADED, need_with("actions", ParamType::Texts, "status", &["set"])], |s, call| bci(s).active_action(call)),
    immediate(Method::MentalCommandBrainMap, &[USABLE, STORED, LOADED], |s, call| bci(s).brain_map(call)),
    immediate(Method::MentalCommandGetSkillRating, &[USABLE, STORED, LOADED, may("action", ParamType::Text)], |s, call| bci(s).skill_rating(call)),
    immediate(Method::MentalCommandTrainingThreshold, &[USABLE, STORED, LOADED], |s, call| bci(s).training_threshold(call)),
    immediate(Method::MentalCommandActionSensitivity, &[USABLE, GET_SET, STORED, LOADED, need_with("values", ParamType::Counts, "status", &["set"])], |s, call| bci(s).action_sensitivity(call)),
];

fn recorder(service: &mut Service) -> RecordContext<'_> {
    RecordContext {
        env: &mut service.env,
        headsets: &mut service.headsets,
        sessions: &mut service.sessions,
        records: &mut service.records,
    }
}

fn bci(service: &mut Service) -> BciContext<'_> {
    BciContext {
        profiles: &service.profiles,
        sessions: &service.sessions,
        headsets: &mut service.headsets,
    }
}

/// The method with this name; names are case-sensitive.
pub(super) fn find(name: &str) -> Option<&'static Operation> {
    let method: Method = name.parse().ok()?;
    OPERATIONS.iter().find(|operation| operation.method == method)
}

impl Operation {
    /// What its token has to be sufficient for; `None` for a method without one.
    pub(super) fn token_use(&self) -> Option<TokenUse> {
        self.params.iter().find_map(|param| match param.kind {
            ParamType::Token(usage) => Some(usage),
            _ => None,
        })
    }

    /// Checks the parameters. Missing, misnamed and mistyped ones are all refused the same way
    /// (§1.3).
    pub(super) fn check(&self, params: &Map<String, Value>) -> Result<(), ApiError> {
        match self.param_fault(params) {
            None => Ok(()),
            Some(_) => Err(ApiError::new(INVALID_PARAMS)),
        }
    }

    /// What is wrong with the parameters. Misnamed ones come first, because their right names are
    /// missing too.
    pub(super) fn param_fault(&self, params: &Map<String, Value>) -> Option<ParamFault> {
        let known = |name: &String| self.params.iter().any(|param| param.name == name);
        if let Some(name) = params.keys().find(|name| !known(name)) {
            return Some(ParamFault::Unknown(name.clone()));
        }
        self.params.iter().find_map(|param| match params.get(param.name) {
            None if param.is_required(params) => {
                let other = match param.presence {
                    Presence::RequiredWithout(other) => Some(other),
                    _ => None,
                };
                Some(ParamFault::Missing { name: param.name, other })
            }
            Some(value) if !param.kind.fits(value) => {
                Some(ParamFault::Mistyped(param.name, param.kind.words()))
            }
            _ => None,
        })
    }

    /// The names of its parameters.
    pub(super) fn param_names(&self) -> impl Iterator<Item = &'static str> {
        self.params.iter().map(|param| param.name)
    }

    /// The names of parameters whose values the client must have obtained earlier: tokens and ids.
    pub(super) fn needed_texts(&self) -> impl Iterator<Item = &'static str> {
        let is_text = |kind| matches!(kind, ParamType::Text | ParamType::Token(_));
        let is_needed = |own: &&Param| matches!(own.presence, Presence::Required);
        self.params
            .iter()
            .filter(is_needed)
            .filter(move |own| is_text(own.kind))
            .map(|own| own.name)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use strum::VariantArray as _;

    use super::*;
    use crate::tests::TestClient;

    /// A value that fits, and one that does not.
    fn examples(kind: ParamType) -> (Value, Value) {
        match kind {
            ParamType::Text => (json!("x"), json!("x".repeat(LONGEST + 1))),
            ParamType::Token(_) => (json!("x"), json!(1)),
            ParamType::OneOf(words) => (json!(words[0]), json!("none of them")),
            ParamType::Number => (json!(1.5), json!("1.5")),
            ParamType::Count => (json!(1), json!(-1)),
            ParamType::Flag => (json!(true), json!("true")),
            ParamType::Object => (json!({}), json!([])),
            ParamType::Texts => (json!(["x"]), json!([1])),
            ParamType::Counts => (json!([1]), json!([1.5])),
            ParamType::Objects => (json!([{}]), json!(["x"])),
            ParamType::Value => (json!("x"), json!(-1)),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn every_method_is_known_and_checks_its_parameters_and_its_token() {
        let peer = TestClient::cold();
        let mut methods: Vec<_> = OPERATIONS.iter().map(|operation| operation.method).collect();
        methods.sort_unstable();
        assert_eq!(methods, Method::VARIANTS);
        for method in OPERATIONS {
            let name = method.method.name();
            let fit: Map<String, Value> = method
                .params
                .iter()
                .map(|param| (param.name.to_owned(), examples(param.kind).0))
                .collect();
            let code = |params: &Map<String, Value>| peer.raw(name, &json!(params));
            let mut misnamed = fit.clone();
            misnamed.insert("surprise".to_owned(), json!(1));
            assert_eq!(code(&misnamed), -32602, "{name} surprise");
            for param in method.params {
                let mut mistyped = fit.clone();
                mistyped.insert(param.name.to_owned(), examples(param.kind).1);
                assert_eq!(code(&mistyped), -32602, "{name} {}", param.name);
                if matches!(param.presence, Presence::Required) {
                    let mut less = fit.clone();
                    less.remove(param.name);
                    assert_eq!(code(&less), -32602, "{name} without {}", param.name);
                }
            }
            if method.token_use().is_some() {
                assert_eq!(code(&fit), -32014, "{name}");
            }
        }
        for platform in ["login", "logout", "acceptLicense", "inspectApi", "getcortexinfo", ""] {
            assert_eq!(peer.raw(platform, &json!({})), -32601, "{platform}");
        }
    }
}
