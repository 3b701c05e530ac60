//! One step of the journey as text: request, answer, what the app saw, what was done besides, what was checked.
//! Never leaves out a check that failed.

use super::{Ink, millis, shorten, table, wrapped};
use crate::journey::{Check, Entry, Event, Exchange, Scene};

const INDENT: usize = 6;

/// Fields of a profile that are shown once and then no more.
const PROFILE: [&str; 7] = [
    "avatarUrl",
    "city",
    "country",
    "createdAt",
    "gender",
    "language",
    "province",
];

/// Renders one step after the other.
pub(crate) struct Scenes {
    ink: Ink,
    profile_shown: bool,
    /// The step in which Envoy's own headers were listed, and what they were.
    envoys_own: Option<(usize, String)>,
}

impl Scenes {
    pub(crate) fn new(ink: Ink) -> Self {
        Self {
            ink,
            profile_shown: false,
            envoys_own: None,
        }
    }

    /// The step, with an empty line at the end.
    pub(crate) fn text(&mut self, scene: &Scene) -> String {
        let number = format!("{:>2}", scene.number);
        let title = self.ink.bold(scene.title);
        let mut lines = vec![format!("{}  {title}", self.ink.dim(&number))];
        for event in &scene.events {
            match event {
                Event::Asked(exchange) => {
                    lines.extend(self.request(exchange));
                    lines.extend(self.answer(scene.number, exchange));
                }
                Event::Told(what) => lines.extend(marked("•", &words(what))),
                Event::Found(entries) => lines.extend(found(entries)),
            }
        }
        lines.extend(checks(&scene.checks, self.ink));
        lines.join("\n") + "\n"
    }

    fn request(&self, exchange: &Exchange) -> Vec<String> {
        let call = &exchange.call;
        let mut head = vec![format!("{} {}", call.method, shorten::target(&call.path))];
        if !exchange.edge.name.is_empty() {
            head.insert(0, format!("{}:", exchange.edge.name));
        }
        for (name, value) in &call.headers {
            head.push(format!(" {name}: {}", shorten::value(value)));
        }
        let body = call.body.as_ref().map(ToString::to_string);
        let body = body.map_or(Vec::new(), |body| shorten::json(&body));
        message(&self.ink.accent("→"), &head, &body)
    }

    fn answer(&mut self, step: usize, exchange: &Exchange) -> Vec<String> {
        let (got, ink) = (&exchange.answer, self.ink);
        let mark = if got.status == exchange.expected {
            ink.good("←")
        } else {
            ink.bad("←")
        };
        let outcome = format!("{} in {}", got.status, millis(exchange.took));
        let Some(seen) = &exchange.at_app else {
            let body = self.without_profile(shorten::json(&got.text()));
            return message(&mark, &[outcome], &body);
        };
        let told = format!(
            "{outcome} from the app, which saw {} {} with",
            seen.method, seen.path
        );
        let mut lines = marked(&mark, &[told]);
        let (identity, other): (Vec<_>, Vec<_>) = seen
            .headers
            .iter()
            .partition(|(name, _)| name.to_ascii_lowercase().starts_with("x-wx-"));
        for (name, value) in &identity {
            let value = String::from_utf8_lossy(value);
            let header = ink.bold(&format!("{name}: {value}"));
            lines.push(format!("{:INDENT$}{header}", ""));
        }
        if identity.is_empty() {
            let none = ink.bold("no x-wx-… header at all");
            lines.push(format!("{:INDENT$}{none}", ""));
        }
        let other: Vec<_> = other.iter().map(|(name, _)| name.as_str()).collect();
        let other = self.unless_told(step, other.join(", "));
        lines.extend(painted(wrapped(&words(&other), INDENT), |line| {
            ink.dim(line)
        }));
        lines
    }

    /// Every forwarded request has the same headers from Envoy: they are listed once.
    fn unless_told(&mut self, step: usize, headers: String) -> String {
        match &self.envoys_own {
            Some((before, same)) if *same == headers => {
                format!("and others, as in step {before}")
            }
            _ => {
                let list = format!("and {headers}");
                self.envoys_own = Some((step, headers));
                list
            }
        }
    }

    /// The words of an answer, with `…` for what every profile repeats.
    fn without_profile(&mut self, words: Vec<String>) -> Vec<String> {
        let of_profile = |word: &String| {
            let name = word.strip_prefix('"').and_then(|rest| rest.split_once('"'));
            word.ends_with(',') && name.is_some_and(|(name, _)| PROFILE.contains(&name))
        };
        let (repeats, any) = (self.profile_shown, words.iter().any(of_profile));
        self.profile_shown |= any;
        if !repeats {
            return words;
        }
        let mut shorter: Vec<String> = Vec::new();
        for word in words {
            if !of_profile(&word) {
                shorter.push(word);
            } else if shorter.last().is_none_or(|last| last != "…") {
                shorter.push("…".to_owned());
            }
        }
        shorter
    }
}

