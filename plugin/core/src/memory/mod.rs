//! What one worker remembers, bounded: sessions that it has verified, those whose open data has failed (`failures`),
//! what is to be done for them later (`later`), what has to end (`endings`), attributes not written yet (`sayings`),
//! locks for what is done one at a time (`keyed_lock`), access_tokens. All of it may be lost; nothing here asks the
//! store.

pub(crate) mod access_tokens;
pub(crate) mod endings;
pub(crate) mod failures;
pub(crate) mod found;
pub(crate) mod keyed_lock;
pub(crate) mod later;
pub(crate) mod sayings;
pub(crate) mod verified;

/// For tests of these memories.
#[cfg(test)]
pub(crate) fn somebodys_session() -> crate::records::record::SessionRecord {
    crate::records::record::SessionRecord {
        appid: "wx0123456789abcdef".into(),
        openid: "o1".into(),
        unionid: None,
        seen_at: crate::time::UnixMillis(0),
        expires_at: crate::time::UnixMillis(10_000),
        failures: 0,
        attributes: None,
    }
}
