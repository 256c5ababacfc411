//! The columns of a table of people.

use crate::{MAX_COLUMNS, SpreadsheetError};

/// A column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Column {
    Email,
    FirstName,
    LastName,
    JobTitle,
    Department,
    Division,
    Location,
    Phone,
    Locale,
    ManagerEmail,
    StartDate,
}

impl Column {
    /// All, in the order of the template.
    pub const ALL: [Self; 11] = [
        Self::Email,
        Self::FirstName,
        Self::LastName,
        Self::JobTitle,
        Self::Department,
        Self::Division,
        Self::Location,
        Self::Phone,
        Self::Locale,
        Self::ManagerEmail,
        Self::StartDate,
    ];

    /// Its name in the template, without the asterisk.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Email => "Email",
            Self::FirstName => "First Name",
            Self::LastName => "Last Name",
            Self::JobTitle => "Job Title",
            Self::Department => "Department",
            Self::Division => "Division",
            Self::Location => "Location",
            Self::Phone => "Phone",
            Self::Locale => "Locale",
            Self::ManagerEmail => "Manager Email",
            Self::StartDate => "Start Date",
        }
    }

    /// Whether every row needs it.
    pub const fn is_required(self) -> bool {
        matches!(self, Self::Email | Self::FirstName | Self::LastName)
    }

    /// How the header of the template says it: with an asterisk if it is required.
    pub fn header(self) -> String {
        if self.is_required() { format!("{}*", self.name()) } else { self.name().to_owned() }
    }

    /// What the template says of it.
    pub(crate) const fn note(self) -> &'static str {
        match self {
            Self::Email => "Needed. Work email address, of a domain that the organization allows.",
            Self::FirstName => "Needed. Given name.",
            Self::LastName => "Needed. Family name.",
            Self::JobTitle | Self::Department | Self::Division => "At most 200 characters.",
            Self::Location => "Office or city.",
            Self::Phone => "As text, so that a leading zero or plus stays.",
            Self::Locale => {
                "Language of mails and pages, such as en, de, fr, es or ja. Empty: as chosen for the import."
            }
            Self::ManagerEmail => "Email address of the manager.",
            Self::StartDate => "First day at work, as a date or written like 2026-12-31.",
        }
    }

    fn named(header: &str) -> Option<Self> {
        let letters: String = header.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect();
        Some(match letters.as_str() {
            "email" | "emailaddress" | "workemail" | "mail" => Self::Email,
            "firstname" | "givenname" => Self::FirstName,
            "lastname" | "familyname" | "surname" => Self::LastName,
            "jobtitle" | "title" => Self::JobTitle,
            "department" => Self::Department,
            "division" => Self::Division,
            "location" | "office" => Self::Location,
            "phone" | "phonenumber" | "telephone" => Self::Phone,
            "locale" | "language" => Self::Locale,
            "manageremail" | "manager" => Self::ManagerEmail,
            "startdate" => Self::StartDate,
            _ => return None,
        })
    }
}

/// Which column of the file is which.
#[derive(Debug)]
pub(crate) struct Header {
    columns: Vec<Option<Column>>,
    /// Names of columns that are not known.
    pub(crate) ignored: Vec<String>,
}

impl Header {
    pub(crate) fn read<'a>(cells: impl Iterator<Item = &'a str>) -> Result<Self, SpreadsheetError> {
        let mut header = Self { columns: Vec::new(), ignored: Vec::new() };
        for cell in cells.take(MAX_COLUMNS) {
            let column = Column::named(cell);
            match column {
                Some(known) if header.columns.contains(&column) => {
                    return Err(SpreadsheetError::DuplicateColumn(known.name()));
                }
                None if !cell.trim().is_empty() => header.ignored.push(cell.trim().chars().take(100).collect()),
                _ => {}
            }
            header.columns.push(column);
        }
        let there = |column: &Column| header.columns.contains(&Some(*column));
        let missing = Column::ALL.into_iter().filter(|column| column.is_required() && !there(column));
        let missing: Vec<_> = missing.map(Column::name).collect();
        if missing.is_empty() { Ok(header) } else { Err(SpreadsheetError::MissingColumns(missing)) }
    }

    /// What the column of this index is.
    pub(crate) fn column(&self, index: usize) -> Option<Column> {
        self.columns.get(index).copied().flatten()
    }
}
