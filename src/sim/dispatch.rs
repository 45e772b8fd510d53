//! From the text of a request to the text of its answer (§1.3): the envelope, the table of methods
//! with their parameters, and the checks all methods share. What a method does stands in the file
//! of its area.

use serde_json::{Map, Value, json};

use super::{
    refusal::{Answer, BAD_PARAMS, BAD_REQUEST, BAD_TOKEN, NOT_JSON, Refusal, UNKNOWN_METHOD},
    service::Service,
};

/// A checked request.
pub(super) struct Call<'a> {
    /// Which connection asks.
    pub(super) connection: u64,
    /// Service time in seconds.
    pub(super) now: f64,
    /// The application behind the token; empty for methods without one.
    pub(super) app: String,
    params: &'a Map<String, Value>,
}

impl Call<'_> {
    /// A text parameter, empty when left out.
    pub(super) fn text(&self, name: &str) -> &str {
        self.params.get(name).and_then(Value::as_str).unwrap_or_default()
    }

    /// A number parameter, 0 when left out.
    pub(super) fn number(&self, name: &str) -> f64 {
        self.params.get(name).and_then(Value::as_f64).unwrap_or_default()
    }

    /// A whole number parameter, 0 when left out or not whole.
    pub(super) fn count(&self, name: &str) -> u32 {
        let count = self.params.get(name).and_then(Value::as_u64).unwrap_or_default();
        u32::try_from(count).unwrap_or(u32::MAX)
    }

    /// The texts of a list parameter.
    pub(super) fn texts(&self, name: &str) -> impl Iterator<Item = &str> {
        self.params
            .get(name)
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
    }
}

#[derive(Clone, Copy)]
enum Kind {
    Text,
    Number,
    Flag,
    Object,
    Texts,
}

impl Kind {
    fn fits(self, value: &Value) -> bool {
        match self {
            Self::Text => value.is_string(),
            Self::Number => value.is_number(),
            Self::Flag => value.is_boolean(),
            Self::Object => value.is_object(),
            Self::Texts => value.as_array().is_some_and(|list| list.iter().all(Value::is_string)),
        }
    }
}

struct Param {
    name: &'static str,
    kind: Kind,
    required: bool,
}

const fn need(name: &'static str, kind: Kind) -> Param {
    Param { name, kind, required: true }
}

const fn may(name: &'static str, kind: Kind) -> Param {
    Param { name, kind, required: false }
}

/// A method with this parameter belongs to the application behind the token.
const TOKEN: Param = need("cortexToken", Kind::Text);
const ID: Param = need("clientId", Kind::Text);
const SECRET: Param = need("clientSecret", Kind::Text);
const HEADSET: Param = need("headset", Kind::Text);
const SESSION: Param = need("session", Kind::Text);
const STATUS: Param = need("status", Kind::Text);
const STREAMS: Param = need("streams", Kind::Texts);

