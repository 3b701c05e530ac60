//! Header blocks beside the rules of HPACK: indices of nobody, lengths without end, tables that grow, and bombs.

use testkit::http2::hpack::{integer, literal, remembered};
use testkit::http2::kind::HEADERS;
use testkit::http2::{frame, pseudo};

use super::{Frames, WHOLE};
use crate::attacks::row::FORGED;

/// Header blocks beside the rules of HPACK.
pub fn blocks() -> Vec<Frames> {
    let own = |block: &[u8]| frame(HEADERS, WHOLE, 1, block);
    let usual = literal(&pseudo("GET", b"/public/x"));
    let then = |more: &[u8]| own(&[&usual, more].concat());
    let mut bomb = usual.clone();
    bomb.extend(remembered(b"x", &[b'x'; 3900]));
    bomb.extend([0xbe; 2000]);
    let mut long = usual.clone();
    long.extend([0x10, 1, b'x', 0x7f]);
    long.extend([0xff; 12]);
    let mut far = vec![0xff];
    far.extend([0xff; 10]);
    let mut updates = Vec::new();
    for _ in 0..500 {
        updates.extend([0x20, 0x3f, 0xe1, 0x1f]);
    }
    let mut sized = vec![0x3f];
    sized.extend([0xff, 0xff, 0xff, 0xff, 0x0f]);
    let mut large = Vec::new();
    large.push(0x10);
    integer(&mut large, 1);
    large.push(b'x');
    integer(&mut large, 15_900);
    large.extend([b'y'; 15_900]);
    vec![
        ("an index that nobody has", own(&[0xff, 0x80, 0x01])),
        ("index 0", own(&[0x80])),
        ("an index without end", own(&far)),
        ("an index of the table of answers", own(&[0x88])),
        ("a length without end", own(&long)),
        (
            "a length beyond the block",
            then(&[0x10, 1, b'x', 0x7e, b'y']),
        ),
        ("a name beyond the block", then(&[0x10, 0x7e, b'x'])),
        (
            "Huffman of ones",
            then(&[0x10, 1, b'x', 0x84, 0xff, 0xff, 0xff, 0xff]),
        ),
        (
            "Huffman with a wrong end",
            then(&[0x10, 1, b'x', 0x81, 0x00]),
        ),
        (
            "Huffman for a line",
            then(&[
                0x10, 1, b'x', 0x88, 0xff, 0xff, 0xff, 0xea, 0xff, 0xff, 0xff, 0xfb,
            ]),
        ),
        (
            "a table larger than allowed",
            own(&[&sized, &usual[..]].concat()),
        ),
        ("a table size behind headers", then(&[0x20])),
        ("many table sizes", own(&[&updates, &usual[..]].concat())),
        ("never indexed", own(&usual)),
        ("with an index", {
            let fields = pseudo("GET", b"/public/x").into_iter();
            own(&fields
                .flat_map(|(name, value)| remembered(name, value))
                .collect::<Vec<u8>>())
        }),
        ("a bomb", own(&bomb)),
        ("a large header", then(&large)),
        (
            "a block cut off",
            frame(HEADERS, WHOLE, 1, &usual[..usual.len() - 3]),
        ),
        ("an empty block", own(&[])),
        ("a token by the table", {
            let mut block = usual.clone();
            block.extend(remembered(b"x-wx-openid", FORGED.as_bytes()));
            [
                own(&block),
                frame(HEADERS, WHOLE, 3, &[&usual[..], &[0xbe]].concat()),
            ]
            .concat()
        }),
    ]
}
