//! A virtual Portal unit on a desk, and somebody who looks at its screen.

use std::{
    path::Path,
    sync::{Arc, Mutex},
    time::Duration,
};

use portal::{Ended, Pacing, PortalConfig, PortalError, ScreenEvent, Storage};
use tokio::{sync::mpsc, task::JoinHandle, time::timeout};
use tokio_util::sync::CancellationToken;

/// How long to look at a screen before giving up.
const PATIENCE: Duration = Duration::from_secs(60);

/// A unit that runs.
pub struct Unit {
    events: mpsc::UnboundedReceiver<ScreenEvent>,
    seen: Arc<Mutex<Vec<ScreenEvent>>>,
    stop: CancellationToken,
    run: JoinHandle<Result<Ended, PortalError>>,
}

impl Unit {
    /// Switches on the unit whose state is in `folder`. It boots and comes back faster than a real one.
    pub fn start(origin: &str, folder: &Path, serial: &str) -> Self {
        let mut config = PortalConfig::new(origin.parse().unwrap(), Storage::Folder(folder.to_owned()));
        config.serial = Some(serial.to_owned());
        let quick = Duration::from_millis(100);
        config.pacing = Pacing { boot_time: quick, retry_floor: quick, retry_ceiling: quick * 5, ..Pacing::default() };
        let (sender, events) = mpsc::unbounded_channel();
        let seen: Arc<Mutex<Vec<_>>> = Arc::default();
        let kept = seen.clone();
        let screen = move |event: ScreenEvent| {
            kept.lock().unwrap().push(event.clone());
            // Nobody may be looking any more.
            sender.send(event).ok();
        };
        let stop = CancellationToken::new();
        let run = tokio::spawn(portal::run(config, stop.clone(), screen));
        Self { events, seen, stop, run }
    }

    /// Looks at the screen until it shows what is looked for.
    pub async fn see<T>(&mut self, what: &str, look: impl Fn(&ScreenEvent) -> Option<T>) -> T {
        let seen = async {
            loop {
                let event = self.events.recv().await.expect("the unit has ended");
                if let Some(found) = look(&event) {
                    return found;
                }
            }
        };
        timeout(PATIENCE, seen).await.unwrap_or_else(|_| panic!("the unit did not show {what} in time"))
    }

    /// The code that it shows.
    pub async fn code(&mut self) -> String {
        let look = |event: &ScreenEvent| match event {
            ScreenEvent::ShowCode { code, .. } => Some(code.clone()),
            _ => None,
        };
        self.see("a code", look).await
    }

    /// Waits until its command stream is open.
    pub async fn connected(&mut self) {
        self.see("that it is connected", |event| (*event == ScreenEvent::Connected).then_some(())).await;
    }

    /// Waits until it has lost its connection and found it again.
    pub async fn reconnected(&mut self) {
        self.see("that it is offline", |event| matches!(event, ScreenEvent::Offline { .. }).then_some(())).await;
        self.connected().await;
    }

    /// Everything that it has shown so far.
    pub fn seen(&self) -> Vec<ScreenEvent> {
        self.seen.lock().unwrap().clone()
    }

    /// Switches it off.
    pub async fn stop(self) {
        self.stop.cancel();
        self.run.await.unwrap().unwrap();
    }
}
