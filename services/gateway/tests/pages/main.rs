//! The small pages, as somebody uses them who has only a mail and a browser without script.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, missing_docs, unreachable_pub)]

mod document;
#[path = "../support/mod.rs"]
mod support;

use document::Document;
use reqwest::{Client, Method, RequestBuilder, Response, redirect::Policy};
use serde_json::json;
use support::{Installation, ORIGIN, PASSWORD};

const BEN: &str = "ben@northwind.example";

/// A browser: it sends what forms hold, with the origin of the page, and keeps a cookie.
struct Browser<'a> {
    installation: &'a Installation,
    http: Client,
    language: &'static str,
    cookie: Option<String>,
}

struct Answer {
    status: u16,
    location: String,
    headers: reqwest::header::HeaderMap,
    html: String,
}

impl Answer {
    async fn of(response: Response) -> Self {
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let location = headers.get("location").map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default();
        Self { status, location, headers, html: response.text().await.unwrap() }
    }
    fn page(&self) -> Document {
        Document::read(&self.html)
    }
}

impl<'a> Browser<'a> {
    fn new(installation: &'a Installation) -> Self {
        let http = Client::builder().redirect(Policy::none()).build().unwrap();
        Self { installation, http, language: "en", cookie: None }
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.http.request(method, self.installation.url(path)).header("accept-language", self.language);
        match &self.cookie {
            Some(cookie) => request.header("cookie", cookie),
            None => request,
        }
    }

    async fn open(&self, path: &str) -> Answer {
        Answer::of(self.request(Method::GET, path).send().await.unwrap()).await
    }

    /// Fills a form in and sends it.
    async fn submit(&mut self, page: &Document, entered: &[(&str, &str)]) -> Answer {
        let hidden = page.fields.iter().filter(|field| field["type"] == "hidden");
        let hidden = hidden.map(|field| (field["name"].as_str(), field["value"].as_str()));
        let values: Vec<_> = hidden.chain(entered.iter().copied()).collect();
        let names: Vec<_> = page.fields.iter().map(|field| field["name"].as_str()).collect();
        assert!(values.iter().all(|(name, _)| names.contains(name)), "{names:?}");
        let request = self.request(Method::POST, page.action.as_ref().unwrap()).form(&values);
        let request = request.header("origin", ORIGIN).header("sec-fetch-site", "same-origin");
        let answer = Answer::of(request.send().await.unwrap()).await;
        if let Some(cookie) = answer.headers.get("set-cookie") {
            let (cookie, attributes) = cookie.to_str().unwrap().split_once("; ").unwrap();
            assert!(attributes.contains("HttpOnly; SameSite=Lax"), "{attributes}");
            self.cookie = (!attributes.contains("Max-Age=0")).then(|| cookie.to_owned());
        }
        answer
    }
}

/// The path in the link of the mail to Ben, who was added by the admin of a new organization.
async fn added(installation: &Installation, locale: &str) -> String {
    let admin = installation.found("anna@northwind.example").await;
    let input = json!({ "email": BEN, "givenName": "Ben", "familyName": "<b>Okafor</b>", "locale": locale });
    admin.mutate("createAccount", input, "").await;
    let mail = installation.mail(BEN, 0).await;
    let link = mail.split_whitespace().find(|word| word.starts_with("http")).unwrap().to_owned();
    link.strip_prefix(ORIGIN).unwrap().to_owned()
}