struct Method {
    name: &'static str,
    params: &'static [Param],
    run: fn(&mut Service, &Call<'_>) -> Answer,
}

const METHODS: &[Method] = &[
    Method { name: "getCortexInfo", params: &[], run: Service::cortex_info },
    Method { name: "getUserLogin", params: &[], run: Service::user_login },
    Method { name: "hasAccessRight", params: &[ID, SECRET], run: Service::has_access_right },
    Method { name: "requestAccess", params: &[ID, SECRET], run: Service::request_access },
    Method {
        name: "authorize",
        params: &[ID, SECRET, may("license", Kind::Text), may("debit", Kind::Number)],
        run: Service::authorize,
    },
    Method { name: "generateNewToken", params: &[TOKEN, ID, SECRET], run: Service::new_token },
    Method { name: "getUserInformation", params: &[TOKEN], run: Service::user_information },
    Method { name: "getLicenseInfo", params: &[TOKEN], run: Service::license_info },
    Method {
        name: "controlDevice",
        params: &[
            need("command", Kind::Text),
            may("headset", Kind::Text),
            may("connectionType", Kind::Text),
            may("mappings", Kind::Object),
        ],
        run: Service::control_device,
    },
    Method {
        name: "queryHeadsets",
        params: &[may("id", Kind::Text), may("includeFlexMappings", Kind::Flag)],
        run: Service::query_headsets,
    },
    Method {
        name: "syncWithHeadsetClock",
        params: &[HEADSET, need("systemTime", Kind::Number), need("monotonicTime", Kind::Number)],
        run: Service::sync_clock,
    },
    Method {
        name: "createSession",
        params: &[TOKEN, STATUS, may("headset", Kind::Text)],
        run: Service::create_session,
    },
    Method {
        name: "updateSession",
        params: &[TOKEN, SESSION, STATUS],
        run: Service::update_session,
    },
    Method { name: "querySessions", params: &[TOKEN], run: Service::query_sessions },
    Method { name: "subscribe", params: &[TOKEN, SESSION, STREAMS], run: Service::subscribe },
    Method { name: "unsubscribe", params: &[TOKEN, SESSION, STREAMS], run: Service::unsubscribe },
    Method { name: "getCurrentProfile", params: &[TOKEN, HEADSET], run: Service::current_profile },
    Method {
        name: "getDetectionInfo",
        params: &[need("detection", Kind::Text)],
        run: Service::detection_info,
    },
];

impl Service {
    /// Answers one message of a client.
    pub(super) fn answer(&mut self, connection: u64, now: f64, text: &str) -> String {
        let request = serde_json::from_str(text);
        let mut method = "";
        let (id, answer) = match &request {
            Err(_) => (Value::Null, Err(Refusal::new(NOT_JSON))),
            Ok(Value::Object(request)) => {
                let id = request.get("id").cloned().unwrap_or_default();
                method = request.get("method").and_then(Value::as_str).unwrap_or_default();
                (id, self.run(connection, now, request))
            }
            Ok(_) => (Value::Null, Err(Refusal::new(BAD_REQUEST))),
        };
        // Neither parameters nor results: they may hold secrets and tokens.
        let outcome = answer.as_ref().map_or_else(Refusal::to_string, |_| "ok".to_owned());
        tracing::debug!("client {connection}: {method:.40}: {outcome}");
        reply(&id, answer)
    }

    fn run(&mut self, connection: u64, now: f64, request: &Map<String, Value>) -> Answer {
        let none = Map::new();
        let name = request.get("method").and_then(Value::as_str);
        let version = request.get("jsonrpc").and_then(Value::as_str);
        let params = request.get("params").map_or(Some(&none), Value::as_object);
        let (Some(name), Some("2.0"), Some(params)) = (name, version, params) else {
            return Err(Refusal::new(BAD_REQUEST));
        };
        let method = METHODS.iter().find(|method| method.name == name);
        let method = method.ok_or_else(|| Refusal::new(UNKNOWN_METHOD))?;
        check(method.params, params)?;
        let mut call = Call { connection, now, app: String::new(), params };
        if method.params.iter().any(|param| param.name == TOKEN.name) {
            let owner = self.owner_of(call.text(TOKEN.name));
            call.app = owner.ok_or_else(|| Refusal::new(BAD_TOKEN))?;
        }
        (method.run)(self, &call)
    }
}

/// The text of an answer. Members come out in alphabetical order, as Cortex prints them (§1.3).
pub(super) fn reply(id: &Value, answer: Answer) -> String {
    match answer {
        Ok(result) => json!({ "id": id, "jsonrpc": "2.0", "result": result }),
        Err(refusal) => json!({ "error": refusal.to_json(), "id": id, "jsonrpc": "2.0" }),
    }
    .to_string()
}

/// Missing, misnamed and mistyped parameters are all refused the same way (§1.3).
fn check(wanted: &[Param], params: &Map<String, Value>) -> Result<(), Refusal> {
    let known = |(name, value): (&String, &Value)| {
        wanted.iter().any(|param| param.name == name && param.kind.fits(value))
    };
    let given = |param: &Param| !param.required || params.contains_key(param.name);
    if params.iter().all(known) && wanted.iter().all(given) {
        Ok(())
    } else {
        Err(Refusal::new(BAD_PARAMS))
    }
}
