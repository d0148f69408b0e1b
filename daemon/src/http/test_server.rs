//! A server for the tests of the clients of both APIs.

use std::future::IntoFuture as _;

use axum::Router;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use reqwest::Url;
use tokio::task::JoinSet;

/// Serves a router for as long as the set lives.
pub(crate) async fn serve(router: Router) -> (Url, JoinSet<()>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}/", listener.local_addr().unwrap()).parse().unwrap();
    let mut server = JoinSet::new();
    server.spawn(async move { axum::serve(listener, router).into_future().await.unwrap() });
    (base, server)
}

/// An answer with a JSON body, and whatever else stands in `headers`.
pub(crate) fn reply(status: u16, headers: &[(&str, &str)], body: &str) -> Response {
    let mut reply = (StatusCode::from_u16(status).unwrap(), body.to_owned()).into_response();
    for (name, value) in headers {
        let name: axum::http::HeaderName = name.parse().unwrap();
        reply.headers_mut().insert(name, value.parse().unwrap());
    }
    reply
}
