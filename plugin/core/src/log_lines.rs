//! How many lines of one kind a worker writes in a second: a flood of requests must not become one of log lines, which
//! cost more than the refusals that they tell of. And the line that every kind of call has in common.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;
use core::cell::RefCell;
use core::mem;

use serde::Serialize;

use crate::host::{Host, Level};
use crate::json_text::to_json;
use crate::time::UnixMillis;

/// Of each kind in each second. Enough for whoever tries something by hand, or watches a trickle of faults.
const MOST: u32 = 20;

/// What a line tells of: its event, and its error if it has one of those.
pub(crate) type Kind = (&'static str, &'static str);

/// The lines of one worker. Bounded by the number of kinds.
#[derive(Default)]
pub struct LogLines(RefCell<Second>);

impl LogLines {
    /// Writes what `line` gives, if there is room for one more of its kind; first, how many were left out before.
    pub(crate) fn write(
        &self,
        host: &impl Host,
        level: Level,
        kind: Kind,
        now: UnixMillis,
        line: impl FnOnce() -> String,
    ) {
        let room = self.0.borrow_mut().ask(kind, now);
        for ((of, error), lines) in room.left_out {
            let left_out = LeftOut {
                event: "lines_left_out",
                of,
                error,
                lines,
            };
            host.log(Level::Warn, &to_json(&left_out));
        }
        if room.is_there {
            host.log(level, &line());
        }
    }
}

#[derive(Serialize)]
struct LeftOut<'a> {
    event: &'a str,
    of: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    error: &'a str,
    lines: u32,
}

/// The log line about a call of ours that failed. `target` is where it went: never a path or a query.
pub(crate) fn call_failed(event: &str, target: &str, problem: &str) -> String {
    #[derive(Serialize)]
    struct Failed<'a> {
        event: &'a str,
        target: &'a str,
        problem: &'a str,
    }
    to_json(&Failed {
        event,
        target,
        problem,
    })
}

/// The lines of the second that is running, by kind. There are as many kinds as the tables of events and errors have.
#[derive(Default)]
struct Second {
    number: u64,
    asked_for: BTreeMap<Kind, u32>,
}

/// Whether a line may be written, and what is to be told before it.
struct Room {
    is_there: bool,
    /// How many lines of each kind were left out, in the last second in which any was asked for.
    left_out: Vec<(Kind, u32)>,
}

impl Second {
    /// A line is asked for.
    fn ask(&mut self, kind: Kind, now: UnixMillis) -> Room {
        let number = now.0 / 1000;
        // Also if the clock was set back.
        let last = if number == self.number {
            BTreeMap::new()
        } else {
            self.number = number;
            mem::take(&mut self.asked_for)
        };
        let asked_for = self.asked_for.entry(kind).or_default();
        *asked_for = asked_for.saturating_add(1);
        let over = last
            .into_iter()
            .map(|(kind, asked_for)| (kind, asked_for.saturating_sub(MOST)));
        Room {
            is_there: *asked_for <= MOST,
            left_out: over.filter(|(_, left_out)| *left_out > 0).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    const NO_SESSION: Kind = ("refused", "no_session");
    const BAD_PATH: Kind = ("refused", "bad_path");

    fn second(number: u64) -> UnixMillis {
        UnixMillis(number * 1000 + 400)
    }

    #[test]
    fn each_kind_has_its_own_room_in_each_second() {
        let mut lines = Second::default();
        for _ in 0..MOST {
            assert!(lines.ask(NO_SESSION, second(7)).is_there);
        }
        assert!(!lines.ask(NO_SESSION, second(7)).is_there);
        assert!(lines.ask(BAD_PATH, second(7)).is_there);
        assert!(lines.ask(NO_SESSION, second(8)).is_there);
    }

    #[test]
    fn what_was_left_out_is_told_once_with_the_next_line_of_any_kind() {
        let mut lines = Second::default();
        for _ in 0..MOST + 3 {
            lines.ask(NO_SESSION, second(7));
        }
        lines.ask(BAD_PATH, second(7));
        // Hours later, or with the clock set back.
        let room = lines.ask(BAD_PATH, second(3));
        assert_eq!(room.left_out, vec![(NO_SESSION, 3)]);
        assert!(room.is_there);
        assert_eq!(lines.ask(BAD_PATH, second(4)).left_out, vec![]);
    }

    #[test]
    fn no_number_of_lines_is_too_many_to_be_counted() {
        let mut lines = Second::default();
        lines.ask(NO_SESSION, second(1));
        lines.asked_for.insert(NO_SESSION, u32::MAX);
        assert!(!lines.ask(NO_SESSION, second(1)).is_there);
    }
}
