//! A name that changes its mind between two connections.

use std::cell::Cell;
use std::net::{Ipv4Addr, TcpListener};
use std::rc::Rc;

use super::super::connect_error;
use super::*;
use crate::upstream::UpstreamError;

/// Answers with each of its lists in turn, and counts how often it is asked.
#[derive(Clone)]
struct Rebinding(Rc<(Cell<usize>, Vec<Vec<SocketAddr>>)>);

impl Names for Rebinding {
    fn addresses<'a>(&'a self, _: &'a str, _: u16) -> LocalBoxFuture<'a, io::Result<Vec<SocketAddr>>> {
        let (asked, answers) = &*self.0;
        let answer = answers[asked.replace(asked.get() + 1) % answers.len()].clone();
        Box::pin(async move { Ok(answer) })
    }
}

impl Rebinding {
    fn new(answers: Vec<Vec<SocketAddr>>) -> Self {
        Self(Rc::new((Cell::new(0), answers)))
    }
}

#[actix::test]
async fn a_name_is_vetted_at_each_connection_and_a_forbidden_one_is_never_dialled() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let loopback = listener.local_addr().unwrap();
    let public = SocketAddr::from((Ipv4Addr::new(8, 8, 8, 8), loopback.port()));
    let names = Rebinding::new(vec![vec![public], vec![loopback], vec![public, loopback]]);
    let vetted = Vetted { names: names.clone(), private: false };
    assert_eq!(vetted.lookup("api.x.org", loopback.port()).await.unwrap(), [public], "the first answer is fine");
    for _ in 0..2 {
        let client = crate::upstream::client::pool(connector(names.clone(), false), std::time::Duration::from_secs(5));
        let answer = client.get(format!("http://api.x.org:{}/v1", loopback.port())).send().await;
        let error = connect_error(&answer.unwrap_err());
        let UpstreamError::Misconfigured(reason) = error else { panic!("{error}") };
        assert!(reason.contains("api.x.org leads to 127.0.0.1 (loopback)"), "{reason}");
    }
    assert_eq!(names.0.0.get(), 3, "asked anew for each connection");
    assert_eq!(listener.accept().unwrap_err().kind(), io::ErrorKind::WouldBlock, "nobody came");
}

#[actix::test]
async fn permission_opens_private_networks() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let loopback = listener.local_addr().unwrap();
    let names = Rebinding::new(vec![vec![loopback]]);
    let client = crate::upstream::client::pool(connector(names, true), std::time::Duration::from_secs(5));
    let call = client.get(format!("http://models.lan:{}/v1", loopback.port())).send();
    drop(tokio::time::timeout(std::time::Duration::from_millis(200), call).await);
    assert!(listener.accept().is_ok(), "it was dialled");
}

#[actix::test]
async fn an_address_in_brackets_is_no_name() {
    let vetted = Vetted { names: Rebinding::new(vec![vec![]]), private: false };
    assert!(vetted.lookup("[::1]", 443).await.is_err());
    assert!(vetted.lookup("[2606:4700::1111]", 443).await.is_ok());
}
