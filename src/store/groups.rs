//! The table `model_groups`. Owns the spelling of a group in a row. Refuses to look whether its targets are there: the
//! registry does.

use std::sync::Arc;

use diesel::prelude::*;
use farthing_actors::domain::{GroupId, Timestamp};
use farthing_actors::registry::Group;

use super::StoreError;
use super::columns::Row;
use super::schema::model_groups;

/// One row, as read and as written, except `managed_by`, which stays what it is.
#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = model_groups, treat_none_as_null = true)]
struct GroupRow {
    id: String,
    name: String,
    strategy: String,
    classifier: Option<String>,
    targets: String,
    shadows: Option<String>,
    created_at: i64,
    updated_at: i64,
}

/// Every group.
///
/// # Errors
/// If the database does not answer or a row is damaged.
pub fn load(connection: &mut SqliteConnection) -> Result<Vec<Group>, StoreError> {
    let rows = model_groups::table.select(GroupRow::as_select()).order(model_groups::id).load(connection)?;
    rows.into_iter().map(GroupRow::into_group).collect()
}

/// Writes the group over the row with its id, or as a new one.
///
/// # Errors
/// If the database refuses it.
pub fn save(connection: &mut SqliteConnection, group: &Group) -> Result<(), StoreError> {
    let row = GroupRow::from(group);
    let insert = diesel::insert_into(model_groups::table).values(&row);
    insert.on_conflict(model_groups::id).do_update().set(&row).execute(connection)?;
    Ok(())
}

/// Removes the row.
///
/// # Errors
/// If the database does not answer.
pub fn remove(connection: &mut SqliteConnection, id: GroupId) -> Result<(), StoreError> {
    diesel::delete(model_groups::table.find(id.to_string())).execute(connection)?;
    Ok(())
}

impl From<&Group> for GroupRow {
    fn from(group: &Group) -> Self {
        Self {
            id: group.id.to_string(),
            name: group.name.to_string(),
            strategy: group.strategy.to_string(),
            // Names and figures, which always have a JSON form.
            classifier: group.classifier.as_ref().and_then(|asked| serde_json::to_string(asked).ok()),
            targets: serde_json::to_string(&group.targets).unwrap_or_default(),
            shadows: group.shadows.as_deref().map(str::to_owned),
            created_at: group.created_at.0,
            updated_at: group.updated_at.0,
        }
    }
}

impl GroupRow {
    fn into_group(self) -> Result<Group, StoreError> {
        let row = Row { table: "model_groups", id: &self.id };
        Ok(Group {
            id: row.parse("id", &self.id)?,
            strategy: row.parse("strategy", &self.strategy)?,
            classifier: self.classifier.as_deref().map(|asked| row.json("classifier", asked)).transpose()?,
            targets: row.json("targets", &self.targets)?,
            shadows: self.shadows.map(Arc::from),
            name: self.name.into(),
            created_at: Timestamp(self.created_at),
            updated_at: Timestamp(self.updated_at),
        })
    }
}

#[cfg(test)]
mod tests {
    use farthing_actors::domain::Strategy;
    use farthing_actors::registry::classifier::Classifier;
    use farthing_actors::registry::group::{Target, To, When};

    use super::*;
    use crate::store::testing::Scratch;

    #[test]
    fn a_group_is_read_back_as_it_was_written() {
        let scratch = Scratch::new();
        let when = When { images: Some(true), keywords: vec!["\"naïve\"".to_owned()], ..When::default() };
        let targets = vec![
            Target { to: To::Model("m".into()), weight: 3, when: Some(when) },
            Target { to: To::Group("g".into()), weight: 1, when: None },
        ];
        let at = Timestamp(5);
        let mut group = Group {
            id: GroupId::from_u128(1),
            name: "smart".into(),
            strategy: Strategy::Rules,
            classifier: Some(Classifier { model: "judge".into(), scale: 10 }),
            targets,
            shadows: Some("m".into()),
            created_at: at,
            updated_at: at,
        };
        scratch.open().change(|connection| save(connection, &group)).unwrap();
        assert_eq!(scratch.open().read(load).unwrap(), vec![group.clone()]);
        (group.name, group.classifier, group.shadows) = ("smarter".into(), None, None);
        scratch.open().change(|connection| save(connection, &group)).unwrap();
        assert_eq!(scratch.open().read(load).unwrap(), vec![group.clone()]);
        scratch.open().change(|connection| remove(connection, group.id)).unwrap();
        assert_eq!(scratch.open().read(load).unwrap(), vec![]);
        scratch.run(include_str!("../../migrations/sqlite/2026-11-26-000605_shadow_routes/down.sql")).unwrap();
        scratch.run(include_str!("../../migrations/sqlite/2026-11-26-040010_classifier/down.sql")).unwrap();
        scratch.run(include_str!("../../migrations/sqlite/2026-11-26-000020_groups/down.sql")).unwrap();
        scratch.run(include_str!("../../migrations/sqlite/2026-11-26-000020_groups/up.sql")).unwrap();
        scratch.run(include_str!("../../migrations/sqlite/2026-11-26-040010_classifier/up.sql")).unwrap();
        scratch.run(include_str!("../../migrations/sqlite/2026-11-26-000021_route/down.sql")).unwrap();
        scratch.run(include_str!("../../migrations/sqlite/2026-11-26-000021_route/up.sql")).unwrap();
    }
}
