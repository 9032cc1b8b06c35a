//! Amazon's request signature, version 4.
//! Owns the canonical form of a request and the chain of keys. Refuses clocks and the network: time is an argument.

use std::fmt::Write;

use farthing_actors::domain::{Secret, Timestamp};
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

/// What signs: an access key, its secret, and the token of a session that is not for ever.
pub(super) struct Credentials {
    access_key: String,
    secret: Secret,
    token: Option<String>,
}

/// A POST to be signed.
pub(super) struct Signed<'a> {
    pub host: &'a str,
    /// As it is sent, percent-encoded.
    pub path: &'a str,
    pub body: &'a [u8],
    pub region: &'a str,
    pub service: &'a str,
    /// `YYYYMMDDThhmmssZ`.
    pub time: &'a str,
}

impl Credentials {
    /// Reads `ACCESS_KEY_ID:SECRET_ACCESS_KEY` or `…:SESSION_TOKEN`; `None` for other text, which is a bearer token.
    pub(super) fn read(text: &str) -> Option<Self> {
        let (access_key, rest) = text.split_once(':')?;
        let (secret, token) = rest.split_once(':').map_or((rest, None), |(secret, token)| (secret, Some(token)));
        let (access_key, token) = (access_key.to_owned(), token.map(str::to_owned));
        Some(Self { access_key, secret: Secret::new(secret.to_owned()), token })
    }

    /// The headers that sign `request`.
    pub(super) fn sign(&self, request: &Signed<'_>) -> Vec<(&'static str, String)> {
        let token = self.token.iter().map(|token| ("x-amz-security-token", token.clone()));
        let mut headers = vec![("x-amz-date", request.time.to_owned())];
        headers.extend(token);
        let signed = [vec![("host", request.host.to_owned())], headers.clone()].concat();
        let canonical = canonical(("POST", &twice_encoded(request.path), ""), &signed, request.body);
        let date = request.time.get(..8).unwrap_or_default();
        let scope = format!("{date}/{}/{}/aws4_request", request.region, request.service);
        let to_sign = format!("AWS4-HMAC-SHA256\n{}\n{scope}\n{}", request.time, hash(canonical.as_bytes()));
        let signature = hex(&hmac(&self.key(date, request), to_sign.as_bytes()));
        let authorization = format!(
            "AWS4-HMAC-SHA256 Credential={}/{scope}, SignedHeaders={}, Signature={signature}",
            self.access_key,
            names(&signed)
        );
        headers.push(("authorization", authorization));
        headers
    }

    fn key(&self, date: &str, request: &Signed<'_>) -> Vec<u8> {
        let first = format!("AWS4{}", self.secret.expose()).into_bytes();
        [date, request.region, request.service, "aws4_request"]
            .iter()
            .fold(first, |key, part| hmac(&key, part.as_bytes()))
    }
}

/// The time as signatures have it.
pub(super) fn stamp(now: Timestamp) -> String {
    let time = jiff::Timestamp::from_millisecond(now.0).unwrap_or_default();
    time.strftime("%Y%m%dT%H%M%SZ").to_string()
}

/// The region in a host's name, as in `bedrock-runtime.eu-west-1.amazonaws.com`; the first of all where it names none.
pub(super) fn region(host: &str) -> &str {
    let mut labels = host.split('.').skip_while(|label| !label.starts_with("bedrock-runtime"));
    labels.nth(1).unwrap_or("us-east-1")
}

/// Method, path, query, headers (sorted by name, which those here are) and the body's hash.
fn canonical((method, path, query): (&str, &str, &str), headers: &[(&'static str, String)], body: &[u8]) -> String {
    let lines: String = headers.iter().map(|(name, value)| format!("{name}:{}\n", value.trim())).collect();
    format!("{method}\n{path}\n{query}\n{lines}\n{}\n{}", names(headers), hash(body))
}

fn names(headers: &[(&'static str, String)]) -> String {
    headers.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(";")
}

/// Every service but S3 signs the path encoded once more than it is sent.
fn twice_encoded(path: &str) -> String {
    path.replace('%', "%25")
}

fn hmac(key: &[u8], message: &[u8]) -> Vec<u8> {
    let mac = Hmac::<Sha256>::new_from_slice(key).map(|mac| mac.chain_update(message));
    // A key of any length is accepted.
    mac.map(|mac| mac.finalize().into_bytes().to_vec()).unwrap_or_default()
}

fn hash(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a string cannot fail.
        write!(text, "{byte:02x}").ok();
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

    /// The example of Amazon's own documentation ("create a signed request", IAM ListUsers).
    #[test]
    fn the_documented_example_is_signed_as_documented() {
        let headers = [
            ("content-type", "application/x-www-form-urlencoded; charset=utf-8".to_owned()),
            ("host", "iam.amazonaws.com".to_owned()),
            ("x-amz-date", "20150830T123600Z".to_owned()),
        ];
        let canonical = canonical(("GET", "/", "Action=ListUsers&Version=2010-05-08"), &headers, b"");
        assert_eq!(hash(canonical.as_bytes()), "f536975d06c0309214f805bb90ccff089219ecd68b2577efef23edd43b7e1a59");
        let credentials = Credentials::read(&format!("AKIDEXAMPLE:{SECRET}")).unwrap();
        let (host, time) = ("iam.amazonaws.com", "20150830T123600Z");
        let request = Signed { host, path: "/", body: b"", region: "us-east-1", service: "iam", time };
        let key = credentials.key("20150830", &request);
        assert_eq!(hex(&key), "c4afb1cc5771d871763a393e44b703571b55cc28424d1a5e86da6ed3c154a4b9");
        let scope = "20150830/us-east-1/iam/aws4_request";
        let to_sign = format!("AWS4-HMAC-SHA256\n{time}\n{scope}\n{}", hash(canonical.as_bytes()));
        let signature = hex(&hmac(&key, to_sign.as_bytes()));
        assert_eq!(signature, "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7");
    }

    #[test]
    fn time_and_region_are_written_as_amazon_reads_them() {
        assert_eq!(stamp(Timestamp(1_440_938_160_123)), "20150830T123600Z");
        assert_eq!(region("bedrock-runtime.eu-west-1.amazonaws.com"), "eu-west-1");
        assert_eq!(region("vpce-1.bedrock-runtime.us-west-2.vpce.amazonaws.com"), "us-west-2");
        assert_eq!(region("127.0.0.1:9000"), "us-east-1");
    }

    #[test]
    fn a_session_token_is_signed_and_other_text_is_a_bearer_token() {
        let credentials = Credentials::read("AKID:secret:token").unwrap();
        let (host, time) = ("bedrock-runtime.eu-west-1.amazonaws.com", "20261125T000000Z");
        let path = "/model/anthropic.claude%3A0/invoke";
        let request = Signed { host, path, body: b"{}", region: "eu-west-1", service: "bedrock", time };
        let headers = credentials.sign(&request);
        let names: Vec<_> = headers.iter().map(|(name, _)| *name).collect();
        assert_eq!(names, ["x-amz-date", "x-amz-security-token", "authorization"]);
        assert!(headers[2].1.contains("SignedHeaders=host;x-amz-date;x-amz-security-token, Signature="));
        assert!(Credentials::read("bedrock-api-key-abc").is_none());
    }
}