/// What held in one go, then each thing that did not.
pub(crate) fn checks(checks: &[Check], ink: Ink) -> Vec<String> {
    let (held, failed): (Vec<_>, Vec<_>) = checks.iter().partition(|check| check.problem.is_none());
    let mut words: Vec<_> = held
        .iter()
        .map(|check| format!("{} ·", check.what))
        .collect();
    if let Some(last) = words.last_mut() {
        *last = last.trim_end_matches(" ·").to_owned();
    }
    let mut lines: Vec<_> = painted(marked("✓", &words), |line| ink.good(line)).collect();
    for check in failed {
        let problem = check.problem.as_deref().unwrap_or_default();
        let text = format!("✗ {}: {problem}", check.what);
        lines.push(format!("    {}", ink.bad(&text)));
    }
    lines
}

/// What stands in Redis, with the beginning of each value.
fn found(entries: &[Entry]) -> Vec<String> {
    let row = |entry: &Entry| {
        let end = match entry.expires_in {
            Some(left) => format!("expires in {} s", left.as_secs()),
            None => "never expires".to_owned(),
        };
        let value = format!("\"{}\"", shorten::value(&entry.value));
        let length = format!("{} characters", entry.value.len());
        vec![shorten::value(&entry.name), end, value, length]
    };
    let rows: Vec<_> = entries.iter().map(row).collect();
    let mut lines = marked("•", &words("Redis, asked by SCAN, PTTL and GET:"));
    lines.extend(table(&rows, INDENT));
    lines
}

fn words(text: &str) -> Vec<String> {
    text.split(' ').map(str::to_owned).collect()
}

/// A head and a body: on one line if there is room, else the body below.
fn message(mark: &str, head: &[String], body: &[String]) -> Vec<String> {
    let whole = [&[head.join(" ") + " "], body].concat();
    let on_one_line = marked(mark, &whole);
    if body.is_empty() || on_one_line.len() == 1 {
        return on_one_line;
    }
    let mut lines = marked(mark, head);
    let mut body = wrapped(body, INDENT + 2);
    if let Some(first) = body.first_mut() {
        first.drain(..2);
    }
    lines.extend(body);
    lines
}

/// The words behind a mark, continued under the first of them.
fn marked(mark: &str, words: &[String]) -> Vec<String> {
    let mut lines = wrapped(words, INDENT);
    if let Some(first) = lines.first_mut() {
        *first = format!("    {mark} {}", first.trim_start());
    }
    lines
}

/// The indent stays unpainted: some terminals would show it.
fn painted(lines: Vec<String>, paint: impl Fn(&str) -> String) -> impl Iterator<Item = String> {
    lines.into_iter().map(move |line| {
        let text = line.trim_start();
        let indent = line.len() - text.len();
        format!("{:indent$}{}", "", paint(text))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_check_that_failed_is_named_with_what_was_found_instead() {
        let check = |what: &str, problem: Option<&str>| Check {
            what: what.to_owned(),
            problem: problem.map(str::to_owned),
        };
        let all = [
            check("event new", None),
            check("status 403", Some("got 401")),
            check("registered false", None),
        ];
        let lines = checks(&all, Ink(false));
        assert_eq!(
            lines,
            [
                "    ✓ event new · registered false",
                "    ✗ status 403: got 401"
            ]
        );
    }

    #[test]
    fn an_entry_that_never_expires_is_told_from_others() {
        let entry = |seconds: Option<u64>| Entry {
            name: "wx:s:0a".to_owned(),
            expires_in: seconds.map(std::time::Duration::from_secs),
            value: "v".repeat(40),
        };
        let lines = found(&[entry(Some(60)), entry(None)]);
        assert_eq!(
            lines[1..],
            [
                "      wx:s:0a  expires in 60 s  \"vvvvvvvvvvvv…\"  40 characters",
                "      wx:s:0a  never expires    \"vvvvvvvvvvvv…\"  40 characters"
            ]
        );
    }

    #[test]
    fn a_long_body_stands_below_its_head() {
        let body = vec!["x".repeat(40); 2];
        let lines = message("→", &["POST /a".to_owned()], &body);
        assert_eq!(lines[0], "    → POST /a");
        assert!(lines[1].starts_with("      x") && lines[2].starts_with("        x"));
        let lines = message("→", &["POST /a".to_owned()], &["{}".to_owned()]);
        assert_eq!(lines, ["    → POST /a  {}"]);
    }
}
