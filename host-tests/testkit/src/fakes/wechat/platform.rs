//! Whose server it is: WeChat's, or another platform's with the same kind of login. Each has a language of its own, and
//! users, codes and faults as WeChat has them.

/// A platform.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Platform {
    /// `api.weixin.qq.com`.
    Wechat,
    /// `api.q.qq.com`, in WeChat's language.
    Qq,
    /// `developer.toutiao.com`.
    Douyin,
    /// `open.kuaishou.com`.
    Kuaishou,
}

impl Platform {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Wechat, Self::Qq, Self::Douyin, Self::Kuaishou];

    /// The host of its API.
    #[must_use]
    pub fn host(self) -> &'static str {
        match self {
            Self::Wechat => "api.weixin.qq.com",
            Self::Qq => "api.q.qq.com",
            Self::Douyin => "developer.toutiao.com",
            Self::Kuaishou => "open.kuaishou.com",
        }
    }

    /// As configurations call it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Wechat => "wechat",
            Self::Qq => "qq",
            Self::Douyin => "douyin",
            Self::Kuaishou => "kuaishou",
        }
    }

    /// What stands at the end of its codes, so that it has to be encoded.
    pub(super) fn code_ends(self) -> &'static str {
        match self {
            Self::Wechat | Self::Qq => "",
            Self::Douyin | Self::Kuaishou => "&+/%=",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fakes::wechat::{Asked, FakeWechat};
    use serde_json::Value;

    const JSON: Option<&str> = Some("application/json");
    const FORM: Option<&str> = Some("application/x-www-form-urlencoded");

    fn server(platform: Platform) -> FakeWechat {
        FakeWechat::new("wx1", "s").beside(platform, "app", "s&")
    }

    fn said(server: &FakeWechat, asked: Asked<'_>) -> Value {
        serde_json::from_slice(&server.answer_asked(&asked).body).unwrap()
    }

    #[test]
    fn douyin_takes_its_own_request_and_no_other() {
        let server = server(Platform::Douyin);
        let phone = server.phone("ming");
        let body = |code: &str, more: &str| {
            format!(r#"{{"appid":"app","secret":"s&","code":"{code}"{more}}}"#)
        };
        let good = body(&phone.login(), "");
        let asked = Asked {
            method: "POST",
            target: "/api/apps/v2/jscode2session",
            content_type: JSON,
            body: good.as_bytes(),
            ..Asked::default()
        };
        let more = body(&phone.login(), r#","grant_type":"x""#);
        for wrong in [
            Asked {
                method: "GET",
                ..asked
            },
            Asked {
                target: "/sns/jscode2session",
                ..asked
            },
            Asked {
                target: "/api/apps/v2/jscode2session?a=b",
                ..asked
            },
            Asked {
                content_type: FORM,
                ..asked
            },
            Asked {
                content_type: None,
                ..asked
            },
            Asked {
                body: b"appid=app",
                ..asked
            },
            Asked {
                body: more.as_bytes(),
                ..asked
            },
        ] {
            assert_eq!(said(&server, wrong)["err_no"], 1, "{wrong:?}");
        }
        let first = said(&server, asked);
        assert_eq!(
            (&first["err_no"], &first["data"]["openid"]),
            (&0.into(), &phone.openid().into())
        );
        assert_eq!(said(&server, asked)["err_no"], 40018, "it is used");
        for (body, err_no) in [
            (r#"{"appid":"other","secret":"s&","code":"c"}"#, 40015),
            (r#"{"appid":"app","secret":"t","code":"c"}"#, 40017),
            (r#"{"appid":"app","secret":"s&","code":"c"}"#, 40018),
            (r#"{"appid":"app","secret":"s&"}"#, 40018),
        ] {
            let body = body.as_bytes();
            assert_eq!(said(&server, Asked { body, ..asked })["err_no"], err_no);
        }
    }

    #[test]
    fn kuaishou_takes_its_own_request_and_no_other() {
        let server = server(Platform::Kuaishou);
        let phone = server.phone("ming");
        let form = |code: &str, more: &str| {
            let code = code
                .replace('%', "%25")
                .replace('&', "%26")
                .replace('+', "%2B");
            format!("app_id=app&app_secret=s%26&js_code={code}{more}")
        };
        let good = form(&phone.login(), "");
        let asked = Asked {
            method: "POST",
            target: "/oauth2/mp/code2session",
            content_type: FORM,
            body: good.as_bytes(),
            ..Asked::default()
        };
        let more = form(&phone.login(), "&grant_type=x");
        for wrong in [
            Asked {
                method: "GET",
                ..asked
            },
            Asked {
                target: "/sns/jscode2session",
                ..asked
            },
            Asked {
                target: "/oauth2/mp/code2session?a=b",
                ..asked
            },
            Asked {
                content_type: JSON,
                ..asked
            },
            Asked {
                body: b"{}",
                ..asked
            },
            Asked {
                body: more.as_bytes(),
                ..asked
            },
        ] {
            assert_eq!(said(&server, wrong)["result"], MALFORMED, "{wrong:?}");
        }
        let first = said(&server, asked);
        assert_eq!(
            (&first["result"], &first["open_id"]),
            (&1.into(), &phone.openid().into())
        );
        assert_eq!(said(&server, asked)["result"], 100_200_105, "it is used");
        let body = b"app_id=app&app_secret=t&js_code=c";
        assert_eq!(
            said(&server, Asked { body, ..asked })["result"],
            100_200_101
        );
    }

    const MALFORMED: i64 = 100_200_100;

    #[test]
    fn one_server_answers_for_each_platform_by_its_host() {
        let wechat = FakeWechat::new("wx1", "s");
        let qq = wechat.beside(Platform::Qq, "11", "s");
        let code = qq.phone("ming").login();
        let target = format!(
            "/sns/jscode2session?appid=11&secret=s&js_code={code}&grant_type=authorization_code"
        );
        let asked = Asked {
            method: "GET",
            target: &target,
            ..Asked::default()
        };
        let host = Some("api.weixin.qq.com");
        assert_eq!(said(&wechat, Asked { host, ..asked })["errcode"], 40013);
        let host = Some("api.q.qq.com");
        let login = said(&wechat, Asked { host, ..asked });
        assert_eq!(login["openid"], qq.phone("ming").openid());
        assert_eq!((wechat.requests().len(), qq.requests().len()), (1, 1));
    }
}
