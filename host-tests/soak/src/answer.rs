//! What came back, and whose words it is: the app's, wx-session's, or Envoy's own.

use std::fmt;

use serde_json::Value;

/// Only the app says so.
pub(crate) const BY_APP: &str = "x-soak-app";
/// Names a request, on its way to the app and on the way back.
pub(crate) const ID: &str = "x-soak-id";

/// What a request got.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Answer {
    /// The app's, with the name of the request that it answers.
    App {
        /// Of HTTP.
        status: u16,
        /// As in [`ID`].
        id: String,
    },
    /// A good answer of wx-session's: its `data`.
    Good(Value),
    /// A refusal of wx-session's.
    Refused {
        /// Of HTTP.
        status: u16,
        /// Its name.
        error: String,
    },
    /// One of wx-session's that lacks what all of them have.
    Misshapen(String),
    /// Envoy's own, or whoever's.
    Strange {
        /// Of HTTP.
        status: u16,
        /// How it begins.
        said: String,
    },
    /// None.
    None(Broken),
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Broken {
    /// Nobody takes the connection.
    Refused,
    /// The connection was ended before the whole answer had come.
    Ended {
        /// One that had been used before.
        reused: bool,
    },
    /// Nothing came for as long as anybody waits.
    Silent,
    /// The certificate is not to be trusted, or no TLS is spoken.
    Tls(String),
    /// We left ourselves.
    Left,
}

impl Answer {
    /// From an answer of HTTP.
    #[must_use]
    pub(crate) fn read(status: u16, header: impl Fn(&str) -> Option<String>, body: &[u8]) -> Self {
        if header(BY_APP).is_some() {
            let id = header(ID).unwrap_or_default();
            return Self::App { status, id };
        }
        let text = String::from_utf8_lossy(body);
        let Some(error) = header("x-wx-error") else {
            let said = text.chars().take(200).collect();
            return Self::Strange { status, said };
        };
        let misshapen = |what: &str| Self::Misshapen(format!("{what}: {status} {error} {text}"));
        if header("x-wx-action").is_none() {
            return misshapen("no X-WX-Action");
        }
        let Ok(Value::Object(mut json)) = serde_json::from_slice(body) else {
            return misshapen("no JSON");
        };
        if !json.get("msg").is_some_and(Value::is_string) {
            return misshapen("no msg");
        }
        let number = json.get("status").and_then(Value::as_u64);
        match (error.as_str(), number) {
            ("none", Some(0)) if status == 200 => json
                .remove("data")
                .map_or_else(|| misshapen("no data"), Self::Good),
            ("none", _) => misshapen("no good answer"),
            (_, Some(1..))
                if status >= 400 && json.get("error") == Some(&error.as_str().into()) =>
            {
                Self::Refused { status, error }
            }
            _ => misshapen("not as the headers say"),
        }
    }

    /// For the report.
    #[must_use]
    pub(crate) fn kind(&self) -> String {
        match self {
            Self::App { status, .. } => format!("{status} of the app"),
            Self::Good(_) => "200".to_owned(),
            Self::Refused { status, error } => format!("{status} {error}"),
            Self::Misshapen(_) => "misshapen".to_owned(),
            Self::Strange { status, .. } => format!("{status} of Envoy's own"),
            Self::None(broken) => match broken {
                Broken::Refused => "no connection",
                Broken::Ended { .. } => "connection ended",
                Broken::Silent => "silence",
                Broken::Tls(_) => "no TLS",
                Broken::Left => "client left",
            }
            .to_owned(),
        }
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.kind())?;
        match self {
            Self::Good(data) => write!(f, " {}", short(data)),
            Self::Misshapen(said) | Self::Strange { said, .. } => write!(f, " {said:?}"),
            Self::None(Broken::Tls(said)) => write!(f, " {said}"),
            Self::None(Broken::Ended { reused: true }) => f.write_str(", a kept one"),
            _ => Ok(()),
        }
    }
}

fn short(data: &Value) -> String {
    let text = data.to_string();
    match text.char_indices().nth(120) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(status: u16, headers: &[(&str, &str)], body: &str) -> Answer {
        let header = |name: &str| {
            let found = headers.iter().find(|(own, _)| *own == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        Answer::read(status, header, body.as_bytes())
    }

    #[test]
    fn an_answer_is_known_by_its_headers() {
        let app = read(503, &[(BY_APP, "1"), (ID, "3-4")], "whatever");
        let id = "3-4".to_owned();
        assert_eq!(app, Answer::App { status: 503, id });
        let words = [("x-wx-error", "no_session"), ("x-wx-action", "relogin")];
        let body = r#"{"status":2001,"msg":"未登录","error":"no_session","action":"relogin"}"#;
        let error = "no_session".to_owned();
        assert_eq!(
            read(401, &words[..], body),
            Answer::Refused { status: 401, error }
        );
        let good = [("x-wx-error", "none"), ("x-wx-action", "none")];
        let body = r#"{"status":0,"msg":"ok","data":{"ended":1}}"#;
        assert_eq!(
            read(200, &good, body),
            Answer::Good(serde_json::json!({ "ended": 1 }))
        );
        let said = "upstream connect error".to_owned();
        let strange = read(503, &[], &said);
        assert_eq!(strange, Answer::Strange { status: 503, said });
    }

    #[test]
    fn what_is_not_as_all_answers_of_an_edge_are_is_misshapen() {
        let words = [("x-wx-error", "no_session"), ("x-wx-action", "relogin")];
        let good = [("x-wx-error", "none"), ("x-wx-action", "none")];
        let cases = [
            (
                401,
                &words[..1],
                r#"{"status":2001,"msg":"","error":"no_session"}"#,
            ),
            (401, &words[..], "<html>"),
            (
                401,
                &words,
                r#"{"status":2001,"msg":"","error":"invalid_token"}"#,
            ),
            (
                200,
                &words,
                r#"{"status":2001,"msg":"","error":"no_session"}"#,
            ),
            (200, &good[..], r#"{"status":2001,"msg":"","data":{}}"#),
            (200, &good[..], r#"{"status":0,"msg":""}"#),
        ];
        for (status, headers, body) in cases {
            let answer = read(status, headers, body);
            assert!(matches!(answer, Answer::Misshapen(_)), "{body}: {answer}");
        }
    }
}
