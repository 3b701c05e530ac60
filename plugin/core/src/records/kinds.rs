//! Every kind of entry that the store has, and the versions of its form. Whatever changes what is written of a kind, be it
//! the order of two fields, is a new version: CONTRIBUTING.md says in which steps it comes.

use crate::store::{Form, Kind, Space};

/// Names each once, so that none is without its golden records.
macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident: $what:literal $prefix:literal $space:ident, written $written:literal, newest $newest:literal;)*) => {
        $(
            $(#[$doc])*
            pub(crate) const $name: Kind = Kind {
                form: Form { what: $what, written: $written, newest: $newest },
                prefix: $prefix,
                space: Space::$space,
            };
        )*

        #[cfg(test)]
        pub(crate) const ALL: &[&Kind] = &[$(&$name),*];
    };
}

kinds! {
    /// One login of one user, sealed.
    SESSION: "session" "s:" Sessions, written 1, newest 1;
    /// One user of one app, sealed.
    USER: "user" "u:" Users, written 1, newest 1;
    /// What a login code came to, sealed.
    CODE: "code" "c:" Sessions, written 1, newest 1;
    /// What data a session has shown.
    REPLAY: "replay" "r:" Sessions, written 1, newest 1;
    /// A place in a limit.
    TICKET: "ticket" "t:" Sessions, written 1, newest 1;
    /// WeChat's trouble with an app, sealed.
    BREAKER: "breaker" "b:" Sessions, written 1, newest 1;
    /// What became of a message of WeChat's.
    PUSH: "push" "p:" Sessions, written 1, newest 1;
    /// The access_token of an app, sealed.
    ACCESS_TOKEN: "access_token" "a:" Sessions, written 1, newest 1;
}
