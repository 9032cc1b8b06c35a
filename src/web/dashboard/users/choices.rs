//! What may be chosen for an account: roles below one's own, and projects. Owns how many projects are still a list to choose from.

use farthing_actors::domain::Role;
use farthing_actors::keyring::ring::Keys;
use farthing_actors::sessions::User;

/// More projects than anybody finds in a list are typed.
const MOST: usize = 200;

/// What an account may be.
#[derive(Debug, Clone)]
pub(super) struct Choices {
    /// Roles by name, with whether it is the present one.
    pub roles: Vec<(&'static str, bool)>,
    /// Projects by id and name, with whether they are among the present ones; `None` where they are to be typed.
    pub projects: Option<Vec<(String, String, bool)>>,
    /// The ids of the present ones, for whoever types.
    pub typed: String,
}

impl Choices {
    /// What somebody of the rank `above` may give to `user`, or to a new account.
    pub(super) fn below(above: Role, keys: &Keys, user: Option<&User>) -> Self {
        let present = user.map_or(Role::Viewer, |user| user.role);
        let roles = Role::ALL.iter().filter(|role| above.stands_above(**role));
        let own = user.and_then(|user| user.projects.as_deref()).unwrap_or_default();
        let few = keys.projects().nth(MOST).is_none();
        let projects = few.then(|| {
            let listed = keys.projects().map(|it| (it.id.to_string(), it.name.clone(), own.contains(&it.id)));
            let mut listed: Vec<_> = listed.collect();
            listed.sort_by(|(_, one, _), (_, other, _)| one.cmp(other));
            listed
        });
        Self {
            roles: roles.map(|role| (role.name(), *role == present)).collect(),
            projects,
            typed: own.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
        }
    }
}
