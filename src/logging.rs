//! The log: one JSON object per line on standard error, with `time`, `level`, `message`, `target` and the fields of
//! the line. Owns the form, the names of fields and their cap. Refuses lines that break out of theirs, and the chatter
//! of libraries, whose debug lines may quote headers.

mod lines;

use std::borrow::Cow;
use std::io::{self, Write};

use env_logger::fmt::Formatter;
use farthing_actors::domain::Clock;
use log::kv::{self, VisitSource, VisitValue};
use log::{Level, LevelFilter, Record, SetLoggerError};
use serde::ser::{SerializeMap, Serializer as _};

pub use lines::{flush, recent};

/// The longest text of one field, in bytes; longer ones end in `…`.
const FIELD_CAP: usize = 1_024;
/// What is ours is logged at the configured level, what is not at most at this one.
const LIBRARIES: LevelFilter = LevelFilter::Warn;
/// It calls every malformed request an error, and with that strangers write the log as fast as they can send.
const STRANGERS: &str = "actix_http::h1::dispatcher";
const OURS: &str = "farthing";
const RESERVED: [&str; 4] = ["time", "level", "message", "target"];

/// The request a line is about.
pub const REQUEST_ID: &str = "request_id";
/// The project that is charged.
pub const PROJECT: &str = "project";
/// The id of a key, never its secret.
pub const KEY: &str = "key";
/// The model as the client named it.
pub const MODEL: &str = "model";
/// The provider asked.
pub const PROVIDER: &str = "provider";
/// The deployment asked.
pub const DEPLOYMENT: &str = "deployment";
/// Which try of a request this was, from 1.
pub const ATTEMPT: &str = "attempt";
/// How something ended.
pub const STATUS: &str = "status";
/// The HTTP status answered.
pub const HTTP_STATUS: &str = "http_status";
/// The method of a request.
pub const METHOD: &str = "method";
/// The route of a request, without its query.
pub const ROUTE: &str = "route";
/// Milliseconds something took.
pub const DURATION_MS: &str = "duration_ms";
/// Money charged, in US dollars.
pub const COST_USD: &str = "cost_usd";
/// An actor's name.
pub const ACTOR: &str = "actor";
/// Why something failed.
pub const ERROR: &str = "error";
/// A bound address.
pub const ADDRESS: &str = "address";
/// A file or folder.
pub const PATH: &str = "path";
/// How many.
pub const COUNT: &str = "count";

/// Starts logging for the life of the process. A constant names a field in brackets:
///
/// ```
/// use farthing::logging::REQUEST_ID;
/// log::info!((REQUEST_ID) = "req_1"; "request answered");
/// ```
///
/// # Errors
/// If logging was started before.
pub fn start(level: LevelFilter) -> Result<(), SetLoggerError> {
    lines::start();
    env_logger::Builder::new()
        .filter_level(level.min(LIBRARIES))
        .filter_module(STRANGERS, LevelFilter::Off)
        .filter_module(OURS, level)
        .target(env_logger::Target::Stderr)
        .format(write_line)
        .try_init()
}

fn write_line(out: &mut Formatter, record: &Record<'_>) -> io::Result<()> {
    let mut line = line(record, &Clock::system().now().to_string())?;
    line.push(b'\n');
    if record.level() >= Level::Info {
        match lines::gather(line) {
            Ok(()) => return Ok(()),
            Err(refused) => line = refused,
        }
    } else {
        lines::keep(line.clone());
    }
    // One write per line, so that lines of several threads do not mix.
    out.write_all(&line)
}

/// The line as JSON. `serde_json` escapes control characters, so no text can begin a line of its own.
fn line(record: &Record<'_>, time: &str) -> Result<Vec<u8>, serde_json::Error> {
    let mut bytes = Vec::with_capacity(256);
    let mut json = serde_json::Serializer::new(&mut bytes);
    let mut map = json.serialize_map(None)?;
    map.serialize_entry("time", time)?;
    map.serialize_entry("level", &record.level().as_str().to_lowercase())?;
    map.serialize_entry("message", &capped(&record.args().to_string()))?;
    map.serialize_entry("target", record.target())?;
    let mut fields = Fields { map, failed: None };
    // The only error a visit can bring is the one kept in `failed`.
    record.key_values().visit(&mut fields).ok();
    match fields.failed {
        Some(error) => Err(error),
        None => fields.map.end().map(|()| bytes),
    }
}

