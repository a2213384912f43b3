//! What words are made of, what the triggers watch, and what statements change: held to one another.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::{collections::BTreeSet, fs, path::Path};

use super::*;
use crate::StoreOptions;

type Names = BTreeSet<String>;

/// Columns of a table that stand in expressions.
fn columns(alias: &str, expressions: impl Iterator<Item = &'static str>) -> Names {
    let mark = format!("{alias}.");
    let mut found = Names::new();
    for expression in expressions {
        for part in expression.split(|c: char| !(c.is_ascii_alphanumeric() || "_.".contains(c))) {
            found.extend(part.strip_prefix(&mark).map(str::to_owned));
        }
    }
    found
}

fn of_errors() -> Names {
    let values = ERROR_VALUES.iter().map(|(column, _)| *column);
    let texts = ERROR_TEXTS.iter().copied();
    columns("e", values.chain(texts).chain(["e.created_at"]))
}

fn of_attempts() -> Names {
    let values = ATTEMPT_VALUES.iter().map(|(column, _)| *column);
    let texts = ATTEMPT_TEXTS.iter().copied();
    columns("u", values.chain(texts).chain(["u.created_at"]))
}

fn between<'a>(text: &'a str, from: &str, to: &str) -> &'a str {
    text.split_once(from).unwrap().1.split_once(to).unwrap().0
}

#[test]
fn every_column_that_words_are_made_of_is_watched_and_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("waybill.db");
    let _store = Store::open(StoreOptions::at(file.clone())).unwrap();
    let database = rusqlite::Connection::open(file).unwrap();
    let triggers = [
        ("error_changed", of_errors()),
        ("attempt_changed", of_attempts()),
    ];
    for (trigger, wanted) in triggers {
        let sql = "SELECT sql FROM sqlite_master WHERE type = 'trigger' AND name = ?1";
        let sql: String = database
            .query_row(sql, [trigger], |row| row.get(0))
            .unwrap();
        let watched = between(&sql, "UPDATE OF", " ON ").split(',');
        let watched: Names = watched.map(|name| name.trim().to_owned()).collect();
        assert_eq!(watched, wanted, "{trigger}");
        let compared = between(&sql, "WHEN", "BEGIN").split(" OR");
        let compared: Names = compared
            .map(|pair| {
                let (old, new) = pair.trim().split_once(" IS NOT ").unwrap();
                assert_eq!(old.strip_prefix("old."), new.strip_prefix("new."), "{pair}");
                old.replace("old.", "")
            })
            .collect();
        assert_eq!(compared, wanted, "{trigger}");
    }
}

/// What the statements of this crate's files set in a table.
fn set_by_statements(folder: &Path, table: &str, found: &mut Names) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            set_by_statements(&path, table, found);
        } else if path.extension().is_some_and(|end| end == "rs") && !path.ends_with("tests.rs") {
            let text = fs::read_to_string(&path).unwrap();
            for statement in text.split(&format!("UPDATE {table} SET ")).skip(1) {
                let set = statement.split(" WHERE").next().unwrap();
                let names = set
                    .split(',')
                    .map(|pair| pair.split('=').next().unwrap().trim());
                found.extend(names.map(str::to_owned));
            }
        }
    }
}

#[test]
fn what_any_statement_changes_is_said_by_words_that_are_known_to_change() {
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let [mut errors, mut attempts] = [Names::new(), Names::new()];
    set_by_statements(&sources, "errors", &mut errors);
    set_by_statements(&sources, "upstream_events", &mut attempts);
    let known = ["resolved", "is_business_limited"];
    assert!(
        known.iter().all(|column| errors.contains(*column)),
        "{errors:?}"
    );
    let changing: Names = ERROR_VALUES
        .iter()
        .filter(|(column, _)| !columns("e", [*column].into_iter()).is_disjoint(&errors))
        .map(|(_, word)| (*word).to_owned())
        .collect();
    let said: Names = CHANGING.iter().map(|word| (*word).to_owned()).collect();
    assert_eq!(changing, said);
    let texts = columns("e", ERROR_TEXTS.iter().copied());
    assert!(texts.is_disjoint(&errors), "{errors:?}");
    assert!(of_attempts().is_disjoint(&attempts), "{attempts:?}");
}
