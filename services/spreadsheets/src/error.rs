//! Why a file cannot be read.

/// Why a file is no table of people. The texts can be shown to whoever sent it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SpreadsheetError {
    /// There is nothing in it, or only the header.
    #[error("the file has no rows")]
    Empty,
    /// It has more bytes than [`crate::MAX_FILE_BYTES`].
    #[error("the file has more than 10 MiB")]
    TooLarge,
    /// It has more rows than [`crate::MAX_ROWS`].
    #[error("the file has more than 100,000 rows")]
    TooManyRows,
    /// It is something else than CSV or XLSX.
    #[error("the file is neither CSV nor XLSX")]
    NotASpreadsheet,
    /// A workbook of before 2007, or protected by a password.
    #[error("save the file as XLSX, without a password")]
    OldOrProtected,
    /// It breaks off or contradicts itself.
    #[error("the file is damaged")]
    Damaged,
    /// Unpacked it is far larger than a table of people can be.
    #[error("the file is too large when unpacked")]
    UnpackedTooLarge,
    /// Columns that are needed are not there, by their names in the template.
    #[error("these columns are missing: {}", .0.join(", "))]
    MissingColumns(Vec<&'static str>),
    /// A column is there twice.
    #[error("the column {0} is there twice")]
    DuplicateColumn(&'static str),
}