#[tokio::test]
async fn an_account_is_activated_with_a_mail_and_a_browser() {
    let installation = Installation::start().await;
    let link = added(&installation, "de-AT").await;
    assert!(installation.mail(BEN, 0).await.contains("„Northwind“ hat ein Arbeitskonto für Sie angelegt."));
    let mut browser = Browser::new(&installation);
    browser.language = "de-AT,de;q=0.9";

    // Scanners of mails follow links, and not only once.
    let events = installation.events().await;
    for method in [Method::GET, Method::HEAD, Method::GET, Method::OPTIONS] {
        browser.request(method, &link).send().await.unwrap();
    }
    let page = browser.open(&link).await.page();
    assert_eq!(installation.events().await, events, "a look spends nothing");
    assert_eq!((page.language.as_str(), page.action.as_deref()), ("de", Some("/activate")));
    assert_eq!(page.value("email"), BEN, "for whom it is, and for password managers");
    assert!(page.text.starts_with("Aktivieren Sie Ihr Arbeitskonto – Work Accounts"), "{}", page.text);

    let answer = browser.submit(&page, &[("password", "kurz")]).await;
    let refused = answer.page();
    assert_eq!((answer.status, refused.links.as_slice()), (422, ["#password".to_owned()].as_slice()));
    assert_eq!(refused.text.matches("Verwenden Sie mindestens 15 Zeichen.").count(), 2, "on top and at the field");
    assert_eq!(refused.value("password"), "", "no password stands in a page");
    assert!(refused.text.starts_with("Es gibt ein Problem: "), "{}", refused.text);
    let common = browser.submit(&refused, &[("password", BEN)]).await;
    assert!(common.page().text.contains("leicht zu erraten"));

    let answer = browser.submit(&common.page(), &[("password", PASSWORD)]).await;
    assert_eq!((answer.status, answer.location.as_str()), (303, "/account"));
    let account = browser.open("/account").await;
    assert!(account.html.contains("Ben &#60;b&#62;Okafor&#60;/b&#62;"), "{}", account.html);
    for text in [BEN, "Northwind", "Abmelden"] {
        assert!(account.page().text.contains(text), "{text}");
    }
    assert_eq!(browser.open("/sign-in").await.location, "/account", "who is signed in need not sign in");

    // The link worked once; there is nothing left to fill in.
    let again = browser.submit(&page, &[("password", "another rather long pass phrase")]).await;
    assert_eq!((again.status, again.page().action), (422, None));
    assert!(again.page().text.contains("Der Link gilt nicht mehr"));

    let signed_in = browser.cookie.clone();
    let answer = browser.submit(&account.page(), &[]).await;
    assert_eq!((answer.status, answer.location.as_str(), &browser.cookie), (303, "/sign-in", &None));
    browser.cookie = signed_in;
    let after = browser.open("/account").await;
    assert_eq!((after.status, after.location.as_str()), (303, "/sign-in"), "the session itself has ended");
}

#[tokio::test]
async fn a_link_that_is_not_good_says_so_and_changes_nothing() {
    let installation = Installation::start().await;
    let link = added(&installation, "en").await;
    let events = installation.events().await;
    let mut browser = Browser::new(&installation);
    for broken in ["/activate", "/activate?token="] {
        let page = browser.open(broken).await.page();
        assert_eq!(page.action, None);
        assert!(page.text.contains("The link is not complete."), "{}", page.text);
    }
    let good = link.split_once("token=").unwrap().1;
    let form = browser.open(&link).await.page();
    let bad = "\"><script>alert(1)</script>";
    for token in ["nonsense", &good[..good.len() - 1], &good.replace("acc_", "acc_0"), bad] {
        let page = browser.request(Method::GET, "/activate").query(&[("token", token)]).send().await.unwrap();
        let page = Answer::of(page).await.page();
        assert!(page.action.is_none() && page.text.contains("The link is no longer good"), "{token}");
        let mut forged = browser.open(&link).await.page();
        forged.set("token", token);
        let answer = browser.submit(&forged, &[("password", PASSWORD)]).await;
        assert_eq!((answer.status, answer.page().action), (422, None));
        assert_eq!(answer.page().text.matches("The link is no longer good").count(), 1, "{token}");
    }
    installation.advance(72 * 60 * 60);
    let answer = browser.submit(&form, &[("password", PASSWORD)]).await;
    assert!(answer.status == 422 && answer.page().text.contains("The link is no longer good"));
    assert!(browser.open(&link).await.page().text.contains("ask an administrator"));
    assert_eq!(installation.events().await, events);
}

