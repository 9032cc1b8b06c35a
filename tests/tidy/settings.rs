//! Settings that do something: each one of `docs/configuration.md` has a test that sets it and sees what changes.
//! Owns the table. Refuses settings without such a test, and tests that do not mention the setting they are named for.

use std::fs;
use std::path::Path;

/// A setting, and the test that shows its effect. In the files of that test the setting is named, as a variable or by its key.
const EFFECTS: &[(&str, &str)] = &[
    ("data_dir", "tests/api/settings.rs::what_is_kept_is_kept_where_the_settings_say"),
    ("server.listen", "tests/api/settings.rs::it_listens_works_and_logs_as_is_set"),
    ("server.behind_proxy", "tests/api/edge.rs::only_a_trusted_proxy_says_that_the_browser_came_by_tls"),
    ("server.trusted_proxies", "tests/api/strangers.rs::behind_a_trusted_proxy_each_client_has_its_own"),
    ("server.workers", "tests/api/settings.rs::it_listens_works_and_logs_as_is_set"),
    (
        "server.max_in_flight",
        "tests/faults/house.rs::a_full_house_refuses_calls_before_their_body_and_serves_everybody_else",
    ),
    ("server.max_body_bytes", "tests/api/settings.rs::keys_end_and_bodies_are_refused_where_the_settings_say"),
    ("server.max_bodies_bytes", "tests/faults/house.rs::bodies_share_their_room_and_give_it_back"),
    (
        "server.memory_limit_bytes",
        "tests/faults/house.rs::a_process_with_little_memory_left_takes_no_more_calls_and_can_be_managed",
    ),
    ("server.client_patience_seconds", "tests/faults/slow.rs::peers_that_do_not_get_on_are_let_go"),
    ("server.head_seconds", "tests/faults/slow.rs::peers_that_do_not_get_on_are_let_go"),
    (
        "server.failures_per_minute",
        "tests/api/audit.rs::reads_and_refusals_are_on_record_and_a_flood_is_told_by_number",
    ),
    ("server.address_requests_per_second", "tests/api/strangers.rs::requests_of_one_address_can_be_limited"),
    (
        "server.shutdown_grace_seconds",
        "tests/faults/drain.rs::what_outlasts_the_grace_is_cut_in_its_own_words_and_settled",
    ),
    (
        "server.shutdown_notice_seconds",
        "tests/faults/drain.rs::whoever_comes_before_the_balancer_has_noticed_is_served",
    ),
    ("server.tls_cert", "tests/api/tls.rs::tls_1_2_and_1_3_are_spoken_and_nothing_older_or_plain"),
    ("server.tls_key", "tests/api/tls.rs::tls_1_2_and_1_3_are_spoken_and_nothing_older_or_plain"),
    ("server.public_origin", "tests/api/feed.rs::listed_sites_may_open_it_and_then_no_other"),
    ("server.cors_origins", "tests/api/edge.rs::no_other_site_may_call_unless_it_is_listed_to_the_letter"),
    ("server.admin_listen", "tests/api/edge.rs::operators_with_a_door_of_their_own_are_served_there_alone"),
    ("websocket.allowed_origins", "tests/api/feed.rs::listed_sites_may_open_it_and_then_no_other"),
    ("database.url", "tests/api/settings.rs::what_is_kept_is_kept_where_the_settings_say"),
    (
        "database.durability",
        "src/store/journal/tests.rs::with_power_each_record_is_on_the_disk_before_the_answer_and_with_process_soon_after",
    ),
    ("cache.max_bytes", "tests/api/caching.rs::memory_is_bounded_and_a_purge_leaves_nothing"),
    ("cache.max_entry_bytes", "tests/api/settings.rs::answers_are_kept_up_to_the_size_and_the_age_that_are_set"),
    ("cache.max_age_seconds", "tests/api/settings.rs::answers_are_kept_up_to_the_size_and_the_age_that_are_set"),
    (
        "catalogue.url",
        "tests/api/catalogue.rs::a_fetched_list_changes_what_follows_lists_and_nothing_an_operator_priced",
    ),
    ("catalogue.refresh_hours", "src/app/prices.rs::the_next_round_comes_when_the_setting_says"),
    ("audit.enabled", "tests/api/settings.rs::a_trail_that_is_switched_off_is_none"),
    ("audit.log_file", "tests/api/settings.rs::what_is_kept_is_kept_where_the_settings_say"),
    ("audit.create_dir", "tests/api/audit.rs::without_its_trail_nothing_is_changed"),
    ("audit.store_in_db", "tests/api/audit.rs::without_its_trail_nothing_is_changed"),
    ("audit.mask_ip", "tests/api/settings.rs::what_is_kept_is_kept_where_the_settings_say"),
    (
        "audit.hide_tokens",
        "tests/api/audit.rs::an_address_is_kept_without_its_last_part_and_a_token_without_any_if_so_set",
    ),
    ("audit.retention_days", "tests/faults/clock.rs::sessions_end_and_the_trail_is_cut_when_the_settings_say"),
    ("keys.default_days", "tests/api/settings.rs::keys_end_and_bodies_are_refused_where_the_settings_say"),
    ("keys.max_days", "tests/api/settings.rs::keys_end_and_bodies_are_refused_where_the_settings_say"),
    (
        "management.allowed_addresses",
        "tests/api/strangers.rs::operators_call_from_where_they_may_be_and_applications_from_anywhere",
    ),
    ("session.idle_minutes", "tests/faults/clock.rs::sessions_end_and_the_trail_is_cut_when_the_settings_say"),
    ("session.absolute_hours", "tests/faults/clock.rs::sessions_end_and_the_trail_is_cut_when_the_settings_say"),
    ("session.binding", "tests/api/settings.rs::a_person_has_as_many_sessions_as_is_set_and_what_binds_them_is"),
    ("session.per_user", "tests/api/settings.rs::a_person_has_as_many_sessions_as_is_set_and_what_binds_them_is"),
    (
        "oidc.issuer",
        "tests/api/oidc.rs::whoever_the_provider_vouches_for_is_made_once_and_has_the_role_it_gives_each_time",
    ),
    (
        "oidc.client_id",
        "tests/api/oidc.rs::whoever_the_provider_vouches_for_is_made_once_and_has_the_role_it_gives_each_time",
    ),
    ("oidc.scopes", "tests/api/oidc.rs::what_is_asked_for_and_which_claim_tells_the_role_is_set"),
    ("oidc.role_claim", "tests/api/oidc.rs::what_is_asked_for_and_which_claim_tells_the_role_is_set"),
    (
        "oidc.roles",
        "tests/api/oidc.rs::whoever_the_provider_vouches_for_is_made_once_and_has_the_role_it_gives_each_time",
    ),
    ("oidc.default_role", "tests/api/oidc.rs::what_is_asked_for_and_which_claim_tells_the_role_is_set"),
    (
        "oidc.label",
        "tests/api/oidc.rs::whoever_the_provider_vouches_for_is_made_once_and_has_the_role_it_gives_each_time",
    ),
    ("backup.every_hours", "tests/faults/backups.rs::backups_come_by_themselves_and_without_a_server"),
    ("backup.keep", "tests/faults/backups.rs::backups_come_by_themselves_and_without_a_server"),
    ("alerts.webhook_url", "tests/api/alerts.rs::an_alert_is_signed_and_posted_again_until_it_is_heard"),
    ("alerts.estimated_percent", "src/app/watch.rs::a_provider_is_told_of_above_the_share_that_is_set_and_not_at_it"),
    ("breaker.failures", "tests/api/settings.rs::circuits_go_by_the_figures_that_are_set"),
    ("breaker.window_seconds", "tests/api/settings.rs::circuits_go_by_the_figures_that_are_set"),
    ("breaker.open_seconds", "tests/api/settings.rs::circuits_go_by_the_figures_that_are_set"),
    ("breaker.trials", "tests/api/settings.rs::circuits_go_by_the_figures_that_are_set"),
    ("logging.level", "tests/api/settings.rs::it_listens_works_and_logs_as_is_set"),
    (
        "routing.model_routing",
        "tests/api/patterns.rs::a_pattern_sends_unknown_models_to_a_model_or_straight_to_a_provider",
    ),
];

