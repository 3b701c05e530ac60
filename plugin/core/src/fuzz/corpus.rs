//! Every body over its corpus, and over what a few small changes make of it. The changes are the same in each run.

extern crate std;

use std::path::PathBuf;
use std::string::{String, ToString as _};
use std::vec::Vec;
use std::{fs, panic};

use super::{BODIES, Body};

/// Changed copies of each file.
const CHANGES: usize = 30;

/// What is put in: where languages and encodings begin and end, and what a client that has logged in knows.
const WORDS: [&[u8]; 28] = [
    b"\"",
    b"\\",
    b"{",
    b"}",
    b"[",
    b"]",
    b",",
    b":",
    b"%",
    b"%2f",
    b"%25",
    b"\\ud83d",
    b"\\u0000",
    b"/",
    b"..",
    b";",
    b"\n",
    b"\0",
    b"\xff",
    b"\xe2\x80\x8b",
    b"\xef\xbc\x8f",
    b"$TOKEN",
    b"$DATA",
    b"$ADMIN",
    b"$SIGNED",
    b"?",
    b"&",
    b"null",
];

struct Random(u64);

impl Random {
    /// xorshift64.
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 1).unwrap() % end.max(1)
    }

    fn changed(&mut self, seed: &[u8], other: &[u8]) -> Vec<u8> {
        let mut data = seed.to_vec();
        for _ in 0..=self.below(3) {
            let at = self.below(data.len() + 1);
            let end = (at + self.below(8)).min(data.len());
            match self.below(6) {
                0 => data.truncate(at),
                1 => drop(data.drain(at..end)),
                2 => {
                    let again = data[at..end].to_vec();
                    data.splice(at..at, again);
                }
                3 => {
                    let word = WORDS[self.below(WORDS.len())];
                    data.splice(at..at, word.iter().copied());
                }
                4 => {
                    let from = self.below(other.len() + 1);
                    data.splice(at..end, other[from..].iter().copied());
                }
                _ => {
                    let bit = 1 << self.below(8);
                    data.get_mut(at).into_iter().for_each(|byte| *byte ^= bit);
                }
            }
        }
        data
    }
}

fn corpus(name: &str) -> Vec<Vec<u8>> {
    let top = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../fuzz");
    let read = |path: String| fs::read_to_string(top.join(path)).unwrap();
    let target = read(std::format!("fuzz_targets/{name}.rs"));
    assert!(target.contains(&std::format!("fuzz::{name}(")), "{target}");
    let manifest = read("Cargo.toml".into());
    assert!(
        manifest.contains(&std::format!("name = \"{name}\"")),
        "{name}"
    );
    let mut files: Vec<_> = fs::read_dir(top.join("corpus").join(name))
        .unwrap()
        .map(|file| file.unwrap().path())
        .collect();
    files.sort();
    assert!(!files.is_empty(), "{name} has no corpus");
    files.iter().map(|file| fs::read(file).unwrap()).collect()
}

/// What was given to a body that does not hold. One is enough.
fn broken(name: &str, body: Body) -> Option<String> {
    let seeds = corpus(name);
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let changed = seeds.iter().flat_map(|seed| {
        let changed = (0..CHANGES).map(|_| {
            let other = &seeds[random.below(seeds.len())];
            random.changed(seed, other)
        });
        changed.collect::<Vec<_>>()
    });
    let all = seeds.iter().cloned().chain(changed).chain([Vec::new()]);
    for data in all {
        if panic::catch_unwind(|| body(&data)).is_err() {
            return Some(data.escape_ascii().to_string());
        }
    }
    None
}

#[test]
fn every_body_holds_over_its_corpus_and_what_small_changes_make_of_it() {
    let all = BODIES.into_iter();
    let broken: Vec<_> = all
        .filter_map(|(name, body)| Some((name, broken(name, body)?)))
        .collect();
    assert!(broken.is_empty(), "{broken:#?}");
}
