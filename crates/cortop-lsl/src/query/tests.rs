//! Queries as receivers send them, and hostile ones.

use proptest::prelude::*;

use super::*;

fn info() -> Element {
    let channel = |label: &str| {
        Element::new("channel")
            .with(Element::leaf("label", label))
            .with(Element::leaf("unit", "microvolts"))
    };
    let channels = Element::new("channels").with_all(["AF3", "F7", "F3", "FC5"].map(channel));
    Element::new("info")
        .with(Element::leaf("name", "cortop-EPOCX-1-EEG"))
        .with(Element::leaf("type", "EEG"))
        .with(Element::leaf("channel_count", 4))
        .with(Element::leaf("nominal_srate", "128.0000000000000"))
        .with(Element::leaf("session_id", "default"))
        .with(Element::leaf("source_id", "it's"))
        .with(Element::new("desc").with(Element::leaf("manufacturer", "EMOTIV")).with(channels))
}

fn matches(query: &str) -> bool {
    Query::parse(query).is_some_and(|query| query.matches(&info()))
}

#[test]
fn queries_that_receivers_send_find_the_stream() {
    for query in [
        "",
        "session_id='default'",
        "session_id='default' and name='cortop-EPOCX-1-EEG'",
        "session_id='default' and type='EEG'",
        "session_id='default' and name='cortop-EPOCX-1-EEG' and starts-with(type,'EE') and \
         count(desc/channels/channel)=4",
        "channel_count='4' and name='cortop-EPOCX-1-EEG' and type='EEG' and \
         source_id=\"it's\"",
        "contains(name, \"EPOCX\")",
        "desc/manufacturer='EMOTIV'",
        "desc/channels/channel/label='F3'",
        "desc/channels/channel[2]/label = 'F7'",
        "desc/channels/channel[last()]/label='FC5'",
        "count(desc/channels/channel[unit='microvolts']) >= 4",
        "/info/name = 'cortop-EPOCX-1-EEG'",
        "//label='AF3'",
        "nominal_srate > 100 and nominal_srate <= 128",
        "nominal_srate=128",
        "not(type='Markers')",
        "type='Markers' or type='EEG'",
        "type != 'Markers'",
        "(type='a' or type='EEG') and channel_count * 2 = 8 and 7 mod 4 = 3 and 8 div 2 = 4",
        "string-length(type)=3 and substring(name,1,6)='cortop'",
        "substring-after(name,'cortop-')='EPOCX-1-EEG'",
        "name(desc/*[1])='manufacturer'",
        "desc/channels/channel/label[.='F3']/../unit='microvolts'",
        "count(desc/channels/channel/label | //unit) = 8",
        "-channel_count < 0",
        "name/text()='cortop-EPOCX-1-EEG'",
        "child::type='EEG' and self::*",
    ] {
        assert!(matches(query), "{query}");
    }
}

#[test]
fn others_do_not() {
    for query in [
        "session_id='other'",
        "type='EEG' and name='x'",
        "hostname='x'",
        "desc/channels/channel[5]",
        "count(desc/channels/channel)=5",
        "type",
        "@id",
        "nominal_srate < 128",
        "not(type)",
        "type='Markers' or name=''",
    ] {
        assert_eq!(matches(query), query == "type", "{query}");
    }
}

#[test]
fn what_is_not_understood_matches_nothing() {
    for query in [
        "name='",
        "and",
        "name=",
        "count(",
        "id('x')",
        "name='a'b",
        "desc[",
        "following::x",
        "count('a')=1",
        "starts-with(name)",
        "true(1)",
        "((((",
        "$x",
        "/..//..[",
        "name[[1]]",
    ] {
        assert!(!matches(query), "{query}");
    }
}

#[test]
fn hostile_queries_are_bounded() {
    let deep = format!("{}1{}", "(".repeat(1000), ")".repeat(1000));
    assert_eq!(Query::parse(&deep), None);
    assert_eq!(Query::parse(&format!("{}1", "-".repeat(2000))), None);
    assert_eq!(Query::parse(&"a".repeat(LONGEST + 1)), None);
    assert_eq!(Query::parse(&format!("a{}", " or a".repeat(800))), None);
    // Each predicate visits everything again.
    let heavy = format!("//*{}", "[count(//*[count(//*)>0])>0]".repeat(20));
    let started = std::time::Instant::now();
    assert!(!matches(&heavy));
    assert!(started.elapsed().as_millis() < 500, "{:?}", started.elapsed());
}

proptest! {
    #[test]
    fn nothing_makes_it_panic(query in r#"[a-c/\[\]()'"=<>|.*@:, 0-9-]{0,60}"#) {
        let _ = matches(&query);
    }

    #[test]
    fn nor_do_words(words in proptest::collection::vec(
        prop_oneof![
            Just("name"), Just("'EEG'"), Just("="), Just("and"), Just("or"), Just("("),
            Just(")"), Just("["), Just("]"), Just("count"), Just("//"), Just("/"), Just("*"),
            Just(".."), Just("1"), Just("substring"), Just(","), Just("-"), Just("|"),
        ], 0..24,
    )) {
        let _ = matches(&words.join(" "));
    }
}
