//! Everything in one process on the embedded log.

use std::{fs, io, net::SocketAddr, path::Path, sync::Arc, time::Duration};

use commands::{
    Platform, PlatformParts,
    domain_proof::Outbound,
    mail::{InvalidMailUrl, Mailbox, Outbox, Smtp},
    reactors::{
        self, certificates::Certificates, deadlines::Deadlines, finisher::Finisher, importer::Importer, mailer::Mailer,
        prober::Prober, recovery::Recovery,
    },
};
use dispatcher::{Dispatcher, DispatcherConfig};
use engine::View;
use eventlog::{
    Clock, EventLog, SystemClock, Vault,
    embedded::{Embedded, EmbeddedConfig},
};
use files::Files;
use gateway::{Gateway, GatewayConfig, Views};
use identity::{OsEntropy, PasswordHasher, ServerKeys};
use outbound::http::Reach;
use prometheus_client::registry::Registry;
use tokio::{net::TcpListener, task::JoinSet};
use tokio_util::sync::CancellationToken;

use crate::{config::ServeArgs, operations};

/// How long open requests may take to end once the platform shuts down.
const DRAIN: Duration = Duration::from_secs(10);

/// Why the platform does not start, or does not go on.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// An event type lacks a step from an old version.
    #[error(transparent)]
    Upcasters(#[from] schema::DecodeError),
    /// The data folder cannot be used.
    #[error("the data folder {0} cannot be used: {1}")]
    Folder(String, io::Error),
    /// The key of this installation cannot be used.
    #[error(transparent)]
    MasterKey(#[from] identity::MasterKeyError),
    /// The place for files cannot be used.
    #[error(transparent)]
    Files(#[from] files::OpenError),
    /// There are no name servers.
    #[error("the system's name servers cannot be found; name some with --dns-servers")]
    NameServers(#[from] outbound::dns::LookupError),
    /// The log cannot be opened.
    #[error(transparent)]
    Log(#[from] eventlog::embedded::OpenError),
    /// A view cannot start.
    #[error(transparent)]
    View(#[from] engine::StartError),
    /// The mail server cannot be used.
    #[error(transparent)]
    Mail(#[from] InvalidMailUrl),
    /// Mails have nowhere to go.
    #[error("give a mail server with --smtp-url, or keep the mails on this machine with --development")]
    NoMail,
    /// A part of the platform ended while it ran.
    #[error("a part of the platform has ended; the lines before say which")]
    Broken,
    /// An address cannot be listened on.
    #[error("cannot listen on {0}: {1}")]
    Listen(SocketAddr, io::Error),
}

/// A running platform.
pub struct Server {
    /// Where the gateway listens.
    pub gateway: SocketAddr,
    /// Where the dispatcher listens.
    pub dispatcher: SocketAddr,
    /// Where health and metrics are served.
    pub operations: SocketAddr,
    /// For those who act beside the API, such as tests that look into the log.
    pub platform: Arc<Platform>,
    stop: CancellationToken,
    tasks: JoinSet<()>,
    embedded: Arc<Embedded>,
}

async fn bind(address: SocketAddr) -> Result<(TcpListener, SocketAddr), StartError> {
    let listener = TcpListener::bind(address).await.map_err(|e| StartError::Listen(address, e))?;
    let local = listener.local_addr().map_err(|e| StartError::Listen(address, e))?;
    Ok((listener, local))
}

impl Server {
    /// Opens the data folder, starts every service and listens.
    pub async fn start(args: &ServeArgs) -> Result<Self, StartError> {
        Self::start_with(args, Arc::new(SystemClock)).await
    }

    /// The same with another clock.
    pub async fn start_with(args: &ServeArgs, clock: Arc<dyn Clock>) -> Result<Self, StartError> {
        schema::upcast::check()?;
        let folder = |e| StartError::Folder(args.data.display().to_string(), e);
        fs::create_dir_all(&args.data).map_err(folder)?;
        let entropy = Arc::new(OsEntropy);
        let master = identity::load_or_create_master(&args.data.join("master.key"), &*entropy)?;
        let keys = ServerKeys::from_master(&master);
        let embedded =
            Arc::new(Embedded::open(EmbeddedConfig::new(args.data.join("log"), *keys.vault_key(), clock.clone()))?);
        let (log, vault): (Arc<dyn EventLog>, Arc<dyn Vault>) = (embedded.clone(), embedded.clone());

        let views_folder = args.data.join("views");
        let views = Views {
            directory: Arc::new(View::start(&views_folder, log.clone(), vault.clone()).await?),
            devices: Arc::new(View::start(&views_folder, log.clone(), vault.clone()).await?),
            history: Arc::new(View::start(&views_folder, log.clone(), vault.clone()).await?),
        };
        let mailbox = args.development.then(|| Mailbox::new(clock.clone()));
        let outbox: Arc<dyn Outbox> = match (&args.smtp_url, &mailbox) {
            (Some(url), _) => Arc::new(Smtp::new(url, &args.mail_from)?),
            (None, Some(mailbox)) => Arc::new(mailbox.clone()),
            (None, None) => return Err(StartError::NoMail),
        };
        let passwords = PasswordHasher::default();
        let parts = PlatformParts {
            log,
            vault,
            clock,
            entropy,
            keys,
            passwords,
            files: open_files(args)?,
            outbound: way_out(args)?,
        };
        let platform = Arc::new(Platform::new(parts));

        let mut registry = Registry::with_prefix("work_accounts");
        let stop = CancellationToken::new();
        let (gateway_listener, gateway) = bind(args.listen).await?;
        let (dispatcher_listener, dispatcher) = bind(args.dispatcher_listen).await?;
        let (operations_listener, operations) = bind(args.operations_listen).await?;

        let mut tasks = JoinSet::new();
        let mailer = Mailer { outbox, links: args.links(), support: args.support_address.clone() };
        tasks.spawn(reactors::run(platform.clone(), mailer, stop.clone()));
        tasks.spawn(reactors::run(platform.clone(), Deadlines, stop.clone()));
        tasks.spawn(reactors::run(platform.clone(), Finisher, stop.clone()));
        tasks.spawn(reactors::run(platform.clone(), Recovery, stop.clone()));
        tasks.spawn(reactors::run(platform.clone(), Prober::default(), stop.clone()));
        tasks.spawn(reactors::run(platform.clone(), Importer, stop.clone()));
        tasks.spawn(reactors::run(platform.clone(), Certificates, stop.clone()));

        let dispatcher_service = Dispatcher::new(DispatcherConfig::default(), platform.clone(), &mut registry);
        let gateway_service =
            Gateway::new(gateway_config(args), platform.clone(), views.clone(), mailbox, &mut registry);
        let (following, until) = (dispatcher_service.clone(), stop.clone());
        tasks.spawn(async move { following.run(until).await });
        tasks.spawn(gateway_service.clone().run(stop.clone()));
        tasks.spawn(serve(dispatcher_listener, dispatcher_service.router(), stop.clone()));
        tasks.spawn(serve(gateway_listener, gateway_service.router(), stop.clone()));
        let operations_router = operations::router(registry, views, dispatcher_service, embedded.clone());
        tasks.spawn(serve(operations_listener, operations_router, stop.clone()));
        Ok(Self { gateway, dispatcher, operations, platform, stop, tasks, embedded })
    }

    /// Returns when a part has ended although nobody asked it to. The platform is not whole without it: whoever runs the
    /// process has to start it again.
    pub async fn broken(&mut self) -> StartError {
        if let Some(Err(error)) = self.tasks.join_next().await {
            tracing::error!(%error, "a part of the platform broke off");
        }
        StartError::Broken
    }

    /// Ends everything: open requests are answered, units told to come back, the log closed.
    pub async fn stop(mut self) {
        self.stop.cancel();
        let drained = async { while self.tasks.join_next().await.is_some() {} };
        if tokio::time::timeout(DRAIN, drained).await.is_err() {
            tracing::warn!("some requests did not end in time and are cut off");
            self.tasks.shutdown().await;
        }
        drop(self.platform);
        drop(self.embedded);
    }
}

fn gateway_config(args: &ServeArgs) -> GatewayConfig {
    GatewayConfig {
        public_origin: args.public_origin.clone(),
        dispatcher_url: args.dispatcher_url.clone(),
        development: args.development,
        trusted_proxies: args.trusted_proxies,
        links: args.links(),
        own_pages: args.frontend_origin.is_none(),
        plain_http_providers: args.development || args.private_websites.is_some(),
    }
}

fn way_out(args: &ServeArgs) -> Result<Outbound, outbound::dns::LookupError> {
    let reach = match args.private_websites {
        None => Reach::Public,
        Some((http, https)) => {
            tracing::warn!("websites that prove domains may stand at private addresses: not for the public");
            Reach::Anywhere { http, https }
        }
    };
    Outbound::new(&args.dns_servers, reach)
}

fn open_files(args: &ServeArgs) -> Result<Files, files::OpenError> {
    match &args.files {
        Some(address) if address.contains("://") => Files::s3(address, variables()),
        Some(folder) => Files::folder(Path::new(folder)),
        None => Files::folder(&args.data.join("files")),
    }
}

/// The environment, without what is no text.
fn variables() -> impl Iterator<Item = (String, String)> {
    std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
}

async fn serve(listener: TcpListener, router: axum::Router, stop: CancellationToken) {
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    if let Err(error) = axum::serve(listener, service).with_graceful_shutdown(stop.cancelled_owned()).await {
        tracing::error!(%error, "a listener has ended");
    }
}
