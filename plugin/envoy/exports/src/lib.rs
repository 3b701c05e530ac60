//! Takes off the module what Envoy need not call. Envoy crosses into the module for every callback that it exports,
//! and the SDK exports all there are: each one that does nothing costs a crossing per request.
//! Never changes anything but the list of exports.

use std::convert::Infallible;

use anyhow::{Context, Result, ensure};
use wasm_encoder::reencode::{self, Reencode};
use wasm_encoder::{ExportSection, Module};
use wasmparser::{Export, Parser};

/// What the plugin overrides or the host cannot do without.
/// <https://github.com/proxy-wasm/spec/tree/main/abi-versions/v0.2.1>
pub const KEPT: &[&str] = &[
    "_initialize",
    "memory",
    "proxy_abi_version_0_2_1",
    "proxy_on_configure",
    "proxy_on_context_create",
    // The SDK forgets a context here; without it each request would leave its filter behind.
    "proxy_on_delete",
    "proxy_on_http_call_response",
    "proxy_on_memory_allocate",
    "proxy_on_request_body",
    "proxy_on_request_headers",
    "proxy_on_request_trailers",
    // Where a login on the way gives the client its token.
    "proxy_on_response_headers",
    "proxy_on_tick",
];

/// Nothing that is shipped has it: a build for the budgets counts its allocations.
const COUNTER: &str = "counted_allocations";

/// The same module with no exports but [`KEPT`].
///
/// # Errors
/// When it is no module, or one of them is missing.
pub fn strip(module: &[u8]) -> Result<Vec<u8>> {
    let mut stripping = Stripping { kept: 0 };
    let mut stripped = Module::new();
    stripping
        .parse_core_module(&mut stripped, Parser::new(0), module)
        .context("what the compiler made is no module")?;
    ensure!(
        stripping.kept == KEPT.len(),
        "the module exports {} of what Envoy needs: {KEPT:?}",
        stripping.kept
    );
    Ok(stripped.finish())
}

struct Stripping {
    kept: usize,
}

impl Reencode for Stripping {
    type Error = Infallible;

    fn parse_export(
        &mut self,
        exports: &mut ExportSection,
        export: Export<'_>,
    ) -> Result<(), reencode::Error<Infallible>> {
        if KEPT.contains(&export.name) {
            self.kept += 1;
        }
        if KEPT.contains(&export.name) || export.name == COUNTER {
            reencode::utils::parse_export(self, exports, export)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wasm_encoder::{
        CodeSection, ExportKind, Function, FunctionSection, Instruction, TypeSection,
    };

    /// A module with one function under all these names.
    fn module(names: &[&str]) -> Vec<u8> {
        let (mut types, mut functions) = (TypeSection::new(), FunctionSection::new());
        types.ty().function([], []);
        functions.function(0);
        let mut exports = ExportSection::new();
        for name in names {
            exports.export(name, ExportKind::Func, 0);
        }
        let (mut code, mut body) = (CodeSection::new(), Function::new([]));
        body.instruction(&Instruction::End);
        code.function(&body);
        let mut module = Module::new();
        module.section(&types).section(&functions).section(&exports);
        module.section(&code);
        module.finish()
    }

    #[test]
    fn only_what_is_needed_stays_exported() {
        let all = [KEPT, &["proxy_on_log", "proxy_on_grpc_close"]].concat();
        assert_eq!(strip(&module(&all)).unwrap(), module(KEPT));
    }

    #[test]
    fn a_module_that_lacks_something_is_refused() {
        assert!(strip(&module(&KEPT[1..])).is_err());
        assert!(strip(b"\0asm").is_err());
    }
}
