//! CSV that no program takes for formulas.

/// Writes CSV as Excel reads it best: UTF-8 with a byte order mark, lines ended by CR and LF.
pub struct CsvWriter {
    text: String,
}

impl Default for CsvWriter {
    fn default() -> Self {
        Self::new()
    }
}

impl CsvWriter {
    /// Begins with the byte order mark.
    pub fn new() -> Self {
        Self { text: "\u{FEFF}".to_owned() }
    }

    /// Writes a row. A cell that a program could take for a formula gets an apostrophe in front (OWASP CSV Injection).
    pub fn row<'a>(&mut self, cells: impl IntoIterator<Item = &'a str>) {
        for (index, cell) in cells.into_iter().enumerate() {
            if index > 0 {
                self.text.push(',');
            }
            self.cell(cell);
        }
        self.text.push_str("\r\n");
    }

    fn cell(&mut self, cell: &str) {
        let begins = cell.trim_start().starts_with(['=', '+', '-', '@']) || cell.starts_with(['\t', '\r']);
        let guard = if begins { "'" } else { "" };
        if cell.contains([',', ';', '\t', '"', '\r', '\n']) || cell.starts_with(' ') || cell.ends_with(' ') {
            self.text.push('"');
            self.text.push_str(guard);
            self.text.push_str(&cell.replace('"', "\"\""));
            self.text.push('"');
        } else {
            self.text.push_str(guard);
            self.text.push_str(cell);
        }
    }

    /// What was written since the last time it was taken: for those who send it on piece by piece.
    pub fn take(&mut self) -> String {
        std::mem::take(&mut self.text)
    }
}
