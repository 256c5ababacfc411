//! What the benchmarks measure on: an organization with many people, and many units.

use std::sync::Arc;

use commands::{
    Platform, PlatformParts,
    processes::pairing::{Poll, UnitDescription, UnitIdentity},
};
use eventlog::{
    Clock, SystemClock,
    embedded::{Embedded, EmbeddedConfig},
};
use files::Files;
use futures::{StreamExt, stream};
use identity::{AccessTokens, EntropyExt, OsEntropy, PasswordHasher, ServerKeys};
use serde_json::json;

use super::load::{self, Until, connect, contains, drive};
use crate::{
    organization::{Organization, sign_up_in_development},
    platform::Installation,
    process::Process,
};

/// People in the directory.
pub const PEOPLE: u64 = 100_000;
/// People per request while filling.
const AT_ONCE: u64 = 100;

/// The argument with which the benchmarks' own program becomes the platform.
pub const PLATFORM: &str = "platform";

/// The command that runs the platform: this very program, so that it is built as the benchmarks are.
pub fn program() -> [&'static str; 2] {
    static PROGRAM: std::sync::LazyLock<String> =
        std::sync::LazyLock::new(|| std::env::current_exe().unwrap().to_str().unwrap().to_owned());
    [PROGRAM.as_str(), PLATFORM]
}

/// An installation with an organization.
pub struct Town {
    /// Where it runs.
    pub installation: Installation,
    /// The organization.
    pub organization: Organization,
}

impl Town {
    /// Starts a platform and signs an organization up.
    pub async fn found() -> (Self, Process) {
        let installation = Installation::new(&program()).with(&["--development"]).quiet();
        let platform = installation.start().await;
        let organization = sign_up_in_development(&installation.client(), "anna@northwind.example").await;
        (Self { installation, organization }, platform)
    }

    /// Adds people until there are [`PEOPLE`].
    pub async fn fill(&self) {
        let count = "{ people(first: 1) { totalCount } }";
        let count = self.organization.admin.query(count, json!({})).await;
        let there = count["people"]["totalCount"].as_u64().unwrap();
        let requests = PEOPLE.saturating_sub(there).div_ceil(AT_ONCE);
        let token = Some(self.organization.admin.token());
        let connections = connect(self.installation.gateway(), "/graphql", token, 4).await;
        let check = |answer: &[u8]| contains(answer, "\"userErrors\":[]");
        drive(connections, Until::Sent(requests), some_people, check).await;
    }

    fn keys(&self) -> ServerKeys {
        let master = identity::load_or_create_master(&self.installation.data().join("master.key"), &OsEntropy).unwrap();
        ServerKeys::from_master(&master)
    }

    /// Opens the log of a platform that has ended.
    pub fn open_log(&self) -> Embedded {
        let folder = self.installation.data().join("log");
        Embedded::open(EmbeddedConfig::new(folder, *self.keys().vault_key(), Arc::new(SystemClock))).unwrap()
    }

    /// Connects so many units to the organization, beside a platform that has ended: through the same commands, but
    /// without waiting for a person at each.
    pub async fn enroll(&self, units: usize) -> Vec<UnitIdentity> {
        let platform = Arc::new(self.platform_on(Arc::new(self.open_log())));
        let token = self.organization.admin.token().parse().unwrap();
        let admin = platform.authenticate(&token).await.unwrap();
        let enroll = |number: usize| {
            let (platform, admin) = (platform.clone(), admin.clone());
            async move {
                let anonymous = || platform.request(domain::Principal::Anonymous);
                let awaiting = platform.request_pairing(&anonymous(), description(number)).await.unwrap();
                let code = awaiting.user_code.to_string();
                platform.connect_device(&platform.request(admin), &code, None).await.unwrap();
                match platform.poll_pairing(&anonymous(), &awaiting.device_code.to_text()).await.unwrap() {
                    Poll::Enrolled(identity) => identity,
                    other => panic!("{other:?}"),
                }
            }
        };
        stream::iter(0..units).map(enroll).buffered(64).collect().await
    }

