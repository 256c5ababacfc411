//! The command line. Every option can also be given as an environment variable, which is how secrets are passed.

use std::{net::SocketAddr, path::PathBuf};

use axum::http::Uri;
use clap::{Args, Parser, Subcommand, ValueEnum};
use commands::mail::Links;

/// Work accounts for an organization's people, managed Portal units on their desks.
#[derive(Debug, Parser)]
#[command(name = "work-accounts", version)]
pub struct CommandLine {
    /// How log lines look.
    #[arg(long, global = true, env = "WORK_ACCOUNTS_LOG_FORMAT", value_enum, default_value_t = LogFormat::Text)]
    pub log_format: LogFormat,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people.
    Text,
    /// For machines: one JSON object a line.
    Json,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run everything in one process on the embedded log.
    Serve(Box<ServeArgs>),
    /// Be a virtual Portal unit.
    Portal(PortalArgs),
}

/// Options of `serve`.
#[derive(Debug, Clone, Args)]
pub struct ServeArgs {
    /// Folder of the log, the vault, the views and the key of this installation.
    #[arg(long, env = "WORK_ACCOUNTS_DATA", default_value = "data")]
    pub data: PathBuf,
    /// Where logos and files of people to import are kept: a folder, by default `files` in the data folder, or storage that
    /// speaks the protocol of S3, as `s3://bucket/prefix`. Its settings are the usual variables: AWS_REGION,
    /// AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_ENDPOINT_URL, AWS_ALLOW_HTTP.
    #[arg(long, env = "WORK_ACCOUNTS_FILES")]
    pub files: Option<String>,
    /// Name servers to ask for proofs of domains, such as `9.9.9.9:53`; those of the system unless given.
    #[arg(long, env = "WORK_ACCOUNTS_DNS_SERVERS", value_delimiter = ',')]
    pub dns_servers: Vec<SocketAddr>,
    /// For tests and one's own machine only: files that prove domains may stand on websites at any address, also private
    /// ones, at these ports instead of 80 and 443, such as `8001:8002`.
    #[arg(long, env = "WORK_ACCOUNTS_PRIVATE_WEBSITES", value_parser = ports)]
    pub private_websites: Option<(u16, u16)>,
    /// Where the gateway listens.
    #[arg(long, env = "WORK_ACCOUNTS_LISTEN", default_value = "127.0.0.1:8080")]
    pub listen: SocketAddr,
    /// Where the dispatcher listens.
    #[arg(long, env = "WORK_ACCOUNTS_DISPATCHER_LISTEN", default_value = "127.0.0.1:8081")]
    pub dispatcher_listen: SocketAddr,
    /// Where health, readiness and metrics are served. Not for the public.
    #[arg(long, env = "WORK_ACCOUNTS_OPERATIONS_LISTEN", default_value = "127.0.0.1:9090")]
    pub operations_listen: SocketAddr,
    /// Origin under which browsers and units reach the gateway. Links in mails are built from it. It has to be https,
    /// except on this machine.
    #[arg(long, env = "WORK_ACCOUNTS_PUBLIC_ORIGIN", default_value = "http://localhost:8080", value_parser = origin)]
    pub public_origin: String,
    /// Origin of a frontend, to whose pages links lead: `/activate`, `/reset-password`, `/sign-in`, `/account` and
    /// `/device`. Without one, small pages of our own stand there.
    #[arg(long, env = "WORK_ACCOUNTS_FRONTEND_ORIGIN", value_parser = origin)]
    pub frontend_origin: Option<String>,
    /// The frontend's page that activates an account, should it be elsewhere. It gets `?token=…`.
    #[arg(long, env = "WORK_ACCOUNTS_ACTIVATION_URL", value_parser = page, requires = "frontend_origin")]
    pub activation_url: Option<String>,
    /// The frontend's page to choose a new password, should it be elsewhere. It gets `?token=…`.
    #[arg(long, env = "WORK_ACCOUNTS_RESET_URL", value_parser = page, requires = "frontend_origin")]
    pub reset_url: Option<String>,
    /// The frontend's page to sign in, should it be elsewhere.
    #[arg(long, env = "WORK_ACCOUNTS_SIGN_IN_URL", value_parser = page, requires = "frontend_origin")]
    pub sign_in_url: Option<String>,
    /// The frontend's page to which people are led who have signed in at an identity provider, should it be elsewhere.
    #[arg(long, env = "WORK_ACCOUNTS_SIGNED_IN_URL", value_parser = page, requires = "frontend_origin")]
    pub signed_in_url: Option<String>,
    /// The frontend's page on which people enter the code of a Portal, should it be elsewhere.
    #[arg(long, env = "WORK_ACCOUNTS_DEVICE_URL", value_parser = page)]
    pub device_url: Option<String>,
    /// Address under which units reach the dispatcher.
    #[arg(long, env = "WORK_ACCOUNTS_DISPATCHER_URL", default_value = "ws://localhost:8081/graphql")]
    pub dispatcher_url: String,
    /// How many reverse proxies stand in front, each adding one address to `X-Forwarded-For`.
    #[arg(long, env = "WORK_ACCOUNTS_TRUSTED_PROXIES", default_value_t = 0)]
    pub trusted_proxies: usize,
    /// Mail server, such as `smtp://user:password@mail.example.com:587?tls=required`.
    #[arg(long, env = "WORK_ACCOUNTS_SMTP_URL", hide_env_values = true)]
    pub smtp_url: Option<String>,
    /// Sender of the mails.
    #[arg(long, env = "WORK_ACCOUNTS_MAIL_FROM", default_value = "Work Accounts <no-reply@localhost.localdomain>")]
    pub mail_from: String,
    /// Where requests for help are mailed to. Without one they are kept in the history only.
    #[arg(long, env = "WORK_ACCOUNTS_SUPPORT_ADDRESS", value_parser = address)]
    pub support_address: Option<String>,
    /// For one's own machine: mails are kept at `/dev/mailbox`, GraphiQL stands at `/graphiql`, and pages of
    /// this machine may use the API whatever their port.
    #[arg(long, env = "WORK_ACCOUNTS_DEVELOPMENT")]
    pub development: bool,
    /// Walk through the main job first, then stay up. Needs `--development`.
    #[arg(long, requires = "development")]
    pub tour: bool,
}

