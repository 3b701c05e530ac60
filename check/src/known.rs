//! What a whole file says of its filters and of their headers: a route, or a patch, may stand in another document than
//! the filter. Never judges it.

use std::ptr;

use crate::http_filter::{HttpFilter, KIND, disabled, overrides};
use crate::plugin::names_us;
use crate::tree::Node;
use crate::{patch, yaml_tree};

#[derive(Clone, Default)]
pub(crate) struct Known {
    /// The names of all filters, and whether they are ours.
    filters: Vec<(String, bool)>,
    /// The names of those that a route switches on.
    enabled: Vec<String>,
    /// The names by which filters ask Istio for what they are told.
    asked_for: Vec<String>,
    /// What our documents call the header with the user, where they say it.
    openid: Vec<String>,
}

impl Known {
    pub(crate) fn of(documents: &[Node]) -> Self {
        Self::default().with(documents)
    }

    /// With what a file in a ConfigMap says.
    pub(crate) fn with(&self, documents: &[Node]) -> Self {
        let mut known = self.clone();
        for document in documents {
            // An object as `kubectl` reads it, with its merge keys: so it is judged, too.
            let object = document.field("kind").map(|_| document.merged());
            let document = object.as_ref().unwrap_or(document);
            let mut in_place_of_another = None;
            document.visit(&mut |node| {
                in_place_of_another = patch::replacement(node).or(in_place_of_another);
                let is_replacement = in_place_of_another.is_some_and(|own| ptr::eq(own, node));
                known.see(node, is_replacement);
            });
        }
        known
    }

    /// `is_replacement`: another filter may have had its name before.
    fn see(&mut self, node: &Node, is_replacement: bool) {
        let filter = HttpFilter::of(node).filter(|filter| filter.is_ours || !is_replacement);
        if let Some(filter) = filter {
            self.filters.push((filter.name.to_owned(), filter.is_ours));
        }
        let on = overrides(node).filter(|entry| disabled(&entry.node).is_none());
        self.enabled.extend(on.map(|entry| entry.name.clone()));
        let asked_for = patch::asked_for(node).into_iter();
        self.asked_for.extend(asked_for.map(str::to_owned));
        self.openid
            .extend(openid(node).filter(|name| !self.openid.contains(name)));
    }

    pub(crate) fn is_ours(&self, name: &str) -> bool {
        let mut same = self.filters.iter().filter(|(own, _)| own == name);
        if let Some((_, first)) = same.next() {
            return *first || same.any(|(_, is_ours)| *is_ours);
        }
        // It stands in another file, or Envoy Gateway makes it: then its name begins with its kind.
        let kind = name.strip_prefix(KIND);
        let is_other = kind.is_some_and(|kind| !kind.starts_with("wasm"));
        names_us(Some(name)) && !is_other
    }

    /// Whether this is a filter of ours, or asks for one by its name.
    pub(crate) fn has_ours(&self, filter: &Node) -> bool {
        let asks = filter.field("config_discovery").is_some();
        let name = filter.text_at(&["name"]).filter(|_| asks);
        HttpFilter::of(filter).is_some_and(|own| own.is_ours)
            || name.is_some_and(|name| self.is_ours(name))
    }

    pub(crate) fn is_enabled(&self, name: &str) -> bool {
        self.enabled.iter().any(|own| own == name)
    }

    pub(crate) fn is_asked_for(&self, name: &str) -> bool {
        self.asked_for.iter().any(|own| own == name)
    }

    /// What the header with the user may be called.
    pub(crate) fn openid(&self) -> Vec<&str> {
        if self.openid.is_empty() {
            return vec!["X-WX-OPENID"];
        }
        self.openid.iter().map(String::as_str).collect()
    }
}

fn openid(node: &Node) -> Option<String> {
    let said = |document: &Node| {
        let name = document.text_at(&["identity_headers", "openid"])?;
        Some(name.to_owned())
    };
    match node.text() {
        // A document may be a text in JSON.
        Some(text) if text.contains("identity_headers") => {
            yaml_tree::parse_json(text).ok().as_ref().and_then(said)
        }
        _ => said(node),
    }
}
