//! `wx_session_core::fuzz::json_text`.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| wx_session_core::fuzz::json_text(data));
