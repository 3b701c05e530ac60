//! The entry of one ticket: what it says, and the writes that take it and give it back.

use alloc::vec::Vec;
use core::time::Duration;

use crate::host::Host;
use crate::records::kinds::TICKET;
use crate::store::{Change, Key, Life, Write};
use crate::time::{UnixMillis, millis};

/// The write that has a ticket taken for `span` from now on, whatever becomes of who took it.
pub(crate) fn spent(ticket: &Key, span: Duration, host: &impl Host) -> Write {
    put(ticket, span, host.now(), [0; 8])
}

/// The write that gives a ticket back.
pub(crate) fn given_back(ticket: &Key) -> Write {
    Write {
        key: ticket.clone(),
        change: Change::Delete,
    }
}

/// The write that has the ticket taken for `span` by whoever has this nonce.
pub(super) fn put(key: &Key, span: Duration, now: UnixMillis, nonce: [u8; 8]) -> Write {
    Write {
        key: key.clone(),
        change: Change::Put(entry(now, span, nonce), Life::lasting(now, span)),
    }
}

/// When it was taken, for how long, and what tells who took it from others. The end of an entry is for the store, but
/// a clock may have been set back since.
pub(crate) fn entry(taken_at: UnixMillis, lasts: Duration, nonce: [u8; 8]) -> Vec<u8> {
    let mut entry = Vec::from([TICKET.form.written]);
    entry.extend_from_slice(&taken_at.0.to_be_bytes());
    entry.extend_from_slice(&millis(lasts).to_be_bytes());
    entry.extend_from_slice(&nonce);
    entry
}

/// Whether what was found is a ticket whose time is not over.
pub(crate) fn counts(entry: &[u8], now: UnixMillis) -> bool {
    let moments = number(entry, 0).zip(span(entry));
    moments.is_some_and(|(taken_at, span)| now.is_near(span, UnixMillis(taken_at)))
}

/// For how long it was taken.
pub(crate) fn span(entry: &[u8]) -> Option<Duration> {
    number(entry, 8).map(Duration::from_millis)
}

fn number(entry: &[u8], at: usize) -> Option<u64> {
    let (_, entry) = TICKET.form.version(entry).ok()??;
    let bytes = entry.get(at..)?.first_chunk()?;
    Some(u64::from_be_bytes(*bytes))
}
