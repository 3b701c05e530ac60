//! Every counter and histogram, in one table. Hosts define them by name at start and then only by index.

macro_rules! metrics {
    ($(#[$doc:meta])* $kind:ident { $($(#[$item_doc:meta])* $item:ident = $name:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum $kind { $($(#[$item_doc])* $item,)* }

        impl $kind {
            /// All of them, in the order of their indexes.
            pub const ALL: &'static [Self] = &[$(Self::$item,)*];

            /// The name under which a host shows it.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Self::$item => $name,)* }
            }
        }
    };
}

metrics! {
    /// Things that are counted.
    Counter {
        /// A login that minted a session.
        LoginOk = "wx_session.login.ok",
        /// The same code again within the memory: the same login was given back.
        LoginRepeated = "wx_session.login.repeated",
        /// WeChat refused the code (40029, 40163).
        LoginBadCode = "wx_session.login.bad_code",
        /// Refused because of the request itself: parameters, body, content type.
        LoginBadRequest = "wx_session.login.bad_request",
        /// WeChat limits this user (45011), this edge limits the client's network, or too many wait for one code.
        LoginLimited = "wx_session.login.limited",
        /// WeChat blocks this user (40226).
        LoginBlocked = "wx_session.login.blocked",
        /// Refused because WeChat, the store or the configuration failed.
        LoginFailed = "wx_session.login.failed",
        /// A session found in the verified cache.
        SessionHit = "wx_session.session.hit",
        /// A session found in the store.
        SessionMiss = "wx_session.session.miss",
        /// A session that had expired.
        SessionExpired = "wx_session.session.expired",
        /// A token that is malformed or names no session.
        SessionDenied = "wx_session.session.denied",
        /// A request that needs or may have a session came without a token.
        SessionAbsent = "wx_session.session.absent",
        /// A session that passed unverified while the store was down: the route says `outage: stale`.
        SessionStale = "wx_session.session.stale",
        /// A request that passed without identity while the store was down: the route says `outage: anonymous`.
        SessionAnonymous = "wx_session.session.anonymous",
        /// A session whose idle time the store was asked to extend.
        SessionRenewed = "wx_session.session.renewed",
        /// A session ended because open data failed too often.
        SessionEnded = "wx_session.session.ended",
        /// Sessions ended because the app has said so, or has refused a login.
        SessionEndedByApp = "wx_session.session.ended_by_app",
        /// The store never heard that sessions are to end: the app has said so, but they live on elsewhere.
        SessionNotEnded = "wx_session.session.not_ended",
        /// A session remembers something for its app.
        SessionAttributes = "wx_session.session.attributes",
        /// A request that was refused for its path or method, before any route.
        RequestRefused = "wx_session.request.refused",
        /// A request that was refused, or given up, because too many wait.
        RequestOverloaded = "wx_session.request.overloaded",
        /// A request whose body did not come in time.
        RequestBodyTimeout = "wx_session.request.body_timeout",
        /// What an operator asked for on the back channel was done.
        AdminOk = "wx_session.admin.ok",
        /// It was not, because of the request itself.
        AdminBadRequest = "wx_session.admin.bad_request",
        /// It was not, because the store or the configuration failed.
        AdminFailed = "wx_session.admin.failed",
        /// A request for the back channel with a wrong token, or none.
        AdminWrongToken = "wx_session.admin.wrong_token",
        /// Open data opened or verified with the current key.
        OpenDataCurrent = "wx_session.open_data.current",
        /// Open data opened or verified with the previous key.
        OpenDataPrevious = "wx_session.open_data.previous",
        /// Open data that no key of the ring opened.
        OpenDataRefused = "wx_session.open_data.refused",
        /// Base64 that arrived damaged and was repaired.
        Base64Repaired = "wx_session.open_data.repaired",
        /// WeChat answered with a login.
        WechatOk = "wx_session.wechat.ok",
        /// WeChat answered with an errcode.
        WechatErrcode = "wx_session.wechat.errcode",
        /// WeChat said that it is busy (-1).
        WechatBusy = "wx_session.wechat.busy",
        /// No answer from WeChat.
        WechatUnavailable = "wx_session.wechat.unavailable",
        /// An answer that is none of WeChat's: another status than 200, no JSON, too long.
        WechatUnreadable = "wx_session.wechat.unreadable",
        /// WeChat was not asked, for the breaker is open.
        WechatBreaker = "wx_session.wechat.breaker_open",
        /// WeChat gave an access_token: a new one, or the one that it has.
        TokenFetched = "wx_session.token.fetched",
        /// An access_token of another worker or edge, found in the store.
        TokenFound = "wx_session.token.found",
        /// WeChat refused to give an access_token.
        TokenRefused = "wx_session.token.refused",
        /// No answer from WeChat that has an access_token or refuses one.
        TokenUnavailable = "wx_session.token.unavailable",
        /// WeChat was not asked for an access_token, for the breaker is open.
        TokenBreaker = "wx_session.token.breaker_open",
        /// A call that WeChat refused because its access_token was no longer valid.
        TokenDead = "wx_session.token.dead",
        /// A phone number was given for the code of its button.
        PhoneOk = "wx_session.phone.ok",
        /// WeChat refused the code of the button.
        PhoneRefused = "wx_session.phone.refused",
        /// No phone number because WeChat, the store or the configuration failed.
        PhoneFailed = "wx_session.phone.failed",
        /// WeChat was asked for a session_key, and holds it.
        KeyValid = "wx_session.key.valid",
        /// WeChat was asked for a session_key, and holds another one or none.
        KeyStale = "wx_session.key.stale",
        /// WeChat was asked for a session_key, and did not say.
        KeyUnknown = "wx_session.key.unknown",
        /// A call of the backend's that went on to WeChat's API.
        ApiForwarded = "wx_session.api.forwarded",
        /// One that may not: its path is not listed, or never passed on.
        ApiRefused = "wx_session.api.refused",
        /// One that was sent once more, with a new token.
        ApiRepeated = "wx_session.api.repeated",
        /// The URL of a message push was set at WeChat, and its check answered.
        PushVerified = "wx_session.push.verified",
        /// A message that the app took.
        PushDelivered = "wx_session.push.delivered",
        /// A message that WeChat was answered before the app had.
        PushLate = "wx_session.push.late",
        /// A repetition of a message that was delivered.
        PushDuplicate = "wx_session.push.duplicate",
        /// A push that is not WeChat's, or not for this app, or cannot be read.
        PushRefused = "wx_session.push.refused",
        /// A message that the app did not take. WeChat was told so, and sends it again.
        PushFailed = "wx_session.push.failed",
        /// A message that the app did not take after all, when WeChat was told already that it had come.
        PushLost = "wx_session.push.lost",
        /// A message that was delivered without the store, which could not say whether it was before.
        PushUnguarded = "wx_session.push.unguarded",
        /// A store operation that worked.
        StoreOk = "wx_session.store.ok",
        /// A store operation that failed.
        StoreFailed = "wx_session.store.failed",
        /// An observed request that would have passed as well.
        ObservedOk = "wx_session.observed.ok",
        /// Observed requests that would have been refused, by the name of the error.
        ObservedNoSession = "wx_session.observed.no_session",
        /// A malformed token, or one that names no session.
        ObservedInvalidToken = "wx_session.observed.invalid_token",
        /// A session that had expired.
        ObservedSessionExpired = "wx_session.observed.session_expired",
        /// Two different tokens, or a header that cannot be read.
        ObservedInvalidHeader = "wx_session.observed.invalid_header",
        /// A token in the cookie, from a page that may not send it.
        ObservedOriginRefused = "wx_session.observed.origin_refused",
        /// The store could not be asked.
        ObservedStoreUnavailable = "wx_session.observed.store_unavailable",
        /// A WebSocket that the route does not name.
        ObservedUpgradeRefused = "wx_session.observed.upgrade_refused",
        /// A path that can be read in two ways.
        ObservedBadPath = "wx_session.observed.bad_path",
        /// A release that is not listed.
        ObservedReleaseRefused = "wx_session.observed.release_refused",
        /// Whatever else.
        ObservedOther = "wx_session.observed.other",
    }
}

metrics! {
    /// Times, in milliseconds.
    Histogram {
        /// A whole login, from its headers to its answer, refused ones too.
        LoginMs = "wx_session.login_ms",
        /// One call of the edge's own to WeChat or another platform.
        WechatMs = "wx_session.wechat_ms",
        /// How long the app took over a message.
        PushMs = "wx_session.push_ms",
        /// One round trip to a store outside the host.
        StoreMs = "wx_session.store_ms",
    }
}
