//! The gate for everything that goes to the app: who it is, and what the app is told of that. Never lets pass what it
//! cannot judge, and makes no verdict.

use alloc::boxed::Box;
use alloc::rc::Rc;

use crate::access::strip;
use crate::assertion;
use crate::config::Config;
use crate::head::Head;
use crate::host::{Host, Request};
use crate::login::{Source, log_in, on_the_way, through_app};
use crate::metrics::Counter;
use crate::presented::{Presented, presented};
use crate::records::login::LoggedIn;
use crate::records::record::SessionRecord;
use crate::records::token::Token;
use crate::rejection::{Reason, Rejection};
use crate::reply::Changes;
use crate::route::{LoginThroughApp, Need, Outage, Rule};
use crate::taken::Taken;
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
    login: Login,
}

/// What became of a code.
enum Login {
    /// There was none, or nobody looked.
    None,
    OnTheWay(LoggedIn),
    ThroughApp(LoggedIn),
    /// It only said whose it is.
    Bound(LoggedIn),
    /// The app is to say so: the name of the error.
    Refused(&'static str),
}

/// Judges a request for the app.
pub(crate) async fn pass<H: Host, R: Request>(
    context: Context<'_, H>,
    request: &R,
    need: Need,
    rule: Option<&Rule>,
    taken: Option<&mut Taken>,
) -> Result<Passage, Rejection> {
    let head = request.head();
    let config = context.config();
    let upgrade = upgrade::judge(head, rule)?;
    let found = find(context, request, need, rule, taken.as_deref()).await?;
    let Findings { who, holder, login } = found;
    let mut changes = strip(head, config);
    if let Some(taken) = taken {
        taken.leave(head, &mut changes);
    }
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
    match &login {
        Login::None => {}
        Login::OnTheWay(login) => on_the_way::tell(login, config, &mut changes),
        Login::ThroughApp(login) => through_app::tell(login, config, &mut changes),
        Login::Bound(login) => through_app::tell_bound(login, &mut changes),
        Login::Refused(error) => through_app::tell_refusal(error, &mut changes),
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
    taken: Option<&Taken>,
) -> Result<Findings, Rejection> {
    let login = rule.and_then(|rule| rule.login.as_ref());
    if let (Some(rules), Some(taken)) = (login, taken)
        && taken.login.is_some()
    {
        // Boxed, so that other requests do not carry the room that a login needs.
        return Box::pin(exchange(context, request, (need, rule), rules, taken)).await;
    }
    let found = find_session(context, request, need, rule, taken).await;
    match (login, taken) {
        // Who was to log in is told what is missing, and not that it is not logged in.
        (Some(rules), Some(taken))
            if !rules.binds && matches!(taken.presented, Presented::Nothing) =>
        {
            found.map_err(|rejection| match rejection.reason {
                Reason::NoSession => Reason::MissingParameter.with(rules.code.clone()),
                _ => rejection,
            })
        }
        _ => found,
    }
}

/// What comes of the code that a request for the app brings.
async fn exchange<H: Host, R: Request>(
    context: Context<'_, H>,
    request: &R,
    (need, rule): (Need, Option<&Rule>),
    rules: &LoginThroughApp,
    taken: &Taken,
) -> Result<Findings, Rejection> {
    let mut found = if rules.binds {
        find_session(context, request, need, rule, Some(taken)).await?
    } else {
        nobody("refused", Reason::NoSession.into())
    };
    let Some(params) = &taken.login else {
        return Ok(found);
    };
    let source = Source::Taken {
        params,
        presented: &taken.presented,
        binds: rules.binds,
    };
    match log_in(context, request, source).await {
        Ok(login) if rules.binds => found.login = Login::Bound(login),
        Ok(login) => {
            let (token, session) = (login.token.clone(), Rc::clone(&login.session));
            found = somebody(token, session, Login::ThroughApp(login));
        }
        Err(rejection) if rules.app_refuses && through_app::is_for_app(&rejection) => {
            found.login = Login::Refused(rejection.error());
        }
        Err(rejection) => return Err(rejection),
    }
    Ok(found)
}

async fn find_session<H: Host, R: Request>(
    context: Context<'_, H>,
    request: &R,
    need: Need,
    rule: Option<&Rule>,
    taken: Option<&Taken>,
) -> Result<Findings, Rejection> {
    let head = request.head();
    if need == Need::Public {
        return Ok(nobody("public", Reason::NoSession.into()));
    }
    let sessions = context.sessions();
    let found = match taken {
        None => sessions.of_request(head).await,
        Some(taken) => sessions.of_presented(taken.presented.clone()).await,
    };
    let rejection = match found {
        Ok((token, session)) => return Ok(somebody(token, session, Login::None)),
        Err(rejection) => rejection,
    };
    let auth_status = match rejection.reason {
        Reason::NoSession => "missing",
        Reason::InvalidToken => "invalid",
        Reason::SessionExpired => "expired",
        Reason::StoreUnavailable => {
            let Some(who) = in_outage(context, head, need, rule, taken) else {
                return Err(rejection);
            };
            return Ok(Findings {
                who,
                holder: Err(rejection),
                login: Login::None,
            });
        }
        _ => return Err(rejection),
    };
    if on_the_way::is_asked_for(head, context.config()) {
        // Boxed, so that other requests do not carry the room that a login needs.
        let login = Box::pin(log_in(context, request, Source::Headers)).await?;
        let (token, session) = (login.token.clone(), Rc::clone(&login.session));
        return Ok(somebody(token, session, Login::OnTheWay(login)));
    }
    if need == Need::Required {
        return Err(rejection);
    }
    Ok(nobody(auth_status, rejection))
}

fn somebody(token: Token, session: Rc<SessionRecord>, login: Login) -> Findings {
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
        login: Login::None,
    }
}

/// Who passes while the store cannot be asked, and as what: nobody, unless the route says so.
fn in_outage<H: Host>(
    context: Context<'_, H>,
    head: &Head,
    need: Need,
    rule: Option<&Rule>,
    taken: Option<&Taken>,
) -> Option<Who> {
    let Context { worker, host } = context;
    match rule?.outage {
        Outage::Closed => None,
        Outage::Stale => {
            let shown = match taken {
                None => presented(head, &worker.config.session).ok()?,
                Some(taken) => taken.presented.clone(),
            };
            let Presented::Token(token) = shown else {
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
    if let Some(source) = config.source(&session.appid) {
        set(&identity.source, source);
    }
    if let Some(unionid) = &session.unionid {
        set(&identity.unionid, &unionid.0);
    }
    if let Some(rules) = &config.assertion
        && let Some(token) = assertion::sign(rules, session, now())
    {
        set(&rules.header, &token.into());
    }
}
