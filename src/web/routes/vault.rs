//! Management: the master key, and what it seals.

use super::line::{Line, lines};
use crate::web::extract::operator::ManageSecrets;
use crate::web::manage::secrets::{self, SecretsView};

pub(super) fn lines() -> Vec<Line> {
    lines! {
        GET "/api/system/secrets" ManageSecrets secrets::show, "Shows what is sealed under the master key",
            gives(200 SecretsView);
        POST "/api/system/secrets/rotate" ManageSecrets secrets::rotate, "Goes over to another master key",
            gives(202 SecretsView);
    }
}
