//! What one instance of the component keeps from its first request to its end: the worker and the store. Spin starts
//! and drops instances as it likes; nothing that matters lives here alone.

use std::cell::OnceCell;
use std::rc::Rc;

use wx_session_core::config::HostKind;
use wx_session_core::{Config, Worker, self_test};

use crate::configuration;
use crate::own_store::OwnStore;
use crate::upstream::Upstream;
use crate::waiting::Waiting;

pub(crate) struct Instance {
    pub(crate) worker: Worker,
    /// If the configuration names one of Spin's.
    pub(crate) store: Option<OwnStore>,
    pub(crate) upstream: Upstream,
    pub(crate) waiting: Rc<Waiting>,
}

thread_local! {
    static INSTANCE: OnceCell<Rc<Instance>> = const { OnceCell::new() };
}

/// The instance, made ready if this is its first request. Requests that come first together each try, and the first
/// to succeed stays: one cannot wait for another, for wit-bindgen wakes no request from within another.
pub(crate) async fn get() -> Result<Rc<Instance>, String> {
    if let Some(ready) = INSTANCE.with(|cell| cell.get().map(Rc::clone)) {
        return Ok(ready);
    }
    let made = Rc::new(make().await?);
    Ok(INSTANCE.with(|cell| Rc::clone(cell.get_or_init(|| made))))
}

async fn make() -> Result<Instance, String> {
    let text = configuration::document().await?;
    let secrets = configuration::secrets(&text).await?;
    let config = Config::from_json(&text, HostKind::Spin, &|name| secrets.get(name).cloned())
        .map_err(|error| error.to_string())?;
    if cfg!(feature = "middleware") && config.passes_to_wechat() {
        return Err("wechat_api: is for a component of its own, and not for a middleware".into());
    }
    self_test::run().map_err(|name| format!("self-test failed: {name}"))?;
    Ok(Instance {
        store: OwnStore::open(&config.store).await?,
        upstream: Upstream::at(&config.upstream_url),
        waiting: Rc::new(Waiting::new(&config)),
        worker: Worker::new(config),
    })
}
