//! Subjects: the people who are recorded (§3.6, §4.5).

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde_json::{Value, json};

use super::{
    api_error::{ApiError, CallResult},
    call::Call,
    query::{PageQuery, mentions},
    records::Records,
};
use cortop_protocol::code::error::INVALID_PARAMS;

/// The most subjects that can be stored.
const MAX_SUBJECTS: usize = 1000;
/// The longest name of a subject, in characters.
const LONGEST_NAME: usize = 30;

/// Attributes of a person other than place and date of birth.
const ATTRIBUTES: [(&str, &[&str]); 3] = [
    ("Handedness", &["Left-handed", "Right-handed", "Ambidextrous"]),
    ("Education", &["Primary", "Secondary", "Bachelor", "Master", "Doctorate", "Other"]),
    ("Occupation", &["Student", "Employed", "Self-employed", "Unemployed", "Retired", "Other"]),
];
/// Names of some countries.
const COUNTRIES: [(&str, &str); 8] = [
    ("AU", "Australia"),
    ("DE", "Germany"),
    ("FR", "France"),
    ("GB", "United Kingdom"),
    ("JP", "Japan"),
    ("TW", "Taiwan"),
    ("US", "United States"),
    ("VN", "Vietnam"),
];
/// The attributes that are texts.
const TEXTS: [&str; 5] = ["dateOfBirth", "sex", "countryCode", "state", "city"];

/// The subjects by name, each with the members of its object that were given.
#[derive(Default)]
pub(super) struct Subjects(BTreeMap<String, Value>);

impl Subjects {
    /// `createSubject`.
    pub(super) fn create(&mut self, call: &Call<'_>, records: &Records) -> CallResult {
        let name = call.text("subjectName");
        if name.is_empty() || name.chars().count() > LONGEST_NAME {
            return Err(ApiError::new(INVALID_PARAMS));
        }
        if self.0.contains_key(name) {
            return Err(ApiError::invalid("The subject already exists."));
        }
        if self.0.len() == MAX_SUBJECTS {
            return Err(ApiError::invalid("No more subjects can be stored."));
        }
        let fresh = json!({
            "attributes": [], "city": "", "countryCode": "", "countryName": "", "dateOfBirth": "",
            "sex": "U", "state": "", "subjectName": name,
        });
        let subject = merged(fresh, call)?;
        self.0.insert(name.to_owned(), subject);
        self.to_json(name, records)
    }

    /// `updateSubject`.
    pub(super) fn update(&mut self, call: &Call<'_>, records: &Records) -> CallResult {
        let name = call.text("subjectName");
        let subject = self.0.get_mut(name).ok_or_else(unknown_subject)?;
        *subject = merged(subject.clone(), call)?;
        self.to_json(name, records)
    }

    /// `deleteSubjects`.
    pub(super) fn delete(&mut self, call: &Call<'_>) -> Value {
        let (mut success, mut failure) = (Vec::new(), Vec::new());
        for name in call.texts("subjects") {
            match self.0.remove(name) {
                Some(_) => success.push(json!({ "subjectName": name })),
                None => failure.push(unknown_subject().failure("subjectName", name)),
            }
        }
        json!({ "failure": failure, "success": success })
    }

    /// `querySubjects`.
    pub(super) fn query(&self, call: &Call<'_>, records: &Records) -> CallResult {
        const KEYS: [&str; 6] =
            ["subjectName", "dateOfBirth", "sex", "countryCode", "state", "city"];
        let page = PageQuery::read(call, &KEYS)?;
        let conditions = call.get("query").and_then(Value::as_object).into_iter().flatten();
        let mut found: Vec<&str> = self.0.keys().map(String::as_str).collect();
        for (name, condition) in conditions {
            let wanted = condition.as_str().ok_or_else(|| ApiError::new(INVALID_PARAMS))?;
            match name.as_str() {
                "keyword" => found.retain(|own| mentions([*own], wanted)),
                key if KEYS.contains(&key) => {
                    found.retain(|own| self.0.get(*own).is_some_and(|it| it[key] == wanted));
                }
                _ => return Err(ApiError::new(INVALID_PARAMS)),
            }
        }
        let count = found.len();
        let member =
            |name: &&str, key: &str| self.0.get(*name).map_or(Value::Null, |it| it[key].clone());
        let found = page.of(found, member);
        let objects: Result<Vec<_>, _> =
            found.into_iter().map(|own| self.to_json(own, records)).collect();
        Ok(page.to_json("subjects", count, &objects?))
    }

    /// Whether there is a subject of this name.
    pub(super) fn contains(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    fn to_json(&self, name: &str, records: &Records) -> CallResult {
        let mut object = self.0.get(name).cloned().ok_or_else(unknown_subject)?;
        object["experimentsCount"] = json!(records.count_of_subject(name));
        Ok(object)
    }
}

/// `getDemographicAttributes`.
pub(super) fn demographic_attributes() -> Value {
    ATTRIBUTES.iter().map(|(name, value)| json!({ "name": name, "value": value })).collect()
}

/// A subject, updated from a request.
fn merged(mut subject: Value, call: &Call<'_>) -> CallResult {
    for name in TEXTS {
        if let Some(text) = call.optional_text(name) {
            if name == "dateOfBirth" && text.parse::<Date>().is_err() {
                return Err(ApiError::new(INVALID_PARAMS));
            }
            subject[name] = json!(text);
        }
    }
    if let Some(code) = call.optional_text("countryCode") {
        let known = COUNTRIES.iter().find(|(own, _)| *own == code);
        subject["countryName"] = json!(known.map_or("", |(_, name)| name));
    }
    if let Some(attributes) = call.get("attributes").and_then(Value::as_array) {
        let sound = |attribute: &Value| {
            let (name, value) = (attribute["name"].as_str(), attribute["value"].as_str());
            let own = ATTRIBUTES.iter().find(|(own, _)| Some(*own) == name);
            own.zip(value).is_some_and(|((_, allowed), value)| allowed.contains(&value))
        };
        if !attributes.iter().all(sound) {
            return Err(ApiError::new(INVALID_PARAMS));
        }
        subject["attributes"] = json!(attributes);
    }
    Ok(subject)
}

fn unknown_subject() -> ApiError {
    ApiError::invalid("The subject does not exist.")
}
