//! Requests of people who are signed in, and what signing in costs the others.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use eventlog::{Clock, EventLog, Expected, StreamAppend, SystemClock, embedded::Embedded};
use identity::{EntropyExt, OsEntropy, SessionToken};
use schema::{
    AccountId, Actor, EventId, LoginMethod, NewEvent, OrganizationId, SessionId, StreamId, Timestamp,
    events::{EventFamily, SessionEvent, session::SessionStarted},
};
use serde_json::json;
use uuid::Uuid;

use super::{
    Bound, Figure,
    floor::Floor,
    load::{self, Connection, Measured, Until, connect, contains, drive},
    seed::Town,
};
use crate::organization::PASSWORD;

/// Connections, each with one request under way.
const CONNECTIONS: usize = 64;
const WARM_UP: Duration = Duration::from_secs(1);
const TIME: Duration = Duration::from_secs(6);
/// Sign-ins with a password per second.
const SIGN_INS: u64 = 50;
/// Live sessions.
const SESSIONS: u64 = 1_000_000;
/// Sessions per append while sowing.
const AT_ONCE: u64 = 2_000;
/// Of how many sessions a token is kept, to look them up.
const KEPT: usize = 20_000;

const VIEWER: &str = "{ viewer { isSystemAdmin rights } }";
const CREATE: &str = "mutation Create($input: CreateAccountInput!) { createAccount(input: $input) { \
    person { id status } position userErrors { code field message } } }";
const PAGE: &str =
    "query Page($search: String) { people(search: $search, first: 50) { nodes { id displayName email } } }";
const SIGN_IN: &str =
    "mutation In($input: SignInInput!) { signIn(input: $input) { session { id } userErrors { code } } }";

fn is_viewer(answer: &[u8]) -> bool {
    contains(answer, "\"isSystemAdmin\":true")
}

/// `viewer` with a cookie, beside a bare server that answers the same bytes.
pub async fn viewer(town: &Town) -> Vec<Figure> {
    let address = town.installation.gateway();
    let request = |_| load::graphql(VIEWER, &json!({}));
    let cookie = format!("session={}", town.organization.admin.token());
    let open = || async {
        let opened = (0..CONNECTIONS).map(|_| Connection::with_cookie(address, "/graphql", &cookie));
        futures::future::join_all(opened).await
    };
    let bytes = open().await[0].post(request(0)).await.len();
    drive(open().await, Until::Elapsed(WARM_UP), request, is_viewer).await;
    let measured = drive(open().await, Until::Elapsed(TIME), request, is_viewer).await;
    let floor = Floor::start();
    let bare = connect(floor.address, &format!("/json/{bytes}"), None, CONNECTIONS).await;
    let bare = drive(bare, Until::Elapsed(TIME / 2), request, move |answer| answer.len() == bytes).await;
    let figure = |name: &str, value, unit, bound, floor| Figure {
        benchmark: "viewer",
        name: format!("{name}, 64 connections, session cookie"),
        value,
        unit,
        bound,
        floor: Some(floor),
        floor_is: "bare axum server, same bytes",
    };
    vec![
        figure("rate", measured.rate(), "/s", Bound::ShareOfFloor(0.6), bare.rate()),
        figure("p99", measured.millis(0.99), "ms", Bound::None, bare.millis(0.99)),
    ]
}

/// The others while people sign in with passwords, beside the same without.
pub async fn sign_ins(town: &Town) -> Vec<Figure> {
    let numbers = Arc::new(AtomicU64::new(1));
    let (create, people) = (created(town, &numbers).await, paged(town).await);
    let signing_in = SigningIn::start(town);
    tokio::time::sleep(WARM_UP).await;
    let (busy_create, busy_people) = (created(town, &numbers).await, paged(town).await);
    let rate = signing_in.stop().await;
    let figure = |name: &str, busy: &Measured, quiet: &Measured| Figure {
        benchmark: "signIn",
        name: format!("{name} p99 while people sign in"),
        value: busy.millis(0.99),
        unit: "ms",
        bound: Bound::AtMost(2.0 * quiet.millis(0.99)),
        floor: Some(quiet.millis(0.99)),
        floor_is: "the same while nobody signs in",
    };
    let signed_in = Figure {
        benchmark: "signIn",
        name: format!("sign-ins meanwhile, {SIGN_INS}/s wanted"),
        value: rate,
        unit: "/s",
        bound: Bound::None,
        floor: None,
        floor_is: "",
    };
    vec![figure("createAccount", &busy_create, &create), figure("people", &busy_people, &people), signed_in]
}

/// One request at a time: what is asked for is the time that one takes.
async fn created(town: &Town, numbers: &Arc<AtomicU64>) -> Measured {
    let token = Some(town.organization.admin.token());
    let numbers = numbers.clone();
    let request = move |_| {
        let email = format!("beside.{}@northwind.example", numbers.fetch_add(1, Ordering::Relaxed));
        load::graphql(CREATE, &json!({ "input": { "email": email, "givenName": "A", "familyName": "B" } }))
    };
    let connections = connect(town.installation.gateway(), "/graphql", token, 1).await;
    drive(connections, Until::Elapsed(TIME), request, |answer| contains(answer, "\"userErrors\":[]")).await
}

async fn paged(town: &Town) -> Measured {
    let token = Some(town.organization.admin.token());
    let request = |number: u64| {
        let search = ["maria", "garcia", "an", "li", "smith"][number as usize % 5];
        load::graphql(PAGE, &json!({ "search": search }))
    };
    let connections = connect(town.installation.gateway(), "/graphql", token, 1).await;
    drive(connections, Until::Elapsed(TIME), request, |answer| contains(answer, "\"nodes\"")).await
}

