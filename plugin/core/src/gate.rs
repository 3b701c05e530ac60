//! The gate for everything that goes to the app: who it is, and what the app is told of that. Never lets pass what it
//! cannot judge, and makes no verdict.

use alloc::boxed::Box;
use alloc::rc::Rc;

use zeroize::Zeroizing;

use crate::access::strip;
use crate::assertion;
use crate::auth_status::AuthStatus;
use crate::config::{Config, Dispensable};
use crate::head::Head;
use crate::header_names::SESSION_ATTRIBUTES;
use crate::host::{Host, Request};
use crate::login::{Source, log_in, on_the_way, through_app};
use crate::metrics::Counter;
use crate::presented::{Presented, presented, sends_cookie};
use crate::records::login::LoggedIn;
use crate::records::record::SessionRecord;
use crate::records::token::Token;
use crate::refusal_line::{self, LOGIN_REFUSED};
use crate::rejection::{Reason, Rejection};
use crate::reply::{Changes, Subject};
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
    /// What an observed request would have been refused with. Boxed, so that others do not carry the room for it.
    pub(crate) would_refuse: Option<Box<Rejection>>,
}

/// Who the app is told it is.
pub(crate) struct Who {
    /// `None`: nobody.
    pub(crate) session: Option<Rc<SessionRecord>>,
    pub(crate) auth_status: AuthStatus,
}

/// What the gate found out about a request.
struct Findings {
    who: Who,
    holder: Holder,
    login: Login,
    /// Of an observed request.
    would_refuse: Option<Box<Rejection>>,
}

/// What became of a code.
enum Login {
    /// There was no code, or nobody looked.
    None,
    OnTheWay(LoggedIn),
    ThroughApp(LoggedIn),
    /// It only told whose it is: no session came of it.
    Bound(LoggedIn),
    /// It was refused, and the app is to say so: the name of the error.
    Refused(&'static str),
}

/// What a route asks of a request.
#[derive(Clone, Copy)]
pub(crate) struct Terms<'a> {
    pub(crate) need: Need,
    pub(crate) rule: Option<&'a Rule>,
    /// Whatever is wrong with its session, it goes on.
    pub(crate) observed: bool,
}

/// Judges a request for the app.
pub(crate) async fn pass<H: Host, R: Request>(
    context: Context<'_, H>,
    request: &R,
    terms: Terms<'_>,
    mut taken: Option<&mut Taken>,
) -> Result<Passage, Rejection> {
    let Terms {
        need,
        rule,
        observed,
    } = terms;
    let head = request.head();
    let config = context.config();
    let (upgrade, refused_upgrade) = match upgrade::judge(head, rule) {
        Ok(upgrade) => (upgrade, None),
        Err(rejection) if observed && upgrade::may_be_observed(head, rule) => {
            (Upgrade::Named, Some(Box::new(rejection)))
        }
        Err(rejection) => return Err(rejection),
    };
    let found = find(context, request, terms, taken.as_deref()).await?;
    let Findings {
        who,
        holder,
        login,
        would_refuse,
    } = found;
    let mut changes = strip(head, config, &context.worker.keys, observed);
    if let Some(taken) = taken.as_deref_mut() {
        taken.leave(head, &mut changes);
    }
    match upgrade {
        Upgrade::None => {}
        Upgrade::PassedOver => upgrade::pass_over(head, &mut changes),
        // The client's list could name headers of ours, which the next proxy would then drop.
        Upgrade::Named => changes.set.push(("connection".into(), "upgrade".into())),
    }
    if let Some(session) = &who.session {
        introduce(session, config, || context.recent(), &mut changes);
    }
    if observed || need == Need::Optional || rule.is_some_and(|rule| rule.outage != Outage::Closed)
    {
        let name = Rc::clone(&config.identity.auth_status);
        changes.set.push((name, who.auth_status.word().into()));
    }
    changes.drop_needless();
    match &login {
        Login::None => {}
        Login::OnTheWay(login) => on_the_way::tell(login, config, &mut changes),
        Login::ThroughApp(login) => through_app::tell(login, config, &mut changes),
        Login::Bound(login) => through_app::tell_bound(login, &mut changes),
        Login::Refused(error) => through_app::tell_refusal(error, &mut changes),
    }
    let is_login = matches!(login, Login::ThroughApp(_));
    if is_login || config.hears.any() {
        let token = match &holder {
            Ok((token, _)) => Some(token.clone()),
            // It passes without having been looked up.
            Err(_) if who.session.is_some() => shown(head, config, taken.as_deref()),
            Err(_) => None,
        };
        listen(head, &who, token, config, &mut changes);
    }
    Ok(Passage {
        who,
        holder,
        changes,
        would_refuse: refused_upgrade.or(would_refuse),
    })
}

