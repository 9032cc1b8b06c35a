//! The first steps: what a new gateway needs before it serves. Owns their order, and that they are gone when all are done.

use farthing_actors::domain::Permission;
use farthing_actors::keyring::ring::Keys;
use farthing_actors::registry::catalogue::Catalogue;

use crate::web::Gateway;
use crate::web::dashboard::visitor::Visitor;
use crate::web::extract::operator::ReadUsage;

/// What there is to do, and what is done.
pub(super) struct FirstSteps {
    pub steps: Vec<Step>,
    pub done: usize,
}

/// One of them.
pub(super) struct Step {
    pub name: &'static str,
    pub href: &'static str,
    pub about: &'static str,
    pub is_done: bool,
}

impl FirstSteps {
    /// What is missing, for those who may do something about it; `None` if nothing is.
    pub(super) fn of(
        gateway: &Gateway,
        visitor: &Visitor<ReadUsage>,
        (keys, catalogue): (&Keys, &Catalogue),
        has_calls: bool,
    ) -> Option<Self> {
        let steps = [
            (
                "Make your own account",
                "/users",
                "The management token is one secret for all; people have accounts.",
                gateway.admin.has_accounts(),
            ),
            (
                "Add a provider",
                "/providers",
                "Who answers, and the key for it.",
                catalogue.providers().next().is_some(),
            ),
            (
                "Add a model",
                "/models",
                "What applications ask for, and what it costs.",
                catalogue.deployments().next().is_some(),
            ),
            ("Make a project", "/projects", "Who pays, and how much at most.", keys.projects().next().is_some()),
            ("Make a key", "/keys", "What an application presents; it is shown once.", keys.keys().next().is_some()),
            (
                "Make the first call",
                "/playground",
                "From the playground, or with the samples that come with a key.",
                has_calls,
            ),
        ];
        let steps = steps.map(|(name, href, about, is_done)| Step { name, href, about, is_done });
        let done = steps.iter().filter(|step| step.is_done).count();
        let helps = visitor.may(Permission::ManageProviders) && done < steps.len();
        helps.then(|| Self { steps: steps.into(), done })
    }
}
