//! A component, compiled once, and an instance of it at work on many requests at once. Which requests is for the pool.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::time::Duration;

use anyhow::Result;
use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use http::{Request, Response};
use tokio::sync::oneshot;
use wasmtime::component::{Accessor, Component, HasSelf, Linker};
use wasmtime::{AsContextMut as _, Config, Engine, Store};
use wasmtime_wasi_http::p3::bindings::{Service, ServicePre};
use wasmtime_wasi_http::{WasiBody, p3};

use crate::bindings;
use crate::job::{Jobs, Seat};
use crate::outbound::Inbound;
use crate::shared::Shared;
use crate::state::State;

/// Can be instantiated at once, any number of times.
pub(crate) struct Loaded {
    engine: Engine,
    service: ServicePre<State>,
    /// Whether fuel is counted.
    counts: bool,
}

impl Loaded {
    /// Compiling takes seconds: once for each component in this process.
    pub(crate) fn cached(component: &[u8], fuel: bool) -> Result<Arc<Self>> {
        type ByComponent = BTreeMap<(Vec<u8>, bool), Arc<Loaded>>;
        static ALL: Mutex<ByComponent> = Mutex::new(BTreeMap::new());
        let mut all = ALL.lock().unwrap();
        let key = (component.to_vec(), fuel);
        if let Some(loaded) = all.get(&key) {
            return Ok(Arc::clone(loaded));
        }
        let loaded = Arc::new(Self::new(component, fuel)?);
        all.insert(key, Arc::clone(&loaded));
        Ok(loaded)
    }

    fn new(component: &[u8], fuel: bool) -> Result<Self> {
        let mut config = Config::new();
        config.wasm_component_model_async(true).consume_fuel(fuel);
        let engine = Engine::new(&config)?;
        let component = Component::new(&engine, component)?;
        let mut linker = Linker::<State>::new(&engine);
        wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
        wasmtime_wasi::p3::add_to_linker(&mut linker)?;
        p3::add_to_linker(&mut linker)?;
        bindings::Host_::add_to_linker::<_, HasSelf<State>>(&mut linker, |state| state)?;
        let service = ServicePre::new(linker.instantiate_pre(&component)?)?;
        let counts = fuel;
        Ok(Self {
            engine,
            service,
            counts,
        })
    }

    /// One instance, until there will be no more jobs and all are done, until it was `idle` for so long, or it traps.
    pub(crate) async fn serve(
        &self,
        shared: &Arc<Shared>,
        jobs: &mut Jobs,
        idle: Option<Duration>,
    ) -> Result<()> {
        let state = State::new(shared)?;
        let ruin = state.ruin();
        let mut store = Store::new(&self.engine, state);
        if self.counts {
            store.set_fuel(u64::MAX)?;
        }
        let service = self.service.instantiate_async(&mut store).await;
        let service = &service.expect("what links can be instantiated");
        shared.activity.new_instance();
        // If it traps, they are over.
        let mut accepted = Vec::new();
        let mut fuel = if self.counts { store.get_fuel()? } else { 0 };
        let served = store.run_concurrent(async |accessor| {
            let mut serving = FuturesUnordered::new();
            let mut over = false;
            let mut alarm: Option<Pin<Box<tokio::time::Sleep>>> = None;
            std::future::poll_fn(|context| {
                if let Some(why) = ruin.poll(context) {
                    return Poll::Ready(Err(wasmtime::Error::msg(why)));
                }
                while let Poll::Ready(Some(served)) = serving.poll_next_unpin(context) {
                    if let Err(trap) = served {
                        return Poll::Ready(Err(trap));
                    }
                }
                loop {
                    while !over && let Poll::Ready(next) = jobs.poll_recv(context) {
                        let Some(job) = next else {
                            over = true;
                            break;
                        };
                        alarm = None;
                        accepted.push(job.under_way);
                        let place = job.place;
                        serving.push(answer(service, accessor, job.request, job.answer, place));
                        // Polled once, it is known to this task's waker.
                        if let Poll::Ready(Some(Err(trap))) = serving.poll_next_unpin(context) {
                            return Poll::Ready(Err(trap));
                        }
                    }
                    // What a component does after its answer counts as a task of its own.
                    if !serving.is_empty()
                        || accessor.poll_no_interesting_tasks(context).is_pending()
                    {
                        return Poll::Pending;
                    }
                    if self.counts {
                        let left =
                            accessor.with(|mut access| access.as_context_mut().get_fuel())?;
                        shared.activity.spent(fuel - left);
                        fuel = left;
                    }
                    accepted.clear();
                    if over {
                        return Poll::Ready(Ok(()));
                    }
                    let Some(idle) = idle else {
                        return Poll::Pending;
                    };
                    let alarm = alarm.get_or_insert_with(|| Box::pin(tokio::time::sleep(idle)));
                    if alarm.as_mut().poll(context).is_pending() {
                        return Poll::Pending;
                    }
                    // What has come in this very moment is still served.
                    jobs.close();
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
    place: Option<Seat>,
) -> wasmtime::Result<()> {
    let (request, finished) = p3::Request::from_http(&mut Inbound, request);
    // An error code is Spin's 500: the answer is dropped.
    let answered = service.handle(accessor, request).await?;
    drop(place);
    if let Ok(response) = answered {
        let response = accessor.with(|access| response.into_http(access, finished))?;
        // A client that is gone wants none.
        let _ = answer.send(response);
    }
    Ok(())
}
