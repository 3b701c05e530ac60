//! The method of a request, and whether it names another one beside it, which some frameworks go by: Rails, Laravel and
//! ThinkPHP do without being asked to. What stands in a body is not looked for.

use crate::head::Head;
use crate::header_names::reads_as;
use crate::presented::is_name;
use crate::route::Method;

/// The headers by which frameworks let a client name the method that it means.
const HEADERS: [&str; 4] = [
    "x-http-method-override",
    "x-http-method",
    "x-method-override",
    "x-method",
];

/// The names of the same in a query, for Laravel and ThinkPHP.
const PARAMETERS: [&str; 2] = ["_method", "_ajax_method"];

/// `method`, unless the request names another one too.
pub(crate) fn of<'a>(method: &'a str, head: &Head) -> Method<'a> {
    if head.pairs().any(|(name, value)| names_another(name, value)) {
        Method::Overridden
    } else {
        Method::Plain(method)
    }
}

fn names_another(name: &[u8], value: &[u8]) -> bool {
    match name {
        [b'x', ..] => HEADERS.iter().any(|own| reads_as(name, own)),
        b":path" => value
            .split(|byte| *byte == b'?')
            .skip(1)
            .flat_map(|query| query.split(|byte| b"&;".contains(byte)))
            .any(is_parameter),
        _ => false,
    }
}

fn is_parameter(pair: &[u8]) -> bool {
    let name = pair.split(|byte| *byte == b'=').next().unwrap_or_default();
    let name = core::str::from_utf8(name).unwrap_or_default();
    PARAMETERS.iter().any(|own| is_name(name, own))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::test;

    #[test]
    fn a_request_that_names_another_method_has_none_that_can_be_relied_on() {
        let judged = |pairs: &[(&str, &str)]| {
            let head = Head::from_pairs(pairs.iter().copied());
            matches!(of("POST", &head), Method::Overridden)
        };
        for (name, value) in [
            ("x-http-method-override", "DELETE"),
            ("x_http_method_override", "GET"),
            ("x-method-override", ""),
            (":path", "/a?_method=PUT"),
            (":path", "/a?b=c&%5Fmethod=PUT"),
        ] {
            assert!(judged(&[(name, value)]), "{name}: {value}");
        }
        for (name, value) in [
            ("x-http-methods", "PUT"),
            (":path", "/_method=PUT?method=GET"),
            ("x-wx-skey", "t"),
        ] {
            assert!(!judged(&[(name, value)]), "{name}: {value}");
        }
    }
}