impl ServeArgs {
    /// Where links lead: to the frontend's pages, or to our own.
    pub fn links(&self) -> Links {
        let usual = Links::at(self.frontend_origin.as_ref().unwrap_or(&self.public_origin));
        let page = |configured: &Option<String>, usual| configured.clone().unwrap_or(usual);
        Links {
            activation: page(&self.activation_url, usual.activation),
            password_reset: page(&self.reset_url, usual.password_reset),
            sign_in: page(&self.sign_in_url, usual.sign_in),
            signed_in: page(&self.signed_in_url, usual.signed_in),
            device: page(&self.device_url, usual.device),
        }
    }
}

/// Options of `portal`.
#[derive(Debug, Clone, Args)]
pub struct PortalArgs {
    /// Origin of the gateway.
    #[arg(long, env = "WORK_ACCOUNTS_GATEWAY", default_value = "http://localhost:8080")]
    pub gateway: String,
    /// Folder where the unit keeps its key, its enrollment and its last command.
    #[arg(long, default_value = "data/portal")]
    pub state: PathBuf,
    /// Serial number of a new unit.
    #[arg(long)]
    pub serial: Option<String>,
    /// Stand for so many units at once.
    #[arg(long, default_value_t = 1)]
    pub units: usize,
}

/// Takes a port for http and one for https.
fn ports(text: &str) -> Result<(u16, u16), &'static str> {
    let parse = |text: &str| text.parse::<u16>().ok();
    let ports = text.split_once(':').and_then(|(http, https)| parse(http).zip(parse(https)));
    ports.ok_or("write the port for http and the one for https, such as 80:443")
}

