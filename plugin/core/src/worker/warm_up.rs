//! A warm-up: requests that nobody sent. Engines compile code when it is first run, which takes milliseconds: a host that plays
//! these at its start spares them its first clients.

use alloc::format;
use alloc::vec::Vec;

use super::Worker;
use crate::head::Head;
use crate::header_names::CODE;
use crate::records::token::Token;
use crate::release::SITE;
use crate::route::Endpoint;

impl Worker {
    /// The heads of a request with an unknown token and of a login. A host plays them on which nothing leaves: no call
    /// is sent, nothing is counted or logged, and no verdict is carried out. Then neither changes anything.
    #[must_use]
    pub fn warm_ups(&self) -> Vec<Head> {
        let token = Token([0; 32]).text();
        let headers = self.config.session.headers.first();
        let unknown = headers.map(|header| {
            Head::from_pairs([
                (":method", "GET"),
                (":path", "/wx-session-warm-up"),
                (header, &token),
            ])
        });
        let is_login = |(_, endpoint): &&(_, _)| *endpoint == Endpoint::Login;
        let login = self.config.routes.endpoints.iter().find(is_login);
        let login = login.map(|(path, _)| {
            let appid = self
                .config
                .mini_programs
                .first()
                .map(|own| own.appid.as_str());
            let referer = format!("{SITE}{}/", appid.unwrap_or_default());
            Head::from_pairs([
                (":method", "GET"),
                (":path", path),
                (CODE, "warm-up"),
                ("referer", &referer),
            ])
        });
        unknown.into_iter().chain(login).collect()
    }
}
