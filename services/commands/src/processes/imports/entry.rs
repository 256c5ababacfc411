//! What stands in a row, and what is wrong with it.

use domain::{
    Code, Rejection,
    text::{self, EmailAddress},
};
use schema::Profile;
use serde::{Deserialize, Serialize};
use spreadsheets::{Column, PersonRow, parse_date};
use std::borrow::Cow;

/// What stands in a row, as typed. Personal data, so without `Debug`.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Work email address.
    pub email: String,
    /// Given name.
    pub given_name: String,
    /// Family name.
    pub family_name: String,
    /// Job title.
    pub job_title: String,
    /// Department.
    pub department: String,
    /// Division.
    pub division: String,
    /// Office or city.
    pub location: String,
    /// Phone number.
    pub phone: String,
    /// Language tag.
    pub locale: String,
    /// Email address of the manager.
    pub manager_email: String,
    /// First day at work.
    pub start_date: String,
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
        let cell = |column| row.cell(column).to_owned();
        Self {
            email: cell(Column::Email),
            given_name: cell(Column::FirstName),
            family_name: cell(Column::LastName),
            job_title: cell(Column::JobTitle),
            department: cell(Column::Department),
            division: cell(Column::Division),
            location: cell(Column::Location),
            phone: cell(Column::Phone),
            locale: cell(Column::Locale),
            manager_email: cell(Column::ManagerEmail),
            start_date: cell(Column::StartDate),
        }
    }

    /// Reads the row by the same rules as everything that adds people. All that is wrong with it, not only the first.
    pub fn read(&self) -> Result<Readable, Vec<Problem>> {
        let mut problems = Vec::new();
        let email = EmailAddress::parse(&self.email).map_err(|e| problems.push(problem(e, "email"))).ok();
        let locale =
            Some(self.locale.as_str()).filter(|locale| !locale.trim().is_empty()).map(text::locale).transpose();
        let locale = locale.unwrap_or_else(|e| {
            problems.push(problem(e, "locale"));
            None
        });
        let start_date = parse_date(&self.start_date);
        if start_date.is_none() && !self.start_date.trim().is_empty() {
            let message = "Write the date as 2026-12-31.".into();
            problems.push(Problem { code: Code::InvalidValue, field: "startDate", message });
        }
        let some = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
        let raw = Profile {
            given_name: self.given_name.clone(),
            family_name: self.family_name.clone(),
            job_title: some(&self.job_title),
            department: some(&self.department),
            division: some(&self.division),
            location: some(&self.location),
            phone: some(&self.phone),
            manager_email: some(&self.manager_email),
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

/// Most bytes of a cell that somebody mends: more than any field takes.
const CELL_BYTES: usize = 4_000;

impl Entry {
    fn cells(&self) -> [&String; 11] {
        let Self { email, given_name, family_name, job_title, department, division, .. } = self;
        let Self { location, phone, locale, manager_email, start_date, .. } = self;
        [
            email,
            given_name,
            family_name,
            job_title,
            department,
            division,
            location,
            phone,
            locale,
            manager_email,
            start_date,
        ]
    }

    /// Whether a cell is larger than is worth keeping.
    pub(super) fn is_oversized(&self) -> bool {
        self.cells().into_iter().any(|cell| cell.len() > CELL_BYTES)
    }

    /// Bytes of text.
    pub(super) fn len(&self) -> usize {
        self.cells().into_iter().map(String::len).sum()
    }
}
