//! From the text of a request to what its client gets (§1.3): the envelope, and the faults that
//! affect answers. `methods` lists the methods; the file of each area implements them.

use serde_json::{Map, Value, json};

use super::{
    api_error::{ApiError, CallResult},
    call::Call,
    fault::Fault,
    methods::{self, Handler},
    outgoing::{self, Deferred, Delivery, Outgoing, Payload, RequestId, reply},
    scenario::Injection,
    service::Service,
};
use cortop_protocol::code::{
    error::{INVALID_PARAMS, INVALID_REQUEST, METHOD_NOT_FOUND, PARSE_ERROR},
    warning::UNKNOWN_CALLER,
};

/// The method that exists only in this simulator.
const INJECT_FAULT: &str = "sim.fault";
/// How long an answer waits for the one that is meant to overtake it.
const OVERTAKING: f64 = 1.0;

/// What a client gets for one of its messages.
pub(super) fn respond(service: &mut Service, client: u64, now: f64, text: &str) -> Vec<Outgoing> {
    let request: Result<Value, _> = serde_json::from_str(text);
    let member = |name: &str| request.as_ref().ok().and_then(|request| request.get(name));
    let method = member("method").and_then(Value::as_str).unwrap_or_default();
    let id = RequestId::read(text);
    service.called(client, method, now);
    if service.faults.is_unresponsive(client, now) {
        return Vec::new();
    }
    if method == INJECT_FAULT && service.faults.allowed {
        let params = member("params").cloned().unwrap_or_default();
        return vec![Outgoing::now(reply(&id, inject_fault(service, params, now)))];
    }
    let fault = service.faults.answer(client, method);
    match &fault {
        Some(Fault::Refuse { code, message, .. }) => {
            let usual = ApiError::new(*code);
            let error = match message {
                Some(message) => ApiError::with_message(*code, message),
                None => usual,
            };
            return vec![Outgoing::now(reply(&id, Err(error)))];
        }
        Some(Fault::Unidentified { .. }) => {
            service.faults.mute(client);
            let text = " The APIs cannot be registered. Please re-open the connection.";
            return vec![Outgoing::now(outgoing::warning(UNKNOWN_CALLER, &json!(text)))];
        }
        _ => {}
    }
    let answer = match request {
        Ok(Value::Object(request)) => answer(service, client, now, &request, id),
        Ok(_) => Payload::Text(reply(&id, Err(ApiError::new(INVALID_REQUEST)))),
        Err(_) => Payload::Text(reply(&id, Err(ApiError::new(PARSE_ERROR)))),
    };
    let answer = Outgoing::from(answer);
    match fault {
        Some(Fault::Late { seconds, .. }) => {
            vec![Outgoing { delivery: Delivery::At(now + seconds.get()), ..answer }]
        }
        Some(Fault::OutOfOrder { .. }) => {
            vec![Outgoing { delivery: Delivery::AfterNext(now + OVERTAKING), ..answer }]
        }
        Some(Fault::Twice { .. }) => vec![answer.clone(), answer],
        Some(Fault::Never { .. }) => Vec::new(),
        _ => vec![answer],
    }
}

fn inject_fault(service: &mut Service, params: Value, now: f64) -> CallResult {
    let injection: Injection = serde_json::from_value(params)
        .map_err(|error| ApiError::with_message(INVALID_PARAMS, &error.to_string()))?;
    injection
        .check(service.headsets.0.iter().map(|own| &own.id))
        .map_err(|why| ApiError::invalid(&why))?;
    if service.faults.is_full() {
        return Err(ApiError::invalid("Too many faults are planned; clear them first."));
    }
    service.inject(injection, now);
    Ok(json!({ "message": "ordered" }))
}

/// The outcome of a request.
enum Answer {
    Now(Value),
    Later(Deferred),
}

/// Answers a request.
fn answer(
    service: &mut Service,
    client: u64,
    now: f64,
    request: &Map<String, Value>,
    id: RequestId,
) -> Payload {
    match run(service, client, now, request) {
        Ok(Answer::Now(result)) => Payload::Text(reply(&id, Ok(result))),
        Ok(Answer::Later(result)) => Payload::Deferred(id, result),
        Err(error) => Payload::Text(reply(&id, Err(error))),
    }
}

fn run(
    service: &mut Service,
    connection: u64,
    now: f64,
    request: &Map<String, Value>,
) -> Result<Answer, ApiError> {
    let none = Map::new();
    let name = request.get("method").and_then(Value::as_str);
    let version = request.get("jsonrpc").and_then(Value::as_str);
    let params = request.get("params").map_or(Some(&none), Value::as_object);
    let (Some(name), Some("2.0"), Some(params)) = (name, version, params) else {
        return Err(ApiError::new(INVALID_REQUEST));
    };
    let method = methods::find(name).ok_or_else(|| ApiError::new(METHOD_NOT_FOUND))?;
    method.check(params)?;
    let mut call = Call { connection, now, app: String::new(), params };
    if let Some(usage) = method.token_use() {
        call.app = service.account.admit(call.text(methods::TOKEN), usage, now)?;
    }
    match method.handler {
        Handler::Immediate(run) => run(service, &call).map(Answer::Now),
        Handler::Deferred(run) => run(service, &call).map(Answer::Later),
    }
}
