//! `POST /wx/register {encryptedData, iv, rawData?, signature?}`: stores the profile over the one there is, and marks the
//! user. A profile that says nothing changes nothing.

use alloc::string::String;

use serde_json::Value;
use zeroize::Zeroizing;

use super::answer::{Answer, ok};
use crate::host::{Host, Request};
use crate::open_data;
use crate::profile::{self, Merged};
use crate::records::record::{SessionRecord, UserRecord};
use crate::rejection::{Reason, Rejection};
use crate::session::users::{Changed, UserChange, UserUpdate};
use crate::wechat::encrypted_data::ENCRYPTED;
use crate::wechat::payload::Shape;
use crate::worker::Context;

pub(super) async fn answer<H: Host, R: Request>(
    context: Context<'_, H>,
    request: &R,
) -> Result<Answer, Rejection> {
    let owner = open_data::receive(context, request, ENCRYPTED).await?;
    let data = owner.opened.open_data.ok_or(Reason::Internal)?;
    let session = owner.session;
    let registration = Registration::new(data.json, data.shape, ENCRYPTED);
    let view = register(context, &session, registration).await?;
    Ok(Answer::of(&session, ok(&view)))
}

/// Changes the user of a session, and shows it.
pub(super) async fn register<H: Host>(
    context: Context<'_, H>,
    session: &SessionRecord,
    mut registration: Registration,
) -> Result<Value, Rejection> {
    let owner = UserUpdate::of(&session.appid, &session.openid);
    context.users().update(owner, &mut registration).await?;
    // A bounded store may have given up the user since the data was opened: the next login makes it anew.
    registration.view.ok_or(Reason::InvalidToken.into())
}

/// The change of a user that data of WeChat's makes.
pub(super) struct Registration {
    json: Zeroizing<String>,
    shape: Shape,
    /// The parameter by which it came.
    name: &'static str,
    /// The user after it.
    view: Option<Value>,
}

impl Registration {
    pub(super) fn new(json: Zeroizing<String>, shape: Shape, name: &'static str) -> Self {
        Self {
            json,
            shape,
            name,
            view: None,
        }
    }

    fn merged(&self, user: &UserRecord) -> Result<Merged, &'static str> {
        profile::merge(&user.profile, &self.json, self.shape)
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
            .map_err(|problem| Reason::InvalidParameter.parameter(self.name, problem))?;
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
