//! How the demo looks in a terminal: 80 columns, colours only where they are wanted, long values cut short.
//! Never decides what is shown.

mod scene;
mod shorten;

use std::io::IsTerminal;

pub(super) use scene::{Scenes, checks};

const WIDTH: usize = 80;

/// Colours, or none.
#[derive(Clone, Copy)]
pub(super) struct Ink(bool);

impl Ink {
    /// Colours for a terminal, unless <https://no-color.org> says no.
    pub(super) fn for_stdout() -> Self {
        let unwanted = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Self(std::io::stdout().is_terminal() && !unwanted)
    }

    pub(super) fn bold(self, text: &str) -> String {
        self.paint("1", text)
    }

    pub(super) fn dim(self, text: &str) -> String {
        self.paint("2", text)
    }

    pub(super) fn good(self, text: &str) -> String {
        self.paint("32", text)
    }

    pub(super) fn bad(self, text: &str) -> String {
        self.paint("1;31", text)
    }

    pub(super) fn accent(self, text: &str) -> String {
        self.paint("36", text)
    }

    fn paint(self, code: &str, text: &str) -> String {
        if self.0 {
            format!("\x1b[{code}m{text}\x1b[0m")
        } else {
            text.to_owned()
        }
    }
}

/// Words in lines of at most [`WIDTH`] columns, each behind `indent` spaces. A longer word has a line of its own.
pub(super) fn wrapped(words: &[String], indent: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in words {
        match lines.last_mut() {
            Some(line) if columns(line) + 1 + columns(word.trim_end()) <= WIDTH => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(format!("{:indent$}{word}", "")),
        }
    }
    for line in &mut lines {
        line.truncate(line.trim_end().len());
    }
    lines
}

/// Rows of cells, each column as wide as its widest cell.
pub(super) fn table(rows: &[Vec<String>], indent: usize) -> Vec<String> {
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| columns(cell)).max().unwrap_or(0)
    };
    let line = |row: &Vec<String>| {
        let cells = row.iter().enumerate().map(|(column, cell)| {
            let padding = width(column).saturating_sub(columns(cell));
            format!("{cell}{:padding$}", "")
        });
        let cells: Vec<_> = cells.collect();
        format!("{:indent$}{}", "", cells.join("  ").trim_end())
    };
    rows.iter().map(line).collect()
}

/// A time in milliseconds, to two digits or so.
pub(super) fn millis(took: std::time::Duration) -> String {
    let ms = took.as_secs_f64() * 1000.0;
    let digits = if ms < 1.0 { 2 } else { usize::from(ms < 10.0) };
    format!("{ms:.digits$} ms")
}

/// How many columns a terminal takes for this: two for Chinese and for emoji, none for what joins emoji.
fn columns(text: &str) -> usize {
    text.chars()
        .map(|c| match u32::from(c) {
            0x200d | 0xfe00..=0xfe0f => 0,
            0x1100..=0x115f | 0x2e80..=0xa4cf | 0xac00..=0xd7a3 | 0xf900..=0xfaff => 2,
            0xfe30..=0xfe6f | 0xff00..=0xff60 | 0x1f300..=0x1faff => 2,
            _ => 1,
        })
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_wrap_at_the_width_and_keep_their_indent() {
        let words = vec!["x".repeat(30); 3];
        let lines = wrapped(&words, 4);
        assert_eq!(lines.len(), 2);
        assert!(lines.iter().all(|line| line.starts_with("    x")));
        assert_eq!(columns(&lines[0]), 65);
    }

    #[test]
    fn chinese_and_emoji_take_two_columns() {
        assert_eq!(columns("ab未登录🎉"), 10);
    }

    #[test]
    fn cells_line_up() {
        let row = |a: &str, b: &str| vec![a.to_owned(), b.to_owned()];
        let lines = table(&[row("a", "1"), row("bcd", "2")], 1);
        assert_eq!(lines, [" a    1", " bcd  2"]);
    }
}
