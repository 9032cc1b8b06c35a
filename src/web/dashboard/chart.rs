//! Charts: figures over time, drawn on the server. Owns the geometry, in whole numbers, and the scale of the axis; the template
//! (`partials/chart.html`) draws it, the stylesheet colours it. Refuses floating point, and figures without words: every chart
//! has its numbers in a table too.
//!
//! A crate for charts would draw colours, fonts and styles of its own into the picture, which the policy forbids and the dark
//! scheme cannot change; so this is ours. Text is HTML beside the drawing, so that it stays readable at every width.

/// Most series that are told apart by colour; the rest belongs into one called "others".
pub const MOST_SERIES: usize = 6;
/// The height of the drawing in its own units.
const HEIGHT: i128 = 1_000;
/// The width of one column in the same units.
const COLUMN: i128 = 100;
/// Lines across the drawing, the axis not counted.
const LINES: i128 = 4;
/// Words below the drawing.
const MOST_WORDS: usize = 5;

/// How figures are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// One column for each time, the series on top of one another.
    Columns,
    /// One line for each series.
    Lines,
}

/// Figures that belong together, one for each time; `None` where there is none.
#[derive(Debug, Clone)]
pub struct Series {
    /// What they are.
    pub name: String,
    /// In the order of the times.
    pub values: Vec<Option<i128>>,
}

/// What is to be drawn.
#[derive(Debug)]
pub struct Figures {
    /// What it shows.
    pub title: String,
    /// How.
    pub kind: Kind,
    /// The times: a short word for the axis and the whole one.
    pub times: Vec<(String, String)>,
    /// At most [`MOST_SERIES`].
    pub series: Vec<Series>,
    /// A figure with its unit.
    pub shown: fn(i128) -> String,
}

/// A chart as the template takes it.
#[derive(Debug)]
pub struct Chart {
    /// What it shows.
    pub title: String,
    /// Its width in its own units; the height is 1,000.
    pub width: i128,
    /// The words beside the lines, the topmost first.
    pub steps: Vec<String>,
    /// Where the lines are.
    pub lines: Vec<i128>,
    /// A word for each time, many of them empty.
    pub words: Vec<String>,
    /// Each so many-th word has room where it is narrow.
    pub roomy: usize,
    /// Columns, for [`Kind::Columns`].
    pub columns: Vec<Column>,
    /// Lines, for [`Kind::Lines`].
    pub paths: Vec<Path>,
    /// The names of the series, for the legend and the table.
    pub names: Vec<String>,
    /// The same figures as words: the time and one for each series.
    pub rows: Vec<(String, Vec<String>)>,
    /// Whether there is nothing but zeros.
    pub is_empty: bool,
}

/// All there is at one time.
#[derive(Debug)]
pub struct Column {
    /// Its left edge.
    pub left: i128,
    /// What is shown to whoever points at it.
    pub words: String,
    /// The series, from below.
    pub blocks: Vec<Block>,
}

/// One series at one time.
#[derive(Debug, PartialEq, Eq)]
pub struct Block {
    /// Its place among the series, from one.
    pub number: usize,
    /// Its upper edge.
    pub top: i128,
    /// How high it is.
    pub height: i128,
}

/// One series as a line.
#[derive(Debug)]
pub struct Path {
    /// Its place among the series, from one.
    pub number: usize,
    /// For the `d` of an SVG path; gaps where there is no figure.
    pub drawn: String,
}

impl Chart {
    /// The chart of these figures.
    pub fn new(figures: &Figures) -> Self {
        let Figures { title, kind, times, series, shown } = figures;
        let step = step(top(*kind, series, times.len()));
        let whole = step.saturating_mul(LINES).max(1);
        let columns = (0..times.len()).map(|at| column(at, figures, whole)).collect();
        let width = extent(times.len());
        Self {
            title: title.clone(),
            width,
            steps: (0..=LINES).rev().map(|line| shown(step.saturating_mul(line))).collect(),
            lines: (0..=LINES).map(|line| HEIGHT / LINES * line).collect(),
            words: words(times),
            roomy: every(times.len()).saturating_mul(2),
            columns,
            paths: if *kind == Kind::Lines { paths(series, whole) } else { Vec::new() },
            names: series.iter().map(|series| series.name.clone()).collect(),
            rows: times.iter().enumerate().map(|(at, time)| (time.1.clone(), said(at, figures))).collect(),
            is_empty: series.iter().flat_map(|series| &series.values).all(|value| value.unwrap_or(0) == 0),
        }
    }
}

fn extent(times: usize) -> i128 {
    i128::try_from(times).unwrap_or(0).saturating_mul(COLUMN).max(COLUMN)
}

/// The largest figure that has to fit.
fn top(kind: Kind, series: &[Series], times: usize) -> i128 {
    let at = |time: usize| series.iter().filter_map(move |series| series.values.get(time).copied().flatten());
    let highest = |time| match kind {
        Kind::Columns => at(time).map(|value| value.max(0)).fold(0, i128::saturating_add),
        Kind::Lines => at(time).max().unwrap_or(0),
    };
    (0..times).map(highest).max().unwrap_or(0)
}

/// A round step (1, 2 or 5 and zeros) so that [`LINES`] of them reach `top`.
fn step(top: i128) -> i128 {
    let least = top.saturating_add(LINES - 1) / LINES;
    let mut power = 1_i128;
    while power.saturating_mul(5) < least {
        power = power.saturating_mul(10);
    }
    [1, 2, 5].into_iter().map(|times| power.saturating_mul(times)).find(|step| *step >= least).unwrap_or(power)
}

