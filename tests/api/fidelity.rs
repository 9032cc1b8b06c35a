//! Fidelity: what the client wrote is what the provider reads, and the other way round, byte for byte.
//! OpenAI's chat here; the other dialects in `dialects`.

use farthing_support::scene::{MODEL, PROVIDER_KEY, prices};
use farthing_support::{Reply, Scene, Tokens};
use serde_json::json;

use crate::scene;

mod dialects;

/// Unknown fields, odd order, odd spacing, odd numbers, escapes: all of it must arrive as it is.
const ODD: &str = "{ \"zeta\":{\"b\":1e2,\"a\":[1.0, -0.0,1E-7 ]},\n\t\"messages\" : [{\"content\":\"h\\u00e9llo \\/ \u{1f600}\",\"role\":\"user\",\"x\":null}],\
    \"temperature\":0.70, \"top_p\":1e-1 ,\"max_tokens\":100,\"model\":\"gpt-4o-mini\" ,\"tools\":[{\"type\":\"function\",\"function\":{\"strict\":true,\"name\":\"f\"}}],\
    \"user\":\"\",\"alpha\":18446744073709551616}";

fn sent(scene: &Scene, body: &str) -> String {
    scene.upstream.expect(Reply::chat(Tokens::plain(1, 1)));
    let answer = scene.application().post_bytes("/v1/chat/completions", body.as_bytes());
    assert_eq!(answer.status, 200, "{}", answer.text());
    scene.upstream.journal().pop().unwrap().text()
}

#[test]
fn a_request_reaches_the_provider_byte_for_byte() {
    let scene = scene();
    assert_eq!(sent(&scene, ODD), ODD);
}

#[test]
fn only_the_models_name_is_changed_where_it_differs() {
    let scene = scene();
    let named =
        json!({"name": "fast", "provider": "openai", "upstream_model": "gpt-4o-mini-2024-07-18", "prices": prices()});
    scene.gateway.create("/api/models", &named);
    let asked = ODD.replace("\"gpt-4o-mini\"", "\"fast\"");
    assert_eq!(sent(&scene, &asked), ODD.replace("\"gpt-4o-mini\"", "\"gpt-4o-mini-2024-07-18\""));
}

#[test]
fn a_stream_only_gains_the_wish_for_usage() {
    let scene = scene();
    let asked = ODD.replace("\"temperature\":0.70,", "\"stream\":true,");
    let told = sent(&scene, &asked);
    let wish = "\"stream_options\":{\"include_usage\":true}";
    assert_eq!(told.matches(wish).count(), 1, "{told}");
    let (before, after) = told.split_once(wish).unwrap();
    // The wish came with one comma, before it or after it.
    let without = [
        before.strip_suffix(',').map(|cut| cut.to_owned() + after),
        after.strip_prefix(',').map(|cut| before.to_owned() + cut),
    ];
    assert!(without.into_iter().flatten().any(|text| text == asked), "{told}");
}

#[test]
fn a_provider_that_refuses_the_wish_for_usage_is_not_told_of_it() {
    let scene = scene();
    scene.gateway.add_provider_of("mistral", "mistral", &scene.upstream);
    scene.gateway.add_model("small", "mistral", &prices());
    let asked = ODD.replace("\"gpt-4o-mini\"", "\"small\"").replace("\"temperature\":0.70,", "\"stream\":true,");
    assert_eq!(sent(&scene, &asked), asked);
    let wishing = asked.replace(" \"top_p\"", " \"stream_options\" : {\"include_usage\": true}, \"top_p\"");
    assert_ne!(wishing, asked);
    assert_eq!(sent(&scene, &wishing), asked);
}

#[test]
fn a_stream_that_asks_for_usage_itself_is_not_touched_at_all() {
    let scene = scene();
    let asked = ODD
        .replace("\"temperature\":0.70,", "\"stream\":true, \"stream_options\" :{\"include_usage\": true,\"x\":1e2},");
    assert_eq!(sent(&scene, &asked), asked);
}

#[test]
fn a_whole_answer_comes_back_byte_for_byte() {
    let scene = scene();
    let body = "{ \"id\":\"x\",\"object\":\"chat.completion\", \"choices\":[{\"index\":0,\"finish_reason\":\"stop\",\"message\":{\"content\":\"h\\u00e9\",\"role\":\"assistant\"}}],\
        \"zeta\":1e2,\"usage\":{\"total_tokens\":3,\"completion_tokens\":2,\"prompt_tokens\":1,\"odd\":[ ]},\"alpha\":null}\n";
    scene.upstream.expect(Reply::raw(200, body.as_bytes()).header("content-type", "application/json"));
    let answer = scene.application().post_bytes("/v1/chat/completions", ODD.as_bytes());
    assert_eq!((answer.status, answer.text()), (200, body.to_owned()));
    assert_eq!(
        scene.recorded(&answer)["usage"],
        json!({"input": 1, "cache_read": 0, "cache_write": 0, "output": 2, "reasoning": 0})
    );
}

#[test]
fn the_provider_sees_its_own_key_and_nothing_of_the_clients() {
    let scene = scene();
    scene.upstream.expect(Reply::chat(Tokens::plain(1, 1)));
    let client = scene.application().with("x-secret-of-the-client", "cookie-crumbs").with("cookie", "a=b");
    let body = json!({"model": MODEL, "messages": [{"role": "user", "content": "hi"}], "max_tokens": 5});
    assert_eq!(client.post("/v1/chat/completions", &body).status, 200);

    let seen = scene.upstream.only();
    assert_eq!((seen.method.as_str(), seen.path.as_str()), ("POST", "/v1/chat/completions"));
    assert_eq!(seen.header("authorization"), Some(format!("Bearer {PROVIDER_KEY}").as_str()));
    assert_eq!(seen.header("content-type").unwrap().split(';').next(), Some("application/json"));
    for (name, value) in &seen.headers {
        assert!(!value.contains(&scene.key.secret), "{name} carries the virtual key");
        assert!(name != "x-secret-of-the-client" && name != "cookie", "{name} is the client's own");
    }
}
