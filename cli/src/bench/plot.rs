//! A report as SVG plots, dark on white in every viewer.

use std::error::Error;

use plotters::{
    backend::SVGBackend,
    chart::{ChartBuilder, ChartContext, SeriesLabelPosition},
    coord::{cartesian::Cartesian2d, types::RangedCoordf64},
    drawing::IntoDrawingArea,
    element::{EmptyElement, PathElement, Rectangle, Text},
    series::LineSeries,
    style::{
        BLACK, Color, RGBColor, TextStyle, WHITE,
        text_anchor::{HPos, Pos, VPos},
    },
};

use super::report::{Point, Report};

/// Size of a plot in pixels.
const SIZE: (u32, u32) = (880, 520);
/// Colours that differ for most eyes (Okabe and Ito), one for each of a block's nine stages.
const COLOURS: [RGBColor; 9] = [
    RGBColor(0x99, 0x99, 0x99),
    RGBColor(0xe0, 0xd0, 0x30),
    RGBColor(0x00, 0x72, 0xb2),
    RGBColor(0x56, 0xb4, 0xe9),
    RGBColor(0x00, 0x9e, 0x73),
    RGBColor(0xe6, 0x9f, 0x00),
    RGBColor(0xcc, 0x79, 0xa7),
    RGBColor(0xd5, 0x5e, 0x00),
    RGBColor(0x33, 0x33, 0x33),
];
const FONT: &str = "sans-serif";

/// A plot that could not be drawn.
#[derive(Debug)]
pub struct PlotError(String);

impl std::fmt::Display for PlotError {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "[PY-X-123] a plot cannot be drawn: {}", self.0)
    }
}

/// File names and contents. Scaling needs more than one number of workers.
pub fn plots(report: &Report) -> Result<Vec<(&'static str, String)>, PlotError> {
    let draw = |name, plot: &dyn Fn(&Report, &mut String) -> Drawn| {
        let mut text = String::new();
        plot(report, &mut text).map_err(|error| PlotError(format!("{name}: {error}")))?;
        Ok((name, text))
    };
    let mut plots = vec![draw("latency.svg", &latency)?, draw("rounds.svg", &rounds)?];
    if report.points.len() > 1 {
        plots.push(draw("scaling.svg", &scaling)?);
    }
    Ok(plots)
}

/// A chart of numbers over numbers.
type Plane<'a> = ChartContext<'a, SVGBackend<'a>, Cartesian2d<RangedCoordf64, RangedCoordf64>>;

type Drawn = Result<(), Box<dyn Error>>;

fn colour(index: usize) -> RGBColor {
    COLOURS[(index + 2) % COLOURS.len()]
}

/// `1 worker`, `2 workers`.
fn label(point: &Point) -> String {
    format!("{} worker{}", point.workers, if point.workers == 1 { "" } else { "s" })
}

/// A little more than the largest value; 1 when there is none.
fn top(values: impl Iterator<Item = f64>) -> f64 {
    let largest = values.filter(|value| value.is_finite()).fold(0.0, f64::max);
    if largest > 0.0 { 1.05 * largest } else { 1.0 }
}

/// The labels of a chart's series, in a box.
fn legend<'a>(chart: &mut Plane<'a>, position: SeriesLabelPosition) -> Drawn {
    chart
        .configure_series_labels()
        .position(position)
        .label_font((FONT, 14))
        .background_style(WHITE.filled())
        .border_style(BLACK)
        .draw()?;
    Ok(())
}

/// The share of blocks that took at most so long, as steps, for each number of workers.
fn latency(report: &Report, text: &mut String) -> Drawn {
    let area = SVGBackend::with_string(text, SIZE).into_drawing_area();
    area.fill(&WHITE)?;
    let longest = top(report.points.iter().map(|point| point.latency.max));
    let mut chart = ChartBuilder::on(&area)
        .caption("Block latency: share of blocks proven within a time", (FONT, 20))
        .margin(16)
        .x_label_area_size(44)
        .y_label_area_size(60)
        .build_cartesian_2d(0.0..longest, 0.0..105.0)?;
    chart
        .configure_mesh()
        .x_desc("seconds from intake to the verified root proof")
        .y_desc("percent of blocks")
        .y_label_formatter(&|percent| format!("{percent:.0}"))
        .max_light_lines(0)
        .label_style((FONT, 14))
        .draw()?;
    for (index, point) in report.points.iter().enumerate() {
        let style = colour(index).stroke_width(2);
        chart
            .draw_series(LineSeries::new(steps(point, longest), style))?
            .label(label(point))
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], style));
    }
    legend(&mut chart, SeriesLabelPosition::LowerRight)?;
    area.present()?;
    Ok(())
}

fn steps(point: &Point, longest: f64) -> Vec<(f64, f64)> {
    let mut seconds: Vec<f64> = point.blocks.iter().map(|block| block.seconds).collect();
    seconds.sort_by(f64::total_cmp);
    let mut steps = vec![(0.0, 0.0)];
    let mut share = 0.0;
    for (index, second) in seconds.iter().enumerate() {
        steps.push((*second, share));
        share = 100.0 * (index + 1) as f64 / seconds.len() as f64;
        steps.push((*second, share));
    }
    steps.push((longest, share));
    steps
}

