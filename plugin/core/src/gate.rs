//! The gate for everything that goes to the app: session, then identity headers. Never forwards what it cannot judge.

use alloc::boxed::Box;
use alloc::rc::Rc;

use crate::access::strip;
use crate::assertion;
use crate::edge::Edge;
use crate::endpoint::{Place, log_in};
use crate::host::{Head, Host, Request};
use crate::metrics::Counter;
use crate::piggyback;
use crate::presented::{Presented, presented};
use crate::rejection::{Reason, Rejection};
use crate::reply::{Action, Changes, Verdict};
use crate::route::{Need, Outage, Rule};
use crate::session::record::SessionRecord;
use crate::session::sessions;
use crate::session::token::Token;
use crate::upgrade::{self, Upgrade};

/// Whose open data may be opened, or why nobody's.
pub(crate) type Holder = Result<(Token, Rc<SessionRecord>), Rejection>;

/// Judges a request for the app.
pub(crate) async fn pass<H: Host, R: Request>(
    edge: &Edge,
    host: &H,
    request: &R,
    need: Need,
    rule: Option<&Rule>,
) -> Result<(Verdict, Holder), Rejection> {
    let head = request.head();
    let upgrade = upgrade::judge(head, rule)?;
    let may_vary = need == Need::Optional || rule.is_some_and(|rule| rule.outage != Outage::Closed);
    let let_through = |session: Option<Rc<SessionRecord>>, auth_status| {
        let mut changes = strip(head, &edge.config);
        if upgrade == Upgrade::PassedOver {
            upgrade::pass_over(head, &mut changes);
        }
        let session = session.as_ref();
        forward(
            edge,
            host,
            changes,
            session,
            auth_status,
            may_vary,
            upgrade == Upgrade::Named,
        )
    };
    if need == Need::Public {
        return Ok((let_through(None, "public"), Err(Reason::NoSession.into())));
    }
    let rejection = match session(edge, host, head).await {
        Ok(holder) => {
            let verdict = let_through(Some(Rc::clone(&holder.1)), "verified");
            return Ok((verdict, Ok(holder)));
        }
        Err(rejection) => rejection,
    };
    let status = match rejection.reason {
        Reason::NoSession => "missing",
        Reason::InvalidToken => "invalid",
        Reason::SessionExpired => "expired",
        Reason::StoreUnavailable => {
            let Some((session, status)) = in_outage(edge, host, head, need, rule) else {
                return Err(rejection);
            };
            return Ok((let_through(session, status), Err(rejection)));
        }
        _ => return Err(rejection),
    };
    if piggyback::is_asked_for(head, &edge.config) {
        // Boxed, so that other requests do not carry the room that a login needs.
        let login = Box::pin(log_in(edge, host, request, Place::Headers)).await?;
        let verdict = let_through(Some(Rc::clone(&login.session)), "verified");
        let verdict = piggyback::told(edge, &login, verdict);
        return Ok((verdict, Ok((login.token, login.session))));
    }
    if need == Need::Required {
        return Err(rejection);
    }
    Ok((let_through(None, status), Err(rejection)))
}

/// Who passes while the store cannot be asked, and as what: nobody, unless the route says so.
fn in_outage<H: Host>(
    edge: &Edge,
    host: &H,
    head: &Head,
    need: Need,
    rule: Option<&Rule>,
) -> Option<(Option<Rc<SessionRecord>>, &'static str)> {
    match rule?.outage {
        Outage::Closed => None,
        Outage::Stale => {
            let Ok(Presented::Token(token)) = presented(head, &edge.config.session) else {
                return None;
            };
            let session = edge.cache.borrow().stale(&token, host.now())?;
            host.count(Counter::SessionStale);
            Some((Some(session), "stale"))
        }
        // The rule is for others, but this spelling of its path needs a session.
        Outage::Anonymous if need == Need::Required => None,
        Outage::Anonymous => {
            host.count(Counter::SessionAnonymous);
            Some((None, "unavailable"))
        }
    }
}

/// The token of a request and the session that it proves.
pub(crate) async fn session<H: Host>(
    edge: &Edge,
    host: &H,
    head: &Head,
) -> Result<(Token, Rc<SessionRecord>), Rejection> {
    match presented(head, &edge.config.session)? {
        Presented::Token(token) => {
            let session = sessions::verify(edge, host, &token).await?;
            Ok((token, session))
        }
        Presented::Malformed => {
            host.count(Counter::SessionDenied);
            Err(Reason::InvalidToken.into())
        }
        Presented::Nothing => {
            host.count(Counter::SessionAbsent);
            Err(Reason::NoSession.into())
        }
    }
}

fn forward(
    edge: &Edge,
    host: &impl Host,
    mut changes: Changes,
    session: Option<&Rc<SessionRecord>>,
    auth_status: &'static str,
    tells_status: bool,
    upgrades: bool,
) -> Verdict {
    let identity = &edge.config.identity;
    if upgrades {
        // The client's list could name headers of ours, which the next proxy would then drop.
        changes.set.push(("connection".into(), "upgrade".into()));
    }
    let mut set = |name: &Rc<str>, value: &Rc<str>| {
        changes.set.push((Rc::clone(name), Rc::clone(value)));
    };
    if let Some(session) = session {
        set(&identity.openid, &session.openid.0);
        set(&identity.appid, &session.appid.0);
        set(&identity.source, &identity.wx_client);
        if let Some(unionid) = &session.unionid {
            set(&identity.unionid, &unionid.0);
        }
        if let Some(rules) = &edge.config.assertion
            && let Some(token) = assertion::sign(rules, session, host.now())
        {
            set(&rules.header, &token.into());
        }
    }
    if tells_status {
        set(&identity.auth_status, &auth_status.into());
    }
    changes.drop_needless();
    Verdict {
        action: Action::Forward(changes),
        openid: session.map(|session| Rc::clone(&session.openid.0)),
        auth_status,
    }
}
