//! How values stand in columns: ids as 16 bytes, times as microseconds since 1970, anything else of ours as JSON.

use chrono::DateTime;
use rusqlite::{Row, types::Type};
use schema::Timestamp;
use serde::{Serialize, de::DeserializeOwned};
use uuid::Uuid;

/// The id in a column.
pub fn uuid(row: &Row<'_>, column: &str) -> rusqlite::Result<Uuid> {
    row.get(column).map(Uuid::from_bytes)
}

/// The id in a column that may be empty.
pub fn optional_uuid(row: &Row<'_>, column: &str) -> rusqlite::Result<Option<Uuid>> {
    Ok(row.get::<_, Option<[u8; 16]>>(column)?.map(Uuid::from_bytes))
}

/// What to write for a time.
pub fn from_time(time: Timestamp) -> i64 {
    time.timestamp_micros()
}

/// The time in a column.
pub fn time(row: &Row<'_>, column: &str) -> rusqlite::Result<Timestamp> {
    let micros = row.get(column)?;
    DateTime::from_timestamp_micros(micros).ok_or(rusqlite::Error::IntegralValueOutOfRange(0, micros))
}

/// The time in a column that may be empty.
pub fn optional_time(row: &Row<'_>, column: &str) -> rusqlite::Result<Option<Timestamp>> {
    let micros: Option<i64> = row.get(column)?;
    micros.map(|_| time(row, column)).transpose()
}

/// What to write for a value.
pub fn to_json<T: Serialize>(value: &T) -> rusqlite::Result<String> {
    serde_json::to_string(value).map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))
}

/// The value in a column.
pub fn from_json<T: DeserializeOwned>(row: &Row<'_>, column: &str) -> rusqlite::Result<T> {
    let text = row.get_ref(column)?.as_str()?;
    serde_json::from_str(text).map_err(|error| rusqlite::Error::FromSqlConversionFailure(0, Type::Text, error.into()))
}
