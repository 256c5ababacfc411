//! Search by any part of a text, in any script.
//!
//! Texts and terms are [folded](fold) alike. The index is an FTS5 table without content that holds, for every word of a
//! text, its parts of one, two and three characters as tokens. So a term of up to three characters is one token, and a
//! longer one the intersection of some, checked against the text afterwards. FTS5's own trigram tokenizer knows nothing
//! of terms below three characters, which are whole names in Chinese or Japanese.

use rusqlite::Connection;
use unicode_normalization::UnicodeNormalization;

/// Longest part of a word that is a token, in characters.
const LONGEST_PART: usize = 3;
/// Words of a search that count; people type two or three.
const MOST_TERMS: usize = 8;
/// Characters of a word of a search that count: the longest domain label.
const LONGEST_TERM: usize = 64;
/// Characters of a text that are indexed: more than a name of 200 characters and an email address have.
const LONGEST_TEXT: usize = 1_024;
/// Punctuation is moved here, because the tokenizer would split at it. Names never hold private-use characters.
const PRIVATE_USE: u32 = 0xE000;

/// The SQL that makes a search table; part of the schema of a view.
pub fn schema(table: &str) -> String {
    format!(
        "CREATE VIRTUAL TABLE {table} USING fts5(parts, content = '', columnsize = 0, detail = none, tokenize = 'ascii');"
    )
}

/// Makes texts equal that people take for the same: full case folding (ß is ss), compatibility forms (full width), and
/// no accents in Latin, Greek and Cyrillic; the Turkish dotless i is an i. Marks of other scripts stay: they are
/// letters of their own. Runs of white space become one space.
pub fn fold(text: &str) -> String {
    let plain = text.nfkd().filter(|c| !matches!(c, '\u{300}'..='\u{36F}'));
    let folded: String = plain.flat_map(char::to_uppercase).flat_map(char::to_lowercase).nfkc().collect();
    let mut words = String::with_capacity(folded.len());
    for word in folded.split_whitespace() {
        if !words.is_empty() {
            words.push(' ');
        }
        words.push_str(word);
    }
    words
}

/// The words of a search. All of them must be found, each anywhere in the text.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Terms(Vec<String>);

impl Terms {
    /// Reads what a person typed.
    pub fn parse(text: &str) -> Self {
        let typed: String = text.chars().take(MOST_TERMS * (LONGEST_TERM + 1)).collect();
        let words = fold(&typed);
        let cut = |word: &str| word.chars().take(LONGEST_TERM).collect();
        Self(words.split(' ').filter(|word| !word.is_empty()).take(MOST_TERMS).map(cut).collect())
    }
    /// Whether nothing is searched for.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
    /// The words, folded.
    pub fn words(&self) -> &[String] {
        &self.0
    }
    /// Whether the index finds no text that does not hold the words: each is a token of its own.
    pub fn is_exact(&self) -> bool {
        self.0.iter().all(|word| word.chars().count() <= LONGEST_PART)
    }
    /// What to `MATCH`. Finds every text that holds the words, and perhaps a few that do not.
    pub fn expression(&self) -> String {
        let mut expression = String::new();
        for word in &self.0 {
            for part in covering_parts(word) {
                expression.push_str(if expression.is_empty() { "\"" } else { " AND \"" });
                push_token(&mut expression, part);
                expression.push('"');
            }
        }
        expression
    }
}

/// A row to enter into a search table or to take out of it.
#[derive(Debug)]
pub(crate) struct Edit {
    pub(crate) table: &'static str,
    pub(crate) row: i64,
    pub(crate) folded: String,
    pub(crate) enter: bool,
}

impl Edit {
    pub(crate) fn apply(&self, rows: &Connection) -> rusqlite::Result<()> {
        let table = self.table;
        let sql = if self.enter {
            format!("INSERT INTO {table} (rowid, parts) VALUES (?1, ?2)")
        } else {
            format!("INSERT INTO {table} ({table}, rowid, parts) VALUES ('delete', ?1, ?2)")
        };
        rows.prepare_cached(&sql)?.execute((self.row, tokens(&self.folded))).map(drop)
    }
}

