//! A running view: its files, which of them serves, and how far it reaches.

use std::{
    fmt, io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use eventlog::{EventLog, Vault};
use schema::Position;
use tokio::{
    runtime::Handle,
    sync::{mpsc, watch},
    time::{Instant, timeout_at},
};

use crate::{
    Change, Changes, Projection, Reads,
    changes::Announcer,
    feed::Feed,
    file::{self, ViewFile},
    readers::Readers,
    writer::{Failure, Writer},
};

/// Why a view could not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The folder of the views cannot be used.
    #[error("the folder of the views cannot be used: {0}")]
    Folder(#[from] io::Error),
    /// A file of the view cannot be opened.
    #[error("a file of the view cannot be opened: {0}")]
    File(#[from] rusqlite::Error),
    /// It is being built anew already, or shutting down.
    #[error("the view is being built already")]
    Busy,
}

/// Why the view did not come as far as was waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WaitError {
    /// It had not come so far by the deadline.
    #[error("the view has not come so far yet")]
    Behind,
    /// It has stopped and will not come so far.
    #[error("the view has stopped")]
    Stopped,
}

/// What stopped a view.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failed {
    /// The event that could not be applied; none if something else went wrong.
    pub position: Option<Position>,
    /// What went wrong, without personal data.
    pub error: String,
}

/// How a view is doing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// Name of the view.
    pub name: &'static str,
    /// Version of the view.
    pub version: u32,
    /// Whether queries are answered.
    pub ready: bool,
    /// Whether a file is being built to take the place of the one that serves.
    pub building: bool,
    /// The last event that answers contain.
    pub checkpoint: Option<Position>,
    /// The last event of the log; none if it is empty or cannot be reached.
    pub head: Option<Position>,
    /// How far `checkpoint` is behind `head`, in the unit of [`Position::commit`]: events, on the embedded log.
    pub lag: u64,
    /// Events of concern that the serving file contains.
    pub events: u64,
    /// What stopped it; answers no longer follow the log.
    pub failed: Option<Failed>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Watermark {
    position: Option<Position>,
    /// Nobody moves it any more.
    stopped: bool,
}

#[derive(Default)]
struct State {
    /// The file that answers.
    serving: Option<ViewFile>,
    /// The feeds that run; one ends when its sender is dropped.
    feeds: Vec<(ViewFile, watch::Sender<()>)>,
    events: u64,
    failed: Option<Failed>,
    /// Held by every thread; gone when the view is shutting down.
    alive: Option<mpsc::Sender<()>>,
}

impl State {
    fn is_building(&self) -> bool {
        self.feeds.iter().any(|(file, _)| Some(file) != self.serving.as_ref())
    }
}

/// What the view and the threads of its feeds share.
pub(crate) struct Shared<P: Projection> {
    pub(crate) log: Arc<dyn EventLog>,
    pub(crate) vault: Arc<dyn Vault>,
    pub(crate) runtime: Handle,
    folder: PathBuf,
    state: Mutex<State>,
    watermark: watch::Sender<Watermark>,
    readers: watch::Sender<Option<Arc<Readers>>>,
    announcer: Announcer<P::Change>,
}

/// A view that follows the log until it is dropped.
pub struct View<P: Projection> {
    shared: Arc<Shared<P>>,
    ended: mpsc::Receiver<()>,
}

impl<P: Projection> fmt::Debug for View<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "View({} v{})", P::NAME, P::VERSION)
    }
}

impl<P: Projection> View<P> {
    /// Opens the view's file in `folder`, or begins to build it, and follows the log from there. Must be called within
    /// a tokio runtime. Reads are answered at once if there is a file that can be read, see [`Projection::READS_SINCE`];
    /// otherwise as soon as it has caught up, see [`View::ready`].
    pub async fn start(folder: &Path, log: Arc<dyn EventLog>, vault: Arc<dyn Vault>) -> Result<Self, StartError> {
        // Without the head of the log a file cannot be told to be of another log; then the log is away anyway.
        let head = log.head().await.ok();
        let (alive, ended) = mpsc::channel(1);
        let shared = Arc::new(Shared {
            log,
            vault,
            runtime: Handle::current(),
            folder: folder.to_owned(),
            state: Mutex::new(State { alive: Some(alive), ..State::default() }),
            watermark: watch::Sender::default(),
            readers: watch::Sender::default(),
            announcer: Announcer::new(),
        });
        let view = Self { shared: shared.clone(), ended };
        tokio::task::spawn_blocking(move || shared.open(head)).await.map_err(io::Error::from)??;
        Ok(view)
    }

