//! `wx_session_core::fuzz::config`.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| wx_session_core::fuzz::config(data));
