//! One failure as a story: what happened, whose fault, what to do, where the time went, what was tried.

use std::io::{self, Write};

use waybill_model::{
    cause::Owner,
    view::{ErrorLogDetail, RuledBy, UpstreamErrorEvent},
    waybill::{Candidate, Queued},
};

use super::{
    columns::{columns, fit},
    table::{self, Tone, clean, clean_lines, maybe, plain, toned},
    waterfall::waterfall,
};

/// Writes the story. `full` adds headers and bodies.
pub fn tell(
    out: &mut impl Write,
    error: &ErrorLogDetail,
    full: bool,
    colours: bool,
) -> io::Result<()> {
    let log = &error.log;
    let (tone, end) = if log.recovered {
        (Tone::Green, "succeeded after hidden failures")
    } else {
        (Tone::Red, "failed")
    };
    let title = format!(
        "Request {} {end}: {} {}",
        log.request_id, log.status_code, log.cause
    );
    writeln!(out, "{}", toned(&clean(&title), tone, colours))?;
    writeln!(out)?;
    field(out, "What happened", &error.explanation, colours)?;
    field(out, "It was said", &log.message, colours)?;
    field(out, "Whose fault", fault(error), colours)?;
    field(out, "What to do", &error.remedy, colours)?;
    if let Some(rule) = &error.ruled_by {
        field(out, "By rule", &ruled(rule), colours)?;
    }
    field(out, "Asked", &asked(error), colours)?;
    field(out, "By", &by(error), colours)?;
    field(out, "Time", &time(error), colours)?;
    field(
        out,
        "Kind",
        &format!("{} (error {}{})", log.fingerprint, log.id, resolved(error)),
        colours,
    )?;
    let way = waterfall(error, table::terminal_columns(), colours);
    write!(out, "\n{way}")?;
    attempts(out, error, colours)?;
    route(out, error, colours)?;
    if full {
        bodies(out, error, colours)?;
    }
    Ok(())
}

fn field(out: &mut impl Write, name: &str, text: &str, colours: bool) -> io::Result<()> {
    writeln!(
        out,
        "{} {}",
        toned(&format!("{name:<14}"), Tone::Bold, colours),
        clean(text)
    )
}

fn fault(error: &ErrorLogDetail) -> &'static str {
    match error.log.error_owner {
        Owner::Client => "the client's",
        Owner::Provider => "the provider's",
        Owner::Platform => "ours: the pool's accounts, its configuration, or the gateway itself",
    }
}

fn ruled(rule: &RuledBy) -> String {
    let built_in = &rule.built_in;
    let counts = if built_in.counts() { "" } else { "not " };
    format!(
        "{} ({}); without it {}, {}, owner {}, {counts}counted",
        rule.rule_name
            .as_deref()
            .unwrap_or("of a version that is gone"),
        rule.rule_id,
        built_in.cause,
        built_in.severity,
        built_in.error_owner
    )
}

fn asked(error: &ErrorLogDetail) -> String {
    let log = &error.log;
    let model = log.model.as_deref().unwrap_or("no model");
    let how = if log.stream { ", streamed" } else { "" };
    format!(
        "{} for {model}{how}, {} bytes",
        log.request_path, error.request_body_bytes
    )
}