    /// Answers queries.
    pub fn reads(&self) -> Reads {
        Reads::new(self.shared.readers.subscribe())
    }

    /// Hears what changes from now on.
    pub fn changes(&self) -> Changes<P::Change> {
        self.shared.announcer.listen()
    }

    /// Returns when answers contain the event at `position` and all before it.
    pub async fn wait_for(&self, position: Position, deadline: Instant) -> Result<(), WaitError> {
        let mut watermark = self.shared.watermark.subscribe();
        let reached = watermark.wait_for(|w| w.stopped || w.position >= Some(position));
        match timeout_at(deadline, reached).await {
            Err(_) => Err(WaitError::Behind),
            Ok(Ok(watermark)) if watermark.position >= Some(position) => Ok(()),
            Ok(_) => Err(WaitError::Stopped),
        }
    }

    /// Returns when queries are answered.
    pub async fn ready(&self, deadline: Instant) -> Result<(), WaitError> {
        let mut readers = self.shared.readers.subscribe();
        match timeout_at(deadline, readers.wait_for(Option::is_some)).await {
            Err(_) => Err(WaitError::Behind),
            Ok(outcome) => outcome.map(drop).map_err(|_| WaitError::Stopped),
        }
    }

    /// How the view is doing.
    pub async fn status(&self) -> Status {
        let head = self.shared.log.head().await.ok().flatten();
        let checkpoint = self.shared.watermark.borrow().position;
        let commit = |position: Option<Position>| position.map_or(0, |p| p.commit);
        let state = self.shared.state();
        Status {
            name: P::NAME,
            version: P::VERSION,
            ready: self.shared.readers.borrow().is_some(),
            building: state.is_building(),
            checkpoint,
            head,
            lag: commit(head).saturating_sub(commit(checkpoint)),
            events: state.events,
            failed: state.failed.clone(),
        }
    }

    /// Begins to build the view anew from the start of the log, beside the file that serves, and exchanges them when
    /// the new one has caught up. Also the way to go on after a failure whose cause was mended.
    pub async fn rebuild(&self) -> Result<(), StartError> {
        let shared = self.shared.clone();
        tokio::task::spawn_blocking(move || shared.build_anew()).await.map_err(io::Error::from)?
    }

    /// Stops following the log and returns when the files are closed for writing.
    pub async fn stop(mut self) {
        self.shared.let_go();
        // Nobody ever sends: this returns when the last thread has dropped its sender.
        self.ended.recv().await;
    }
}

impl<P: Projection> Drop for View<P> {
    fn drop(&mut self) {
        self.shared.let_go();
    }
}

impl<P: Projection> Shared<P> {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn let_go(&self) {
        let mut state = self.state();
        state.feeds.clear();
        state.alive = None;
        self.watermark.send_modify(|watermark| watermark.stopped = true);
    }

    /// Looks at the files that are there and takes the best.
    fn open(self: Arc<Self>, head: Option<Option<Position>>) -> Result<(), StartError> {
        std::fs::create_dir_all(&self.folder)?;
        let files = ViewFile::list(&self.folder, P::NAME)?;
        let mut unfinished: Option<(ViewFile, Writer<P>)> = None;
        for file in files.iter().rev().filter(|file| file.version == P::VERSION) {
            match open_sound::<P>(file, head)? {
                Some(writer) if writer.checkpoint().complete => {
                    // What a rebuild left behind that was broken off.
                    if let Some((newer, _)) = unfinished.take() {
                        newer.remove()?;
                    }
                    self.answer_from(file, writer.checkpoint())?;
                    return self.feed(file.clone(), writer, true);
                }
                Some(writer) if unfinished.is_none() => unfinished = Some((file.clone(), writer)),
                _ => file.remove()?,
            }
        }
        let readable = |file: &&ViewFile| (P::READS_SINCE..P::VERSION).contains(&file.version);
        for file in files.iter().rev().filter(readable) {
            let checkpoint = file::open_reader(&file.path).and_then(|rows| file::read_checkpoint(&rows));
            if let Ok(checkpoint) = checkpoint
                && checkpoint.complete
                && head.is_none_or(|head| checkpoint.position <= head)
            {
                self.answer_from(file, checkpoint)?;
                break;
            }
        }
        match unfinished {
            Some((file, writer)) => self.feed(file, writer, false),
            None => self.build_anew(),
        }
    }

    fn answer_from(&self, file: &ViewFile, checkpoint: file::Checkpoint) -> Result<(), StartError> {
        let readers = Readers::open(&file.path)?;
        self.serve(file, readers, checkpoint.position, checkpoint.events);
        Ok(())
    }