/// Takes an origin as browsers write it, with a slash at the end or not. Without TLS the session's cookie and the tokens
/// of units would travel in the clear.
fn origin(text: &str) -> Result<String, &'static str> {
    const SHAPE: &str = "write it as https://accounts.example.com, in lower case and without a path";
    let origin = text.strip_suffix('/').unwrap_or(text);
    let uri: Uri = origin.parse().map_err(|_| SHAPE)?;
    let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else { return Err(SHAPE) };
    if origin != format!("{scheme}://{authority}").to_ascii_lowercase() || origin.contains('@') {
        return Err(SHAPE);
    }
    match (scheme, authority.host()) {
        ("https", _) | ("http", "localhost" | "127.0.0.1" | "[::1]") => Ok(origin.to_owned()),
        ("http", _) => Err("use https: only localhost, 127.0.0.1 and [::1] are reached without TLS"),
        _ => Err(SHAPE),
    }
}

/// Takes an email address.
fn address(text: &str) -> Result<String, &'static str> {
    if commands::mail::is_address(text) { Ok(text.to_owned()) } else { Err("write it as support@example.com") }
}

/// Takes the URL of a page, which is as secure as [`origin`] asks for.
fn page(text: &str) -> Result<String, &'static str> {
    const SHAPE: &str = "write it as https://accounts.example.com/page";
    let rest = text.split_once("://").ok_or(SHAPE)?.1;
    let (start, _) = text.split_at(text.len() - rest.len() + rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    origin(start)?;
    let printable = text.bytes().all(|byte| byte.is_ascii_graphic());
    if printable && !text.contains('#') { Ok(text.to_owned()) } else { Err(SHAPE) }
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use commands::mail::Links;

    use super::{Command, CommandLine, origin, page};

    #[test]
    fn links_lead_to_our_pages_until_there_is_a_frontend() {
        let links = |options: &[&str]| {
            let always = ["work-accounts", "serve", "--public-origin", "https://accounts.example.com"];
            match CommandLine::try_parse_from(always.iter().chain(options)).map(|line| line.command) {
                Ok(Command::Serve(args)) => Some(args.links()),
                _ => None,
            }
        };
        assert_eq!(links(&[]), Some(Links::at("https://accounts.example.com")));
        let frontend = ["--frontend-origin", "https://front.example/", "--reset-url", "https://front.example/new?a=b"];
        let expected =
            Links { password_reset: "https://front.example/new?a=b".to_owned(), ..Links::at("https://front.example") };
        assert_eq!(links(&frontend), Some(expected));
        // Our own pages cannot be moved, and a page is checked like an origin.
        assert_eq!(links(&["--reset-url", "https://front.example/new"]), None);
        assert_eq!(links(&["--frontend-origin", "http://front.example"]), None);
        assert_eq!(links(&["--support-address", "nobody"]), None);
    }

    #[test]
    fn a_page_is_as_secure_as_an_origin() {
        let taken = [
            "https://a.example/activate",
            "https://a.example:1/x/y?z=1",
            "http://localhost:3000/x",
            "https://a.example",
        ];
        taken.iter().for_each(|text| assert_eq!(page(text).as_deref(), Ok(*text)));
        let refused = [
            "http://a.example/activate",
            "https://a.example/x#y",
            "https://a.example/x y",
            "https://A.example/x",
            "https://user@a.example/x",
            "//a.example/x",
            "/activate",
            "javascript:alert(1)",
            "https://a.example/ü",
            "",
        ];
        refused.iter().for_each(|text| assert!(page(text).is_err(), "{text}"));
    }

    #[test]
    fn an_origin_is_secure_and_as_browsers_write_it() {
        let taken =
            ["https://accounts.example.com", "https://a.example:8443", "http://localhost:8080", "http://[::1]:1"];
        for text in taken {
            assert_eq!(origin(text).as_deref(), Ok(text));
            assert_eq!(origin(&format!("{text}/")).as_deref(), Ok(text));
        }
        let refused = [
            "http://accounts.example.com",
            "http://localhost.evil.com",
            "HTTPS://accounts.example.com",
            "https://Accounts.example.com",
            "https://accounts.example.com/path",
            "https://accounts.example.com//",
            "https://accounts.example.com?x",
            "https://user@accounts.example.com",
            "ftp://accounts.example.com",
            "accounts.example.com",
            "https://",
            "",
        ];
        refused.iter().for_each(|text| assert!(origin(text).is_err(), "{text}"));
    }
}
