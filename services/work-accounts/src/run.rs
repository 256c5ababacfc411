//! What the command line starts.

use std::{
    ffi::OsString,
    process::ExitCode,
    sync::{Arc, Mutex},
};

use crate::{
    Server,
    config::{Command, CommandLine, PortalArgs, ServeArgs},
    telemetry,
    tour::Tour,
};
use clap::Parser;
use portal::{LineScreen, PortalConfig, Storage, TextScreen};
use tokio_util::sync::CancellationToken;

type Outcome = Result<(), Box<dyn std::error::Error>>;

/// Does what the arguments say, the first of which is the name of the program. With unusable arguments, or those that
/// ask for help, it ends the process.
pub fn main<A: Into<OsString> + Clone>(arguments: impl IntoIterator<Item = A>) -> ExitCode {
    let line = CommandLine::parse_from(arguments);
    telemetry::start(line.log_format, matches!(&line.command, Command::Serve(args) if args.tour));
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            tracing::error!(%error, "the runtime cannot start");
            return ExitCode::FAILURE;
        }
    };
    let outcome = runtime.block_on(async {
        match line.command {
            Command::Serve(args) => serve(*args).await,
            Command::Portal(args) => unit(args).await,
        }
    });
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(%error, "cannot go on");
            ExitCode::FAILURE
        }
    }
}

/// Cancelled by Ctrl-C or a request to terminate.
fn on_signal() -> CancellationToken {
    let stop = CancellationToken::new();
    let token = stop.clone();
    tokio::spawn(async move {
        if let Ok(mut terminate) = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = terminate.recv() => {}
            }
        } else {
            tokio::signal::ctrl_c().await.ok();
        }
        token.cancel();
    });
    stop
}

async fn serve(args: ServeArgs) -> Outcome {
    let stop = on_signal();
    let mut server = Server::start(&args).await?;
    tracing::info!(gateway = %server.gateway, dispatcher = %server.dispatcher, operations = %server.operations, "listening");
    if args.tour {
        let origin = args.public_origin.clone();
        let tour = Tour { origin: origin.clone(), portal_state: args.data.join("portal"), stop: stop.clone() };
        let ending = tokio::select! {
            ending = tour.run() => ending?,
            () = stop.cancelled() => {
                server.stop().await;
                return Ok(());
            }
        };
        println!("\n━━ The platform stays up. Ctrl-C ends it; started again, it goes on from its log.\n");
        println!("  GraphiQL   {origin}/graphiql");
        println!("  Mailbox    {origin}/dev/mailbox");
        println!("  Metrics    http://{}/metrics", server.operations);
        println!("  Admin      {}   {}", ending.email, ending.password);
        println!("  Header     Authorization: Bearer {}\n", ending.token);
    }
    let outcome = tokio::select! {
        () = stop.cancelled() => Ok(()),
        broken = server.broken() => Err(broken.into()),
    };
    server.stop().await;
    outcome
}

async fn unit(args: PortalArgs) -> Outcome {
    let stop = on_signal();
    let mut config = PortalConfig::new(args.gateway.parse()?, Storage::Folder(args.state));
    config.serial = args.serial;
    if args.units <= 1 {
        portal::run(config, stop, TextScreen::new(std::io::stdout())).await?;
    } else {
        let out = Arc::new(Mutex::new(std::io::stdout()));
        portal::run_fleet(config, args.units, stop, move |unit| LineScreen::new(format!("unit {unit}"), out.clone()))
            .await?;
    }
    Ok(())
}