/// People who sign in, at a steady rate whatever becomes of it.
struct SigningIn {
    stop: Arc<AtomicBool>,
    done: Arc<AtomicU64>,
    began: Instant,
    task: tokio::task::JoinHandle<()>,
}

impl SigningIn {
    fn start(town: &Town) -> Self {
        let (stop, done) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let (address, stopped, counted) = (town.installation.gateway(), stop.clone(), done.clone());
        let body =
            load::graphql(SIGN_IN, &json!({ "input": { "email": "anna@northwind.example", "password": PASSWORD } }));
        let task = tokio::spawn(async move {
            let mut ticks = tokio::time::interval(Duration::from_millis(1_000 / SIGN_INS));
            while !stopped.load(Ordering::Relaxed) {
                ticks.tick().await;
                let (body, counted) = (body.clone(), counted.clone());
                tokio::spawn(async move {
                    let answer = Connection::open(address, "/graphql", None).await.post(body).await;
                    if contains(&answer, "\"userErrors\":[]") {
                        counted.fetch_add(1, Ordering::Relaxed);
                    }
                });
            }
        });
        Self { stop, done, began: Instant::now(), task }
    }

    /// How many succeeded per second.
    async fn stop(self) -> f64 {
        self.stop.store(true, Ordering::Relaxed);
        let rate = self.done.load(Ordering::Relaxed) as f64 / self.began.elapsed().as_secs_f64();
        self.task.await.unwrap();
        rate
    }
}

/// Memory and time to look a session up, of so many live ones.
pub async fn live() -> Vec<Figure> {
    let (town, platform) = Town::found().await;
    let admin = &town.organization;
    let (account, organization) = (admin.founder.parse().unwrap(), admin.id.parse().unwrap());
    town.installation.stop(platform);
    let kept = {
        let log = town.open_log();
        sow(&log, account, organization).await
    };
    let platform = town.installation.start().await;
    platform.idle().await;
    let body = load::graphql(VIEWER, &json!({}));
    let mut connection = connect(town.installation.gateway(), "/graphql", None, 1).await.remove(0);
    let mut look_up = load::histogram();
    // Each of them once: nothing of them is in memory yet.
    for token in &kept {
        connection.sign_in_as(token);
        let sent = Instant::now();
        assert!(is_viewer(&connection.post(body.clone()).await));
        look_up.record(sent.elapsed().as_micros() as u64).unwrap();
    }
    let resident = platform.resident_kib() as f64 / 1024.0;
    let floor = Floor::start();
    let mut bare = connect(floor.address, "/json/100", None, 1).await.remove(0);
    let mut nothing = load::histogram();
    for _ in 0..KEPT {
        let sent = Instant::now();
        bare.post(body.clone()).await;
        nothing.record(sent.elapsed().as_micros() as u64).unwrap();
    }
    let figure = |name: &str, value, unit, bound, floor, floor_is| Figure {
        benchmark: "sessions",
        name: format!("{name}, {SESSIONS} live sessions"),
        value,
        unit,
        bound,
        floor: Some(floor),
        floor_is,
    };
    let millis = |micros: &hdrhistogram::Histogram<u64>| micros.value_at_quantile(0.99) as f64 / 1_000.0;
    let figures = vec![
        figure(
            "resident memory",
            resident,
            "MiB",
            Bound::AtMost(300.0),
            floor.process.resident_kib() as f64 / 1024.0,
            "bare axum server",
        ),
        figure(
            "request with a session, p99",
            millis(&look_up),
            "ms",
            Bound::AtMost(1.0),
            millis(&nothing),
            "bare axum server",
        ),
    ];
    town.installation.stop(platform);
    figures
}

/// Puts sessions into the log, past the commands. The tokens of some of them.
async fn sow(log: &Embedded, account: AccountId, organization: OrganizationId) -> Vec<String> {
    let (mut kept, now) = (Vec::with_capacity(KEPT), SystemClock.now());
    for first in (0..SESSIONS).step_by(AT_ONCE as usize) {
        let mut appends = Vec::with_capacity(AT_ONCE as usize);
        for number in first..first + AT_ONCE {
            let session = SessionId(OsEntropy.uuid_v4());
            let token = SessionToken::issue(session, &OsEntropy);
            appends.push(started(session, account, organization, &token, now));
            if number % (SESSIONS / KEPT as u64) == 0 {
                kept.push(token.to_text());
            }
        }
        for appended in log.append_many(appends).await {
            appended.unwrap();
        }
    }
    kept
}

fn started(
    session: SessionId,
    account: AccountId,
    organization: OrganizationId,
    token: &SessionToken,
    now: Timestamp,
) -> StreamAppend {
    let event: SessionEvent = SessionStarted {
        session,
        account,
        organization,
        method: LoginMethod::Password,
        secret_sha256: token.secret_sha256(),
        epoch: 0,
        expires_at: now + domain::session::SESSION_LIFETIME,
    }
    .into();
    let stream = StreamId::new("session", &session);
    let new = NewEvent {
        id: EventId::derive(Uuid::nil(), &stream, 0),
        event_type: event.event_type(),
        version: event.version(),
        organization: Some(organization),
        actor: Actor::Account(account),
        recorded_at: now,
        cause: None,
        correlation: session.0,
        payload: event.encode().unwrap(),
    };
    StreamAppend { stream, expected: Expected::NoStream, events: vec![new] }
}
