// Runs a test program for WASI in Node's V8, which is the engine that Envoy has.
import { readFileSync } from "node:fs";
import { WASI } from "node:wasi";

const [, , program, ...options] = process.argv;
const wasi = new WASI({ version: "preview1", args: [program, ...options], returnOnExit: true });
const module = await WebAssembly.compile(readFileSync(program));
process.exitCode = wasi.start(await WebAssembly.instantiate(module, wasi.getImportObject()));
