//! What must hold of an answer of the edge's own, and of a token that is given out.

use std::time::Duration;

use serde_json::Value;

use super::errand::{Kind, Login, Place};
use super::world::World;
use crate::rig::edge::Answer;

/// In seconds: longer than anything but a clock that is set takes.
const LONG: u64 = 3600;

impl World {
    /// A reply of the edge's own.
    pub(super) fn check_reply(&mut self, at: usize, answer: &Answer) {
        let story = self.story(at);
        let body = String::from_utf8_lossy(&answer.body).into_owned();
        self.history
            .note(|| format!("  {story} is replied {} {body}", answer.status));
        let story = format!("{story}: {} {body}", answer.status);
        assert!((200..600).contains(&answer.status), "{story}");
        self.check_told(answer, &story);
        let Some(error) = answer.header("x-wx-error").map(str::to_owned) else {
            panic!("{story}: no answer of the edge's own");
        };
        assert_eq!(answer.header("cache-control"), Some("no-store"), "{story}");
        assert!(
            error != "internal_error" || self.has_failed,
            "{story}: nothing has failed"
        );
        let errand = self.open[at].errand.clone();
        let json: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        let is_good = error == "none";
        let (asked, now) = (self.open[at].asked, self.next_turn());
        if let Some(number) = errand.shows {
            self.check_shown(at, number, &error, is_good, &story);
        }
        match errand.place {
            Place::Push => self.check_push(at, answer, &story),
            Place::BackChannel if !errand.is_entitled => {
                let is_told_so = (answer.status, &*error) == (401, "no_session");
                assert!(is_told_so || (self.has_failed && !is_good), "{story}");
            }
            Place::Door => assert!(!is_good, "{story}"),
            Place::App { .. } | Place::Nowhere => assert!(!is_good, "{story}: in place of the app"),
            _ => {}
        }
        if let Some(user) = self.swept(&errand) {
            let ended = json["data"]["ended"]
                .as_u64()
                .filter(|_| is_good && !self.is_lied_to);
            // Who has none to end has said nothing of the others.
            let is_sure = errand.kind == Kind::EndAll || ended.is_some_and(|ended| ended > 0);
            let how = ended.filter(|_| is_sure).map(|_| self.ending(at, false));
            self.ledger.sweep_ends(user, asked, now, how);
        }
        let own = match errand.kind {
            Kind::Logout => errand.shows,
            Kind::End => errand.means,
            _ => None,
        };
        if let Some(number) = own
            && is_good
            && json["data"]["ended"] == 1
            && !self.is_lied_to
        {
            let how = self.ending(at, false);
            self.ledger.end(number, now, how);
        }
        if errand.opens
            && !is_good
            && let Some(number) = errand.shows
        {
            self.ledger.fails(number);
        }
        let token = json["data"]["token"]
            .as_str()
            .or(json["session"]["skey"].as_str());
        if errand.login() == Login::Endpoint && is_good {
            let token = token.unwrap_or_else(|| panic!("{story}: a login without a token"));
            self.learn(at, token, &story);
        } else {
            assert_eq!(token, None, "{story}: a token without a login");
        }
    }

    /// What an endpoint's answer says of the session whose token was shown.
    pub(super) fn check_shown(
        &self,
        at: usize,
        number: usize,
        error: &str,
        is_good: bool,
        story: &str,
    ) {
        let open = &self.open[at];
        let kind = open.errand.kind;
        let session = &self.ledger.known[number];
        let proves = matches!(
            kind,
            Kind::User
                | Kind::Decrypt
                | Kind::Verify
                | Kind::Register
                | Kind::Phone
                | Kind::WaferUser
        );
        if is_good && proves {
            self.may_pass(at, number, story);
        }
        let is_told_off = matches!(error, "no_session" | "invalid_token" | "session_expired");
        let idle = Duration::from_secs(self.setting.times.idle);
        assert!(
            !is_told_off || open.errand.brings.is_some() || !self.ledger.must_live(number, idle),
            "{story}: session {} lives",
            session.short
        );
    }

    /// A session that is told, or that somebody is told to be of, is one that may be.
    pub(super) fn may_pass(&self, at: usize, number: usize, story: &str) {
        let open = &self.open[at];
        let why = self
            .ledger
            .must_not_pass(number, open.worker, open.asked, open.at);
        if let Some(why) = why {
            panic!("{story}: {why}; now at {:?}", self.uptime);
        }
    }

    /// A token is given out for the code of a request. Its number.
    pub(super) fn learn(&mut self, at: usize, token: &str, story: &str) -> usize {
        let errand = &self.open[at].errand;
        let (shows, opens) = (errand.shows, errand.opens);
        let code = errand.brings.expect("a token for no code");
        let owner = self.means.codes[code].user;
        let is_alone = self.means.codes[code].brought == 1;
        let (asked, now) = (self.open[at].asked, self.next_turn());
        let moment = (self.wall, self.uptime);
        let number = self.ledger.learn(token, owner, asked, now, moment);
        assert_eq!(
            self.ledger.known[number].owner, owner,
            "{story}: whose token?"
        );
        self.may_pass(at, number, story);
        if opens {
            self.ledger.fails(number);
        }
        // Of one that was made before, or by another clock, nobody knows how old it is.
        let has_long = self.setting.times.idle > LONG;
        if self.is_lied_to || self.open[at].clock_was_set || !(is_alone || has_long) {
            self.ledger.doubt(number);
        }
        // The old one of this phone is gone, if this was a login of its own: of several with one code one is. Of one whose
        // time was over by a clock that was set back since, nobody has found anything to end; nor where the store was silent.
        let idle = Duration::from_secs(self.setting.times.idle);
        if is_alone
            && !self.is_lied_to
            && let Some(old) = shows.filter(|old| *old != number)
            && self.ledger.is_in_time(old, idle)
        {
            let how = self.ending(at, false);
            self.ledger.end(old, now, how);
        }
        number
    }
}
