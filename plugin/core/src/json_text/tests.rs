//! JSON texts taken apart and put together again, many of them drawn by lot.

use super::*;
use crate::testing::test;
use alloc::format;
use alloc::vec;

/// Numbers that look random and are the same in every run (SplitMix64).
struct Random(u64);

impl Random {
    fn below(&mut self, most: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let word = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        usize::try_from((word >> 33) % most as u64).unwrap()
    }

    fn one_of<'a>(&mut self, all: &[&'a str]) -> &'a str {
        all[self.below(all.len())]
    }

    fn space(&mut self) -> &'static str {
        self.one_of(&["", "", "", " ", "\n", " \t\r\n"])
    }

    /// A string with its quotes, whatever is hard about strings in it.
    fn string(&mut self) -> String {
        let pieces = [
            "a",
            "key",
            "小明",
            "🎉",
            "\\\"",
            "\\\\",
            "\\u00e9",
            "\\ud83d\\ude00",
            "\\/",
            ":",
            "{",
            "}",
            "[",
            "]",
            ",",
            "\\n",
            "'",
            "//",
            "\u{2028}",
        ];
        let text: String = (0..self.below(5)).map(|_| self.one_of(&pieces)).collect();
        format!("\"{text}\"")
    }

    fn value(&mut self, depth: usize) -> String {
        let scalars = [
            "null",
            "true",
            "false",
            "0",
            "-0",
            "9007199254740993",
            "1.50",
            "1e999",
            "1E-7",
            "\"\"",
            "\"\\ud83d\"",
        ];
        let items = |random: &mut Self, item: &dyn Fn(&mut Self) -> String| {
            let count = random.below(4);
            let all: Vec<String> = (0..count)
                .map(|_| format!("{}{}{}", random.space(), item(random), random.space()))
                .collect();
            if all.is_empty() {
                random.space().into()
            } else {
                all.join(",")
            }
        };
        match self.below(if depth == 0 { 2 } else { 4 }) {
            0 => self.one_of(&scalars).into(),
            1 => self.string(),
            2 => format!("[{}]", items(self, &|random| random.value(depth - 1))),
            _ => {
                let member = |random: &mut Self| {
                    let (key, value) = (random.string(), random.value(depth - 1));
                    format!("{key}{}:{}{value}", random.space(), random.space())
                };
                format!("{{{}}}", items(self, &member))
            }
        }
    }
}

fn all_keys(value: &str, keys: &mut Vec<String>) {
    for member in members(value) {
        keys.push(member.key[1..member.key.len() - 1].into());
        all_keys(member.value, keys);
    }
    if value.starts_with('[') {
        let items: Vec<&RawValue> = serde_json::from_str(value).unwrap();
        items.iter().for_each(|item| all_keys(item.get(), keys));
    }
}

#[test]
fn the_keys_of_a_text_are_those_that_a_parser_finds() {
    let mut random = Random(1);
    let mut found = 0;
    for _ in 0..3000 {
        let text = random.value(4);
        check(&text).unwrap();
        let mut expected = Vec::new();
        all_keys(&text, &mut expected);
        let keys: Vec<&str> = keys(&text).collect();
        assert_eq!(keys, expected, "{text}");
        found += keys.len();
    }
    assert!(found > 3000, "{found}");
}

/// Key, value and what is to become of them.
type Part = (String, String, Fate);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Stays,
    Goes,
    Replaced,
}

