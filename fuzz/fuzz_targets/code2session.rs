//! `wx_session_core::fuzz::code2session`.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| wx_session_core::fuzz::code2session(data));
