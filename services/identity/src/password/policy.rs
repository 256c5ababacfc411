//! Which passwords are taken: long ones that are not easy to guess. No rules of composition (NIST SP 800-63B-4, 3.1.1.2).

use zeroize::Zeroizing;

use super::{MAX_PASSWORD_CHARACTERS, MIN_PASSWORD_CHARACTERS, Password};

/// Common passwords, and the words and phrases that they are made of. Lower case, one per line, `#` for comments.
const COMMON: &str = include_str!("../../data/common_passwords.txt");

/// How many characters must be left when everything that is easy to guess counts as next to nothing. 8 is what NIST SP
/// 800-63B-4, 3.1.1.2 asks of any password.
const MIN_UNPREDICTABLE: usize = 8;
/// Shorter words of names and addresses are in too many good passwords.
const MIN_TERM_CHARACTERS: usize = 4;
/// Terms of the platform, as NIST asks ("the name of the service").
const SERVICE: &[&str] = &["work accounts", "portal for business", "portal"];

/// What people type one after another: along the alphabet, the digits, the rows of the common keyboards.
const SEQUENCES: &[&str] = &[
    "abcdefghijklmnopqrstuvwxyz",
    "01234567890",
    "qwertyuiop",
    "asdfghjkl",
    "zxcvbnm",
    "qwertzuiopü",
    "asdfghjklöä",
    "yxcvbnm",
    "azertyuiop",
    "qsdfghjklm",
    "wxcvbn",
    "йцукенгшщзхъ",
    "фывапролджэ",
    "ячсмитьбю",
];

/// Why a password is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum PasswordProblem {
    /// Fewer than [`MIN_PASSWORD_CHARACTERS`].
    #[error("use at least {MIN_PASSWORD_CHARACTERS} characters; a sentence is fine")]
    TooShort,
    /// More than [`MAX_PASSWORD_CHARACTERS`].
    #[error("use at most {MAX_PASSWORD_CHARACTERS} characters")]
    TooLong,
    /// Mostly repeated or consecutive characters.
    #[error("the password repeats itself or follows the alphabet or the keyboard")]
    Predictable,
    /// Mostly the person's email address or the name of the person, the organization or the service.
    #[error("the password is made of names that others know")]
    Personal,
    /// Mostly words that many passwords are made of.
    #[error("the password is one that many people use")]
    Common,
}

/// The policy for new passwords. Sign-in does not apply it.
#[derive(Debug)]
pub struct PasswordPolicy {
    /// Longest first.
    common: Vec<Vec<char>>,
}

impl Default for PasswordPolicy {
    fn default() -> Self {
        let lines = COMMON.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
        Self { common: longest_first(lines.map(|line| unmask(&letters(line))).collect()) }
    }
}

impl PasswordPolicy {
    /// Whether the password may be used. `about` is what others know of the person: email address, own name, name of the
    /// organization.
    pub fn check(&self, password: &Password, about: &[&str]) -> Result<(), PasswordProblem> {
        if password.characters() < MIN_PASSWORD_CHARACTERS {
            return Err(PasswordProblem::TooShort);
        }
        let typed = Zeroizing::new(letters(&password.0));
        let plain = Zeroizing::new(unmask(&typed));
        let terms = longest_first(SERVICE.iter().chain(about).flat_map(|text| terms(text)).collect());
        let weak = |words: &[&[Vec<char>]]| unpredictable(&typed, &plain, words) < MIN_UNPREDICTABLE;
        if repeats_itself(&typed) || weak(&[]) {
            Err(PasswordProblem::Predictable)
        } else if weak(&[&terms]) {
            Err(PasswordProblem::Personal)
        } else if weak(&[&terms, &self.common]) {
            Err(PasswordProblem::Common)
        } else {
            Ok(())
        }
    }
}

/// Lower case, without what people put between words.
fn letters(text: &str) -> Vec<char> {
    let separator = |c: &char| c.is_whitespace() || "-_.,:;/+'".contains(*c);
    let mut letters = Vec::with_capacity(text.len());
    letters.extend(text.chars().flat_map(char::to_lowercase).filter(|c| !separator(c)));
    letters
}

