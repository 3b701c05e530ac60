//! The configuration document and the secrets it names, as Spin holds them. Never judges what the document says.

use std::collections::BTreeMap;
use std::time::Duration;

use spin_sdk::variables::{self, Error};
use wx_session_core::Config;

use crate::outbound::within;

const VARIABLE: &str = "wx_session_config";
const FILE: &str = "/wx-session.json";
/// A provider on the network may hang.
const TIMEOUT: Duration = Duration::from_secs(5);

/// The document: a variable, or else a file that the manifest ships with the component.
pub(crate) async fn document() -> Result<String, String> {
    if let Some(text) = variable(VARIABLE).await? {
        return Ok(text);
    }
    std::fs::read_to_string(FILE).map_err(|error| {
        format!(
            "configuration: there is neither a variable {VARIABLE} nor a file {FILE} ({error}); a middleware has \
             `variables` and `files` only where its `inherit_configuration` names them"
        )
    })
}

/// The values of all `{"env": NAME}` in the document, by NAME. Spin writes its variables in lower case.
pub(crate) async fn secrets(document: &str) -> Result<BTreeMap<String, String>, String> {
    let mut found = BTreeMap::new();
    for name in Config::secret_names(document) {
        if let Some(value) = variable(&name.to_ascii_lowercase()).await? {
            found.insert(name, value);
        }
    }
    Ok(found)
}

/// A variable, if there is one of that name.
async fn variable(name: &str) -> Result<Option<String>, String> {
    let asked = within(TIMEOUT, variables::get(name)).await;
    match asked.ok_or_else(|| format!("variable {name}: its provider does not answer"))? {
        Ok(value) => Ok(Some(value)),
        Err(Error::Undefined(_)) => Ok(None),
        Err(Error::InvalidName(_)) => Err(format!(
            "{name} cannot be a variable of Spin: their names are of letters, digits and _, and begin with a letter"
        )),
        Err(error) => Err(format!("variable {name}: {error}")),
    }
}
