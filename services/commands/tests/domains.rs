//! Email domains from the first mention to the proof and back, on a real log, with a name server and a website.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

#[path = "domains/stage.rs"]
mod stage;
mod support;

use chrono::Duration;
use domain::{Code, text::DomainName};
use hickory_resolver::proto::op::ResponseCode;
use schema::VerificationMethod::{DnsTxt, Email, HtmlFile};

use stage::{Stage, code, file_of, record_of, wrong};
use support::internet::{Page, Texts};

#[tokio::test]
async fn what_is_no_domain_is_refused() {
    let stage = Stage::new().await;
    let anna = stage.found("anna@northwind.example").await;
    let before = stage.world.log().await.len();
    let long = format!("{}.example", "a.".repeat(146));
    let endless = "a".repeat(100_000);
    for (typed, expected) in [
        ("", Code::Required),
        (" \t", Code::Required),
        ("https://northwind.example", Code::InvalidDomain),
        ("northwind.example/", Code::InvalidDomain),
        ("northwind.example/path?query", Code::InvalidDomain),
        ("northwind.example:443", Code::InvalidDomain),
        ("anna@northwind.example", Code::InvalidDomain),
        ("192.0.2.1", Code::InvalidDomain),
        ("0x7f.1", Code::InvalidDomain),
        ("2001:db8::1", Code::InvalidDomain),
        ("[2001:db8::1]", Code::InvalidDomain),
        ("com", Code::InvalidDomain),
        ("co.uk", Code::InvalidDomain),
        ("github.io", Code::InvalidDomain),
        ("localhost", Code::InvalidDomain),
        ("*.northwind.example", Code::InvalidDomain),
        ("_dmarc.northwind.example", Code::InvalidDomain),
        ("-a.example", Code::InvalidDomain),
        ("a..example", Code::InvalidDomain),
        ("a b.example", Code::InvalidDomain),
        ("a\u{0}.example", Code::InvalidDomain),
        ("nоrthwind.example", Code::LookAlikeDomain),
        ("раураl.com", Code::LookAlikeDomain),
        ("gmail.com", Code::ConsumerEmailDomain),
        (&long, Code::InvalidDomain),
        (&endless, Code::InvalidDomain),
    ] {
        let rejection = anna.try_add(typed).await.unwrap_err().into_rejection();
        assert_eq!((rejection.code, rejection.field.as_deref()), (expected, Some("domain")), "{typed:.80}");
    }
    assert_eq!(stage.world.log().await.len(), before, "nothing was written");
    let id = anna.add(" BÜCHER.Example. ").await;
    let view = anna.view(id).await;
    assert_eq!((view.name.as_str(), view.name.to_unicode().as_str()), ("xn--bcher-kva.example", "bücher.example"));
    assert_eq!(anna.add("xn--bcher-kva.example").await, id);
    anna.create("ben@bücher.example").await.unwrap();
}

#[tokio::test]
async fn a_domain_is_proven_each_way() {
    let stage = Stage::new().await;
    let anna = stage.found("anna@northwind.example").await;
    for (method, name) in [(Email, "mail.example"), (HtmlFile, "file.example"), (DnsTxt, "record.example")] {
        let id = anna.add(name).await;
        assert_eq!(code(anna.verify(id, None).await), Code::WrongState);
        let proof = anna.begin(id, method).await.proof;
        let mut answer = None;
        match &proof {
            Some(sought) => {
                assert_eq!(code(anna.verify(id, None).await), Code::ProofNotFound, "{method:?}");
                stage.internet.publish(sought);
            }
            None => {
                assert_eq!(code(anna.verify(id, None).await), Code::Required);
                answer = Some(stage.world.code_for("postmaster@mail.example").await);
            }
        }
        assert!(anna.verify(id, answer.as_deref()).await.unwrap().is_some(), "{method:?}");
        assert!(anna.is_verified(id).await);
        assert_eq!(stage.holder(name).await, Some(anna.organization));
        // Again it is so already, whatever code comes with it.
        assert_eq!(anna.verify(id, Some("000000")).await.unwrap(), None);
        assert_eq!(code(anna.try_begin(id, method).await), Code::DomainVerified);
    }
    let types = stage.world.types().await;
    let count = |name: &str| types.iter().filter(|found| *found == name).count();
    assert_eq!((count("domain.reserved"), count("organization.domain_verified")), (3, 3));
}

