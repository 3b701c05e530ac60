//! The pages themselves: in both languages the same blocks, and each in the table of both.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use super::stage::configuration;

fn folder(language: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("../docs/{language}recipes"))
}

/// The names of the pages in a folder, the table's own aside.
fn pages(language: &str) -> BTreeSet<String> {
    let entries = fs::read_dir(folder(language)).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name != "README.md").collect()
}

fn read(language: &str, name: &str) -> String {
    fs::read_to_string(folder(language).join(name)).unwrap()
}

/// What stands between fences, comments aside, which have a language.
fn blocks(page: &str) -> Vec<Vec<&str>> {
    let mut blocks = Vec::new();
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        if line.starts_with("```") {
            let inside = lines.by_ref().take_while(|line| *line != "```");
            let code = inside.map(|line| line.split(" # ").next().unwrap_or_default());
            let code = code.map(|line| line.split(" // ").next().unwrap_or_default());
            blocks.push([line].into_iter().chain(code.map(str::trim_end)).collect());
        }
    }
    blocks
}

#[test]
fn both_languages_have_the_same_blocks() {
    let names = pages("");
    assert!(names.len() > 1);
    assert_eq!(names, pages("zh/"));
    for name in &names {
        let (english, chinese) = (read("", name), read("zh/", name));
        let own = blocks(&english);
        assert!(!own.is_empty(), "{name}");
        assert_eq!(own, blocks(&chinese), "{name}");
        assert!(
            english.contains(&format!("](../zh/recipes/{name})")),
            "{name}"
        );
        assert!(
            chinese.contains(&format!("](../../recipes/{name})")),
            "{name}"
        );
    }
}

/// Elsewhere it is what the client has written.
#[test]
fn handlers_read_open_data_only_where_a_rule_opens_it() {
    let mut handlers = 0;
    for name in pages("") {
        let page = read("", &name);
        let code = page.split("```").skip(1).step_by(2);
        let code = code.filter(|block| !block.starts_with("yaml"));
        let reads = |handler: &&str| handler.contains("openData");
        for handler in code.flat_map(|block| block.split("\n\n")).filter(reads) {
            handlers += 1;
            let configuration = configuration(&page);
            let rules = configuration["routes"].as_array().unwrap();
            let opened = |path: &str| {
                let mut own = rules.iter().filter(|rule| rule["path"] == path);
                own.any(|rule| rule["open_data"] == "body")
            };
            let texts = handler.split(['"', '\'']);
            let paths: Vec<&str> = texts
                .filter(|text| text.starts_with('/') && !text.starts_with("/openData"))
                .collect();
            assert!(!paths.is_empty(), "{name}: {handler}");
            assert!(paths.iter().all(|path| opened(path)), "{name}: {handler}");
        }
    }
    assert!(handlers > 0);
}

/// Java's `Map.of` throws at a null, and a getter may give one: then whoever logs in gets HTTP 500.
#[test]
fn no_map_is_made_of_what_may_be_null() {
    let mut maps = 0;
    for name in pages("") {
        let page = read("", &name);
        for line in page.lines().filter(|line| line.contains("Map.of(")) {
            maps += 1;
            assert!(!line.contains(".get"), "{name}: {line}");
        }
    }
    assert!(maps > 0);
}

#[test]
fn the_table_has_each_page() {
    for language in ["", "zh/"] {
        let table = read(language, "README.md");
        let rows: Vec<&str> = table.lines().filter(|line| line.starts_with('|')).collect();
        for name in pages(language) {
            let link = format!("]({name})");
            let row = rows.iter().find(|row| row.contains(&link));
            let row = row.unwrap_or_else(|| panic!("{language}{name} has no row"));
            assert_eq!(row.matches(" | ").count(), 2, "{row}");
        }
    }
}