/// Every setting of the page, from its table.
fn documented(page: &str) -> Vec<&str> {
    let table = page.split("## Settings").nth(1).and_then(|rest| rest.split("\n## ").next()).unwrap_or_default();
    table.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next()).collect()
}

/// What is wrong with `effects` as the table of `page`. `text_of` reads a file of the repository.
pub(crate) fn faults(page: &str, effects: &[(&str, &str)], text_of: &dyn Fn(&str) -> Option<String>) -> Vec<String> {
    let settings = documented(page);
    let rows = |setting: &str| effects.iter().filter(|(name, _)| *name == setting).count();
    let unshown = settings.iter().filter(|setting| rows(setting) != 1);
    let mut found: Vec<_> = unshown.map(|setting| format!("{setting} has {} tests", rows(setting))).collect();
    found
        .extend(effects.iter().filter(|(name, _)| !settings.contains(name)).map(|(name, _)| format!("{name} is none")));
    found.extend(effects.iter().filter_map(|(setting, test)| unshown_by(setting, test, text_of)));
    found
}

fn unshown_by(setting: &str, test: &str, text_of: &dyn Fn(&str) -> Option<String>) -> Option<String> {
    let (path, function) = test.split_once("::").unwrap_or((test, ""));
    let Some(text) = text_of(path) else { return Some(format!("{setting}: {path} is not there")) };
    let variable = setting.replace('.', "__").to_uppercase();
    // The variables that older gateways have: `AUDIT_ENABLED`.
    let former = setting.replace('.', "_").to_uppercase();
    let names = [format!("FARTHING__{variable}"), format!("`{setting}`"), format!("\"{former}\"")];
    if !text.contains(&format!("fn {function}(")) {
        return Some(format!("{setting}: {path} has no function {function}"));
    }
    (!names.iter().any(|name| text.contains(name))).then(|| format!("{setting}: {path} does not name it"))
}

