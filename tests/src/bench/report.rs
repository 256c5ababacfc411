//! Figures and how they are shown.

use std::{fmt::Write as _, path::Path};

use serde::Serialize;

/// What a figure has to keep.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Bound {
    /// So much or more.
    AtLeast(f64),
    /// So much or less.
    AtMost(f64),
    /// So large a share of the floor, or more.
    ShareOfFloor(f64),
    /// Nothing: shown to understand the others.
    None,
}

/// One measured figure.
#[derive(Debug, Clone, Serialize)]
pub struct Figure {
    /// Which benchmark.
    pub benchmark: &'static str,
    /// What of it.
    pub name: String,
    /// The figure.
    pub value: f64,
    /// Its unit.
    pub unit: &'static str,
    /// What it has to keep.
    pub bound: Bound,
    /// The floor beside it, in the same unit.
    pub floor: Option<f64>,
    /// What the floor is.
    pub floor_is: &'static str,
}

impl Figure {
    /// Whether it keeps its bound.
    pub fn is_kept(&self) -> bool {
        match self.bound {
            Bound::AtLeast(least) => self.value >= least,
            Bound::AtMost(most) => self.value <= most,
            Bound::ShareOfFloor(share) => self.floor.is_some_and(|floor| self.value >= share * floor),
            Bound::None => true,
        }
    }

    fn bound_text(&self) -> String {
        match self.bound {
            Bound::AtLeast(least) => format!("≥ {}", number(least)),
            Bound::AtMost(most) => format!("≤ {}", number(most)),
            Bound::ShareOfFloor(share) => format!("≥ {:.0} % of floor", 100.0 * share),
            Bound::None => String::new(),
        }
    }

    fn verdict(&self) -> &'static str {
        match (self.bound, self.is_kept()) {
            (Bound::None, _) => "",
            (_, true) => "kept",
            (_, false) => "MISSED",
        }
    }
}

/// Thousands are grouped, small numbers have two places.
fn number(value: f64) -> String {
    if value.abs() < 100.0 {
        let text = format!("{value:.2}");
        return text.trim_end_matches('0').trim_end_matches('.').to_owned();
    }
    let digits = format!("{value:.0}");
    let mut grouped = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// The table.
pub fn table(figures: &[Figure]) -> String {
    let mut rows =
        vec![["benchmark", "figure", "reached", "unit", "target", "", "floor", "what the floor is"].map(str::to_owned)];
    for figure in figures {
        rows.push([
            figure.benchmark.to_owned(),
            figure.name.clone(),
            number(figure.value),
            figure.unit.to_owned(),
            figure.bound_text(),
            figure.verdict().to_owned(),
            figure.floor.map(number).unwrap_or_default(),
            figure.floor_is.to_owned(),
        ]);
    }
    let widths: Vec<_> =
        (0..8).map(|column| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0)).collect();
    let mut table = String::new();
    for row in &rows {
        let mut line = String::new();
        for (column, cell) in row.iter().enumerate() {
            let gap = " ".repeat(widths[column] - cell.chars().count());
            // Numbers stand right, words left.
            let padded = if matches!(column, 2 | 6) { format!("{gap}{cell}") } else { format!("{cell}{gap}") };
            write!(line, "{padded}  ").expect("a string takes everything");
        }
        table.push_str(line.trim_end());
        table.push('\n');
    }
    table
}

/// Writes the figures as JSON.
///
/// # Errors
/// The file cannot be written.
pub fn write_json(path: &Path, figures: &[Figure]) -> std::io::Result<()> {
    #[derive(Serialize)]
    struct Row<'a> {
        #[serde(flatten)]
        figure: &'a Figure,
        kept: bool,
    }
    let rows: Vec<_> = figures.iter().map(|figure| Row { figure, kept: figure.is_kept() }).collect();
    std::fs::write(path, serde_json::to_string_pretty(&rows).map_err(std::io::Error::other)? + "\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_is_kept_or_missed() {
        let figure = |value, bound, floor| Figure {
            benchmark: "b",
            name: "n".into(),
            value,
            unit: "/s",
            bound,
            floor,
            floor_is: "",
        };
        assert!(figure(3.0, Bound::AtLeast(3.0), None).is_kept() && !figure(2.9, Bound::AtLeast(3.0), None).is_kept());
        assert!(figure(3.0, Bound::AtMost(3.0), None).is_kept() && !figure(3.1, Bound::AtMost(3.0), None).is_kept());
        let share = Bound::ShareOfFloor(0.6);
        assert!(figure(60.0, share, Some(100.0)).is_kept() && !figure(59.0, share, Some(100.0)).is_kept());
        assert!(!figure(60.0, share, None).is_kept(), "without a floor nothing is shown to be kept");
        assert_eq!((number(1_234_567.0), number(3.5), number(60.0)), ("1,234,567".into(), "3.5".into(), "60".into()));
    }
}
