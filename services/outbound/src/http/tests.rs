use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    time::{Duration, Instant},
};

use super::{FetchError, HttpClient, Reach};

mod parts;

use parts::{Answer, INSIDE, LIMITS, NameServer, OUTSIDE, Website, client, get, page, redirect_to};

/// A website that is named `site.example`, and a client to fetch from it.
async fn site(answer: impl Fn(&str) -> Answer + Send + Sync + 'static) -> (Website, NameServer, HttpClient) {
    let website = Website::start(OUTSIDE, answer).await;
    let names = NameServer::with(&[("site.example", &[OUTSIDE])]).await;
    let client = client(&names, Some(&website), None);
    (website, names, client)
}

fn addresses(texts: &[&str]) -> Vec<IpAddr> {
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

#[tokio::test]
async fn what_is_asked_for_comes_as_it_is() {
    let (website, _names, client) = site(|path| match path {
        "/missing" => Answer::Text("HTTP/1.1 404 Not Found\r\ncontent-length: 4\r\n\r\nnone".into()),
        "/packed" => Answer::Text("HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 3\r\n\r\nabc".into()),
        "/parts" => {
            Answer::Text("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n".into())
        }
        _ => page("found"),
    })
    .await;
    let fetched = get(&client, "http://site.example/a?b#c").await.unwrap();
    assert_eq!(
        (fetched.status, &fetched.body[..], fetched.content_type.as_deref()),
        (200, &b"found"[..], Some("text/html"))
    );
    assert_eq!(fetched.url.as_str(), "http://site.example/a?b#c");
    let missing = get(&client, "http://site.example/missing").await.unwrap();
    assert_eq!((missing.status, &missing.body[..], missing.content_type), (404, &b"none"[..], None));
    for path in ["packed", "parts"] {
        assert_eq!(&get(&client, &format!("http://site.example/{path}")).await.unwrap().body[..], b"abc", "{path}");
    }
    let request = website.requests()[0].to_lowercase();
    assert!(request.starts_with("get /a?b http/1.1\r\n"), "{request}");
    assert!(request.contains(&format!("host: site.example:{}\r\n", website.address.port())), "{request}");
    for header in ["cookie", "authorization", "accept-encoding", "referer"] {
        assert!(!request.contains(&format!("{header}:")), "{request}");
    }
}

/// With the real judgement of addresses: whatever leads into a network is refused before anything is connected to.
#[tokio::test]
async fn addresses_of_the_network_are_refused_however_they_are_written() {
    let hosts = [
        "127.0.0.1",
        "127.1",
        "2130706433",
        "0x7f.1",
        "0177.0.0.1",
        "127.0.0.1.",
        "①②⑦.0.0.1",
        "0",
        "localhost",
        "sub.localhost",
        "LOCALHOST.",
        "169.254.169.254",
        "10.1.2.3",
        "[::1]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[::ffff:a9fe:a9fe]",
        "[::127.0.0.1]",
        "[64:ff9b::a9fe:a9fe]",
        "[2002:7f00:1::]",
        "[fd00:ec2::254]",
        "[fe80::1]",
        "loopback.example",
        "metadata.example",
        "mapped.example",
        "mixed.example",
        "new.example",
    ];
    let [public, loopback] = ["8.8.8.8", "127.0.0.1"].map(|text| text.parse().unwrap());
    let names = NameServer::with(&[
        ("loopback.example", &[loopback]),
        ("metadata.example", &addresses(&["169.254.169.254"])),
        ("mapped.example", &addresses(&["::ffff:10.0.0.1"])),
        ("mixed.example", &[public, loopback]),
        ("new.example", &addresses(&["8.8.8.8", "::1"])),
    ])
    .await;
    let client = HttpClient::new(names.resolver(), Reach::Public);
    for host in hosts {
        for scheme in ["http", "https"] {
            let failure = get(&client, &format!("{scheme}://{host}/")).await.unwrap_err();
            assert_eq!(failure, FetchError::ForbiddenAddress, "{scheme}://{host}/");
        }
    }
}

#[tokio::test]
async fn only_websites_at_their_usual_ports_are_fetched() {
    let names = NameServer::with(&[]).await;
    let client = HttpClient::new(names.resolver(), Reach::Public);
    let urls = [
        "ftp://site.example/",
        "file:///etc/passwd",
        "data:text/plain,a",
        "http://site.example:8080/",
        "https://site.example:22/",
        "http://site.example:443/",
        "https://user@site.example/",
        "https://:word@site.example/",
    ];
    for url in urls {
        assert_eq!(get(&client, url).await.unwrap_err(), FetchError::Url, "{url}");
    }
    assert_eq!(names.asked(), 0);
    let anywhere = HttpClient::new(names.resolver(), Reach::Anywhere { http: 1, https: 1 });
    let website = Website::start(INSIDE, |_| page("mine")).await;
    let url = format!("http://localhost:{}/", website.address.port());
    assert_eq!(&get(&anywhere, &url).await.unwrap().body[..], b"mine");
}

/// The name leads outside when it is checked and inside from then on: the connection knows only what was checked.
#[tokio::test]
async fn a_name_that_changes_its_address_leads_nobody_inside() {
    let outside =
        Website::start(OUTSIDE, |path| if path == "/on" { redirect_to("/next") } else { page("outside") }).await;
    let inside = Website::serve(SocketAddr::new(INSIDE, outside.address.port()), None, |_| page("secret")).await;
    for (path, expected) in [("/", Ok(b"outside".to_vec())), ("/on", Err(FetchError::ForbiddenAddress))] {
        let names = NameServer::start([("site.example", vec![vec![OUTSIDE], vec![INSIDE]])].into()).await;
        let client = client(&names, Some(&outside), None);
        let fetched = get(&client, &format!("http://site.example{path}")).await;
        assert_eq!(fetched.map(|fetched| fetched.body.to_vec()), expected, "{path}");
        // Asked once for each connection: what was checked is what was connected to.
        assert_eq!(names.asked(), if path == "/" { 1 } else { 2 });
        assert_eq!(get(&client, "http://site.example/").await.unwrap_err(), FetchError::ForbiddenAddress);
    }
    assert_eq!((outside.connections(), inside.connections()), (2, 0));
}

#[tokio::test]
async fn redirects_lead_no_further_than_the_host() {
    let inside = Website::start(INSIDE, |_| page("secret")).await;
    let address = inside.address;
    let (website, _names, client) = site(move |path| match path {
        "/relative" => redirect_to("end"),
        "/absolute" => redirect_to("//site.example/end"),
        "/3" => redirect_to("/2"),
        "/2" => redirect_to("/1"),
        "/1" => redirect_to("/end"),
        "/4" => redirect_to("/3"),
        "/round" => redirect_to("/round"),
        "/other" => redirect_to("http://other.example/"),
        "/www" => redirect_to("http://www.site.example/"),
        "/inside" => redirect_to(&format!("http://{address}/")),
        "/file" => redirect_to("file:///etc/passwd"),
        "/nowhere" => Answer::Text("HTTP/1.1 301 Moved\r\ncontent-length: 0\r\n\r\n".into()),
        _ => page("end"),
    })
    .await;
    for path in ["relative", "absolute", "3"] {
        let fetched = get(&client, &format!("http://site.example/{path}")).await.unwrap();
        assert_eq!((&fetched.body[..], fetched.url.as_str()), (&b"end"[..], "http://site.example/end"), "{path}");
    }
    let before = website.connections();
    for path in ["4", "round", "other", "www", "inside", "file", "nowhere"] {
        let failure = get(&client, &format!("http://site.example/{path}")).await.unwrap_err();
        assert_eq!(failure, FetchError::Redirected, "{path}");
    }
    assert_eq!((website.connections() - before, inside.connections()), (4 + 4 + 5, 0));
}

#[tokio::test]
async fn servers_that_hang_or_never_end_are_left() {
    let (_website, _names, client) = site(|path| match path {
        "/silent" => Answer::Hang(""),
        "/head" => Answer::Hang("HTTP/1.1 200 OK\r\ncontent-le"),
        "/body" => Answer::Hang("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nabc"),
        "/drip" => Answer::Drip("HTTP/1.1 200 OK\r\n\r\n"),
        "/early" => Answer::Endless("", "HTTP/1.1 103 Early Hints\r\n\r\n".repeat(100)),
        "/endless" => Answer::Endless("HTTP/1.1 200 OK\r\n\r\n", "abcdefgh".repeat(100)),
        "/chunks" => Answer::Endless("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", "1\r\na\r\n".repeat(100)),
        "/headers" => Answer::Endless("HTTP/1.1 200 OK\r\n", "a: b\r\n".repeat(100)),
        "/header" => Answer::Endless("HTTP/1.1 200 OK\r\na: ", "b".repeat(4_000)),
        _ => unreachable!("no other path is asked for"),
    })
    .await;
    let cases = [
        ("silent", FetchError::Timeout),
        ("head", FetchError::Timeout),
        ("body", FetchError::Timeout),
        ("drip", FetchError::Timeout),
        ("early", FetchError::Timeout),
        ("endless", FetchError::TooLarge),
        ("chunks", FetchError::TooLarge),
        ("headers", FetchError::Protocol),
        ("header", FetchError::Protocol),
    ];
    let fetching = cases.map(|(path, expected)| {
        let client = &client;
        async move {
            let start = Instant::now();
            let failure = get(client, &format!("http://site.example/{path}")).await.unwrap_err();
            assert_eq!(failure, expected, "{path}");
            assert!(start.elapsed() < LIMITS.timeout + Duration::from_millis(500), "{path}: {:?}", start.elapsed());
        }
    });
    futures::future::join_all(fetching).await;
}

#[tokio::test]
async fn the_length_that_counts_is_that_of_the_body() {
    let ends_at = |length: usize| format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n");
    let (_website, _names, client) = site(move |path| match path {
        "/just" => page(&"x".repeat(LIMITS.max_bytes)),
        "/over" => page(&"x".repeat(LIMITS.max_bytes + 1)),
        "/unsaid" => Answer::Text(format!("HTTP/1.1 200 OK\r\n\r\n{}", "x".repeat(LIMITS.max_bytes + 1))),
        "/promised" => Answer::Text(ends_at(usize::MAX / 4) + &"x".repeat(LIMITS.max_bytes + 1)),
        "/short" => Answer::Text(ends_at(100) + "abc"),
        _ => Answer::Text(ends_at(3) + "abcdef"),
    })
    .await;
    let fetch =
        async |path: &str| get(&client, &format!("http://site.example/{path}")).await.map(|fetched| fetched.body.len());
    assert_eq!(fetch("just").await, Ok(LIMITS.max_bytes));
    for path in ["over", "unsaid", "promised"] {
        assert_eq!(fetch(path).await, Err(FetchError::TooLarge), "{path}");
    }
    assert_eq!(fetch("short").await, Err(FetchError::Unreachable), "it hung up before the end");
    assert_eq!(fetch("long").await, Ok(3));
}

#[tokio::test]
async fn what_does_not_work_is_told_apart() {
    let (_website, _names, client) = site(|path| match path {
        "/ssh" => Answer::Text("SSH-2.0-OpenSSH_9.6\r\n".into()),
        "/header" => Answer::Text("HTTP/1.1 200 OK\r\nno header\r\n\r\n".into()),
        "/closes" => Answer::Text(String::new()),
        _ => unreachable!("no other path is asked for"),
    })
    .await;
    let cases = [
        ("http://site.example/ssh", FetchError::Protocol),
        ("http://site.example/header", FetchError::Protocol),
        ("http://site.example/closes", FetchError::Unreachable),
        // Nobody listens there.
        ("https://site.example/", FetchError::Unreachable),
        ("http://unknown.example/", FetchError::Unresolvable),
    ];
    for (url, expected) in cases {
        assert_eq!(get(&client, url).await.unwrap_err(), expected, "{url}");
    }
}

#[tokio::test]
async fn certificates_must_be_good_and_security_is_kept() {
    let answer = |path: &str| match path {
        "/down" => redirect_to("http://site.example/"),
        "/up" => redirect_to("https://site.example/"),
        _ => page("found"),
    };
    let secure = Website::secure(OUTSIDE, "site.example", answer).await;
    let plain = Website::start(OUTSIDE, answer).await;
    let names = NameServer::with(&[("site.example", &[OUTSIDE]), ("alias.example", &[OUTSIDE])]).await;
    let trusting = client(&names, Some(&plain), Some(&secure));
    assert_eq!(&get(&trusting, "https://site.example/").await.unwrap().body[..], b"found");
    assert_eq!(get(&trusting, "http://site.example/up").await.unwrap().url.as_str(), "https://site.example/");
    assert_eq!(get(&trusting, "https://site.example/down").await.unwrap_err(), FetchError::Redirected);
    assert_eq!(plain.connections(), 1);
    assert_eq!(get(&trusting, "https://alias.example/").await.unwrap_err(), FetchError::Tls, "not its name");
    let insecure = client(&names, None, Some(&plain));
    assert_eq!(get(&insecure, "https://site.example/").await.unwrap_err(), FetchError::Tls, "no TLS at all");
    let ports = Reach::Anywhere { http: plain.address.port(), https: secure.address.port() };
    let strict = HttpClient::new(names.resolver(), ports);
    assert_eq!(get(&strict, "https://site.example/").await.unwrap_err(), FetchError::Tls, "vouched for by nobody");
}

#[tokio::test]
async fn some_addresses_of_a_host_may_be_dead_but_not_many_are_tried() {
    let website = Website::start(OUTSIDE, |_| page("found")).await;
    let dead = |count: u8| (0..count).map(|index| IpAddr::V4(Ipv4Addr::new(127, 0, 1, index))).chain([OUTSIDE]);
    let names = NameServer::with(&[
        ("few.example", &dead(7).collect::<Vec<_>>()),
        ("many.example", &dead(8).collect::<Vec<_>>()),
    ])
    .await;
    let ports = Reach::Anywhere { http: website.address.port(), https: 1 };
    let client = HttpClient::new(names.resolver(), ports);
    assert_eq!(&get(&client, "http://few.example/").await.unwrap().body[..], b"found");
    assert_eq!(get(&client, "http://many.example/").await.unwrap_err(), FetchError::Unreachable);
}