#[test]
fn splicing_touches_nothing_but_what_goes() {
    let mut random = Random(2);
    for _ in 0..3000 {
        let mut parts: Vec<Part> = (0..1 + random.below(6))
            .map(|_| {
                let goes = random.below(2) == 0;
                // Doubled keys are rather the rule here.
                let key = if goes {
                    "\"g\\u006f\"".into()
                } else {
                    format!("\"x{}\"", random.below(3))
                };
                let fate = if goes { Fate::Goes } else { Fate::Stays };
                (key, random.value(3), fate)
            })
            .collect();
        let at = random.below(parts.len());
        parts[at].2 = Fate::Replaced;
        let mut text = String::from(random.space());
        text.push('{');
        for (number, (key, value, _)) in parts.iter().enumerate() {
            text.push_str(if number == 0 { "" } else { "," });
            let spaces: [_; 4] = core::array::from_fn(|_| random.space());
            text.push_str(&format!(
                "{}{key}{}:{}{value}{}",
                spaces[0], spaces[1], spaces[2], spaces[3]
            ));
        }
        text.push('}');
        text.push_str(random.space());

        let found = members(&text);
        let values: Vec<&str> = found.iter().map(|member| member.value).collect();
        assert_eq!(
            values,
            parts.iter().map(|part| &*part.1).collect::<Vec<_>>()
        );
        for member in &found {
            assert_eq!(&text[member.value_span()], member.value);
        }
        let out = spliced(&text, &found, at, "\"new\":{}", |member| member.is("go")).unwrap();
        check(&out).unwrap();
        let kept = members(&out);
        let kept: Vec<(&str, &str)> = kept
            .iter()
            .map(|member| (member.key, member.value))
            .collect();
        let expected: Vec<(&str, &str)> = parts
            .iter()
            .filter_map(|(key, value, fate)| match fate {
                Fate::Stays => Some((&**key, &**value)),
                Fate::Replaced => Some(("\"new\"", "{}")),
                Fate::Goes => None,
            })
            .collect();
        assert_eq!(kept, expected, "{text}\n{out}");
    }
}

#[test]
fn with_nothing_gone_the_text_is_the_same_around_the_new_member() {
    let text = " { \"a\" : 1 ,\n\"b\":{\"c\":[1.0]} , \"a\":2} ";
    let found = members(text);
    let put = |at, new| spliced(text, &found, at, new, |_| false).unwrap();
    assert_eq!(put(0, "\"a\" : 1"), text);
    assert_eq!(
        put(1, "\"n\":0"),
        text.replace("\"b\":{\"c\":[1.0]}", "\"n\":0")
    );
    let alone = |at| spliced(text, &found, at, "N", |_| true).unwrap();
    assert_eq!(
        [alone(0), alone(1), alone(2)],
        [" { N} ", " { N} ", " { N} "]
    );
}

#[test]
fn what_is_no_object_has_no_members() {
    for text in ["[]", "1", "null", "\"{}\"", "[{\"a\":1}]"] {
        assert!(members(text).is_empty(), "{text}");
    }
    assert_eq!(members("{}").len(), 0);
}

#[test]
fn what_is_not_json_does_not_pass_the_check() {
    for text in [
        "",
        " ",
        "{",
        "{}{}",
        "{a:1}",
        "{'a':1}",
        "{\"a\":1,}",
        "[1,]",
        "01",
        "+1",
        ".5",
        "NaN",
        "\"\t\"",
        "\"\\x\"",
        "\u{feff}{}",
        "//\n{}",
        "{\"a\"}",
        "{1:2}",
        "nul",
    ] {
        assert!(check(text).is_err(), "{text}");
    }
}

#[test]
fn half_a_surrogate_pair_is_no_text() {
    let texts = ["plain", "\\u0041", "\\ud83d\\ude00", "\\ud83d", "\\ude00"];
    let read: Vec<_> = texts.into_iter().map(unescaped).collect();
    let text = |text| Some(Cow::Borrowed(text));
    assert_eq!(read, vec![text("plain"), text("A"), text("😀"), None, None]);
}

#[test]
fn control_characters_inside_strings_are_escaped_and_outside_left() {
    assert_eq!(
        escape_control_characters("{\n\"a\\\"\u{14}\": \"\u{8}x\\\\\",\t\"b\":1}"),
        "{\n\"a\\\"\\u0014\": \"\\u0008x\\\\\",\t\"b\":1}"
    );
}
