//! Sessions in a Redis Cluster, as in examples/redis-cluster: webdis, Envoy's `redis_proxy`, three masters. What lies on
//! a master that died has to wait; the rest goes on.
//!
//! A login writes three entries (user, session, code), each on whatever master its name falls to.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use serde_json::json;
use testkit::envoy::Config;
use testkit::fakes::wechat::{FakeWechat, Phone};
use testkit::redis::{Cluster, Webdis};

use crate::rig::{
    APPID, Ask, EnvoyRig, Got, Login, Rig, SECRET, assert_unavailable, backend, bridge,
};
use testkit::eventually;

/// The master that dies.
const DEAD: usize = 1;
/// Enough that every master has some; more are tried, should chance want it otherwise.
const USERS: usize = 12;
const MOST_USERS: usize = 100;
/// While one of three masters is dead, a login of a user on another finds places for its code and its session four
/// times in nine: so many do not all fail.
const MANY_LOGINS: usize = 40;

struct EnvoyOnCluster {
    edge: EnvoyRig,
    wechat: FakeWechat,
    cluster: Cluster,
    _webdis: Webdis,
}

/// A user who has logged in, and the masters that hold what.
struct Member {
    phone: Phone,
    token: String,
    session_on: usize,
    user_on: usize,
}

/// webdis has to know where Envoy's `redis_proxy` will listen before Envoy starts: on the example's port, at a loopback
/// address that no other process has (all of 127.0.0.0/8 is loopback on Linux).
fn proxy_address() -> SocketAddr {
    let [_, a, b, c] = std::process::id().to_be_bytes();
    SocketAddr::from(([127, a, b, c], 6380))
}

impl EnvoyOnCluster {
    fn start() -> Self {
        let cluster = Cluster::start().unwrap();
        let (user, password) = bridge::BASIC_AUTH.1.split_once(':').unwrap();
        let webdis = Webdis::options(proxy_address()).basic_auth(user, password);
        let webdis = webdis.start().unwrap();
        // One node is enough: Envoy finds the others.
        let config = Config::read("examples/redis-cluster/envoy.yaml")
            .unwrap()
            .sessions(webdis.addr())
            .redis_proxy(proxy_address(), &cluster.addrs()[..1]);
        let wechat = FakeWechat::new(APPID, SECRET);
        let patch = json!({ "session": { "cache_ttl_s": 0, "max_per_user": 16 } });
        let edge = EnvoyRig::alone(config, &wechat, &patch);
        // It comes back when it has found the proxy.
        webdis.restart().unwrap();
        Self {
            edge,
            wechat,
            cluster,
            _webdis: webdis,
        }
    }

    fn ask(&mut self, ask: Ask) -> Got {
        self.edge.ask(vec![ask]).remove(0)
    }

    fn login(&mut self, code: &str) -> Got {
        self.ask(Ask::post("/wx/login", &json!({ "code": code })))
    }

    /// The names of all entries on the masters that live, each with its master.
    fn names(&self, dead: Option<usize>) -> BTreeMap<String, usize> {
        let live = (0..).zip(self.cluster.nodes());
        let live = live.filter(|(number, _)| Some(*number) != dead);
        let named = |(number, node)| {
            backend::names(node)
                .into_iter()
                .map(move |name| (name, number))
        };
        live.flat_map(named).collect()
    }

    /// A login that must succeed while all masters live.
    fn member(&mut self, user: &str) -> Member {
        let phone = self.wechat.phone(user);
        let before = self.names(None);
        let got = self.login(&phone.login());
        assert_eq!(got.status, 200, "{}", self.edge.log());
        let token = Login::from(&got).token;
        let mut added = self.names(None);
        added.retain(|name, _| !before.contains_key(name));
        for (name, node) in &added {
            assert_eq!(self.cluster.node_of(name).unwrap(), *node, "{name}");
        }
        let on = |kind: &str| {
            let mut of_kind = added.iter().filter(|(name, _)| name.starts_with(kind));
            *of_kind.next().unwrap().1
        };
        Member {
            phone,
            token,
            session_on: on("wx:s:"),
            user_on: on("wx:u:"),
        }
    }

