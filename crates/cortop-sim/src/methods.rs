//! The methods of the API (§3), a row each: name, parameters, and what it does. Names and types of
//! parameters are checked here, before a method runs; what they mean is the method's business.

use serde_json::{Map, Value};

use super::{
    account::TokenUse,
    dispatch::Call,
    refusal::{ApiError, BAD_PARAMS, CallResult},
    service::Service,
};

/// The parameter that carries the token.
pub(super) const TOKEN: &str = "cortexToken";

/// Bytes of a text or an object: what is kept of a request stays small.
const LONGEST: usize = 4096;

/// What a parameter has to be.
#[derive(Clone, Copy)]
enum ParamType {
    Text,
    /// A text out of a list.
    OneOf(&'static [&'static str]),
    Number,
    /// A whole number from 0.
    Count,
    Flag,
    Object,
    Texts,
    Counts,
    Objects,
    /// A text or a whole number from 0.
    Value,
    /// A token, and what it has to be good for.
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

struct Param {
    name: &'static str,
    kind: ParamType,
    required: bool,
}

const fn need(name: &'static str, kind: ParamType) -> Param {
    Param { name, kind, required: true }
}

const fn may(name: &'static str, kind: ParamType) -> Param {
    Param { name, kind, required: false }
}

/// A method of the API.
pub(super) struct Method {
    name: &'static str,
    params: &'static [Param],
    /// What it does.
    pub(super) run: fn(&mut Service, &Call<'_>) -> CallResult,
}

const fn m(
    name: &'static str,
    params: &'static [Param],
    run: fn(&mut Service, &Call<'_>) -> CallResult,
) -> Method {
    Method { name, params, run }
}

const USABLE: Param = need(TOKEN, ParamType::Token(TokenUse::Usable));
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
const LOADED: Param = may("session", ParamType::Text);
const QUERY: Param = need("query", ParamType::Object);
const ORDER: Param = need("orderBy", ParamType::Objects);
const LIMIT: Param = may("limit", ParamType::Count);
const OFFSET: Param = may("offset", ParamType::Count);
// What is known of a person (§3.6).
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

#[rustfmt::skip]
const METHODS: &[Method] = &[
    // Authentication (§3.1)
    m("getCortexInfo", &[], Service::cortex_info),
    m("getUserLogin", &[], Service::user_login),
    m("hasAccessRight", &[ID, SECRET], Service::has_access_right),
    m("requestAccess", &[ID, SECRET], Service::request_access),
    m("authorize", &[ID, SECRET, may("license", ParamType::Text), may("debit", ParamType::Count)], Service::authorize),
    m("generateNewToken", &[need(TOKEN, ParamType::Token(TokenUse::Expired)), ID, SECRET], Service::new_token),
    m("getUserInformation", &[need(TOKEN, ParamType::Token(TokenUse::BeforeEula))], Service::user_information),
    m("getLicenseInfo", &[USABLE], Service::license_info),
    // Headsets (§3.2)
    m("controlDevice", &[need("command", ParamType::OneOf(&["connect", "disconnect", "refresh"])), may("headset", ParamType::Text),
        may("connectionType", ParamType::OneOf(&["dongle", "bluetooth", "usb cable"])), may("mappings", ParamType::Object)], Service::control_device),
    m("queryHeadsets", &[may("id", ParamType::Text), may("includeFlexMappings", ParamType::Flag)], Service::query_headsets),
    m("configMapping", &[USABLE, need("status", ParamType::OneOf(&["create", "get", "read", "update", "delete"])),
        may("name", ParamType::Text), may("mappings", ParamType::Object), may("uuid", ParamType::Text)], Service::config_mapping),
    m("updateHeadset", &[USABLE, HEADSET, need("setting", ParamType::Object)], Service::update_headset),
    m("updateHeadsetCustomInfo", &[USABLE, need("headsetId", ParamType::Text), may("headbandPosition", ParamType::OneOf(&["back", "top"])),
        may("customName", ParamType::Text)], Service::update_custom_info),
    m("syncWithHeadsetClock", &[HEADSET, need("systemTime", ParamType::Number), need("monotonicTime", ParamType::Number)], Service::sync_clock),
    // Sessions and data (§3.3)
    m("createSession", &[USABLE, need("status", ParamType::OneOf(&["open", "active"])), may("headset", ParamType::Text)], Service::create_session),
    m("updateSession", &[USABLE, SESSION, need("status", ParamType::OneOf(&["active", "close"]))], Service::update_session),
    m("querySessions", &[USABLE], Service::query_sessions),
    m("subscribe", &[USABLE, SESSION, STREAMS], Service::subscribe),
    m("unsubscribe", &[USABLE, SESSION, STREAMS], Service::unsubscribe),
    // Records (§3.4)
    m("createRecord", &[USABLE, SESSION, need("title", ParamType::Text), may("description", ParamType::Text), may("subjectName", ParamType::Text),
        may("tags", ParamType::Texts), may("experimentId", ParamType::Count)], Service::create_record),
    m("stopRecord", &[USABLE, SESSION], Service::stop_record),
    m("updateRecord", &[USABLE, need("record", ParamType::Text), may("title", ParamType::Text), may("description", ParamType::Text),
        may("tags", ParamType::Texts)], Service::update_record),
    m("deleteRecord", &[USABLE, need("records", ParamType::Texts)], Service::delete_records),
    m("exportRecord", &[USABLE, RECORDS, need("folder", ParamType::Text), need("streamTypes", ParamType::Texts),
        need("format", ParamType::OneOf(&["CSV", "EDF", "EDFPLUS", "BDFPLUS"])), may("version", ParamType::OneOf(&["V1", "V2"])),
        may("licenseIds", ParamType::Texts), may("includeDemographics", ParamType::Flag), may("includeMarkerExtraInfos", ParamType::Flag),
        may("includeSurvey", ParamType::Flag), may("includeDeprecatedPM", ParamType::Flag)], Service::export_records),
    m("queryRecords", &[USABLE, QUERY, ORDER, LIMIT, OFFSET, may("includeMarkers", ParamType::Flag),
        may("includeSyncStatusInfo", ParamType::Flag)], Service::query_records),
    m("getRecordInfos", &[USABLE, RECORDS], Service::record_infos),
    m("configOptOut", &[USABLE, GET_SET, may("newOptOut", ParamType::Flag)], Service::config_opt_out),
    m("requestToDownloadRecordData", &[USABLE, RECORDS], Service::download_records),
    // Markers (§3.5)
    m("injectMarker", &[USABLE, SESSION, need("time", ParamType::Number), need("value", ParamType::Value), need("label", ParamType::Text),
        may("port", ParamType::Text), may("extras", ParamType::Object)], Service::inject_marker),
    m("updateMarker", &[USABLE, SESSION, need("markerId", ParamType::Text), need("time", ParamType::Number), may("extras", ParamType::Object)], Service::update_marker),
    // Subjects (§3.6)
    m("createSubject", PERSON, Service::create_subject),
    m("updateSubject", PERSON, Service::update_subject),
    m("deleteSubjects", &[USABLE, need("subjects", ParamType::Texts)], Service::delete_subjects),
    m("querySubjects", &[USABLE, QUERY, ORDER, LIMIT, OFFSET], Service::query_subjects),
    m("getDemographicAttributes", &[USABLE], Service::demographic_attributes),
    // Profiles and training (§3.7)
    m("queryProfile", &[USABLE], Service::query_profile),
    m("getCurrentProfile", &[USABLE, HEADSET], Service::current_profile),
    m("setupProfile", &[USABLE, need("status", ParamType::OneOf(&["create", "load", "unload", "save", "rename", "delete"])),
        STORED, may("headset", ParamType::Text), may("newProfileName", ParamType::Text)], Service::setup_profile),
    m("loadGuestProfile", &[USABLE, HEADSET], Service::load_guest_profile),
    m("getDetectionInfo", &[DETECTION], Service::detection_info),
    m("training", &[USABLE, SESSION, DETECTION, need("status", ParamType::OneOf(&["start", "accept", "reject", "reset", "erase"])),
        need("action", ParamType::Text)], Service::training),
    // Advanced BCI (§3.8)
    m("getTrainedSignatureActions", &[USABLE, DETECTION, STORED, LOADED], Service::trained_actions),
    m("getTrainingTime", &[USABLE, DETECTION, SESSION], Service::training_time),
    m("facialExpressionSignatureType", &[USABLE, GET_SET, STORED, LOADED, may("signature", ParamType::OneOf(&["universal", "trained"]))], Service::signature_type),
    m("facialExpressionThreshold", &[USABLE, GET_SET, STORED, LOADED, need("action", ParamType::Text), may("value", ParamType::Count)], Service::facial_threshold),
    m("mentalCommandActiveAction", &[USABLE, GET_SET, STORED, LOADED, may("actions", ParamType::Texts)], Service::active_action),
    m("mentalCommandBrainMap", &[USABLE, STORED, LOADED], Service::brain_map),
    m("mentalCommandGetSkillRating", &[USABLE, STORED, LOADED, may("action", ParamType::Text)], Service::skill_rating),
    m("mentalCommandTrainingThreshold", &[USABLE, STORED, LOADED], Service::training_threshold),
    m("mentalCommandActionSensitivity", &[USABLE, GET_SET, STORED, LOADED, may("values", ParamType::Counts)], Service::action_sensitivity),
];

/// The method of this name, which is case-sensitive.
pub(super) fn named(name: &str) -> Option<&'static Method> {
    METHODS.iter().find(|method| method.name == name)
}

impl Method {
    /// What its token has to be good for; `None` for a method without one.
    pub(super) fn pass(&self) -> Option<TokenUse> {
        self.params.iter().find_map(|param| match param.kind {
            ParamType::Token(pass) => Some(pass),
            _ => None,
        })
    }

