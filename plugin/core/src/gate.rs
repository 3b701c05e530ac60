//! The gate for everything that goes to the app: who it is, and what the app is told of that. Never lets pass what it
//! cannot judge, and makes no verdict.

use alloc::boxed::Box;
use alloc::rc::Rc;

use crate::access::strip;
use crate::assertion;
use crate::config::Config;
use crate::head::Head;
use crate::host::{Host, Request};
use crate::login::{Source, log_in, on_the_way};
use crate::metrics::Counter;
use crate::presented::{Presented, presented};
use crate::records::login::LoggedIn;
use crate::records::record::SessionRecord;
use crate::records::token::Token;
use crate::rejection::{Reason, Rejection};
use crate::reply::Changes;
use crate::route::{Need, Outage, Rule};
use crate::time::UnixMillis;
use crate::upgrade::{self, Upgrade};
use crate::worker::Context;

/// Whose open data may be opened, or why nobody's.
pub(crate) type Holder = Result<(Token, Rc<SessionRecord>), Rejection>;

/// A request that may go on to the app.
pub(crate) struct Passage {
    pub(crate) who: Who,
    pub(crate) holder: Holder,
    pub(crate) changes: Changes,
}

/// Who the app is told it is.
pub(crate) struct Who {
    /// `None`: nobody.
    pub(crate) session: Option<Rc<SessionRecord>>,
    /// One word for it.
    pub(crate) auth_status: &'static str,
}

/// What the gate found out about a request.
struct Findings {
    who: Who,
    holder: Holder,
    /// The request was logged in on its way.
    login: Option<LoggedIn>,
}

/// Judges a request for the app.
pub(crate) async fn pass<H: Host, R: Request>(
    context: Context<'_, H>,
    request: &R,
    need: Need,
    rule: Option<&Rule>,
) -> Result<Passage, Rejection> {
    let head = request.head();
    let config = context.config();
    let upgrade = upgrade::judge(head, rule)?;
    let Findings { who, holder, login } = find(context, request, need, rule).await?;
    let mut changes = strip(head, config);
    match upgrade {
        Upgrade::None => {}
        Upgrade::PassedOver => upgrade::pass_over(head, &mut changes),
        // The client's list could name headers of ours, which the next proxy would then drop.
        Upgrade::Named => changes.set.push(("connection".into(), "upgrade".into())),
    }
    if let Some(session) = &who.session {
        introduce(session, config, || context.host.now(), &mut changes);
    }
    if need == Need::Optional || rule.is_some_and(|rule| rule.outage != Outage::Closed) {
        let name = Rc::clone(&config.identity.auth_status);
        changes.set.push((name, who.auth_status.into()));
    }
    changes.drop_needless();
    if let Some(login) = &login {
        on_the_way::tell(login, config, &mut changes);
    }
    Ok(Passage {
        who,
        holder,
        changes,
    })
}

async fn find<H: Host, R: Request>(
    context: Context<'_, H>,
    request: &R,
    need: Need,
    rule: Option<&Rule>,
) -> Result<Findings, Rejection> {
    let head = request.head();
    if need == Need::Public {
        return Ok(nobody("public", Reason::NoSession.into()));
    }
    let rejection = match context.sessions().of_request(head).await {
        Ok((token, session)) => return Ok(somebody(token, session, None)),
        Err(rejection) => rejection,
    };
    let auth_status = match rejection.reason {
        Reason::NoSession => "missing",
        Reason::InvalidToken => "invalid",
        Reason::SessionExpired => "expired",
        Reason::StoreUnavailable => {
            let Some(who) = in_outage(context, head, need, rule) else {
                return Err(rejection);
            };
            return Ok(Findings {
                who,
                holder: Err(rejection),
                login: None,
            });
        }
        _ => return Err(rejection),
    };
    if on_the_way::is_asked_for(head, context.config()) {
        // Boxed, so that other requests do not carry the room that a login needs.
        let login = Box::pin(log_in(context, request, Source::Headers)).await?;
        let (token, session) = (login.token.clone(), Rc::clone(&login.session));
        return Ok(somebody(token, session, Some(login)));
    }
    if need == Need::Required {
        return Err(rejection);
    }
    Ok(nobody(auth_status, rejection))
}

fn somebody(token: Token, session: Rc<SessionRecord>, login: Option<LoggedIn>) -> Findings {
    Findings {
        who: Who {
            session: Some(Rc::clone(&session)),
            auth_status: "verified",
        },
        holder: Ok((token, session)),
        login,
    }
}

fn nobody(auth_status: &'static str, why: Rejection) -> Findings {
    Findings {
        who: Who {
            session: None,
            auth_status,
        },
        holder: Err(why),
        login: None,
    }
}

/// Who passes while the store cannot be asked, and as what: nobody, unless the route says so.
fn in_outage<H: Host>(
    context: Context<'_, H>,
    head: &Head,
    need: Need,
    rule: Option<&Rule>,
) -> Option<Who> {
    let Context { worker, host } = context;
    match rule?.outage {
        Outage::Closed => None,
        Outage::Stale => {
            let Ok(Presented::Token(token)) = presented(head, &worker.config.session) else {
                return None;
            };
            let session = worker.verified.borrow().stale(&token, host.now())?;
            host.count(Counter::SessionStale);
            Some(Who {
                session: Some(session),
                auth_status: "stale",
            })
        }
        // The rule is for others, but this spelling of its path needs a session.
        Outage::Anonymous if need == Need::Required => None,
        Outage::Anonymous => {
            host.count(Counter::SessionAnonymous);
            Some(Who {
                session: None,
                auth_status: "unavailable",
            })
        }
    }
}

/// Changes that tell the app whose request it is.
fn introduce(
    session: &SessionRecord,
    config: &Config,
    now: impl Fn() -> UnixMillis,
    changes: &mut Changes,
) {
    let identity = &config.identity;
    let mut set = |name: &Rc<str>, value: &Rc<str>| {
        changes.set.push((Rc::clone(name), Rc::clone(value)));
    };
    set(&identity.openid, &session.openid.0);
    set(&identity.appid, &session.appid.0);
    set(&identity.source, &identity.wx_client);
    if let Some(unionid) = &session.unionid {
        set(&identity.unionid, &unionid.0);
    }
    if let Some(rules) = &config.assertion
        && let Some(token) = assertion::sign(rules, session, now())
    {
        set(&rules.header, &token.into());
    }
}
