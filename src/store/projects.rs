//! The table `projects`: a row for each project, and what may be read of it.
//! Owns the spelling of a project in a row. Refuses rules: the keyring has decided before anything comes here.

use diesel::dsl::exists;
use diesel::prelude::*;
use diesel::result::{DatabaseErrorKind, Error};
use farthing_actors::domain::{Budget, ProjectId, ResponseCache, Scope, Timestamp};
use farthing_actors::keyring::Project;

use super::StoreError;
use super::columns::{self, Row};
use super::schema::{projects, spend};

/// One row, as read and as written. `managed_by` is neither: it stays what it is.
#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = projects, treat_none_as_null = true)]
struct ProjectRow {
    id: String,
    name: String,
    parent_id: Option<String>,
    budget_limit: Option<String>,
    budget_window: Option<String>,
    budget_time_zone: Option<String>,
    budget_warn: Option<String>,
    budget_mode: Option<String>,
    limits_mode: Option<String>,
    rpm: Option<i64>,
    tpm: Option<i64>,
    concurrency: Option<i64>,
    allowed_models: String,
    response_cache_ttl: Option<i64>,
    created_at: i64,
    deactivated_at: Option<i64>,
}

/// Every project.
///
/// # Errors
/// If the database does not answer or a row is damaged.
pub fn load(connection: &mut SqliteConnection) -> Result<Vec<Project>, StoreError> {
    let rows = projects::table.select(ProjectRow::as_select()).order(projects::id).load(connection)?;
    rows.into_iter().map(ProjectRow::into_project).collect()
}

/// Writes the project over the row with its id, or as a new one.
///
/// # Errors
/// If the database refuses it.
pub fn save(connection: &mut SqliteConnection, project: &Project) -> Result<(), StoreError> {
    let row = ProjectRow::from(project);
    let insert = diesel::insert_into(projects::table).values(&row);
    insert.on_conflict(projects::id).do_update().set(&row).execute(connection)?;
    Ok(())
}

/// Removes the row.
///
/// # Errors
/// If the database does not answer, or another row or the ledger refers to it.
pub fn remove(connection: &mut SqliteConnection, id: ProjectId) -> Result<(), StoreError> {
    let id = id.to_string();
    let booked = diesel::select(exists(spend::table.filter(spend::account.eq(&id))));
    if booked.get_result(connection)? {
        return Err(StoreError::Database(named_by_the_ledger()));
    }
    diesel::delete(projects::table.find(id)).execute(connection)?;
    Ok(())
}

/// The ledger has no foreign keys, because every call would pay for them; a removal is refused as if it had.
fn named_by_the_ledger() -> Error {
    Error::DatabaseError(DatabaseErrorKind::ForeignKeyViolation, Box::new("the ledger names this project".to_owned()))
}

/// The budgets of all projects that have one.
///
/// # Errors
/// If the database does not answer or a row is damaged.
pub fn budgets(connection: &mut SqliteConnection) -> Result<Vec<(Scope, Budget)>, StoreError> {
    let window = (projects::budget_window, projects::budget_time_zone);
    let columns = (projects::budget_limit, window.0, window.1, projects::budget_warn, projects::budget_mode);
    let budgeted = projects::table.filter(projects::budget_limit.is_not_null());
    let rows: Vec<(String, columns::BudgetColumns)> = budgeted.select((projects::id, columns)).load(connection)?;
    columns::budgets("projects", &rows)
}

impl From<&Project> for ProjectRow {
    fn from(project: &Project) -> Self {
        let (budget_limit, budget_window, budget_time_zone, budget_warn, budget_mode) =
            columns::budget_columns(project.budget.as_ref());
        Self {
            id: project.id.to_string(),
            name: project.name.clone(),
            parent_id: project.parent.map(|parent| parent.to_string()),
            budget_limit,
            budget_window,
            budget_time_zone,
            budget_warn,
            budget_mode,
            limits_mode: Some(project.limits.mode.name().to_owned()),
            rpm: project.limits.rpm.map(i64::from),
            tpm: project.limits.tpm.map(columns::signed),
            concurrency: project.limits.concurrency.map(i64::from),
            allowed_models: columns::allowed_column(&project.allowed_models),
            response_cache_ttl: project.response_cache.map(|cache| i64::from(cache.ttl_seconds)),
            created_at: project.created_at.0,
            deactivated_at: project.deactivated_at.map(|time| time.0),
        }
    }
}

impl ProjectRow {
    fn into_project(self) -> Result<Project, StoreError> {
        let row = Row { table: "projects", id: &self.id };
        Ok(Project {
            id: row.parse("id", &self.id)?,
            parent: self.parent_id.as_deref().map(|parent| row.parse("parent_id", parent)).transpose()?,
            budget: row.budget(&(
                self.budget_limit,
                self.budget_window,
                self.budget_time_zone,
                self.budget_warn,
                self.budget_mode,
            ))?,
            limits: row.limits((self.rpm, self.tpm, self.concurrency), self.limits_mode.as_deref())?,
            allowed_models: row.json("allowed_models", &self.allowed_models)?,
            response_cache: row
                .optional("response_cache_ttl", self.response_cache_ttl)?
                .map(|ttl_seconds| ResponseCache { ttl_seconds }),
            deactivated_at: self.deactivated_at.map(Timestamp),
            created_at: Timestamp(self.created_at),
            name: self.name,
        })
    }
}