async fn find<H: Host, R: Request>(
    context: Context<'_, H>,
    request: &R,
    terms: Terms<'_>,
    taken: Option<&Taken>,
) -> Result<Findings, Rejection> {
    let login = terms.rule.and_then(|rule| rule.login.as_ref());
    if let (Some(rules), Some(taken)) = (login, taken)
        && taken.login.is_some()
    {
        // Boxed, so that other requests do not carry the room that a login needs.
        return Box::pin(exchange(context, request, terms, rules, taken)).await;
    }
    let found = find_session(context, request, terms, taken, true).await;
    match (login, taken) {
        // A client that was to log in is told that its code is missing, and not that it has no session.
        (Some(rules), Some(taken))
            if !rules.binds && matches!(taken.presented, Ok(Presented::Nothing)) =>
        {
            let named = |rejection: Rejection| match rejection.reason {
                Reason::NoSession => Reason::MissingParameter.with(rules.code.clone()),
                _ => rejection,
            };
            match found {
                Ok(mut found) => {
                    found.would_refuse = found.would_refuse.map(|own| Box::new(named(*own)));
                    Ok(found)
                }
                Err(rejection) => Err(named(rejection)),
            }
        }
        _ => found,
    }
}

/// What comes of the code that a request for the app brings.
async fn exchange<H: Host, R: Request>(
    context: Context<'_, H>,
    request: &R,
    terms: Terms<'_>,
    rules: &LoginThroughApp,
    taken: &Taken,
) -> Result<Findings, Rejection> {
    // An observed login goes by the rules of all logins: it ends the session of its token.
    let presented = taken.presented.as_ref().map_err(Rejection::clone)?;
    let mut found = if rules.binds {
        // Its own code is to be bound, and nobody could be told of two logins.
        find_session(context, request, terms, Some(taken), false).await?
    } else {
        nobody(AuthStatus::Refused, Reason::NoSession.into())
    };
    let Some(params) = &taken.login else {
        return Ok(found);
    };
    let source = Source::Taken {
        params,
        presented,
        binds: rules.binds,
    };
    match log_in(context, request, source, terms.observed).await {
        Ok(login) if rules.binds => found.login = Login::Bound(login),
        Ok(login) => {
            let (token, session) = (login.token.clone(), Rc::clone(&login.session));
            found = somebody(token, session, Login::ThroughApp(login));
        }
        Err(rejection) if rules.app_refuses && through_app::is_for_app(&rejection) => {
            // The app is told its name alone: what WeChat said is for the operator.
            refusal_line::tell(
                context,
                LOGIN_REFUSED,
                request.head(),
                &rejection,
                rejection.http(),
            );
            found.login = Login::Refused(rejection.error());
        }
        Err(rejection) => return Err(rejection),
    }
    Ok(found)
}

