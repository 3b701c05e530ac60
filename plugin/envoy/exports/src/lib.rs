//! Says what Envoy calls a module for. Envoy crosses into it for every callback that it exports, and the SDK exports all
//! there are: each one that does nothing costs a crossing per request. Never changes anything but the list of exports.

use std::convert::Infallible;

use anyhow::{Context, Result, ensure};
use wasm_encoder::reencode::{self, Reencode};
use wasm_encoder::{ExportSection, Module};
use wasmparser::{Export, Parser, Payload};

/// What the plugin overrides or the host cannot do without.
/// <https://github.com/proxy-wasm/spec/tree/main/abi-versions/v0.2.1>
pub const KEPT: &[&str] = &[
    "_initialize",
    "memory",
    ABI,
    "proxy_on_configure",
    "proxy_on_context_create",
    // The SDK forgets a context here; without it each request would leave its filter behind.
    "proxy_on_delete",
    "proxy_on_http_call_response",
    "proxy_on_memory_allocate",
    "proxy_on_request_body",
    "proxy_on_request_headers",
    "proxy_on_request_trailers",
    // Where a dead token is found in an answer of WeChat's. Envoy need not be allowed it elsewhere, and then spares the
    // crossing.
    "proxy_on_response_body",
    // Where a login on the way gives the client its token.
    "proxy_on_response_headers",
    "proxy_on_tick",
];

const ABI: &str = "proxy_abi_version_0_2_1";

/// Higress has another meaning for a callback that stops: for a module of the ABI that it takes for newer, the one that
/// Envoy has. It goes by the first name that it knows, in the order of the exports; Envoy does not know this one.
const ABI_OF_HIGRESS: &str = "proxy_abi_version_0_2_100";

/// A callback of our own, and the SDK's that it stands for: it says more than the SDK can.
const OWN: (&str, &str) = ("wx_session_on_request_headers", "proxy_on_request_headers");

/// Nothing that is shipped has it: a build for the budgets counts its allocations.
const COUNTER: &str = "counted_allocations";

/// The same module with no exports but [`KEPT`], of which it has a callback of its own under the SDK's name.
///
/// # Errors
/// When it is no module, or one of them is missing.
pub fn strip(module: &[u8]) -> Result<Vec<u8>> {
    let mut stripping = Stripping {
        has_own: names(module)?.contains(&OWN.0),
        kept: 0,
    };
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

/// What a module exports.
fn names(module: &[u8]) -> Result<Vec<&str>> {
    let mut names = Vec::new();
    for payload in Parser::new(0).parse_all(module) {
        if let Payload::ExportSection(exports) = payload? {
            for export in exports {
                names.push(export?.name);
            }
        }
    }
    Ok(names)
}

struct Stripping {
    has_own: bool,
    kept: usize,
}

impl Reencode for Stripping {
    type Error = Infallible;

    fn parse_export(
        &mut self,
        exports: &mut ExportSection,
        export: Export<'_>,
    ) -> Result<(), reencode::Error<Infallible>> {
        let name = match export.name {
            own if own == OWN.0 => OWN.1,
            sdks if sdks == OWN.1 && self.has_own => return Ok(()),
            name => name,
        };
        if !KEPT.contains(&name) && name != COUNTER {
            return Ok(());
        }
        if name == ABI {
            let name = ABI_OF_HIGRESS;
            reencode::utils::parse_export(self, exports, Export { name, ..export })?;
        }
        self.kept += usize::from(name != COUNTER);
        reencode::utils::parse_export(self, exports, Export { name, ..export })
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
        assert_eq!(strip(&module(&all)).unwrap(), module(&shipped()));
    }

    /// [`KEPT`], and Higress' name of the ABI in front of Envoy's.
    fn shipped() -> Vec<&'static str> {
        let mut names = KEPT.to_vec();
        let at = names.iter().position(|name| *name == ABI).unwrap();
        names.insert(at, ABI_OF_HIGRESS);
        names
    }

    #[test]
    fn a_callback_of_our_own_has_the_name_of_the_one_it_stands_for() {
        let all = [KEPT, &[OWN.0]].concat();
        let stripped = strip(&module(&all)).unwrap();
        let names = names(&stripped).unwrap();
        assert_eq!(names.iter().filter(|name| **name == OWN.1).count(), 1);
        assert_eq!(names.last(), Some(&OWN.1), "the one that is ours");
        assert!(!names.contains(&OWN.0));
    }

    #[test]
    fn a_module_that_lacks_something_is_refused() {
        assert!(strip(&module(&KEPT[1..])).is_err());
        assert!(strip(b"\0asm").is_err());
    }
}
