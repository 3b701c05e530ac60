//! What each arm adds, as bars. An SVG with no script, no font and no background of its own: all its colours can be
//! read on white and on black.

use std::fmt::Write as _;

use super::arms::BASELINE;
use super::machine::Machine;
use super::measure::Measured;
use super::table::Report;

const WIDTH: f64 = 800.0;
const TOP: f64 = 64.0;
const ROW: f64 = 26.0;
const BAR: f64 = 16.0;
/// Where the bars begin: left of it are the names.
const LEFT: f64 = 110.0;
/// For the number behind the longest bar.
const RIGHT: f64 = 70.0;

const TEXT: &str = "#77808a";
const OURS: &str = "#2f81f7";
const OTHERS: &str = "#9198a1";

/// The picture of a whole run.
pub(super) fn svg(report: &Report<'_>, machine: &Machine) -> String {
    let bars: Vec<_> = report
        .results
        .iter()
        .filter(|result| result.arm.name != BASELINE)
        .map(|result| (result, report.added(result)))
        .collect();
    let longest = bars.iter().map(|(_, added)| *added).fold(0.1, f64::max);
    let scale = (WIDTH - LEFT - RIGHT) / longest;
    let rows: f64 = bars.iter().map(|_| ROW).sum();
    let height = TOP + rows + 8.0;

    let mut svg = format!(
        r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" font-family="sans-serif" font-size="13" fill="{TEXT}">
<title>Processor time that each filter adds to a request</title>
<text x="0" y="18" font-size="16" font-weight="bold">CPU µs added to a request (less is better)</text>
<text x="0" y="40">{} · <tspan fill="{OURS}">wx-session</tspan> · others</text>
"#,
        escaped(&machine.line())
    );
    let mut top = TOP;
    for (result, added) in bars {
        bar(&mut svg, result, added, scale, top);
        top += ROW;
    }
    svg.push_str("</svg>\n");
    svg
}

fn bar(svg: &mut String, result: &Measured, added: f64, scale: f64, top: f64) {
    let name = result.arm.name;
    let what = escaped(result.arm.what);
    let fill = if result.arm.ours { OURS } else { OTHERS };
    // Noise can make less than nothing of an arm that adds next to nothing.
    let length = (added * scale).max(1.0);
    let (names, numbers) = (LEFT - 8.0, LEFT + length + 6.0);
    let baseline = top + BAR - 3.5;
    let _ = writeln!(
        svg,
        r#"<g><title>{what}</title><text x="{names}" y="{baseline}" text-anchor="end">{name}</text><rect x="{LEFT}" y="{top}" width="{length:.1}" height="{BAR}" rx="2" fill="{fill}"/><text x="{numbers:.1}" y="{baseline}">{added:.1}</text></g>"#
    );
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}
