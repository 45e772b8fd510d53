//! What the protocol reference marks as inferred, unknown or disputed, and what this simulator does
//! there: the complete list, for `cortop sim --assumptions`.

use std::fmt::Write as _;

/// A section of the reference, what is unknown there, and what the simulator does, in the order of
/// the sections.
const POINTS: &[(&str, &str, &str)] = &[
    (
        "§1.2",
        "the real leaf certificate: key type, names",
        "ECDSA P-256, names localhost, 127.0.0.1 and ::1",
    ),
    ("§1.3", "batches", "an array is refused with -32600"),
    ("§1.3", "the order of answers to parallel requests", "as they were asked"),
    ("§1.4", "the id of the answer to what is no JSON", "null"),
    ("§2.2", "the code while another OS user holds the service", "-32033, as with nobody"),
    ("§2.4", "the code for a token whose licence agreement is not accepted", "-32014"),
    ("§2.4", "the texts of -32014 and -32015", "made up"),
    (
        "§2.4",
        "how long a token lives: 48 h by the documentation, 72 h by its own claims",
        "refused after 48 h, claims 72 h",
    ),
    (
        "§2.4",
        "which secret belongs to a client id",
        "the first one it came with; -32021 for another",
    ),
    (
        "§2.5",
        "when a headset appears that is switched on",
        "it is in the list from the start, as after a scan; a dongle needs no scan",
    ),
    (
        "§2.6",
        "how long connecting takes, and when a session can follow",
        "2 s; a session can follow at once, unless the fault not-ready says later",
    ),
    ("§2.7", "how long Cortex needs to retire a closed session", "not at all"),
    (
        "§2.8",
        "subscribing to a stream twice",
        "succeeds again with the same columns; the samples go on",
    ),
    (
        "§2.8",
        "who receives a stream of a session that several connections know",
        "the connection that subscribed to it",
    ),
    ("§2.9", "the code of an export before warning 30", "-32138"),
    ("§2.9", "where a marker for the past is shown in eeg", "at the next sample"),
    (
        "§2.11",
        "whether warning 0 comes around a session's own close: the newer pages say so",
        "it does, unless the fault silent-close says otherwise",
    ),
    (
        "§2.12",
        "whether a session survives a short loss of its headset",
        "it does for 30 s, then it is closed",
    ),
    ("§3.2", "the time from a disconnect to the new status", "50 ms"),
    ("§3.3", "the codes for single streams: -32016, -32012, -32232", "-32016 for all"),
    (
        "§3.4",
        "the answers of deleteRecord and deleteSubjects",
        "success and failure as of exportRecord",
    ),
    ("§3.4", "whether an application sees the records of others", "it does not"),
    ("§3.4", "the names of exported files", "title, headset, start, contents"),
    ("§3.4", "the members of configOptOut", "currentOptOut, newOptOut, message"),
    ("§3.7", "whether training needs a loaded profile", "it does, one of the same application"),
    (
        "§3.7",
        "when a trained command becomes active",
        "with its first training, while there is room",
    ),
    ("§3.7", "who receives the events of a training", "the session that trains"),
    ("§3.7", "the answer of loadGuestProfile", "a message"),
    ("§3.8", "what facialExpressionThreshold and mentalCommandGetSkillRating return", "a number"),
    (
        "§3.8",
        "the members of facialExpressionSignatureType",
        "those of version 1: currentSig, availableSig",
    ),
    (
        "§4.1",
        "batteryPercent, signalStrength and six more members of a headset",
        "left out: never seen on the wire",
    ),
    ("§5.1", "the rate of motion of EPOC and Flex", "none, and 64 Hz"),
    ("§5.2", "RAW_CQ: its unit", "always 0"),
    ("§5.2", "the step of Insight 2: 0.128 µV", "5/39 µV, as of EPOC X"),
    ("§5.2", "HighBitFlex", "always 8064, the one value that was seen"),
    ("§5.4", "Signal: 0..1, 0 or 1, 0..2", "1"),
    ("§5.5", "eq: no real sample is public; levels 0..4", "0..4, all of them occur"),
    ("§5.7", "whether early values of 0.5 are defaults", "null for the first 40 s, then values"),
    ("§5.7", "whether single metrics come faster without a licence", "all at 0.1 Hz"),
    ("§5.10", "the labels of sys", "event, msg"),
    ("§5.11", "how long a training takes: 8 s or 10 s", "8 s, as getTrainingTime says"),
    (
        "§6.1",
        "codes for what is unknown, taken, full or not running: record, marker, subject, profile, \
         mapping, folder",
        "-32602, with a text that says which",
    ),
    (
        "§6.2",
        "the messages of warnings that no source quotes",
        "texts, or objects like those of their neighbours",
    ),
    (
        "§8",
        "rates, bits and steps of Flex 2 and MW20",
        "Flex 2 as EPOC Flex, also at 256 Hz; MW20 as MN8",
    ),
];

/// The output of `cortop sim --assumptions`.
#[must_use]
pub fn list() -> String {
    let mut text = String::from(
        "Where the protocol is inferred or not known (sections of the protocol reference), and what \
         this simulator does:\n",
    );
    for (section, unknown, done) in POINTS {
        // Writing to a `String` cannot fail.
        let _ = writeln!(text, "{section:6} {unknown}\n       here: {done}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_stand_in_the_order_of_the_reference() {
        let sections = POINTS.iter().map(|(section, ..)| {
            let numbers = section.trim_start_matches('§').split('.');
            numbers.map(|number| number.parse::<u32>().unwrap()).collect::<Vec<_>>()
        });
        assert!(sections.is_sorted());
    }
}
