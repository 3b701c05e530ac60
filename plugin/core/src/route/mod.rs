//! From method and canonical path to what is done with the request. The first rule that matches decides; without one
//! a session is required.

mod admin;
mod pattern;

use alloc::string::String;
use alloc::vec::Vec;

pub(crate) use self::admin::{AdminAction, AdminPaths};
pub(crate) use self::pattern::Pattern;
use crate::wording::Wordings;

/// The table of one configuration.
pub(crate) struct Routes {
    pub(crate) endpoints: Vec<(String, Endpoint)>,
    /// Of message pushes, in the order of their apps.
    pub(crate) pushes: Vec<PushPath>,
    pub(crate) rules: Vec<Rule>,
    /// Those of the back channel, if there is one.
    pub(crate) admin: Option<AdminPaths>,
    pub(crate) cors_preflight: bool,
    /// Of requests that no rule matches.
    pub(crate) mode: Mode,
    /// A path that can be read in two ways goes on too, and the app is told.
    pub(crate) tells_paths: bool,
}

/// Whether a request without a good session is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    Enforce,
    /// It goes on, and the app is told what it would have been refused with.
    Observe,
}

/// Where WeChat's messages for one app come in, and where the app takes them.
pub(crate) struct PushPath {
    /// As WeChat has it.
    pub(crate) path: String,
    /// This path and the app's. Whatever some app could take for either is judged as a push: else a client could speak
    /// as WeChat.
    pub(crate) taken: Vec<Pattern>,
}

/// The requests that are answered here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Endpoint {
    Login,
    Session,
    Verify,
    Decrypt,
    Register,
    Phone,
    User,
    Logout,
    WeappLogin,
    WeappUser,
}

impl Endpoint {
    /// Methods that it answers.
    pub(crate) fn methods(self) -> &'static [&'static str] {
        match self {
            Self::Session | Self::User | Self::WeappUser => &["GET"],
            // With GET, their parameters are in headers; those of Wafer's login with POST too.
            Self::Login
            | Self::Verify
            | Self::Decrypt
            | Self::Register
            | Self::Phone
            | Self::Logout
            | Self::WeappLogin => &["GET", "POST"],
        }
    }
}

/// One line of `routes`.
pub(crate) struct Rule {
    pub(crate) pattern: Pattern,
    /// Empty: every method.
    pub(crate) methods: Vec<String>,
    pub(crate) need: Need,
    /// Protocols to which a request may be upgraded.
    pub(crate) upgrades: Vec<String>,
    pub(crate) outage: Outage,
    /// Open data in the body is opened on the way to the app.
    pub(crate) open_data: Option<OpenBody>,
    /// The member of a body, or its field, in which clients put their token.
    pub(crate) token_in: Option<String>,
    /// Its requests bring a code: see `login::through_app`.
    pub(crate) login: Option<LoginThroughApp>,
    /// How refusals are worded here, if otherwise than everywhere.
    pub(crate) answers: Option<Wordings>,
    pub(crate) mode: Mode,
}

/// The code of a request for the app, which logs in, or says who somebody is.
pub(crate) struct LoginThroughApp {
    pub(crate) place: CodePlace,
    /// Of the member, the parameter or the header, which is in lower case.
    pub(crate) code: String,
    /// Where there is no login, the app says so, and not we.
    pub(crate) app_refuses: bool,
    /// It is no login: the app is told whose code it is, beside whose session.
    pub(crate) binds: bool,
}

/// Where a request carries its code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CodePlace {
    Body,
    Query,
    Headers,
}

/// Where a body holds open data, and what becomes of it.
pub(crate) struct OpenBody {
    /// The member of the body that holds it; without one the body itself does.
    pub(crate) object: Option<String>,
    /// The member in which the app finds what was decrypted.
    pub(crate) name: String,
    /// The member in which clients send the code of a phone number's button. `None`: nobody looks.
    pub(crate) phone_code: Option<String>,
    /// Bodies that are no JSON are passed on as they are, and not refused.
    pub(crate) passes_other_types: bool,
}