    /// Missing, misnamed and mistyped parameters are all refused the same way (§1.3).
    pub(super) fn check(&self, params: &Map<String, Value>) -> Result<(), ApiError> {
        let known = |(name, value): (&String, &Value)| {
            self.params.iter().any(|param| param.name == name && param.kind.fits(value))
        };
        let given = |param: &Param| !param.required || params.contains_key(param.name);
        if params.iter().all(known) && self.params.iter().all(given) {
            Ok(())
        } else {
            Err(ApiError::new(BAD_PARAMS))
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

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
        let desk = TestClient::cold();
        let mut names: Vec<_> = METHODS.iter().map(|method| method.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!((names.len(), METHODS.len()), (50, 50));
        for method in METHODS {
            let fit: Map<String, Value> = method
                .params
                .iter()
                .map(|param| (param.name.to_owned(), examples(param.kind).0))
                .collect();
            let code = |params: &Map<String, Value>| desk.raw(method.name, &json!(params));
            let mut misnamed = fit.clone();
            misnamed.insert("surprise".to_owned(), json!(1));
            assert_eq!(code(&misnamed), -32602, "{} surprise", method.name);
            for param in method.params {
                let mut mistyped = fit.clone();
                mistyped.insert(param.name.to_owned(), examples(param.kind).1);
                assert_eq!(code(&mistyped), -32602, "{} {}", method.name, param.name);
                if param.required {
                    let mut less = fit.clone();
                    less.remove(param.name);
                    assert_eq!(code(&less), -32602, "{} without {}", method.name, param.name);
                }
            }
            if method.pass().is_some() {
                assert_eq!(code(&fit), -32014, "{}", method.name);
            }
        }
        for platform in ["login", "logout", "acceptLicense", "inspectApi", "getcortexinfo", ""] {
            assert_eq!(desk.raw(platform, &json!({})), -32601, "{platform}");
        }
    }
}
