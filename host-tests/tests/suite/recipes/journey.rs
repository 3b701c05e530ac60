//! What every client must be able to go through: no session, login, use, the session is ended, login again, use, logout.

use std::time::Duration;

use testkit::fakes::wechat::Phone;

use super::stage::assert_of;
use crate::rig::{Ask, Got, World};

/// One phone with a client on it.
pub trait Client {
    /// What a tap on "log in" does. The error says what the client could not go on with.
    fn login(&mut self, world: &mut World) -> Result<(), String>;

    /// A request of the app's page, with all that the client does about its answer.
    fn request(&mut self, world: &mut World, ask: &Ask) -> Result<Got, Trouble>;

    /// What a tap on "log out" does.
    fn logout(&mut self, world: &mut World) -> Result<(), String>;

    /// A request with the token that it has, where it puts that.
    fn with_token(&self, ask: Ask) -> Ask;

    /// The token that it has.
    fn token(&self) -> Option<String>;

    /// How often it has tried to log in.
    fn logins(&self) -> usize;

    fn phone(&self) -> &Phone;

    /// A logout by somebody else who has the token.
    fn ended_elsewhere(&self) -> Ask {
        self.with_token(Ask::new("POST", "/wx/logout"))
    }
}

/// Why a page does not get its data.
#[derive(Debug, PartialEq, Eq)]
pub enum Trouble {
    /// The client has forgotten its token and shows its login.
    LoginPage,
    /// The page gets an error; the client keeps its token.
    Failed(String),
}

/// How many requests one tap may cost: more is a loop.
pub const MOST: usize = 10;

/// The whole way. `ask` is a request that needs a session.
#[track_caller]
pub fn go(world: &mut World, client: &mut dyn Client, ask: &Ask) {
    // No session.
    let got = reach(world, client, ask);
    let first = client.token().expect("logged in");
    assert_eq!(client.logins(), 1, "one login");
    assert_of(&got, client.phone(), &[&first]);

    // Use.
    let got = client.request(world, ask).unwrap();
    assert_of(&got, client.phone(), &[&first]);
    assert_eq!(client.logins(), 1, "it is logged in");

    // The session is ended, which the client does not know.
    let got = world.ask(client.ended_elsewhere());
    assert_eq!(got.status, 200, "{}", String::from_utf8_lossy(&got.body));
    assert_eq!(client.token().as_ref(), Some(&first));
    assert_nobody(world, client.with_token(ask.clone()));
    let got = reach(world, client, ask);
    let second = client.token().expect("logged in again");
    assert_ne!(first, second);
    assert_eq!(client.logins(), 2, "one login more");
    assert_of(&got, client.phone(), &[&first, &second]);

    // Use.
    let got = client.request(world, ask).unwrap();
    assert_of(&got, client.phone(), &[&second]);
    assert_eq!(client.logins(), 2);

    // Logout.
    let with_second = client.with_token(ask.clone());
    client.logout(world).unwrap();
    assert_eq!(client.token(), None);
    assert_nobody(world, with_second);
    reach(world, client, ask);
    assert_eq!(client.logins(), 3, "it has forgotten who it was");
}

/// The request must reach the app in the end, by way of the login page at most once.
#[track_caller]
fn reach(world: &mut World, client: &mut dyn Client, ask: &Ask) -> Got {
    let outcome = client.request(world, ask);
    if !matches!(outcome, Err(Trouble::LoginPage)) {
        return outcome.unwrap();
    }
    assert_eq!(client.token(), None, "the login page is for nobody");
    client.login(world).unwrap();
    client.request(world, ask).unwrap()
}

/// Whatever the edge or the app makes of it, it is nobody's.
#[track_caller]
fn assert_nobody(world: &mut World, ask: Ask) {
    assert!(!is_somebodys(world, ask), "the session still lives");
}

/// The same of a session that its app has refused: it ends while nobody waits for that.
#[track_caller]
pub fn assert_soon_nobody(world: &mut World, ask: &Ask) {
    for _ in 0..50 {
        if !is_somebodys(world, ask.clone()) {
            return;
        }
        world.advance(Duration::from_millis(100));
    }
    panic!("the session lives on");
}

fn is_somebodys(world: &mut World, ask: Ask) -> bool {
    let seen = world.ask(ask).seen;
    seen.is_some_and(|seen| seen.has("x-wx-openid"))
}