/// Undoes the usual replacements of letters by what looks like them (`P@$$w0rd`).
fn unmask(letters: &[char]) -> Vec<char> {
    let plain = |c: &char| match c {
        '@' | '4' => 'a',
        '3' | '€' => 'e',
        '1' | '!' | 'l' => 'i',
        '0' => 'o',
        '$' | '5' => 's',
        '7' => 't',
        other => *other,
    };
    letters.iter().map(plain).collect()
}

/// A name or address as a whole, and the words in it.
fn terms(text: &str) -> Vec<Vec<char>> {
    let words = text.split(|c: char| !c.is_alphanumeric());
    let all = std::iter::once(text).chain(words).map(|word| unmask(&letters(word)));
    all.filter(|word| word.len() >= MIN_TERM_CHARACTERS).collect()
}

fn longest_first(mut words: Vec<Vec<char>>) -> Vec<Vec<char>> {
    words.sort_by_key(|word| std::cmp::Reverse(word.len()));
    words
}

/// The whole is one part over and over, and that part alone would be too short.
fn repeats_itself(letters: &[char]) -> bool {
    (1..MIN_PASSWORD_CHARACTERS.min(letters.len() / 2 + 1))
        .any(|period| letters.iter().zip(letters.iter().skip(period)).all(|(a, b)| a == b))
}

/// How many characters do not follow from what is before them. A listed word counts as one character; so does a repeated
/// character; of a sequence the first two count, which gives its direction.
fn unpredictable(typed: &[char], plain: &[char], words: &[&[Vec<char>]]) -> usize {
    let mut count = 0;
    let mut place = 0;
    let mut last = None;
    let mut direction = 0;
    while let (Some(letter), Some(rest)) = (typed.get(place), plain.get(place..)) {
        if let Some(word) = words
            .iter()
            .filter_map(|list| list.iter().find(|word| rest.starts_with(word)))
            .max_by_key(|word| word.len())
        {
            count += 1;
            place += word.len();
            (last, direction) = (None, 0);
            continue;
        }
        place += 1;
        if last == Some(*letter) {
            continue;
        }
        let step = last.map_or(0, |last| steps(last, *letter));
        count += usize::from(step & direction == 0);
        (last, direction) = (Some(*letter), step);
    }
    count
}

/// In which sequences `b` stands next to `a`: two bits for each, forwards and backwards.
fn steps(a: char, b: char) -> u32 {
    let next_to =
        |sequence: &str, a: char, b: char| sequence.chars().zip(sequence.chars().skip(1)).any(|pair| pair == (a, b));
    SEQUENCES.iter().fold(0, |bits, sequence| {
        bits << 2 | u32::from(next_to(sequence, a, b)) << 1 | u32::from(next_to(sequence, b, a))
    })
}

