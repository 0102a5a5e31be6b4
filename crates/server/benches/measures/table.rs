//! The table itself.

/// What a figure should reach.
#[derive(Debug, Clone, Copy)]
pub enum Aim {
    None,
    /// So much of the ceiling.
    Ratio(f64),
    /// At most so many.
    Most(f64),
}

pub struct Table;

impl Table {
    pub fn begin() -> Table {
        println!(
            "{:<66}{:>12} {:<9}{:>11}{:>7}  {:<14}ceiling",
            "", "figure", "", "ceiling", "ratio", "aim"
        );
        Table
    }

    /// A figure by itself, and what else there is to say of it.
    pub fn figure(&mut self, what: &str, figure: f64, unit: &str, note: &str, aim: Aim) {
        self.print(what, figure, unit, None, note, aim);
    }

    /// A figure beside its ceiling: of what goes on that is more, of what is waited for (`s`, `ms`) less.
    pub fn line(
        &mut self,
        what: &str,
        figure: f64,
        unit: &str,
        (ceiling, of): (f64, &str),
        aim: Aim,
    ) {
        self.print(what, figure, unit, Some(ceiling), of, aim);
    }

    fn print(
        &mut self,
        what: &str,
        figure: f64,
        unit: &str,
        ceiling: Option<f64>,
        note: &str,
        aim: Aim,
    ) {
        let ratio = ceiling.map(|ceiling| match unit {
            "s" | "ms" => ceiling / figure,
            _ => figure / ceiling,
        });
        let (aimed, is_reached) = match aim {
            Aim::None => (String::new(), true),
            Aim::Ratio(least) => (
                format!("≥ {least:.2}"),
                ratio.is_some_and(|ratio| ratio >= least),
            ),
            Aim::Most(most) => (format!("≤ {most}"), figure <= most),
        };
        let ceiling = ceiling.map_or_else(String::new, number);
        let ratio = ratio.map_or_else(String::new, |ratio| format!("{ratio:.2}"));
        let aimed = match is_reached {
            true => aimed,
            false => format!("{aimed} SHORT"),
        };
        let text = format!(
            "{what:<66}{:>12} {unit:<9}{ceiling:>11}{ratio:>7}  {aimed:<14}{note}",
            number(figure)
        );
        println!("{}", text.trim_end());
    }
}

/// Three digits that say something.
fn number(value: f64) -> String {
    match value {
        value if value >= 100.0 => format!("{value:.0}"),
        value if value >= 10.0 => format!("{value:.1}"),
        value => format!("{value:.2}"),
    }
}
