//! What two dialects can both say is the same after it was said in one and then in the other. Both may be
//! the same: what a dialect can say, it reads as it wrote it.

use proptest::{
    prelude::*,
    test_runner::{Config, TestCaseError, TestRunner},
};
use waybill_wire::translate::talk::{Answer, Content, Delta, Prompt};

use crate::{
    crossing::decode,
    dialects::{Dialect, all, context},
    generate::{self, Can},
};

/// Cases of each ordered pair; by the environment many more.
fn cases() -> u32 {
    let asked = std::env::var("WAYBILL_TRANSLATE_CASES");
    asked.map_or(32, |many| many.parse().unwrap())
}

/// Tries every pair and tells of all that change something.
fn for_every_pair<T: std::fmt::Debug, S: Strategy<Value = T>>(
    generate: impl Fn(Can) -> S,
    check: impl Fn(&Dialect, &Dialect, Can, T) -> Result<(), TestCaseError>,
) {
    let all = all();
    let mut changed = Vec::new();
    for first in &all {
        for second in &all {
            let can = first.can.both(second.can);
            let mut runner = TestRunner::new(Config {
                cases: cases(),
                failure_persistence: None,
                ..Config::default()
            });
            if let Err(error) = runner.run(&generate(can), |value| check(first, second, can, value))
            {
                changed.push(format!("{}, then {}: {error}", first.name, second.name));
            }
        }
    }
    assert!(changed.is_empty(), "{}", changed.join("\n\n"));
}

fn write(dialect: &Dialect, prompt: &Prompt<'_>) -> Result<String, TestCaseError> {
    let written = (dialect.write_prompt)(prompt, dialect.target());
    let written = written.map_err(|refusal| fail(dialect, "write", format!("{refusal:?}")))?;
    Ok(String::from_utf8(written).unwrap())
}

fn read<'a>(dialect: &Dialect, written: &'a str) -> Result<Prompt<'a>, TestCaseError> {
    (dialect.read_prompt)(written)
        .map_err(|refusal| fail(dialect, "read", format!("{refusal:?}: {written}")))
}

fn fail(dialect: &Dialect, what: &str, why: String) -> TestCaseError {
    TestCaseError::fail(format!("{} does not {what} it: {why}", dialect.name))
}

#[test]
fn a_prompt_that_both_can_say_is_the_same_afterwards() {
    for_every_pair(generate::prompt, |first, second, can, mut prompt| {
        let said = write(first, &prompt)?;
        let said_again = write(second, &read(first, &said)?)?;
        let mut twice = read(second, &said_again)?;
        can.forget(&mut twice);
        can.forget(&mut prompt);
        // Anthropic's round of tools thinks from its beginning or not at all.
        if [first.name, second.name].contains(&"messages") && ends_with_results(&prompt) {
            (twice.thinking, prompt.thinking) = (None, None);
        }
        prop_assert_eq!(twice, prompt, "{}\n{}", said, said_again);
        Ok(())
    });
}

fn ends_with_results(prompt: &Prompt<'_>) -> bool {
    let parts = prompt.turns.last().map_or(&[][..], |turn| &turn.parts);
    parts
        .iter()
        .any(|part| matches!(part.content, Content::ToolResult(_)))
}

fn write_answer(dialect: &Dialect, answer: &Answer<'_>) -> String {
    String::from_utf8((dialect.write_answer)(answer, &context())).unwrap()
}

fn read_answer<'a>(dialect: &Dialect, written: &'a str) -> Result<Answer<'a>, TestCaseError> {
    (dialect.read_answer)(written).map_err(|why| fail(dialect, "read", format!("{why}: {written}")))
}

#[test]
fn an_answer_that_both_can_say_is_the_same_afterwards() {
    for_every_pair(generate::answer, |first, second, can, mut answer| {
        let said = write_answer(first, &answer);
        let said_again = write_answer(second, &read_answer(first, &said)?);
        let mut twice = read_answer(second, &said_again)?;
        can.forget_in_answer(&mut twice);
        can.forget_in_answer(&mut answer);
        prop_assert_eq!(twice, answer, "{}\n{}", said, said_again);
        Ok(())
    });
}

fn stream(dialect: &Dialect, deltas: &[Delta<'_>]) -> String {
    let mut encoder = (dialect.encoder)(context());
    let mut written = Vec::new();
    for delta in deltas {
        encoder.delta(delta, &mut written);
    }
    String::from_utf8(written).unwrap()
}

#[test]
fn a_streamed_answer_that_both_can_say_is_the_same_afterwards() {
    let pieces = |can| (generate::answer(can), 1usize..20);
    for_every_pair(pieces, |first, second, can, (mut answer, letters)| {
        let said = stream(first, &generate::deltas(&answer, letters));
        let once = decode(first, first.format, &said);
        let said_again = stream(second, &once);
        let mut twice = generate::whole(&decode(second, second.format, &said_again));
        can.forget_in_answer(&mut twice);
        can.forget_in_answer(&mut answer);
        prop_assert_eq!(twice, answer, "{}\n{}", said, said_again);
        Ok(())
    });
}
