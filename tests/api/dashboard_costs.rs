//! The pages of costs and models: what they show to whom, and that a price can be changed without scripts and without losing
//! anything else of the definition.

use farthing_support::scene::{MODEL, ask, prices};
use farthing_support::{Reply, Scene, Tokens};
use serde_json::{Value, json};

use crate::people::person::{Person, account};
use crate::scene;

const CACHE_READ: &str = "prices.cache_read_cost_per_m:text?";
const CACHE_WRITE: &str = "prices.cache_write_cost_per_m:text?";

/// The fields of the form of `page` that begins with `mark`, as a browser would send them.
fn fields(page: &str, mark: &str) -> Vec<(String, String)> {
    let (_, form) = page.split_once(mark).unwrap_or_else(|| panic!("no {mark} in {page}"));
    let (form, _) = form.split_once("</form>").unwrap();
    let inputs = form.split("<input ").skip(1).map(|input| input.split_once('>').unwrap().0);
    let value = |input: &str, name: &str| {
        let (_, rest) = input.split_once(&format!("{name}=\""))?;
        Some(rest.split_once('"')?.0.replace("&#34;", "\"").replace("&#38;", "&"))
    };
    let field = |input: &str| (value(input, "name").unwrap(), value(input, "value").unwrap_or_default());
    inputs.map(field).filter(|(name, _)| name != "_csrf").collect()
}

fn owner(scene: &Scene) -> Person {
    account(scene, "ann", &json!({"role": "owner"}));
    Person::sign_in(scene, "ann")
}

/// Sends them, some of them typed over.
fn send(owner: &Person, (action, fields): (&str, &[(String, String)]), typed: &[(&str, &str)]) -> u16 {
    let over = |name: &str| typed.iter().find(|(field, _)| *field == name).map(|(_, value)| *value);
    let fields: Vec<_> =
        fields.iter().map(|(name, value)| (name.as_str(), over(name).unwrap_or(value.as_str()))).collect();
    owner.form(action, &fields).status
}

fn model(scene: &Scene, id: &str) -> Value {
    scene.gateway.operator().get(&format!("/api/models/{id}")).json()
}

fn model_id(scene: &Scene) -> String {
    let models = scene.gateway.list("/api/models");
    models.iter().find(|model| model["name"] == MODEL).unwrap()["id"].as_str().unwrap().to_owned()
}

