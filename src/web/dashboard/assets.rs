//! Assets: style, scripts and icon, part of the binary.
//! Owns their list and the version in their address: a browser keeps a file for good, and a new build has new addresses.
//! Refuses every name that is not on the list.

use std::sync::LazyLock;

use actix_web::http::header::CACHE_CONTROL;
use actix_web::{HttpResponse, web};
use sha2::{Digest, Sha256};

use crate::web::error::{Code, Problem};
use crate::web::routes::line::Anybody;

const CSS: &str = "text/css; charset=utf-8";
const JS: &str = "text/javascript; charset=utf-8";
const SVG: &str = "image/svg+xml";

struct Asset {
    name: &'static str,
    kind: &'static str,
    bytes: &'static [u8],
}

const ASSETS: &[Asset] = &[
    Asset { name: "css/farthing.css", kind: CSS, bytes: include_bytes!("../../../static/css/farthing.css") },
    Asset { name: "js/api.js", kind: JS, bytes: include_bytes!("../../../static/js/api.js") },
    Asset { name: "js/calls.js", kind: JS, bytes: include_bytes!("../../../static/js/calls.js") },
    Asset { name: "js/page.js", kind: JS, bytes: include_bytes!("../../../static/js/page.js") },
    Asset { name: "js/live.js", kind: JS, bytes: include_bytes!("../../../static/js/live.js") },
    Asset { name: "js/pages/models.js", kind: JS, bytes: include_bytes!("../../../static/js/pages/models.js") },
    Asset { name: "js/pages/overview.js", kind: JS, bytes: include_bytes!("../../../static/js/pages/overview.js") },
    Asset { name: "js/pages/playground.js", kind: JS, bytes: include_bytes!("../../../static/js/pages/playground.js") },
    Asset { name: "js/pages/providers.js", kind: JS, bytes: include_bytes!("../../../static/js/pages/providers.js") },
    Asset { name: "js/pages/set_up.js", kind: JS, bytes: include_bytes!("../../../static/js/pages/set_up.js") },
    Asset { name: "js/pages/requests.js", kind: JS, bytes: include_bytes!("../../../static/js/pages/requests.js") },
    Asset { name: "icon.svg", kind: SVG, bytes: include_bytes!("../../../static/icon.svg") },
];

/// One version for all files: they are made for one another.
static VERSION: LazyLock<String> = LazyLock::new(|| {
    let whole = ASSETS.iter().fold(Sha256::new(), |hash, asset| hash.chain_update(asset.bytes));
    whole.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect()
});

/// The version, for the addresses in pages: `/static/<version>/<name>`.
pub fn version() -> &'static str {
    &VERSION
}

/// GET `/static/{version}/{name}`.
///
/// # Errors
/// 404 for a name that is not on the list.
pub async fn show(_: Anybody, path: web::Path<(String, String)>) -> Result<HttpResponse, Problem> {
    let (asked, name) = path.into_inner();
    let asset = ASSETS.iter().find(|asset| asset.name == name).ok_or_else(|| Problem::plain(Code::NotFound))?;
    // A page of the version before may still ask; what it gets must not be kept under that address.
    let keep = if asked == *VERSION { "public, max-age=31536000, immutable" } else { "no-store" };
    Ok(HttpResponse::Ok().content_type(asset.kind).insert_header((CACHE_CONTROL, keep)).body(asset.bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_asked_of_other_hosts_and_no_html_is_written_from_scripts() {
        for asset in ASSETS.iter().filter(|asset| asset.kind != SVG) {
            let text = std::str::from_utf8(asset.bytes).unwrap();
            for forbidden in ["http:", "https:", "innerHTML", "insertAdjacentHTML", "document.write", "eval("] {
                assert!(!text.contains(forbidden), "{} contains {forbidden}", asset.name);
            }
        }
    }
}
