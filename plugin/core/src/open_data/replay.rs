//! The same ciphertext is taken once per session, until its absolute end, where the configuration says so.

use alloc::vec::Vec;

use crate::host::Host;
use crate::records::record::SessionRecord;
use crate::records::shown::{self, mark, replay_key};
use crate::records::token::Token;
use crate::rejection::{Reason, Rejection};
use crate::session::sessions::ATTEMPTS;
use crate::store::{Life, Store, StoreError};
use crate::wechat::encrypted_data::EncryptedData;
use crate::worker::Context;

/// So many pieces of data are remembered of a session that is to show none twice: a kilobyte.
const MOST_SHOWN: usize = 128;

/// Refuses `data` if this session has shown it before. A session that has shown more than can be remembered is ended: in
/// a new one its data is stale before long.
pub(super) async fn refuse<H: Host>(
    context: Context<'_, H>,
    token: &Token,
    session: &SessionRecord,
    data: &EncryptedData,
) -> Result<(), Rejection> {
    let host = context.host;
    let id = token.id();
    let (key, new) = (replay_key(&id), mark(&id, data.ciphertext()));
    let store = context.store();
    // Most sessions show one piece.
    let mut found: Option<Vec<u8>> = None;
    for _ in 0..ATTEMPTS {
        let known = found.as_deref().map_or(&[][..], shown::read);
        if known.contains(&new) {
            return Err(Reason::ReplayedData.into());
        }
        if known.len() >= MOST_SHOWN {
            context.sessions().end(&[id]).await?;
            return Err(Reason::SessionExpired.into());
        }
        let all = shown::entry(known, new);
        let life = Life {
            now: host.now(),
            expires_at: session.expires_at,
        };
        if store.swap(&key, found.as_deref(), &all, life).await? {
            return Ok(());
        }
        found = store.get(&key, host.now()).await?;
    }
    Err(StoreError::Contended.into())
}
