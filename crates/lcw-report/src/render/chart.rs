//! Charts as inline SVG. Each says in words what it shows; the figures are in a table beside it.

use std::fmt::Write;

use super::human::{number, span};
use super::page::escape;

const WIDTH: f64 = 360.0;
const HEIGHT: f64 = 190.0;
const LEFT: f64 = 56.0;
const RIGHT: f64 = 8.0;
const TOP: f64 = 10.0;
const BOTTOM: f64 = 26.0;

/// Places of a chart: more days are put together.
const PLACES: usize = 92;

/// A kind of value: its name, its class of colour.
pub(super) type Kind = (&'static str, &'static str);

/// Values of one place of a chart, as many as there are kinds.
pub(super) struct Place {
    pub(super) label: String,
    pub(super) values: Vec<Option<i64>>,
}

/// How a figure on the axis is written.
#[derive(Clone, Copy)]
pub(super) enum Unit {
    Count,
    Milliseconds,
}

impl Unit {
    fn show(self, value: i64) -> String {
        match self {
            Self::Count => number(value.unsigned_abs()),
            Self::Milliseconds if value == 0 => "0".to_owned(),
            Self::Milliseconds => span(value),
        }
    }
}

/// One bar of parts, as wide as the page.
pub(super) fn parts(title: &str, parts: &[(Kind, u64)]) -> String {
    let all: u64 = parts.iter().map(|(_, count)| count).sum();
    let mut svg = String::new();
    let mut x = 0.0;
    for ((_, class), count) in parts.iter().filter(|(_, count)| *count > 0) {
        let width = share(*count, all) * 1_000.0;
        put(
            &mut svg,
            format_args!(
                "<rect class=\"{class}\" x=\"{x:.1}\" y=\"0\" width=\"{width:.1}\" height=\"24\"/>\n"
            ),
        );
        x += width;
    }
    let said: Vec<String> = parts
        .iter()
        .map(|((name, _), count)| format!("{name} {count}"))
        .collect();
    let said = escape(&format!("{title}: {}", said.join(", ")));
    format!(
        "<svg class=\"bar\" viewBox=\"0 0 1000 24\" preserveAspectRatio=\"none\" role=\"img\" \
         aria-label=\"{said}\">\n{svg}</svg>\n{}",
        legend(
            parts
                .iter()
                .map(|((name, class), count)| (*class, format!("{name} {}", number(*count))))
        )
    )
}

/// What the colours mean.
pub(super) fn legend(entries: impl Iterator<Item = (&'static str, String)>) -> String {
    let mut list = "<ul class=\"legend\">\n".to_owned();
    for (class, name) in entries {
        let name = escape(&name);
        put(
            &mut list,
            format_args!(
                "<li><svg viewBox=\"0 0 10 10\" aria-hidden=\"true\"><rect class=\"{class}\" width=\"10\" height=\"10\"/></svg>{name}</li>\n"
            ),
        );
    }
    list.push_str("</ul>\n");
    list
}

/// Bars that stand on each other, one per place.
pub(super) fn bars(title: &str, about: &str, kinds: &[Kind], places: &[Place]) -> String {
    let about = about_places(about, places.len(), "each bar is");
    let places = together(places, sum);
    let whole = |place: &Place| place.values.iter().flatten().sum::<i64>();
    let scale = Scale::new(places.iter().map(whole).max().unwrap_or(0), Unit::Count);
    let mut svg = scale.axis(&places);
    let width = step(places.len());
    for (nth, place) in places.iter().enumerate() {
        let mut below = 0;
        for (value, (_, class)) in place.values.iter().zip(kinds) {
            let value = value.unwrap_or(0);
            if value <= 0 {
                continue;
            }
            let (top, bottom) = (scale.y(below + value), scale.y(below));
            let x = LEFT + width * fraction(nth) + width * 0.1;
            put(
                &mut svg,
                format_args!(
                    "<rect class=\"{class}\" x=\"{x:.1}\" y=\"{top:.1}\" width=\"{:.1}\" height=\"{:.1}\"/>\n",
                    width * 0.8,
                    (bottom - top).max(0.5)
                ),
            );
            below += value;
        }
    }
    figure(title, &about, &svg, kinds, |class| class)
}

/// Lines, one per kind; a place without a value interrupts them.
pub(super) fn lines(title: &str, about: &str, kinds: &[Kind], places: &[Place]) -> String {
    let about = about_places(about, places.len(), "each dot is the highest of");
    let places = together(places, highest);
    let values = places
        .iter()
        .flat_map(|place| place.values.iter().flatten());
    let scale = Scale::new(values.copied().max().unwrap_or(0), Unit::Milliseconds);
    let mut svg = scale.axis(&places);
    let width = step(places.len());
    for (kind, (_, class)) in kinds.iter().enumerate() {
        let mut path = String::new();
        let mut dots = String::new();
        let mut is_down = false;
        for (nth, place) in places.iter().enumerate() {
            let Some(value) = place.values.get(kind).copied().flatten() else {
                is_down = false;
                continue;
            };
            let (x, y) = (LEFT + width * (fraction(nth) + 0.5), scale.y(value.max(0)));
            put(
                &mut path,
                format_args!("{}{x:.1} {y:.1} ", if is_down { 'L' } else { 'M' }),
            );
            put(
                &mut dots,
                format_args!(
                    "<circle class=\"{}\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"2\"/>\n",
                    class.replace("s-", "f-")
                ),
            );
            is_down = true;
        }
        if !path.is_empty() {
            put(
                &mut svg,
                format_args!(
                    "<path class=\"{class}\" d=\"{}\"/>\n{dots}",
                    path.trim_end()
                ),
            );
        }
    }
    let filled = |class: &'static str| match class {
        "s-good" => "f-good",
        _ => "f-bad",
    };
    figure(title, &about, &svg, kinds, filled)
}