#[tokio::test]
async fn a_forgotten_password_is_replaced_with_a_mail_and_a_browser() {
    let installation = Installation::start().await;
    let admin = installation.found("anna@northwind.example").await;
    let mut browser = Browser::new(&installation);
    let page = browser.open("/forgot-password").await.page();
    let mut answers = Vec::new();
    for email in ["nobody@northwind.example", "Anna@Northwind.example"] {
        let answer = browser.submit(&page, &[("email", email)]).await;
        answers.push((answer.status, answer.location.clone(), answer.html));
    }
    assert_eq!(answers[0], answers[1], "known and unknown addresses look alike");
    assert_eq!((answers[0].0, answers[0].1.as_str()), (303, "/forgot-password/sent"));
    assert!(browser.open("/forgot-password/sent").await.page().text.contains("If there is a work account"));
    let refused = browser.submit(&page, &[("email", "no address")]).await;
    assert_eq!(
        (refused.status, refused.page().links[0].as_str(), refused.page().value("email")),
        (422, "#email", "no address")
    );

    let mail = installation.mail("anna@northwind.example", 1).await;
    let link = mail.split_whitespace().find(|word| word.starts_with("http")).unwrap();
    let link = link.strip_prefix(ORIGIN).unwrap().to_owned();
    assert!(link.starts_with("/reset-password?token="), "{link}");
    let events = installation.events().await;
    let page = browser.open(&link).await.page();
    assert_eq!((installation.events().await, page.value("email")), (events, "anna@northwind.example"));
    let short = browser.submit(&page, &[("password", "short")]).await;
    assert_eq!((short.status, short.page().links.as_slice()), (422, ["#password".to_owned()].as_slice()));
    // A link to do one thing is not good for another.
    let other = browser.open(&link.replace("/reset-password", "/activate")).await;
    assert!(other.page().action.is_none());
    let answer = browser.submit(&page, &[("password", "a new and rather long pass phrase")]).await;
    assert_eq!((answer.status, answer.location.as_str()), (303, "/account"));
    assert_eq!(browser.open("/account").await.status, 200);
    assert_eq!(admin.error("{ viewer { isSystemAdmin } }").await, "NOT_SIGNED_IN", "other sessions end");
    let again = browser.submit(&page, &[("password", "yet another long pass phrase")]).await;
    assert_eq!((again.status, again.page().links.as_slice()), (422, ["/forgot-password".to_owned()].as_slice()));

    // An address that asks too often is not mailed any more.
    let page = browser.open("/forgot-password").await.page();
    let mut statuses = Vec::new();
    for _ in 0..5 {
        statuses.push(browser.submit(&page, &[("email", "anna@northwind.example")]).await.status);
    }
    assert_eq!(statuses, [303, 303, 303, 303, 429]);
}

#[tokio::test]
async fn signing_in_has_the_limits_of_the_api() {
    let installation = Installation::start().await;
    installation.found("anna@northwind.example").await;
    let mut browser = Browser::new(&installation);
    let page = browser.open("/sign-in").await.page();
    assert_eq!(page.links, ["/forgot-password"]);
    assert_eq!(browser.submit(&page, &[("email", " ")]).await.status, 422);
    // The address comes first, and leads to the same for everybody.
    let mut led = Vec::new();
    for email in ["anna@northwind.example", "nobody@northwind.example", "nonsense"] {
        let answer = browser.submit(&page, &[("email", email)]).await;
        assert_eq!((answer.status, answer.page().value("email")), (200, email));
        led.push(answer.html.replace(email, ""));
    }
    assert!(led.iter().all(|html| *html == led[0]));
    let page = Document::read(&led[0]);
    let mut refused = Vec::new();
    for email in ["anna@northwind.example", "nobody@northwind.example"] {
        let answer = browser.submit(&page, &[("email", email), ("password", "wrong")]).await;
        assert_eq!((answer.status, answer.page().value("email"), &browser.cookie), (422, email, &None));
        refused.push(answer.html.replace(email, ""));
    }
    assert_eq!(refused[0], refused[1], "known and unknown addresses look alike");

    // A failed try on the page counts at the API, and the other way round.
    let right = json!({ "email": "anna@northwind.example", "password": PASSWORD });
    assert_eq!(installation.nobody().refusal("signIn", right).await.0, "RATE_LIMITED");
    let entered = [("email", "Anna@Northwind.example"), ("password", PASSWORD)];
    let answer = browser.submit(&page, &entered).await;
    assert_eq!(answer.status, 429);
    assert!(answer.page().text.contains("Too many attempts."));
    installation.advance(10);
    let answer = browser.submit(&page, &entered).await;
    assert_eq!((answer.status, answer.location.as_str()), (303, "/account"));
    let token = browser.cookie.as_ref().unwrap().strip_prefix("session=").unwrap();
    let viewer = installation.client(token).query("{ viewer { isSystemAdmin } }").await;
    assert_eq!(viewer["viewer"]["isSystemAdmin"], true, "it is a session like any other");
}

