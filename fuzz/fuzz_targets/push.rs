//! `wx_session_core::fuzz::push`.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| wx_session_core::fuzz::push(data));
