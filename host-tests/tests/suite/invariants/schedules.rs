//! What may happen to one worker: requests in pieces, answers in any order and of any kind, clients that go away,
//! clocks that are set, another worker beside it, its own end, and hostcalls that fail. Plays a list of it, and holds the
//! invariants after every step.

use std::time::Duration;

use proptest::prelude::*;
use serde_json::{Value, json};
use testkit::fakes::wechat::Fault;

use crate::rig::wasm_world::{WasmWorld, embedded};
use crate::rig::{Ask, Rig, bridge};
use proxy_wasm_host::{CallReply, FaultKind, Outcome, StreamId};

/// How many kinds of requests a [`WasmWorld`] has.
const KINDS: usize = 19;

/// A world, and what happens in it.
#[derive(Clone, Debug)]
pub(super) struct Schedule {
    patch: Value,
    steps: Vec<Step>,
}

/// Any of them, of at most so many steps.
pub(super) fn schedule(most: usize) -> impl Strategy<Value = Schedule> {
    (patch(), proptest::collection::vec(step(), 1..most))
        .prop_map(|(patch, steps)| Schedule { patch, steps })
}

#[derive(Clone, Debug)]
enum Step {
    /// A new request of this kind, its body (if any) cut into so many pieces.
    Ask(usize, usize),
    /// The next piece of the body of one of the open requests.
    Piece(usize),
    /// Trailers instead of the rest of the body.
    Trailers(usize),
    /// The client of one of the open requests goes away.
    Reset(usize),
    /// Time passes, in milliseconds.
    Wait(u64),
    /// WeChat answers what it was asked.
    Serve,
    /// WeChat will do this.
    Script(usize),
    /// One call fails on the way.
    FailCall(usize),
    /// One call is answered with something that nobody expects.
    Nonsense(usize, usize),
    /// The n-th hostcall from now fails.
    FailHostcall(u64, usize),
    /// The wall clock is set back, or ahead, by so many seconds.
    SetBack(u64),
    SetAhead(u64),
    /// A request of this kind on another worker of the process.
    Elsewhere(usize),
    /// The worker ends, with all that it has open, and another takes its place.
    Restart,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (0..KINDS, 1..4_usize).prop_map(|(kind, pieces)| Step::Ask(kind, pieces)),
        6 => any::<usize>().prop_map(Step::Piece),
        1 => any::<usize>().prop_map(Step::Trailers),
        1 => any::<usize>().prop_map(Step::Reset),
        2 => (0..400_u64).prop_map(Step::Wait),
        4 => Just(Step::Serve),
        1 => any::<usize>().prop_map(Step::Script),
        1 => any::<usize>().prop_map(Step::FailCall),
        1 => (any::<usize>(), any::<usize>()).prop_map(|(at, kind)| Step::Nonsense(at, kind)),
        2 => (1..40_u64, any::<usize>()).prop_map(|(nth, kind)| Step::FailHostcall(nth, kind)),
        1 => (1..7200_u64).prop_map(Step::SetBack),
        1 => (1..7200_u64).prop_map(Step::SetAhead),
        1 => (0..KINDS).prop_map(Step::Elsewhere),
        1 => Just(Step::Restart),
    ]
}

fn patch() -> impl Strategy<Value = Value> {
    let store = prop_oneof![
        Just(embedded()),
        Just(bridge::webdis()),
        Just(bridge::rest())
    ];
    let cache = prop_oneof![Just(0), Just(1), Just(60)];
    let remembered = prop_oneof![Just(0), Just(60)];
    (store, cache, remembered).prop_map(|(store, cache, remembered)| {
        json!({
            "store": store,
            "wechat": { "timeout_ms": 500 },
            "session": { "cache_ttl_s": cache },
            "login": { "remember_s": remembered },
        })
    })
}

struct Open {
    stream: StreamId,
    ask: Ask,
    pieces: Vec<Vec<u8>>,
}

fn pick<T>(list: &mut [T], at: usize) -> Option<&mut T> {
    let length = list.len();
    list.get_mut(at.checked_rem(length)?)
}

