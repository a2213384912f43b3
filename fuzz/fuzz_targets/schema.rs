//! Any schema: cleaning it ends, is bounded, and cleaning what was cleaned changes nothing.
#![no_main]

mod mutate;

use libfuzzer_sys::{fuzz_mutator, fuzz_target};
use waybill_wire::translate::{
    schema::{self, clean},
    text::Json,
};

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    mutate::documents(data, size, max_size, seed, 0)
});

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let Ok(schema) = Json::parse(text.to_owned()) else {
        return;
    };
    let parameters = schema::parameters(&schema);
    schema::is_described(&schema);
    match clean(&schema) {
        Err(no) => assert!(!no.why.is_empty()),
        Ok(cleaned) => {
            let parameters = parameters.expect(cleaned.get());
            assert!(parameters.is_none_or(|parameters| parameters == cleaned.get()));
            let again = clean(&cleaned).expect(cleaned.get());
            assert_eq!(again.get(), cleaned.get());
            drop(schema::read(&cleaned));
        }
    }
    drop(schema::read(&schema));
});
