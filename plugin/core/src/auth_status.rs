//! What an app is told of who sends a request, in one word: `X-WX-Auth-Status`. Says nothing of requests that are answered
//! here.

/// Names each once, so that the documentation can be held to all of them.
macro_rules! words {
    ($($(#[$doc:meta])* $status:ident = $word:literal,)*) => {
        /// Who it is, or why nobody.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum AuthStatus { $($(#[$doc])* $status,)* }

        impl AuthStatus {
            #[cfg(test)]
            pub(crate) const ALL: &'static [Self] = &[$(Self::$status,)*];

            /// As apps and access logs read it.
            pub(crate) fn word(self) -> &'static str {
                match self { $(Self::$status => $word,)* }
            }
        }
    };
}

words! {
    /// The session was looked up.
    Verified = "verified",
    /// There is no token.
    Missing = "missing",
    /// It names no session.
    Invalid = "invalid",
    /// Its session had expired.
    Expired = "expired",
    /// The store cannot be asked; the session is as it was looked up a while ago.
    Stale = "stale",
    /// The store cannot be asked, and nobody knows.
    Unavailable = "unavailable",
    /// Nobody looked.
    Public = "public",
    /// WeChat has refused the code with which somebody was to log in, and the app is to say so.
    Refused = "refused",
    /// The path can be read in two ways, and nobody could tell which route it is.
    Unrouted = "unrouted",
}
