//! Text for people: aligned columns, colours on a terminal alone.
//!
//! Promises: no byte of a provider or client reaches the terminal as a control character.

use std::io::{self, IsTerminal as _, Write};

use super::columns::columns;

/// Longest cell, in characters; `show` has the whole.
const MAX_CELL_CHARS: usize = 100;

/// How a cell is shown on a terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// As it is.
    Plain,
    /// Less important.
    Dim,
    /// A heading.
    Bold,
    /// Trouble of ours or a provider's.
    Red,
    /// Trouble of the client's, or hidden.
    Yellow,
    /// Good.
    Green,
}

impl Tone {
    const fn code(self) -> &'static str {
        match self {
            Tone::Plain => "",
            Tone::Dim => "\u{1b}[2m",
            Tone::Bold => "\u{1b}[1m",
            Tone::Red => "\u{1b}[31m",
            Tone::Yellow => "\u{1b}[33m",
            Tone::Green => "\u{1b}[32m",
        }
    }
}

/// One cell of a row.
pub type Cell = (String, Tone);

/// A plain cell.
pub fn plain(text: impl ToString) -> Cell {
    (text.to_string(), Tone::Plain)
}

/// A cell that may be empty.
pub fn maybe(text: Option<impl ToString>) -> Cell {
    text.map_or(("-".to_owned(), Tone::Dim), plain)
}

/// Whether standard output is shown to a person who wants colours.
pub fn colours() -> bool {
    io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none()
}

/// How many columns the terminal has behind standard output; 80 where it is none.
pub fn terminal_columns() -> usize {
    let out = io::stdout();
    let size = out
        .is_terminal()
        .then(|| rustix::termios::tcgetwinsize(&out).ok());
    match size.flatten() {
        Some(size) if size.ws_col > 0 => size.ws_col.into(),
        _ => 80,
    }
}

/// Writes rows under their headings, if there are any; the last column is as wide as it likes.
pub fn write(
    out: &mut impl Write,
    headings: &[&str],
    rows: &[Vec<Cell>],
    colours: bool,
) -> io::Result<()> {
    let heading: Vec<Cell> = headings
        .iter()
        .map(|text| ((*text).to_owned(), Tone::Bold))
        .collect();
    let all: Vec<Vec<Cell>> = std::iter::once(&heading)
        .chain(rows)
        .filter(|row| !row.is_empty())
        .map(|row| {
            row.iter()
                .map(|(text, tone)| (shortened(&clean(text)), *tone))
                .collect()
        })
        .collect();
    let count = all.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        all.iter()
            .filter_map(|row| row.get(column))
            .map(|cell| columns(&cell.0))
            .max()
    };
    let widths: Vec<usize> = (0..count)
        .map(|column| width(column).unwrap_or(0))
        .collect();
    for row in &all {
        let mut line = String::new();
        for ((text, tone), width) in row.iter().zip(&widths) {
            line.push_str(&toned(text, *tone, colours));
            line.push_str(&" ".repeat(width.saturating_sub(columns(text)) + 2));
        }
        writeln!(out, "{}", line.trim_end())?;
    }
    Ok(())
}

/// A text in a tone, where colours are wanted.
pub fn toned(text: &str, tone: Tone, colours: bool) -> String {
    match tone {
        Tone::Plain => text.to_owned(),
        _ if !colours => text.to_owned(),
        _ => format!("{}{text}\u{1b}[0m", tone.code()),
    }
}

/// One line without control characters: what a provider says must not steer the terminal.
pub fn clean(text: &str) -> String {
    text.chars()
        .map(|c| if is_unsafe(c) { ' ' } else { c })
        .collect()
}

/// The same for text of several lines.
pub fn clean_lines(text: &str) -> String {
    text.chars()
        .map(|c| {
            if is_unsafe(c) && c != '\n' && c != '\t' {
                ' '
            } else {
                c
            }
        })
        .collect()
}

/// Control characters, and those that turn the direction of what follows.
fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn shortened(text: &str) -> String {
    if text.chars().count() <= MAX_CELL_CHARS {
        return text.to_owned();
    }
    text.chars().take(MAX_CELL_CHARS - 1).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn shown(rows: &[Vec<Cell>], colours: bool) -> String {
        let mut out = Vec::new();
        write(&mut out, &["ID", "TEXT"], rows, colours).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn columns_are_aligned_and_the_last_is_not_padded() {
        let rows = [
            vec![plain(1), plain("a")],
            vec![plain(1000), maybe(None::<i64>)],
        ];
        assert_eq!(shown(&rows, false), "ID    TEXT\n1     a\n1000  -\n");
    }

    #[test]
    fn a_provider_cannot_steer_the_terminal() {
        let rows = [vec![plain(1), plain("\u{1b}[2Jgone\r\n\u{202e}x")]];
        let text = shown(&rows, false);
        assert!(!text.contains('\u{1b}') && !text.contains('\r') && !text.contains('\u{202e}'));
        assert_eq!(text.lines().count(), 2);
    }

    #[test]
    fn colours_come_only_where_they_are_wanted() {
        let rows = [vec![("1".to_owned(), Tone::Red), plain("a")]];
        assert!(!shown(&rows, false).contains('\u{1b}'));
        assert!(shown(&rows, true).contains("\u{1b}[31m1\u{1b}[0m"));
    }

    #[test]
    fn a_long_cell_is_shortened_by_characters() {
        let rows = [vec![plain(1), plain("ü".repeat(200))]];
        assert_eq!(
            shown(&rows, false).lines().last().unwrap().chars().count(),
            4 + MAX_CELL_CHARS
        );
    }
}
