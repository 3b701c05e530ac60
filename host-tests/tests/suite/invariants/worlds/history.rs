//! What has happened in a world, for somebody who is to understand it: written down only where somebody reads it.

/// Lines, if they are wanted.
#[derive(Default)]
pub(super) struct History(Option<Vec<String>>);

impl History {
    pub(super) fn wanted() -> Self {
        Self(Some(Vec::new()))
    }

    pub(super) fn note(&mut self, line: impl FnOnce() -> String) {
        if let Some(lines) = &mut self.0 {
            lines.push(line());
        }
    }

    pub(super) fn told(&self) -> String {
        self.0
            .iter()
            .flatten()
            .map(|line| format!("{line}\n"))
            .collect()
    }
}