/// Writes each field of a line.
struct Fields<M: SerializeMap> {
    map: M,
    failed: Option<M::Error>,
}

impl<'kvs, M: SerializeMap> VisitSource<'kvs> for Fields<M> {
    fn visit_pair(&mut self, key: kv::Key<'kvs>, value: kv::Value<'kvs>) -> Result<(), kv::Error> {
        let name = key.as_str();
        // A second `time` would make the object ambiguous to its readers.
        let name = if RESERVED.contains(&name) { Cow::Owned(format!("field_{name}")) } else { Cow::Borrowed(name) };
        let written = self.map.serialize_key(&*name).and_then(|()| {
            let mut field = Field { map: &mut self.map, written: None };
            value.visit(&mut field).ok();
            field.written.unwrap_or(Ok(()))
        });
        written.map_err(|error| {
            self.failed = Some(error);
            kv::Error::msg("a field could not be written")
        })
    }
}

/// Writes the value of one field: numbers and switches as such, everything else as text.
struct Field<'m, M: SerializeMap> {
    map: &'m mut M,
    written: Option<Result<(), M::Error>>,
}

impl<M: SerializeMap> Field<'_, M> {
    fn write(&mut self, value: &(impl serde::Serialize + ?Sized)) -> Result<(), kv::Error> {
        self.written = Some(self.map.serialize_value(value));
        Ok(())
    }
}

impl<'v, M: SerializeMap> VisitValue<'v> for Field<'_, M> {
    fn visit_any(&mut self, value: kv::Value<'_>) -> Result<(), kv::Error> {
        self.write(&capped(&value.to_string()))
    }

    fn visit_null(&mut self) -> Result<(), kv::Error> {
        self.write(&())
    }

    fn visit_u64(&mut self, value: u64) -> Result<(), kv::Error> {
        self.write(&value)
    }

    fn visit_i64(&mut self, value: i64) -> Result<(), kv::Error> {
        self.write(&value)
    }

    fn visit_bool(&mut self, value: bool) -> Result<(), kv::Error> {
        self.write(&value)
    }

    fn visit_str(&mut self, value: &str) -> Result<(), kv::Error> {
        self.write(&capped(value))
    }
}

/// The text, cut at [`FIELD_CAP`].
fn capped(text: &str) -> Cow<'_, str> {
    if text.len() <= FIELD_CAP {
        return Cow::Borrowed(text);
    }
    let end = text.floor_char_boundary(FIELD_CAP);
    Cow::Owned(format!("{}…", text.get(..end).unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use log::Level;

    fn written(message: &str, fields: &[(&str, kv::Value<'_>)]) -> serde_json::Value {
        let args = format_args!("{message}");
        let record =
            Record::builder().args(args).level(Level::Warn).target("farthing::test").key_values(&fields).build();
        let bytes = line(&record, "2026-11-21T12:00:00.000Z").unwrap();
        assert!(!bytes.iter().any(u8::is_ascii_control), "a control character got out");
        serde_json::from_slice(&bytes).unwrap()
    }

    #[test]
    fn a_line_holds_its_fields_in_their_types() {
        let fields = [(REQUEST_ID, kv::Value::from("req_1")), (COUNT, 3_u64.into()), ("stream", true.into())];
        let expected = serde_json::json!({
            "time": "2026-11-21T12:00:00.000Z", "level": "warn", "message": "hello", "target": "farthing::test",
            "request_id": "req_1", "count": 3, "stream": true,
        });
        assert_eq!(written("hello", &fields), expected);
    }

    #[test]
    fn no_text_can_forge_a_line() {
        let json = written("one\n{\"level\":\"ERROR\"}\u{1b}[2J", &[(MODEL, "a\r\nb\0".into())]);
        assert_eq!(json["level"], "warn");
        assert_eq!(json["model"], "a\r\nb\0");
    }

    #[test]
    fn long_fields_are_cut_and_reserved_names_kept_apart() {
        let json = written(&"é".repeat(FIELD_CAP), &[("message", "mine".into())]);
        let message = json["message"].as_str().unwrap();
        assert!(message.ends_with('…') && message.len() <= FIELD_CAP + '…'.len_utf8());
        assert_eq!(json["field_message"], "mine");
    }
}
