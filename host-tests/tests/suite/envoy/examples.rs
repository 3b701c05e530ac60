//! The examples are `envoy.yaml` with another store: what makes the edge safe must not differ from file to file.
//! Never what a store does: that is in `redis::real`.

use project::configurations;
use serde_json::Value;
use testkit::envoy::Config;

const FILTER: &str = "/static_resources/listeners/0/filter_chains/0/filters/0/typed_config/http_filters/1/typed_config/config";
/// In the filter.
const STORE: &str = "/configuration/value/store";
const KEYS: &str = "/vm_config/environment_variables/host_env_keys";

/// Where a document must differ from `envoy.yaml`: the store, and the name of its secret after those two.
fn of_the_store() -> [String; 2] {
    [format!("{FILTER}{STORE}/"), format!("{FILTER}{KEYS}/2")]
}

/// Where it may: listeners and clusters that stand after those of `envoy.yaml`.
const TO_THE_STORE: [&str; 3] = [
    "/static_resources/listeners/1",
    "/static_resources/clusters/2",
    "/static_resources/clusters/3",
];

fn document(path: &str) -> Value {
    Config::read(path).unwrap().document
}

/// JSON pointers of all places where two documents differ.
fn differences(one: &Value, other: &Value) -> Vec<String> {
    let mut found = Vec::new();
    compare(String::new(), Some(one), Some(other), &mut found);
    found
}

fn compare(place: String, one: Option<&Value>, other: Option<&Value>, found: &mut Vec<String>) {
    match (one, other) {
        (Some(Value::Object(one)), Some(Value::Object(other))) => {
            let more = other.keys().filter(|name| !one.contains_key(*name));
            for name in one.keys().chain(more) {
                let inside = format!("{place}/{name}");
                compare(inside, one.get(name), other.get(name), found);
            }
        }
        (Some(Value::Array(one)), Some(Value::Array(other))) => {
            for i in 0..one.len().max(other.len()) {
                compare(format!("{place}/{i}"), one.get(i), other.get(i), found);
            }
        }
        (one, other) if one == other => {}
        _ => found.push(place),
    }
}

#[test]
fn each_example_differs_from_envoy_yaml_only_in_its_store() {
    let mut shipped = document("envoy.yaml");
    // The listener of WeChat's API, which is the same whatever the store.
    let listeners = &mut shipped["static_resources"]["listeners"];
    listeners.as_array_mut().unwrap().truncate(1);
    let examples: Vec<_> = configurations().unwrap().into_iter().skip(1).collect();
    assert_eq!(examples.len(), 3, "{examples:?}");
    for path in examples {
        let example = document(&path);
        let places = differences(&shipped, &example);
        let of_the_store = of_the_store();
        let meant = |place: &&String| {
            let mut needed = of_the_store.iter().map(String::as_str);
            needed.any(|part| place.starts_with(part)) || TO_THE_STORE.contains(&place.as_str())
        };
        let (meant, strayed): (Vec<_>, Vec<_>) = places.iter().partition(meant);
        assert!(strayed.is_empty(), "{path} has strayed at {strayed:#?}");
        for part in &of_the_store {
            let any = meant.iter().any(|place| place.starts_with(part));
            assert!(any, "{path} has the same as envoy.yaml at {part}");
        }
    }
}

/// The secret of a store is passed on under the name by which the store asks for it, and no other variable is.
#[test]
fn each_example_passes_on_the_variable_that_its_store_names() {
    let keys = |document: &Value| {
        let place = format!("{FILTER}{KEYS}");
        document.pointer(&place).unwrap().clone()
    };
    let shipped = keys(&document("envoy.yaml"));
    for path in configurations().unwrap().iter().skip(1) {
        let config = Config::read(path).unwrap();
        let store = &config.plugin()["store"];
        let secret = store.get("token").or(store.get("basic_auth")).unwrap();
        let mut expected = shipped.clone();
        expected.as_array_mut().unwrap().push(secret["env"].clone());
        assert_eq!(keys(&config.document), expected, "{path}");
    }
}

#[test]
fn the_cluster_example_adds_to_the_webdis_example_only_the_way_to_the_nodes() {
    let places = differences(
        &document("examples/webdis/envoy.yaml"),
        &document("examples/redis-cluster/envoy.yaml"),
    );
    assert_eq!(
        places,
        [
            "/static_resources/clusters/3",
            "/static_resources/listeners/1"
        ]
    );
}