/// What a route needs of the session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Need {
    Required,
    Optional,
    Public,
}

/// What becomes of a request with a token while the store cannot be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outage {
    /// It is refused, with 503.
    Closed,
    /// It passes if this worker verified the session a short while ago; else it is refused.
    Stale,
    /// It passes as if it had no token.
    Anonymous,
}

/// Where a request goes.
#[derive(Clone, Copy)]
pub(crate) enum Destination<'a> {
    /// The back channel, and what is asked of it, if there is such a thing.
    Admin(Option<AdminAction>),
    Endpoint(Endpoint),
    /// To where messages of WeChat's come in: of which app, unless it is only another spelling.
    Push(Option<usize>),
    /// To the app; the rule that says so, if there is one.
    App(Need, Option<&'a Rule>),
}

impl Routes {
    /// Headers in which requests bring their code, beside our own.
    pub(crate) fn code_headers(&self) -> impl Iterator<Item = &str> {
        let logins = self.rules.iter().filter_map(|rule| rule.login.as_ref());
        logins
            .filter(|login| login.place == CodePlace::Headers)
            .map(|login| &*login.code)
    }

    pub(crate) fn find(&self, method: Method<'_>, path: &str) -> Destination<'_> {
        if let Some(paths) = self.admin.as_ref().filter(|own| own.are_meant(path)) {
            return Destination::Admin(paths.action(path));
        }
        if let Some((_, endpoint)) = self.endpoints.iter().find(|(own, _)| own == path) {
            return Destination::Endpoint(*endpoint);
        }
        if !self.pushes.is_empty()
            && let Some(found) = self.find_push(path)
        {
            return found;
        }
        let rule = self.rules.iter().find(|rule| rule.matches(method, path));
        Destination::App(rule.map_or(Need::Required, |rule| rule.need_of(path)), rule)
    }

    fn find_push(&self, path: &str) -> Option<Destination<'_>> {
        let number = self.pushes.iter().position(|push| push.path == path);
        let mut taken = self.pushes.iter().flat_map(|push| &push.taken);
        let is_taken = number.is_some() || taken.any(|own| own.could_mean(path));
        is_taken.then_some(Destination::Push(number))
    }

    /// Whether a request for the app, for which `rule` was found, is only observed. What the rule does not mean to the
    /// letter, an app may take for something else: that goes by the mode of all, and by any rule that enforces.
    pub(crate) fn observes(&self, method: Method<'_>, path: &str, rule: Option<&Rule>) -> bool {
        match rule {
            None => self.mode == Mode::Observe,
            Some(rule) if rule.mode == Mode::Enforce => false,
            Some(rule) => {
                let is_plain = rule.methods.is_empty() || matches!(method, Method::Plain(_));
                let enforces =
                    |rule: &Rule| rule.mode == Mode::Enforce && rule.matches(method, path);
                (is_plain && rule.pattern.matches(path))
                    || (self.mode == Mode::Observe && !self.rules.iter().any(enforces))
            }
        }
    }

    /// Whether every request for the app is observed.
    pub(crate) fn enforces_nothing(&self) -> bool {
        let enforces = |rule: &Rule| rule.mode == Mode::Enforce;
        self.mode == Mode::Observe && !self.rules.iter().any(enforces)
    }
}

/// The method of a request.
#[derive(Clone, Copy)]
pub(crate) enum Method<'a> {
    Plain(&'a str),
    /// The request also names another one, by which some apps go: nobody here knows which.
    Overridden,
}

impl Rule {
    /// Whether the body of its requests is read here.
    pub(crate) fn reads_body(&self) -> bool {
        let login = self.login.as_ref();
        self.open_data.is_some()
            || self.token_in.is_some()
            || login.is_some_and(|login| login.place == CodePlace::Body)
    }

    fn matches(&self, method: Method<'_>, path: &str) -> bool {
        self.reaches(path) && (self.methods.is_empty() || self.takes(method))
    }

