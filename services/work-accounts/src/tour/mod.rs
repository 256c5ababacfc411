//! The guided tour: the main job, step by step, through the same public API that frontends and units use.

mod client;

use std::{path::PathBuf, time::Duration};

use portal::{LineScreen, PortalConfig, Screen, ScreenEvent, Storage};
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

pub use self::client::TourError;
use self::client::{Client, print_indented, text};

const ADMIN_EMAIL: &str = "anna@northwind.example";
const PERSON_EMAIL: &str = "ben@northwind.example";
/// Known to every reader: the tour runs in development only.
const ADMIN_PASSWORD: &str = "seven lanterns over a quiet harbour";

/// What the tour needs to know.
pub struct Tour {
    /// Where the gateway listens.
    pub origin: String,
    /// Where the virtual Portal keeps its state.
    pub portal_state: PathBuf,
    /// Ends the virtual Portal.
    pub stop: CancellationToken,
}

/// How to go on by oneself after the tour.
pub struct Ending {
    /// Address of the signed-in admin.
    pub email: &'static str,
    /// Password of the admin.
    pub password: &'static str,
    /// Session of the admin, for the `Authorization` header.
    pub token: String,
}

impl Tour {
    /// Walks through everything. On a log that has the organization already it goes on from there.
    pub async fn run(self) -> Result<Ending, TourError> {
        let nobody = Client::new(&self.origin);
        let known =
            nobody.send(SIGN_IN, &json!({ "input": { "email": ADMIN_EMAIL, "password": ADMIN_PASSWORD } })).await?;
        let token = match known.pointer("/signIn/session/token").and_then(Value::as_str) {
            Some(token) => {
                heading("Welcome back: the log already holds the organization; signed in as its admin");
                token.to_owned()
            }
            None => sign_up(&nobody).await?,
        };
        let admin = nobody.with_token(&token);
        directory(&admin, &nobody).await?;
        let device = self.portal(&admin).await?;
        reboot(&admin, &device).await?;
        heading("An auditor reads what happened, the newest first");
        admin.show("query { history(first: 8) { nodes { occurredAt summary } } }", json!({})).await?;
        Ok(Ending { email: ADMIN_EMAIL, password: ADMIN_PASSWORD, token })
    }

    /// Starts the virtual Portal and connects it by its code if it is new.
    async fn portal(&self, admin: &Client) -> Result<String, TourError> {
        heading("A Portal is unpacked and shows its code");
        let gateway = self.origin.parse().map_err(|_| TourError::Unexpected("the origin is not a URL".to_owned()))?;
        let mut config = PortalConfig::new(gateway, Storage::Folder(self.portal_state.clone()));
        config.serial = Some("NW-PORTAL-0001".to_owned());
        let (events, mut shown) = mpsc::unbounded_channel();
        let lines = LineScreen::new("Portal", std::sync::Arc::new(std::sync::Mutex::new(std::io::stdout())));
        let screen = move |event: ScreenEvent| {
            lines.show(event.clone());
            // The tour may have ended while the Portal lives on.
            events.send(event).ok();
        };
        let stop = self.stop.clone();
        tokio::spawn(async move {
            if let Err(error) = portal::run(config, stop, screen).await {
                tracing::error!(%error, "the virtual Portal has stopped");
            }
        });
        loop {
            let event = tokio::time::timeout(Duration::from_secs(60), shown.recv()).await;
            match event {
                Ok(Some(ScreenEvent::ShowCode { code, .. })) => connect(admin, &code).await?,
                Ok(Some(ScreenEvent::Connected)) => break,
                Ok(Some(_)) => {}
                Ok(None) | Err(_) => {
                    return Err(TourError::Unexpected("the virtual Portal did not connect".to_owned()));
                }
            }
        }
        // Kept open, so that the screen goes on being read.
        tokio::spawn(async move { while shown.recv().await.is_some() {} });
        heading("It appears in the device list by itself");
        let data = admin.show(DEVICES, json!({})).await?;
        text(&data, "/devices/nodes/0/id").map(str::to_owned)
    }
}

const SIGN_IN: &str =
    "mutation SignIn($input: SignInInput!) { signIn(input: $input) { session { token } userErrors { code message } } }";

const DEVICES: &str = "
    query { devices(first: 5) { nodes { id name model serial softwareVersion online } } }
";

fn heading(title: &str) {
    println!("\n━━ {title}\n");
}

