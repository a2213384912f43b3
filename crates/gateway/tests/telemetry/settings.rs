//! `[telemetry]`, and the variables that every OpenTelemetry SDK reads.

use std::time::Duration;

use waybill_gateway::{
    config::Config,
    telemetry::{Otlp, Propagation, Settings},
};

fn read(text: &str, variables: &[(&str, &str)]) -> Result<Settings, String> {
    let variable = |name: &str| {
        let found = variables.iter().find(|(known, _)| *known == name);
        found.map(|(_, value)| (*value).to_owned())
    };
    let read = Config::parse(text, &variable);
    read.map(|config| config.settings.telemetry)
        .map_err(|error| error.to_string())
}

fn otlp(text: &str, variables: &[(&str, &str)]) -> Otlp {
    read(text, variables).unwrap().otlp.unwrap()
}

const ENDPOINT: (&str, &str) = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318/otel/");

#[test]
fn nothing_is_sent_where_nothing_is_said() {
    let settings = read("", &[]).unwrap();
    assert!(settings.otlp.is_none());
    assert_eq!(settings.propagation, Propagation::AsItCame);
    // What the environment says for every program is taken back by an empty address, or for all of them.
    assert!(
        read("[telemetry]\notlp_endpoint = \"\"\n", &[ENDPOINT])
            .unwrap()
            .otlp
            .is_none()
    );
    assert!(
        read("", &[ENDPOINT, ("OTEL_SDK_DISABLED", "TRUE")])
            .unwrap()
            .otlp
            .is_none()
    );
    for (word, expected) in [
        ("client", Propagation::AsItCame),
        ("always", Propagation::AsItCame),
        ("never", Propagation::Never),
    ] {
        let settings = read(&format!("[telemetry]\npropagate = \"{word}\"\n"), &[]).unwrap();
        assert_eq!(settings.propagation, expected, "{word}");
    }
}

#[test]
fn the_environment_of_every_program_is_read_and_the_files_word_is_stronger() {
    let variables = [
        ENDPOINT,
        ("OTEL_EXPORTER_OTLP_HEADERS", "x-api-key=one-two-three-four"),
        ("OTEL_SERVICE_NAME", "gateway"),
    ];
    let standard = otlp("", &variables);
    assert_eq!(standard.receiver.authority, "collector:4318");
    assert_eq!(&*standard.receiver.path_prefix, "/otel");
    assert_eq!(standard.service_name, "gateway");
    assert_eq!(standard.headers[0].1, "one-two-three-four");
    assert!(!format!("{standard:?}").contains("one-two-three-four"));
    assert_eq!(
        (standard.sample_ratio, standard.sample_failures),
        (1.0, true)
    );
    assert_eq!(standard.metrics_every, Some(Duration::from_secs(60)));

    let file = "[telemetry]\notlp_endpoint = \"https://other\"\notlp_headers = \"a=b\"\nservice_name = \"mine\"\nmetrics_every_ms = 0\n";
    let written = otlp(file, &variables);
    assert!(written.receiver.tls && written.receiver.authority == "other");
    assert_eq!(
        (written.service_name.as_str(), written.headers.len()),
        ("mine", 1)
    );
    assert_eq!(written.metrics_every, None);
    let over_all = otlp(
        file,
        &[
            ("WAYBILL_TELEMETRY_OTLP_ENDPOINT", "http://third:1"),
            ENDPOINT,
        ],
    );
    assert_eq!(over_all.receiver.authority, "third:1");
}

#[test]
fn every_mistake_is_reported_with_its_key_and_no_secret() {
    let file = "[telemetry]\notlp_endpoint = \"collector:4317\"\notlp_headers = \"bare-secret\"\nsample_ratio = 1.5\nmetrics_every_ms = 5\npropagate = \"sometimes\"\n";
    let said = read(file, &[]).unwrap_err();
    for mistake in [
        "telemetry.otlp_endpoint: ",
        "telemetry.otlp_headers: ",
        "telemetry.sample_ratio: ",
        "telemetry.metrics_every_ms: 5 is too little",
        "telemetry.propagate: `sometimes`",
    ] {
        assert!(said.contains(mistake), "{mistake} is not in {said}");
    }
    assert!(!said.contains("bare-secret"), "{said}");
    let said = read("", &[ENDPOINT, ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")]).unwrap_err();
    assert!(said.contains("http/protobuf"), "{said}");
    // The machine's own credentials are nobody's receiver.
    let said = read(
        "[telemetry]\notlp_endpoint = \"http://169.254.169.254\"\n",
        &[],
    )
    .unwrap_err();
    assert!(said.contains("telemetry.otlp_endpoint: "), "{said}");
}
