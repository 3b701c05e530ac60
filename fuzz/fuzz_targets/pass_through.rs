//! `wx_session_core::fuzz::pass_through`.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| wx_session_core::fuzz::pass_through(data));