    /// Begins to build the next generation.
    fn build_anew(self: Arc<Self>) -> Result<(), StartError> {
        if self.state().is_building() {
            return Err(StartError::Busy);
        }
        let files = ViewFile::list(&self.folder, P::NAME)?;
        let generations = files.iter().filter(|file| file.version == P::VERSION).map(|file| file.generation);
        let file = ViewFile::new(&self.folder, P::NAME, P::VERSION, generations.max().unwrap_or(0) + 1);
        let writer = Writer::open(&file.path)?.ok_or(StartError::Busy)?;
        self.feed(file, writer, false)
    }

    /// Starts a thread that keeps the file up to date.
    fn feed(self: Arc<Self>, file: ViewFile, writer: Writer<P>, serving: bool) -> Result<(), StartError> {
        let (sender, stop) = watch::channel(());
        let mut state = self.state();
        let alive = state.alive.clone().ok_or(StartError::Busy)?;
        state.feeds.push((file.clone(), sender));
        drop(state);
        let feed = Feed::new(self, file, writer, serving, stop);
        let run = move || {
            let _alive = alive;
            feed.run();
        };
        std::thread::Builder::new().name(format!("view-{}", P::NAME)).spawn(run)?;
        Ok(())
    }

    /// Answers from `file` from now on, which contains everything up to `reached`. Not if something later was answered
    /// already: then it takes nothing new in until `file` has come as far, and false is returned.
    pub(crate) fn serve(&self, file: &ViewFile, readers: Readers, reached: Option<Position>, events: u64) -> bool {
        let mut state = self.state();
        state.feeds.retain(|(running, _)| running == file);
        if self.watermark.borrow().position > reached {
            return false;
        }
        let before = state.serving.replace(file.clone());
        (state.events, state.failed) = (events, None);
        self.readers.send_replace(Some(Arc::new(readers)));
        self.watermark.send_replace(Watermark { position: reached, stopped: state.alive.is_none() });
        if before.is_some() {
            self.announcer.announce_exchange();
        }
        drop(state);
        if file.version == P::VERSION {
            self.remove_older(file);
        }
        true
    }

    fn remove_older(&self, keep: &ViewFile) {
        let files = ViewFile::list(&self.folder, P::NAME).unwrap_or_default();
        // Newer versions stay: whoever went back to this one may go forward again. A newer generation is being built.
        for file in files.iter().filter(|file| *file < keep) {
            if let Err(error) = file.remove() {
                tracing::warn!(view = P::NAME, %error, "an old file of the view could not be removed");
            }
        }
    }

    /// Tells that `file` reaches further now.
    pub(crate) fn publish(
        &self,
        file: &ViewFile,
        reached: Option<Position>,
        events: u64,
        changes: Vec<Change<P::Change>>,
    ) {
        let mut state = self.state();
        if state.serving.as_ref() == Some(file) {
            state.events = events;
            // In this order whoever listens after a wait hears nothing that the wait was for.
            self.announcer.announce(changes);
            self.watermark.send_modify(|watermark| watermark.position = reached);
        }
    }

    /// A feed has ended. A damaged file that served is built anew; any other failure stays until it is mended.
    pub(crate) fn ended(self: Arc<Self>, file: &ViewFile, serving: bool, failure: Option<Failure>) {
        let mut state = self.state();
        state.feeds.retain(|(running, _)| running != file);
        let Some(failure) = failure else { return };
        let position = failure.position;
        tracing::error!(view = P::NAME, position = ?position.map(|p| p.to_string()), error = %failure.error, "the view has stopped");
        state.failed = Some(Failed { position, error: failure.error.to_string() });
        drop(state);
        if serving && failure.error.is_damage() {
            match self.clone().build_anew() {
                Ok(()) => return,
                Err(error) => tracing::error!(view = P::NAME, %error, "the view cannot be built anew"),
            }
        }
        if self.state().feeds.is_empty() {
            self.watermark.send_modify(|watermark| watermark.stopped = true);
        }
    }
}

/// Opens a file to go on with it. None, and the file is gone, if it is damaged, was made by other software or is of
/// another log.
fn open_sound<P: Projection>(file: &ViewFile, head: Option<Option<Position>>) -> Result<Option<Writer<P>>, StartError> {
    let opened = match Writer::open(&file.path) {
        Err(error) if !file::is_damage(&error) => return Err(error.into()),
        opened => opened.ok().flatten(),
    };
    let sound = opened.filter(|writer| head.is_none_or(|head| writer.checkpoint().position <= head));
    if sound.is_none() {
        tracing::warn!(view = P::NAME, "a file of the view is of no use and is built anew");
        file.remove()?;
    }
    Ok(sound)
}
