//! Which faults explain an answer that is not the one that was hoped for.

use super::{Exchange, User, Verdict, Wrong};
use crate::answer::{Answer, Broken};
use crate::ask::{Ask, Refusal};
use crate::weather::Weather;

/// What a fault has to do with an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cause {
    /// One that was on explains it.
    Known,
    /// None was on, but on a busy machine it may be.
    Unknown,
    /// None can.
    Impossible,
}

impl User {
    /// An answer that does not say what the edge thinks of the session.
    pub(super) fn judge_outage(
        &self,
        exchange: &Exchange,
        answer: &Answer,
        weather: &Weather,
    ) -> Verdict {
        let cause = match answer {
            Answer::Refused { error, .. } => refused(exchange, error, weather),
            Answer::Strange { status, .. } => strange(exchange, *status, weather),
            Answer::None(broken) => self.broken(exchange, broken, weather),
            _ => Cause::Impossible,
        };
        let mut verdict = Verdict::default();
        match cause {
            Cause::Known => {}
            Cause::Unknown => verdict.is_unexplained = true,
            Cause::Impossible => {
                let wrong = match answer {
                    Answer::Strange { .. } => Wrong::EnvoysOwn,
                    Answer::None(_) => Wrong::NoAnswer,
                    Answer::Misshapen(_) => Wrong::Misshapen,
                    _ => Wrong::Unpromised,
                };
                verdict.violations.push(wrong.with(answer.to_string()));
            }
        }
        verdict
    }

    fn broken(&self, exchange: &Exchange, broken: &Broken, weather: &Weather) -> Cause {
        let (edge, span) = (exchange.asked.edge, exchange.span());
        let down = weather.was_down(edge, span);
        let known = match broken {
            Broken::Left => true,
            Broken::Refused => down,
            Broken::Ended { reused } => {
                let drained = *reused && weather.was_draining(edge, span, self.draining);
                // Of an answer that the app had begun, the rest may be missing.
                let cut = is_for_app(&exchange.asked.ask) && weather.was_without_app(span);
                down || drained || cut
            }
            Broken::Silent => down || weather.was_frozen(edge, span),
            Broken::Tls(_) => false,
        };
        if known {
            Cause::Known
        } else {
            Cause::Impossible
        }
    }
}

fn refused(exchange: &Exchange, error: &str, weather: &Weather) -> Cause {
    let (edge, span, ask) = (exchange.asked.edge, exchange.span(), &exchange.asked.ask);
    let cause = |known| if known { Cause::Known } else { Cause::Unknown };
    match error {
        "store_unavailable" if needs_store(ask) => cause(weather.was_without_store(edge, span)),
        "wechat_unavailable" | "wechat_busy" if needs_wechat(ask) => {
            cause(weather.was_without_wechat(edge, span))
        }
        "overloaded" => cause(weather.was_bad(span)),
        // It came too late, for one of us stood still.
        "body_timeout" => cause(weather.was_frozen(edge, span)),
        _ => Cause::Impossible,
    }
}

/// Envoy speaks itself where there is no app to speak.
fn strange(exchange: &Exchange, status: u16, weather: &Weather) -> Cause {
    let (edge, span, ask) = (exchange.asked.edge, exchange.span(), &exchange.asked.ask);
    let gone = weather.was_without_app(span) || weather.was_frozen(edge, span);
    if is_for_app(ask) && gone && matches!(status, 503 | 504) {
        Cause::Known
    } else {
        Cause::Impossible
    }
}

fn is_for_app(ask: &Ask) -> bool {
    matches!(ask, Ask::App { .. })
}

fn needs_store(ask: &Ask) -> bool {
    match ask {
        Ask::App { route, token, .. } => token.is_some() && *route != crate::ask::Route::Public,
        Ask::Refused { why, .. } => matches!(
            why,
            Refusal::StrangeToken | Refusal::StrangeCode | Refusal::OwnName
        ),
        _ => true,
    }
}

fn needs_wechat(ask: &Ask) -> bool {
    match ask {
        Ask::Login { .. } | Ask::Again { .. } => true,
        Ask::Refused { why, .. } => *why == Refusal::StrangeCode,
        _ => false,
    }
}
