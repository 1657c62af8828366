//! The plot: bars, a panel for each figure, as SVG that needs nothing else.

use std::fmt::Write as _;

use super::results::{ACCEPTED, COMPLETED, Figure, READ_US, Results, Row, WORK_US};

const PANELS: &[(&str, Figure)] = &[
    ("processor time an order, µs (less is better)", WORK_US),
    ("orders completed a second (more is better)", COMPLETED),
    ("orders accepted a second (more is better)", ACCEPTED),
    ("processor time a status, µs (less is better)", READ_US),
];

// In pixels.
const WIDTH: f64 = 760.0;
const LEFT: f64 = 190.0;
/// For the value behind the longest bar.
const RIGHT: f64 = 80.0;
const BAR: f64 = 16.0;
const STEP: f64 = 22.0;
const HEADING: f64 = 40.0;
const FOOT: f64 = 34.0;

const OURS: &str = "#b3541e";
const OTHERS: &str = "#8a99a8";

/// All panels, one below the other.
pub fn svg(results: &Results) -> String {
    let mut body = String::new();
    let mut top = 6.0;
    for (heading, figure) in PANELS {
        top = panel(&mut body, top, heading, results, *figure);
    }
    let machine = &results.machine;
    let foot = format!(
        "{}; {}, {} cores; {} connections, medians of {} rounds",
        machine.date,
        machine.processor,
        machine.cores,
        results.method.connections,
        results.method.rounds
    );
    text(&mut body, 12.0, top + 20.0, "start", "#555", 11, &foot);
    let height = top + FOOT;
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" width=\"{WIDTH}\" height=\"{height}\" \
         font-family=\"sans-serif\">\n<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n{body}</svg>\n"
    )
}

/// One figure of every system that has it; returns where the next panel begins.
fn panel(body: &mut String, top: f64, heading: &str, results: &Results, figure: Figure) -> f64 {
    text(body, 12.0, top + 24.0, "start", "#111", 14, heading);
    let bars: Vec<(&Row, f64)> = results
        .systems
        .iter()
        .filter_map(|row| Some((row, row.median(figure)?)))
        .collect();
    let longest = bars.iter().map(|(_, value)| *value).fold(0.0, f64::max);
    let mut y = top + HEADING;
    for (row, value) in bars {
        let width = value / longest * (WIDTH - LEFT - RIGHT);
        let colour = if row.name.starts_with("ours") {
            OURS
        } else {
            OTHERS
        };
        let baseline = y + BAR - 4.0;
        text(body, LEFT - 8.0, baseline, "end", "#111", 12, &row.name);
        // OK because writing to a string cannot fail.
        writeln!(
            body,
            "<rect x=\"{LEFT}\" y=\"{y}\" width=\"{width:.1}\" height=\"{BAR}\" fill=\"{colour}\"/>"
        )
        .expect("a string grows");
        let end = LEFT + width + 6.0;
        let value = row.text(figure).unwrap_or_default();
        text(body, end, baseline, "start", "#111", 12, &value);
        y += STEP;
    }
    y
}

fn text(body: &mut String, x: f64, y: f64, anchor: &str, colour: &str, size: u8, words: &str) {
    let words = words.replace('&', "&amp;").replace('<', "&lt;");
    // OK because writing to a string cannot fail.
    writeln!(
        body,
        "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\" fill=\"{colour}\" font-size=\"{size}\">{words}</text>"
    )
    .expect("a string grows");
}

#[cfg(test)]
mod tests {
    use super::super::results::tests::sample;
    use super::*;

    #[test]
    fn a_plot_has_a_bar_for_each_figure_of_each_system() {
        let svg = svg(&sample());
        // The ground, three systems that take orders in three panels, and four that are read.
        assert_eq!(svg.matches("<rect").count(), 1 + 3 * 3 + 4);
    }
}
