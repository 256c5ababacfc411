use std::time::Instant;

use proptest::prelude::*;

use crate::{
    Code,
    text::{DomainName, EMAIL_BYTES, EmailAddress},
};

fn parsed(text: &str) -> Result<String, Code> {
    EmailAddress::parse(text).map(|email| email.as_str().to_owned()).map_err(|rejection| rejection.code)
}

#[track_caller]
fn accepts(text: &str, normalised: &str) {
    assert_eq!(parsed(text).as_deref(), Ok(normalised), "{text:?}");
    assert_eq!(parsed(normalised).as_deref(), Ok(normalised), "{text:?} again");
}

#[track_caller]
fn refuses(code: Code, texts: &[&str]) {
    for text in texts {
        assert_eq!(parsed(text), Err(code), "{text:?}");
    }
}

#[test]
fn what_mail_servers_take() {
    accepts("anna@example.com", "anna@example.com");
    accepts("  Anna.Sommer@Example.COM\u{a0}", "anna.sommer@example.com");
    accepts("anna+portal@example.com", "anna+portal@example.com");
    accepts("o'neil@example.com", "o'neil@example.com");
    accepts("a@mail.eu.example.co.uk", "a@mail.eu.example.co.uk");
    accepts("anna@example.com.", "anna@example.com");
    accepts("anna@example。com", "anna@example.com");
    accepts("anna@ｅｘａｍｐｌｅ.com", "anna@example.com");
    accepts("=1+1@example.com", "=1+1@example.com");
}

#[test]
fn domains_in_other_scripts() {
    accepts("anna@bücher.de", "anna@xn--bcher-kva.de");
    accepts("anna@BÜCHER.de", "anna@xn--bcher-kva.de");
    accepts("anna@xn--bcher-kva.de", "anna@xn--bcher-kva.de");
    accepts("anna@bu\u{308}cher.de", "anna@xn--bcher-kva.de");
    accepts("anna@straße.de", "anna@xn--strae-oqa.de");
    accepts("anna@færgen.dk", "anna@xn--frgen-sra.dk");
    for native in [
        "почта.рф",
        "компания.com",
        "例え.jp",
        "nttコム.jp",
        "삼성.kr",
        "ελλάδα.gr",
        "שלום.co.il",
        "شركة.com",
        "बैंक.भारत",
    ] {
        let domain = DomainName::parse(native).unwrap_or_else(|e| panic!("{native}: {e}"));
        assert!(domain.as_str().is_ascii());
        assert_eq!(DomainName::parse(domain.as_str()), Ok(domain));
    }
}

#[test]
fn look_alikes() {
    refuses(
        Code::LookAlikeDomain,
        &[
            "anna@exаmple.com",        // Cyrillic а among Latin
            "anna@еxample.com",        // Cyrillic е
            "anna@аррӏе.com",          // Cyrillic throughout
            "anna@xn--80ak6aa92e.com", // the same
            "anna@mail.аррӏе.com",     // in a part
            "anna@gοοgle.com",         // Greek ο
            "anna@οοο.com",            // Greek throughout
            "anna@раураl.com",
            "anna@жexample.com", // mixed, though it imitates nothing
            "anna@жexample.рф",
            "anna@例えпример.jp",
        ],
    );
    // Under a suffix of its own script nobody mistakes it.
    assert!(DomainName::parse("оса.рф").is_ok());
}

#[test]
fn what_is_no_address() {
    refuses(Code::Required, &["", "   ", "\u{3000}"]);
    refuses(
        Code::InvalidEmail,
        &[
            "anna",
            "@example.com",
            "anna@",
            "anna@@example.com",
            "anna@b@example.com",
            "anna example@example.com",
            ".anna@example.com",
            "anna.@example.com",
            "an..na@example.com",
            "\"anna\"@example.com",
            "anna(comment)@example.com",
            "Anna <anna@example.com>",
            "anna@example.com>",
            "anna@example.com,bob@example.com",
            "anna@example.com\r\nBcc: eve@example.org",
            "änna@example.com",
            "anna\u{200B}@example.com",
            "anna\0@example.com",
            "anna@exa mple.com",
            "anna@exa_mple.com",
            "anna@-example.com",
            "anna@example-.com",
            "anna@ex--ample.com",
            "anna@example..com",
            "anna@.example.com",
            "anna@example.com..",
            "anna@example.com/path",
            "anna@example.com:25",
            "anna@example.com?x",
            "anna@xn--a.com",
            "anna@xn--.com",
            "anna@xn--zzzzzzzzzzz.com",
        ],
    );
}

#[test]
fn what_is_no_domain_of_an_organization() {
    refuses(
        Code::InvalidEmail,
        &[
            "anna@localhost",
            "anna@com",
            "anna@co.uk",
            "anna@co.uk.",
            "anna@CO.UK",
            "anna@github.io",
            "anna@公司.cn",
            "anna@xn--55qx5d.cn",
            "anna@рф",
            "anna@127.0.0.1",
            "anna@[127.0.0.1]",
            "anna@[IPv6:::1]",
            "anna@::1",
            "anna@127.1",
            "anna@0x7f.0x1",
            "anna@2130706433",
            "anna@１２７.０.０.１",
            "anna@example.123",
            "anna@example.c0m",
        ],
    );
    accepts("anna@sub.example.co.uk", "anna@sub.example.co.uk");
    accepts("anna@例え.公司.cn", "anna@xn--r8jz45g.xn--55qx5d.cn");
}