    /// Users of whom every master holds some, and some of whose sessions.
    fn members(&mut self) -> Vec<Member> {
        let nodes = self.cluster.nodes().len();
        let is_spread = |members: &[Member]| {
            (0..nodes).all(|node| {
                let has = |on: fn(&Member) -> usize| members.iter().any(|one| on(one) == node);
                has(|one| one.session_on) && has(|one| one.user_on)
            })
        };
        let mut members: Vec<Member> = Vec::new();
        while members.len() < USERS || !is_spread(&members) {
            assert!(members.len() < MOST_USERS, "they lie on one side");
            let name = format!("user {}", members.len());
            members.push(self.member(&name));
        }
        members
    }

    /// The user's identity reaches the app, or the client is told to come again.
    #[track_caller]
    fn assert_checked(&mut self, token: &str, phone: &Phone, is_there: bool) {
        let got = self.ask(Ask::get("/api").token(token));
        if is_there {
            let openid = got.seen().header("x-wx-openid");
            assert_eq!(openid, Some(phone.openid()));
        } else {
            assert_unavailable(&got, "down");
        }
    }
}

#[test]
fn what_lies_on_a_dead_master_waits_for_it_and_the_rest_goes_on() {
    let mut world = EnvoyOnCluster::start();
    let members = world.members();
    for Member { phone, token, .. } in &members {
        world.assert_checked(token, phone, true);
    }

    world.cluster.nodes()[DEAD].save_rdb().unwrap();
    world.cluster.kill(DEAD);
    // Before the others have noticed, and after.
    for _ in 0..2 {
        for member in &members {
            let is_there = member.session_on != DEAD;
            world.assert_checked(&member.token, &member.phone, is_there);
        }
        let [a, _, b] = world.cluster.nodes() else {
            panic!("three masters");
        };
        for node in [a, b] {
            let nodes = || format!("{:?}", node.command(&["CLUSTER", "NODES"]));
            eventually(|| nodes().contains("master,fail "));
        }
    }

    let mut later = Vec::new();
    for Member { phone, user_on, .. } in &members {
        let is_there = *user_on != DEAD;
        let token = log_in_with_one_dead(&mut world, phone, if is_there { MANY_LOGINS } else { 3 });
        assert_eq!(token.is_some(), is_there);
        later.extend(token.map(|token| (token, phone)));
    }
    for (token, phone) in &later {
        world.assert_checked(token, phone, true);
    }

    world.cluster.nodes()[DEAD].restart(false).unwrap();
    let old = members.iter().map(|one| (&one.token, &one.phone));
    for (token, phone) in old.chain(later.iter().map(|(token, phone)| (token, *phone))) {
        eventually(|| {
            let got = world.ask(Ask::get("/api").token(token));
            if got.status != 200 {
                assert_unavailable(&got, "down");
            }
            got.status == 200
        });
        world.assert_checked(token, phone, true);
    }
    let lost = members.iter().find(|one| one.user_on == DEAD).unwrap();
    let login = Login::from(&world.login(&lost.phone.login()));
    assert_eq!(login.data["event"], "returning");
}

/// The token of the first login that succeeds, of so many with fresh codes. One that does not must have had an entry on
/// the dead master.
fn log_in_with_one_dead(
    world: &mut EnvoyOnCluster,
    phone: &Phone,
    logins: usize,
) -> Option<String> {
    for _ in 0..logins {
        let before = world.names(Some(DEAD));
        let code = phone.login();
        let got = world.login(&code);
        if got.status == 200 {
            return Some(Login::from(&got).token);
        }
        assert_unavailable(&got, "down");
        let code_lives = world.wechat.code_requests(&code) == 1;
        let mut added = world.names(Some(DEAD));
        added.retain(|name, _| !before.contains_key(name));
        let lives = |prefix| added.keys().any(|name| name.starts_with(prefix));
        // A session is written before its user names it: then it may be there, and nobody has its token.
        let all = code_lives && lives("wx:s:") && lives("wx:u:");
        assert!(!all, "all of it could be written");
    }
    None
}
