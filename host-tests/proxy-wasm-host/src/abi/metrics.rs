//! Metrics by Envoy's rules (defineMetric and its neighbours in context.cc). Never adds the counts of two VMs up,
//! as Envoy's process-wide statistics do.

use wasmtime::{Caller, Linker};

use super::super::host::{Host, Metric};
use super::super::status::Status;
use super::call::{HostcallResult, hostcall};

type Env<'a> = Caller<'a, Host>;

pub(super) fn link(linker: &mut Linker<Host>) -> wasmtime::Result<()> {
    linker.func_wrap(
        "env",
        "proxy_define_metric",
        |env: Env<'_>, kind: u32, name: u32, size: u32, id_at: u32| {
            hostcall(env, "proxy_define_metric", 0, |call| {
                let name = call.read_text(name, size)?;
                let fresh = match kind {
                    0 => Metric::Counter(0),
                    1 => Metric::Gauge(0),
                    2 => Metric::Histogram(Vec::new()),
                    _ => return Err(Status::BadArgument.into()),
                };
                let host = call.host_mut();
                // Every definition has an id of its own, whose low bits tell the kind; equal names are one metric.
                let id = 4 * (u32::try_from(host.metric_ids.len()).unwrap() + 1) + kind;
                host.metric_ids.insert(id, name.clone());
                host.metrics.entry(name).or_insert(fresh);
                call.write_u32(id_at, id)
            })
        },
    )?;
    linker.func_wrap(
        "env",
        "proxy_increment_metric",
        |env: Env<'_>, id: u32, offset: i64| {
            hostcall(env, "proxy_increment_metric", 0, |call| {
                match metric(call.host_mut(), id)? {
                    Metric::Counter(value) if offset > 0 => {
                        *value += offset.unsigned_abs();
                        Ok(())
                    }
                    Metric::Gauge(value) => {
                        *value = value.saturating_add_signed(offset);
                        Ok(())
                    }
                    _ => Err(Status::BadArgument.into()),
                }
            })
        },
    )?;
    linker.func_wrap(
        "env",
        "proxy_record_metric",
        |env: Env<'_>, id: u32, amount: u64| {
            hostcall(env, "proxy_record_metric", 0, |call| {
                match metric(call.host_mut(), id)? {
                    Metric::Counter(value) => *value += amount,
                    Metric::Gauge(value) => *value = amount,
                    Metric::Histogram(values) => values.push(amount),
                }
                Ok(())
            })
        },
    )?;
    linker.func_wrap(
        "env",
        "proxy_get_metric",
        |env: Env<'_>, id: u32, value_at: u32| {
            hostcall(env, "proxy_get_metric", 0, |call| {
                match metric(call.host_mut(), id)? {
                    Metric::Counter(value) | Metric::Gauge(value) => {
                        let value = *value;
                        call.write_u64(value_at, value)
                    }
                    Metric::Histogram(_) => Err(Status::BadArgument.into()),
                }
            })
        },
    )?;
    Ok(())
}

fn metric(host: &mut Host, id: u32) -> HostcallResult<&mut Metric> {
    let name = host.metric_ids.get(&id).ok_or(Status::NotFound)?;
    Ok(host.metrics.get_mut(name).ok_or(Status::NotFound)?)
}
