//! What one request of each kind costs, counted and not timed, held against `budgets.toml`.
//! A change that costs more fails here; so does one that costs much less, so that what was won is not lost again.

mod envoy;
mod file;
mod spin;

use file::{Budgets, Costs};

#[test]
fn everything_costs_what_its_budget_says() {
    let budgets = Budgets::read();
    let mut costs = Costs::new();
    envoy::measure(&mut costs);
    spin::measure(&mut costs);
    let differences = budgets.differences(&costs);
    budgets.write(&costs);
    assert!(
        differences.is_empty(),
        "budget → measured:\n{}\nThe whole file as measured is target/budgets.toml. If the change is meant, copy it over \
         host-tests/budgets.toml and say in the commit why.",
        differences.join("\n")
    );
}
