//! As much of HPACK as a test client needs: header blocks without compression, and the status of an answer.
//! It keeps no dynamic table: what it sends needs none, and `:status` comes first and from the static one.

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

/// An integer with a prefix of 7 bits (RFC 7541, 5.1).
fn integer(out: &mut Vec<u8>, value: usize) {
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