fn figure(
    title: &str,
    about: &str,
    svg: &str,
    kinds: &[Kind],
    class: impl Fn(&'static str) -> &'static str,
) -> String {
    let (title, about) = (escape(title), escape(about));
    let legend = legend(
        kinds
            .iter()
            .map(|(name, kind)| (class(kind), (*name).to_owned())),
    );
    format!(
        "<figure>\n<figcaption>{title}<span>{about}</span></figcaption>\n\
         <svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"{title}. {about}\">\n{svg}</svg>\n\
         {legend}</figure>\n"
    )
}

/// How many days one place of a chart stands for.
fn days_each(days: usize) -> usize {
    days.div_ceil(PLACES).max(1)
}

/// Says so where days are put together.
fn about_places(about: &str, days: usize, what: &str) -> String {
    match days_each(days) {
        1 => about.to_owned(),
        size => format!("{about}; {what} {size} days"),
    }
}

/// Neighbours as one place where there are too many of them; `unite` makes one value of several.
fn together(places: &[Place], unite: fn(&[i64]) -> i64) -> Vec<Place> {
    let size = days_each(places.len());
    let of = |chunk: &[Place]| {
        let value = |kind: usize| {
            let values = chunk
                .iter()
                .filter_map(|it| it.values.get(kind).copied().flatten());
            let values: Vec<i64> = values.collect();
            (!values.is_empty()).then(|| unite(&values))
        };
        let kinds = chunk.first().map_or(0, |first| first.values.len());
        Place {
            label: chunk
                .first()
                .map(|first| first.label.clone())
                .unwrap_or_default(),
            values: (0..kinds).map(value).collect(),
        }
    };
    places.chunks(size).map(of).collect()
}

fn sum(values: &[i64]) -> i64 {
    values.iter().sum()
}

fn highest(values: &[i64]) -> i64 {
    values.iter().copied().max().unwrap_or(0)
}

/// The vertical axis: from 0 to a round number.
struct Scale {
    tick: i64,
    ticks: i64,
    unit: Unit,
}

impl Scale {
    fn new(highest: i64, unit: Unit) -> Self {
        let tick = round_tick(highest.max(1), unit);
        let ticks = (highest.max(1) + tick - 1) / tick;
        Self { tick, ticks, unit }
    }

    fn y(&self, value: i64) -> f64 {
        let all = (self.tick * self.ticks).unsigned_abs();
        HEIGHT - BOTTOM - share(value.unsigned_abs(), all) * (HEIGHT - TOP - BOTTOM)
    }

    /// Lines with their figures, and a few labels below.
    fn axis(&self, places: &[Place]) -> String {
        let mut svg = String::new();
        for tick in 0..=self.ticks {
            let value = tick * self.tick;
            let y = self.y(value);
            let (right, text) = (WIDTH - RIGHT, self.unit.show(value));
            let (label, below) = (LEFT - 6.0, y + 4.0);
            put(
                &mut svg,
                format_args!(
                    "<line class=\"axis\" x1=\"{LEFT}\" x2=\"{right}\" y1=\"{y:.1}\" y2=\"{y:.1}\"/>\n\
                 <text x=\"{label}\" y=\"{below:.1}\" text-anchor=\"end\">{text}</text>\n"
                ),
            );
        }
        let width = step(places.len());
        let y = HEIGHT - 6.0;
        for nth in labelled(places.len()) {
            let x = LEFT + width * (fraction(nth) + 0.5);
            let anchor = match nth {
                _ if places.len() < 3 => "middle",
                0 => "start",
                _ if nth + 1 == places.len() => "end",
                _ => "middle",
            };
            put(
                &mut svg,
                format_args!(
                    "<text x=\"{x:.1}\" y=\"{y}\" text-anchor=\"{anchor}\">{}</text>\n",
                    escape(&places[nth].label)
                ),
            );
        }
        svg
    }
}

/// The first, the last, and one or two between them.
fn labelled(count: usize) -> Vec<usize> {
    let mut places = match count {
        0 => Vec::new(),
        1..=3 => (0..count).collect(),
        _ => vec![0, count / 3, 2 * count / 3, count - 1],
    };
    places.dedup();
    places
}

/// A round step of which at most five reach the highest value.
fn round_tick(highest: i64, unit: Unit) -> i64 {
    let least = (highest + 4) / 5;
    if let Unit::Milliseconds = unit {
        const SPANS: [i64; 25] = [
            100,
            200,
            500,
            1_000,
            2_000,
            5_000,
            10_000,
            15_000,
            30_000,
            60_000,
            120_000,
            300_000,
            600_000,
            900_000,
            1_800_000,
            3_600_000,
            7_200_000,
            10_800_000,
            21_600_000,
            43_200_000,
            86_400_000,
            172_800_000,
            432_000_000,
            864_000_000,
            2_592_000_000,
        ];
        if let Some(tick) = SPANS.iter().find(|tick| **tick >= least) {
            return *tick;
        }
    }
    let mut power: i64 = 1;
    while power.saturating_mul(10) <= least {
        power *= 10;
    }
    let fits = |factor: &i64| power.saturating_mul(*factor) >= least;
    [1, 2, 5, 10]
        .into_iter()
        .find(fits)
        .unwrap_or(10)
        .saturating_mul(power)
}

/// The width of one place.
fn step(places: usize) -> f64 {
    (WIDTH - LEFT - RIGHT) / fraction(places.max(1))
}

#[expect(clippy::cast_precision_loss, reason = "places on a screen")]
fn fraction(number: usize) -> f64 {
    number as f64
}

#[expect(clippy::cast_precision_loss, reason = "a share of a chart")]
fn share(part: u64, all: u64) -> f64 {
    part as f64 / all.max(1) as f64
}

fn put(to: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing to a String cannot fail.
    let _infallible = to.write_fmt(text);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_end_at_round_numbers() {
        for (highest, tick) in [
            (1, 1),
            (5, 1),
            (6, 2),
            (23, 5),
            (99, 20),
            (100, 20),
            (101, 50),
        ] {
            assert_eq!(round_tick(highest, Unit::Count), tick, "{highest}");
        }
        assert_eq!(round_tick(90_000, Unit::Milliseconds), 30_000);
        assert_eq!(
            round_tick(26 * 3_600_000, Unit::Milliseconds),
            6 * 3_600_000
        );
        let scale = Scale::new(23, Unit::Count);
        assert!((scale.y(0) - (HEIGHT - BOTTOM)).abs() < 0.01);
        assert!((scale.y(25) - TOP).abs() < 0.01);
    }

    #[test]
    fn a_chart_says_how_many_days_a_place_is() {
        assert_eq!(about_places("By day", PLACES, "each bar is"), "By day");
        let more = about_places("By day", 4 * PLACES + 1, "each bar is");
        assert_eq!(more, "By day; each bar is 5 days");
    }

    #[test]
    fn many_days_share_places() {
        let days: Vec<Place> = (0..1_000)
            .map(|day| Place {
                label: day.to_string(),
                values: vec![Some(day), None],
            })
            .collect();
        let sums = together(&days, sum);
        assert!(sums.len() <= PLACES, "{}", sums.len());
        let all: i64 = sums.iter().filter_map(|place| place.values[0]).sum();
        assert_eq!(all, (0..1_000).sum::<i64>());
        assert!(sums.iter().all(|place| place.values[1].is_none()));
        let high = together(&days, highest);
        assert_eq!(high.last().and_then(|place| place.values[0]), Some(999));
        assert!(together(&[], sum).is_empty());
    }
}
