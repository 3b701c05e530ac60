//! HTTP/2 beside its rules: what two readers take for two things, and floods of what costs little to send.

mod blocks;
mod bodies;
mod floods;
mod frames;
mod heads;

use testkit::http2::flag::{END_HEADERS, END_STREAM};
use testkit::http2::hpack::literal;
use testkit::http2::kind::{HEADERS, SETTINGS};
use testkit::http2::{frame, pseudo};

use crate::attacks::row::{Door, Must, Row, Who};

type Fields<'a> = Vec<(&'a [u8], &'a [u8])>;

/// What they are about, and frames.
type Frames = (&'static str, Vec<u8>);

fn head(stream: u32, flags: u8, fields: &[(&[u8], &[u8])]) -> Vec<u8> {
    frame(HEADERS, flags, stream, &literal(fields))
}

const WHOLE: u8 = END_HEADERS | END_STREAM;

/// A request that passes, on this stream.
fn good(stream: u32) -> Vec<u8> {
    head(stream, WHOLE, &pseudo("GET", b"/public/x"))
}

fn post(path: &'static [u8], more: &[(&'static [u8], &'static [u8])]) -> Fields<'static> {
    [pseudo("POST", path), more.to_vec()].concat()
}

pub fn rows() -> Vec<Row> {
    let doors = [Door::Shipped, Door::Bare];
    let mut rows = Vec::new();
    for (name, fields) in heads::heads() {
        let nobodys = Row::http2(format!("{name}, by nobody"), head(1, WHOLE, &fields));
        // Where the path is an open one, there is nothing to keep.
        let is_open = fields
            .iter()
            .any(|(name, value)| *name == b":path" && value.starts_with(b"/public/x"));
        rows.push(if is_open {
            nobodys
        } else {
            nobodys.must(Must::NotPass)
        });
        let with_token = [fields, vec![heads::TOKEN]].concat();
        rows.push(Row::http2(name, head(1, WHOLE, &with_token)).who(Who::Attacker));
    }
    for (name, frames) in bodies::bodies()
        .into_iter()
        .chain(blocks::blocks())
        .chain(frames::frames())
    {
        rows.push(Row::http2(name, frames).who(Who::Attacker).requests(3));
    }
    for (name, frames) in floods::floods() {
        rows.push(Row::http2(format!("a flood of {name}"), frames).requests(3000));
    }
    // An answer that the client has no room for is given up.
    let no_window = frame(SETTINGS, 0, 0, &[0, 4, 0, 0, 0, 0]);
    let starved = [no_window, (0..30).flat_map(|n| good(2 * n + 1)).collect()].concat();
    rows.push(
        Row::http2("no room for any answer", starved)
            .requests(30)
            .alone(),
    );
    rows.into_iter().map(|row| row.at(&doors)).collect()
}