/// What a bridge, or somebody in its place, may say.
const NONSENSE: [(u16, &str); 8] = [
    (200, "{}"),
    (200, "[]"),
    (200, "<html>"),
    (200, r#"{"GET":7}"#),
    (200, r#"[{"result":["x"]}]"#),
    (200, r#"{"GET":"not base64!"}"#),
    (200, r#"{"SET":[false,"OOM command not allowed"]}"#),
    (401, r#"{"error":"Unauthorized"}"#),
];

pub(super) fn play(Schedule { patch, steps }: &Schedule) {
    let mut stage = WasmWorld::new(patch);
    assert_eq!(stage.asks().len(), KINDS);
    let mut open: Vec<Open> = Vec::new();
    let mut workers = 1;
    for step in steps {
        match step {
            Step::Ask(kind, cuts) => {
                let (_, ask) = stage.asks().swap_remove(*kind);
                let body = ask.body.clone().unwrap_or_default();
                let size = body.len().div_ceil(*cuts).max(1);
                let pieces = body.chunks(size).rev().map(<[u8]>::to_vec).collect();
                let stream = stage.rig.vm.request(ask.head(), ask.body.is_none());
                open.push(Open {
                    stream,
                    ask,
                    pieces,
                });
            }
            Step::Piece(at) => {
                let more = pick(&mut open, *at)
                    .and_then(|own| Some((own.stream, own.pieces.pop()?, own.pieces.is_empty())));
                if let Some((stream, piece, last)) = more {
                    stage.rig.vm.body(stream, &piece, last);
                }
            }
            Step::Trailers(at) => {
                let cut = pick(&mut open, *at)
                    .filter(|own| !own.pieces.is_empty())
                    .map(|own| {
                        own.pieces.clear();
                        own.stream
                    });
                if let Some(stream) = cut {
                    stage.rig.vm.trailers(stream, Vec::new());
                }
            }
            Step::Reset(at) => {
                if let Some(own) = pick(&mut open, *at) {
                    own.pieces.clear();
                    stage.rig.vm.reset(own.stream);
                }
            }
            Step::Wait(millis) => stage.rig.advance(Duration::from_millis(*millis)),
            Step::Serve => stage.rig.serve_calls(),
            Step::Script(fault) => {
                let faults = [
                    Fault::Busy,
                    Fault::HighRisk,
                    Fault::Html,
                    Fault::EmptyObject,
                    Fault::ResetMidBody,
                ];
                stage.wechat.script([faults[fault % faults.len()].clone()]);
            }
            Step::FailCall(at) => {
                let mut calls = stage.rig.vm.pending_calls();
                if let Some(call) = pick(&mut calls, *at) {
                    stage.rig.vm.answer_call(call.id, CallReply::Failure);
                }
            }
            Step::Nonsense(at, kind) => {
                let mut calls = stage.rig.vm.pending_calls();
                if let Some(call) = pick(&mut calls, *at) {
                    let (status, body) = NONSENSE[kind % NONSENSE.len()];
                    stage
                        .rig
                        .vm
                        .answer_call(call.id, CallReply::json(status, body));
                }
            }
            Step::FailHostcall(nth, kind) => {
                let kinds: Vec<FaultKind> = FaultKind::ALL.into_iter().collect();
                stage.rig.vm.fail_hostcall(*nth, kinds[kind % kinds.len()]);
            }
            Step::SetBack(seconds) => stage.rig.set_back(Duration::from_secs(*seconds)),
            Step::SetAhead(seconds) => {
                let ahead = stage.rig.vm.now() + Duration::from_secs(*seconds);
                stage.rig.vm.set_wall_clock(ahead);
            }
            Step::Elsewhere(kind) => {
                workers += 1;
                let (_, ask) = stage.asks().swap_remove(*kind);
                let mut other = stage.beside(workers);
                let stream = other.send(&ask);
                other.settle(&[stream]);
                stage.assert_invariants_of(&other, stream, &ask, "elsewhere");
            }
            Step::Restart => {
                workers += 1;
                open.clear();
                stage.rig = stage.beside(workers);
            }
        }
        for own in &open {
            assert_nothing_slipped(&stage, own);
        }
    }
    finish(&mut stage, &mut open);
}

/// In the middle of things a request may wait, but what is decided is decided rightly.
fn assert_nothing_slipped(stage: &WasmWorld, own: &Open) {
    if !matches!(stage.rig.vm.outcome(own.stream), Outcome::Paused) {
        stage.assert_invariants(own.stream, &own.ask, "under way");
    }
}

fn finish(stage: &mut WasmWorld, open: &mut [Open]) {
    stage.rig.vm.disarm_fault();
    for own in &mut *open {
        while let Some(piece) = own.pieces.pop() {
            stage.rig.vm.body(own.stream, &piece, own.pieces.is_empty());
        }
    }
    let streams: Vec<StreamId> = open.iter().map(|own| own.stream).collect();
    stage.rig.settle(&streams);
    for own in &*open {
        stage.assert_invariants(own.stream, &own.ask, "at the end");
    }
}
