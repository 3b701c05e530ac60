//! What the plugin does, one sentence each, on every host.

mod access_token;
mod admin;
mod app_words;
mod bad_input;
mod client_words;
mod clock;
mod cookies;
mod forged_data;
mod gate;
mod limits;
mod login;
mod migration;
mod observe;
mod open_data;
mod open_data_body;
mod own_name;
mod phone;
mod piggyback;
mod platforms;
mod profiles;
mod push;
mod releases;
mod reset_key;
mod routes;
mod sessions;
mod through_app;
mod tokens;
mod wafer;
pub mod wafer_client;
mod wechat_api;
mod wechat_trouble;
mod without_a_body;

/// Makes each scenario a test on each host.
macro_rules! on_every_host {
    ($($file:ident { $($scenario:ident,)* })*) => {
        mod on_core {
            $($( #[test] fn $scenario() { super::$file::$scenario(crate::rig::HostKind::Core); } )*)*
        }
        mod on_wasm {
            $($( #[test] fn $scenario() { super::$file::$scenario(crate::rig::HostKind::Wasm); } )*)*
        }
        mod on_core_with_redis_rest {
            $($( #[test] fn $scenario() { super::$file::$scenario(crate::rig::HostKind::CoreRest); } )*)*
        }
        mod on_wasm_with_webdis {
            $($( #[test] fn $scenario() { super::$file::$scenario(crate::rig::HostKind::WasmWebdis); } )*)*
        }
        mod on_envoy_with_webdis {
            $($( #[test] fn $scenario() { super::$file::$scenario(crate::rig::HostKind::EnvoyWebdis); } )*)*
        }
        mod on_spin {
            $($( #[test] fn $scenario() { super::$file::$scenario(crate::rig::HostKind::Spin); } )*)*
        }
        mod on_spin_middleware {
            $($( #[test] fn $scenario() { super::$file::$scenario(crate::rig::HostKind::SpinMiddleware); } )*)*
        }
        mod on_envoy {
            $($( #[test] fn $scenario() { super::$file::$scenario(crate::rig::HostKind::Envoy); } )*)*
        }
    };
}

on_every_host! {
    admin {
        an_operator_sees_the_live_sessions_of_a_user,
        an_operator_ends_one_session_and_no_other,
        an_operator_ends_all_sessions_of_a_user_and_of_nobody_else,
        an_operator_says_what_a_session_remembers,
        of_a_user_whom_nobody_knows_there_is_nothing,
        an_operator_is_told_what_is_wrong_with_a_request,
        without_its_token_the_back_channel_looks_like_any_path,
        no_spelling_of_its_paths_reaches_the_app,
        an_old_token_is_good_while_it_is_listed,
        each_use_of_the_back_channel_is_one_line,
        a_flood_of_wrong_tokens_locks_nobody_out_and_fills_no_log,
        where_it_is_off_its_paths_are_the_apps,
    }
    login {
        a_code_becomes_a_session_that_the_gate_knows,
        a_form_body_logs_in_too,
        headers_with_get_log_in_as_wafer_clients_do,
        wechat_sees_exactly_the_documented_query,
        a_second_login_ends_the_old_session_and_is_returning,
        another_account_on_the_phone_is_switched,
        the_same_code_again_gives_the_same_login,
        the_same_code_is_forgotten_when_its_session_has_ended,
        two_taps_at_once_make_one_call_and_one_login,
        two_taps_with_a_bad_code_are_both_refused_after_one_call,
        open_data_sent_with_the_login_registers_the_user,
        stale_open_data_does_not_cost_the_login,
        a_unionid_reaches_the_app,
        a_unionid_in_open_data_is_no_identity,
        a_crowd_behind_one_code_is_turned_away,
        the_app_is_chosen_by_name_by_referer_or_as_the_only_one,
        the_sixth_phone_ends_the_session_of_the_first,
        sessions_that_are_over_count_for_nothing,
    }
    sessions {
        a_session_ends_after_its_idle_time,
        use_extends_the_idle_time_but_not_the_absolute_time,
        a_session_in_constant_use_does_not_expire,
        session_tells_the_client_whether_to_log_in_again,
        logout_ends_the_session_and_is_idempotent,
        without_a_good_token_a_logout_is_done_already,
        a_type_without_a_body_refuses_no_logout,
        a_logout_by_get_needs_its_token_in_a_header,
        logout_everywhere_ends_all_sessions_of_the_user_only,
        a_token_that_was_never_minted_here_is_refused,
        user_shows_the_profile_without_ids_and_keys,
    }
    open_data {
        a_signature_over_the_exact_text_is_valid,
        decrypting_gives_the_object_as_wechat_wrote_it,
        data_made_under_the_previous_key_opens,
        data_under_an_older_key_is_stale,
        phone_numbers_and_share_info_have_no_owner_and_open,
        every_content_failure_is_one_and_the_same_answer,
        five_failures_end_the_session,
        raw_control_characters_in_a_nickname_are_tolerated,
        damaged_base64_is_repaired_and_counted,
        percent_encoded_base64_is_repaired_wherever_it_is_sent,
        old_data_is_refused_where_an_age_is_set,
        replayed_data_is_refused_where_so_configured,
        registering_stores_the_profile_and_later_logins_show_it,
        a_second_phone_shares_the_key_ring,
    }
    open_data_body {
        open_data_in_a_body_reaches_the_app_decrypted,
        open_data_may_stand_in_a_named_object_and_go_by_another_name,
        a_body_without_open_data_reaches_the_app_untouched,
        what_clients_make_of_nothing_hides_no_open_data,
        a_client_cannot_write_what_the_app_takes_for_the_edges_word,
        no_spelling_of_a_path_leads_a_body_past_the_edge,
        a_body_that_the_edge_cannot_read_is_refused,
        other_types_pass_where_so_configured,
        data_that_does_not_open_never_reaches_the_app,
        a_body_is_opened_by_the_rules_of_the_decrypt_endpoint,
        without_a_session_open_data_is_refused_and_other_bodies_pass,
        headers_that_describe_the_old_body_do_not_come_with_the_new_one,
        a_body_that_outgrows_the_limit_when_opened_is_refused,
    }
    own_name {
        a_key_that_a_framework_splits_or_normalises_is_refused,
        neither_the_query_nor_a_cookie_can_say_it,
        a_type_that_says_json_beside_its_essence_is_refused,
        the_same_type_twice_is_one_and_the_app_gets_it_once,
        where_other_types_pass_forms_do_not_say_it,
        headers_of_the_name_and_parts_in_disguise_do_not_say_it,
    }
    without_a_body {
        every_endpoint_takes_its_parameters_from_headers,
        what_is_missing_or_too_large_in_headers_is_named,
        headers_are_nothing_beside_a_body,
        a_link_ends_no_session,
    }
    forged_data {
        a_phone_number_cannot_be_cut_out_of_a_nickname,
        nothing_else_can_be_cut_out_of_a_nickname,
        a_payload_of_two_shapes_is_refused_as_every_other_failure,
        what_is_not_known_opens_and_is_never_a_part_of_a_profile,
    }
    profiles {
        a_profile_that_says_nothing_does_not_replace_one,
        a_profile_that_says_nothing_registers_nobody,
        open_data_that_is_none_does_not_cost_the_login,
    }
    gate {
        a_route_without_a_rule_needs_a_session,
        spoofed_identity_headers_are_gone_on_every_route,
        the_token_does_not_reach_the_app,
        a_bearer_token_is_accepted_and_the_apps_own_authorization_is_left_alone,
        an_optional_route_forwards_without_identity_and_says_so,
        a_public_route_is_not_looked_at,
        cookie_and_query_carry_the_token_only_where_configured,
        an_assertion_signs_the_identity_where_configured,
        the_standard_names_are_the_edges_whatever_ours_are_called,
        an_app_is_told_no_more_than_it_needs,
        the_body_of_a_forwarded_request_is_untouched,
        no_other_spelling_of_what_frames_a_body_reaches_the_app,
    }
    routes {
        rules_match_whole_segments_and_methods,
        a_preflight_passes_only_where_configured,
        a_preflight_has_no_body_whatever_its_head_says,
        upgrades_pass_only_where_the_route_names_them,
        an_offer_of_another_http_is_passed_over,
        a_required_rule_holds_in_every_spelling_of_its_path,
        methods_that_are_not_in_capitals_are_refused,
        a_method_beside_the_method_leads_around_no_rule,
        head_meets_what_get_meets_and_a_script_what_follows_it,
    }
    tokens {
        two_different_tokens_are_refused_wherever_they_stand,
        the_same_token_twice_is_one,
        what_clients_write_for_no_token_is_none,
        what_is_no_token_beside_a_good_one_is_ignored,
        a_login_goes_on_beside_what_is_no_token,
        of_two_old_tokens_a_login_picks_none,
        other_cookies_need_not_be_text,
        a_token_is_taken_as_clients_write_it,
        a_token_in_a_body_is_taken_where_the_route_names_it,
        of_what_a_body_says_twice_nothing_is_ignored_and_two_tokens_are_refused,
        json_that_is_no_object_brings_no_token_and_passes,
        a_token_in_a_body_goes_on_where_tokens_do,
        a_body_that_may_hold_a_token_must_fit_and_be_readable,
    }
    cookies {
        a_login_sets_the_cookie_and_a_logout_clears_it,
        its_attributes_can_be_chosen_and_the_apps_own_cookies_stay,
        where_there_is_no_cookie_none_is_set,
        a_cookie_counts_for_pages_of_the_list_only,
    }
    client_words {
        every_answer_of_the_edge_says_in_headers_what_it_is,
        refusals_about_the_session_are_in_the_clients_words,
        other_refusals_have_words_of_their_own,
        a_route_has_words_of_its_own,
        good_answers_have_members_and_the_token_where_clients_look,
    }
    app_words {
        an_app_ends_the_session_of_a_request_at_once,
        an_end_that_is_said_twice_is_an_end_and_one_that_cannot_be_read_is_told,
        an_app_ends_all_sessions_of_a_user_and_of_nobody_else,
        a_session_that_is_to_end_is_given_to_nobody,
        with_head_and_304_the_headers_count_too,
        a_session_remembers_what_its_app_gives_it,
        what_a_session_remembers_is_in_the_store_and_a_new_login_begins_without,
        a_client_cannot_say_what_a_session_remembers,
        where_it_is_off_nothing_is_heard,
        on_a_public_route_there_is_no_session_to_speak_of,
        where_nobody_looks_for_a_session_clients_see_nothing_of_it_either,
    }
    through_app {
        the_app_answers_a_login_in_its_own_words,
        the_code_may_come_in_a_form_a_query_or_a_header,
        a_code_is_taken_on_named_routes_only,
        a_refusal_of_wechat_is_the_edges_or_the_apps_to_tell,
        a_code_beside_open_data_that_cannot_be_read_is_not_spent,
        an_app_that_refuses_ends_the_session_that_was_begun,
        the_old_session_ends_wherever_its_token_was,
        a_code_that_binds_says_whose_it_is_and_leaves_the_session,
        where_a_code_is_bound_no_other_one_logs_in_on_the_way,
        open_data_beside_the_code_registers_the_user,
        without_a_code_the_session_of_the_route_decides,
        nobody_but_the_edge_speaks_of_a_login,
        a_body_that_cannot_be_looked_into_is_refused,
        while_wechat_is_down_the_code_is_not_lost,
    }
    bad_input {
        a_bad_code_parameter_is_named,
        a_bad_body_is_named,
        a_bad_content_type_is_refused,
        a_content_type_that_can_be_read_in_one_way_is_taken,
        a_bad_method_is_told_the_allowed_ones,
        bad_open_data_parameters_are_named,
        malformed_tokens_are_refused,
        doubled_and_unreadable_headers_are_refused,
        paths_that_can_be_read_in_two_ways_are_refused,
        nothing_secret_is_in_the_log,
    }
    wechat_trouble {
        every_errcode_has_its_answer,
        busy_is_asked_again_twice_and_no_more,
        other_errors_are_never_asked_again,
        broken_answers_are_unavailable_and_it_is_said_how,
        a_slow_wechat_is_given_up_at_the_deadline,
        after_trouble_the_next_login_works,
        a_call_that_fails_is_one_line_in_the_log_that_says_why,
        an_address_with_many_refused_codes_has_to_wait,
        a_wechat_that_keeps_failing_is_left_alone_for_a_while,
    }
    piggyback {
        a_request_with_a_code_is_logged_in_and_goes_on,
        user_data_sent_with_the_code_registers_and_stays_at_the_edge,
        whatever_the_app_answers_carries_the_token,
        no_cache_is_told_to_keep_an_answer_with_a_token,
        what_is_no_code_asks_for_no_login,
        the_app_is_told_who_logged_in_as_seen_from_the_phone,
        a_client_cannot_say_what_login_it_was,
        a_code_beside_a_good_session_is_not_spent,
        a_public_route_and_a_preflight_log_nobody_in,
        an_optional_route_logs_in_who_asks_for_it,
        where_it_is_off_a_code_is_a_header_like_others,
        a_login_that_is_refused_is_answered_at_the_edge,
        requests_with_the_same_code_share_one_session,
        a_code_opens_nothing_after_its_session_has_ended,
        refused_codes_are_limited_as_at_the_login,
        a_large_body_reaches_the_app_whole_or_not_at_all,
        the_header_of_the_token_can_be_chosen,
    }
    platforms {
        each_platform_is_asked_in_its_own_language,
        one_edge_logs_in_users_of_all_platforms_and_keeps_them_apart,
        the_header_names_the_app_wherever_the_code_stands,
        an_app_is_told_which_platform_a_request_comes_from,
        every_refusal_of_a_platform_has_its_answer,
        a_busy_platform_is_asked_again_only_where_the_code_is_kept,
        answers_that_cannot_be_read_are_told_in_the_platforms_name,
        an_outage_of_one_platform_leaves_the_others_alone,
        open_data_opens_under_the_key_of_its_platform,
        the_same_code_again_gives_the_same_login_on_each_platform,
        secrets_and_codes_of_no_platform_are_in_the_log,
        a_platform_alone_needs_no_other,
    }
    phone {
        a_code_of_the_button_gives_the_number_as_wechat_wrote_it,
        the_number_is_kept_where_the_request_says_so_and_headers_say_it_too,
        without_a_session_or_a_code_of_the_button_wechat_is_not_asked,
        a_code_that_wechat_refuses_is_told_with_its_causes,
        of_codes_at_once_no_more_are_asked_of_wechat_than_may_fail,
        a_code_that_is_too_old_is_refused,
        a_number_of_another_app_is_given_to_nobody,
        trouble_with_wechat_is_told_as_at_the_login,
        a_code_in_a_body_reaches_the_app_as_the_number,
        a_code_is_not_spent_for_a_body_that_may_be_too_large_then,
        a_body_with_a_bad_code_never_reaches_the_app,
        no_code_number_or_token_is_in_the_log,
    }
    access_token {
        any_number_of_calls_have_one_token,
        a_dead_token_is_given_up_and_the_call_repeated_once,
        a_token_that_is_dead_twice_in_a_row_is_told_and_not_tried_a_third_time,
        calls_that_learn_of_a_dead_token_together_ask_for_one_new_one,
        while_wechat_refuses_a_token_it_is_left_alone_and_the_operator_told_once,
        while_wechat_does_not_answer_there_is_no_token_and_it_is_told,
        an_app_of_another_platform_has_no_token,
        wechat_says_whether_it_still_holds_the_session_key,
        of_one_user_wechat_is_asked_about_the_session_key_ten_times_in_a_minute,
    }
    wechat_api {
        a_call_reaches_wechat_as_it_was_with_the_token_and_nothing_else,
        what_wechat_says_of_a_call_is_the_backends_to_read,
        an_upload_reaches_wechat_whole,
        a_small_call_with_a_dead_token_is_sent_once_more,
        where_nobody_knows_what_became_of_the_second_call_nobody_says_it_was_not_done,
        what_is_not_listed_is_refused_and_wechat_not_asked,
        tokens_secrets_and_logins_are_refused_however_they_are_spelled,
        the_app_is_the_only_one_or_named_and_one_of_wechats,
        wechat_knows_two_methods,
        pages_and_mini_programs_have_no_business_there,
        without_a_token_the_backend_is_told_why,
        no_token_of_a_call_is_in_the_log,
        what_serves_clients_passes_nothing_to_wechat,
    }
    limits {
        a_flood_of_refusals_is_few_lines_and_the_number_of_those_left_out,
        limited_logins_do_not_reach_the_store,
        a_network_at_its_limit_gets_the_login_of_a_good_code_again,
        good_logins_are_not_limited,
        no_more_is_opened_at_once_than_may_fail,
        data_that_opens_is_opened_however_much_comes_at_once,
        a_login_with_data_that_does_not_open_has_used_one_of_its_trials,
        a_login_with_data_that_does_not_open_stands_where_none_may_fail,
        replays_are_refused_for_as_long_as_the_session_lives,
        a_session_that_has_shown_more_than_is_remembered_is_ended,
    }
    migration {
        a_wafer_backend_moves_step_by_step,
        a_wafer_backend_goes_on_showing_the_profiles_it_has,
        a_login_of_ones_own_moves_step_by_step,
    }
    observe {
        nothing_about_the_session_is_refused_and_the_app_is_told,
        tokens_of_the_running_app_reach_it_and_ours_do_not,
        what_protects_stays_while_observed,
        a_path_that_can_be_read_in_two_ways_is_told_where_so_configured,
        what_was_asked_for_keeps_its_own_refusals,
        a_route_is_observed_or_enforced_by_itself,
        a_websocket_that_no_route_names_goes_on_while_observed,
        a_preflight_goes_on_while_observed,
        a_cookie_from_another_page_gives_nobody_an_identity_while_observed,
        the_edge_comes_before_a_running_system_in_three_steps,
    }
    push {
        a_check_of_the_url_is_echoed_as_it_is,
        a_message_reaches_the_app_in_plain_text_in_every_mode_and_format,
        the_apps_answer_goes_back_as_the_message_came,
        a_repetition_is_answered_and_not_delivered_again,
        a_repetition_during_the_first_delivery_waits_for_its_outcome,
        what_the_app_did_not_take_is_delivered_with_the_next_try,
        an_app_that_takes_long_goes_on_when_wechat_has_its_answer,
        whatever_is_wrong_with_a_push_is_one_refusal,
        a_push_from_longer_ago_is_refused,
        a_sealed_message_of_another_day_is_refused,
        a_cluster_that_nobody_knows_is_a_fault_of_the_edge,
        wechat_hears_of_a_failure_whatever_clients_are_told,
        where_there_is_a_key_nothing_unsealed_is_taken,
        what_cannot_be_read_is_refused,
        a_large_push_is_refused,
        no_client_reaches_the_app_where_messages_go,
        each_app_has_messages_of_its_own,
        a_probe_of_cloud_run_is_answered,
        a_client_cannot_say_who_a_message_is_from,
        without_push_its_path_is_one_like_others,
    }
    releases {
        a_release_that_is_not_listed_is_refused_everywhere,
        any_number_and_the_developer_tools_can_be_listed,
        the_app_is_told_of_a_release_that_is_not_listed_where_so_configured,
        each_app_has_a_list_of_its_own,
        at_endpoints_the_list_is_that_of_the_sessions_app,
        a_code_of_a_refused_release_is_not_spent,
        an_observed_release_goes_on_and_the_app_is_told,
    }
    reset_key {
        after_a_reset_data_opens_under_the_new_key_and_under_the_one_before,
        of_a_user_whom_nobody_knows_no_key_is_reset,
        a_key_that_wechat_does_not_hold_any_more_is_not_reset_and_a_login_mends_it,
        a_reset_with_a_dead_access_token_is_sent_once_more,
        while_wechat_cannot_reset_a_key_it_is_told_why_and_nothing_is_lost,
        a_new_key_whose_answer_is_lost_comes_with_the_next_login,
        no_other_platform_resets_a_key,
    }
    wafer {
        every_wafer_client_logs_in_and_reaches_the_app,
        a_bad_session_on_any_route_makes_every_client_log_in_again_once,
        a_client_without_a_session_logs_in_on_the_way,
        a_login_that_wechat_refuses_is_told_to_every_client,
        user_info_sent_with_the_login_comes_back_and_is_shown_as_user,
        one_login_answer_has_the_words_of_both_clients_and_ours,
        a_login_may_be_posted,
        a_bad_session_is_told_to_both_clients_and_to_ours_in_one_body,
        the_mark_is_on_no_other_answer,
        x_wx_id_never_reaches_the_app_and_must_name_the_session_of_its_token,
        without_compat_there_is_nothing_of_wafer,
        the_paths_of_wafer_can_be_chosen,
    }
}

/// Makes each scenario a test on each host whose clock is not the machine's.
macro_rules! where_the_clock_can_be_set {
    ($($scenario:ident,)*) => {
        mod clock_on_core {
            $( #[test] fn $scenario() { super::clock::$scenario(crate::rig::HostKind::Core); } )*
        }
        mod clock_on_wasm {
            $( #[test] fn $scenario() { super::clock::$scenario(crate::rig::HostKind::Wasm); } )*
        }
        mod clock_on_core_with_redis_rest {
            $( #[test] fn $scenario() { super::clock::$scenario(crate::rig::HostKind::CoreRest); } )*
        }
        mod clock_on_wasm_with_webdis {
            $( #[test] fn $scenario() { super::clock::$scenario(crate::rig::HostKind::WasmWebdis); } )*
        }
        mod clock_on_spin {
            $( #[test] fn $scenario() { super::clock::$scenario(crate::rig::HostKind::Spin); } )*
        }
        mod clock_on_spin_middleware {
            $( #[test] fn $scenario() { super::clock::$scenario(crate::rig::HostKind::SpinMiddleware); } )*
        }
    };
}

where_the_clock_can_be_set! {
    a_limited_network_is_free_when_the_clock_is_set_back,
    an_open_breaker_closes_when_the_clock_is_set_back,
    a_session_goes_on_when_the_clock_is_set_back_and_ends_when_it_is_not_used,
    a_session_in_use_ends_after_its_absolute_time_of_the_clock_that_was_set_back,
    a_session_from_days_ahead_is_not_believed,
    a_code_is_not_remembered_longer_when_the_clock_is_set_back,
    data_from_the_future_is_as_old_as_it_is_far_ahead,
    data_shown_once_stays_shown_when_the_clock_is_set_back,
    a_clock_that_is_set_forward_ends_limits_and_sessions_and_nothing_hangs,
    an_access_token_is_renewed_behind_a_request_in_its_last_five_minutes,
}
