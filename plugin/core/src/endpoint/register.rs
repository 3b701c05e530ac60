//! `POST /wx/register {encryptedData, iv, rawData?, signature?}`: stores the profile over the one there is, and marks the
//! user. A profile that says nothing changes nothing.

use alloc::vec::Vec;

use serde_json::Value;

use super::answer::{Answer, ok};
use crate::host::{Host, Request};
use crate::open_data;
use crate::profile::{self, Merged};
use crate::records::record::UserRecord;
use crate::rejection::{Reason, Rejection};
use crate::session::users::{Changed, Of, UserChange};
use crate::wechat::encrypted_data::OpenData;
use crate::worker::Context;

pub(super) async fn answer<H: Host, R: Request>(
    context: Context<'_, H>,
    request: &R,
) -> Result<Answer, Rejection> {
    let owner = open_data::receive(context, request, "encryptedData").await?;
    let data = owner.opened.open_data.ok_or(Reason::Internal)?;
    let session = owner.session;
    let owner = Of {
        appid: &session.appid,
        openid: &session.openid,
        before: Vec::new(),
        adds: None,
    };
    let mut registration = Registration { data, view: None };
    context.users().update(owner, &mut registration).await?;
    // A bounded store may have given up the user since the data was opened: the next login makes it anew.
    let view = registration.view.ok_or(Reason::InvalidToken)?;
    Ok(Answer::of(&session, ok(&view)))
}

/// The change of a user that `data` makes.
struct Registration {
    data: OpenData,
    /// The user after it.
    view: Option<Value>,
}

impl Registration {
    fn merged(&self, user: &UserRecord) -> Result<Merged, &'static str> {
        profile::merge(&user.profile, &self.data.json, self.data.shape)
    }
}

impl UserChange for Registration {
    fn apply(&mut self, user: Option<UserRecord>) -> Result<Option<Changed>, Rejection> {
        self.view = None;
        let Some(mut user) = user else {
            return Ok(None);
        };
        let merged = self
            .merged(&user)
            .map_err(|problem| Reason::InvalidParameter.parameter("encryptedData", problem))?;
        // An anonymous profile is an answer too: the client sees what there is.
        if let Merged::Profile(profile) = merged {
            user.profile = profile;
            user.registered = true;
        }
        self.view = Some(profile::view(&user));
        Ok(Some(Changed::only(user)))
    }

    /// Merged once more, it is as it was.
    fn is_there(&self, user: &UserRecord) -> bool {
        match self.merged(user) {
            Ok(Merged::Profile(profile)) => user.registered && profile == user.profile,
            _ => true,
        }
    }
}
