//! The headers that Spin itself writes about a request. It appends them to whatever a client sent under the same names,
//! so of each only the last value is Spin's; and it writes no other `spin-…` names, so any other one is a client's.
//!
//! Never makes up a value: what is not Spin's is taken off, and nothing is put in its place.

/// Those that Spin writes about every request.
const ALWAYS: [&str; 7] = [
    "spin-base-path",
    "spin-client-addr",
    "spin-component-route",
    "spin-full-url",
    "spin-matched-route",
    "spin-path-info",
    "spin-raw-component-route",
];

/// The route as the manifest has it, such as `/users/:name/...`.
const ROUTE: &str = "spin-raw-component-route";

/// And one for each `:name` of the route.
const MATCH: &str = "spin-path-match-";

type Pair = (String, Vec<u8>);

/// Whether an app could take a header of this name for a statement of Spin's: also where it reads everything but letters
/// and digits as the same character.
pub(crate) fn is_spins(name: &str) -> bool {
    let rest = name.strip_prefix("spin").map(str::as_bytes);
    rest.and_then(<[u8]>::first)
        .is_some_and(|byte| !byte.is_ascii_alphanumeric())
}

/// Takes off what a client wrote under names of Spin's, so that only Spin's own values are left.
pub(crate) fn keep_own(headers: &mut Vec<Pair>) {
    let route = last(headers, ROUTE).unwrap_or_default();
    let mut index = 0;
    // Behind each of its places the last value has none of its name any more.
    while let Some((name, _)) = headers.get(index) {
        let is_forged = is_spins(name)
            && (!is_written(name, &route)
                || headers
                    .get(index + 1..)
                    .is_some_and(|later| later.iter().any(|(other, _)| other == name)));
        if is_forged {
            headers.remove(index);
        } else {
            index += 1;
        }
    }
}

fn is_written(name: &str, route: &str) -> bool {
    ALWAYS.contains(&name)
        || name.strip_prefix(MATCH).is_some_and(|own| {
            let mut named = route
                .split('/')
                .filter_map(|segment| segment.strip_prefix(':'));
            named.any(|named| named.to_ascii_lowercase().replace('_', "-") == own)
        })
}

fn last(headers: &[Pair], name: &str) -> Option<String> {
    let (_, value) = headers.iter().rfind(|(own, _)| own == name)?;
    String::from_utf8(value.clone()).ok()
}
