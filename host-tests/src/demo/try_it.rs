//! What to type in another terminal while the demo stays up.
//! Shows only commands that work with curl and a POSIX shell.

use std::net::SocketAddr;

use super::page::Ink;
use super::stage::Stage;

/// The text, with `phone` as the phone that answers curl.
pub(super) fn text(stage: &Stage, phone: SocketAddr, ink: Ink) -> String {
    let (edge, admin) = (stage.envoy.addr(), stage.envoy.admin_addr());
    let heading = ink.bold("Envoy stays up. In another terminal:");
    let note = |text: &str| ink.dim(&format!("# {text}"));
    let login = note("wx.login on the phone, then log in: a code is good for one login");
    let call = note("the app answers with what it received; try to be somebody else");
    let refused = note("without a token: nothing but public routes");
    let data = note("data as the phone gets it from WeChat");
    let counters = note("what Envoy counts");
    let stop = ink.bold("Ctrl-C here stops everything.");
    format!(
        r#"{heading}

  E=http://{edge}  P=http://{phone}/phone
  J="Content-Type: application/json"
  wx() {{ curl -s -H "X-WX-Skey: $TOKEN" "$@"; echo; }}

  {login}
  CODE=$(curl -s $P/login)
  TOKEN=$(curl -s $E/wx/login -d code=$CODE | tee /dev/stderr | cut -d'"' -f12)

  {call}
  wx $E/orders
  wx $E/orders -H "X-WX-OPENID: admin"

  {refused}
  curl -si $E/orders; echo
  curl -si $E/public/news; echo

  {data}
  curl -s $P/user-info > /tmp/wx-data.json
  wx $E/wx/decrypt  -H "$J" -d @/tmp/wx-data.json
  wx $E/wx/verify   -H "$J" -d @/tmp/wx-data.json
  wx $E/wx/register -H "$J" -d @/tmp/wx-data.json
  wx $E/wx/user
  wx $E/wx/logout -X POST

  {counters}
  curl -s 'http://{admin}/stats?usedonly&filter=wx_session'

{stop}"#
    )
}
