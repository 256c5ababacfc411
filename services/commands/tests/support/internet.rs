//! A piece of internet on loopback: a name server and a website that answer as they are told.

use std::{
    collections::HashMap,
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex, MutexGuard},
};

use commands::domain_proof::{Outbound, Sought};
use hickory_resolver::proto::{
    op::{Message, ResponseCode},
    rr::{
        RData, Record, RecordType,
        rdata::{A, TXT},
    },
};
use outbound::http::Reach;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream, UdpSocket},
};

/// What is answered to who looks for texts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Texts {
    Records(Vec<String>),
    Code(ResponseCode),
    Silence,
}

/// What is answered to who fetches a page.
#[derive(Debug, Clone)]
pub enum Page {
    Content(u16, String),
    SentOn(String),
    Silence,
}

#[derive(Default)]
struct State {
    texts: HashMap<String, Texts>,
    pages: HashMap<String, Page>,
    asked: HashMap<String, usize>,
}

/// Every host has the website, without https.
#[derive(Clone)]
pub struct Internet {
    state: Arc<Mutex<State>>,
    names: SocketAddr,
    website: u16,
}

impl Internet {
    pub async fn start() -> Self {
        let names = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let website = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let internet = Self {
            state: Arc::default(),
            names: names.local_addr().unwrap(),
            website: website.local_addr().unwrap().port(),
        };
        tokio::spawn(internet.clone().serve_names(names));
        tokio::spawn(internet.clone().serve_website(website));
        internet
    }

    pub fn outbound(&self) -> Outbound {
        // Nobody listens at port 1.
        Outbound::new(&[self.names], Reach::Anywhere { http: self.website, https: 1 }).unwrap()
    }

    /// Where the name server is.
    pub fn names(&self) -> SocketAddr {
        self.names
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// How often somebody looked for the texts of a name or fetched a path.
    pub fn asked(&self, what: &str) -> usize {
        self.state().asked.get(what).copied().unwrap_or_default()
    }

    pub fn set_texts(&self, name: &str, texts: Texts) {
        self.state().texts.insert(name.to_owned(), texts);
    }

    pub fn set_page(&self, name: &str, page: Page) {
        self.state().pages.insert(format!("/{name}"), page);
    }

    /// Publishes what is sought, beside what is there.
    pub fn publish(&self, sought: &Sought) {
        match sought {
            Sought::Record { name, text, .. } => {
                let mut state = self.state();
                let texts = state.texts.entry(name.clone()).or_insert(Texts::Records(Vec::new()));
                match texts {
                    Texts::Records(records) => records.push(text.clone()),
                    other => *other = Texts::Records(vec![text.clone()]),
                }
            }
            Sought::File { name, content } => self.set_page(name, Page::Content(200, content.clone())),
        }
    }

    async fn serve_names(self, socket: UdpSocket) {
        let mut buffer = [0; 4_096];
        while let Ok((length, from)) = socket.recv_from(&mut buffer).await {
            let Ok(query) = Message::from_vec(&buffer[..length]) else { continue };
            if let Some(reply) = self.answer(query) {
                socket.send_to(&reply.to_vec().unwrap(), from).await.ok();
            }
        }
    }

    fn answer(&self, query: Message) -> Option<Message> {
        let question = query.queries.first()?.clone();
        let mut reply = query.into_response();
        let name = question.name.to_ascii().trim_end_matches('.').to_owned();
        match question.query_type {
            RecordType::A => {
                reply.add_answer(Record::from_rdata(question.name, 60, RData::A(A(Ipv4Addr::LOCALHOST))));
            }
            RecordType::TXT => {
                let mut state = self.state();
                *state.asked.entry(name.clone()).or_default() += 1;
                match state.texts.get(&name).cloned().unwrap_or(Texts::Code(ResponseCode::NXDomain)) {
                    Texts::Silence => return None,
                    Texts::Code(code) => reply.metadata.response_code = code,
                    Texts::Records(texts) => {
                        let record =
                            |text| Record::from_rdata(question.name.clone(), 60, RData::TXT(TXT::new(vec![text])));
                        reply.add_answers(texts.into_iter().map(record));
                    }
                }
            }
            _ => {}
        }
        Some(reply)
    }

    async fn serve_website(self, listener: TcpListener) {
        while let Ok((stream, _)) = listener.accept().await {
            let internet = self.clone();
            tokio::spawn(async move { internet.serve_page(stream).await });
        }
    }

    async fn serve_page(self, mut stream: TcpStream) -> std::io::Result<()> {
        let mut request = Vec::new();
        while !request.windows(4).any(|end| end == b"\r\n\r\n") {
            if stream.read_buf(&mut request).await? == 0 {
                return Ok(());
            }
        }
        let path = String::from_utf8_lossy(&request).split(' ').nth(1).unwrap_or_default().to_owned();
        let page = {
            let mut state = self.state();
            *state.asked.entry(path.clone()).or_default() += 1;
            state.pages.get(&path).cloned().unwrap_or(Page::Content(404, "Not here".to_owned()))
        };
        let (status, header, body) = match page {
            Page::Content(status, body) => (status, String::new(), body),
            Page::SentOn(to) => (302, format!("location: {to}\r\n"), String::new()),
            Page::Silence => std::future::pending().await,
        };
        let head =
            format!("HTTP/1.1 {status} X\r\n{header}content-length: {}\r\nconnection: close\r\n\r\n", body.len());
        stream.write_all(head.as_bytes()).await?;
        stream.write_all(body.as_bytes()).await
    }
}
