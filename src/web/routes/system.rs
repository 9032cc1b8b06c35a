//! Management: how the gateway is.

use super::line::{Line, lines};
use crate::web::extract::operator::{ReadUsage, ViewSystem};
use crate::web::feed::{self, TicketView};
use crate::web::manage::list::List;
use crate::web::manage::system;
use crate::web::manage::system::{ActorView, FiguresView, HealthView, LogsQuery, SettingView};

pub(super) fn lines() -> Vec<Line> {
    lines! {
        GET "/api/system/health" ViewSystem system::health, "Says how the gateway is",
            gives(200 HealthView);
        GET "/api/system/metrics" ViewSystem system::figures, "Shows the process's figures",
            gives(200 FiguresView);
        GET "/api/system/actors" ViewSystem system::actors, "Lists the owners of state",
            gives(200 List<ActorView>);
        GET "/api/system/logs" ViewSystem system::logs, "Shows the latest lines of the log, newest first",
            asks(LogsQuery) gives(200 List<serde_json::Value>);
        GET "/api/system/settings" ViewSystem system::settings, "Lists settings and where their values come from",
            gives(200 List<SettingView>);
        POST "/api/feed/tickets" ReadUsage feed::ticket, "Gives a ticket that opens the live feed once",
            gives(201 TicketView);
    }
}
