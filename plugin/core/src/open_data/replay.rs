//! The same ciphertext is taken once per session, until its absolute end, where the configuration says so.

use alloc::vec::Vec;

use crate::host::Host;
use crate::records::record::SessionRecord;
use crate::records::shown::{self, mark, replay_key};
use crate::records::token::Token;
use crate::rejection::{Reason, Rejection};
use crate::session::contention::{ATTEMPTS, pause};
use crate::store::{Change, Life, Store, Write, Written};
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
    for attempt in 0..ATTEMPTS {
        let known = found.as_deref().map_or(&[][..], shown::read);
        if known.contains(&new) {
            return Err(Reason::ReplayedData.into());
        }
        if known.len() >= MOST_SHOWN {
            context.sessions().end(&[id]).await?;
            return Err(Reason::SessionExpired.into());
        }
        let now = host.now();
        let value = shown::entry(known, new);
        let swap = Change::Swap {
            expected: found,
            value,
            life: Life {
                now,
                expires_at: session.expires_at,
            },
        };
        let write = Write {
            key: key.clone(),
            change: swap,
        };
        found = match store.write(&[write]).await? {
            Written::All => return Ok(()),
            Written::Found(other) => other,
        };
        // The first look expects nothing, and finds what the session has shown before: nobody was faster there.
        if attempt > 0 {
            let took = host.now().since(now);
            host.sleep(pause(host, attempt, took)).await;
        }
    }
    Err(context.contended("replay").into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::tests::minimal_on_spin;
    use crate::fake_host::{FakeHost, together};
    use crate::testing::test;
    use crate::time::UnixMillis;
    use crate::worker::Worker;

    #[test]
    fn of_different_pieces_at_once_all_are_taken_and_of_the_same_one_is() {
        let worker = Worker::new(minimal_on_spin(serde_json::json!({ "kind": "spin_kv" })));
        let host = FakeHost::at(1_000_000);
        let context = Context {
            worker: &worker,
            host: &host,
        };
        let session = SessionRecord {
            appid: "wx".into(),
            openid: "o".into(),
            unionid: None,
            seen_at: UnixMillis(0),
            expires_at: UnixMillis(u64::MAX),
            failures: 0,
            attributes: None,
        };
        let token = Token([7; 32]);
        let piece = |number: u8| EncryptedData::new([number; 16].into(), &[0; 16]).unwrap();
        let take = |pieces: &[u8]| {
            let pieces: Vec<_> = pieces.iter().copied().map(piece).collect();
            let all = pieces
                .iter()
                .map(|data| refuse(context, &token, &session, data));
            together(0, all)
        };
        let many: Vec<u8> = (0..20).collect();
        assert!(take(&many).iter().all(Result::is_ok));
        // A refused swap has said what there is: only the first look found nothing.
        assert_eq!(host.store.reads.get(), 0);
        assert_eq!(
            take(&[50; 5]).iter().filter(|taken| taken.is_ok()).count(),
            1
        );
    }
}