    /// Apps answer HEAD as they do GET, and may go by another method than the request's own: what needs a session needs
    /// it then too, and what needs none is not told from it.
    fn takes(&self, method: Method<'_>) -> bool {
        let own = |wanted: &str| self.methods.iter().any(|own| own == wanted);
        match method {
            Method::Plain("HEAD") if self.is_strict() => own("HEAD") || own("GET"),
            Method::Plain(method) => own(method),
            Method::Overridden => self.is_strict(),
        }
    }

    /// Whether whatever an app may take for what this rule means is meant.
    fn is_strict(&self) -> bool {
        self.need == Need::Required || self.open_data.is_some()
    }

    /// Apps differ in what they take for the same path: what needs a session needs it in every spelling, and no
    /// spelling may lead a body around the look into it.
    fn reaches(&self, path: &str) -> bool {
        if self.is_strict() {
            self.pattern.could_mean(path)
        } else {
            self.pattern.matches(path)
        }
    }

    /// What a path that this rule matches needs: only the spelling that the rule has may need less than a session.
    fn need_of(&self, path: &str) -> Need {
        if self.pattern.matches(path) {
            self.need
        } else {
            Need::Required
        }
    }

    /// Whether `later` can never be reached behind this rule.
    pub(crate) fn hides(&self, later: &Self) -> bool {
        let path_hidden = match (&self.pattern, &later.pattern) {
            (Pattern::Exact(_), Pattern::Prefix(_)) => false,
            (_, Pattern::Exact(other) | Pattern::Prefix(other)) => self.reaches(other),
        };
        let methods_hidden = self.methods.is_empty()
            || (!later.methods.is_empty()
                && later.methods.iter().all(|own| self.methods.contains(own)));
        path_hidden && methods_hidden
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::test;
    use alloc::vec;

    fn rule(pattern: Pattern, methods: &[&str], need: Need) -> Rule {
        Rule {
            pattern,
            methods: methods.iter().map(|m| (*m).into()).collect(),
            need,
            upgrades: vec![],
            outage: Outage::Closed,
            open_data: None,
            token_in: None,
            login: None,
            answers: None,
            mode: Mode::Enforce,
        }
    }

    fn need(routes: &Routes, method: &str, path: &str) -> Option<Need> {
        match routes.find(Method::Plain(method), path) {
            Destination::App(need, _) => Some(need),
            Destination::Endpoint(_) | Destination::Admin(_) | Destination::Push(_) => None,
        }
    }

    #[test]
    fn the_first_matching_rule_decides_and_without_one_a_session_is_required() {
        let routes = Routes {
            endpoints: vec![("/wx/login".into(), Endpoint::Login)],
            pushes: vec![],
            rules: vec![
                rule(Pattern::Exact("/p/private".into()), &[], Need::Required),
                rule(Pattern::Prefix("/p".into()), &["GET"], Need::Public),
                rule(Pattern::Prefix("/p".into()), &[], Need::Optional),
            ],
            admin: None,
            cors_preflight: false,
            mode: Mode::Enforce,
            tells_paths: false,
        };
        assert_eq!(need(&routes, "GET", "/p"), Some(Need::Public));
        assert_eq!(need(&routes, "GET", "/p/x"), Some(Need::Public));
        assert_eq!(need(&routes, "POST", "/p/x"), Some(Need::Optional));
        for spelling in [
            "/p/private",
            "/p/private/",
            "/p/PRIVATE",
            "/p/private.json",
            "/p/private~1",
            "/p/ private",
            "/p/ｐrıvate",
        ] {
            assert_eq!(
                need(&routes, "GET", spelling),
                Some(Need::Required),
                "{spelling}"
            );
        }
        assert_eq!(need(&routes, "GET", "/px"), Some(Need::Required));
        assert_eq!(need(&routes, "GET", "/"), Some(Need::Required));
        assert_eq!(need(&routes, "DELETE", "/wx/login"), None);
        assert_eq!(need(&routes, "GET", "/wx/login/"), Some(Need::Required));
    }

    #[test]
    fn no_spelling_of_a_path_leads_around_a_rule_that_opens_bodies() {
        let mut opens = rule(Pattern::Exact("/p".into()), &[], Need::Optional);
        opens.open_data = Some(OpenBody {
            object: None,
            name: "openData".into(),
            phone_code: None,
            passes_other_types: false,
        });
        let routes = Routes {
            endpoints: vec![],
            pushes: vec![],
            rules: vec![opens],
            admin: None,
            cors_preflight: false,
            mode: Mode::Enforce,
            tells_paths: false,
        };
        for (path, expected) in [
            ("/p", Some(Need::Optional)),
            ("/P", Some(Need::Required)),
            ("/p/", Some(Need::Required)),
            ("/q", None),
        ] {
            let found = match routes.find(Method::Plain("POST"), path) {
                Destination::App(need, Some(_)) => Some(need),
                _ => None,
            };
            assert_eq!(found, expected, "{path}");
        }
    }

    #[test]
    fn a_rule_hides_a_later_one_that_it_matches_wholly() {
        let prefix = |path: &str, methods: &[&str]| {
            rule(Pattern::Prefix(path.into()), methods, Need::Public)
        };
        let exact = |path: &str| rule(Pattern::Exact(path.into()), &[], Need::Required);
        assert!(prefix("/p", &[]).hides(&exact("/p/late")));
        assert!(prefix("/p", &[]).hides(&prefix("/p/q", &["GET"])));
        assert!(!prefix("/p", &["GET"]).hides(&exact("/p/late")));
        assert!(!prefix("/p/q", &[]).hides(&prefix("/p", &[])));
        assert!(!exact("/p").hides(&prefix("/p", &[])));
        assert!(!prefix("/p", &[]).hides(&exact("/px")));
    }

    #[test]
    fn what_a_rule_does_not_mean_to_the_letter_is_observed_where_nobody_enforces() {
        let mut observing = rule(Pattern::Exact("/a".into()), &["GET"], Need::Required);
        observing.mode = Mode::Observe;
        let mut routes = Routes {
            endpoints: vec![],
            pushes: vec![],
            rules: vec![observing],
            admin: None,
            cors_preflight: false,
            mode: Mode::Enforce,
            tells_paths: false,
        };
        let observes = |routes: &Routes, method: Method<'_>, path: &str| {
            routes.observes(method, path, routes.rules.first())
        };
        for (method, path, expected) in [
            (Method::Plain("GET"), "/a", true),
            (Method::Plain("HEAD"), "/a", true),
            (Method::Plain("GET"), "/A", false),
            (Method::Overridden, "/a", false),
        ] {
            assert_eq!(observes(&routes, method, path), expected, "{path}");
        }
        assert!(!routes.observes(Method::Plain("GET"), "/b", None));
        routes.mode = Mode::Observe;
        assert!(observes(&routes, Method::Plain("GET"), "/A"));
        assert!(observes(&routes, Method::Overridden, "/a"));
        assert!(routes.observes(Method::Plain("GET"), "/b", None));
        let enforcing = rule(Pattern::Exact("/a".into()), &["DELETE"], Need::Required);
        routes.rules.push(enforcing);
        assert!(observes(&routes, Method::Plain("GET"), "/A"));
        assert!(!observes(&routes, Method::Overridden, "/a"));
    }

    #[test]
    fn a_prefix_of_slash_matches_everything() {
        let routes = Routes {
            endpoints: vec![],
            pushes: vec![],
            rules: vec![rule(Pattern::Prefix(String::new()), &[], Need::Public)],
            admin: None,
            cors_preflight: false,
            mode: Mode::Enforce,
            tells_paths: false,
        };
        assert_eq!(need(&routes, "GET", "/"), Some(Need::Public));
        assert_eq!(need(&routes, "GET", "/a"), Some(Need::Public));
    }
}
