//! Management: the master key, and copies of everything it seals.

use super::line::{Line, lines};
use crate::web::extract::operator::{ManageBackups, ManageSecrets, ViewSystem};
use crate::web::manage::backups::{self, BackupVerdictView, BackupView, BackupsView};
use crate::web::manage::secrets::{self, SecretsView};

pub(super) fn lines() -> Vec<Line> {
    lines! {
        GET "/api/system/backups" ViewSystem backups::list, "Lists backups",
            gives(200 BackupsView);
        POST "/api/system/backups" ManageBackups backups::create, "Makes a backup and checks all of it",
            gives(201 BackupView);
        GET "/api/system/backups/{id}" ViewSystem backups::show, "Shows a backup",
            gives(200 BackupView);
        DELETE "/api/system/backups/{id}" ManageBackups backups::delete, "Removes a backup",
            gives(204);
        POST "/api/system/backups/{id}/verify" ManageBackups backups::verify, "Checks a backup",
            gives(200 BackupVerdictView);
        GET "/api/system/secrets" ManageSecrets secrets::show, "Shows what is sealed under the master key",
            gives(200 SecretsView);
        POST "/api/system/secrets/rotate" ManageSecrets secrets::rotate, "Goes over to another master key",
            gives(202 SecretsView);
    }
}