#[test]
fn lengths() {
    let long = |local: usize, labels: usize| format!("{}@{}example.com", "a".repeat(local), "b.".repeat(labels));
    assert!(parsed(&long(64, 0)).is_ok());
    refuses(Code::InvalidEmail, &[&long(65, 0)]);
    assert_eq!(long(64, 89).len(), EMAIL_BYTES);
    assert!(parsed(&long(64, 89)).is_ok());
    refuses(Code::TooLong, &[&long(64, 90)]);
    let label = |bytes: usize| format!("anna@{}.com", "x".repeat(bytes));
    assert!(parsed(&label(63)).is_ok());
    refuses(Code::InvalidEmail, &[&label(64), &label(300), &long(1, 150)]);
    refuses(Code::TooLong, &[&label(10_000), &long(10_000, 0), &"@".repeat(10_000), &"ä".repeat(10_000)]);
}

#[test]
fn consumer_services_and_all_under_them() {
    let is_consumer = |text: &str| DomainName::parse(text).unwrap().is_consumer();
    for domain in ["gmail.com", "GMAIL.com.", "mail.gmail.com", "a.b.yahoo.co.uk", "vip.qq.com", "ｇmail.com"] {
        assert!(is_consumer(domain), "{domain}");
    }
    for domain in ["example.com", "notgmail.com", "gmail.com.example.org", "gmail.example", "mail.example.com"] {
        assert!(!is_consumer(domain), "{domain}");
    }
}

#[test]
fn the_list_of_consumer_domains_is_in_order() {
    let lines: Vec<_> = include_str!("../consumer_domains.txt").lines().collect();
    assert!(lines.len() > 100);
    for pair in lines.windows(2) {
        assert!(pair[0] < pair[1], "{pair:?}");
    }
    for line in lines {
        let domain = DomainName::parse(line).unwrap_or_else(|e| panic!("{line}: {e}"));
        assert_eq!(domain.as_str(), line);
        assert!(domain.is_consumer());
        assert_eq!(psl::domain_str(line), Some(line), "{line}: subdomains are covered by their parent");
    }
}

#[test]
fn debug_hides_the_person() {
    let email = EmailAddress::parse("anna@example.com").unwrap();
    assert!(!format!("{email:?}").contains("anna"));
}

#[test]
fn the_worst_addresses_are_cheap() {
    let worst = [
        format!("anna@{}", "a.".repeat(505)),
        format!("anna@{}.com", "ü".repeat(500)),
        format!("anna@{}.com", "\u{1F600}\u{301}".repeat(160)),
        format!("anna@xn--{}.com", "9".repeat(1000)),
        format!("anna@{}.com", "\u{FDFA}".repeat(330)),
        format!("anna@{}", "xn--bcher-kva.".repeat(70)),
        "a@".repeat(5_000_000),
    ];
    let start = Instant::now();
    for text in &worst {
        assert!(parsed(text).is_err(), "{text:.40}");
    }
    // About 1 ms without optimisation; the bound only tells polynomials from lines.
    assert!(start.elapsed().as_millis() < 500, "{:?}", start.elapsed());
    let domain = DomainName::parse("mail.eu.example.co.uk").unwrap();
    let start = Instant::now();
    assert!((0..1000).all(|_| !domain.is_consumer()));
    assert!(start.elapsed().as_millis() < 500, "{:?}", start.elapsed());
}

proptest! {
    #[test]
    fn any_text_is_parsed_or_refused(text in any::<String>()) {
        if let Ok(email) = EmailAddress::parse(&text) {
            prop_assert_eq!(EmailAddress::parse(email.as_str()), Ok(email));
        }
        if let Ok(domain) = DomainName::parse(&text) {
            prop_assert_eq!(DomainName::parse(domain.as_str()), Ok(domain));
        }
    }

    #[test]
    fn what_is_accepted_is_plain_and_stays_as_it_is(
        local in "[a-zA-Z0-9+.'_-]{1,20}",
        labels in proptest::collection::vec("[a-zA-Z0-9äößéあ漢яж-]{1,12}", 1..4),
        top in "(com|DE|co.uk|рф|jp|公司.cn)",
    ) {
        let text = format!("{local}@{}.{top}", labels.join("."));
        if let Ok(email) = EmailAddress::parse(&text) {
            prop_assert!(email.as_str().is_ascii());
            prop_assert!(!email.as_str().bytes().any(|b| b.is_ascii_uppercase() || b.is_ascii_whitespace()));
            prop_assert!(email.as_str().ends_with(email.domain().as_str()));
            prop_assert!(email.as_str().len() <= EMAIL_BYTES);
            prop_assert_eq!(EmailAddress::parse(email.as_str()), Ok(email));
        }
    }
}
