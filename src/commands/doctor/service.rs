//! From the address to the licence: what the client has told on its way, as findings.

use super::report::{Finding, Verdict};
use crate::{check::Check, commands::Walk};
use cortop_client::{
    Security,
    account::{CortexInfo, Licence},
};

/// Older services lack the stream `eq` (§5.5).
const OLD: (u32, u32) = (2, 7);

/// What is known of a check that the client has got past.
pub(super) fn passed(check: Check, url: &str, walk: &Walk) -> Finding {
    let pass = |found: &str| Finding::pass(check, found);
    match check {
        Check::Service => pass(&format!("answers at {url}")),
        Check::Tls => tls(walk.security),
        Check::Version => walk.service.as_ref().map_or_else(
            || Finding::new(check, Verdict::Unsure, "not told", "update EMOTIV Launcher"),
            version,
        ),
        Check::Login => match &walk.user {
            Some(user) => pass(&user.username),
            None => Finding::new(check, Verdict::Unsure, "this Cortex does not tell", ""),
        },
        Check::Approval => pass("cortop may use Cortex"),
        Check::Credentials => pass("client id and secret are accepted"),
        Check::Token => pass("given, and the licence agreement is accepted"),
        _ => licence(walk),
    }
}

fn tls(security: Option<Security>) -> Finding {
    let finding = |verdict, found, next| Finding::new(Check::Tls, verdict, found, next);
    match security {
        Some(Security::Verified) => {
            finding(Verdict::Pass, "the certificate's chain and name are good", "")
        }
        Some(Security::WrongName) => finding(
            Verdict::Pass,
            "the certificate's chain is good; its name is another, and the service is on this \
             machine",
            "",
        ),
        Some(Security::Unchecked) => finding(
            Verdict::Unsure,
            "the certificate is not checked (--insecure)",
            "give the root with --ca-file in place of --insecure",
        ),
        Some(Security::Plain) | None => {
            finding(Verdict::Pass, "not used: plain text, to this machine only", "")
        }
    }
}

fn version(info: &CortexInfo) -> Finding {
    let mut numbers = info.version.split('.').map(|number| number.parse::<u32>().ok());
    let version = numbers.next().flatten().zip(numbers.next().flatten());
    let found = format!("Cortex {}", info.version);
    match version {
        Some(version) if version >= OLD => Finding::pass(Check::Version, &found),
        _ => Finding::new(Check::Version, Verdict::Unsure, &found, "update EMOTIV Launcher"),
    }
}

fn licence(walk: &Walk) -> Finding {
    let finding =
        |verdict, found: &str, next: &str| Finding::new(Check::Licence, verdict, found, next);
    let Some(licence) = &walk.licence else {
        let found = "it cannot be read: sessions are opened without it";
        let next = walk.refused("getLicenseInfo").map_or("try again", |why| &why.next);
        return finding(Verdict::Unsure, found, next);
    };
    let found = told(licence);
    if licence.expired {
        finding(Verdict::Fail, &found, "renew the licence in the EMOTIV account")
    } else if !licence.has_scope("eeg") {
        finding(
            Verdict::Unsure,
            &found,
            "EEG needs a licence with scope eeg; all other streams come without",
        )
    } else if licence.local_quota.is_some_and(|left| left < 1.0) {
        finding(
            Verdict::Unsure,
            &found,
            "for EEG, --debit N moves N sessions from the licence to this computer",
        )
    } else {
        finding(Verdict::Pass, &found, "")
    }
}

fn told(licence: &Licence) -> String {
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
            let mut walk = Walk::default();
            walk.hear(Event::Licence(licence));
            super::licence(&walk).verdict
        };
        assert_eq!(judged(&["eeg", "pm"], Some(3.0), false), Verdict::Pass);
        assert_eq!(judged(&["eeg"], None, false), Verdict::Pass);
        assert_eq!(judged(&["eeg"], Some(0.0), false), Verdict::Unsure);
        assert_eq!(judged(&[""], Some(3.0), false), Verdict::Unsure);
        assert_eq!(judged(&["eeg"], Some(3.0), true), Verdict::Fail);
        assert_eq!(licence(&Walk::default()).verdict, Verdict::Unsure);
    }

    #[test]
    fn an_old_service_is_told_from_a_new_one() {
        for (version, verdict) in
            [("4.8.32", Verdict::Pass), ("2.6.9", Verdict::Unsure), ("new", Verdict::Unsure)]
        {
            let info = CortexInfo { version: version.into(), ..CortexInfo::default() };
            assert_eq!(super::version(&info).verdict, verdict, "{version}");
        }
    }
}
