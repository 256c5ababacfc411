//! Look-ups against a real name server (dnslib), which answers well, badly or not at all.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, missing_docs, reason = "tests")]

use std::{
    io::{BufRead, BufReader, Lines, Write},
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    time::{Duration, Instant},
};

use libtest_mimic::{Arguments, Trial};
use outbound::dns::{LookupError, Resolver};
use serde_json::{Value, json};

const SCRIPT: &str = include_str!("../../../tests/python/name_server.py");

/// A running name server. It ends when dropped.
struct NameServer {
    process: Child,
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
    port: u16,
}

fn python() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.cache/python/bin/python")
}

impl NameServer {
    fn start() -> Self {
        let mut command = Command::new(python());
        let mut process = command.args(["-c", SCRIPT]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let input = process.stdin.take().unwrap();
        let output = BufReader::new(process.stdout.take().unwrap()).lines();
        let mut server = Self { process, input, output, port: 0 };
        server.port = server.said()["port"].as_u64().unwrap().try_into().unwrap();
        server
    }

    fn said(&mut self) -> Value {
        serde_json::from_str(&self.output.next().unwrap().unwrap()).unwrap()
    }

    /// How often it was asked for a name.
    fn asked(&mut self, name: &str) -> u64 {
        self.tell(&json!({ "name": name }))
    }

    fn answers(&mut self, name: &str, answer: impl Into<Value>) {
        self.tell(&json!({ "name": name, "answer": answer.into() }));
    }

    fn tell(&mut self, what: &Value) -> u64 {
        writeln!(self.input, "{what}").unwrap();
        self.said()["asked"].as_u64().unwrap()
    }

    fn resolver(&self) -> Resolver {
        Resolver::with_servers(&[SocketAddr::from((Ipv4Addr::LOCALHOST, self.port))]).unwrap()
    }
}

impl Drop for NameServer {
    fn drop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

async fn the_strings_of_a_record_are_joined(mut server: NameServer) {
    server.answers(
        "_work-accounts-challenge.ok.example",
        json!([{ "TXT": ["token=ab", "cd expi", "ry=x"] }, { "TXT": ["other"] }, { "TXT": ["\u{ff}!"] }]),
    );
    let texts = server.resolver().txt("_work-accounts-challenge.ok.example").await.unwrap();
    assert_eq!(texts, ["token=abcd expiry=x", "other", "\u{fffd}!"]);
}

async fn what_is_not_there_is_no_failure(mut server: NameServer) {
    server.answers("nodata.example", json!([]));
    let resolver = server.resolver();
    for name in ["nxdomain.example", "nodata.example"] {
        assert_eq!(resolver.txt(name).await, Ok(vec![]), "{name}");
        assert_eq!(resolver.addresses(name).await, Ok(vec![]), "{name}");
    }
}

async fn servers_that_will_not_say_have_not_said_no(mut server: NameServer) {
    for code in ["SERVFAIL", "REFUSED", "FORMERR", "NOTIMP", "NOTAUTH"] {
        let name = format!("{code}.example");
        server.answers(&name, code);
        assert_eq!(server.resolver().txt(&name).await, Err(LookupError::Refused), "{code}");
        assert_eq!(server.resolver().addresses(&name).await, Err(LookupError::Refused), "{code}");
    }
}

async fn silence_ends_in_time(mut server: NameServer) {
    server.answers("silent.example", "silence");
    let start = Instant::now();
    assert_eq!(server.resolver().txt("silent.example").await, Err(LookupError::Timeout));
    assert!(start.elapsed() < Duration::from_millis(5_500), "{:?}", start.elapsed());
    assert!(server.asked("silent.example") >= 2, "a lost question is asked again");
}

async fn what_is_no_dns_is_no_answer(mut server: NameServer) {
    server.answers("garbage.example", "garbage");
    assert_eq!(server.resolver().txt("garbage.example").await, Err(LookupError::Unreachable));
    assert!(server.asked("garbage.example") > 0);
}

async fn nobody_there_is_no_answer(server: NameServer) {
    let resolver = server.resolver();
    drop(server);
    let failure = resolver.txt("gone.example").await.unwrap_err();
    assert!(matches!(failure, LookupError::Unreachable | LookupError::Timeout), "{failure:?}");
}

async fn a_thousand_records_come_over_tcp(mut server: NameServer) {
    let text = |index| format!("{index:>30}");
    let records: Vec<_> = (0..1_000).map(|index| json!({ "TXT": [text(index)] })).collect();
    server.answers("many.example", records);
    let texts = server.resolver().txt("many.example").await.unwrap();
    assert_eq!(texts, (0..1_000).map(text).collect::<Vec<_>>());
    assert_eq!(server.asked("many.example"), 2, "first over UDP, then over TCP");
}

async fn records_of_others_are_left_out(mut server: NameServer) {
    server.answers("lies.example", json!([{ "TXT": ["mine"] }, { "TXT": ["a lie"], "owner": "other.example" }]));
    server.answers("only-lies.example", json!([{ "TXT": ["a lie"], "owner": "other.example" }]));
    server.answers("a-lie.example", json!([{ "A": "127.0.0.1", "owner": "other.example" }, { "A": "192.0.2.1" }]));
    let resolver = server.resolver();
    assert_eq!(resolver.txt("lies.example").await, Ok(vec!["mine".to_owned()]));
    assert_eq!(resolver.txt("only-lies.example").await, Ok(vec![]));
    assert_eq!(resolver.addresses("a-lie.example").await, Ok(vec!["192.0.2.1".parse().unwrap()]));
}

async fn other_names_are_followed(mut server: NameServer) {
    server.answers("whole.example", json!([{ "CNAME": "b.example" }, { "TXT": ["whole"], "owner": "b.example" }]));
    server.answers("first.example", json!([{ "CNAME": "second.example" }]));
    server.answers("second.example", json!([{ "CNAME": "third.example" }]));
    server.answers("third.example", json!([{ "TXT": ["third"] }, { "A": "192.0.2.3" }]));
    server.answers("round.example", json!([{ "CNAME": "and-round.example" }]));
    server.answers("and-round.example", json!([{ "CNAME": "round.example" }]));
    let resolver = server.resolver();
    assert_eq!(resolver.txt("whole.example").await, Ok(vec!["whole".to_owned()]));
    assert_eq!(resolver.txt("first.example").await, Ok(vec!["third".to_owned()]));
    assert_eq!(resolver.addresses("first.example").await, Ok(vec!["192.0.2.3".parse().unwrap()]));
    assert_eq!(resolver.txt("round.example").await, Ok(vec![]));
}

async fn every_answer_is_fresh(mut server: NameServer) {
    let resolver = server.resolver();
    assert_eq!(resolver.txt("fresh.example").await, Ok(vec![]));
    for text in ["first", "second"] {
        server.answers("fresh.example", json!([{ "TXT": [text] }]));
        assert_eq!(resolver.txt("fresh.example").await, Ok(vec![text.to_owned()]));
    }
    assert_eq!(server.asked("fresh.example"), 3);
}

async fn addresses_are_of_both_kinds(mut server: NameServer) {
    server.answers("both.example", json!([{ "A": "192.0.2.1" }, { "AAAA": "2001:db8::1" }, { "A": "192.0.2.2" }]));
    server.answers("new.example", json!([{ "AAAA": "2001:db8::2" }]));
    let resolver = server.resolver();
    let expected: Vec<IpAddr> = ["192.0.2.1", "192.0.2.2", "2001:db8::1"].map(|text| text.parse().unwrap()).into();
    assert_eq!(resolver.addresses("both.example").await.unwrap(), expected);
    assert_eq!(resolver.addresses("new.example").await, Ok(vec!["2001:db8::2".parse().unwrap()]));
}

async fn names_are_taken_as_they_are(mut server: NameServer) {
    let resolver = server.resolver();
    for name in ["", ".", "a..example", &"a".repeat(64), &"a.".repeat(128), "bücher.example", "a b.example"] {
        assert_eq!(resolver.txt(name).await, Err(LookupError::Name), "{name}");
    }
    server.answers("short", json!([{ "A": "192.0.2.1" }]));
    for name in ["short", "short.", "SHORT"] {
        assert_eq!(resolver.addresses(name).await, Ok(vec!["192.0.2.1".parse().unwrap()]), "{name}");
    }
    assert_eq!(server.asked("short"), 6, "one question for each kind of address, no search list");
}

fn missing() -> Option<&'static str> {
    let found = Command::new(python()).args(["-c", "import dnslib"]).stderr(Stdio::null()).status();
    let here = found.is_ok_and(|status| status.success());
    (!here).then_some("the name server (dnslib) is not installed; `.ci/setup test` installs it")
}

/// A test with a name server of its own; counted as ignored if there can be none.
fn trial<F: Future<Output = ()> + 'static>(name: &str, run: fn(NameServer) -> F) -> Trial {
    let Some(reason) = missing() else {
        return Trial::test(name, move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(run(NameServer::start()));
            Ok(())
        });
    };
    eprintln!("SKIPPED {name}: {reason}");
    // Whoever insists on running it gets a failure.
    Trial::test(name, move || Err(reason.into())).with_ignored_flag(true)
}

fn main() {
    macro_rules! trials {
        ($($name:ident),* $(,)?) => { vec![$(trial(stringify!($name), $name)),*] };
    }
    let trials = trials![
        the_strings_of_a_record_are_joined,
        what_is_not_there_is_no_failure,
        servers_that_will_not_say_have_not_said_no,
        silence_ends_in_time,
        what_is_no_dns_is_no_answer,
        nobody_there_is_no_answer,
        a_thousand_records_come_over_tcp,
        records_of_others_are_left_out,
        other_names_are_followed,
        every_answer_is_fresh,
        addresses_are_of_both_kinds,
        names_are_taken_as_they_are,
    ];
    libtest_mimic::run(&Arguments::from_args(), trials).exit();
}
