//! What the workers of a world call: WeChat and the other platforms, a Redis behind its bridge, the app. What each makes
//! of a call, and when that comes; never what becomes of it.

use std::time::Duration;

use testkit::fakes::wechat::{Asked, FakeWechat, Transport};

use crate::rig::bridge::FakeBridge;
use crate::rig::edge::{Answer, Call, CallEnd};

#[derive(Default)]
pub(super) struct Outside {
    pub(super) bridge: FakeBridge,
    pub(super) mood: Mood,
}

/// How the app takes what the edge itself sends it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) enum Mood {
    #[default]
    Prompt,
    Answering,
    Late,
    TooLate,
    Failing,
    Gone,
}

impl Mood {
    pub(super) const ALL: [Self; 6] = [
        Self::Prompt,
        Self::Answering,
        Self::Late,
        Self::TooLate,
        Self::Failing,
        Self::Gone,
    ];
}

/// What a bridge, or somebody in its place, may say. None of it is a lie about what there is.
pub(super) const NONSENSE: [(u16, &str); 7] = [
    (200, "{}"),
    (200, "[]"),
    (200, "<html>"),
    (200, r#"{"GET":7}"#),
    (200, r#"{"SET":[false,"OOM command not allowed"]}"#),
    (401, r#"{"error":"Unauthorized"}"#),
    (503, "upstream connect error"),
];

impl Outside {
    /// What comes of a call, and how much later. `wall`: the time at the bridge, which is the edge's own.
    pub(super) fn take(
        &self,
        wechat: &FakeWechat,
        call: &Call,
        wall: Duration,
    ) -> (Duration, CallEnd) {
        match &*call.cluster {
            "sessions" => (Duration::ZERO, self.ask_store(call, wall)),
            "app" => self.ask_app(),
            _ => ask_wechat(wechat, call),
        }
    }

    fn ask_store(&self, call: &Call, wall: Duration) -> CallEnd {
        let header = |name: &str| call.header(name).unwrap_or_default();
        let now = u64::try_from(wall.as_millis()).unwrap();
        let (status, body, told) = self.bridge.answer(&call.path, header, &call.body, now);
        let mut answer = Answer::json(status, body);
        answer
            .headers
            .extend(told.map(|token| ("upstash-sync-token".to_owned(), token.into_bytes())));
        CallEnd::Answered(answer)
    }

    fn ask_app(&self) -> (Duration, CallEnd) {
        let success = || CallEnd::Answered(Answer::new(200, "text/plain", "success"));
        let millis = Duration::from_millis;
        match self.mood {
            Mood::Prompt => (Duration::ZERO, success()),
            Mood::Answering => {
                let answer = Answer::json(200, r#"{"MsgType":"text","Content":"thanks"}"#);
                (millis(20), CallEnd::Answered(answer))
            }
            // Later than WeChat is answered.
            Mood::Late => (millis(900), success()),
            Mood::TooLate => (millis(60_000), success()),
            Mood::Failing => (Duration::ZERO, CallEnd::Answered(Answer::json(500, "{}"))),
            Mood::Gone => (Duration::ZERO, CallEnd::Broken),
        }
    }
}

fn ask_wechat(wechat: &FakeWechat, call: &Call) -> (Duration, CallEnd) {
    let authority = call.header(":authority");
    let answer = wechat.answer_asked(&Asked {
        method: &call.method,
        target: &call.path,
        host: authority,
        sni: authority,
        content_type: call.header("content-type"),
        body: &call.body,
    });
    let whole = Answer::new(answer.status, answer.content_type, answer.body);
    match answer.transport {
        Transport::Whole => (Duration::ZERO, CallEnd::Answered(whole)),
        Transport::Refuse => (
            Duration::ZERO,
            CallEnd::Answered(Answer::json(503, "upstream connect error")),
        ),
        Transport::ResetMidBody => (Duration::ZERO, CallEnd::Broken),
        Transport::Slow(late) => (late, CallEnd::Answered(whole)),
    }
}
