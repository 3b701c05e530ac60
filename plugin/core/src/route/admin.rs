//! The paths of the back channel. Whatever some reader may take for one of them is answered at the edge: none goes to the
//! app, in whatever spelling.

use alloc::string::String;

use super::pattern::Pattern;

/// What an operator may ask for, by the last segment of its path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AdminAction {
    /// The live sessions of a user.
    Sessions,
    /// The end of one of them.
    End,
    /// The end of all of them.
    EndAll,
    /// What one of them remembers for the app.
    Attributes,
    /// Another session_key of WeChat's for a user.
    ResetKey,
}

impl AdminAction {
    const ALL: [Self; 5] = [
        Self::Sessions,
        Self::End,
        Self::EndAll,
        Self::Attributes,
        Self::ResetKey,
    ];

    /// As it stands in its path, and in the log.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Sessions => "sessions",
            Self::End => "end",
            Self::EndAll => "end-all",
            Self::Attributes => "attributes",
            Self::ResetKey => "reset-key",
        }
    }
}

/// The path below which all of that is.
pub(crate) struct AdminPaths {
    prefix: String,
    pattern: Pattern,
}

impl AdminPaths {
    /// `prefix` is canonical, and does not end in a slash.
    pub(crate) fn new(prefix: &str) -> Self {
        Self {
            prefix: prefix.into(),
            pattern: Pattern::Prefix(prefix.into()),
        }
    }

    /// Whether this path, or one that a reader may take for it, is the operator's.
    pub(crate) fn are_meant(&self, path: &str) -> bool {
        self.pattern.could_mean(path)
    }

    /// What is asked for: nothing that there is, unless the path is written as it should be.
    pub(super) fn action(&self, path: &str) -> Option<AdminAction> {
        let name = path.strip_prefix(&*self.prefix)?.strip_prefix('/')?;
        let is_named = |action: &AdminAction| action.name() == name;
        AdminAction::ALL.into_iter().find(is_named)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::test;

    #[test]
    fn an_action_has_one_spelling_and_no_other_spelling_is_the_apps() {
        let paths = AdminPaths::new("/wx-admin");
        assert_eq!(paths.action("/wx-admin/end"), Some(AdminAction::End));
        for action in AdminAction::ALL {
            let path = alloc::format!("/wx-admin/{}", action.name());
            assert!(paths.are_meant(&path));
            assert_eq!(paths.action(&path), Some(action));
        }
        for other in [
            "/wx-admin",
            "/wx-admin/",
            "/wx-admin/end/",
            "/wx-admin/END",
            "/WX-Admin/end",
            "/wx_admin/end",
            "/wx-admin/end/more",
            "/wx-admin.json",
            "/ｗx-admin/end",
        ] {
            assert!(paths.are_meant(other), "{other}");
            assert_eq!(paths.action(other), None, "{other}");
        }
        for of_the_app in [
            "/",
            "/wx",
            "/wx-adm",
            "/wx-administrator",
            "/api/wx-admin/end",
        ] {
            assert!(!paths.are_meant(of_the_app), "{of_the_app}");
        }
    }
}
