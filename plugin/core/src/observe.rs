//! What becomes of an observed request that would have been refused: it is counted, logged, and the app is told. Refuses
//! nothing itself.

use crate::access::strip;
use crate::auth_status::AuthStatus;
use crate::head::Head;
use crate::header_names::WOULD_REFUSE;
use crate::host::Host;
use crate::metrics::Counter;
use crate::refusal_line::{self, OBSERVED};
use crate::rejection::{Reason, Rejection};
use crate::reply::Changes;
use crate::upgrade::{self, Upgrade};
use crate::worker::Context;

/// Tells the app, and whoever watches, what an observed request would have been refused with.
pub(crate) fn tell<H: Host>(
    context: Context<'_, H>,
    head: &Head,
    would_refuse: Option<&Rejection>,
    changes: &mut Changes,
) {
    let host = context.host;
    let Some(rejection) = would_refuse else {
        host.count(Counter::ObservedOk);
        return;
    };
    host.count(counter(rejection.reason));
    refusal_line::tell(context, OBSERVED, head, rejection, rejection.http());
    changes
        .set
        .push((WOULD_REFUSE.into(), rejection.error().into()));
}

/// Changes to a request whose path can be read in two ways, where the configuration lets these go on. Its route is
/// unknown, so nobody looks for its session.
///
/// # Errors
/// When it asks for another protocol: after the switch nobody looks at what goes through.
pub(crate) fn unrouted<H: Host>(
    context: Context<'_, H>,
    head: &Head,
    rejection: &Rejection,
) -> Result<Changes, Rejection> {
    let config = context.config();
    let upgrade = upgrade::judge(head, None)?;
    let mut changes = strip(head, config, &context.worker.keys, true);
    if upgrade == Upgrade::PassedOver {
        upgrade::pass_over(head, &mut changes);
    }
    let status = config.identity.auth_status.clone();
    changes
        .set
        .push((status, AuthStatus::Unrouted.word().into()));
    changes.drop_needless();
    tell(context, head, Some(rejection), &mut changes);
    Ok(changes)
}

fn counter(reason: Reason) -> Counter {
    match reason {
        Reason::NoSession => Counter::ObservedNoSession,
        Reason::InvalidToken => Counter::ObservedInvalidToken,
        Reason::SessionExpired => Counter::ObservedSessionExpired,
        Reason::InvalidHeader => Counter::ObservedInvalidHeader,
        Reason::OriginRefused => Counter::ObservedOriginRefused,
        Reason::StoreUnavailable => Counter::ObservedStoreUnavailable,
        Reason::UpgradeRefused => Counter::ObservedUpgradeRefused,
        Reason::BadPath => Counter::ObservedBadPath,
        Reason::ReleaseRefused => Counter::ObservedReleaseRefused,
        _ => Counter::ObservedOther,
    }
}