fn height(value: i128, whole: i128) -> i128 {
    value.max(0).saturating_mul(HEIGHT).checked_div(whole).unwrap_or(0).min(HEIGHT)
}

fn column(at: usize, figures: &Figures, whole: i128) -> Column {
    let left = extent(at.saturating_add(1)).saturating_sub(COLUMN);
    let parts = figures.series.iter().map(|series| series.values.get(at).copied().flatten());
    let mut below = 0_i128;
    let mut blocks = Vec::new();
    for (number, value) in (1..).zip(parts).filter(|_| figures.kind == Kind::Columns) {
        let (from, to) = (height(below, whole), height(below.saturating_add(value.unwrap_or(0).max(0)), whole));
        below = below.saturating_add(value.unwrap_or(0).max(0));
        if to > from {
            blocks.push(Block { number, top: HEIGHT.saturating_sub(to), height: to.saturating_sub(from) });
        }
    }
    let time = figures.times.get(at).map(|time| time.1.as_str()).unwrap_or_default();
    let said = figures.series.iter().zip(said(at, figures)).map(|(series, said)| format!("{}: {said}", series.name));
    let words = std::iter::once(time.to_owned()).chain(said).collect::<Vec<_>>().join("\n");
    Column { left, words, blocks }
}

fn said(at: usize, figures: &Figures) -> Vec<String> {
    let said = |series: &Series| series.values.get(at).copied().flatten().map_or_else(|| "–".to_owned(), figures.shown);
    figures.series.iter().map(said).collect()
}

fn paths(series: &[Series], whole: i128) -> Vec<Path> {
    (1..).zip(series).map(|(number, series)| Path { number, drawn: drawn(&series.values, whole) }).collect()
}

/// A line through the middles of the columns.
fn drawn(values: &[Option<i128>], whole: i128) -> String {
    let mut drawn = String::new();
    let mut pen = 'M';
    for (at, value) in values.iter().enumerate() {
        let Some(value) = value else {
            pen = 'M';
            continue;
        };
        let middle = extent(at.saturating_add(1)).saturating_sub(COLUMN / 2);
        drawn.push_str(&format!("{pen}{middle} {}", HEIGHT.saturating_sub(height(*value, whole))));
        // One that stands alone is a dash as wide as a column would be.
        if pen == 'M' && values.get(at.saturating_add(1)).copied().flatten().is_none() {
            drawn.push_str("m-30 0h60");
        }
        pen = 'L';
    }
    drawn
}

fn every(times: usize) -> usize {
    times.div_ceil(MOST_WORDS).max(1)
}

/// Every so many-th word, so that they do not touch.
fn words(times: &[(String, String)]) -> Vec<String> {
    let every = every(times.len());
    let kept =
        |(at, time): (usize, &(String, String))| if at.is_multiple_of(every) { time.0.clone() } else { String::new() };
    times.iter().enumerate().map(kept).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn figures(kind: Kind, series: &[&[Option<i128>]]) -> Figures {
        let times = series.first().map_or(0, |values| values.len());
        Figures {
            title: "Spend".to_owned(),
            kind,
            times: (0..times).map(|at| (format!("{at}"), format!("day {at}"))).collect(),
            series: (0..)
                .zip(series)
                .map(|(at, values)| Series { name: format!("s{at}"), values: values.to_vec() })
                .collect(),
            shown: |value| format!("${value}"),
        }
    }

    #[test]
    fn columns_stand_on_one_another_below_a_round_scale() {
        let chart = Chart::new(&figures(Kind::Columns, &[&[Some(1), Some(30)], &[Some(2), None]]));
        assert_eq!(chart.steps, ["$40", "$30", "$20", "$10", "$0"]);
        let block = |number, top, height| Block { number, top, height };
        assert_eq!(chart.columns[0].blocks, [block(1, 975, 25), block(2, 925, 50)]);
        assert_eq!(chart.columns[1].blocks, [block(1, 250, 750)]);
        assert_eq!(chart.columns[1].words, "day 1\ns0: $30\ns1: –");
        assert_eq!(chart.rows[1], ("day 1".to_owned(), vec!["$30".to_owned(), "–".to_owned()]));
        assert!(!chart.is_empty && chart.paths.is_empty());
    }

    #[test]
    fn lines_have_gaps_where_nothing_is_known() {
        let chart = Chart::new(&figures(Kind::Lines, &[&[Some(0), Some(4), None, Some(2)]]));
        assert_eq!(chart.paths[0].drawn, "M50 1000L150 0M350 500m-30 0h60");
    }

    #[test]
    fn nothing_is_drawn_of_nothing() {
        for none in [figures(Kind::Columns, &[]), figures(Kind::Lines, &[&[None, Some(0)]])] {
            assert!(Chart::new(&none).is_empty);
        }
    }

    proptest! {
        #[test]
        fn whatever_is_drawn_stays_inside(values in proptest::collection::vec(proptest::option::of(any::<i64>()), 0..60)) {
            let values: Vec<_> = values.into_iter().map(|value| value.map(i128::from)).collect();
            for kind in [Kind::Columns, Kind::Lines] {
                let chart = Chart::new(&figures(kind, &[&values, &values]));
                for block in chart.columns.iter().flat_map(|column| &column.blocks) {
                    prop_assert!(block.top >= 0 && block.height > 0 && block.top + block.height <= HEIGHT);
                }
                prop_assert!(chart.words.iter().filter(|word| !word.is_empty()).count() <= MOST_WORDS);
                prop_assert_eq!(chart.rows.len(), values.len());
            }
        }
    }
}
