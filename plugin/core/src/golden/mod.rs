//! Golden records: what stores hold, of every kind and version that a release has written, in `golden.json`. All of it is
//! still read, and what is written now stands there. So nothing of the stored form changes by accident: no field, no name
//! of an entry, no way to a key, no token.
//!
//! CONTRIBUTING.md says what is to be done when a record changes. What a release has written is never taken out.

mod cases;

extern crate std;

use alloc::collections::BTreeSet;
use alloc::string::String;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use self::cases::{Case, NOW, cases, keys, token};
use crate::hex::hex;
use crate::records::kinds;
use crate::records::token::Token;
use crate::store::embedded::SLOT;
use crate::testing::test;

#[derive(Serialize, Deserialize)]
struct Golden {
    /// One token, made at `NOW`, as its client has it: in each form in which tokens were minted.
    tokens: Vec<String>,
    records: Vec<Stored>,
}

/// What stands at one entry of a store.
#[derive(Serialize, Deserialize)]
struct Stored {
    kind: String,
    version: u8,
    what: String,
    name: String,
    /// Hex digits.
    value: String,
}

fn golden() -> Golden {
    serde_json::from_str(include_str!("../../golden.json")).unwrap()
}

fn bytes(hex: &str) -> Vec<u8> {
    let byte = |pair| u8::from_str_radix(core::str::from_utf8(pair).unwrap(), 16).unwrap();
    hex.as_bytes().chunks(2).map(byte).collect()
}

#[test]
fn all_that_a_release_has_written_is_read() {
    let cases = cases();
    for stored in golden().records {
        let Stored {
            kind,
            version,
            what,
            ..
        } = &stored;
        let case = cases
            .iter()
            .find(|case| case.form.what == kind && case.what == what);
        let case = case.unwrap_or_else(|| panic!("nobody reads a {kind} {what}"));
        assert_eq!(case.name, stored.name, "the name of a {kind} {what}");
        let is_read = (case.is_read)(&bytes(&stored.value));
        assert!(is_read, "version {version} of a {kind} {what}");
    }
}

#[test]
fn what_is_written_is_in_no_other_form_than_its_version_says() {
    let golden = golden().records;
    for Case {
        form,
        what,
        written,
        ..
    } in cases()
    {
        let (kind, version) = (form.what, form.written);
        assert_eq!(written[0], version, "a {kind} {what}");
        let stored = golden
            .iter()
            .find(|stored| stored.kind == kind && stored.version == version && stored.what == what);
        let stored =
            stored.unwrap_or_else(|| panic!("version {version} of a {kind} {what}: write it down"));
        assert_eq!(
            hex(&written),
            stored.value,
            "a {kind} {what} is written otherwise than version {version}: that is a new version, see CONTRIBUTING.md"
        );
    }
}

#[test]
fn every_version_of_every_kind_has_a_golden_record() {
    let golden = golden().records;
    let known: BTreeSet<_> = golden.iter().map(|own| (&*own.kind, own.version)).collect();
    for form in kinds::ALL.iter().map(|kind| &kind.form).chain([&SLOT]) {
        for version in 1..=form.written {
            assert!(
                known.contains(&(form.what, version)),
                "version {version} of {}",
                form.what
            );
        }
    }
}

#[test]
fn a_token_is_what_it_was() {
    let texts = golden().tokens;
    assert_eq!(texts.last(), Some(&token().text()));
    for text in texts {
        let read = Token::parse(&text).unwrap();
        assert!(read.same(&token()) && read.is_young(&keys(), NOW));
    }
}

/// Adds what this release writes and the file does not have; changes nothing that is there.
#[cfg(not(target_arch = "wasm32"))]
#[test]
#[ignore = "writes golden.json"]
fn write() {
    let mut golden = golden();
    if !golden.tokens.contains(&token().text()) {
        golden.tokens.push(token().text());
    }
    for Case {
        form,
        what,
        name,
        written,
        ..
    } in cases()
    {
        let is_there = golden.records.iter().any(|stored| {
            stored.kind == form.what && stored.version == form.written && stored.what == what
        });
        if !is_there {
            golden.records.push(Stored {
                kind: form.what.into(),
                version: form.written,
                what: what.into(),
                name,
                value: hex(&written),
            });
        }
    }
    let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("golden.json");
    let text = serde_json::to_string_pretty(&golden).unwrap();
    std::fs::write(file, text + "\n").unwrap();
}
