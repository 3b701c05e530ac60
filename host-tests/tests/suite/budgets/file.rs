//! The file of the budgets, and how what was measured differs from it. Knows neither what is measured nor how.

use std::collections::BTreeMap;
use std::fs;

use project::{root, target_folder};
use serde::Deserialize;

/// By host, kind of request, and quantity.
pub type Costs = BTreeMap<String, BTreeMap<String, BTreeMap<String, u64>>>;

/// `budgets.toml`.
#[derive(Deserialize)]
pub struct Budgets {
    margin_percent: Margins,
    #[serde(flatten)]
    costs: Costs,
    /// Everything before the first budget, comments too.
    #[serde(skip)]
    head: String,
}

#[derive(Deserialize)]
struct Margins {
    /// By quantity, before a budget counts as broken. A quantity that is not named has none.
    above: BTreeMap<String, u64>,
    /// Before a budget counts as too wide.
    below: u64,
}

impl Budgets {
    pub fn read() -> Self {
        let path = root().join("host-tests/budgets.toml");
        let text = fs::read_to_string(&path).unwrap();
        Self::parse(&text)
    }

    fn parse(text: &str) -> Self {
        let mut budgets: Self = toml::from_str(text).unwrap();
        let first = |line: &&str| line.starts_with('[') && !line.starts_with("[margin_percent");
        let head = text.lines().take_while(|line| !first(line));
        budgets.head = head.fold(String::new(), |head, line| head + line + "\n");
        budgets
    }

    /// One line for each budget that is broken, too wide, missing, or for nothing.
    pub fn differences(&self, measured: &Costs) -> Vec<String> {
        let budgets = flat(&self.costs);
        let measured = flat(measured);
        let broken = measured.iter().filter_map(|(what, new)| {
            let Some(old) = budgets.get(what) else {
                return Some(format!("{what}: none → {new}"));
            };
            let quantity = what.rsplit(' ').next().unwrap();
            let above = self.margin_percent.above.get(quantity).unwrap_or(&0);
            let verdict = match () {
                () if *new > old + old * above / 100 => "broken",
                () if *new < old - old * self.margin_percent.below / 100 => "too wide",
                () => return None,
            };
            Some(format!("{what}: {old} → {new}, {verdict}"))
        });
        let gone = budgets
            .iter()
            .filter(|(what, _)| !measured.contains_key(*what));
        let gone = gone.map(|(what, old)| format!("{what}: {old} → not measured"));
        broken.chain(gone).collect()
    }

    /// Writes the file as it would be with what was measured, into the target folder.
    pub fn write(&self, measured: &Costs) {
        let text = format!("{}{}", self.head, toml::to_string(measured).unwrap());
        fs::write(target_folder().join("budgets.toml"), text).unwrap();
    }
}

fn flat(costs: &Costs) -> BTreeMap<String, u64> {
    let mut flat = BTreeMap::new();
    for (host, kinds) in costs {
        for (kind, quantities) in kinds {
            for (quantity, number) in quantities {
                flat.insert(format!("{host}, {kind}, {quantity}"), *number);
            }
        }
    }
    flat
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "\
# Why.
[margin_percent]
below = 10
above = { fuel = 2 }

[envoy.check]
fuel = 1000
hostcalls = 10
";

    fn differences(changed: &[(&str, u64)]) -> Vec<String> {
        let budgets = Budgets::parse(FILE);
        let mut measured = budgets.costs.clone();
        let check = measured.get_mut("envoy").unwrap().get_mut("check").unwrap();
        check.extend(
            changed
                .iter()
                .map(|(name, number)| ((*name).to_owned(), *number)),
        );
        budgets.differences(&measured)
    }

    #[test]
    fn within_the_margins_nothing_differs() {
        assert!(differences(&[("fuel", 1020), ("hostcalls", 9)]).is_empty());
        assert!(differences(&[("fuel", 900)]).is_empty());
    }

    #[test]
    fn every_number_beyond_its_margin_is_named_with_the_old_and_the_new_one() {
        assert_eq!(
            differences(&[("fuel", 1021), ("hostcalls", 11)]),
            [
                "envoy, check, fuel: 1000 → 1021, broken",
                "envoy, check, hostcalls: 10 → 11, broken"
            ]
        );
        assert_eq!(
            differences(&[("fuel", 899)]),
            ["envoy, check, fuel: 1000 → 899, too wide"]
        );
    }

    #[test]
    fn what_has_no_budget_or_is_not_measured_is_named() {
        assert_eq!(differences(&[("new", 1)]), ["envoy, check, new: none → 1"]);
        let gone = Budgets::parse(FILE).differences(&Costs::new());
        assert_eq!(gone.len(), 2);
        assert_eq!(gone[0], "envoy, check, fuel: 1000 → not measured");
    }

    #[test]
    fn the_head_is_kept_to_the_last_margin() {
        let head = Budgets::parse(FILE).head;
        assert!(head.starts_with("# Why.\n"), "{head}");
        assert!(head.ends_with("above = { fuel = 2 }\n\n"), "{head}");
    }
}
