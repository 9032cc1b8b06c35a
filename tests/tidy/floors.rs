//! Floors: who may name whom (the house's section 4). The tables are the rule; a change to them is a change to the house.

use crate::Fault;
use crate::paths::{Named, module, named};
use crate::source::{Source, words};

/// What a part of a crate may name of its own crate, besides itself. `x!` allows the types that `x` shows, not its rooms.
struct Floor {
    part: &'static str,
    may: &'static [&'static str],
}

const ALL: &[&str] = &["*"];

/// The gateway, top to bottom.
const GATEWAY: &[Floor] = &[
    Floor { part: "main", may: ALL },
    Floor { part: "lib", may: ALL },
    Floor { part: "cli", may: ALL },
    Floor { part: "app", may: ALL },
    Floor { part: "demo", may: ALL },
    Floor {
        part: "web",
        may: &["relay", "admin", "security", "store", "config", "logging", "background", "dialect!", "upstream!"],
    },
    Floor { part: "relay", may: &["dialect", "upstream", "tokenizer", "logging"] },
    // Changing a provider seals its key (only the façade does that) and vets its address.
    Floor { part: "admin", may: &["store", "security", "upstream", "catalogue", "logging", "background"] },
    Floor { part: "security", may: &["store", "logging"] },
    // A provider's refusal is worded in its dialect, and the sandbox counts real tokens.
    Floor { part: "upstream", may: &["dialect", "tokenizer", "logging"] },
    Floor { part: "dialect", may: &[] },
    Floor { part: "tokenizer", may: &[] },
    Floor { part: "catalogue", may: &[] },
    Floor { part: "store", may: &["logging", "background"] },
    Floor { part: "config", may: &[] },
    Floor { part: "logging", may: &[] },
    Floor { part: "background", may: &[] },
];

/// What actors stand on, besides the words of the field.
const GROUND: &[&str] = &["domain", "mailbox", "supervisor", "snapshot", "tasks", "error"];

/// The crate of the actors: parts that are not listed are actors, who see the ground and themselves, never each other.
const ACTORS: &[Floor] = &[
    Floor { part: "lib", may: ALL },
    Floor { part: "system", may: ALL },
    Floor { part: "testing", may: ALL },
    Floor { part: "domain", may: &[] },
    Floor { part: "error", may: &["domain"] },
    Floor { part: "mailbox", may: &["domain", "error", "supervisor", "tasks"] },
    Floor { part: "supervisor", may: &["domain", "error", "mailbox", "tasks"] },
    Floor { part: "snapshot", may: &["domain"] },
    Floor { part: "tasks", may: &["domain"] },
];

/// Outside names that only some files may know. A place ends with `/` for a part and its rooms.
struct Door {
    name: &'static str,
    places: &'static [&'static str],
    why: &'static str,
}

const WEB: &[&str] = &["src/web/", "src/app/", "src/cli/", "src/main/"];
const STORE: &[&str] = &["src/store/"];

const DOORS: &[Door] = &[
    Door { name: "actix_web", places: WEB, why: "HTTP is the web floor's" },
    Door { name: "actix_http", places: WEB, why: "HTTP is the web floor's" },
    Door { name: "actix_service", places: WEB, why: "HTTP is the web floor's" },
    Door { name: "actix_web_actors", places: WEB, why: "HTTP is the web floor's" },
    Door { name: "diesel", places: STORE, why: "the database is the store's" },
    Door { name: "diesel_migrations", places: STORE, why: "the database is the store's" },
    Door { name: "r2d2", places: STORE, why: "the database is the store's" },
    Door { name: "libsqlite3_sys", places: STORE, why: "the database is the store's" },
    Door { name: "awc", places: &["src/upstream/client/", "src/cli/http/"], why: "one file opens connections" },
    Door { name: "actix_tls", places: &["src/upstream/client/"], why: "one file opens connections" },
];

/// Outside names that a part may not know: it is pure.
const PURE: &[(&str, &[&str])] = &[
    ("src/dialect/", &["std::fs", "std::net", "std::env", "std::process", "std::thread", "tokio", "actix", "log"]),
    ("actors/src/domain/", &["std::fs", "std::net", "std::env", "std::process", "std::thread", "tokio", "actix"]),
    ("actors/src/", &["std::fs", "std::net", "std::env", "std::process", "tokio::net", "tokio::fs"]),
    ("src/relay/", &["std::fs", "std::net", "std::env", "tokio::net", "tokio::fs"]),
];