/// Every part of one to three characters of every word, once each, with spaces between.
fn tokens(folded: &str) -> String {
    let folded = folded.char_indices().nth(LONGEST_TEXT).map_or(folded, |(end, _)| folded.get(..end).unwrap_or(folded));
    let mut parts: Vec<&str> = folded.split(' ').flat_map(parts).collect();
    parts.sort_unstable();
    parts.dedup();
    let mut tokens = String::with_capacity(parts.iter().map(|part| part.len() + 3).sum());
    for part in parts {
        push_token(&mut tokens, part);
        tokens.push(' ');
    }
    tokens
}

/// Every part of one to three characters of a word.
fn parts(word: &str) -> impl Iterator<Item = &str> {
    word.char_indices().flat_map(move |(start, _)| {
        let from_here = word.get(start..).unwrap_or_default();
        from_here.char_indices().take(LONGEST_PART).filter_map(|(at, c)| from_here.get(..at + c.len_utf8()))
    })
}

/// As few of the longest parts of a word as cover it.
fn covering_parts(word: &str) -> Vec<&str> {
    let starts: Vec<usize> = word.char_indices().map(|(at, _)| at).chain([word.len()]).collect();
    let length = starts.len().saturating_sub(1);
    let last = length.saturating_sub(LONGEST_PART);
    let part = |from: usize| word.get(*starts.get(from)?..*starts.get((from + LONGEST_PART).min(length))?);
    (0..last).step_by(LONGEST_PART).chain([last]).filter_map(part).collect()
}

/// Writes a part so that the tokenizer sees one token in it.
fn push_token(text: &mut String, part: &str) {
    text.extend(part.chars().map(|c| match c {
        c if c.is_ascii() && !c.is_ascii_alphanumeric() => char::from_u32(PRIVATE_USE + u32::from(c)).unwrap_or(c),
        c => c,
    }));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folds_what_people_take_for_the_same() {
        for (text, folded) in [
            ("José  ÁLVAREZ", "jose alvarez"),
            ("Straße", "strasse"),
            ("IŞIK ışık İpek", "isik isik ipek"),
            ("ΣΊΣΥΦΟΣ σίσυφος", "σισυφοσ σισυφοσ"),
            ("Ёлкин Андрей", "елкин андреи"),
            ("Ｔａｒｏ", "taro"),
            ("が 田中", "が 田中"),
            ("김민수", "김민수"),
            ("\u{130}\u{307}", "i"),
        ] {
            assert_eq!(fold(text), folded);
            assert_eq!(fold(folded), folded, "folding twice changes nothing");
        }
    }

    #[test]
    fn parts_cover_words_of_any_length() {
        assert_eq!(parts("abcd").collect::<Vec<_>>(), ["a", "ab", "abc", "b", "bc", "bcd", "c", "cd", "d"]);
        for (word, parts) in
            [("a", vec!["a"]), ("田中", vec!["田中"]), ("abc", vec!["abc"]), ("abcd", vec!["abc", "bcd"])]
        {
            assert_eq!(covering_parts(word), parts);
        }
        assert_eq!(covering_parts("abcdefg"), ["abc", "def", "efg"]);
        assert_eq!(covering_parts("abcdef"), ["abc", "def"]);
    }

    #[test]
    fn nothing_typed_breaks_out_of_the_expression() {
        let connection = Connection::open_in_memory().unwrap();
        connection.execute_batch(&schema("texts")).unwrap();
        let folded = fold("o'brien \"quote\" o.brien+x@mail.example 👩‍💻");
        let edit = |enter| Edit { table: "texts", row: 1, folded: folded.clone(), enter };
        edit(true).apply(&connection).unwrap();
        let find = |typed: &str| -> bool {
            connection
                .query_row(
                    "SELECT EXISTS (SELECT 1 FROM texts WHERE texts MATCH ?1)",
                    [Terms::parse(typed).expression()],
                    |row| row.get(0),
                )
                .unwrap()
        };
        for typed in ["'", "\"", "\"q", "O'B", "+X@", "@mail.example", "👩‍💻", "💻", "e\"", "o.b quote"] {
            assert!(find(typed), "{typed}");
        }
        for typed in ["*", "NOT", "quote AND brien", "o.b nothing", "\" OR \"", "parts:o"] {
            assert!(!find(typed), "{typed}");
        }
        edit(false).apply(&connection).unwrap();
        assert!(!find("o"));
    }
}
