//! Sessions and users as the store has them: services over [`crate::store`] with what this worker remembers beside it. No
//! WeChat protocol and no HTTP here.

pub(crate) mod contention;
mod ending;
pub(crate) mod listed;
pub(crate) mod openings;
pub(crate) mod sessions;
pub(crate) mod users;
mod verify;