#[test]
fn every_setting_has_a_test_that_shows_its_effect() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text_of = |path: &str| fs::read_to_string(root.join(path)).ok();
    let page = text_of("docs/configuration.md").expect("docs/configuration.md is there");
    assert!(documented(&page).len() > 40, "the table of settings is read");
    let found = faults(&page, EFFECTS, &text_of);
    assert!(found.is_empty(), "{} faults:\n{}", found.len(), found.join("\n"));
}

#[test]
fn a_setting_without_a_test_and_a_test_without_its_setting_are_found() {
    let page =
        "## Settings\n\n| setting | default |\n|---|---|\n| `a.b` | `1` |\n| `c` | `2` |\n\n## Secrets\n| `d` | |\n";
    let text_of = |path: &str| (path == "t.rs").then(|| "FARTHING__A__B fn shows() {}".to_owned());
    let told = |effects: &[(&str, &str)]| faults(page, effects, &text_of).join("; ");
    assert_eq!(told(&[("a.b", "t.rs::shows")]), "c has 0 tests");
    let both = |second| told(&[("a.b", "t.rs::shows"), ("c", second)]);
    assert_eq!(both("t.rs::shows"), "c: t.rs does not name it");
    assert_eq!(both("t.rs::hides"), "c: t.rs has no function hides");
    assert_eq!(both("u.rs::shows"), "c: u.rs is not there");
    assert_eq!(told(&[("d", "t.rs::shows")]).split("; ").last(), Some("d: t.rs does not name it"));
}
