//! As much of HPACK as a test client needs: header blocks without compression, and of an answer the status and what is
//! spelled out. It keeps no dynamic table: what it sends needs none but where it says so, the peer is told that there is
//! none, and `:status` comes first and from the static one.

use std::collections::HashMap;
use std::sync::LazyLock;

/// Literal header fields never indexed, names and values as plain octets (RFC 7541, 6.2.3).
pub fn literal(headers: &[(&[u8], &[u8])]) -> Vec<u8> {
    let mut out = Vec::new();
    for (name, value) in headers {
        out.push(0x10);
        for text in [name, value] {
            integer(&mut out, text.len());
            out.extend(*text);
        }
    }
    out
}

/// A literal header field with incremental indexing (RFC 7541, 6.2.1): the peer remembers it.
pub fn remembered(name: &[u8], value: &[u8]) -> Vec<u8> {
    let mut out = vec![0x40];
    for text in [name, value] {
        integer(&mut out, text.len());
        out.extend(text);
    }
    out
}

/// What the peer has remembered last, in one byte (RFC 7541, 6.1): the static table ends at 61.
pub const REMEMBERED: u8 = 0x80 | 62;

/// An integer with a prefix of 7 bits (RFC 7541, 5.1).
pub fn integer(out: &mut Vec<u8>, value: usize) {
    let Some(mut rest) = value.checked_sub(127) else {
        out.push(u8::try_from(value).unwrap());
        return;
    };
    out.push(127);
    while rest >= 128 {
        out.push(u8::try_from(rest % 128).unwrap() | 128);
        rest /= 128;
    }
    out.push(u8::try_from(rest).unwrap());
}

/// The status at the head of a header block: indexed, or a literal of a name that the static table has.
pub fn status(block: &[u8]) -> u16 {
    const INDEXED: [u16; 7] = [200, 204, 206, 304, 400, 404, 500];
    // Updates of the table size come first (RFC 7541, 6.3).
    let start = block.iter().position(|byte| byte & 0xe0 != 0x20).unwrap();
    let block = &block[start..];
    if block[0] & 0x80 != 0 {
        return INDEXED[usize::from(block[0] & 0x7f) - 8];
    }
    let length = usize::from(block[1] & 0x7f);
    let value = &block[2..2 + length];
    let spelled = |status: &u16| {
        let digits = status.to_string();
        value == digits.as_bytes() || value == huffman(&digits)
    };
    (100..600).find(spelled).expect("a status of three digits")
}

/// Digits in HPACK's Huffman code (RFC 7541, appendix B): five bits up to 2, six from 3 on.
fn huffman(digits: &str) -> Vec<u8> {
    let bits: String = digits
        .bytes()
        .map(|digit| match digit - b'0' {
            low @ 0..=2 => format!("{low:05b}"),
            high => format!("{:06b}", 0b01_1001 + high - 3),
        })
        .collect();
    let padded = format!("{bits:1<width$}", width = bits.len().next_multiple_of(8));
    padded
        .as_bytes()
        .chunks(8)
        .map(|octet| u8::from_str_radix(std::str::from_utf8(octet).unwrap(), 2).unwrap())
        .collect()
}

/// The headers of a block whose names are spelled out, as those are that the static table lacks, and `cache-control`,
/// which it has.
pub fn spelled(mut block: &[u8]) -> Vec<(String, String)> {
    const CACHE_CONTROL: usize = 24;
    let mut headers = Vec::new();
    while let Some(first) = block.first() {
        let literal = match first {
            0x80.. => None,
            0x40..0x80 => Some(6),
            0x20..0x40 => None,
            _ => Some(4),
        };
        let Some(prefix) = literal else {
            read_integer(&mut block, if *first < 0x80 { 5 } else { 7 });
            continue;
        };
        let name = match read_integer(&mut block, prefix) {
            0 => Some(read_text(&mut block)),
            CACHE_CONTROL => Some("cache-control".to_owned()),
            _ => None,
        };
        let value = read_text(&mut block);
        headers.extend(name.map(|name| (name, value)));
    }
    headers
}

fn read_integer(block: &mut &[u8], prefix: u32) -> usize {
    let mask = (1_usize << prefix) - 1;
    let mut next = || {
        let (first, rest) = block.split_first().unwrap();
        *block = rest;
        usize::from(*first)
    };
    let mut value = next() & mask;
    let mut shift = 0;
    while value >= mask {
        let more = next();
        value += (more & 127) << shift;
        shift += 7;
        if more < 128 {
            break;
        }
    }
    value
}

/// A string (RFC 7541, 5.2).
fn read_text(block: &mut &[u8]) -> String {
    let coded = block[0] & 0x80 != 0;
    let length = read_integer(block, 7);
    let (bytes, rest) = block.split_at(length);
    *block = rest;
    if coded {
        decoded(bytes)
    } else {
        String::from_utf8_lossy(bytes).into_owned()
    }
}

/// The characters of up to 15 bits in HPACK's Huffman code, by their length. The code is canonical: those of one length
/// count up in this order.
const BY_LENGTH: [(u32, &str); 9] = [
    (5, "012aceiost"),
    (6, " %-./3456789=A_bdfghlmnpru"),
    (7, ":BCDEFGHIJKLMNOPQRSTUVWYjkqvwxyz"),
    (8, "&*,;XZ"),
    (10, "!\"()?"),
    (11, "'+|"),
    (12, "#>"),
    (13, "\0$@[]~"),
    (14, "^}"),
];

/// By their length and code.
type Codes = HashMap<(u32, u32), char>;

fn codes() -> Codes {
    let mut codes = HashMap::new();
    let (mut code, mut before) = (0_u32, 5);
    for (length, characters) in BY_LENGTH {
        code <<= length - before;
        before = length;
        for character in characters.chars() {
            codes.insert((length, code), character);
            code += 1;
        }
    }
    codes
}

fn decoded(bytes: &[u8]) -> String {
    static CODES: LazyLock<Codes> = LazyLock::new(codes);
    let (mut text, mut code, mut length) = (String::new(), 0, 0);
    for at in 0..bytes.len() * 8 {
        code = code << 1 | u32::from(bytes[at / 8] >> (7 - at % 8) & 1);
        length += 1;
        if let Some(character) = CODES.get(&(length, code)) {
            text.push(*character);
            (code, length) = (0, 0);
        }
    }
    text
}