// Two bits for each sequence have to fit.
const _: () = assert!(SEQUENCES.len() * 2 <= u32::BITS as usize);

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, time::Instant};

    use proptest::prelude::*;

    use super::*;

    const ABOUT: &[&str] = &["jane.doe@initech.example.com", "Jane Dough", "Initech Ltd"];

    fn check(text: &str) -> Result<(), PasswordProblem> {
        PasswordPolicy::default().check(&Password::new(text.to_owned())?, ABOUT)
    }

    #[test]
    fn length_comes_first() {
        assert_eq!(check(""), Err(PasswordProblem::TooShort));
        assert_eq!(check("xK9#mQ2$vL7&pR"), Err(PasswordProblem::TooShort));
        assert_eq!(check("xK9#mQ2$vL7&pRw"), Ok(()));
        assert_eq!(check(&"xK9#mQ2$vL7&pRwz".repeat(8)), Ok(()));
        assert_eq!(check(&format!("{}!", "xK9#mQ2$vL7&pRwz".repeat(8))), Err(PasswordProblem::TooLong));
    }

    #[test]
    fn what_is_easy_to_guess_is_refused() {
        for (problem, texts) in [
            (
                PasswordProblem::Predictable,
                &[
                    "aaaaaaaaaaaaaaa",
                    "               ",
                    "---------------",
                    "123456789012345",
                    "1234567890abcdef",
                    "abcdefghijklmnop",
                    "zyxwvutsrqponml",
                    "qwertyuiopasdfgh",
                    "QwertyuiopAsdfghjkl",
                    "qwertzuiopasdfgh",
                    "112233445566778899",
                    "aaaaabbbbbccccc",
                    "a-b-c-d-e-f-g-h-i",
                    "abcabcabcabcabc",
                    "xK9#mQxK9#mQxK9#mQ",
                    "Tr0ub4dor Tr0ub4dor",
                    "йцукенгшщзфывапрол",
                ][..],
            ),
            (
                PasswordProblem::Personal,
                &[
                    "jane.doe@initech.example.com",
                    "JaneDoe@Initech.Example.Com!",
                    "Initech Ltd Initech!",
                    "initech-initech-2026",
                    "1n1t3ch jane 123456",
                    "WorkAccounts2026!",
                    "Portal for Business 1",
                ],
            ),
            (
                PasswordProblem::Common,
                &[
                    "passwordpassword1",
                    "P@$$w0rd P@$$w0rd!!",
                    "Password123456789",
                    "password-12345678",
                    "correct horse battery staple",
                    "CorrectHorseBatteryStaple1!",
                    "1qaz2wsx3edc4rfv",
                    "!QAZ2wsx#EDC4rfv",
                    "iloveyouforever1234",
                    "Welcome to 2026!!!!",
                    "Summer2025Summer!",
                    "thequickbrownfoxjumpsoverthelazydog",
                    "administrator123",
                    "letmeinletmein123",
                ],
            ),
        ] {
            texts.iter().for_each(|text| assert_eq!(check(text), Err(problem), "{text}"));
        }
    }

    #[test]
    fn what_people_can_remember_is_taken() {
        for text in [
            "my neighbour grows purple carrots",
            "Der Mond ist aufgegangen über Erfurt",
            "noble trout wanders softly",
            "purple-kettle-monday-ladder",
            "hamster juggles 14 teacups",
            "我家的猫每天早上五点半都要叫我起床吃饭",
            "vK2-9fQx-77Lm-pWdZ",
            "8f14e45fceea167a5a36dedd4bea2543",
            "jane rides her tandem to Brno",
            "this password guards my pancakes",
        ] {
            assert_eq!(check(text), Ok(()), "{text}");
        }
    }

    #[test]
    fn the_list_is_tidy() {
        let lines: Vec<_> = COMMON.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).collect();
        let plain: BTreeSet<_> = lines.iter().map(|line| unmask(&letters(line))).collect();
        assert_eq!(plain.len(), lines.len(), "a line says the same as another");
        for line in &lines {
            assert!(line.len() >= 4 && line.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit()), "{line}");
        }
        assert!(lines.iter().filter(|line| line.len() >= MIN_PASSWORD_CHARACTERS).count() >= 100);
        // Each entry that is long enough to be a password is refused as one.
        for line in lines.iter().filter(|line| line.len() >= MIN_PASSWORD_CHARACTERS) {
            assert!(check(line).is_err(), "{line}");
        }
    }

    #[test]
    fn the_longest_password_is_checked_in_no_time() {
        let policy = PasswordPolicy::default();
        let password = Password::new("welcom".repeat(21)).unwrap();
        let started = Instant::now();
        (0..10).for_each(|_| assert!(policy.check(&password, ABOUT).is_err()));
        assert!(started.elapsed().as_millis() < 1_000, "{:?}", started.elapsed());
    }

    proptest! {
        #[test]
        fn random_passwords_are_taken(text in "[a-zA-Z0-9]{18,40}") {
            prop_assert_eq!(check(&text), Ok(()));
        }

        #[test]
        fn nothing_short_repeated_is_taken(part in "[ -~]{1,14}", times in 15usize..60) {
            let text: String = part.repeat(times).chars().take(128).collect();
            prop_assert_eq!(check(&text), Err(PasswordProblem::Predictable));
        }

        #[test]
        fn any_text_gets_an_answer(text in "\\PC{0,140}", about in "\\PC{0,40}") {
            if let Ok(password) = Password::new(text) {
                let answer = PasswordPolicy::default().check(&password, &[&about]);
                prop_assert_eq!(answer == Err(PasswordProblem::TooShort), password.characters() < 15);
            }
        }
    }
}