/// Whose session it is. `may_log_in`: a code in the request's headers may make one.
async fn find_session<H: Host, R: Request>(
    context: Context<'_, H>,
    request: &R,
    terms: Terms<'_>,
    taken: Option<&Taken>,
    may_log_in: bool,
) -> Result<Findings, Rejection> {
    let Terms {
        need,
        rule,
        observed,
    } = terms;
    let head = request.head();
    if need == Need::Public {
        return Ok(nobody(AuthStatus::Public, Reason::NoSession.into()));
    }
    let sessions = context.sessions();
    let found = match taken {
        None => sessions.of_request(head).await,
        Some(taken) => match taken.presented.clone() {
            Ok(presented) => sessions.of_presented(presented).await,
            Err(rejection) => Err(rejection),
        },
    };
    let rejection = match found {
        Ok((token, session)) => return Ok(somebody(token, session, Login::None)),
        Err(rejection) => rejection,
    };
    let auth_status = match rejection.reason {
        Reason::NoSession => AuthStatus::Missing,
        Reason::InvalidToken => AuthStatus::Invalid,
        Reason::SessionExpired => AuthStatus::Expired,
        Reason::StoreUnavailable => {
            return match in_outage(context, head, need, rule, taken) {
                Some(who) => Ok(Findings {
                    who,
                    holder: Err(rejection),
                    login: Login::None,
                    would_refuse: None,
                }),
                None if observed => Ok(let_on(AuthStatus::Unavailable, rejection)),
                None => Err(rejection),
            };
        }
        Reason::Internal if observed => return Ok(let_on(AuthStatus::Unavailable, rejection)),
        _ if observed => return Ok(let_on(AuthStatus::Invalid, rejection)),
        _ => return Err(rejection),
    };
    if may_log_in && on_the_way::is_asked_for(head, context.config()) {
        // Boxed, so that other requests do not carry the room that a login needs.
        let login = Box::pin(log_in(context, request, Source::Headers, observed)).await?;
        let (token, session) = (login.token.clone(), Rc::clone(&login.session));
        return Ok(somebody(token, session, Login::OnTheWay(login)));
    }
    match need {
        Need::Required if observed => Ok(let_on(auth_status, rejection)),
        Need::Required => Err(rejection),
        _ => Ok(nobody(auth_status, rejection)),
    }
}

/// An observed request that would have been refused.
fn let_on(auth_status: AuthStatus, rejection: Rejection) -> Findings {
    Findings {
        would_refuse: Some(Box::new(rejection.clone())),
        ..nobody(auth_status, rejection)
    }
}

fn somebody(token: Token, session: Rc<SessionRecord>, login: Login) -> Findings {
    Findings {
        who: Who {
            session: Some(Rc::clone(&session)),
            auth_status: AuthStatus::Verified,
        },
        holder: Ok((token, session)),
        login,
        would_refuse: None,
    }
}

fn nobody(auth_status: AuthStatus, why: Rejection) -> Findings {
    Findings {
        who: Who {
            session: None,
            auth_status,
        },
        holder: Err(why),
        login: Login::None,
        would_refuse: None,
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
            let token = shown(head, &worker.config, taken)?;
            let session = worker.verified.borrow().stale(&token, host.now())?;
            host.count(Counter::SessionStale);
            Some(Who {
                session: Some(session),
                auth_status: AuthStatus::Stale,
            })
        }
        // The rule is for others, but this spelling of its path needs a session.
        Outage::Anonymous if need == Need::Required => None,
        Outage::Anonymous => {
            host.count(Counter::SessionAnonymous);
            Some(Who {
                session: None,
                auth_status: AuthStatus::Unavailable,
            })
        }
    }
}

/// The token that a request shows.
fn shown(head: &Head, config: &Config, taken: Option<&Taken>) -> Option<Token> {
    let shown = match taken {
        None => presented(head, &config.session).ok()?,
        Some(taken) => taken.presented.clone().ok()?,
    };
    match shown {
        Presented::Token(token) => Some(token),
        _ => None,
    }
}

/// Changes that let the app say something of the session in its answer.
fn listen(head: &Head, who: &Who, token: Option<Token>, config: &Config, changes: &mut Changes) {
    let subject = who.session.as_ref().zip(token);
    let response = changes.response.get_or_insert_default();
    response.hears = config.hears;
    let cookie = config.session.cookie.as_ref();
    let cookie = cookie.filter(|rules| sends_cookie(head, &rules.name));
    response.cleared = cookie.map(|rules| Rc::clone(&rules.cleared));
    response.subject = subject.map(|(session, token)| Subject {
        token: Zeroizing::new(token.0),
        appid: Rc::clone(&session.appid.0),
        openid: Rc::clone(&session.openid.0),
    });
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
    if identity.tells(Dispensable::Appid) {
        set(&identity.appid, &session.appid.0);
    }
    if identity.tells(Dispensable::Source)
        && let Some(source) = config.source(&session.appid)
    {
        set(&identity.source, source);
    }
    if identity.tells(Dispensable::Unionid)
        && let Some(unionid) = &session.unionid
    {
        set(&identity.unionid, &unionid.0);
    }
    if let Some(attributes) = &session.attributes
        && config.hears.attributes
    {
        set(&SESSION_ATTRIBUTES.into(), &attributes.0);
    }
    if let Some(rules) = &config.assertion
        && let Some(token) = assertion::sign(rules, session, now())
    {
        set(&rules.header, &token.into());
    }
}
