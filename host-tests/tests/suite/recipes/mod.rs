//! The pages of `docs/recipes/`, each with the client that it is for: what that client sends, and what it goes by in
//! answers, as its source has it. The configuration is the one of the page. The app behind it answers as the page has it
//! answer.

mod journey;
mod pages;
mod stage;

mod crmeb;
mod litemall;
mod mall4m;
mod mall4m_2023;
mod ruoyi;
mod unibest;
mod wafer;
mod weapp_cookie;
mod weapp_session;
mod werequest;
mod yudao;

/// Makes each a test on both hosts.
macro_rules! on_both_hosts {
    ($($client:ident { $($test:ident,)* })*) => {
        mod on_envoy {
            $($( #[test] fn $test() { super::$client::$test(crate::rig::HostKind::Envoy); } )*)*
        }
        mod on_spin {
            $($( #[test] fn $test() { super::$client::$test(crate::rig::HostKind::Spin); } )*)*
        }
    };
}

on_both_hosts! {
    crmeb {
        crmeb_logs_in_in_two_steps_and_goes_its_way,
        crmeb_shows_why_there_is_no_login,
        crmeb_gives_nothing_else_out_of_its_cache,
        crmeb_binds_a_phone_number_with_a_login,
        crmeb_binds_a_phone_number_and_stays_logged_in,
        crmeb_binds_no_number_that_its_client_wrote,
        crmeb_runs_no_timer_for_strangers,
        crmeb_hears_of_payments,
        crmeb_takes_a_number_that_was_typed_in,
        crmeb_keeps_nobody_who_typed_in_a_wrong_captcha,
    }
    litemall {
        litemall_goes_its_way,
        litemall_registers_with_two_codes,
        litemall_binds_a_phone_number,
        litemall_hears_of_payments,
        litemall_hears_of_messages_that_wechat_has_signed,
        litemall_keeps_nobody_whom_its_app_refuses,
        litemall_shows_why_there_is_no_login,
        litemall_may_bring_a_token_of_its_app,
        litemall_uploads_without_a_token,
    }
    mall4m {
        mall4m_goes_its_way_and_never_loops,
        mall4m_logs_in_whoever_has_no_name_yet,
        mall4m_waits_for_ever_after_a_login_that_failed,
    }
    mall4m_2023 {
        mall4m_of_2023_goes_its_way,
        mall4m_of_2023_refuses_who_is_nobody_in_any_spelling,
        a_password_login_of_the_app_goes_on_beside,
    }
    ruoyi {
        ruoyi_goes_its_way,
        ruoyi_is_told_of_every_refusal_in_its_body,
    }
    unibest {
        unibest_goes_its_way,
        unibest_logs_out_without_a_session,
    }
    wafer {
        wafers_clients_go_their_way,
    }
    weapp_cookie {
        weapp_cookie_goes_its_way,
        weapp_cookie_gets_no_cookie_where_the_app_refuses,
    }
    weapp_session {
        weapp_session_goes_its_way,
        weapp_session_gives_up_where_no_code_is_good,
        weapp_session_takes_no_refusal_for_a_success,
    }
    werequest {
        werequest_goes_its_way,
        werequest_uploads_with_the_token_in_a_field,
        werequest_posts_what_is_large_where_nothing_looks_into_it,
        werequest_may_send_a_header_beside_that_has_nothing,
    }
    yudao {
        yudao_goes_its_way,
        yudao_is_refused_under_http_200,
        yudao_takes_no_other_code_for_a_login,
        yudao_gets_the_number_for_the_code_of_its_button,
        yudao_takes_no_number_that_its_client_wrote,
        yudao_binds_an_account_without_a_login,
        yudao_uploads_with_a_scheme,
        the_admin_of_yudao_stays_with_its_own_tokens,
    }
}

/// What takes a clock that can be set.
mod on_spin_later {
    #[test]
    fn weapp_session_logs_in_again_when_its_code_is_no_longer_remembered() {
        super::weapp_session::a_code_is_no_token_forever(crate::rig::HostKind::Spin);
    }

    #[test]
    fn unibest_stops_to_send_its_token_and_logs_in_again() {
        super::unibest::a_token_is_sent_for_its_time(crate::rig::HostKind::Spin);
    }
}
