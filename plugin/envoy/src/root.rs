//! The root context: reads the configuration once, proves the build with the self-tests, makes the filters.

use std::rc::Rc;

use proxy_wasm::traits::{Context, HttpContext, RootContext};
use proxy_wasm::types::ContextType;
use wx_session_core::config::HostKind;
use wx_session_core::{Config, Level, self_test};

use crate::configuration::document;
use crate::executor::{Executor, NO_CONTEXT};
use crate::filter::Filter;
use crate::hostcalls;
use crate::neighbours;

pub(crate) struct Root {
    executor: Option<Rc<Executor>>,
}

impl Root {
    pub(crate) fn new() -> Self {
        Self { executor: None }
    }

    fn configure(size: usize) -> Result<Executor, String> {
        let bytes = hostcalls::plugin_configuration(size).ok_or("configuration: is empty")?;
        let text = document(&bytes).map_err(|problem| format!("configuration: {problem}"))?;
        // Only what vm_config.environment_variables passes on can be seen here.
        let config = Config::from_json(&text, HostKind::Envoy, &|name| std::env::var(name).ok())
            .map_err(|error| error.to_string())?;
        self_test::run().map_err(|name| format!("self-test failed: {name}"))?;
        let executor = Executor::new(config);
        executor.warm_up();
        Ok(executor)
    }
}

impl Drop for Root {
    /// Envoy has no more requests for it.
    fn drop(&mut self) {
        if let Some(executor) = &self.executor {
            executor.resources.tell_counted();
        }
    }
}

impl Context for Root {
    /// Answers to call-outs that were sent from a tick come here.
    fn on_http_call_response(&mut self, call_id: u32, headers: usize, body: usize, _: usize) {
        if let Some(executor) = &self.executor {
            executor
                .resources
                .as_root(|| executor.call_answered(NO_CONTEXT, call_id, headers, body));
        }
    }
}

impl RootContext for Root {
    fn on_configure(&mut self, size: usize) -> bool {
        match Self::configure(size) {
            Ok(executor) => {
                neighbours::welcome(&executor.worker);
                self.executor = Some(Rc::new(executor));
                true
            }
            Err(problem) => {
                hostcalls::log(
                    Level::Error,
                    &format!("wx-session does not start: {problem}"),
                );
                false
            }
        }
    }

    fn on_tick(&mut self) {
        if let Some(executor) = &self.executor {
            executor.resources.as_root(|| executor.tick());
        }
    }

    fn create_http_context(&self, context_id: u32) -> Option<Box<dyn HttpContext>> {
        let executor = self.executor.as_ref().map(Rc::clone);
        Some(Box::new(Filter::new(context_id, executor)))
    }

    fn get_type(&self) -> Option<ContextType> {
        Some(ContextType::HttpContext)
    }
}
