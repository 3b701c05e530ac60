//! The version of what is stored: its first byte, whatever it is and wherever it lies. It says in which form the rest is
//! written, so that a later release may write another one.
//!
//! An edge reads every version that it knows. What is of a newer one was written by a newer edge on the same store: it
//! is neither taken for nothing nor written over. Whoever asks for it gets the answer of an outage.

/// What is written in one form, and may be written in another by a later release.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Form {
    /// What it is, in one word.
    pub what: &'static str,
    /// The version that is written.
    pub written: u8,
    /// The newest that is read. Above `written` as long as there may be edges that cannot read it.
    pub newest: u8,
}

/// Something in the store that only a newer release can read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Newer {
    /// What it is.
    pub what: &'static str,
    /// Its version.
    pub version: u8,
}

impl Form {
    /// Whatever it is: nobody looks at its version.
    pub(crate) const ANY: Self = Self {
        what: "any",
        written: 0,
        newest: u8::MAX,
    };

    /// The version of `stored`, and what follows it. `None` if it has none: it is empty, or begins with 0.
    ///
    /// # Errors
    /// It is of a version that this release does not know.
    pub fn version<'a>(&self, stored: &'a [u8]) -> Result<Option<(u8, &'a [u8])>, Newer> {
        match stored.split_first() {
            Some((version, _)) if *version > self.newest => Err(Newer {
                what: self.what,
                version: *version,
            }),
            Some((version, rest)) if *version > 0 => Ok(Some((*version, rest))),
            _ => Ok(None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::test;

    #[test]
    fn what_is_newer_than_the_newest_is_told_from_what_is_none() {
        let form = Form {
            what: "thing",
            written: 2,
            newest: 3,
        };
        assert_eq!(form.version(&[]), Ok(None));
        assert_eq!(form.version(&[0, 7]), Ok(None));
        for known in 1..=3 {
            assert_eq!(form.version(&[known, 7]), Ok(Some((known, &[7][..]))));
        }
        for version in [4, u8::MAX] {
            let what = "thing";
            assert_eq!(form.version(&[version]), Err(Newer { what, version }));
        }
    }
}
