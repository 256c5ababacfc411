//! What stands in a row, and what is wrong with it.

use domain::{
    Code, Rejection,
    text::{self, EmailAddress},
};
use schema::Profile;
use serde::{Deserialize, Serialize};
use spreadsheets::{Column, PersonRow, parse_date};
use std::borrow::Cow;

/// Most bytes of a row that somebody mends: more than all fields together take.
const ROW_BYTES: usize = 8_000;

/// What stands in a row, as typed. Personal data, so without `Debug`.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    cells: [String; Column::ALL.len()],
    /// Columns that hold a formula, which nobody has replaced yet; a bit each.
    formulas: u16,
}

/// Something that keeps a row from becoming an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// What to match on.
    pub code: Code,
    /// The field, by its name in the API.
    pub field: &'static str,
    /// What to do.
    pub message: Cow<'static, str>,
}

/// A row without problems of its own. Personal data, so without `Debug`.
#[derive(Clone)]
pub struct Readable {
    /// The address.
    pub email: EmailAddress,
    /// Name and directory fields.
    pub profile: Profile,
    /// Language; none if the row names none.
    pub locale: Option<String>,
}

/// The field of the API that a column fills.
pub(super) fn field(column: Column) -> &'static str {
    match column {
        Column::Email => "email",
        Column::FirstName => "givenName",
        Column::LastName => "familyName",
        Column::JobTitle => "jobTitle",
        Column::Department => "department",
        Column::Division => "division",
        Column::Location => "location",
        Column::Phone => "phone",
        Column::Locale => "locale",
        Column::ManagerEmail => "managerEmail",
        Column::StartDate => "startDate",
    }
}

fn problem(rejection: Rejection, field: &'static str) -> Problem {
    Problem { code: rejection.code, field, message: rejection.message }
}

impl Entry {
    /// The row of a file.
    pub(super) fn of(row: PersonRow<'_>) -> Self {
        let formulas = Column::ALL.into_iter().filter(|column| row.has_formula(*column));
        Self {
            cells: Column::ALL.map(|column| row.cell(column).to_owned()),
            formulas: formulas.map(|column| 1 << column as u16).sum(),
        }
    }

    /// What stands in a column.
    pub fn get(&self, column: Column) -> &str {
        self.cells.get(column as usize).map_or("", String::as_str)
    }

    /// Writes something else, or nothing, into a column.
    pub fn set(&mut self, column: Column, text: String) {
        self.formulas &= !(1 << column as u16);
        if let Some(cell) = self.cells.get_mut(column as usize) {
            *cell = text;
        }
    }

    /// The columns with a formula: it is not calculated.
    pub(super) fn formulas(&self) -> impl Iterator<Item = Column> + use<> {
        let formulas = self.formulas;
        Column::ALL.into_iter().filter(move |column| formulas & (1 << *column as u16) != 0)
    }

    /// Bytes of text.
    pub(super) fn len(&self) -> usize {
        self.cells.iter().map(String::len).sum()
    }

    /// Whether it is larger than is worth keeping.
    pub(super) fn is_oversized(&self) -> bool {
        self.len() > ROW_BYTES
    }

    /// Reads the row by the same rules as everything that adds people. All that is wrong with it, not only the first.
    pub fn read(&self) -> Result<Readable, Vec<Problem>> {
        let mut problems = Vec::new();
        let email = EmailAddress::parse(self.get(Column::Email)).map_err(|e| problems.push(problem(e, "email"))).ok();
        let some = |column| Some(self.get(column)).filter(|text| !text.trim().is_empty());
        let locale = some(Column::Locale).map(text::locale).transpose();
        let locale = locale.unwrap_or_else(|e| {
            problems.push(problem(e, "locale"));
            None
        });
        let start_date = some(Column::StartDate).and_then(parse_date);
        if start_date.is_none() && some(Column::StartDate).is_some() {
            let message = "Write the date as 2026-12-31.".into();
            problems.push(Problem { code: Code::InvalidValue, field: "startDate", message });
        }
        let own = |column| self.get(column).to_owned();
        let filled = |column| Some(own(column)).filter(|text| !text.is_empty());
        let raw = Profile {
            given_name: own(Column::FirstName),
            family_name: own(Column::LastName),
            job_title: filled(Column::JobTitle),
            department: filled(Column::Department),
            division: filled(Column::Division),
            location: filled(Column::Location),
            phone: filled(Column::Phone),
            manager_email: filled(Column::ManagerEmail),
            start_date,
        };
        let profile = text::all_of_profile(&raw).map_err(|refused| {
            let known = Column::ALL.map(field);
            let named = |e: &Rejection| known.into_iter().find(|name| e.field.as_deref() == Some(*name));
            problems.extend(refused.into_iter().map(|e| {
                let field = named(&e).unwrap_or_default();
                problem(e, field)
            }));
        });
        match (email, profile) {
            (Some(email), Ok(profile)) if problems.is_empty() => Ok(Readable { email, profile, locale }),
            _ => Err(problems),
        }
    }
}
