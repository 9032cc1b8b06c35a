//! `/models/groups/{id}`: one group: how it chooses, among what, and the form to change it. Owns how conditions read.
//! Refuses to change anything itself: the forms are the API's calls.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;
use farthing_actors::domain::{Permission, Strategy};
use farthing_actors::registry::catalogue::Catalogue;
use farthing_actors::registry::group::{Group, Target, To, When};

use super::group_form::GroupForm;
use super::groups::{has_shares, words};
use crate::admin::Tagged;
use crate::web::Gateway;
use crate::web::dashboard::page;
use crate::web::dashboard::shell::Shell;
use crate::web::dashboard::shown::{self, Moment};
use crate::web::dashboard::visitor::Visitor;
use crate::web::error::Problem;
use crate::web::extract::operator::ReadSettings;

#[derive(Template)]
#[template(path = "models/group.html")]
struct GroupPage {
    shell: Shell,
    facts: Facts,
    members: Vec<MemberRow>,
    change: Option<Change>,
}

/// What the group is.
struct Facts {
    id: String,
    name: String,
    chooses: &'static str,
    classifier: Option<String>,
    shadows: Option<String>,
    /// Whether members' shares count.
    has_shares: bool,
    has_conditions: bool,
    created: Moment,
    updated: Moment,
}

/// One of those it chooses among.
struct MemberRow {
    name: String,
    href: String,
    is_group: bool,
    weight: u32,
    conditions: String,
}

/// For those who may change it.
struct Change {
    etag: String,
    form: GroupForm,
}

/// GET `/models/groups/{id}`.
///
/// # Errors
/// 404 if there is none.
pub async fn show(
    visitor: Visitor<ReadSettings>,
    gateway: web::Data<Gateway>,
    path: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let group = gateway.admin.group(&path)?;
    let catalogue = gateway.admin.catalogue();
    let change = || Change { etag: group.etag().to_string(), form: GroupForm::of(&catalogue, &group) };
    let page = GroupPage {
        shell: visitor.shell(),
        facts: Facts::from(&*group),
        members: group.targets.iter().map(|target| MemberRow::new(&catalogue, target)).collect(),
        change: visitor.may(Permission::ManageModels).then(change),
    };
    page::render(StatusCode::OK, &page)
}

impl From<&Group> for Facts {
    fn from(group: &Group) -> Self {
        let rated = group.classifier.as_ref().map(|it| format!("{}, from 1 to {}", it.model, it.scale));
        Self {
            id: group.id.to_string(),
            name: group.name.to_string(),
            chooses: words(group.strategy),
            classifier: rated,
            shadows: group.shadows.as_ref().map(ToString::to_string),
            has_shares: has_shares(group.strategy),
            has_conditions: group.strategy == Strategy::Rules,
            created: group.created_at.into(),
            updated: group.updated_at.into(),
        }
    }
}

impl MemberRow {
    fn new(catalogue: &Catalogue, target: &Target) -> Self {
        let name = target.to.name();
        let href = match &target.to {
            To::Group(_) => catalogue.group_by_name(name).map(|group| format!("/models/groups/{}", group.id)),
            To::Model(_) => None,
        };
        Self {
            name: name.to_string(),
            href: href.unwrap_or_default(),
            is_group: matches!(target.to, To::Group(_)),
            weight: target.weight,
            conditions: target.when.as_ref().map(said).unwrap_or_default(),
        }
    }
}

/// The conditions in words; empty where there are none.
fn said(when: &When) -> String {
    let mut said = Vec::new();
    said.extend(when.min_input_tokens.map(|least| format!("{} input tokens or more", shown::count(least))));
    said.extend(when.max_input_tokens.map(|most| format!("{} input tokens or fewer", shown::count(most))));
    said.extend(when.images.map(|has| if has { "has pictures" } else { "has no pictures" }.to_owned()));
    said.extend(when.tools.map(|has| if has { "offers tools" } else { "offers no tools" }.to_owned()));
    let one_of = |what: &str, words: &[String]| (!words.is_empty()).then(|| format!("{what} {}", words.join(" or ")));
    said.extend(one_of("tagged", &when.tags));
    said.extend(one_of("says", &when.keywords));
    said.join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_read_as_a_line() {
        let when = When {
            min_input_tokens: Some(1_000),
            images: Some(true),
            tools: Some(false),
            keywords: vec!["prove".into(), "step by step".into()],
            ..When::default()
        };
        let expected = "1,000 input tokens or more; has pictures; offers no tools; says prove or step by step";
        assert_eq!((said(&when).as_str(), said(&When::default()).as_str()), (expected, ""));
    }
}
