//! Search by any part of a text, in any script.
//!
//! Texts and terms are [folded](fold) alike. Found are the texts that hold every word of the search. [`crate::index`]
//! knows for every part of one to three characters which texts hold it: so a word of up to three characters is one
//! look-up, whole names in Chinese or Japanese among them, and a longer one some, after which the text is compared.

use unicode_normalization::UnicodeNormalization;

/// Longest part of a word that is indexed, in characters.
pub(crate) const LONGEST_PART: usize = 3;
/// Words of a search that count; people type two or three.
const MOST_TERMS: usize = 8;
/// Characters of a word of a search that count: the longest domain label.
const LONGEST_TERM: usize = 64;

/// Makes texts equal that people take for the same: full case folding (ß is ss), compatibility forms (full width), no
/// accents in Latin, Greek and Cyrillic, no vowel signs in Arabic and Hebrew, whose writers leave them out as they please;
/// the Turkish dotless i is an i. Marks of other scripts stay: they are letters of their own. Runs of white space become
/// one space.
pub fn fold(text: &str) -> String {
    if text.is_ascii() {
        return words(text.split_ascii_whitespace(), |folded, word| {
            folded.extend(word.chars().map(|c| c.to_ascii_lowercase()));
        });
    }
    let plain = text.nfkd().filter(|c| !is_left_out(*c));
    let folded: String = plain.flat_map(char::to_uppercase).flat_map(char::to_lowercase).nfkc().collect();
    words(folded.split_whitespace(), String::push_str)
}

fn words<'a>(split: impl Iterator<Item = &'a str>, write: impl Fn(&mut String, &'a str)) -> String {
    let mut folded = String::new();
    for word in split {
        if !folded.is_empty() {
            folded.push(' ');
        }
        write(&mut folded, word);
    }
    folded
}

/// Whether two texts that differ by this character alone are the same to whoever searches.
fn is_left_out(c: char) -> bool {
    matches!(c,
        // Accents.
        '\u{300}'..='\u{36F}'
        // Hebrew points.
        | '\u{591}'..='\u{5BD}' | '\u{5BF}' | '\u{5C1}' | '\u{5C2}' | '\u{5C4}' | '\u{5C5}' | '\u{5C7}'
        // Arabic vowel signs, hamza above and below, and the stroke that only makes words longer.
        | '\u{610}'..='\u{61A}' | '\u{640}' | '\u{64B}'..='\u{65F}' | '\u{670}'
        // Joiners, which are not seen.
        | '\u{AD}' | '\u{200B}'..='\u{200F}' | '\u{2060}' | '\u{FEFF}')
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
    /// Whether the parts of the words are the words: what holds the parts needs no comparison.
    pub(crate) fn is_exact(&self) -> bool {
        self.0.iter().all(|word| word.chars().count() <= LONGEST_PART)
    }
    /// As few parts as cover the words, each once.
    pub(crate) fn parts(&self) -> Vec<&str> {
        let mut parts: Vec<&str> = self.0.iter().flat_map(|word| covering_parts(word)).collect();
        parts.sort_unstable();
        parts.dedup();
        parts
    }
}

/// A part of one to three characters as one number: 21 bits for each character.
pub(crate) type Part = u64;

/// Every part of one to three characters of every word of a folded text; some more than once.
pub(crate) fn each_part(folded: &str, mut take: impl FnMut(Part)) {
    for word in folded.split(' ') {
        // The last two characters; 0 for none.
        let (mut before, mut last) = (0, 0);
        for c in word.chars() {
            let this = u64::from(u32::from(c));
            take(this);
            if last != 0 {
                take(last << 21 | this);
            }
            if before != 0 {
                take(before << 42 | last << 21 | this);
            }
            (before, last) = (last, this);
        }
    }
}

/// The text of a part.
pub(crate) fn part_text(part: Part) -> String {
    let characters = [part >> 42, part >> 21 & 0x1F_FFFF, part & 0x1F_FFFF];
    let character = |number: u64| u32::try_from(number).ok().filter(|number| *number != 0).and_then(char::from_u32);
    characters.into_iter().filter_map(character).collect()
}

/// As few of the longest parts of a word as cover it.
fn covering_parts(word: &str) -> Vec<&str> {
    let starts: Vec<usize> = word.char_indices().map(|(at, _)| at).chain([word.len()]).collect();
    let length = starts.len().saturating_sub(1);
    let last = length.saturating_sub(LONGEST_PART);
    let part = |from: usize| word.get(*starts.get(from)?..*starts.get((from + LONGEST_PART).min(length))?);
    (0..last).step_by(LONGEST_PART).chain([last]).filter_map(part).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folds_what_people_take_for_the_same() {
        for (text, folded) in [
            ("José  ÁLVAREZ", "jose alvarez"),
            ("  Plain\tNAME ", "plain name"),
            ("Straße", "strasse"),
            ("IŞIK ışık İpek", "isik isik ipek"),
            ("ΣΊΣΥΦΟΣ σίσυφος", "σισυφοσ σισυφοσ"),
            ("Ёлкин Андрей", "елкин андреи"),
            ("Ｔａｒｏ", "taro"),
            ("ﾀﾛｳ が 田中", "タロウ が 田中"),
            ("김민수", "김민수"),
            ("\u{130}\u{307}", "i"),
            ("مُحَمَّد أحمد", "محمد احمد"),
            ("שָׁלוֹם", "שלום"),
            ("सुनीता ก้อง", "सुनीता ก้อง"),
        ] {
            assert_eq!(fold(text), folded);
            assert_eq!(fold(folded), folded, "folding twice changes nothing");
        }
    }

    #[test]
    fn parts_cover_words_of_any_length() {
        let mut parts = Vec::new();
        each_part("abcd 田中", |part| parts.push(part_text(part)));
        assert_eq!(parts, ["a", "b", "ab", "c", "bc", "abc", "d", "cd", "bcd", "田", "中", "田中"]);
        for (word, parts) in
            [("a", vec!["a"]), ("田中", vec!["田中"]), ("abc", vec!["abc"]), ("abcd", vec!["abc", "bcd"])]
        {
            assert_eq!(covering_parts(word), parts);
        }
        assert_eq!(covering_parts("abcdefg"), ["abc", "def", "efg"]);
        assert_eq!(covering_parts("abcdef"), ["abc", "def"]);
        assert_eq!(Terms::parse("abcd ABC").parts(), ["abc", "bcd"]);
    }
}