async fn sign_up(nobody: &Client) -> Result<String, TourError> {
    heading("Anna signs her organization up with her work email address");
    let data = nobody
        .show(
            "
            mutation Begin($input: BeginSignupInput!) {
              beginSignup(input: $input) { signupId codeExpiresAt userErrors { code field message } }
            }",
            json!({ "input": { "email": ADMIN_EMAIL } }),
        )
        .await?;
    let signup = text(&data, "/beginSignup/signupId")?.to_owned();

    heading("A mail brings her a code (all mails of this run: /dev/mailbox)");
    let mail = nobody.mail_to(ADMIN_EMAIL).await?;
    print_indented("✉", &mail);
    let digits = |word: &&str| word.len() == 6 && word.bytes().all(|b| b.is_ascii_digit());
    let code = mail.split(|c: char| !c.is_ascii_alphanumeric()).find(digits).unwrap_or_default();
    nobody
        .show(
            "
            mutation Confirm($input: ConfirmSignupInput!) {
              confirmSignup(input: $input) { signupId userErrors { code field message } }
            }",
            json!({ "input": { "signupId": signup, "code": code } }),
        )
        .await?;

    heading("She chooses a password and names the organization; she is its first system admin");
    let data = nobody
        .show(
            "
            mutation Complete($input: CompleteSignupInput!) {
              completeSignup(input: $input) {
                viewer { person { id displayName } organization { id name } isSystemAdmin }
                session { token }
                position
                userErrors { code field message }
              }
            }",
            json!({ "input": {
                "signupId": signup, "organizationName": "Northwind", "givenName": "Anna", "familyName": "Berg",
                "password": ADMIN_PASSWORD,
            } }),
        )
        .await?;
    text(&data, "/completeSignup/session/token").map(str::to_owned)
}

async fn directory(admin: &Client, nobody: &Client) -> Result<(), TourError> {
    let known = admin.send("{ people(search: \"ben@\") { nodes { id } } }", &json!({})).await?;
    if known.pointer("/people/nodes/0/id").is_none() {
        heading("Anna adds Ben; a mail brings him a link");
        let data = admin
            .show(
                "
                mutation Add($input: CreateAccountInput!) {
                  createAccount(input: $input) {
                    person { id displayName email status }
                    position
                    userErrors { code field message }
                  }
                }",
                json!({ "input": { "email": PERSON_EMAIL, "givenName": "Ben", "familyName": "Okafor", "department": "Facilities" } }),
            )
            .await?;
        let ben = text(&data, "/createAccount/person/id")?.to_owned();
        print_indented("✉", &nobody.mail_to(PERSON_EMAIL).await?);

        heading("She makes a role for whoever looks after the Portals, and gives it to him");
        let data = admin
            .show(
                "
                mutation Role($input: CreateRoleInput!) {
                  createRole(input: $input) { role { id name rights } userErrors { code field message } }
                }",
                json!({ "input": { "name": "Portal caretaker", "rights": ["MANAGE_DEVICES"] } }),
            )
            .await?;
        let role = text(&data, "/createRole/role/id")?.to_owned();
        admin
            .show(
                "
                mutation Assign($input: AssignRoleInput!) {
                  assignRole(input: $input) {
                    person { displayName roles { name } }
                    userErrors { code field message }
                  }
                }",
                json!({ "input": { "roleId": role, "personId": ben } }),
            )
            .await?;
    }
    heading("The directory, searched");
    admin
        .show(
            "
            query { people(search: \"northwind\", sort: { field: NAME }) {
              nodes { displayName email status department roles { name } }
            } }",
            json!({}),
        )
        .await
        .map(drop)
}

async fn connect(admin: &Client, code: &str) -> Result<(), TourError> {
    heading("On her computer Anna enters the code, sees which unit it is, and connects it");
    admin
        .show(
            "query Look($code: String!) { pairing(userCode: $code) { model serialEnding network } }",
            json!({ "code": code }),
        )
        .await?;
    admin
        .show(
            "
            mutation Connect($input: ConnectDeviceInput!) {
              connectDevice(input: $input) { deviceId userErrors { code field message } }
            }",
            json!({ "input": { "userCode": code, "name": "Reception" } }),
        )
        .await
        .map(drop)
}

async fn reboot(admin: &Client, device: &str) -> Result<(), TourError> {
    heading("She reboots it from afar");
    let data = admin
        .show(
            "
            mutation Reboot($input: RebootDeviceInput!) {
              rebootDevice(input: $input) { command { id state } position userErrors { code field message } }
            }",
            json!({ "input": { "deviceId": device } }),
        )
        .await?;
    let command = text(&data, "/rebootDevice/command/id")?.to_owned();
    let query = "query Command($id: ID!) { deviceCommand(id: $id) { state steps { state at } } }";
    for _ in 0..600 {
        let data = admin.send(query, &json!({ "id": command })).await?;
        match data.pointer("/deviceCommand/state").and_then(Value::as_str) {
            Some("SUCCEEDED") => {
                heading("The unit has come back with a new boot id: the reboot is proven, every step is in the log");
                return admin.show(query, json!({ "id": command })).await.map(drop);
            }
            Some("FAILED" | "REJECTED" | "EXPIRED") | None => {
                return Err(TourError::Unexpected("the reboot did not succeed".to_owned()));
            }
            Some(_) => tokio::time::sleep(Duration::from_millis(100)).await,
        }
    }
    Err(TourError::Unexpected("the reboot took more than a minute".to_owned()))
}
