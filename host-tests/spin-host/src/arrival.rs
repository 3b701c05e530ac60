//! A request as Spin makes it fit for a component: a whole URL, and headers of Spin's own behind whatever a client sent
//! under their names. Takes nothing off that Spin leaves on.

use std::net::SocketAddr;

use http::header::{CONNECTION, HOST, HeaderMap, HeaderName, HeaderValue};
use http::uri::{Authority, Scheme};
use http::{Request, Uri};

/// What Spin does not hand to a component.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Unfit {
    /// Nobody can say for which host it is: the connection is closed.
    NoHost,
    /// A value that is not UTF-8: an empty 500.
    NotText,
}

/// A request from outside.
pub(crate) fn from_client<B>(
    mut request: Request<B>,
    client: SocketAddr,
) -> Result<Request<B>, Unfit> {
    let headers = request.headers_mut();
    let host = headers.get(HOST).and_then(|host| host.to_str().ok());
    if host.is_some_and(|host| chained_component(host).is_some()) {
        headers.remove(HOST);
    }
    headers.remove(CONNECTION);
    prepared(request, client)
}

/// A request of another component, which comes from nowhere and has no host.
pub(crate) fn from_component<B>(mut request: Request<B>) -> Result<Request<B>, Unfit> {
    request.headers_mut().remove(HOST);
    prepared(request, SocketAddr::from(([0, 0, 0, 0], 0)))
}

/// NAME of `NAME.spin.internal`, perhaps with a port.
pub(crate) fn chained_component(authority: &str) -> Option<&str> {
    let host = authority.split(':').next().unwrap_or_default();
    host.strip_suffix(".spin.internal")
}

fn prepared<B>(mut request: Request<B>, client: SocketAddr) -> Result<Request<B>, Unfit> {
    let host = match request.headers().get(HOST) {
        Some(host) => Some(host.to_str().map_err(|_| Unfit::NoHost)?.to_owned()),
        None => None,
    };
    let named: Option<Authority> = match &host {
        Some(host) => Some(host.parse().map_err(|_| Unfit::NoHost)?),
        None => None,
    };
    let mut parts = request.uri().clone().into_parts();
    let authority = match (named, parts.authority) {
        (None, None) => return Err(Unfit::NoHost),
        (Some(named), Some(own)) if named != own => return Err(Unfit::NoHost),
        (Some(named), _) => named,
        (None, Some(own)) => own,
    };
    parts.scheme = Some(Scheme::HTTP);
    parts.authority = Some(authority);
    *request.uri_mut() = Uri::from_parts(parts).map_err(|_| Unfit::NoHost)?;
    let is_text = |value: &HeaderValue| std::str::from_utf8(value.as_bytes()).is_ok();
    if !request.headers().values().all(is_text) {
        return Err(Unfit::NotText);
    }
    let uri = request.uri().clone();
    append(
        request.headers_mut(),
        &uri,
        host.as_deref().unwrap_or("localhost"),
        client,
    );
    Ok(request)
}

/// What Spin itself says about a request, last.
fn append(headers: &mut HeaderMap, uri: &Uri, host: &str, client: SocketAddr) {
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    let own = [
        ("spin-path-info", uri.path().to_owned()),
        ("spin-full-url", format!("http://{host}{path}")),
        ("spin-matched-route", "/...".to_owned()),
        ("spin-base-path", "/".to_owned()),
        ("spin-raw-component-route", "/...".to_owned()),
        ("spin-component-route", "/".to_owned()),
        ("spin-client-addr", client.to_string()),
    ];
    for (name, value) in own {
        // As in Spin: what is no header value is left out.
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.append(HeaderName::from_static(name), value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLIENT: SocketAddr =
        SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 5000);

    fn request(headers: &[(&str, &[u8])]) -> Request<()> {
        let start = Request::get("/a?b=c");
        let request = headers.iter().fold(start, |request, (name, value)| {
            request.header(*name, HeaderValue::from_bytes(value).unwrap())
        });
        request.body(()).unwrap()
    }

    fn values(request: &Request<()>, name: &str) -> Vec<String> {
        let all = request.headers().get_all(name).iter();
        all.map(|value| value.to_str().unwrap().to_owned())
            .collect()
    }

    #[test]
    fn spins_own_headers_stand_behind_a_clients() {
        let sent = request(&[("host", b"edge"), ("spin-client-addr", b"6.6.6.6:1")]);
        let seen = from_client(sent, CLIENT).unwrap();
        assert_eq!(
            values(&seen, "spin-client-addr"),
            ["6.6.6.6:1", "127.0.0.1:5000"]
        );
        assert_eq!(values(&seen, "spin-full-url"), ["http://edge/a?b=c"]);
        assert_eq!(seen.uri(), "http://edge/a?b=c");
    }

    #[test]
    fn without_a_host_or_with_a_components_nothing_is_handed_on() {
        for headers in [&[][..], &[("host", &b"app.spin.internal"[..])]] {
            assert_eq!(
                from_client(request(headers), CLIENT).unwrap_err(),
                Unfit::NoHost
            );
        }
        let not_text = request(&[("host", b"edge"), ("x", b"\xff")]);
        assert_eq!(from_client(not_text, CLIENT).unwrap_err(), Unfit::NotText);
    }

    #[test]
    fn a_component_that_is_asked_by_another_sees_no_client_and_no_host() {
        let mut sent = request(&[("host", b"app.spin.internal")]);
        *sent.uri_mut() = Uri::from_static("http://app.spin.internal/a?b=c");
        let seen = from_component(sent).unwrap();
        assert_eq!(values(&seen, "spin-client-addr"), ["0.0.0.0:0"]);
        assert_eq!(values(&seen, "spin-full-url"), ["http://localhost/a?b=c"]);
        assert!(values(&seen, "host").is_empty());
    }
}
