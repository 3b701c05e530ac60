//! Wafer's clients with the configuration of their page. What else they need of the edge is in `scenarios::wafer`.

use testkit::fakes::wechat::Phone;

use super::journey::{self, Client, Trouble};
use super::stage::{self, page};
use crate::rig::{Ask, Got, HostKind, World};
use crate::scenarios::wafer_client::{Version, WaferClient};

const PAGE: &str = page!("wafer");

/// Which logs in before requests, as `login: true` says.
struct Wafer(WaferClient);

impl Client for Wafer {
    fn login(&mut self, world: &mut World) -> Result<(), String> {
        let done = self.0.login(world);
        done.map_err(|failed| format!("{failed:?}"))
    }

    fn request(&mut self, world: &mut World, ask: &Ask) -> Result<Got, Trouble> {
        match self.0.request(world, ask, true) {
            Ok(got) => Ok(got),
            Err(failed) => Err(Trouble::Failed(format!("{failed:?}"))),
        }
    }

    /// A request of the page, and what `clearSession` does.
    fn logout(&mut self, world: &mut World) -> Result<(), String> {
        self.request(world, &Ask::new("POST", "/wx/logout"))
            .unwrap();
        self.0.session = None;
        Ok(())
    }

    fn with_token(&self, ask: Ask) -> Ask {
        self.0.with_session(ask)
    }

    fn token(&self) -> Option<String> {
        self.0.session.as_ref().map(|_| self.0.skey())
    }

    fn logins(&self) -> usize {
        self.0.logins
    }

    fn phone(&self) -> &Phone {
        &self.0.phone
    }
}

pub fn wafers_clients_go_their_way(host: HostKind) {
    for version in Version::ALL {
        let mut world = host.start(stage::configuration(PAGE));
        let mut client = Wafer(WaferClient::new(version, &world.wechat.phone("alice")));
        journey::go(&mut world, &mut client, &Ask::get("/orders"));
        // WeChat calls it.
        world.ask(Ask::get("/weapp/message")).seen();
    }
}