/// What the mean block's seconds consist of: one bar of stages for each number of workers.
fn rounds(report: &Report, text: &mut String) -> Drawn {
    let area = SVGBackend::with_string(text, SIZE).into_drawing_area();
    area.fill(&WHITE)?;
    let (plot, legend) = area.split_horizontally(SIZE.0 - 150);
    let bars = report.points.len().max(1) as f64;
    let tallest = top(report.points.iter().map(|point| point.stages.each().iter().map(|(_, stage)| stage.mean).sum()));
    let mut chart = ChartBuilder::on(&plot)
        .caption("A block's seconds by stage (means)", (FONT, 20))
        .margin(16)
        .x_label_area_size(44)
        .y_label_area_size(60)
        .build_cartesian_2d(0.0..bars, 0.0..tallest)?;
    chart
        .configure_mesh()
        .disable_x_mesh()
        .disable_x_axis()
        .y_desc("seconds")
        .max_light_lines(0)
        .label_style((FONT, 14))
        .draw()?;
    let words = TextStyle::from((FONT, 14)).color(&BLACK);
    let under = words.pos(Pos::new(HPos::Center, VPos::Top));
    for (index, point) in report.points.iter().enumerate() {
        let (left, right) = (index as f64 + 0.15, index as f64 + 0.85);
        let mut below = 0.0;
        for ((_, stage), colour) in point.stages.each().into_iter().zip(COLOURS) {
            let above = below + stage.mean;
            chart.draw_series([Rectangle::new([(left, below), (right, above)], colour.filled())])?;
            below = above;
        }
        let centre = EmptyElement::at((index as f64 + 0.5, 0.0));
        chart.draw_series([centre + Text::new(label(point), (0, 8), under.clone())])?;
    }
    if let Some(point) = report.points.first() {
        // From top to bottom as in the bars.
        for (line, ((stage, _), colour)) in (0..).zip(point.stages.each().into_iter().zip(COLOURS).rev()) {
            let y = 60 + 24 * line;
            legend.draw(&Rectangle::new([(0, y), (14, y + 14)], colour.filled()))?;
            legend.draw_text(&stage.replace('_', " "), &words, (22, y))?;
        }
    }
    area.present()?;
    Ok(())
}

/// Speed-up over workers beside the perfect one.
fn scaling(report: &Report, text: &mut String) -> Drawn {
    let area = SVGBackend::with_string(text, SIZE).into_drawing_area();
    area.fill(&WHITE)?;
    let mut points: Vec<(f64, f64)> =
        report.points.iter().map(|point| (point.workers as f64, point.scaling.speed_up)).collect();
    points.sort_by(|one, other| one.0.total_cmp(&other.0));
    let most = top(points.iter().map(|point| point.0));
    let first = report.points.first().map_or(1.0, |point| point.workers as f64);
    let perfect = [(0.0, 0.0), (most, most / first)];
    let fastest = top(points.iter().map(|point| point.1).chain([most / first]));
    let mut chart = ChartBuilder::on(&area)
        .caption("Scaling: blocks per minute against the first number of workers", (FONT, 20))
        .margin(16)
        .x_label_area_size(44)
        .y_label_area_size(60)
        .build_cartesian_2d(0.0..most, 0.0..fastest)?;
    chart.configure_mesh().x_desc("workers").y_desc("speed-up").max_light_lines(0).label_style((FONT, 14)).draw()?;
    let (grey, blue) = (COLOURS[0].stroke_width(1), COLOURS[2].stroke_width(2));
    chart
        .draw_series(LineSeries::new(perfect, grey))?
        .label("perfect")
        .legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], grey));
    chart
        .draw_series(LineSeries::new(points, blue).point_size(4))?
        .label("measured")
        .legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], blue));
    legend(&mut chart, SeriesLabelPosition::UpperLeft)?;
    area.present()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{super::evaluate::tests::sample, *};

    #[test]
    fn plots_are_svg_on_white_with_their_words() {
        let plots = plots(&sample()).unwrap();
        let words: [(&str, &[&str]); 3] = [
            ("latency.svg", &["percent of blocks", "1 worker", "2 workers"]),
            ("rounds.svg", &["seconds", "round 5", "aggregation", "2 workers"]),
            ("scaling.svg", &["speed-up", "perfect", "measured"]),
        ];
        assert_eq!(plots.len(), words.len());
        for ((name, text), (expected, words)) in plots.iter().zip(words) {
            assert_eq!(*name, expected);
            assert!(text.starts_with("<svg") && text.trim_end().ends_with("</svg>"), "{name}");
            assert!(text.contains("#FFFFFF"), "{name}: no white background");
            for word in words {
                assert!(text.contains(word), "{name}: {word:?} is missing");
            }
        }
    }

    #[test]
    fn one_number_of_workers_has_no_scaling() {
        let mut report = sample();
        report.points.pop();
        let names: Vec<_> = plots(&report).unwrap().into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["latency.svg", "rounds.svg"]);
    }

    #[test]
    fn the_distribution_climbs_to_all_blocks() {
        let steps = steps(&sample().points[0], 40.0);
        assert_eq!((steps[0], steps[1]), ((0.0, 0.0), (10.0, 0.0)));
        assert_eq!(steps.last(), Some(&(40.0, 100.0)));
        assert!(steps.is_sorted_by(|one, next| one.0 <= next.0 && one.1 <= next.1));
    }
}
