//! Open data as clients send it (`rawData` + `signature`, `encryptedData` + `iv`): its public format, and what a key
//! ring makes of it. Says of nothing why it did not open.

use alloc::borrow::Cow;
use alloc::string::String;

use percent_encoding::percent_decode_str;

use crate::host::Host;
use crate::metrics::Counter;
use crate::params::Params;
use crate::records::record::KeyRing;
use crate::rejection::{Reason, Rejection};
use crate::wechat::client_base64;
use crate::wechat::encrypted_data::{BLOCK, ENCRYPTED, EncryptedData, Expected, OpenData, SENT};
use crate::wechat::signature;

/// What a client submitted; its public format is right.
#[derive(Default)]
pub(crate) struct Submitted {
    pub(crate) raw_data: Option<String>,
    signature: Option<String>,
    pub(super) encrypted: Option<EncryptedData>,
}

/// What came of it, and which key of the ring fitted.
pub(crate) struct Opened {
    pub(crate) open_data: Option<OpenData>,
    pub(crate) key: RingKey,
}

/// A key of a user's ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RingKey {
    Current,
    Previous,
}

impl RingKey {
    /// As clients are told.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Current => "current",
            Self::Previous => "previous",
        }
    }
}

impl Submitted {
    /// Takes both pairs, as far as they are there; half a pair is an error.
    pub(crate) fn from_params(params: &Params, host: &impl Host) -> Result<Self, Rejection> {
        let mut submitted = Self::default();
        submitted.take_signed(params)?;
        submitted.take_encrypted(params, host)?;
        Ok(submitted)
    }

    /// Takes what can be used, and says whether something was there that cannot: for a login, which stands without.
    pub(crate) fn usable(params: &Params, host: &impl Host) -> (Self, bool) {
        let mut submitted = Self::default();
        let signed = submitted.take_signed(params);
        let encrypted = submitted.take_encrypted(params, host);
        let is_void = SENT.iter().any(|name| params.has_placeholder(name));
        (submitted, signed.is_err() || encrypted.is_err() || is_void)
    }

    fn take_signed(&mut self, params: &Params) -> Result<(), Rejection> {
        let Some((raw_data, signature)) = pair(params, "rawData", "signature")? else {
            return Ok(());
        };
        let signature = signature.trim();
        if signature.len() != signature::LENGTH {
            return Err(
                Reason::InvalidParameter.parameter("signature", "must be 40 hexadecimal digits")
            );
        }
        self.raw_data = Some(undone(raw_data)?.into());
        self.signature = Some(signature.into());
        Ok(())
    }

    fn take_encrypted(&mut self, params: &Params, host: &impl Host) -> Result<(), Rejection> {
        if let Some((data, iv)) = pair(params, ENCRYPTED, "iv")? {
            self.encrypted = Some(decode(host, data, iv)?);
        }
        Ok(())
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.raw_data.is_none() && self.encrypted.is_none()
    }

    /// Tries the current key, then the previous one. `None`, whatever was wrong.
    pub(crate) fn open(&self, ring: &KeyRing, expected: &Expected<'_>) -> Option<Opened> {
        let previous = ring.previous.as_ref().map(|key| (RingKey::Previous, key));
        [(RingKey::Current, &ring.current)]
            .into_iter()
            .chain(previous)
            .find_map(|(which, key)| {
                let signed = match (&self.raw_data, &self.signature) {
                    (Some(raw_data), Some(text)) => signature::matches(raw_data, text, key),
                    _ => true,
                };
                let opened = self.encrypted.as_ref().map(|data| data.open(key, expected));
                match (signed, opened) {
                    (true, None) => Some((which, None)),
                    (true, Some(Ok(open_data))) => Some((which, Some(open_data))),
                    _ => None,
                }
            })
            .map(|(key, open_data)| Opened { open_data, key })
    }
}

/// `rawData` is a JSON object and begins with a brace. As headers are ASCII, clients percent-encode it there; some do so
/// everywhere.
fn undone(raw_data: &str) -> Result<Cow<'_, str>, Rejection> {
    if !raw_data.starts_with('%') {
        return Ok(raw_data.into());
    }
    let decoded = percent_decode_str(raw_data).decode_utf8();
    decoded.map_err(|_| {
        Reason::InvalidParameter.parameter("rawData", "must be UTF-8 where it is percent-encoded")
    })
}

fn pair<'a>(
    params: &'a Params,
    first: &'static str,
    second: &'static str,
) -> Result<Option<(&'a str, &'a str)>, Rejection> {
    match (params.text(first)?, params.text(second)?) {
        (Some(a), Some(b)) => Ok(Some((a, b))),
        (None, None) => Ok(None),
        (Some(_), None) => Err(Reason::MissingParameter.with(second)),
        (None, Some(_)) => Err(Reason::MissingParameter.with(first)),
    }
}

/// Base64 from clients is repaired where that is unambiguous, and the repairs are counted.
fn decode(host: &impl Host, data: &str, iv: &str) -> Result<EncryptedData, Rejection> {
    let bytes = |name, text, fits: fn(usize) -> bool| {
        let decoded = client_base64::decode_to(text, fits)
            .ok_or_else(|| Reason::InvalidParameter.parameter(name, "is not base64"))?;
        if decoded.repaired {
            host.count(Counter::Base64Repaired);
        }
        Ok::<_, Rejection>(decoded.bytes)
    };
    let ciphertext = bytes(ENCRYPTED, data, |length| length.is_multiple_of(BLOCK))?;
    let iv = bytes("iv", iv, |length| length == BLOCK)?;
    EncryptedData::new(ciphertext, &iv)
        .map_err(|(name, problem)| Reason::InvalidParameter.parameter(name, problem))
}
