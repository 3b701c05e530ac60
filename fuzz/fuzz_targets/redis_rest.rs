//! `wx_session_core::fuzz::redis_rest`.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| wx_session_core::fuzz::redis_rest(data));
