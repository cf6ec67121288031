//! A plot of one line, as SVG that can be checked in.

use std::fmt::Write as _;

const WIDTH: f64 = 640.0;
const HEIGHT: f64 = 280.0;
/// Room for the words at the edges.
const MARGIN: f64 = 48.0;

/// What is shown.
#[derive(Debug, Clone)]
pub(crate) struct Plot {
    pub(crate) file: &'static str,
    pub(crate) title: &'static str,
    /// By size, the least first.
    pub(crate) points: Vec<Point>,
}

/// One of them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Point {
    pub(crate) size: u64,
    pub(crate) millis: f64,
}

impl Plot {
    /// Sizes by their logarithm to the right, milliseconds from zero upwards.
    pub(crate) fn svg(&self) -> String {
        let decades = |point: &Point| f64::from(point.size.max(1).ilog10());
        let (least, most) = (self.extreme(decades, f64::min), self.extreme(decades, f64::max));
        let top = 1.25 * self.extreme(|point| point.millis, f64::max);
        let x = |point: &Point| {
            MARGIN + (decades(point) - least) / (most - least).max(1.0) * (WIDTH - 2.0 * MARGIN)
        };
        let y = |millis: f64| HEIGHT - MARGIN - millis / top * (HEIGHT - 2.0 * MARGIN);
        let floor = y(0.0);
        let mut drawn = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" font-family=\"sans-serif\" font-size=\"13\">\n\
             <rect width=\"{WIDTH}\" height=\"{HEIGHT}\" fill=\"white\"/>\n\
             <text x=\"{MARGIN}\" y=\"24\">{}</text>\n\
             <path d=\"M{MARGIN} {MARGIN}V{floor}H{}\" fill=\"none\" stroke=\"gray\"/>\n",
            self.title,
            WIDTH - MARGIN
        );
        let line: Vec<String> =
            self.points.iter().map(|point| format!("{:.1},{:.1}", x(point), y(point.millis))).collect();
        let _ = writeln!(
            drawn,
            "<polyline points=\"{}\" fill=\"none\" stroke=\"black\" stroke-width=\"2\"/>",
            line.join(" ")
        );
        for point in &self.points {
            let (x, y, Point { size, millis }) = (x(point), y(point.millis), point);
            let _ = writeln!(
                drawn,
                "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"4\"/>\n\
                 <text x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{millis:.2}</text>\n\
                 <text x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{size}</text>",
                y - 10.0,
                floor + 20.0
            );
        }
        drawn + "</svg>\n"
    }

    fn extreme(&self, of: impl Fn(&Point) -> f64, choose: fn(f64, f64) -> f64) -> f64 {
        self.points.iter().map(of).reduce(choose).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn larger_sizes_stand_to_the_right_and_longer_times_higher() {
        let points = vec![Point { size: 1_000, millis: 1.0 }, Point { size: 1_000_000, millis: 2.0 }];
        let svg = Plot { file: "a.svg", title: "a title", points }.svg();
        let line = svg.lines().find_map(|line| line.strip_prefix("<polyline points=\"")).unwrap_or_default();
        let line = line.split('"').next().unwrap_or_default();
        assert_eq!(line, "48.0,158.4 592.0,84.8");
    }
}
