//! Schemas, cleaned and read.
#![allow(clippy::unwrap_used, clippy::panic)]

use proptest::{collection::vec, prelude::*};
use serde_json::{Value, json};

use super::{super::text::Json, *};

fn own(text: impl ToString) -> Json<'static> {
    Json::parse(text.to_string()).unwrap()
}

fn cleaned(schema: Value) -> Value {
    let cleaned = clean(&own(schema)).unwrap();
    serde_json::from_str(cleaned.get()).unwrap()
}

/// What becomes of a property's schema.
fn property(schema: Value) -> Value {
    let mut whole = cleaned(json!({"type": "object", "properties": {"p": schema}}));
    whole["properties"]["p"].take()
}

#[test]
fn a_schema_that_google_takes_stays_byte_for_byte() {
    for schema in [
        r#"{"type":"object"}"#,
        r#"{ "type" : "OBJECT", "properties": {"b": {"type":"string"}, "a": {"type":"integer","minimum":1.50}} , "required":["b"] }"#,
        r#"{"type":"object","properties":{"e":{"type":"string","enum":["x"],"format":"enum"},"n":{"anyOf":[{"type":"number"},{"type":"null"}],"nullable":true,"description":"d","default":{"any":[1]}}}}"#,
        r#"{"type":"object","properties":{"a":{"type":"array","items":{"type":"string","pattern":"^a","minLength":"1","maxLength":2,"title":"t"},"maxItems":4}},"propertyOrdering":["a"],"example":{"a":[]}}"#,
    ] {
        let given = own(schema);
        assert_eq!(clean(&given).unwrap().get(), schema);
    }
}

