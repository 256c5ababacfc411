//! Processes that a test starts, and ends by their ids, whatever becomes of the test.

use std::{
    net::{Ipv4Addr, TcpListener},
    process::{Child, ExitStatus},
    sync::atomic::{AtomicU16, Ordering},
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal};

/// A process that is killed when it goes out of scope.
#[derive(Debug)]
pub struct Process(Child);

impl Process {
    /// Takes charge of a process that was just started.
    pub fn new(child: Child) -> Self {
        Self(child)
    }

    /// Its id.
    pub fn id(&self) -> u32 {
        self.0.id()
    }

    /// How it has ended, if it has.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.0.try_wait().unwrap()
    }

    /// Kills it as a power cut would: it gets no chance to put anything in order.
    pub fn kill(mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }

    /// Asks it to end and waits until it has.
    pub fn terminate(mut self) -> ExitStatus {
        let pid = i32::try_from(self.id()).ok().and_then(Pid::from_raw).unwrap();
        rustix::process::kill_process(pid, Signal::TERM).unwrap();
        let deadline = Instant::now() + Duration::from_secs(30);
        while Instant::now() < deadline {
            if let Some(status) = self.ended() {
                return status;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("process {} was asked to end and has not ended within 30 seconds", self.id());
    }

    /// Waits until it has nothing more to do by itself, such as after a start on a long log.
    pub async fn idle(&self) {
        let deadline = Instant::now() + Duration::from_secs(120);
        loop {
            let before = self.processor_time();
            tokio::time::sleep(Duration::from_secs(1)).await;
            if self.processor_time() - before < Duration::from_millis(50) {
                return;
            }
            assert!(Instant::now() < deadline, "process {} does not come to rest", self.id());
        }
    }

    /// Processor time that it has used so far, in all its threads.
    pub fn processor_time(&self) -> Duration {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.id())).unwrap();
        // The name of the program, in parentheses, may hold anything; user and system time are the 12th and 13th after it.
        let fields: Vec<_> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
        let ticks: u64 = fields[11..13].iter().map(|ticks| ticks.parse::<u64>().unwrap()).sum();
        Duration::from_millis(ticks * 1_000 / rustix::param::clock_ticks_per_second())
    }

    /// Bytes that it has had written to disk so far.
    pub fn written_bytes(&self) -> u64 {
        let io = std::fs::read_to_string(format!("/proc/{}/io", self.id())).unwrap();
        io.lines().find_map(|line| line.strip_prefix("write_bytes: ")).unwrap().parse().unwrap()
    }

    /// Memory that it holds at this moment, in KiB; `VmRSS` of Linux.
    pub fn resident_kib(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.split_whitespace().next().unwrap().parse().unwrap()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself.
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

/// A port on which nobody listens, and that the system gives to no outgoing connection: below its ephemeral ports, so
/// that a process which was killed finds it free when it comes back.
pub fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let start = (std::process::id() % 10_000) as u16;
    for _ in 0..1_000 {
        let port = 20_000 + (start + NEXT.fetch_add(7, Ordering::Relaxed)) % 12_000;
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return port;
        }
    }
    panic!("no port is free");
}