    /// What takes commands, on the log of a platform that has ended. Several on one log are like several processes.
    pub fn platform_on(&self, embedded: Arc<Embedded>) -> Platform {
        Platform::new(PlatformParts {
            log: embedded.clone(),
            vault: embedded,
            clock: Arc::new(SystemClock),
            entropy: Arc::new(OsEntropy),
            keys: self.keys(),
            passwords: PasswordHasher::default(),
            files: Files::folder(&self.installation.data().join("files")).unwrap(),
            outbound: commands::domain_proof::Outbound::new(
                &["127.0.0.1:9".parse().unwrap()],
                outbound::http::Reach::Public,
            )
            .unwrap(),
        })
    }

    /// A token for a unit, as it gets it from the gateway.
    pub fn access_token(&self, unit: UnitIdentity) -> String {
        let tokens = AccessTokens::new(&self.keys());
        let id = OsEntropy.uuid_v4();
        tokens.issue(unit.device, unit.organization, unit.epoch, id, SystemClock.now()).unwrap().text
    }
}

fn description(number: usize) -> UnitDescription {
    let key = portal::UnitKey::generate(&*portal::Surroundings::system().entropy);
    UnitDescription {
        serial: format!("BENCH-{number:06}"),
        model: "Virtual Portal".to_owned(),
        software_version: "1.0".to_owned(),
        jwk: key.public_jwk(),
        network: "127.0.0.0/24".to_owned(),
    }
}

fn some_people(request: u64) -> hyper::body::Bytes {
    let person = |number: u64| {
        let (given, family) = name(number);
        let department = DEPARTMENTS[scramble(number + 7) as usize % DEPARTMENTS.len()];
        let email = format!("filled.{number}@northwind.example");
        json!({ "email": email, "givenName": given, "familyName": family, "department": department })
    };
    let people: Vec<_> = (request * AT_ONCE..(request + 1) * AT_ONCE).map(person).collect();
    let query = "mutation Fill($input: CreateAccountsInput!) { \
        createAccounts(input: $input) { position userErrors { code field message } } }";
    load::graphql(query, &json!({ "input": { "people": people } }))
}

const GIVEN: &[&str] = &[
    "Maria",
    "Anna",
    "José",
    "Mohammed",
    "Wei",
    "John",
    "Olga",
    "Elif",
    "Işıl",
    "Zoë",
    "Björn",
    "Łukasz",
    "Chloé",
    "Ivan",
    "Дмитрий",
    "Анна",
    "Ольга",
    "太郎",
    "花子",
    "민수",
    "Αλέξανδρος",
    "Noa",
    "Priya",
    "Arjun",
    "Xenia",
    "Quentin",
    "Siobhán",
    "Zsófia",
    "Emma",
    "Liam",
    "Olivia",
    "Noah",
    "Ava",
    "Lucas",
    "Mia",
    "Ethan",
];
const FAMILY: &[&str] = &[
    "García",
    "Smith",
    "Müller",
    "Иванова",
    "Кузнецов",
    "田中",
    "佐藤",
    "김",
    "Yılmaz",
    "Öztürk",
    "Nguyen",
    "Kowalski",
    "Silva",
    "Johansson",
    "O'Brien",
    "van den Berg",
    "Papadopoulos",
    "Singh",
    "Cohen",
    "Haddad",
    "Rossi",
    "Dubois",
    "Novák",
    "Szabó",
    "Andersen",
    "Martin",
    "Lee",
    "Chen",
    "Wang",
    "Ali",
    "Khan",
    "Ivanov",
    "Popescu",
    "Horvat",
    "Nagy",
    "Kaya",
    "Costa",
    "Fernández",
    "López",
    "Schmidt",
    "Zimmermann",
    "Quist",
    "Xu",
    "Ødegård",
];
const DEPARTMENTS: &[&str] = &["Sales", "Engineering", "Support", "Finance", "Legal", "人事", "Объекты"];

/// A name: the same for the same number, some much more frequent than others, as names are.
pub fn name(number: u64) -> (&'static str, &'static str) {
    let pick = |list: &[&'static str], random: u64| {
        let share = (random % 10_000) as f64 / 10_000.0;
        list[(share.powf(1.3) * list.len() as f64) as usize]
    };
    (pick(GIVEN, scramble(number)), pick(FAMILY, scramble(number ^ 0xABCD_EF00_0000)))
}

/// SplitMix64: numbers in a row come out unrelated.
fn scramble(number: u64) -> u64 {
    let mut mixed = number.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}
