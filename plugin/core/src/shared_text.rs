//! Text that is read from a record once and then handed to many requests without a copy.

use alloc::rc::Rc;
use core::ops::Deref;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Stored like any other text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SharedText(pub(crate) Rc<str>);

impl From<&str> for SharedText {
    fn from(text: &str) -> Self {
        Self(text.into())
    }
}

impl Deref for SharedText {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl Serialize for SharedText {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self)
    }
}

impl<'de> Deserialize<'de> for SharedText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        <&str>::deserialize(deserializer).map(Self::from)
    }
}
