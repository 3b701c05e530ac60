//! Whether a request goes on, by the release that its client says it is: judged by the list of the app whose session or
//! login it is, as soon as that is known.

use alloc::boxed::Box;
use alloc::rc::Rc;
use alloc::string::{String, ToString as _};

use crate::config::Config;
use crate::head::Head;
use crate::host::Host;
use crate::records::record::SessionRecord;
use crate::records::token::Token;
use crate::rejection::{Reason, Rejection};
use crate::release;
use crate::worker::Context;

/// What becomes of it, if it goes on.
pub(crate) enum Judged {
    Listed,
    /// The app is told which it is.
    Told(String),
    /// It is observed.
    Refused(Box<Rejection>),
}

/// `appid`: of the session or the login, if there is one.
///
/// # Errors
/// The release is not listed, and what is not listed is refused.
pub(crate) fn judge(
    head: &Head,
    config: &Config,
    appid: Option<&str>,
    observed: bool,
) -> Result<Judged, Rejection> {
    let apps = config.mini_programs.iter().map(|own| &*own.appid);
    let Some(unlisted) = release::unlisted(&config.releases, apps, head, appid) else {
        return Ok(Judged::Listed);
    };
    let release = unlisted.release.to_string();
    if unlisted.tells {
        return Ok(Judged::Told(release));
    }
    let rejection = Reason::ReleaseRefused.parameter("referer", &(release + " is not listed"));
    if observed {
        Ok(Judged::Refused(Box::new(rejection)))
    } else {
        Err(rejection)
    }
}

/// The token of a request for an endpoint and the session that it proves, for a release that its app lists.
pub(crate) async fn session_of<H: Host>(
    context: Context<'_, H>,
    head: &Head,
) -> Result<(Token, Rc<SessionRecord>), Rejection> {
    let (token, session) = context.sessions().of_request(head).await?;
    judge(head, context.config(), Some(&session.appid), false)?;
    Ok((token, session))
}
