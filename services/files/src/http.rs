//! Lets the client of the storage use the HTTP client that the rest of the platform has, instead of bringing another one
//! with another implementation of TLS.

use std::{error::Error, time::Duration};

use async_trait::async_trait;
use http_body_util::BodyExt;
use object_store::{
    ClientConfigKey, ClientOptions,
    client::{
        HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpResponse, HttpResponseBody, HttpService,
    },
};
use reqwest::{Body, Client, Request, redirect};

/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(5);
/// How long a request may take, its file included.
const REQUEST: Duration = Duration::from_secs(20);

/// Makes clients.
#[derive(Debug)]
pub(crate) struct Connector;

impl HttpConnector for Connector {
    fn connect(&self, options: &ClientOptions) -> object_store::Result<HttpClient> {
        let allows_http = options.get_config_value(&ClientConfigKey::AllowHttp).is_some_and(|value| value == "true");
        let client = Client::builder()
            .https_only(!allows_http)
            .redirect(redirect::Policy::none())
            .connect_timeout(CONNECT)
            .timeout(REQUEST)
            .build()
            .map_err(|error| object_store::Error::Generic { store: "HTTP", source: Box::new(error) })?;
        Ok(HttpClient::new(Service(client)))
    }
}

#[derive(Debug)]
struct Service(Client);

#[async_trait]
impl HttpService for Service {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let request = Request::try_from(request.map(Body::wrap)).map_err(failure)?;
        let response = http::Response::<Body>::from(self.0.execute(request).await.map_err(failure)?);
        Ok(response.map(|body| HttpResponseBody::new(body.map_err(failure))))
    }
}

/// Says what kind of failure it was, which decides whether the request is repeated.
fn failure(error: reqwest::Error) -> HttpError {
    let kind = match &error {
        error if error.is_timeout() => HttpErrorKind::Timeout,
        error if error.is_connect() => HttpErrorKind::Connect,
        error if error.is_builder() => HttpErrorKind::Unknown,
        error if error.is_body() || error.is_decode() => HttpErrorKind::Interrupted,
        _ => HttpErrorKind::Request,
    };
    let source: Box<dyn Error + Send + Sync> = Box::new(error.without_url());
    HttpError::new_boxed(kind, source)
}