/// What only tests have: their orders come from outside.
const FOR_TESTS: &str = "actors/src/testing/";

/// What of the actors' crate is not for everyone: their machinery.
const MACHINERY: &[&str] = &["mailbox::Mailbox", "supervisor", "system"];
const MACHINISTS: &[&str] = &["src/app/", "src/cli/", "src/main/"];

/// Providers by name: the relay treats them all alike.
const PROVIDERS: &[&str] = &[
    "ProviderKind",
    "Openai",
    "OpenaiCompatible",
    "Anthropic",
    "Gemini",
    "Deepseek",
    "Xai",
    "Ollama",
    "Mistral",
    "Groq",
    "Moonshot",
    "Openrouter",
    "Azure",
    "Bedrock",
    "Vertex",
    "Sandbox",
    "kinds",
];

pub(crate) fn faults(source: &Source) -> Vec<Fault> {
    let paths = named(source);
    let mut found: Vec<Fault> = paths.iter().filter_map(|path| upwards(source, path)).collect();
    found.extend(paths.iter().filter_map(|path| outside(source, path)));
    found.extend(paths.iter().filter_map(|path| machinery(source, path)));
    found.extend(provider_names(source));
    found
}

fn upwards(source: &Source, path: &Named) -> Option<Fault> {
    let in_actors = source.path.starts_with("actors/");
    let [first, reached, rest @ ..] = path.segments.as_slice() else { return None };
    if first != "crate" {
        return None;
    }
    let home = module(&source.path);
    let part = home.first().map_or("lib", String::as_str);
    let table = if in_actors { ACTORS } else { GATEWAY };
    let listed = table.iter().find(|floor| floor.part == part).map(|floor| floor.may);
    let Some(may) = listed.or(in_actors.then_some(GROUND)) else {
        return Some(Fault::new(source, path.line, format!("{part} is on no floor: add it to tests/tidy/floors.rs")));
    };
    // A name that begins with a capital is re-exported by the crate's root, and the root is everyone's.
    let capital = reached.starts_with(|c: char| c.is_uppercase());
    let faced = rest.first().is_some_and(|item| item.starts_with(|c: char| c.is_uppercase()));
    let allowed =
        |known: &&str| *known == "*" || *known == reached || (faced && known.strip_suffix('!') == Some(reached));
    if reached == part || capital || may.iter().any(allowed) {
        return None;
    }
    let named = path.segments.join("::");
    Some(Fault::new(source, path.line, format!("{part} names {named}; it may name only {may:?} and itself")))
}

fn outside(source: &Source, path: &Named) -> Option<Fault> {
    let place = format!("{}/", source.path.trim_end_matches(".rs"));
    let full = path.segments.join("::");
    let first = path.segments.first()?;
    let door =
        DOORS.iter().find(|door| door.name == first && !door.places.iter().any(|known| place.starts_with(known)));
    if let Some(door) = door {
        return Some(Fault::new(
            source,
            path.line,
            format!("{full}: {} (only {:?} may name it)", door.why, door.places),
        ));
    }
    if place.starts_with(FOR_TESTS) {
        return None;
    }
    let begins = |name: &&str| full == **name || full.starts_with(&format!("{name}::"));
    let (_, names) = PURE.iter().find(|(part, names)| place.starts_with(part) && names.iter().any(begins))?;
    let what = format!("{full}: this part is pure and does not know {names:?}");
    Some(Fault::new(source, path.line, what))
}

fn machinery(source: &Source, path: &Named) -> Option<Fault> {
    let place = format!("{}/", source.path.trim_end_matches(".rs"));
    let full = path.segments.join("::");
    let inside = full.strip_prefix("farthing_actors::")?;
    let reached = MACHINERY.iter().any(|part| inside == *part || inside.starts_with(&format!("{part}::")));
    if !reached || MACHINISTS.iter().any(|known| place.starts_with(known)) {
        return None;
    }
    let what = format!("{full} is the actors' machinery; ask their handles");
    Some(Fault::new(source, path.line, what))
}

fn provider_names(source: &Source) -> Vec<Fault> {
    if !source.path.starts_with("src/relay") {
        return Vec::new();
    }
    let named = words(&source.code).filter(|(_, word)| PROVIDERS.contains(word));
    named
        .map(|(at, word)| Fault::new(source, source.line_at(at), format!("the relay names {word}; a kind is data")))
        .collect()
}