#[tokio::test]
async fn what_is_published_is_bound_to_organization_domain_and_attempt() {
    let stage = Stage::new().await;
    let anna = stage.found("anna@northwind.example").await;
    let zoe = stage.found("zoe@tailspin.example").await;
    let (ours, theirs) = (anna.add("fabrikam.example").await, zoe.add("fabrikam.example").await);
    let other = anna.add("contoso.example").await;
    let mut texts = Vec::new();
    for (admin, id) in [(&anna, ours), (&anna, other), (&zoe, theirs)] {
        texts.push(record_of(&admin.begin(id, DnsTxt).await).1);
    }
    // The last begun of ours is the only one that counts.
    let (name, right) = record_of(&anna.begin(ours, DnsTxt).await);
    assert_eq!(name, "_work-accounts-challenge.fabrikam.example");
    let token = right.split(' ').next().unwrap().to_owned();
    texts.extend([
        token.to_uppercase(),
        token[..token.len() - 1].to_owned(),
        token.replace('=', " "),
        format!("x{token}"),
    ]);
    stage.internet.set_texts(&name, Texts::Records(texts.clone()));
    assert_eq!(code(anna.verify(ours, None).await), Code::ProofNotFound);
    // Among many others it is found.
    texts.extend([format!("v=spf1 {}", "a".repeat(100)), right]);
    stage.internet.set_texts(&name, Texts::Records(texts));
    anna.verify(ours, None).await.unwrap();
    assert_eq!(code(zoe.verify(theirs, None).await), Code::DomainTaken);
}

#[tokio::test]
async fn a_name_server_that_does_not_answer_is_not_taken_for_a_proof_that_is_not_there() {
    let stage = Stage::new().await;
    let anna = stage.found("anna@northwind.example").await;
    let id = anna.add("fabrikam.example").await;
    let (name, text) = record_of(&anna.begin(id, DnsTxt).await);
    let before = stage.world.log().await.len();
    for (texts, expected) in [
        (Texts::Code(ResponseCode::NXDomain), Code::ProofNotFound),
        (Texts::Records(vec![]), Code::ProofNotFound),
        (Texts::Records(vec!["v=spf1 -all".to_owned()]), Code::ProofNotFound),
        (Texts::Code(ResponseCode::ServFail), Code::ProofUnreachable),
        (Texts::Code(ResponseCode::Refused), Code::ProofUnreachable),
        (Texts::Code(ResponseCode::NotImp), Code::ProofUnreachable),
        (Texts::Silence, Code::ProofUnreachable),
    ] {
        stage.internet.set_texts(&name, texts.clone());
        assert_eq!(code(anna.verify(id, None).await), expected, "{texts:?}");
    }
    assert_eq!(stage.world.log().await.len(), before, "looking in vain changes nothing");
    stage.internet.set_texts(&name, Texts::Records(vec![text]));
    anna.verify(id, None).await.unwrap();
}

#[tokio::test]
async fn only_the_file_itself_is_a_proof() {
    let stage = Stage::new().await;
    let anna = stage.found("anna@northwind.example").await;
    let id = anna.add("fabrikam.example").await;
    let (name, content) = file_of(&anna.begin(id, HtmlFile).await);
    assert!(name.starts_with("work-accounts-") && name.ends_with(".html"));
    let answer = |status, body: &str| Page::Content(status, body.to_owned());
    let sent_on = |to: &str| Page::SentOn(to.to_owned());
    stage.internet.set_page("elsewhere.html", answer(200, &content));
    for (page, expected) in [
        (answer(200, ""), Code::ProofNotFound),
        (answer(200, &format!("<html>{content}</html>")), Code::ProofNotFound),
        (answer(200, &content.to_uppercase()), Code::ProofNotFound),
        (answer(200, &content[..content.len() - 1]), Code::ProofNotFound),
        (answer(200, &format!("{content}{}", " ".repeat(2_000))), Code::ProofNotFound),
        (answer(404, &content), Code::ProofNotFound),
        (answer(403, &content), Code::ProofNotFound),
        (answer(429, &content), Code::ProofUnreachable),
        (answer(500, &content), Code::ProofUnreachable),
        (answer(503, &content), Code::ProofUnreachable),
        (sent_on("http://contoso.example/elsewhere.html"), Code::ProofNotFound),
        (sent_on("http://127.0.0.1/elsewhere.html"), Code::ProofNotFound),
        (sent_on("file:///etc/passwd"), Code::ProofNotFound),
        (sent_on("http://user:password@fabrikam.example/elsewhere.html"), Code::ProofNotFound),
        (sent_on(&format!("/{name}")), Code::ProofNotFound),
        (sent_on("https://fabrikam.example/elsewhere.html"), Code::ProofUnreachable),
        (Page::Silence, Code::ProofUnreachable),
    ] {
        stage.internet.set_page(&name, page.clone());
        assert_eq!(code(anna.verify(id, None).await), expected, "{page:?}");
    }
    assert!(!anna.is_verified(id).await);
    stage.internet.set_page(&name, sent_on("/elsewhere.html"));
    stage.internet.set_page("elsewhere.html", answer(200, &format!("{content}\r\n")));
    anna.verify(id, None).await.unwrap();
}

