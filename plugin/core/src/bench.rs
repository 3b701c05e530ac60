//! The sealing of a session, for `cargo xtask bench`: the rest of what it measures is public anyway.
//! Only with the feature `bench`, which nothing that is shipped has.

use alloc::string::String;
use alloc::vec::Vec;

use crate::records::record::{SessionRecord, session_scope};
use crate::records::token::{Opener, Token};
use crate::seal::MasterKeys;
use crate::time::UnixMillis;

/// A session with everything that its sealing depends on.
pub struct Sealing {
    keys: MasterKeys,
    opener: Opener,
    name: String,
    record: SessionRecord,
}

impl Default for Sealing {
    /// Ids as long as WeChat's.
    fn default() -> Self {
        let token = Token([9; 32]);
        Self {
            keys: MasterKeys::new(["a master key of thirty-two bytes and more"]),
            name: token.id().key().name,
            opener: token.opener(),
            record: SessionRecord {
                appid: "wx4f4bc4dec97d474b".into(),
                openid: "oGZUI0egBJY1zhBYw2KhdUfwVJJE".into(),
                unionid: Some("ocMvos6NjeKLIBqg5Mr9QjxrP1FA".into()),
                seen_at: UnixMillis(1_477_314_187_000),
                expires_at: UnixMillis(1_479_906_187_000),
                failures: 0,
                attributes: None,
            },
        }
    }
}

impl Sealing {
    /// As after a login.
    #[must_use]
    pub fn seal(&self, nonce: [u8; 12]) -> Option<Vec<u8>> {
        let scope = session_scope(&self.opener, &self.name);
        self.keys.seal_with(nonce, &scope, &self.record)
    }

    /// As for a check: whether `sealed` opens, and is this very session.
    #[must_use]
    pub fn opens(&self, sealed: &[u8]) -> bool {
        let scope = session_scope(&self.opener, &self.name);
        self.keys.open(&scope, sealed).as_ref() == Some(&self.record)
    }
}
