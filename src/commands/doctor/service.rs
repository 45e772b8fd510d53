//! Diagnoses what the client found, from the address to the licence.

use super::report::{Diagnosis, Verdict};
use crate::{commands::ClientState, stage::Stage};
use cortop_client::{
    Method, Security,
    account::{CortexInfo, Licence},
};

/// Older services lack the stream `eq` (§5.5).
const OLD: (u32, u32) = (2, 7);

/// The diagnosis of a stage that the client has passed.
pub(super) fn passed(stage: Stage, url: &str, client: &ClientState) -> Diagnosis {
    let pass = |found: &str| Diagnosis::pass(stage, found);
    match stage {
        Stage::Service => pass(&format!("answers at {url}")),
        Stage::Tls => tls(client.security),
        Stage::Version => client.service.as_ref().map_or_else(
            || Diagnosis::new(stage, Verdict::Warning, "unknown", "update EMOTIV Launcher"),
            version,
        ),
        Stage::Login => match &client.user {
            Some(user) => pass(&user.username),
            None => Diagnosis::new(stage, Verdict::Warning, "this Cortex does not report it", ""),
        },
        Stage::Approval => pass("cortop may use Cortex"),
        Stage::Credentials => pass("client id and secret are accepted"),
        Stage::Token => pass("given, and the licence agreement is accepted"),
        _ => licence(client),
    }
}

fn tls(security: Option<Security>) -> Diagnosis {
    let diagnosis = |verdict, found, next| Diagnosis::new(Stage::Tls, verdict, found, next);
    match security {
        Some(Security::Verified) => {
            diagnosis(Verdict::Pass, "the certificate's chain and name are good", "")
        }
        Some(Security::WrongName) => diagnosis(
            Verdict::Pass,
            "the certificate's chain is good; its name is another, and the service is on this \
             machine",
            "",
        ),
        Some(Security::Trusted) => {
            diagnosis(Verdict::Pass, "the certificate is the one that you trust (cortop trust)", "")
        }
        Some(Security::Unchecked) => diagnosis(
            Verdict::Warning,
            "the certificate is not checked (--insecure)",
            "give the root with --ca-file in place of --insecure",
        ),
        Some(Security::Plain) | None => {
            diagnosis(Verdict::Pass, "not used: plain text, to this machine only", "")
        }
    }
}

fn version(info: &CortexInfo) -> Diagnosis {
    let mut numbers = info.version.split('.').map(|number| number.parse::<u32>().ok());
    let version = numbers.next().flatten().zip(numbers.next().flatten());
    let found = format!("Cortex {}", info.version);
    match version {
        Some(version) if version >= OLD => Diagnosis::pass(Stage::Version, &found),
        _ => Diagnosis::new(Stage::Version, Verdict::Warning, &found, "update EMOTIV Launcher"),
    }
}

fn licence(state: &ClientState) -> Diagnosis {
    let diagnosis =
        |verdict, found: &str, next: &str| Diagnosis::new(Stage::Licence, verdict, found, next);
    let Some(licence) = &state.licence else {
        let found = "it cannot be read: sessions are opened without it";
        let next = state.refused(Method::GetLicenseInfo).map_or("try again", |why| &why.next);
        return diagnosis(Verdict::Warning, found, next);
    };
    let found = describe(licence);
    if licence.expired {
        diagnosis(Verdict::Fail, &found, "renew the licence in the EMOTIV account")
    } else if !licence.has_scope("eeg") {
        diagnosis(
            Verdict::Warning,
            &found,
            "EEG needs a licence with scope eeg; all other streams come without",
        )
    } else if licence.local_quota.is_some_and(|left| left < 1.0) {
        diagnosis(
            Verdict::Warning,
            &found,
            "for EEG, --debit N moves N sessions from the licence to this computer",
        )
    } else {
        diagnosis(Verdict::Pass, &found, "")
    }
}

fn describe(licence: &Licence) -> String {
    let scopes: Vec<_> =
        licence.scopes.iter().map(String::as_str).filter(|scope| !scope.is_empty()).collect();
    let name = if licence.license_name.is_empty() { "no name" } else { &licence.license_name };
    let scopes = if scopes.is_empty() { "no scope".to_owned() } else { scopes.join(" ") };
    let left = licence.local_quota.map(|left| format!(", {left} sessions left here"));
    let expired = if licence.expired { ", expired" } else { "" };
    format!("{name}: {scopes}{}{expired}", left.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use cortop_client::Event;

    #[test]
    fn a_licence_is_judged_by_what_it_allows() {
        let judged = |scopes: &[&str], left: Option<f64>, expired| {
            let scopes = scopes.iter().map(ToString::to_string).collect();
            let licence = Licence { scopes, local_quota: left, expired, ..Licence::default() };
            let mut state = ClientState::default();
            state.on_event(Event::Licence(licence));
            super::licence(&state).verdict
        };
        assert_eq!(judged(&["eeg", "pm"], Some(3.0), false), Verdict::Pass);
        assert_eq!(judged(&["eeg"], None, false), Verdict::Pass);
        assert_eq!(judged(&["eeg"], Some(0.0), false), Verdict::Warning);
        assert_eq!(judged(&[""], Some(3.0), false), Verdict::Warning);
        assert_eq!(judged(&["eeg"], Some(3.0), true), Verdict::Fail);
        assert_eq!(licence(&ClientState::default()).verdict, Verdict::Warning);
    }

    #[test]
    fn an_old_service_is_told_apart_from_a_new_one() {
        for (version, verdict) in
            [("4.8.32", Verdict::Pass), ("2.6.9", Verdict::Warning), ("new", Verdict::Warning)]
        {
            let info = CortexInfo { version: version.into(), ..CortexInfo::default() };
            assert_eq!(super::version(&info).verdict, verdict, "{version}");
        }
    }
}
