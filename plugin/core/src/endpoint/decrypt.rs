//! `POST /wx/decrypt {encryptedData, iv}`: the object that WeChat encrypted for this app.

use alloc::string::String;

use crate::edge::Edge;
use crate::endpoint::open_data::{self, Submitted};
use crate::endpoint::params::Params;
use crate::gate;
use crate::host::{Host, Request};
use crate::rejection::{Reason, Rejection};
use crate::reply::ok_opened;

pub(super) async fn answer<H: Host, R: Request>(
    edge: &Edge,
    host: &H,
    request: &R,
) -> Result<String, Rejection> {
    let (token, session) = gate::session(edge, host, request.head()).await?;
    let params = Params::read(request, edge.config.body_bytes).await?;
    params.required("encryptedData")?;
    let submitted = Submitted::from_params(&params, host)?;
    let owner = open_data::open(edge, host, &token, session, &submitted).await?;
    let opened = owner.opened;
    let data = opened.open_data.ok_or(Reason::Internal)?;
    // The text itself and not a re-serialised value: numbers and emoji arrive as WeChat wrote them.
    Ok(ok_opened(&data.json, opened.key))
}
