//! Subjects: the persons that records are made of (§3.6, §4.5).

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde_json::{Value, json};

use super::{
    dispatch::Call,
    query::{Page, mentions},
    refusal::{ApiError, BAD_PARAMS, CallResult},
    service::Service,
};

/// Subjects that can be stored.
const MOST: usize = 1000;
/// Characters of a subject's name.
const LONGEST: usize = 30;

/// What can be told of a person beside where and when they were born.
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
/// Members that are texts.
const TEXTS: [&str; 5] = ["dateOfBirth", "sex", "countryCode", "state", "city"];

/// What is known of a subject: the members of its object that were given.
pub(super) type Subjects = BTreeMap<String, Value>;

#[expect(clippy::unnecessary_wraps, reason = "every method of the table may refuse")]
impl Service {
    pub(super) fn create_subject(&mut self, call: &Call<'_>) -> CallResult {
        let name = call.text("subjectName");
        if name.is_empty() || name.chars().count() > LONGEST {
            return Err(ApiError::new(BAD_PARAMS));
        }
        if self.subjects.contains_key(name) {
            return Err(ApiError::bad("The subject already exists."));
        }
        if self.subjects.len() == MOST {
            return Err(ApiError::bad("No more subjects can be stored."));
        }
        let fresh = json!({
            "attributes": [], "city": "", "countryCode": "", "countryName": "", "dateOfBirth": "",
            "sex": "U", "state": "", "subjectName": name,
        });
        let subject = told(fresh, call)?;
        self.subjects.insert(name.to_owned(), subject);
        self.subject_json(name)
    }

    pub(super) fn update_subject(&mut self, call: &Call<'_>) -> CallResult {
        let name = call.text("subjectName");
        let subject = self.subjects.get_mut(name).ok_or_else(unknown_subject)?;
        *subject = told(subject.clone(), call)?;
        self.subject_json(name)
    }

    pub(super) fn delete_subjects(&mut self, call: &Call<'_>) -> CallResult {
        let (mut success, mut failure) = (Vec::new(), Vec::new());
        for name in call.texts("subjects") {
            match self.subjects.remove(name) {
                Some(_) => success.push(json!({ "subjectName": name })),
                None => failure.push(unknown_subject().of("subjectName", name)),
            }
        }
        Ok(json!({ "failure": failure, "success": success }))
    }

    pub(super) fn query_subjects(&mut self, call: &Call<'_>) -> CallResult {
        const KEYS: [&str; 6] =
            ["subjectName", "dateOfBirth", "sex", "countryCode", "state", "city"];
        let page = Page::read(call, &KEYS)?;
        let conditions = call.get("query").and_then(Value::as_object).into_iter().flatten();
        let mut found: Vec<&str> = self.subjects.keys().map(String::as_str).collect();
        for (name, condition) in conditions {
            let wanted = condition.as_str().ok_or_else(|| ApiError::new(BAD_PARAMS))?;
            match name.as_str() {
                "keyword" => found.retain(|own| mentions([*own], wanted)),
                key if KEYS.contains(&key) => {
                    found.retain(|own| self.subjects.get(*own).is_some_and(|it| it[key] == wanted));
                }
                _ => return Err(ApiError::new(BAD_PARAMS)),
            }
        }
        let count = found.len();
        let member = |name: &&str, key: &str| {
            self.subjects.get(*name).map_or(Value::Null, |it| it[key].clone())
        };
        let found = page.of(found, member);
        let objects: Result<Vec<_>, _> =
            found.into_iter().map(|own| self.subject_json(own)).collect();
        Ok(page.to_json("subjects", count, &objects?))
    }

    pub(super) fn demographic_attributes(_: &mut Self, _: &Call<'_>) -> CallResult {
        let all = ATTRIBUTES.iter();
        Ok(all.map(|(name, value)| json!({ "name": name, "value": value })).collect())
    }

    fn subject_json(&self, name: &str) -> CallResult {
        let mut object = self.subjects.get(name).cloned().ok_or_else(unknown_subject)?;
        let records = self.records.iter().filter(|record| record.subject.as_deref() == Some(name));
        object["experimentsCount"] = json!(records.count());
        Ok(object)
    }
}

/// A subject with what a request tells of it.
fn told(mut subject: Value, call: &Call<'_>) -> CallResult {
    for name in TEXTS {
        if let Some(text) = call.maybe_text(name) {
            if name == "dateOfBirth" && text.parse::<Date>().is_err() {
                return Err(ApiError::new(BAD_PARAMS));
            }
            subject[name] = json!(text);
        }
    }
    if let Some(code) = call.maybe_text("countryCode") {
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
            return Err(ApiError::new(BAD_PARAMS));
        }
        subject["attributes"] = json!(attributes);
    }
    Ok(subject)
}

fn unknown_subject() -> ApiError {
    ApiError::bad("The subject does not exist.")
}