#[tokio::test]
async fn websites_inside_the_network_are_not_looked_at() {
    // As in production, every address has to be public; the name server says that all hosts are at 127.0.0.1.
    let stage = Stage::in_public().await;
    let anna = stage.found("anna@northwind.example").await;
    let id = anna.add("fabrikam.example").await;
    let (name, content) = file_of(&anna.begin(id, HtmlFile).await);
    stage.internet.set_page(&name, Page::Content(200, content));
    let refused = anna.verify(id, None).await.unwrap_err().into_rejection();
    assert_eq!(refused.code, Code::ProofUnreachable);
    assert!(refused.message.contains("not on the public internet"), "{}", refused.message);
    assert_eq!(stage.internet.asked(&format!("/{name}")), 0);
}

#[tokio::test]
async fn ten_wrong_codes_five_codes_a_day_and_ten_minutes() {
    let stage = Stage::new().await;
    let anna = stage.found("anna@northwind.example").await;
    let id = anna.add("fabrikam.example").await;
    let postmaster = "postmaster@fabrikam.example";
    anna.begin(id, Email).await;
    let right = stage.world.code_for(postmaster).await;
    let wrong = wrong(&right);
    for left in (0..10).rev() {
        let rejection = anna.verify(id, Some(&wrong)).await.unwrap_err().into_rejection();
        assert_eq!((rejection.code, rejection.field.as_deref()), (Code::WrongCode, Some("code")));
        assert!(left == 0 || left == 1 || rejection.message.contains(&left.to_string()), "{}", rejection.message);
    }
    for tried in [&wrong, &right] {
        assert_eq!(code(anna.verify(id, Some(tried)).await), Code::TooManyTries);
    }
    // The code of an earlier attempt is good for nothing.
    let seen = stage.world.mailbox.latest().len();
    anna.begin(id, Email).await;
    let newer = stage.next_code(postmaster, seen).await;
    assert_ne!(newer, right);
    assert_eq!(code(anna.verify(id, Some(&right)).await), Code::WrongCode);
    stage.world.clock.advance(Duration::minutes(10));
    let late = anna.verify(id, Some(&newer)).await.unwrap_err().into_rejection();
    assert_eq!((late.code, late.field.as_deref()), (Code::Expired, Some("code")));

    for _ in 0..3 {
        anna.begin(id, Email).await;
    }
    let sixth = code(anna.try_begin(id, Email).await);
    assert_eq!(sixth, Code::RateLimited);
    anna.remove(id).await.unwrap();
    let id = anna.add("fabrikam.example").await;
    assert_eq!(code(anna.try_begin(id, Email).await), Code::RateLimited);
    stage.world.clock.advance(Duration::days(1));
    let anna = anna.signed_in_again(&stage).await;
    let seen = stage.world.mailbox.latest().len();
    anna.begin(id, Email).await;
    let code = stage.next_code(postmaster, seen).await;
    anna.verify(id, Some(&code)).await.unwrap();
    for mailbox in [None, Some("anna"), Some("postmaster@northwind.example")] {
        let other = anna.add("contoso.example").await;
        anna.begin_with(other, Email, mailbox).await.unwrap_err();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_guesses_codes_all_at_once_has_no_more_tries() {
    let stage = Stage::new().await;
    let anna = stage.found("anna@northwind.example").await;
    let id = anna.add("fabrikam.example").await;
    anna.begin(id, Email).await;
    let right = stage.world.code_for("postmaster@fabrikam.example").await;
    let wrong = wrong(&right);
    let tries = (0..200).map(|number| {
        let (admin, wrong) = (anna.on(stage.world.another(stage.world.embedded.clone(), number)), wrong.clone());
        tokio::spawn(async move { code(admin.verify(id, Some(&wrong)).await) })
    });
    let mut wrong_codes = 0;
    for tried in tries.collect::<Vec<_>>() {
        match tried.await.unwrap() {
            Code::WrongCode => wrong_codes += 1,
            Code::TooManyTries | Code::Busy => {}
            other => panic!("{other:?}"),
        }
    }
    assert!(wrong_codes <= 10, "{wrong_codes} tries");
    let rejected = stage.world.types().await;
    assert!(rejected.iter().filter(|name| *name == "organization.domain_code_rejected").count() <= 10);
    while code(anna.verify(id, Some(&wrong)).await) == Code::WrongCode {}
    assert_eq!(code(anna.verify(id, Some(&right)).await), Code::TooManyTries);
}

#[tokio::test]
async fn a_verified_domain_is_closed_to_others_until_it_is_removed() {
    let stage = Stage::new().await;
    let anna = stage.found("anna@northwind.example").await;
    let zoe = stage.found("zoe@tailspin.example").await;
    let (ours, theirs) = (anna.add("fabrikam.example").await, zoe.add("fabrikam.example").await);
    assert_ne!(ours, theirs);
    // As long as it is only allowed, it is open to both.
    zoe.create("early@fabrikam.example").await.unwrap();
    let begun = zoe.begin(theirs, DnsTxt).await;
    let late = stage.confirmed_signup("late@fabrikam.example").await;
    anna.prove(&stage, ours).await;
    stage.internet.publish(begun.proof.as_ref().unwrap());

    let refused = zoe.create("ben@fabrikam.example").await.unwrap_err().into_rejection();
    assert_eq!((refused.code, refused.field.as_deref()), (Code::DomainTaken, Some("email")));
    let refused = zoe.create_all(&["ok@tailspin.example", "ben@fabrikam.example"]).await.unwrap_err();
    assert_eq!(refused[0].code(), Some(Code::DomainTaken));
    assert_eq!(code(zoe.verify(theirs, None).await), Code::DomainTaken);
    assert_eq!(zoe.view(theirs).await.state.attempt.unwrap().failed.as_deref(), Some("DOMAIN_TAKEN"));
    assert_eq!(code(zoe.try_begin(theirs, DnsTxt).await), Code::DomainTaken);
    assert_eq!(code(zoe.try_add("fabrikam.example").await), Code::DomainTaken);
    assert_eq!(code(stage.sign_up("new@fabrikam.example").await), Code::DomainTaken);
    assert_eq!(code(stage.complete(late).await), Code::DomainTaken);
    // What is beneath it is another domain.
    zoe.add("mail.fabrikam.example").await;
    anna.create("ben@fabrikam.example").await.unwrap();

    // Nor can anybody reach what is another's.
    let strange = zoe.platform.remove_domain(&zoe.request(), anna.organization, ours).await;
    assert_eq!(code(strange), Code::NotFound);
    assert_eq!(code(zoe.remove(ours).await), Code::NotFound);
    assert!(zoe.platform.domain(zoe.organization, ours).await.unwrap().is_none());
    assert!(anna.is_verified(ours).await);

    anna.remove(ours).await.unwrap();
    assert_eq!(stage.holder("fabrikam.example").await, None);
    assert_eq!(code(anna.create("carl@fabrikam.example").await), Code::DomainNotAllowed);
    zoe.create("carl@fabrikam.example").await.unwrap();
    zoe.prove(&stage, theirs).await;
    assert_eq!(code(anna.try_add("fabrikam.example").await), Code::DomainTaken);
    assert_eq!(stage.holder("fabrikam.example").await, Some(zoe.organization));
    let name = DomainName::parse("fabrikam.example").unwrap();
    assert!(zoe.domains().await.iter().any(|view| view.name == name));
    assert!(anna.domains().await.iter().all(|view| view.name != name));
}
