//! Labels: what people read beside a field of a form, for a page that shows the field once more.
//! Owns that there is no second copy of them: they are read from the templates that show the forms. Refuses to guess: a field
//! whose label or name is only known when its page is written has none here, nor has one that two forms call differently.

/// The templates with forms.
const TEMPLATES: [&str; 13] = [
    include_str!("../../../templates/partials/limit_fields.html"),
    include_str!("../../../templates/partials/budget_fields.html"),
    include_str!("../../../templates/projects/page.html"),
    include_str!("../../../templates/keys/page.html"),
    include_str!("../../../templates/keys/list.html"),
    include_str!("../../../templates/providers/page.html"),
    include_str!("../../../templates/providers/one.html"),
    include_str!("../../../templates/models/change.html"),
    include_str!("../../../templates/models/group_fields.html"),
    include_str!("../../../templates/users/page.html"),
    include_str!("../../../templates/account/page.html"),
    include_str!("../../../templates/users/fields.html"),
    include_str!("../../../templates/users/one.html"),
];

/// What is read beside the field at `path`.
pub(super) fn label(path: &str) -> Option<&'static str> {
    let marks = [format!("name=\"{path}\""), format!("name=\"{path}:")];
    let known = |template: &&'static str| marks.iter().find_map(|mark| beside(template.split_once(&**mark)?));
    let mut labels = TEMPLATES.iter().filter_map(known);
    labels.next().filter(|first| labels.all(|label| label == *first))
}

/// The words of the label around a field, given what is before and after its name: they stand on one side of it.
fn beside((before, after): (&'static str, &'static str)) -> Option<&'static str> {
    let (_, label) = before.rsplit_once("<label").filter(|(_, label)| !label.contains("</label>"))?;
    let words = [label, after].into_iter().filter_map(|side| side.split_once('>')?.1.split('<').next());
    words.map(str::trim).find(|words| !words.is_empty() && !words.contains('{'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_called_what_its_form_calls_it() {
        for (path, expected) in [
            ("limits.rpm", Some("Requests a minute")),
            ("budget.limit_usd", Some("Budget in US dollars")),
            ("allow_private_network", Some("It is in a private network")),
            ("password", None),
            ("allowed_models", None),
            ("name", Some("Name")),
            ("targets.0", None),
            ("_csrf", None),
        ] {
            assert_eq!(label(path), expected, "{path}");
        }
    }
}
