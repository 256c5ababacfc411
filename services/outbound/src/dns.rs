//! Look-ups in the DNS. What is not there is told from who did not answer by the response code.

use std::{
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use hickory_resolver::{
    TokioResolver,
    config::{ConnectionConfig, NameServerConfig, ResolveHosts, ResolverConfig, ResolverOpts},
    net::{DnsError, NetError, runtime::TokioRuntimeProvider},
    proto::{
        op::ResponseCode,
        rr::{Name, RData, Record, RecordType},
    },
};
use tokio::time::timeout;

/// How long a look-up may take in all.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long the servers may take for one of the two tries that this leaves time for.
const ONE_TRY: Duration = Duration::from_secs(2);

/// Most names that one may lead on to (CNAME) in an answer; the resolver itself asks on eight times.
const MOST_ALIASES: usize = 16;

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
    /// If the system's configuration cannot be read or names no server.
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
        if servers.is_empty() {
            return Err(LookupError::Unreachable);
        }
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

    /// The texts of the TXT records of a name (in the DNS's own spelling, so `xn--` for other scripts), the strings of
    /// each joined, what is no UTF-8 replaced. None if there is no such name or record. They are bounded by the longest
    /// message of the DNS, 65,535 bytes (RFC 1035, 4.2.2).
    ///
    /// # Errors
    /// If nobody could tell; that is never taken for "not there".
    pub async fn txt(&self, name: &str) -> Result<Vec<String>, LookupError> {
        self.look_up(name, RecordType::TXT, |data| match data {
            RData::TXT(text) => Some(String::from_utf8_lossy(&text.txt_data.concat()).into_owned()),
            _ => None,
        })
        .await
    }

    /// The addresses of a host, IPv4 and IPv6. None if it has none. If only one kind could be found out, those.
    ///
    /// # Errors
    /// If nobody could tell.
    pub async fn addresses(&self, host: &str) -> Result<Vec<IpAddr>, LookupError> {
        let address = |data: &RData| data.ip_addr();
        let both =
            tokio::join!(self.look_up(host, RecordType::A, address), self.look_up(host, RecordType::AAAA, address));
        match both {
            (Ok(mut v4), Ok(v6)) => {
                v4.extend(v6);
                Ok(v4)
            }
            (Ok(found), Err(_)) | (Err(_), Ok(found)) if !found.is_empty() => Ok(found),
            (Err(error), _) | (_, Err(error)) => Err(error),
        }
    }

    async fn look_up<T>(
        &self,
        name: &str,
        kind: RecordType,
        read: impl Fn(&RData) -> Option<T>,
    ) -> Result<Vec<T>, LookupError> {
        let name = absolute(name)?;
        let looking = self.0.lookup(name.clone(), kind);
        match timeout(PATIENCE, looking).await.map_err(|_| LookupError::Timeout)? {
            Ok(found) => Ok(owned_by(&name, found.answers()).filter_map(|record| read(&record.data)).collect()),
            Err(error) => absent(&error).map(|()| Vec::new()),
        }
    }
}

/// No hosts file: the name is what the servers say. No cache: whoever has just published something has us look.
fn options(options: &mut ResolverOpts) {
    options.timeout = ONE_TRY;
    options.attempts = 1;
    options.cache_size = 0;
    options.use_hosts_file = ResolveHosts::Never;
    options.edns0 = true;
    // Tells whose records the answers are.
    options.preserve_intermediates = true;
}

/// The name from the root on, so that no search list applies.
fn absolute(name: &str) -> Result<Name, LookupError> {
    let mut name = Name::from_ascii(name).map_err(|_| LookupError::Name)?;
    name.set_fqdn(true);
    if name.is_root() { Err(LookupError::Name) } else { Ok(name) }
}

/// The records of the name itself or of what it is another name for; a server may have put others in.
fn owned_by<'a>(name: &Name, records: &'a [Record]) -> impl Iterator<Item = &'a Record> {
    let mut owners = vec![name.clone()];
    for record in records {
        if let RData::CNAME(target) = &record.data
            && owners.len() <= MOST_ALIASES
            && owners.contains(&record.name)
        {
            owners.push(target.0.clone());
        }
    }
    records.iter().filter(move |record| owners.contains(&record.name))
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
        _ => Err(LookupError::Unreachable),
    }
}