#[test]
fn costs_show_prices_budgets_and_what_caches_saved() {
    let scene = scene();
    scene.gateway.create("/api/models", &json!({"name": "nobody-knows", "provider": "openai"}));
    // The scene's own budget never starts anew, so there is nothing to project.
    let monthly = json!({"limit_usd": "5", "window": "month", "time_zone": "UTC"});
    scene.gateway.create("/api/projects", &json!({"name": "monthly", "budget": monthly}));
    scene.upstream.expect(Reply::chat(Tokens { cached: 1_000, ..Tokens::plain(1_200, 10) }));
    let answer = scene.chat(&ask(&json!({})));
    let row = scene.recorded(&answer);
    let ann = owner(&scene);
    for by in ["project", "model"] {
        let page = ann.get(&format!("/costs?days=7&by={by}"));
        assert_eq!(page.status, 200, "{}", page.text());
        let html = page.text();
        // A thousand tokens at 0.15 a million, less the same at 0.075.
        assert!(html.contains(r#"Cache savings: <span title="$0.000075">$0.000075</span>"#), "{html}");
        let cost = format!("title=\"${}\"", row["cost_usd"].as_str().unwrap());
        let name = if by == "model" { MODEL } else { "team-a" };
        assert!(html.contains("Budget of monthly") && html.contains("at this pace"), "{html}");
        for shown in [&*cost, name, "$25.00", "no price", "1,000", r#"<td class="number">$0.075</td>"#] {
            assert!(html.contains(shown), "{shown} is missing:\n{html}");
        }
    }
}

#[test]
fn a_form_without_scripts_changes_cache_prices_and_nothing_else() {
    let scene = scene();
    let tiers = json!([{"above_input_tokens": 200_000, "input_cost_per_m": "0.30"}]);
    let mut given = prices();
    given["context_tiers"] = tiers;
    given["request_fee_usd"] = json!("0.001");
    let definition = json!({"name": "careful", "provider": "openai", "upstream_model": "there", "weight": 3, "priority": -2,
        "dialects": ["openai_responses"], "max_output_tokens": 77, "context_window": 999, "prices": given});
    let before = scene.gateway.create("/api/models", &definition);
    let id = before["id"].as_str().unwrap();
    let (ann, action) = (owner(&scene), format!("/forms/api/models/{id}"));
    let page = ann.get(&format!("/models/{id}")).text();
    let price_form = fields(&page, "id=\"set-price\"");
    let typed = [(CACHE_READ, "0.0123"), (CACHE_WRITE, "0.1875")];
    assert_eq!(send(&ann, (&action, &price_form), &typed), 303);
    let mut expected = before.clone();
    expected["prices"]["cache_read_cost_per_m"] = json!("0.0123");
    expected["prices"]["cache_write_cost_per_m"] = json!("0.1875");
    let mut after = model(&scene, id);
    after["price_id"] = before["price_id"].clone();
    assert_eq!(after, expected, "nothing else is another");

    assert_eq!(send(&ann, (&action, &price_form), &[(CACHE_READ, "5")]), 412, "what was read is of yesterday");
    let page = ann.get(&format!("/models/{id}")).text();
    let price_form = fields(&page, "id=\"set-price\"");
    assert_eq!(send(&ann, (&action, &price_form), &[(CACHE_READ, "-5")]), 400);
    assert_eq!(send(&ann, (&action, &price_form), &[(CACHE_READ, ""), (CACHE_WRITE, "")]), 303);
    let bare = model(&scene, id);
    assert_eq!(
        [&bare["prices"]["cache_read_cost_per_m"], &bare["prices"]["cache_write_cost_per_m"]],
        [&Value::Null; 2]
    );
    let page = ann.get(&format!("/models/{id}")).text();
    assert!(page.contains("as input") && page.matches("badge \">past").count() == 2, "{page}");
}

#[test]
fn a_price_is_planned_and_withdrawn_and_a_change_keeps_it() {
    let scene = scene();
    let (id, ann) = (model_id(&scene), owner(&scene));
    let action = format!("/forms/api/models/{id}");
    let page = ann.get(&format!("/models/{id}")).text();
    let later = [("prices.effective_from", "2099-01-01T00:00:00Z"), (CACHE_WRITE, "7")];
    assert_eq!(send(&ann, (&action, &fields(&page, "id=\"set-price\"")), &later), 303);
    let page = ann.get(&format!("/models/{id}")).text();
    assert!(page.contains("planned") && page.contains("2099-01-01 00:00:00 UTC"), "{page}");
    let change = fields(&page, "data-dialog=\"Change ");
    // The box that is ticked, and the choice that is no input.
    let kept = |(name, value): &(String, String)| name != "dialects:list" || value == "openai_chat";
    let provider = ("provider".to_owned(), "openai".to_owned());
    let change: Vec<_> = change.into_iter().filter(kept).chain([provider]).collect();
    assert_eq!(send(&ann, (&action, &change), &[("weight:int", "9")]), 303);
    let changed = model(&scene, &id);
    assert_eq!(
        (&changed["weight"], &changed["upcoming_prices"]["prices"]["cache_write_cost_per_m"]),
        (&json!(9), &json!("7.00"))
    );
    let page = ann.get(&format!("/models/{id}")).text();
    let withdraw = fields(&page, "Withdraw the planned price");
    assert_eq!(send(&ann, (&format!("{action}/prices/upcoming"), &withdraw), &[]), 303);
    assert_eq!(model(&scene, &id)["upcoming_prices"], Value::Null);
    assert!(ann.get(&format!("/models/{id}")).text().contains("withdrawn"));
}

#[test]
fn who_may_not_change_models_sees_no_way_to() {
    let scene = scene();
    let id = model_id(&scene);
    account(&scene, "reader", &json!({"role": "viewer"}));
    let (reader, ann) = (Person::sign_in(&scene, "reader"), owner(&scene));
    for path in ["/costs".to_owned(), "/models".to_owned(), format!("/models/{id}")] {
        let (theirs, ours) = (reader.get(&path), ann.get(&path));
        assert_eq!((theirs.status, ours.status), (200, 200), "{path}: {}", theirs.text());
        assert!(!theirs.text().contains("/forms/"), "{path}: {}", theirs.text());
        assert_eq!(ours.text().contains("/forms/"), path != "/costs", "{path}");
    }
    assert_eq!(ann.get("/models/mdl_00000000000000000000000000000000").status, 404);
    assert_eq!(ann.get("/models/none").status, 404);
}
