//! Runs tests that need something which a machine may lack. Such a test is then counted as ignored and says why: it is
//! never counted as passed.

use std::{future::Future, pin::Pin};

use libtest_mimic::{Arguments, Trial};

use crate::{names, node, providers, smtp, storage};

/// What a test needs beside the platform.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// Chromium.
    Browser,
    /// The mail server of the tests.
    Mail,
    /// The name server of the tests.
    Names,
    /// Node and the clients that run on it.
    Node,
    /// SimpleSAMLphp.
    SimpleSamlPhp,
    /// Storage for files.
    Storage,
}

impl Need {
    /// Why it is not there; none if it is.
    fn missing(self) -> Option<String> {
        match self {
            Self::Browser => node::browser()
                .is_none()
                .then(|| "Chromium is not installed; `.ci/setup test` installs it where there is apt-get".to_owned()),
            Self::Mail => smtp::missing(),
            Self::Names => names::missing(),
            Self::Node => node::missing(),
            Self::SimpleSamlPhp => providers::simplesamlphp_missing(),
            Self::Storage => storage::missing(),
        }
    }
}

type Run = Box<dyn FnOnce() -> Pin<Box<dyn Future<Output = ()>>> + Send>;

/// A test.
pub struct Test {
    name: &'static str,
    needs: &'static [Need],
    run: Run,
}

impl Test {
    /// A test that is the future that `run` makes; it fails by panicking.
    pub fn new<F, R>(name: &'static str, needs: &'static [Need], run: R) -> Self
    where
        F: Future<Output = ()> + 'static,
        R: FnOnce() -> F + Send + 'static,
    {
        Self { name, needs, run: Box::new(|| Box::pin(run())) }
    }

    fn into_trial(self) -> Trial {
        let reasons: Vec<_> = self.needs.iter().filter_map(|need| need.missing()).collect();
        if reasons.is_empty() {
            let run = self.run;
            return Trial::test(self.name, || {
                let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
                runtime.block_on(run());
                Ok(())
            });
        }
        let reasons = reasons.join("; ");
        eprintln!("SKIPPED {}: {reasons}", self.name);
        // Whoever insists on running it gets a failure.
        Trial::test(self.name, move || Err(reasons.into())).with_ignored_flag(true)
    }
}

/// The `main` of a file of tests.
pub fn main(tests: Vec<Test>) {
    let mut arguments = Arguments::from_args();
    // Each test runs the whole platform; two at once would only slow each other down.
    arguments.test_threads = Some(arguments.test_threads.unwrap_or(1));
    libtest_mimic::run(&arguments, tests.into_iter().map(Test::into_trial).collect()).exit();
}
