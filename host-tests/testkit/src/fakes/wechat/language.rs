//! How a platform speaks: what each of the files for one has.

use super::WechatAnswer;
use super::world::{SeenRequest, WechatState};

/// How a platform speaks.
pub(super) struct Language {
    /// What it says when it is busy.
    pub(super) busy: i64,
    /// The success body, or the number of the refusal.
    pub(super) session: fn(&mut WechatState, &SeenRequest) -> Result<String, i64>,
    /// A refusal; as a text where a platform is known to write that.
    pub(super) error: fn(&mut WechatState, i64, bool) -> WechatAnswer,
}
