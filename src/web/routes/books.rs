//! Management: what was called and what it cost, and who did what.

use super::line::{Line, lines};
use crate::web::extract::operator::{ManageLedger, ManageProjects, ReadAudit, ReadUsage};
use crate::web::manage::{audit, ledger, requests, shadow, usage};

pub(super) fn lines() -> Vec<Line> {
    lines! {
        GET    "/api/audit"               ReadAudit      audit::list,                  "Lists who did what";
        GET    "/api/audit/verify"        ReadAudit      audit::verify,                "Proves that nobody altered the trail";
        GET    "/api/audit/{id}"          ReadAudit      audit::show,                  "Shows one event of the trail";
        GET    "/api/requests"            ReadUsage      requests::list,               "Lists calls";
        GET    "/api/requests/{id}"       ReadUsage      requests::show,               "Tells a call's story";
        GET    "/api/shadow"              ReadUsage      shadow::show,                 "Shows what limits in shadow mode would have refused";
        DELETE "/api/shadow"              ManageProjects shadow::forget,               "Begins the shadow counts anew";
        GET    "/api/usage/summary"       ReadUsage      usage::summary,               "Sums up usage and cost";
        GET    "/api/usage/series"        ReadUsage      usage::series,                "Shows usage and cost over time";
        GET    "/api/usage/breakdown"     ReadUsage      usage::breakdown,             "Shows usage and cost by project, key, model, provider or day";
        GET    "/api/usage/export"        ReadUsage      usage::export,                "Gives usage and cost as a file";
        GET    "/api/ledger/verify"       ReadUsage      ledger::verify,               "Proves that the books balance";
        POST   "/api/ledger/reconcile"    ReadUsage      ledger::reconcile::compare,   "Compares the books with a provider's bill";
        GET    "/api/ledger/entries"      ReadUsage      ledger::entries::list,        "Lists or exports the ledger's lines";
        GET    "/api/ledger/adjustments"  ReadUsage      ledger::adjustments::list,    "Lists adjustments";
        POST   "/api/ledger/adjustments"  ManageLedger   ledger::adjustments::create,  "Books an adjustment";
    }
}
