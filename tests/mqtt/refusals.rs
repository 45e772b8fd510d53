//! Every refusal is reported with its reason and the next step.

use crate::broker::{Mosquitto, Station, output, service};

#[test]
fn each_refusal_says_why_and_what_to_do() {
    let Some(broker) = Mosquitto::start() else { return };
    let sim = service();
    let root = "ca-file = \"FOLDER/root.pem\"\n";
    let good = "user = \"PC-03\"\npassword = \"secret of PC-03\"\n";
    let [tls, plain, mutual] = broker.ports.map(|port| format!("localhost:{port}"));
    let numeric = format!("mqtts://127.0.0.1:{}", broker.ports[0]);
    let rows = [
        (
            format!("{root}user = \"PC-03\"\npassword = \"guessed\""),
            format!("mqtts://{tls}"),
            "PC-03",
            "the broker refuses the user PC-03: check user and password in [mqtt]",
        ),
        (
            root.to_owned(),
            format!("mqtts://{tls}"),
            "PC-03",
            "the broker wants a user and a password: set user and password in [mqtt]",
        ),
        (
            good.to_owned(),
            format!("mqtts://{tls}"),
            "PC-03",
            "the certificate's chain does not lead to a known root: give the root that signed",
        ),
        (
            format!("{good}ca-file = \"FOLDER/foreign.pem\""),
            format!("mqtts://{tls}"),
            "PC-03",
            "the certificate's chain does not lead to a known root: give the root that signed",
        ),
        (
            format!("{root}{good}"),
            numeric,
            "PC-03",
            "the certificate's name is not the broker's, though its chain is good: use the name",
        ),
        (
            format!("{root}{good}"),
            format!("mqtts://{tls}"),
            "PC-04",
            "the broker does not let this user write cortop/v1/PC-04/state: if the user and \
             the station have different names, give the user's name as `name` in [mqtt]; or allow it",
        ),
        (
            format!("{root}{good}"),
            format!("mqtts://{plain}"),
            "PC-03",
            "the connection was closed during the TLS handshake: check that the port",
        ),
        (
            format!("{root}{good}"),
            format!("mqtt://{tls}"),
            "PC-03",
            "the connection was closed before an MQTT broker answered: check the port of --broker; the \
             broker's port for TLS needs mqtts://",
        ),
        (
            root.to_owned(),
            format!("mqtts://{mutual}"),
            "PC-03",
            "the broker asks for a client certificate, and none is configured: set certificate",
        ),
        (
            format!("{root}{good}"),
            "mqtts://localhost:9".to_owned(),
            "PC-03",
            "nothing listens on localhost:9: start the broker (mosquitto), or check the port",
        ),
    ];
    // All at once, as each waits a while for the broker.
    let stations: Vec<_> = rows
        .iter()
        .enumerate()
        .map(|(number, (section, url, name, says))| {
            let config = broker.config(&format!("refused-{number}"), section);
            (Station::start(&sim, &config, &["--broker", url, "--name", name]), says)
        })
        .collect();
    for (station, says) in &stations {
        let said = station.says(says);
        assert!(!said.contains("guessed") && !said.contains("secret of"), "{said}");
    }
}

#[test]
fn a_station_that_never_published_ends_with_its_problem() {
    let Some(broker) = Mosquitto::start() else { return };
    let sim = service();
    let root = "ca-file = \"FOLDER/root.pem\"\nuser = \"PC-03\"\n";
    let wrong = broker.config("wrong", &format!("{root}password = \"guessed\""));
    let arguments = ["--broker", &broker.url(), "--name", "PC-03", "--duration", "5s"];
    let ended = output(&sim, &wrong, &arguments);
    let said = String::from_utf8_lossy(&ended.stderr);
    assert_eq!(ended.status.code(), Some(2), "{said}");
    assert!(said.contains("nothing was published: the broker refuses the user PC-03: "), "{said}");
    let ended = output(&sim, &broker.account("PC-03"), &arguments);
    assert_eq!(ended.status.code(), Some(0), "{}", String::from_utf8_lossy(&ended.stderr));
}

#[test]
fn what_cannot_be_used_ends_at_once() {
    let sim = service();
    let folder = tempfile::tempdir().expect("a folder");
    let config = folder.path().join("config.toml");
    std::fs::write(&config, "").expect("written");
    for (args, says) in [
        (
            &["--broker", "mqtt://broker.example.org"][..],
            "plain text and goes to this machine only",
        ),
        (&["--broker", "mqtts://me:hush@broker.example.org"], "holds no user and no password"),
        (&["--broker", "broker.example.org"], "write it as mqtts://broker.example.org"),
        (&["--broker", "mqtt://localhost", "--name", "a/b"], "cannot be a station's name"),
        (&[], "no broker is named: give --broker"),
    ] {
        let ended = output(&sim, &config, args);
        let said = String::from_utf8_lossy(&ended.stderr);
        assert_eq!(ended.status.code(), Some(2), "{said}");
        assert!(said.contains(says) && !said.contains("hush"), "{said}");
    }
}

#[test]
fn a_client_certificate_is_an_account() {
    let Some(broker) = Mosquitto::start() else { return };
    let sim = service();
    let section = "ca-file = \"FOLDER/root.pem\"\ncertificate = \"FOLDER/PC-03.pem\"\n\
                   key = \"FOLDER/PC-03.key\"";
    let config = broker.config("certificate", section);
    let url = format!("mqtts://localhost:{}", broker.ports[2]);
    let _station = Station::start(&sim, &config, &["--broker", &url, "--name", "PC-03"]).ready();
    broker.read().wait("its state", |message| message.is_station("PC-03", "online"));
}
