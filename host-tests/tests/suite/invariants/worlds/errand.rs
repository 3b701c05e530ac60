//! One request of a world: how it looks, and what it is about, as far as anybody can know before its answer.

use super::setting::Theme;
use crate::rig::Ask;

/// What a client writes where only the edge may say something. None of it may reach the app.
pub(super) const FORGED: &str = "forged-by-a-client";

/// All kinds of requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Check,
    Upload,
    Feed,
    Anonymous,
    Stale,
    Enforced,
    Watched,
    Public,
    Foreign,
    Torn,
    BadPath,
    Socket,
    Preflight,
    Carried,
    OnTheWay,
    OpenBody,
    Session,
    CheckedSession,
    User,
    Decrypt,
    Verify,
    Register,
    Phone,
    Login,
    LoginWithData,
    LoginInHeaders,
    BadLogin,
    Logout,
    Everywhere,
    AuthBody,
    AuthQuery,
    AuthHeaders,
    AuthTold,
    Bind,
    WaferLogin,
    WaferUser,
    Sessions,
    End,
    EndAll,
    Attributes,
    ResetKey,
    Message,
    Forgery,
    Echo,
}

impl Kind {
    pub(super) const ALL: &'static [Self] = &[
        Self::Check,
        Self::Upload,
        Self::Feed,
        Self::Anonymous,
        Self::Stale,
        Self::Enforced,
        Self::Watched,
        Self::Public,
        Self::Foreign,
        Self::Torn,
        Self::BadPath,
        Self::Socket,
        Self::Preflight,
        Self::Carried,
        Self::OnTheWay,
        Self::OpenBody,
        Self::Session,
        Self::CheckedSession,
        Self::User,
        Self::Decrypt,
        Self::Verify,
        Self::Register,
        Self::Phone,
        Self::Login,
        Self::LoginWithData,
        Self::LoginInHeaders,
        Self::BadLogin,
        Self::Logout,
        Self::Everywhere,
        Self::AuthBody,
        Self::AuthQuery,
        Self::AuthHeaders,
        Self::AuthTold,
        Self::Bind,
        Self::WaferLogin,
        Self::WaferUser,
        Self::Sessions,
        Self::End,
        Self::EndAll,
        Self::Attributes,
        Self::ResetKey,
        Self::Message,
        Self::Forgery,
        Self::Echo,
    ];

    /// To whom it goes.
    pub(super) fn place(self, theme: Theme) -> Place {
        use Kind::{
            Anonymous, Attributes, AuthBody, AuthHeaders, AuthQuery, AuthTold, BadLogin, BadPath,
            Bind, Carried, Check, CheckedSession, Decrypt, Echo, End, EndAll, Enforced, Everywhere,
            Feed, Foreign, Forgery, Login, LoginInHeaders, LoginWithData, Logout, Message,
            OnTheWay, OpenBody, Phone, Preflight, Public, Register, ResetKey, Session, Sessions,
            Socket, Stale, Torn, Upload, User, Verify, WaferLogin, WaferUser, Watched,
        };
        let observed = theme == Theme::Observed;
        let app = |need| Place::App { need, observed };
        match self {
            Check | Upload | Stale | Foreign | Torn | Socket | Carried | OnTheWay | OpenBody
            | Bind => app(Need::Required),
            Feed | Anonymous | AuthTold => app(Need::Optional),
            Public | AuthBody | AuthQuery | AuthHeaders => app(Need::Public),
            Enforced => Place::App {
                need: Need::Required,
                observed: false,
            },
            Watched => Place::App {
                need: Need::Required,
                observed: true,
            },
            Preflight if theme == Theme::Wide => app(Need::Public),
            Preflight => app(Need::Required),
            // Nobody goes by such a path.
            BadPath => Place::Nowhere,
            // They are paths of the app where Wafer's clients are not served.
            WaferLogin | WaferUser if theme != Theme::Wide => app(Need::Required),
            Session | CheckedSession | User | Decrypt | Verify | Register | Phone | Login
            | LoginWithData | LoginInHeaders | BadLogin | Logout | Everywhere | WaferLogin
            | WaferUser => Place::Endpoint,
            Sessions | End | EndAll | Attributes | ResetKey => Place::BackChannel,
            Message | Forgery | Echo => Place::Push,
        }
    }
}

/// To whom a request goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    App {
        need: Need,
        observed: bool,
    },
    Endpoint,
    BackChannel,
    Push,
    /// The backend's door to WeChat's API.
    Door,
    Nowhere,
}

/// What its route asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Need {
    Required,
    Optional,
    Public,
}

/// A request, and what it is about.
#[derive(Clone, Debug)]
pub(super) struct Errand {
    pub(super) kind: Kind,
    pub(super) place: Place,
    pub(super) ask: Ask,
    /// The token that it shows where one is looked for, by its number in the ledger.
    pub(super) shows: Option<usize>,
    /// The code that it brings, by its number.
    pub(super) brings: Option<usize>,
    /// It has open data or the code of a phone number, which may be bad.
    pub(super) opens: bool,
    /// Whom the operator means, by number.
    pub(super) about: Option<usize>,
    /// Which session of theirs, by its number in the ledger.
    pub(super) means: Option<usize>,
    /// It has the operator's token, it is WeChat's, it is listed, or nothing of the kind is asked of it.
    pub(super) is_entitled: bool,
    /// What a message says, or a call of the backend's: nothing else says it.
    pub(super) word: String,
}

impl Errand {
    /// What may come of the code it brings.
    pub(super) fn login(&self) -> Login {
        if self.brings.is_none() {
            return Login::None;
        }
        match self.kind {
            Kind::Login | Kind::LoginWithData | Kind::LoginInHeaders | Kind::WaferLogin => {
                Login::Endpoint
            }
            Kind::AuthBody | Kind::AuthQuery | Kind::AuthHeaders | Kind::AuthTold => {
                Login::ThroughApp
            }
            Kind::OnTheWay => Login::OnTheWay,
            Kind::Bind => Login::Binds,
            _ => Login::None,
        }
    }
}

impl Errand {
    /// Its body has not come whole: then nothing in it counts.
    pub(super) fn is_cut(&mut self) {
        match self.kind {
            Kind::Login | Kind::LoginWithData | Kind::AuthBody | Kind::AuthTold | Kind::Bind => {
                self.brings = None;
            }
            Kind::Everywhere => self.kind = Kind::Logout,
            _ => {}
        }
        if matches!(
            self.kind,
            Kind::AuthBody | Kind::Carried | Kind::Login | Kind::LoginWithData
        ) {
            self.shows = None;
        }
    }
}

/// What comes of a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Login {
    None,
    /// The client gets a token.
    Endpoint,
    /// The app gets a token.
    ThroughApp,
    /// The client gets a token with the app's answer, if it shows none that is good.
    OnTheWay,
    /// The app learns whose it is.
    Binds,
}
