//! `POST /wx/verify {rawData, signature}`: is this exact text what WeChat gave to this user's phone?

use alloc::string::String;

use crate::edge::Edge;
use crate::endpoint::open_data::{self, Submitted};
use crate::endpoint::params::Params;
use crate::gate;
use crate::host::{Host, Request};
use crate::rejection::Rejection;
use crate::reply::ok;

pub(super) async fn answer<H: Host, R: Request>(
    edge: &Edge,
    host: &H,
    request: &R,
) -> Result<String, Rejection> {
    let (token, session) = gate::session(edge, host, request.head()).await?;
    let params = Params::read(request, edge.config.body_bytes).await?;
    params.required("rawData")?;
    let submitted = Submitted::from_params(&params, host)?;
    let owner = open_data::open(edge, host, &token, session, &submitted).await?;
    Ok(ok(
        &serde_json::json!({ "valid": true, "key": owner.opened.key }),
    ))
}
