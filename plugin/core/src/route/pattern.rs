//! Which paths a rule means: in the spelling that it has, and in every one that some app may take for it.

use alloc::string::String;

use crate::fold::folded;

/// What a rule says of a path.
pub(crate) enum Pattern {
    Exact(String),
    /// Whole segments: `/a` matches `/a` and `/a/b`, not `/ab`. No slash at the end.
    Prefix(String),
}

impl Pattern {
    /// In the spelling that it has.
    pub(super) fn matches(&self, path: &str) -> bool {
        match self {
            Self::Exact(own) => own == path,
            Self::Prefix(own) => path
                .strip_prefix(&**own)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/')),
        }
    }

    /// Whether some app takes `path` for one that is meant: it folds characters, drops blanks, or looks no further than
    /// a name goes (`/keys.json`, `/keys~1`, `/keys,x`).
    pub(super) fn could_mean(&self, path: &str) -> bool {
        let (own, goes_on) = match self {
            // What follows the name of a script is a parameter to it (PATH_INFO).
            Self::Exact(own) => {
                let own = own.trim_end_matches('/');
                let is_script = own
                    .rsplit('/')
                    .next()
                    .is_some_and(|last| last.contains('.'));
                (own, is_script)
            }
            Self::Prefix(own) => (&**own, true),
        };
        match plainly_behind(own, path) {
            Some(None) => false,
            Some(Some(rest)) => ends_there(rest.chars(), goes_on),
            None => {
                let mut path = loosely(path);
                loosely(own).all(|character| path.next() == Some(character))
                    && ends_there(path, goes_on)
            }
        }
    }
}

/// What of `path` follows `own`, in any case, if both are visible ASCII, as nearly all are: then each byte is a character
/// and none is dropped.
fn plainly_behind<'a>(own: &str, path: &'a str) -> Option<Option<&'a str>> {
    let loose = |byte: u8| match byte {
        b'_' => b'-',
        byte => byte.to_ascii_lowercase(),
    };
    let is_plain = |text: &str| {
        text.bytes()
            .all(|byte| byte.is_ascii_graphic() && byte != b'+')
    };
    if !is_plain(own) || !is_plain(path) {
        return None;
    }
    let parts = path.split_at_checked(own.len());
    let behind = parts.filter(|(head, _)| head.bytes().map(loose).eq(own.bytes().map(loose)));
    Some(behind.map(|(_, rest)| rest))
}

/// A path as its loosest reader compares it.
fn loosely(path: &str) -> impl Iterator<Item = char> {
    let mut begins = true;
    folded(path).filter_map(move |character| {
        // PHP's `urldecode` makes a blank of a plus.
        let is_blank = character == '+' || character.is_whitespace();
        if begins && is_blank {
            return None;
        }
        begins = character == '/';
        let separates = character == '_' || is_blank;
        Some(if separates { '-' } else { character })
    })
}

/// Whether a name ends where `rest` begins, and nothing comes that a pattern does not mean.
fn ends_there(mut rest: impl Iterator<Item = char>, goes_on: bool) -> bool {
    match rest.next() {
        None => true,
        Some(next) if next.is_alphanumeric() => false,
        Some(next) => goes_on || is_last(next, rest),
    }
}

/// Whether no further segment comes.
fn is_last(next: char, mut rest: impl Iterator<Item = char>) -> bool {
    let mut before = next;
    rest.all(|character| core::mem::replace(&mut before, character) != '/')
}
