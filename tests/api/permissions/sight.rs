//! Viewers of some projects: what they do not see is named nowhere, and no question tells it from what is not there.

use farthing_support::scene::{PROJECT, ask};
use farthing_support::{Key, Reply, Scene, Tokens};
use serde_json::{Value, json};

use super::others::guarded;
use super::scene;
use crate::people::person::{Person, account};

/// An id's hex that is nobody's.
const NOBODY: &str = "018f3c5a7d2e7b1c9a4e5f60718293a4";

/// Two projects, one of them within a third, each with a key that called.
struct House {
    scene: Scene,
    viewer: Person,
    /// Ids of what the viewer sees: the project, its key, a call.
    own: [String; 3],
    /// Names and ids of what they do not.
    foreign: Vec<String>,
    beside: Foreign,
}

/// Ids of what belongs to the other project.
struct Foreign {
    project: String,
    key: String,
    provider: String,
    call: String,
}

fn id(made: &Value) -> String {
    made["id"].as_str().unwrap().to_owned()
}

fn call(scene: &Scene, key: &Key, model: &Value) -> String {
    scene.upstream.expect(Reply::chat(Tokens::plain(3, 4)));
    let body = ask(&json!({"model": model}));
    let answer = scene.gateway.application(&key.secret).post("/v1/chat/completions", &body);
    assert_eq!(answer.status, 200, "{}", answer.text());
    id(&scene.recorded(&answer))
}

fn house() -> House {
    let scene = scene();
    let gateway = &scene.gateway;
    let above = id(&gateway.add_project("secret-above", Some("9")));
    let project = id(&gateway.create("/api/projects", &json!({"name": "own", "parent": "secret-above"})));
    let theirs = id(&gateway.add_project("secret-beside", None));
    let provider = id(&gateway.add_provider("secret-provider", &scene.upstream));
    gateway.add_model("secret-model", "secret-provider", &farthing_support::scene::prices());
    let (key, secret) =
        (gateway.add_key("own", &json!({})), gateway.add_key("secret-beside", &json!({"name": "secret-key"})));
    let own = [project, key.id.clone(), call(&scene, &key, &json!(farthing_support::scene::MODEL))];
    let beside = Foreign {
        project: theirs,
        key: secret.id.clone(),
        provider,
        call: call(&scene, &secret, &json!("secret-model")),
    };
    let ids = [&above, &beside.project, &beside.key, &beside.provider, &beside.call, &scene.key.id];
    let foreign = ids.into_iter().cloned().chain(["secret-", PROJECT].map(str::to_owned)).collect();
    account(&scene, "vic", &json!({"role": "viewer", "projects": ["own"]}));
    let viewer = Person::sign_in(&scene, "vic");
    House { scene, viewer, own, foreign, beside }
}

#[test]
fn no_page_and_no_list_names_what_a_viewer_does_not_see() {
    let house = house();
    let lines = guarded().filter(|line| line.method == "GET" && line.path != "/ws/feed");
    let paths = lines.flat_map(|line| match line.path.contains('{') {
        true => house.own.iter().map(|id| line.path.replace("{id}", id).replace("{id:.+}", id)).collect(),
        false => vec![line.path.to_owned()],
    });
    let by = ["project", "key", "model", "provider"];
    let asked = by.iter().flat_map(|by| {
        ["/usage?", "/api/usage/breakdown?", "/api/usage/export?format=csv&"].map(|path| format!("{path}by={by}"))
    });
    let mut shown = 0;
    for path in paths.chain(asked).chain(["/requests?model=x".to_owned(), "/keys?project=own".to_owned()]) {
        let answer = house.viewer.get(&path);
        let text = answer.text();
        let told = house.foreign.iter().find(|name| text.contains(name.as_str()));
        assert_eq!(told, None, "{path}: {text}");
        shown += usize::from(answer.status == 200);
    }
    assert!(shown >= 30, "{shown} were answered");
    let project = house.viewer.get(&format!("/api/projects/{}", house.own[0])).json();
    assert_eq!((&project["parent"], &project["parent_id"]), (&Value::Null, &Value::Null));
    let whole = house.scene.gateway.operator().get(&format!("/api/projects/{}", house.own[0])).json();
    assert_eq!(whole["parent"], "secret-above", "whoever sees all sees where it is");
}

/// What is answered, without what was asked for and without what names the request.
fn told(viewer: &Person, path: &str, wanted: &str) -> (u16, String) {
    let answer = viewer.get(&path.replace("{}", wanted));
    let text = answer.text().replace(wanted, "{}").replace(&wanted.to_lowercase(), "{}");
    let mut pieces = text.split("req_");
    let first = pieces.next().unwrap_or_default().to_owned();
    let rest = pieces.map(|piece| piece.trim_start_matches(|letter: char| letter.is_ascii_hexdigit()));
    (answer.status, rest.fold(first, |text, piece| text + "req_" + piece))
}

#[test]
fn no_question_tells_what_a_viewer_does_not_see_from_what_is_not_there() {
    let house = house();
    let Foreign { project, key, provider, call } = &house.beside;
    let shouted = |id: &str| id.split_once('_').map(|(kind, hex)| format!("{kind}_{}", hex.to_uppercase())).unwrap();
    let range = "from=2026-01-01&to=2026-01-02";
    for list in ["/api/keys", "/api/requests", "/requests", "/keys"] {
        same(&house, &format!("{list}?project={{}}"), "secret-beside", "secret-nobody");
        same(&house, &format!("{list}?project={{}}"), project, &format!("prj_{NOBODY}"));
        same(&house, &format!("{list}?project={{}}"), &shouted(project), &shouted(&format!("prj_{NOBODY}")));
    }
    for list in ["/api/requests", "/requests", "/usage", "/api/usage/summary", "/api/usage/series", "/api/usage/export"]
    {
        same(&house, &format!("{list}?{range}&project={{}}"), "secret-above", "secret-nobody");
        same(&house, &format!("{list}?{range}&provider={{}}"), "secret-provider", "secret-nobody");
        same(&house, &format!("{list}?{range}&provider={{}}"), provider, &format!("prv_{NOBODY}"));
        same(&house, &format!("{list}?{range}&key={{}}"), key, &format!("key_{NOBODY}"));
        same(&house, &format!("{list}?{range}&model={{}}"), "secret-model", "secret-nobody");
    }
    for (path, id) in [("projects", project), ("keys", key), ("requests", call)] {
        let nobody = format!("{}_{NOBODY}", id.split_once('_').unwrap().0);
        for path in [format!("/{path}/{{}}"), format!("/api/{path}/{{}}")] {
            same(&house, &path, id, &nobody);
            same(&house, &path, &shouted(id), &shouted(&nobody));
        }
    }
    let known = house.viewer.get("/api/requests?provider=openai").json();
    assert_eq!(known["data"].as_array().map(Vec::len), Some(1), "where their calls went is theirs to see: {known}");
    let all = house.scene.gateway.operator();
    assert_eq!(all.get("/api/requests?provider=nobody").status, 404, "whoever sees all is told that there is none");
}

fn same(house: &House, path: &str, theirs: &str, nobodys: &str) {
    let of_others = told(&house.viewer, path, theirs);
    assert_eq!(of_others, told(&house.viewer, path, nobodys), "{path} of {theirs}");
}
