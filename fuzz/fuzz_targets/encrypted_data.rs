//! `wx_session_core::fuzz::encrypted_data`.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| wx_session_core::fuzz::encrypted_data(data));
