//! What two dialects can both say is the same after it was said in one and then in the other. Both may be
//! the same: what a dialect can say, it reads as it wrote it.

use proptest::{
    prelude::*,
    test_runner::{Config, TestCaseError, TestRunner},
};
use waybill_model::protocol::StreamFormat;
use waybill_wire::translate::talk::{Answer, Delta, Prompt};

use crate::{
    crossing::decode,
    dialects::{Dialect, all, context},
    generate::{self, Can},
};

/// Cases of each ordered pair.
const CASES: u32 = 96;

fn for_every_pair<T: std::fmt::Debug, S: Strategy<Value = T>>(
    generate: impl Fn(Can) -> S,
    check: impl Fn(&Dialect, &Dialect, Can, T),
) {
    let all = all();
    for first in &all {
        for second in &all {
            let can = first.can.both(second.can);
            let mut runner = TestRunner::new(Config {
                cases: CASES,
                failure_persistence: None,
                ..Config::default()
            });
            let run = runner.run(&generate(can), |value| {
                check(first, second, can, value);
                Ok::<_, TestCaseError>(())
            });
            if let Err(error) = run {
                panic!("{} and {}: {error}", first.name, second.name);
            }
        }
    }
}

/// Says a prompt in a dialect and reads it again.
fn retold(dialect: &Dialect, prompt: &Prompt<'_>, then: &mut dyn FnMut(&Prompt<'_>)) {
    let written = (dialect.write_prompt)(prompt, dialect.target()).unwrap_or_else(|refusal| {
        panic!("{} does not write {prompt:#?}: {refusal:?}", dialect.name)
    });
    let written = String::from_utf8(written).unwrap();
    let read = (dialect.read_prompt)(&written)
        .unwrap_or_else(|refusal| panic!("{} does not read {written}: {refusal:?}", dialect.name));
    then(&read);
}

#[test]
fn a_prompt_that_both_can_say_is_the_same_afterwards() {
    for_every_pair(generate::prompt, |first, second, can, mut prompt| {
        let mut unchanged = false;
        retold(first, &prompt.clone(), &mut |once| {
            retold(second, once, &mut |twice| {
                let mut twice = twice.clone();
                can.forget(&mut twice);
                can.forget(&mut prompt);
                assert_eq!(twice, prompt);
                unchanged = true;
            });
        });
        assert!(unchanged);
    });
}

fn retold_answer(dialect: &Dialect, answer: &Answer<'_>, then: &mut dyn FnMut(&Answer<'_>)) {
    let written = String::from_utf8((dialect.write_answer)(answer, &context())).unwrap();
    let read = (dialect.read_answer)(&written)
        .unwrap_or_else(|why| panic!("{} does not read {written}: {why}", dialect.name));
    then(&read);
}

#[test]
fn an_answer_that_both_can_say_is_the_same_afterwards() {
    for_every_pair(generate::answer, |first, second, can, mut answer| {
        retold_answer(first, &answer.clone(), &mut |once| {
            retold_answer(second, once, &mut |twice| {
                let mut twice = twice.clone();
                can.forget_in_answer(&mut twice);
                can.forget_in_answer(&mut answer);
                assert_eq!(twice, answer);
            });
        });
    });
}

fn streamed(dialect: &Dialect, deltas: &[Delta<'_>]) -> Vec<Delta<'static>> {
    let mut encoder = (dialect.encoder)(context());
    let mut written = Vec::new();
    for delta in deltas {
        encoder.delta(delta, &mut written);
    }
    let format: StreamFormat = dialect.format;
    decode(dialect, format, &String::from_utf8(written).unwrap())
}

#[test]
fn a_streamed_answer_that_both_can_say_is_the_same_afterwards() {
    let pieces = |can| (generate::answer(can), 1usize..20);
    for_every_pair(pieces, |first, second, can, (mut answer, letters)| {
        let once = streamed(first, &generate::deltas(&answer, letters));
        let mut twice = generate::whole(&streamed(second, &once));
        can.forget_in_answer(&mut twice);
        can.forget_in_answer(&mut answer);
        assert_eq!(twice, answer);
    });
}
