//! Management: what was called and what it cost, and who did what.

use super::line::{Line, lines};
use crate::admin::books::ExportLine;
use crate::admin::reconcile::Reconciliation;
use crate::web::extract::operator::{ManageLedger, ManageProjects, ReadAudit, ReadUsage};
use crate::web::manage::audit::{AuditQuery, EventView};
use crate::web::manage::ledger::adjustments::{AdjustmentBody, AdjustmentView};
use crate::web::manage::ledger::entries::EntriesQuery;
use crate::web::manage::ledger::reconcile::ReconcileQuery;
use crate::web::manage::list::{List, ListQuery};
use crate::web::manage::requests::{DetailView, RequestsPage, RequestsQuery};
use crate::web::manage::shadow::{ReportView, ShadowQuery};
use crate::web::manage::usage::{
    BreakdownQuery, ExportQuery, LatencyPage, LatencyQuery, Point, Rows, SeriesQuery, Share, Summary, SummaryQuery,
};
use crate::web::manage::{audit, ledger, requests, shadow, usage};

pub(super) fn lines() -> Vec<Line> {
    lines! {
        GET "/api/audit" ReadAudit audit::list, "Lists who did what",
            asks(AuditQuery) gives(200 List<EventView>);
        GET "/api/audit/verify" ReadAudit audit::verify, "Proves that nobody altered the trail",
            gives(200 audit::VerdictView);
        GET "/api/audit/{id}" ReadAudit audit::show, "Shows one event of the trail",
            gives(200 EventView);
        GET "/api/requests" ReadUsage requests::list, "Lists calls",
            asks(RequestsQuery) gives(200 RequestsPage);
        GET "/api/requests/{id}" ReadUsage requests::show, "Tells a call's story",
            gives(200 DetailView);
        GET "/api/shadow" ReadUsage shadow::show, "Shows what limits in shadow mode would have refused",
            asks(ShadowQuery) gives(200 ReportView);
        DELETE "/api/shadow" ManageProjects shadow::forget, "Begins the shadow counts anew",
            gives(204);
        GET "/api/usage/summary" ReadUsage usage::summary, "Sums up usage and cost",
            asks(SummaryQuery) gives(200 Summary);
        GET "/api/usage/series" ReadUsage usage::series, "Shows usage and cost over time",
            asks(SeriesQuery) gives(200 Rows<Point>);
        GET "/api/usage/latency" ReadUsage usage::latency, "Shows how long calls took",
            asks(LatencyQuery) gives(200 LatencyPage);
        GET "/api/usage/breakdown" ReadUsage usage::breakdown, "Breaks usage and cost down",
            asks(BreakdownQuery) gives(200 Rows<Share>);
        GET "/api/usage/export" ReadUsage usage::export, "Gives usage and cost as a file",
            asks(ExportQuery) gives(200 Rows<serde_json::Value>) or("text/csv");
        GET "/api/ledger/verify" ReadUsage ledger::verify, "Proves that the books balance",
            gives(200 ledger::VerdictView);
        POST "/api/ledger/reconcile" ReadUsage ledger::reconcile::compare, "Compares the books with a provider's bill",
            asks(ReconcileQuery) reads("text/plain") gives(200 Reconciliation);
        GET "/api/ledger/entries" ReadUsage ledger::entries::list, "Lists or exports the ledger's lines",
            asks(EntriesQuery) gives(200 List<ExportLine>) or("text/csv") or("application/x-ndjson");
        GET "/api/ledger/adjustments" ReadUsage ledger::adjustments::list, "Lists adjustments",
            asks(ListQuery) gives(200 List<AdjustmentView>);
        POST "/api/ledger/adjustments" ManageLedger ledger::adjustments::create, "Books an adjustment",
            takes(AdjustmentBody) gives(201 AdjustmentView) gives(200 AdjustmentView);
    }
}
