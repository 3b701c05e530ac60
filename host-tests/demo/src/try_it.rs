//! What to type in another terminal while the demo stays up.
//! Shows only commands that work with curl, redis-cli and a POSIX shell.

use std::net::SocketAddr;

use super::envoy_demo::EnvoyDemo;
use super::journey::CACHE_TTL_S;
use super::page::Ink;
use super::redis::{READER, Redis};
use super::servers::EdgeServer;

/// The text, with `phone` as the phone that answers curl.
pub(super) fn text(stage: &EnvoyDemo, phone: SocketAddr, ink: Ink) -> String {
    let note = |text: &str| ink.dim(&format!("# {text}"));
    let edges = &stage.servers.edges;
    let (first, last, shared, elsewhere) = match &stage.servers.redis {
        None => ("$E", "$E", String::new(), String::new()),
        Some(redis) => {
            let elsewhere = format!("; sleep {CACHE_TTL_S}; wx $A/orders");
            ("$A", "$B", in_redis(redis, ink), elsewhere)
        }
    };
    let heading = ink.bold(match edges.len() {
        1 => "Envoy stays up. In another terminal:",
        _ => "All stay up. In another terminal:",
    });
    let variable = |server: &EdgeServer| match server.edge.name {
        "" => format!("E=http://{}", server.edge.base),
        name => format!("{name}=http://{}", server.edge.base),
    };
    let addresses: Vec<_> = edges.iter().map(variable).collect();
    let addresses = addresses.join("  ");
    let login = note("wx.login on the phone, then log in: a code is good for one login");
    let call = note("the app answers with what it received; try to be somebody else");
    let refused = note("without a token: nothing but public routes");
    let data = note("data as the phone gets it from WeChat");
    let counters = note("what Envoy counts");
    let admins = edges.iter().filter_map(|server| server.envoy().ok());
    let stats: String = admins
        .map(|envoy| {
            let admin = envoy.admin_addr();
            format!("  curl -s 'http://{admin}/stats?usedonly&filter=wx_session'\n")
        })
        .collect();
    let stop = ink.bold("Ctrl-C here stops everything.");
    format!(
        r#"{heading}

  {addresses}  P=http://{phone}/phone
  J="Content-Type: application/json"
  wx() {{ curl -s -H "X-WX-Skey: $TOKEN" "$@"; echo; }}

  {login}
  CODE=$(curl -s $P/login)
  TOKEN=$(curl -s {first}/wx/login -d code=$CODE | tee /dev/stderr | cut -d'"' -f12)

  {call}
  wx {last}/orders
  wx {last}/orders -H "X-WX-OPENID: admin"

  {refused}
  curl -si {last}/orders; echo
  curl -si {last}/public/news; echo

{shared}  {data}
  curl -s $P/user-info > /tmp/wx-data.json
  wx {last}/wx/decrypt  -H "$J" -d @/tmp/wx-data.json
  wx {last}/wx/verify   -H "$J" -d @/tmp/wx-data.json
  wx {last}/wx/register -H "$J" -d @/tmp/wx-data.json
  wx {first}/wx/user
  wx {last}/wx/logout -X POST{elsewhere}

  {counters}
{stats}
{stop}"#
    )
}

/// Looking into Redis, and freezing it.
fn in_redis(redis: &Redis, ink: Ink) -> String {
    let note = |text: &str| ink.dim(&format!("# {text}"));
    let (port, pid) = (redis.addr().port(), redis.pid());
    let look = note("sessions and users in Redis: name, seconds to live, sealed value");
    let freeze = note("Redis hangs: 503 after store.timeout_ms; then it goes on");
    format!(
        r#"  {look}
  redis() {{ redis-cli -p {port} --user {READER} --pass {READER} --no-auth-warning "$@"; }}
  redis --scan --pattern 'wx:[su]:*' | while read -r K; do echo $K $(redis TTL $K) $(redis GET $K); done

  {freeze}
  kill -STOP {pid}; sleep {CACHE_TTL_S}; wx $A/orders; kill -CONT {pid}; wx $A/orders

"#
    )
}
