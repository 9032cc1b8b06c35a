//! Roles: what an operator is. Owns their names, their rank, and what each may do: the one table of roles and permissions.
//! Refuses exceptions: whoever may do something may do it by their role.

use std::fmt;
use std::str::FromStr;

use super::call::names;
use super::permission::Permission;

names!(
    /// What an operator is; permissions follow from it.
    Role {
        /// Everything, and the only one above admins.
        Owner = "owner",
        /// Everything but the master key and owners.
        Admin = "admin",
        /// Day-to-day changes: projects, keys, budgets, limits, circuits.
        Operator = "operator",
        /// Sees everything, the audit trail included, and changes nothing.
        Auditor = "auditor",
        /// Sees what the projects given to them called and what it cost.
        Viewer = "viewer",
    }
);

impl Role {
    /// What the role may do, in the order of [`Permission::ALL`].
    pub const fn permissions(self) -> &'static [Permission] {
        use Permission::{
            ForceBreakers, ManageBackups, ManageKeys, ManageLedger, ManageModels, ManageProjects, ManageProviders,
            ManageSessions, ManageTokens, ManageUsers, ViewAudit, ViewSettings, ViewSystem, ViewUsage, ViewUsers,
        };
        match self {
            Self::Owner => Permission::ALL,
            Self::Admin => &[
                ViewSettings,
                ViewUsage,
                ViewSystem,
                ViewUsers,
                ViewAudit,
                ManageKeys,
                ManageProjects,
                ForceBreakers,
                ManageProviders,
                ManageModels,
                ManageLedger,
                ManageTokens,
                ManageBackups,
                ManageUsers,
                ManageSessions,
            ],
            Self::Operator => &[ViewSettings, ViewUsage, ViewSystem, ManageKeys, ManageProjects, ForceBreakers],
            Self::Auditor => &[ViewSettings, ViewUsage, ViewSystem, ViewUsers, ViewAudit],
            Self::Viewer => &[ViewSettings, ViewUsage],
        }
    }

    /// Whether the role includes the permission.
    pub fn may(self, permission: Permission) -> bool {
        self.permissions().contains(&permission)
    }

    /// Whether somebody of this role may make, change and remove people of the `other`: owners everybody, everybody else
    /// only those below.
    pub fn stands_above(self, other: Self) -> bool {
        self == Self::Owner || self < other
    }
}

/// The table of `docs/accounts.md`.
pub fn table() -> String {
    let row = |cells: Vec<&str>| format!("| {} |\n", cells.join(" | "));
    let names = Role::ALL.iter().map(|role| role.name());
    let mut table = row([&["permission"][..], &names.collect::<Vec<_>>()].concat());
    table.push_str(&row(vec!["---"; Role::ALL.len() + 1]).replace(' ', ""));
    for permission in Permission::ALL {
        let name = format!("`{permission}`");
        let marks = Role::ALL.iter().map(|role| if role.may(*permission) { "x" } else { "" });
        table.push_str(&row(std::iter::once(name.as_str()).chain(marks).collect()));
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documentation_has_the_printed_table() {
        let documented = include_str!("../../../docs/accounts.md");
        assert!(documented.contains(&table()), "docs/accounts.md should contain:\n{}", table());
    }

    #[test]
    fn a_role_may_whatever_the_next_one_down_may_but_for_the_auditors_sight() {
        use Role::{Admin, Auditor, Operator, Owner, Viewer};
        for (above, below) in
            [(Owner, Admin), (Admin, Operator), (Admin, Auditor), (Operator, Viewer), (Auditor, Viewer)]
        {
            for permission in below.permissions() {
                assert!(above.may(*permission), "{above} {permission}");
            }
            assert!(above.permissions().len() > below.permissions().len(), "{above} {below}");
        }
        assert!(!Admin.may(Permission::ManageSecrets) && !Operator.may(Permission::ViewAudit));
        assert!(Auditor.permissions().iter().all(|permission| permission.name().starts_with("can_view_")));
    }

    #[test]
    fn permissions_are_listed_in_one_order_and_once() {
        for role in Role::ALL {
            let listed = role.permissions().to_vec();
            let ordered: Vec<_> = Permission::ALL.iter().copied().filter(|permission| role.may(*permission)).collect();
            assert_eq!(listed, ordered, "{role}");
        }
    }

    #[test]
    fn only_owners_touch_their_own_rank() {
        assert!(Role::Owner.stands_above(Role::Owner) && Role::Admin.stands_above(Role::Operator));
        for role in [Role::Admin, Role::Operator, Role::Auditor, Role::Viewer] {
            assert!(!role.stands_above(role) && !role.stands_above(Role::Owner), "{role}");
        }
    }
}
