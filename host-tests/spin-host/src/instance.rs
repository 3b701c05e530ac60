//! A component, compiled once, and its instances: one at work on many requests at once, or one for each.

use std::sync::{Arc, Mutex};
use std::task::Poll;

use anyhow::Result;
use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use http::{Request, Response};
use tokio::sync::{mpsc, oneshot};
use wasmtime::component::{Accessor, Component, HasSelf, Linker};
use wasmtime::{AsContextMut as _, Config, Engine, Store};
use wasmtime_wasi_http::p3::bindings::{Service, ServicePre};
use wasmtime_wasi_http::{WasiBody, p3};

use crate::bindings;
use crate::outbound::Inbound;
use crate::shared::{Shared, UnderWay};
use crate::state::State;

/// A request, and where its answer goes. Dropped unanswered, its client gets a 500, as from Spin.
pub(crate) struct Job {
    pub(crate) request: Request<WasiBody>,
    pub(crate) answer: oneshot::Sender<Response<WasiBody>>,
    pub(crate) under_way: UnderWay,
}

pub(crate) type Jobs = mpsc::UnboundedReceiver<Job>;

/// Can be instantiated at once, any number of times.
pub(crate) struct Loaded {
    engine: Engine,
    service: ServicePre<State>,
}

impl Loaded {
    /// Compiling takes seconds: once for each component in this process.
    pub(crate) fn cached(component: &[u8]) -> Result<Arc<Self>> {
        static ALL: Mutex<Vec<(Vec<u8>, Arc<Loaded>)>> = Mutex::new(Vec::new());
        let mut all = ALL.lock().unwrap();
        if let Some((_, loaded)) = all.iter().find(|(bytes, _)| bytes == component) {
            return Ok(Arc::clone(loaded));
        }
        let loaded = Arc::new(Self::new(component)?);
        all.push((component.to_vec(), Arc::clone(&loaded)));
        Ok(loaded)
    }

    fn new(component: &[u8]) -> Result<Self> {
        let mut config = Config::new();
        config.wasm_component_model_async(true).consume_fuel(true);
        let engine = Engine::new(&config)?;
        let component = Component::new(&engine, component)?;
        let mut linker = Linker::<State>::new(&engine);
        wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
        wasmtime_wasi::p3::add_to_linker(&mut linker)?;
        p3::add_to_linker(&mut linker)?;
        bindings::Host_::add_to_linker::<_, HasSelf<State>>(&mut linker, |state| state)?;
        let service = ServicePre::new(linker.instantiate_pre(&component)?)?;
        Ok(Self { engine, service })
    }

    /// One instance, until there will be no more jobs and all are done, or it traps.
    pub(crate) async fn serve(&self, shared: &Arc<Shared>, jobs: &mut Jobs) -> Result<()> {
        let mut store = Store::new(&self.engine, State::new(shared)?);
        store.set_fuel(u64::MAX)?;
        let service = self.service.instantiate_async(&mut store).await;
        let service = &service.expect("what links can be instantiated");
        shared.activity.new_instance();
        // If it traps, they are over.
        let mut accepted = Vec::new();
        let mut fuel = store.get_fuel()?;
        let served = store.run_concurrent(async |accessor| {
            let mut serving = FuturesUnordered::new();
            std::future::poll_fn(|context| {
                while let Poll::Ready(Some(served)) = serving.poll_next_unpin(context) {
                    if let Err(trap) = served {
                        return Poll::Ready(Err(trap));
                    }
                }
                let mut over = false;
                while let Poll::Ready(next) = jobs.poll_recv(context) {
                    let Some(job) = next else {
                        over = true;
                        break;
                    };
                    accepted.push(job.under_way);
                    serving.push(answer(service, accessor, job.request, job.answer));
                    // Polled once, it is known to this task's waker.
                    if let Poll::Ready(Some(Err(trap))) = serving.poll_next_unpin(context) {
                        return Poll::Ready(Err(trap));
                    }
                }
                // What a component does after its answer counts as a task of its own.
                if !serving.is_empty() || accessor.poll_no_interesting_tasks(context).is_pending() {
                    return Poll::Pending;
                }
                let left = accessor.with(|mut access| access.as_context_mut().get_fuel())?;
                shared.activity.spent(fuel - left);
                fuel = left;
                accepted.clear();
                if over {
                    Poll::Ready(Ok(()))
                } else {
                    Poll::Pending
                }
            })
            .await
        });
        Ok(served.await.flatten()?)
    }
}

async fn answer(
    service: &Service,
    accessor: &Accessor<State>,
    request: Request<WasiBody>,
    answer: oneshot::Sender<Response<WasiBody>>,
) -> wasmtime::Result<()> {
    let (request, finished) = p3::Request::from_http(&mut Inbound, request);
    // An error code is Spin's 500: the answer is dropped.
    if let Ok(response) = service.handle(accessor, request).await? {
        let response = accessor.with(|access| response.into_http(access, finished))?;
        // A client that is gone wants none.
        let _ = answer.send(response);
    }
    Ok(())
}
