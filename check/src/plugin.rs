//! wx-session as some file has it, whatever that file is: the document, what passes its secrets on, what happens when
//! it fails. Each kind of file says where these stand; the faults are the same.

use std::path::Path;

use wx_session_core::config::HostKind;

use crate::Finding;
use crate::document::Document;
use crate::fail_open::FAILS_OPEN;
use crate::tree::Node;

/// Where a fault stands.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) line: usize,
    pub(crate) field: String,
}

impl Place {
    pub(crate) fn new(line: usize, field: &str) -> Self {
        Self {
            line,
            field: field.to_owned(),
        }
    }
}

/// One plugin in a file.
pub(crate) struct Plugin<'a> {
    /// Of the plugin as a whole.
    pub(crate) place: Place,
    /// The document.
    pub(crate) document: Option<&'a Node>,
    /// The environment variables that are passed on.
    pub(crate) passed_on: Vec<String>,
    /// Those whose value stands in the file.
    pub(crate) inline: Vec<(String, usize)>,
    /// The list of those that are passed on.
    pub(crate) list: Place,
    /// Where it says that a filter that fails lets everyone in.
    pub(crate) fails_open: Option<Place>,
    /// The clusters that there can be.
    pub(crate) clusters: Clusters,
    /// Whether it is handed bodies, if that can be known here.
    pub(crate) sees_bodies: Option<bool>,
    /// What its listener buffers at most, if that is known.
    pub(crate) buffer: Option<Buffer>,
}

/// What a listener buffers at most of a request.
#[derive(Clone, Copy)]
pub(crate) struct Buffer {
    pub(crate) bytes: u64,
    /// The field that says so.
    pub(crate) of: &'static str,
}

/// What is known of the clusters that calls go to.
pub(crate) enum Clusters {
    /// All of them.
    These(Vec<String>),
    /// Their names begin so: the platform makes them.
    Begin(&'static str),
    Unknown,
}

impl Plugin<'_> {
    pub(crate) fn check(&self, file: &Path) -> Vec<Finding> {
        let mut findings = Vec::new();
        let mut find = |place: Place, problem: String| {
            findings.push(Finding::new(file, place.line, place.field, problem));
        };
        if let Some(place) = &self.fails_open {
            find(place.clone(), FAILS_OPEN.to_owned());
        }
        let Some(document) = self.document.map(Document::at) else {
            find(self.place.clone(), "has no configuration".to_owned());
            return findings;
        };
        for name in document.secret_names() {
            let place = Place::new(document.line_of_secret(&name), &self.list.field);
            if let Some((_, line)) = self.inline.iter().find(|(own, _)| *own == name) {
                let place = Place::new(*line, &self.list.field);
                find(
                    place,
                    format!(
                        "{name}: a secret stands in the file, and the proxy shows it to whoever may ask it"
                    ),
                );
            } else if !self.passed_on.contains(&name) {
                find(place, format!("lacks {name}, which is asked for here"));
            }
        }
        if let Some(rules) = document.tree().entry("_rules_") {
            let place = Place::new(rules.line, "_rules_");
            find(
                place,
                "comes of matchRules: one document for all is what wx-session takes".to_owned(),
            );
        }
        match document.judge(HostKind::Envoy) {
            Ok(config) => {
                if self.sees_bodies == Some(false) {
                    for field in config.needs_bodies() {
                        let place = Place::new(document.line_of(&field), &field);
                        find(place, without_bodies(&field).to_owned());
                    }
                }
                let bytes = config.body_bytes;
                let buffer = self.buffer.filter(|buffer| buffer.bytes <= bytes as u64);
                if let Some(Buffer { bytes: held, of }) = buffer {
                    let field = "limits.body_bytes";
                    let problem = format!(
                        "is {bytes}, and {of} {held}: Envoy refuses bodies first, with a 413 of its own"
                    );
                    find(Place::new(document.line_of(field), field), problem);
                }
                for (table, target) in config.calls() {
                    let field = &format!("{table}.cluster");
                    let problem = match &self.clusters {
                        Clusters::These(names) if !names.iter().any(|name| name == target) => {
                            format!("there is no cluster {target}")
                        }
                        Clusters::Begin(start) if !target.starts_with(start) => {
                            format!(
                                "is {target}, and the platform's clusters are called {start}PORT||HOST"
                            )
                        }
                        _ => continue,
                    };
                    find(Place::new(document.line_of(field), field), problem);
                }
            }
            Err(wrong) => findings.push(wrong.in_file(file)),
        }
        findings.sort_by_key(|finding| finding.line);
        findings
    }
}

/// What becomes of a field that needs bodies where none come.
fn without_bodies(field: &str) -> &'static str {
    match field {
        "wechat_api" => {
            "holds WeChat's answers to look at them, and Envoy hands no body over without allow_on_headers_stop_iteration: \
             what is held is never let go, and calls hang"
        }
        "admin" => {
            "takes its parameters from bodies alone, and Envoy hands none over without allow_on_headers_stop_iteration: \
             nobody can end a session there"
        }
        _ => {
            "reads bodies, and Envoy hands none over without allow_on_headers_stop_iteration: they are waited for in vain, \
             and answered with 408"
        }
    }
}

/// Whether a name, a path or a URL is of wx-session.
pub(crate) fn names_us(text: Option<&str>) -> bool {
    text.is_some_and(|text| text.contains("wx-session") || text.contains("wx_session"))
}

/// The texts of a list.
pub(crate) fn texts(list: Option<&Node>) -> Vec<String> {
    let items = list.map_or(&[][..], Node::items).iter();
    items.filter_map(Node::text).map(str::to_owned).collect()
}