fn by(error: &ErrorLogDetail) -> String {
    let log = &error.log;
    let named =
        |kind: &str, name: &Option<String>| name.as_ref().map(|name| format!("{kind} {name}"));
    let client_id = log
        .client_request_id
        .as_ref()
        .map(|id| format!("its own id {id}"));
    let parts = [
        named("user", &log.user_name),
        named("key", &log.api_key_name),
        named("group", &log.group_name),
        Some(format!("from {}", log.client_ip)),
        client_id,
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

fn time(error: &ErrorLogDetail) -> String {
    let parts = [
        ("auth", error.auth_latency_ms),
        ("routing", error.routing_latency_ms),
        ("upstream", error.upstream_latency_ms),
        ("first content after", error.time_to_first_token_ms),
        ("answer", error.response_latency_ms),
    ];
    let parts: Vec<_> = parts
        .into_iter()
        .filter_map(|(name, ms)| ms.map(|ms| format!("{name} {ms} ms")))
        .collect();
    let parts = if parts.is_empty() {
        String::new()
    } else {
        format!(" ({})", parts.join(", "))
    };
    format!(
        "{}, {} ms in all{parts}",
        error.log.created_at, error.log.latency_ms
    )
}

fn resolved(error: &ErrorLogDetail) -> &'static str {
    if error.log.resolved { ", resolved" } else { "" }
}

fn attempts(out: &mut impl Write, error: &ErrorLogDetail, colours: bool) -> io::Result<()> {
    if error.attempts.is_empty() {
        return writeln!(out, "\nNo attempt at a provider failed.");
    }
    writeln!(out, "\n{}", toned("Failed attempts", Tone::Bold, colours))?;
    let mut attempts: Vec<&UpstreamErrorEvent> = error.attempts.iter().collect();
    attempts.sort_by_key(|event| event.attempt);
    let rows: Vec<_> = attempts
        .into_iter()
        .map(|event| {
            vec![
                plain(event.attempt),
                plain(&event.account_name),
                maybe(event.upstream_status_code),
                plain(event.cause),
                plain(format!("{} ms", event.duration_ms)),
                plain(format!("{} ({})", event.decision, event.decision_reason)),
                plain(&event.message),
            ]
        })
        .collect();
    table::write(
        out,
        &["#", "ACCOUNT", "STATUS", "CAUSE", "TOOK", "THEN", "MESSAGE"],
        &rows,
        colours,
    )
}

fn route(out: &mut impl Write, error: &ErrorLogDetail, colours: bool) -> io::Result<()> {
    if error.route.is_empty() {
        return Ok(());
    }
    writeln!(
        out,
        "\n{}",
        toned("Accounts looked at", Tone::Bold, colours)
    )?;
    if let Some(Queued { ahead, waited_ms }) = error.queued {
        writeln!(
            out,
            "waited {waited_ms} ms for a slot, behind {ahead} others"
        )?;
    }
    let width = error
        .route
        .iter()
        .map(|candidate| columns(&candidate.account_name))
        .max()
        .unwrap_or(0);
    for candidate in &error.route {
        let name = fit(&clean(&candidate.account_name), width);
        let (text, tone) = match candidate.excluded {
            Some(_) => (passed_over(candidate), Tone::Plain),
            None => ("chosen".to_owned(), Tone::Green),
        };
        writeln!(out, "{name}  {}", toned(&clean(&text), tone, colours))?;
    }
    Ok(())
}

/// Why an account was passed over: since when, until when, which event and request made it so.
fn passed_over(candidate: &Candidate) -> String {
    let mut text = candidate
        .excluded
        .map_or(String::new(), |exclusion| exclusion.to_string());
    let mut add = |part: Option<String>| text.extend(part);
    add(candidate.scope.as_ref().map(|scope| format!(" ({scope})")));
    add(candidate.since.map(|since| format!(" since {since}")));
    add(candidate.until.map(|until| format!(" until {until}")));
    add(candidate.event_id.map(|event| format!(", event {event}")));
    add(candidate
        .caused_by
        .map(|request| format!(", request {request}")));
    add(candidate.cause.map(|cause| format!(", {cause}")));
    add(candidate
        .reason
        .as_ref()
        .map(|reason| format!(": {reason}")));
    text
}

fn bodies(out: &mut impl Write, error: &ErrorLogDetail, colours: bool) -> io::Result<()> {
    let shortened = if error.request_body_truncated {
        "Request body (shortened)"
    } else {
        "Request body"
    };
    block(out, "Request headers", &error.request_headers, colours)?;
    block(out, shortened, &error.request_body, colours)?;
    for event in &error.attempts {
        let of = |what: &str| {
            format!(
                "Attempt {} on {}: {what}",
                event.attempt, event.account_name
            )
        };
        block(out, &of("headers sent"), &event.request_headers, colours)?;
        block(
            out,
            &of("headers received"),
            &event.response_headers,
            colours,
        )?;
        block(out, &of("body received"), &event.response_body, colours)?;
    }
    block(out, "What the client was told", &error.error_body, colours)
}

fn block(
    out: &mut impl Write,
    title: &str,
    text: &Option<String>,
    colours: bool,
) -> io::Result<()> {
    match text {
        None => Ok(()),
        Some(text) => writeln!(
            out,
            "\n{}\n{}",
            toned(&clean(title), Tone::Bold, colours),
            clean_lines(text)
        ),
    }
}