#[tokio::test]
async fn forms_of_other_sites_are_refused() {
    let installation = Installation::start().await;
    let token = added(&installation, "en").await.split_once("token=").unwrap().1.to_owned();
    let mut browser = Browser::new(&installation);
    let page = browser.open("/sign-in").await.page();
    let page = browser.submit(&page, &[("email", "anna@northwind.example")]).await.page();
    browser.submit(&page, &[("email", "anna@northwind.example"), ("password", PASSWORD)]).await;
    let cookie = browser.cookie.take().unwrap();
    let events = installation.events().await;
    let fields = [("token", token.as_str()), ("email", "anna@northwind.example"), ("password", PASSWORD)];
    for path in ["/activate", "/reset-password", "/forgot-password", "/sign-in", "/sign-out"] {
        let post = || browser.request(Method::POST, path).form(&fields);
        let foreign = [
            ("origin", "https://evil.example"),
            ("origin", "null"),
            ("sec-fetch-site", "cross-site"),
            ("sec-fetch-site", "same-site"),
        ];
        for (name, value) in foreign {
            for request in [post(), post().header("cookie", &cookie)] {
                let answer = Answer::of(request.header(name, value).send().await.unwrap()).await;
                assert_eq!(answer.status, 403, "{path} {name} {value}");
                assert!(!answer.headers.contains_key("set-cookie") && answer.page().action.is_none());
            }
        }
        let silent = post().header("cookie", &cookie).send().await.unwrap();
        assert_eq!(silent.status(), 403, "{path} with a cookie, and nobody says whose form it is");
    }
    assert_eq!(installation.events().await, events);
    browser.cookie = Some(cookie);
    assert_eq!(browser.open("/account").await.status, 200, "still signed in");
}

#[tokio::test]
async fn every_page_can_be_read_in_every_language_and_loads_nothing_from_elsewhere() {
    let installation = Installation::start().await;
    let link = added(&installation, "ja").await;
    let mut browser = Browser::new(&installation);
    let mut seen = std::collections::BTreeSet::new();
    for (language, tag) in
        [("en", "en"), ("de-CH", "de"), ("fr-CA;q=0.9", "fr"), ("es-MX", "es"), ("ja", "ja"), ("pt-BR", "en")]
    {
        browser.language = language;
        let sent = "/forgot-password/sent";
        for path in [link.as_str(), "/activate?token=x", "/activate", "/forgot-password", sent, "/sign-in"] {
            let answer = browser.open(path).await;
            let page = answer.page();
            assert_eq!((answer.status, page.language.as_str()), (200, tag), "{path}");
            seen.insert(page.text);
            let text = |name: &str| answer.headers[name].to_str().unwrap();
            let sources =
                "default-src 'none'; style-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";
            assert_eq!((text("content-security-policy"), text("referrer-policy")), (sources, "strict-origin"));
            assert_eq!((text("cache-control"), text("content-language")), ("no-store", tag));
        }
    }
    assert_eq!(seen.len(), 5 * 6);
    let styles = browser.open("/pages.css").await;
    assert_eq!((styles.status, &styles.headers["content-type"]), (200, &"text/css; charset=utf-8".parse().unwrap()));
    assert!(styles.html.contains("prefers-color-scheme: dark") && !styles.html.contains("url("));
}

#[tokio::test]
async fn what_is_no_form_is_answered_as_such() {
    let installation = Installation::start().await;
    let browser = Browser::new(&installation);
    let long = "x".repeat(20_000);
    let post = || browser.request(Method::POST, "/sign-in");
    let form = |body: &'static str| post().header("content-type", "application/x-www-form-urlencoded").body(body);
    for (request, status) in [
        (post(), 415),
        (post().json(&json!({ "email": "a" })), 415),
        (post().form(&[("email", &long)]), 413),
        (form("email=a&email=b"), 422),
        (form("email=%00%ff&password=%"), 422),
        (form(""), 422),
        (browser.request(Method::PUT, "/activate"), 405),
        (browser.request(Method::GET, "/sign-out"), 405),
        (browser.request(Method::GET, "/activate?token=a&token=b"), 400),
    ] {
        assert_eq!(request.send().await.unwrap().status().as_u16(), status);
    }
}

#[tokio::test]
async fn with_a_frontend_there_are_no_pages_of_ours() {
    let installation = Installation::with(|config| config.own_pages = false).await;
    let browser = Browser::new(&installation);
    for path in ["/activate", "/forgot-password", "/reset-password", "/sign-in", "/account"] {
        assert_eq!(browser.open(path).await.status, 404, "{path}");
    }
}
