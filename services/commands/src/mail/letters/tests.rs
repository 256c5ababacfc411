use std::collections::BTreeSet;

use chrono::TimeZone;
use quick_xml::{Reader, events::Event};

use super::*;

const HOSTILE: &str = "<script>\"&'</script>";

fn letters() -> Vec<Letter> {
    let at = chrono::Utc.with_ymd_and_hms(2026, 3, 5, 9, 7, 0).unwrap();
    let (link, code, text) = ("https://accounts.example.com/x?token=acc_1.chl_2.p&q", "012345", str::to_owned);
    vec![
        Letter::SignupCode { code: text(code), expires_at: at },
        Letter::AlreadyRegistered { sign_in: text(link) },
        Letter::Activation { link: text(link), expires_at: at, organization: text(HOSTILE) },
        Letter::PasswordReset { link: text(link), expires_at: at, forced: false },
        Letter::PasswordReset { link: text(link), expires_at: at, forced: true },
        Letter::PasswordChanged { at },
        Letter::EmailChanged { at },
        Letter::DomainCode {
            code: text(code),
            domain: text("northwind.example"),
            organization: text(HOSTILE),
            expires_at: at,
        },
        Letter::SupportRequest {
            request: SupportRequestId(Uuid::nil()),
            person: Person { name: text(HOSTILE), address: text("anna@northwind.example") },
            organization: text(HOSTILE),
            organization_id: OrganizationId(Uuid::nil()),
            subject: text(HOSTILE),
            message: format!("First line\n\nThird line {HOSTILE}"),
        },
    ]
}

/// The text in a well-formed page, with its language and where its links lead. Panics at anything that is not well-formed
/// or comes from elsewhere.
fn read(html: &str) -> (String, String, Vec<String>) {
    let mut reader = Reader::from_str(html);
    reader.config_mut().check_end_names = true;
    let (mut text, mut language, mut links, mut open) = (String::new(), String::new(), Vec::new(), 0);
    loop {
        let event = reader.read_event().unwrap();
        if let Event::Start(tag) | Event::Empty(tag) = &event {
            let name = String::from_utf8(tag.name().as_ref().to_vec()).unwrap();
            let known = ["html", "head", "meta", "title", "body", "p", "a", "strong", "small", "br"];
            assert!(known.contains(&name.as_str()), "{name}");
            for attribute in tag.attributes() {
                let attribute = attribute.unwrap();
                let value = attribute.normalized_value(quick_xml::XmlVersion::Implicit1_0).unwrap().into_owned();
                match attribute.key.as_ref() {
                    b"href" => links.push(value),
                    b"lang" => language = value,
                    b"style" => assert!(!value.contains("url"), "{value}"),
                    b"charset" | b"name" | b"content" => {}
                    other => panic!("{other:?}"),
                }
            }
        }
        match event {
            Event::Start(_) => open += 1,
            Event::End(_) => open -= 1,
            Event::Text(part) => text.push_str(&part.decode().unwrap()),
            Event::GeneralRef(reference) => text.push(match reference.resolve_char_ref().unwrap() {
                Some(character) => character,
                None => match &*reference.decode().unwrap() {
                    "lt" => '<',
                    "gt" => '>',
                    "amp" => '&',
                    "quot" => '"',
                    other => panic!("{other}"),
                },
            }),
            Event::Eof => break,
            _ => {}
        }
    }
    assert_eq!(open, 0, "what is opened is closed");
    (text, language, links)
}

#[test]
fn text_and_html_of_every_letter_say_the_same_in_every_language() {
    for language in Language::ALL {
        for (number, letter) in letters().iter().enumerate() {
            let mail = letter.write("ben@northwind.example".to_owned(), Uuid::nil(), language);
            let (shown, tag, links) = read(&mail.html);
            assert_eq!(tag, language.tag());
            assert!(shown.contains(&mail.subject), "{shown}");
            for line in mail.text.lines().filter(|line| *line != "-- ") {
                assert!(shown.contains(line), "{line:?} of {number} is not in {shown}");
            }
            let in_text: Vec<_> = mail.text.lines().filter(|line| line.starts_with("https://")).collect();
            assert_eq!(links, in_text, "{number}");
            assert_eq!(links.len(), usize::from((1..5).contains(&number)), "{number}");
            // The name of a text that was not found.
            let is_name = |word: &&str| word.contains('-') && word.bytes().all(|b| b == b'-' || b.is_ascii_lowercase());
            let words = mail.text.split([' ', '\n', ':']).chain(mail.subject.split(' ')).filter(|word| *word != "--");
            assert_eq!(words.into_iter().find(is_name), None, "{language:?}");
            let code = mail.text.lines().any(|line| line == "012345");
            assert_eq!(code, matches!(number, 0 | 7), "{number}");
            assert_eq!(mail.reply_to.is_some(), number == 8);
        }
    }
}

#[test]
fn letters_differ_by_language_and_kind() {
    let all = letters();
    let written = |language| all.iter().map(move |letter| letter.write(String::new(), Uuid::nil(), language).text);
    let texts: BTreeSet<_> = Language::ALL.into_iter().flat_map(written).collect();
    assert_eq!(texts.len(), all.len() * Language::ALL.len());
}

#[test]
fn a_letter_as_it_is_read() {
    let letter = |number: usize, language| letters()[number].write(String::new(), Uuid::nil(), language);
    let mail = letter(2, Language::German);
    assert_eq!(mail.subject, "Aktivieren Sie Ihr Arbeitskonto");
    assert_eq!(
        mail.text,
        "„<script>\"&'</script>“ hat ein Arbeitskonto für Sie angelegt. Wählen Sie ein Passwort, um es zu aktivieren.\n\n\
         Konto aktivieren\nhttps://accounts.example.com/x?token=acc_1.chl_2.p&q\n\n\
         Der Link funktioniert einmal, bis 5. März 2026, 09:07 Uhr UTC.\n\n\
         -- \nWork Accounts hat diese E-Mail automatisch verschickt. Antworten darauf werden nicht gelesen.\n"
    );
    let mail = letter(0, Language::English);
    assert_eq!(mail.subject, "012345 is your activation code");
    let mail = letter(8, Language::English);
    assert!(mail.text.contains("From: <script>\"&'</script> <anna@northwind.example>\n"), "{}", mail.text);
    assert!(mail.text.ends_with("\n\nFirst line\n\nThird line <script>\"&'</script>\n"), "{}", mail.text);
    assert!(mail.html.contains("First line<br/>\n<br/>\nThird line"), "{}", mail.html);
}
