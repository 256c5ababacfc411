//! Look-ups in the DNS. What is not there is told from who did not answer by the response code.

use std::{
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use hickory_resolver::{
    TokioResolver,
    config::{ConnectionConfig, LookupIpStrategy, NameServerConfig, ResolveHosts, ResolverConfig, ResolverOpts},
    net::{DnsError, NetError, runtime::TokioRuntimeProvider},
    proto::{
        op::ResponseCode,
        rr::{RData, RecordType},
    },
};

/// How long a look-up may take in all.
const PATIENCE: Duration = Duration::from_secs(5);
/// Most bytes of text that are taken out of one answer: more is no proof of anything.
const TEXT_BYTES: usize = 256 * 1024;

/// Why nothing is known about a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LookupError {
    /// No answer in time.
    #[error("they took too long")]
    Timeout,
    /// The servers answered that they cannot or will not say (SERVFAIL, REFUSED and the like).
    #[error("they answered with an error")]
    Refused,
    /// The servers were not reached, or answered with something else than DNS.
    #[error("they could not be reached")]
    Unreachable,
    /// The text is not a name that can be looked up.
    #[error("the name is not valid")]
    Name,
}

/// Asks name servers. Cheap to clone.
#[derive(Clone)]
pub struct Resolver(TokioResolver);

impl std::fmt::Debug for Resolver {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Resolver")
    }
}

impl Resolver {
    /// Asks the servers that the system is configured with.
    ///
    /// # Errors
    /// If the system's configuration cannot be read.
    pub fn system() -> Result<Self, LookupError> {
        let mut builder = TokioResolver::builder_tokio().map_err(|_| LookupError::Unreachable)?;
        options(builder.options_mut());
        builder.build().map(Self).map_err(|_| LookupError::Unreachable)
    }

    /// Asks these servers, over UDP and, for long answers, TCP.
    ///
    /// # Errors
    /// If there are none.
    pub fn with_servers(servers: &[SocketAddr]) -> Result<Self, LookupError> {
        let connections = |port| {
            [ConnectionConfig::udp(), ConnectionConfig::tcp()].map(|mut connection| {
                connection.port = port;
                connection
            })
        };
        let server =
            |address: &SocketAddr| NameServerConfig::new(address.ip(), true, connections(address.port()).into());
        let config = ResolverConfig::from_name_servers(servers.iter().map(server).collect());
        let mut builder = TokioResolver::builder_with_config(config, TokioRuntimeProvider::default());
        options(builder.options_mut());
        builder.build().map(Self).map_err(|_| LookupError::Unreachable)
    }

    /// The texts of the TXT records of a name, the strings of each joined. None if there is no such name or record.
    ///
    /// # Errors
    /// If nobody could tell; that is never taken for "not there".
    pub async fn txt(&self, name: &str) -> Result<Vec<String>, LookupError> {
        let answer = match within(self.0.lookup(absolute(name), RecordType::TXT)).await? {
            Ok(answer) => answer,
            Err(error) => return absent(&error).map(|()| Vec::new()),
        };
        let mut room = TEXT_BYTES;
        let texts = answer.answers().iter().filter_map(|record| match &record.data {
            RData::TXT(text) => Some(String::from_utf8_lossy(&text.txt_data.concat()).into_owned()),
            _ => None,
        });
        let fitting = texts.take_while(|text| {
            let fits = text.len() <= room;
            room = room.saturating_sub(text.len());
            fits
        });
        Ok(fitting.collect())
    }

    /// The addresses of a host, IPv4 and IPv6. None if it has none.
    ///
    /// # Errors
    /// If nobody could tell.
    pub async fn addresses(&self, host: &str) -> Result<Vec<IpAddr>, LookupError> {
        match within(self.0.lookup_ip(absolute(host))).await? {
            Ok(answer) => Ok(answer.iter().collect()),
            Err(error) => absent(&error).map(|()| Vec::new()),
        }
    }
}

/// No search list and no hosts file: the name is what it says. No cache: whoever has just published something looks.
fn options(options: &mut ResolverOpts) {
    options.timeout = Duration::from_secs(2);
    options.attempts = 1;
    options.cache_size = 0;
    options.ip_strategy = LookupIpStrategy::Ipv4AndIpv6;
    options.use_hosts_file = ResolveHosts::Never;
    options.edns0 = true;
}

fn absolute(name: &str) -> String {
    format!("{}.", name.trim_end_matches('.'))
}

async fn within<T>(lookup: impl Future<Output = Result<T, NetError>>) -> Result<Result<T, NetError>, LookupError> {
    tokio::time::timeout(PATIENCE, lookup).await.map_err(|_| LookupError::Timeout)
}

/// Whether the error says that there is no such record. The text of errors does not tell: the response code does.
fn absent(error: &NetError) -> Result<(), LookupError> {
    match error {
        NetError::Dns(DnsError::NoRecordsFound(none)) => match none.response_code {
            ResponseCode::NoError | ResponseCode::NXDomain => Ok(()),
            _ => Err(LookupError::Refused),
        },
        NetError::Dns(_) => Err(LookupError::Refused),
        NetError::Timeout => Err(LookupError::Timeout),
        NetError::Proto(_) => Err(LookupError::Name),
        _ => Err(LookupError::Unreachable),
    }
}