#[test]
fn steps_change_as_little_as_they_must() {
    let table = [
        // What is left out.
        (
            json!({"type": "string", "$schema": "x", "examples": ["a"], "x-mine": 1}),
            json!({"type": "string"}),
        ),
        (
            json!({"type": "object", "properties": {"a": {"type": "string"}}, "additionalProperties": false, "required": ["a", "b"]}),
            json!({"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}),
        ),
        (
            json!({"type": "array", "items": {"type": "string"}, "uniqueItems": true}),
            json!({"type": "array", "items": {"type": "string"}}),
        ),
        // Choices.
        (
            json!({"const": "a"}),
            json!({"type": "string", "enum": ["a"]}),
        ),
        (
            json!({"enum": ["a", "b", null]}),
            json!({"type": "string", "enum": ["a", "b"], "nullable": true}),
        ),
        (
            json!({"type": "integer", "enum": [3, 1, 2]}),
            json!({"type": "integer", "minimum": 1, "maximum": 3}),
        ),
        (
            json!({"const": 2.5}),
            json!({"type": "number", "minimum": 2.5, "maximum": 2.5}),
        ),
        (json!({"const": true}), json!({"type": "boolean"})),
        (json!({"const": null}), json!({"type": "null"})),
        (
            json!({"enum": ["a", 1]}),
            json!({"anyOf": [{"type": "string"}, {"type": "integer"}]}),
        ),
        // Types.
        (
            json!({"type": ["string", "null"], "description": "d"}),
            json!({"type": "string", "nullable": true, "description": "d"}),
        ),
        (
            json!({"type": ["string", "integer"], "minLength": 1, "minimum": 0, "title": "t"}),
            json!({"title": "t", "anyOf": [{"type": "string", "minLength": 1}, {"type": "integer", "minimum": 0}]}),
        ),
        (
            json!({"properties": {"a": {"type": "string"}}}),
            json!({"type": "object", "properties": {"a": {"type": "string"}}}),
        ),
        (
            json!({"pattern": "^a"}),
            json!({"type": "string", "pattern": "^a"}),
        ),
        (
            json!({"minimum": 1}),
            json!({"type": "number", "minimum": 1}),
        ),
        // Branches.
        (
            json!({"anyOf": [{"type": "string"}, {"type": "null"}], "default": null, "$comment": "c"}),
            json!({"type": "string", "nullable": true, "default": null}),
        ),
        (
            json!({"oneOf": [{"type": "string"}, {"type": "integer"}]}),
            json!({"anyOf": [{"type": "string"}, {"type": "integer"}]}),
        ),
        (
            json!({"allOf": [{"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}, {"properties": {"b": {"type": "number"}}, "required": ["b"]}]}),
            json!({"type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "number"}}, "required": ["a", "b"]}),
        ),
        (
            json!({"allOf": [{"type": "number", "minimum": 1}, {"type": "integer", "minimum": 3}]}),
            json!({"type": "integer", "minimum": 3}),
        ),
        // Bounds.
        (
            json!({"type": "integer", "exclusiveMinimum": 0, "exclusiveMaximum": 10}),
            json!({"type": "integer", "minimum": 1, "maximum": 9}),
        ),
        (
            json!({"type": "number", "exclusiveMinimum": 0.5, "minimum": 2, "multipleOf": 0.1}),
            json!({"type": "number", "minimum": 2}),
        ),
        (
            json!({"type": "number", "minimum": 1, "exclusiveMinimum": true}),
            json!({"type": "number", "minimum": 1}),
        ),
        // Arrays.
        (
            json!({"type": "array", "prefixItems": [{"type": "string"}, {"type": "number"}], "items": false}),
            json!({"type": "array", "items": {"anyOf": [{"type": "string"}, {"type": "number"}]}}),
        ),
        (
            json!({"type": "array", "items": [{"type": "string"}], "additionalItems": {"type": "number"}}),
            json!({"type": "array", "items": {"anyOf": [{"type": "string"}, {"type": "number"}]}}),
        ),
    ];
    for (given, expected) in table {
        assert_eq!(property(given.clone()), expected, "{given}");
    }
}

#[test]
fn what_may_be_anything_may_be_of_any_type() {
    let anything = property(json!({}));
    assert_eq!(anything["nullable"], true);
    assert_eq!(anything["anyOf"].as_array().unwrap().len(), 5);
    assert_eq!(property(json!(true)), anything);
    assert_eq!(
        property(json!({"anyOf": [{"type": "string"}, {}]})),
        anything
    );
    assert_eq!(property(json!({"type": "array"}))["items"], anything);
}

#[test]
fn what_is_referred_to_is_put_in() {
    let schema = json!({
        "$defs": {"size": {"type": "integer", "description": "In cm."}, "box/1": {"type": "object", "properties": {"w": {"$ref": "#/$defs/size"}}}},
        "type": "object",
        "properties": {"a": {"$ref": "#/$defs/box~11", "description": "Mine."}, "b": {"$ref": "#/$defs/size"}},
    });
    assert_eq!(
        cleaned(schema),
        json!({
            "type": "object",
            "properties": {
                "a": {"type": "object", "description": "Mine.", "properties": {"w": {"type": "integer", "description": "In cm."}}},
                "b": {"type": "integer", "description": "In cm."},
            },
        })
    );
}

#[test]
fn what_cannot_be_said_is_refused_by_its_place() {
    let within = |schema: Value| json!({"properties": {"p": schema}});
    let table = [
        (json!({"type": "string"}), "", "object"),
        (json!(false), "", "allows nothing"),
        (json!([]), "", "no schema"),
        (within(json!(3)), "properties.p", "no schema"),
        (
            within(json!({"type": "array", "items": {"anyOf": [false]}})),
            "properties.p.items",
            "allows nothing",
        ),
        (
            within(json!({"$ref": "#/properties/p"})),
            "properties.p",
            "contains itself",
        ),
        (
            within(json!({"type": "object", "properties": {"q": {"$ref": "#"}}})),
            "properties.p.properties.q.properties.p.properties.q",
            "contains itself",
        ),
        (
            within(json!({"$ref": "https://x.example/s"})),
            "properties.p",
            "not there",
        ),
        (
            within(json!({"allOf": [{"type": "string"}, {"type": "number"}]})),
            "properties.p",
            "exclude",
        ),
        (within(json!({"type": "any"})), "properties.p", "not know"),
    ];
    for (schema, path, why) in table {
        let error = clean(&own(&schema)).unwrap_err();
        assert_eq!(error.path, path, "{schema}");
        assert!(error.why.contains(why), "{schema}: {}", error.why);
    }
}

#[test]
fn a_schema_that_grows_without_end_is_refused() {
    // Each doubles the one before: 2^30 strings.
    let mut defs = json!({"d0": {"type": "string", "x": 1}});
    for level in 1..=30 {
        let below = json!({"$ref": format!("#/$defs/d{}", level - 1)});
        defs[format!("d{level}")] =
            json!({"type": "object", "properties": {"a": below, "b": below}});
    }
    let schema =
        json!({"$defs": defs, "type": "object", "properties": {"p": {"$ref": "#/$defs/d30"}}});
    let error = clean(&own(schema)).unwrap_err();
    assert!(error.why.contains("too large"), "{error:?}");

    let deep = format!(
        r#"{{"x":1,"properties":{{"a":{}{{"x":1}}{}}}}}"#,
        r#"{"items":"#.repeat(110),
        "}".repeat(110)
    );
    assert!(clean(&own(deep)).unwrap_err().why.contains("too deep"));
}

#[test]
fn a_schema_of_google_s_reads_as_json_schema() {
    let table = [
        (
            json!({"type": "OBJECT", "properties": {"a": {"type": "STRING", "nullable": true}}}),
            json!({"type": "object", "properties": {"a": {"type": ["string", "null"]}}}),
        ),
        (
            json!({"type": "ARRAY", "items": {"type": "INTEGER"}, "minItems": "2"}),
            json!({"type": "array", "items": {"type": "integer"}, "minItems": 2}),
        ),
        (
            json!({"type": "STRING", "format": "enum", "enum": ["A"], "nullable": true}),
            json!({"type": ["string", "null"], "enum": ["A", null]}),
        ),
        (
            json!({"anyOf": [{"type": "STRING"}], "nullable": true, "example": "E"}),
            json!({"anyOf": [{"type": "string"}, {"type": "null"}], "examples": ["E"]}),
        ),
        (
            json!({"type": "TYPE_UNSPECIFIED", "nullable": false}),
            json!({}),
        ),
    ];
    for (google, expected) in table {
        let read = read(&own(&google)).unwrap();
        let value: Value = serde_json::from_str(read.get()).unwrap();
        assert_eq!(value, expected, "{google}");
    }
    let plain = r#"{ "type":"object", "default": {"type": "STRING", "nullable": true} }"#;
    assert_eq!(read(&own(plain)).unwrap().get(), plain);
}

/// A schema of Google's subset.
fn subset() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        (vec("[a-z]{1,3}", 1..3), any::<bool>()).prop_map(
            |(all, nullable)| json!({"type": "string", "enum": all, "nullable": nullable})
        ),
        (0..9_u8, "[a-z]{0,9}").prop_map(
            |(n, text)| json!({"type": "string", "minLength": n, "pattern": text, "format": "date"})
        ),
        (
            any::<i16>(),
            any::<f32>().prop_filter("finite", |n| n.is_finite())
        )
            .prop_map(|(n, m)| json!({"type": "NUMBER", "minimum": n, "maximum": m, "default": n})),
        Just(json!({"type": "boolean", "title": "t", "description": "d", "example": {"x": 1}})),
        Just(json!({"type": "null"})),
        Just(json!({"type": "INTEGER", "maximum": 3})),
    ];
    leaf.prop_recursive(4, 40, 4, |inner| {
        prop_oneof![
            (inner.clone(), 0..5_u8).prop_map(
                |(items, n)| json!({"type": "array", "items": items, "maxItems": n.to_string()})
            ),
            vec(inner.clone(), 1..3).prop_map(|all| json!({"anyOf": all})),
            object_of(inner),
        ]
    })
}

fn object_of(inner: impl Strategy<Value = Value>) -> impl Strategy<Value = Value> {
    vec(("[a-z]{1,4}", inner), 0..4).prop_map(|properties| {
        let names: Vec<String> = properties.iter().map(|(name, _)| name.clone()).collect();
        let properties: serde_json::Map<String, Value> = properties.into_iter().collect();
        json!({"type": "object", "required": names, "properties": properties, "minProperties": 0})
    })
}

/// Anything that a schema may look like, and things it may not.
fn wild() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(json!(true)),
        Just(json!(false)),
        Just(json!(null)),
        Just(json!("string")),
        Just(json!(["string", "null"])),
        Just(json!({"type": "string"})),
        Just(json!({"$ref": "#/properties/a"})),
        Just(json!({"$ref": "#"})),
        any::<i32>().prop_map(|n| json!(n)),
        any::<f64>().prop_map(|n| json!(n)),
    ];
    let keys = prop::sample::select(vec![
        "type",
        "properties",
        "items",
        "anyOf",
        "oneOf",
        "allOf",
        "enum",
        "const",
        "required",
        "nullable",
        "minimum",
        "exclusiveMinimum",
        "minLength",
        "maxItems",
        "prefixItems",
        "additionalProperties",
        "$ref",
        "$defs",
        "not",
        "description",
        "a",
        "format",
        "default",
        "propertyOrdering",
        "example",
    ]);
    leaf.prop_recursive(5, 60, 5, move |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::Array),
            vec((keys.clone(), inner.clone()), 0..6).prop_map(|all| {
                Value::Object(all.into_iter().map(|(k, v)| (k.to_owned(), v)).collect())
            }),
            (inner.clone(), inner)
                .prop_map(|(a, b)| json!({"type": "object", "properties": {"a": a, "b": b}})),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_schema_of_the_subset_comes_back_as_it_was(schema in object_of(subset())) {
        let text = schema.to_string();
        let given = own(&text);
        let cleaned = clean(&given).unwrap();
        prop_assert_eq!(cleaned.get(), text);
    }

    #[test]
    fn cleaning_what_was_cleaned_changes_nothing(schema in wild()) {
        if let Ok(once) = clean(&own(&schema)) {
            let twice = clean(&once).unwrap();
            prop_assert_eq!(twice.get(), once.get());
        }
    }

    #[test]
    fn parameters_are_the_cleaned_schema_or_nothing(schema in wild()) {
        let given = own(&schema);
        match (clean(&given), parameters(&given)) {
            (Ok(cleaned), Ok(Some(written))) => prop_assert_eq!(written, cleaned.get()),
            (Ok(cleaned), Ok(None)) => {
                let value: Value = serde_json::from_str(cleaned.get()).unwrap();
                let properties = value.get("properties").and_then(Value::as_object);
                prop_assert!(properties.is_none_or(serde_json::Map::is_empty), "{value}");
            }
            (Err(no), Err(other)) => prop_assert_eq!(no, other),
            (one, other) => prop_assert!(false, "{:?} {:?}", one, other),
        }
    }

    #[test]
    fn what_google_takes_it_takes_again_after_it_was_read(schema in object_of(subset())) {
        let read = read(&own(&schema)).unwrap();
        prop_assert!(clean(&read).is_ok());
    }

    #[test]
    fn no_text_makes_it_panic(text in ".{0,40}", schema in wild()) {
        let _ = read(&own(&schema));
        if let Ok(json) = Json::parse(text) {
            let _ = clean(&json);
            let _ = parameters(&json);
        }
    }
}
