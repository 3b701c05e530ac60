//! A phone number for the code of its button, from WeChat over TLS. A code that WeChat refuses counts against the session as
//! open data does that did not open: nobody tries codes at the app's expense.

use alloc::string::String;

use crate::host::Host;
use crate::metrics::Counter;
use crate::records::record::SessionRecord;
use crate::records::token::Token;
use crate::rejection::{Reason, Rejection};
use crate::wechat::phone_number::{self, PhoneNumber};
use crate::wechat_api::call::{Call, app_of, call};
use crate::wechat_api::failure::Failure;
use crate::worker::Context;

/// The number that `code` stands for, asked for by the owner of `token`; `name` is what the client calls the code.
pub(crate) async fn number<H: Host>(
    context: Context<'_, H>,
    token: &Token,
    session: &SessionRecord,
    name: &str,
    code: &str,
) -> Result<PhoneNumber, Rejection> {
    let host = context.host;
    let app = app_of(context.config(), &session.appid, Reason::InvalidToken, name)?;
    if !phone_number::is_code(code) {
        let problem = "must be e.detail.code of the button getPhoneNumber: 64 hexadecimal digits; a code of wx.login \
                       is another one";
        return Err(Reason::InvalidParameter.parameter(name, problem));
    }
    let openings = context.openings();
    let opening = openings.reserve(token).await?;
    let _guard = openings.lock(token).await?;
    openings.turn(token, session).await?;
    let question = Call {
        method: "POST",
        path: phone_number::PATH,
        query: String::new(),
        body: phone_number::body(code, &session.openid),
        must_finish: false,
    };
    let failure = match call(context, app, &question, phone_number::read).await {
        Ok(number) if number.appid == app.appid => {
            host.count(Counter::PhoneOk);
            return Ok(number);
        }
        Ok(_) => {
            host.count(Counter::PhoneFailed);
            return Err(Reason::WechatError.with("the number is of another mini program"));
        }
        Err(failure) => failure,
    };
    match failure {
        // Spent, too old or of wx.login; of another app; of another user.
        Failure::Said(errcode @ (40029 | 40013 | 40003), rid) => {
            host.count(Counter::PhoneRefused);
            openings.failed(token, session, opening).await?;
            let problem = "the code was used before, is older than five minutes, or is not of this mini program and user: \
                           the button gives a new one";
            Err(Reason::InvalidPhoneCode
                .said_by_platform(errcode, rid)
                .because(problem))
        }
        failure => {
            host.count(Counter::PhoneFailed);
            Err(failure.rejection())
        }
    }
}
