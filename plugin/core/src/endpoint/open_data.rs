//! Open data as clients send it (`rawData` + `signature`, `encryptedData` + `iv`), judged with the user's key ring.

use alloc::borrow::Cow;
use alloc::rc::Rc;
use alloc::string::String;
use alloc::vec::Vec;

use futures_util::future::join;
use percent_encoding::percent_decode_str;

use crate::edge::Edge;
use crate::endpoint::params::Params;
use crate::gate;
use crate::host::{Host, Request};
use crate::metrics::Counter;
use crate::rejection::{Reason, Rejection};
use crate::session::record::{KeyRing, SessionRecord, replay_key, shown};
use crate::session::sessions::ATTEMPTS;
use crate::session::token::Token;
use crate::session::{sessions, trials, users};
use crate::store::{Life, Store, StoreError};
use crate::time::UnixMillis;
use crate::wechat::client_base64;
use crate::wechat::encrypted_data::{BLOCK, EncryptedData, Expected, OpenData};
use crate::wechat::signature;

/// So many pieces of data are remembered of a session that is to show none twice: a kilobyte.
const MOST_SHOWN: usize = 128;

/// What a client submitted; its public format is right.
#[derive(Default)]
pub(crate) struct Submitted {
    pub(super) raw_data: Option<String>,
    signature: Option<String>,
    encrypted: Option<EncryptedData>,
}

/// What came of it, and which key of the ring fitted.
pub(crate) struct Opened {
    pub(crate) open_data: Option<OpenData>,
    pub(super) key: &'static str,
}

/// The session behind a request whose open data was opened.
pub(crate) struct Owner {
    pub(super) session: Rc<SessionRecord>,
    pub(crate) opened: Opened,
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
    pub(super) fn usable(params: &Params, host: &impl Host) -> (Self, bool) {
        let mut submitted = Self::default();
        let signed = submitted.take_signed(params);
        let encrypted = submitted.take_encrypted(params, host);
        (submitted, signed.is_err() || encrypted.is_err())
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
        if let Some((data, iv)) = pair(params, "encryptedData", "iv")? {
            self.encrypted = Some(decode(host, data, iv)?);
        }
        Ok(())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.raw_data.is_none() && self.encrypted.is_none()
    }

    /// Tries the current key, then the previous one. `None`, whatever was wrong.
    pub(super) fn open(&self, ring: &KeyRing, expected: &Expected<'_>) -> Option<Opened> {
        let previous = ring.previous.as_ref().map(|key| ("previous", key));
        [("current", &ring.current)]
            .into_iter()
            .chain(previous)
            .find_map(|(name, key)| {
                let signed = match (&self.raw_data, &self.signature) {
                    (Some(raw_data), Some(text)) => signature::matches(raw_data, text, key),
                    _ => true,
                };
                let opened = self.encrypted.as_ref().map(|data| data.open(key, expected));
                match (signed, opened) {
                    (true, None) => Some((name, None)),
                    (true, Some(Ok(open_data))) => Some((name, Some(open_data))),
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
    let ciphertext = bytes("encryptedData", data, |length| length.is_multiple_of(BLOCK))?;
    let iv = bytes("iv", iv, |length| length == BLOCK)?;
    EncryptedData::new(ciphertext, &iv)
        .map_err(|(name, problem)| Reason::InvalidParameter.parameter(name, problem))
}

/// What open data of this session must say of itself.
pub(super) fn expected<'a>(
    edge: &Edge,
    appid: &'a str,
    openid: &'a str,
    now: UnixMillis,
) -> Expected<'a> {
    Expected {
        appid,
        openid,
        max_age: edge.config.open_data.max_age,
        now,
    }
}

/// Receives open data that must hold `required`. The session comes first: a stranger's body is not worth buffering.
pub(super) async fn receive<H: Host, R: Request>(
    edge: &Edge,
    host: &H,
    request: &R,
    required: &'static str,
) -> Result<Owner, Rejection> {
    let (token, session) = gate::session(edge, host, request.head()).await?;
    let params = Params::read(request, edge.config.body_bytes).await?;
    params.required(required)?;
    let submitted = Submitted::from_params(&params, host)?;
    open(edge, host, &token, session, &submitted).await
}

/// Opens what the owner of `token` submitted. All failures that depend on the content are one rejection, and count
/// against the session.
pub(crate) async fn open<H: Host>(
    edge: &Edge,
    host: &H,
    token: &Token,
    session: Rc<SessionRecord>,
    submitted: &Submitted,
) -> Result<Owner, Rejection> {
    // A login that a replica has not heard of has brought a key, too.
    let latest = sessions::may_be_missed(edge, host, token);
    let (user, trial) = join(
        users::load(edge, host, &session.appid, &session.openid, latest),
        trials::reserve(edge, host, token),
    )
    .await;
    let (user, trial) = (user?, trial?);
    trials::turn(edge, host, token, &session).await?;
    let expected = expected(edge, &session.appid, &session.openid, host.now());
    let opened = user.and_then(|user| submitted.open(&user.ring, &expected));
    let Some(opened) = opened else {
        host.count(Counter::OpenDataRefused);
        trials::failed(edge, host, token, &session, trial).await?;
        return Err(Reason::SessionKeyStale.into());
    };
    host.count(if opened.key == "current" {
        Counter::OpenDataCurrent
    } else {
        Counter::OpenDataPrevious
    });
    if edge.config.open_data.refuse_replay
        && let Some(data) = &submitted.encrypted
    {
        refuse_replay(edge, host, token, &session, data).await?;
    }
    Ok(Owner { session, opened })
}

/// The same ciphertext is taken once per session, until its absolute end. A session that has shown more than can be
/// remembered is ended: in a new one its data is stale before long.
async fn refuse_replay<H: Host>(
    edge: &Edge,
    host: &H,
    token: &Token,
    session: &SessionRecord,
    data: &EncryptedData,
) -> Result<(), Rejection> {
    let id = token.id();
    let (key, new) = (replay_key(&id), shown(&id, data.ciphertext()));
    let store = edge.store(host);
    // Most sessions show one piece.
    let mut found: Option<Vec<u8>> = None;
    for _ in 0..ATTEMPTS {
        let mut all = found.clone().unwrap_or_default();
        if all.as_chunks().0.contains(&new) {
            return Err(Reason::ReplayedData.into());
        }
        if all.len() >= MOST_SHOWN * new.len() {
            sessions::end(edge, host, &[id]).await?;
            return Err(Reason::SessionExpired.into());
        }
        all.extend_from_slice(&new);
        let life = Life {
            now: host.now(),
            expires_at: session.expires_at,
        };
        let swapped = store.swap(&key, found.as_deref(), &all, life).await;
        if sessions::counted(host, swapped)? {
            return Ok(());
        }
        found = sessions::counted(host, store.get(&key, host.now()).await)?;
    }
    Err(StoreError::Contended.into())
}
