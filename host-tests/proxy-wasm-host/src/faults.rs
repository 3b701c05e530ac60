//! Which hostcall can fail how. A fault is only injected where Envoy returns it for that hostcall *and* SDK 0.2.5
//! turns it into a `Result` or an `Option`: it never invents a failure that the plugin cannot survive.

use super::status::Status;

/// What goes wrong, in the words of the plugin's author.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FaultKind {
    /// The first that the hostcall knows.
    Any,
    /// The thing asked for is not there.
    Missing,
    /// `BadArgument`.
    Refused,
    /// `InternalFailure`.
    Internal,
    /// `CasMismatch`.
    Conflict,
    /// WASI errno 29.
    Io,
}

impl FaultKind {
    /// Every kind but `Any`, for tests that try them all.
    pub const ALL: [Self; 5] = [
        Self::Missing,
        Self::Refused,
        Self::Internal,
        Self::Conflict,
        Self::Io,
    ];
}

/// What became of an armed fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FaultOutcome {
    /// None is armed.
    Unarmed,
    /// There were too few hostcalls so far.
    NotReached,
    Injected {
        hostcall: &'static str,
    },
    /// The hostcall went on as usual: it cannot fail in that way.
    CannotFail {
        hostcall: &'static str,
    },
}

/// How the fault looks to the module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Effect {
    Status(Status),
    /// `Ok` with a null pointer and size 0.
    EmptyOk,
    /// A WASI error number.
    Errno(i32),
}

/// The buffer types in which nothing can be.
const BODIES: [u32; 2] = [0, 1];
const CALL_RESPONSE_BODY: u32 = 4;

/// `detail` is the buffer type for `proxy_get_buffer_bytes` and the CAS number for `proxy_set_shared_data`.
/// File names are those of Envoy (context.cc) and proxy-wasm-cpp-host (exports.cc, shared_data.cc).
fn possible(hostcall: &str, detail: u32) -> &'static [(FaultKind, Effect)] {
    use Effect::{EmptyOk, Errno, Status as Answer};
    use FaultKind::{Conflict, Internal, Io, Missing, Refused};
    match hostcall {
        // context.cc getHeaderMapValue: the name is not in the map.
        "proxy_get_header_map_value" => &[(Missing, Answer(Status::NotFound))],
        // context.cc headerMapToPairs: a map that is not there is an empty one.
        "proxy_get_header_map_pairs" => &[(Missing, EmptyOk)],
        // exports.cc get_buffer_bytes: an absent call response is NotFound, an absent body has size 0; the
        // configuration is always there when a plugin may read it.
        "proxy_get_buffer_bytes" if detail == CALL_RESPONSE_BODY => {
            &[(Missing, Answer(Status::NotFound))]
        }
        "proxy_get_buffer_bytes" if BODIES.contains(&detail) => &[(Missing, EmptyOk)],
        // context.cc getProperty: no such path. (Its InternalFailure and SerializationFailure come from protobuf
        // messages only; on those `Context::get_property` of the SDK would panic.)
        "proxy_get_property" => &[(Missing, Answer(Status::NotFound))],
        // shared_data.cc get.
        "proxy_get_shared_data" => &[(Missing, Answer(Status::NotFound))],
        // shared_data.cc set: only where a number was given.
        "proxy_set_shared_data" if detail != 0 => &[(Conflict, Answer(Status::CasMismatch))],
        // context.cc httpCall: no healthy host or an open circuit breaker; an unknown cluster (taken away by CDS).
        "proxy_http_call" => &[
            (Internal, Answer(Status::InternalFailure)),
            (Refused, Answer(Status::BadArgument)),
        ],
        // context.cc incrementMetric, recordMetric, getMetric: an id that Envoy does not know.
        "proxy_increment_metric" | "proxy_record_metric" | "proxy_get_metric" => {
            &[(Missing, Answer(Status::NotFound))]
        }
        // exports.cc never fails it for want of entropy: this one is harsher than Envoy, because a token made of
        // nothing would be worse than an error.
        "random_get" => &[(Io, Errno(29))],
        // Envoy has no failing state, or the SDK panics on every other status: log, get_log_level,
        // get_current_time_nanoseconds, set_tick_period_milliseconds, set_effective_context, define_metric,
        // set_property, add, replace, remove and set of headers, set_buffer_bytes, continue_stream, close_stream,
        // send_local_response, configuration buffers, set_shared_data without a number.
        _ => &[],
    }
}

/// The armed fault: strikes when `countdown` comes to zero.
#[derive(Debug, Default)]
pub(super) struct Faults {
    armed: Option<(u64, FaultKind)>,
    outcome: Option<FaultOutcome>,
}

impl Faults {
    /// `nth` counts from 1.
    pub(crate) fn arm(&mut self, nth: u64, kind: FaultKind) {
        self.armed = Some((nth.max(1), kind));
        self.outcome = Some(FaultOutcome::NotReached);
    }

    pub(crate) fn disarm(&mut self) {
        self.armed = None;
        self.outcome = None;
    }

    pub(crate) fn outcome(&self) -> FaultOutcome {
        self.outcome.clone().unwrap_or(FaultOutcome::Unarmed)
    }

    /// Called once for each hostcall, before it does anything.
    pub(crate) fn strike(&mut self, hostcall: &'static str, detail: u32) -> Option<Effect> {
        let (left, kind) = self.armed?;
        if left > 1 {
            self.armed = Some((left - 1, kind));
            return None;
        }
        self.armed = None;
        let effect = possible(hostcall, detail)
            .iter()
            .find(|(known, _)| kind == FaultKind::Any || kind == *known)
            .map(|(_, effect)| *effect);
        self.outcome = Some(match effect {
            Some(_) => FaultOutcome::Injected { hostcall },
            None => FaultOutcome::CannotFail { hostcall },
        });
        effect
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nth_hostcall_and_no_other_is_struck() {
        let mut faults = Faults::default();
        faults.arm(2, FaultKind::Any);
        assert_eq!(faults.strike("proxy_http_call", 0), None);
        assert_eq!(faults.outcome(), FaultOutcome::NotReached);
        assert_eq!(
            faults.strike("proxy_http_call", 0),
            Some(Effect::Status(Status::InternalFailure))
        );
        assert_eq!(
            faults.outcome(),
            FaultOutcome::Injected {
                hostcall: "proxy_http_call"
            }
        );
        assert_eq!(faults.strike("proxy_http_call", 0), None);
    }

    #[test]
    fn a_hostcall_that_cannot_fail_so_goes_on_and_says_so() {
        let mut faults = Faults::default();
        faults.arm(1, FaultKind::Conflict);
        assert_eq!(faults.strike("proxy_set_shared_data", 0), None);
        assert_eq!(
            faults.outcome(),
            FaultOutcome::CannotFail {
                hostcall: "proxy_set_shared_data"
            }
        );
    }
}
