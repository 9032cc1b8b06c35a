//! The same fidelity in the other dialects: a provider of the client's own dialect reads what the client wrote.

use farthing_support::scene::PROVIDER_KEY;
use farthing_support::{Answer, Client, Dialect, Reply, Scene, Seen, Tokens};
use serde_json::json;

use crate::scene;

const OTHERS: [Dialect; 3] = [Dialect::Responses, Dialect::Anthropic, Dialect::Gemini];
const KEY_HEADERS: [&str; 4] = ["authorization", "x-api-key", "x-goog-api-key", "api-key"];

/// Unknown fields, odd order, odd spacing, odd numbers, escapes.
const ODD: [&str; 3] = [
    "{ \"zeta\":{\"b\":1e2,\"a\":[1.0, -0.0,1E-7 ]},\n\t\"input\" : [{\"content\":\"h\\u00e9llo \\/ \u{1f600}\",\"role\":\"user\",\"x\":null}],\
     \"temperature\":0.70, \"top_p\":1e-1 ,\"max_output_tokens\":100,\"model\":\"same\" ,\"tools\":[{\"type\":\"function\",\"strict\":true,\"name\":\"f\"}],\
     \"user\":\"\",\"alpha\":18446744073709551616 }",
    "{ \"zeta\":{\"b\":1e2,\"a\":[1.0, -0.0,1E-7 ]},\n\t\"messages\" : [{\"content\":\"h\\u00e9llo \\/ \u{1f600}\",\"role\":\"user\",\"x\":null}],\
     \"temperature\":0.70, \"top_p\":1e-1 ,\"max_tokens\":100,\"model\":\"same\" ,\"tools\":[{\"input_schema\":{\"type\":\"object\"},\"name\":\"f\"}],\
     \"system\":\"\",\"alpha\":18446744073709551616 }",
    "{ \"zeta\":{\"b\":1e2,\"a\":[1.0, -0.0,1E-7 ]},\n\t\"contents\" : [{\"parts\":[{\"text\":\"h\\u00e9llo \\/ \u{1f600}\"}],\"role\":\"user\",\"x\":null}],\
     \"generation_config\" : { \"temperature\":0.70, \"topP\":1e-1 ,\"maxOutputTokens\":100,\"odd\":{ } },\"tools\":[{\"functionDeclarations\":[{\"name\":\"f\"}]}],\
     \"alpha\":18446744073709551616 }",
];

/// For each dialect a model of its name that the provider calls the same, and one that it calls otherwise.
fn others() -> Scene {
    let scene = scene();
    for dialect in OTHERS {
        scene.gateway.add_model_of(dialect, dialect.name(), dialect.name(), &scene.upstream);
        scene.gateway.add_model_of(dialect, &renamed(dialect), "the/other one", &scene.upstream);
    }
    scene
}

fn renamed(dialect: Dialect) -> String {
    format!("{}-renamed", dialect.name())
}

fn odd() -> impl Iterator<Item = (Dialect, String)> {
    OTHERS.into_iter().zip(ODD).map(|(dialect, body)| (dialect, body.replace("\"same\"", &named(dialect.name()))))
}

fn named(model: &str) -> String {
    format!("\"{model}\"")
}

/// Sends `body` for `model`; what reached the provider.
fn sent(scene: &Scene, (dialect, model, stream): (Dialect, &str, bool), body: &str) -> Seen {
    scene.upstream.expect(Reply::chat(Tokens::plain(1, 1)));
    let answer = scene.application().post_bytes(&dialect.path(model, stream), body.as_bytes());
    assert_eq!(answer.status, 200, "{dialect:?}: {}", answer.text());
    scene.upstream.journal().pop().unwrap()
}

#[test]
fn a_request_reaches_a_provider_of_its_dialect_byte_for_byte() {
    let scene = others();
    for (dialect, body) in odd() {
        let seen = sent(&scene, (dialect, dialect.name(), false), &body);
        assert_eq!((seen.text(), seen.path), (body.clone(), dialect.path(dialect.name(), false)));
        let streamed = body.replacen("\"temperature\":0.70,", "\"stream\" : true,", 1);
        let streamed = if dialect == Dialect::Gemini { body } else { streamed };
        assert_eq!(sent(&scene, (dialect, dialect.name(), true), &streamed).text(), streamed, "{dialect:?}");
    }
}

#[test]
fn only_the_models_name_and_the_cap_are_changed_where_they_must_be() {
    let scene = others();
    for (dialect, body) in odd() {
        let seen = sent(
            &scene,
            (dialect, &renamed(dialect), false),
            &body.replace(&named(dialect.name()), &named(&renamed(dialect))),
        );
        assert_eq!(seen.text(), body.replace(&named(dialect.name()), &named("the/other one")), "{dialect:?}");
        if dialect == Dialect::Gemini {
            assert_eq!(seen.path, "/v1beta/models/the/other%20one:generateContent");
        }
        let seen = sent(&scene, (dialect, dialect.name(), false), &body.replace(":100,", ":99999,"));
        assert_eq!(seen.text(), body.replace(":100,", ":16384,"), "{dialect:?}: a cap above the model's is lowered");
    }
    let [(_, responses), _, (_, gemini)] = odd().collect::<Vec<_>>().try_into().unwrap();
    for (dialect, capless, expected) in [
        (
            Dialect::Responses,
            responses.replace("\"max_output_tokens\":100,", ""),
            responses.replace("\"max_output_tokens\":100,", "").replace("616 }", "616 ,\"max_output_tokens\":4096}"),
        ),
        (
            Dialect::Gemini,
            gemini.replace("\"maxOutputTokens\":100,", ""),
            gemini.replace("\"maxOutputTokens\":100,", "").replace("{ } }", "{ } ,\"maxOutputTokens\":4096}"),
        ),
    ] {
        let seen = sent(&scene, (dialect, dialect.name(), false), &capless);
        assert_eq!(seen.text(), expected, "{dialect:?}: a cap is inserted for a budget's sake");
    }
}

#[test]
fn a_whole_answer_comes_back_byte_for_byte() {
    let scene = others();
    let usage = [
        "\"usage\":{\"output_tokens\":2,\"input_tokens\":1,\"odd\":[ ]}",
        "\"usage\":{\"output_tokens\":2,\"input_tokens\":1,\"odd\":[ ]}",
        "\"usageMetadata\":{\"candidatesTokenCount\":2,\"promptTokenCount\":1,\"odd\":[ ]}",
    ];
    let said = [
        "\"object\":\"response\",\"output\":[{\"type\":\"message\",\"content\":[{\"text\":\"h\\u00e9\",\"type\":\"output_text\"}],\"role\":\"assistant\"}],\"status\":\"completed\"",
        "\"type\":\"message\",\"content\":[{\"text\":\"h\\u00e9\",\"type\":\"text\"}],\"role\":\"assistant\",\"stop_reason\":\"end_turn\"",
        "\"candidates\":[{\"finishReason\":\"STOP\",\"content\":{\"role\":\"model\",\"parts\":[{\"text\":\"h\\u00e9\"}]}}]",
    ];
    for ((dialect, body), (said, usage)) in odd().zip(said.into_iter().zip(usage)) {
        let odd = format!("{{ \"zeta\":1e2,{said},\t{usage} ,\"alpha\":null}}\n");
        let answer = answered(&scene, (dialect, false), &odd, &body);
        assert_eq!(answer.text(), odd, "{dialect:?}");
        let row = scene.recorded(&answer);
        assert_eq!(row["usage"], json!({"input": 1, "cache_read": 0, "cache_write": 0, "output": 2, "reasoning": 0}));
    }
}

#[test]
fn a_streamed_answer_comes_back_byte_for_byte_but_for_the_bill() {
    let scene = others();
    let streams = [
        "event: response.created\ndata: { \"type\":\"response.created\",\"zeta\":1e2,\"response\":{\"id\":\"r\"} }\n\n\
         : a comment\n\nevent: response.odd\ndata:{\"type\":\"response.odd\"}\n\n\
         event: response.output_text.delta\ndata: {\"delta\":\"h\\u00e9\",\"type\":\"response.output_text.delta\"}\n\n\
         event: response.completed\ndata: {\"response\":{\"usage\":{\"output_tokens\":2,\"input_tokens\":1} , \"x\":1e2},\"type\":\"response.completed\"}\n\n",
        "event: message_start\ndata: {\"message\":{\"usage\":{\"input_tokens\":1,\"output_tokens\":1},\"zeta\":1e2},\"type\":\"message_start\" }\n\n\
         event: ping\ndata:{\"type\": \"ping\"}\n\nevent: odd\ndata: {\"type\":\"odd\"}\n\n\
         event: content_block_delta\ndata: {\"delta\":{\"text\":\"h\\u00e9\",\"type\":\"text_delta\"},\"index\":0,\"type\":\"content_block_delta\"}\n\n\
         event: message_delta\ndata: {\"usage\":{\"output_tokens\":2},\"delta\":{\"stop_reason\":\"end_turn\"},\"type\":\"message_delta\"}\n\n\
         event: message_stop\ndata: {\"type\":\"message_stop\" }\n\n",
        "data: { \"zeta\":1e2,\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"h\\u00e9\"}]}}] }\r\n\r\n\
         data: {\"usageMetadata\":{\"candidatesTokenCount\":2,\"promptTokenCount\":1},\"candidates\":[{\"finishReason\":\"STOP\" }]}\r\n\r\n",
    ];
    for ((dialect, body), odd) in odd().zip(streams) {
        let body = body.replacen("\"temperature\":0.70,", "\"stream\":true,", 1);
        let answer = answered(&scene, (dialect, true), odd, &body);
        assert_eq!(without_the_bill(&answer.text()), odd, "{dialect:?}");
        let row = scene.recorded(&answer);
        assert_eq!((&row["status"], &row["usage"]["output"]), (&json!("ok"), &json!(2)), "{dialect:?}: {row}");
    }
}

/// Sends `body`; the answer, for which the provider wrote `odd`.
fn answered(scene: &Scene, (dialect, stream): (Dialect, bool), odd: &str, body: &str) -> Answer {
    let kind = if stream { "text/event-stream" } else { "application/json" };
    scene.upstream.expect(Reply::raw(200, odd.as_bytes()).header("content-type", kind));
    let answer = scene.application().post_bytes(&dialect.path(dialect.name(), stream), body.as_bytes());
    assert_eq!(answer.status, 200, "{dialect:?}: {}", answer.text());
    answer
}

/// What the gateway adds at the end of a stream, once, taken out again.
fn without_the_bill(text: &str) -> String {
    let (before, rest) = text.split_once(",\"farthing\":{").unwrap_or_else(|| panic!("no bill: {text}"));
    let (bill, after) = rest.split_once('}').unwrap();
    assert!(bill.contains("\"cost_usd\":\"0.") && bill.contains("\"request_id\":\"req_"), "{bill}");
    [before, after].concat()
}

#[test]
fn anthropics_headers_reach_anthropic_and_nobody_else() {
    let scene = others();
    let [_, (_, body), _] = odd().collect::<Vec<_>>().try_into().unwrap();
    let client = scene.application().with("anthropic-version", "2026-10-21").with("anthropic-beta", "one-2026");
    let client = client.with("anthropic-beta", "two-2026, three-2026").with("x-secret", "crumbs");
    let own = |client: &Client, path: &str, body: &str| {
        scene.upstream.expect(Reply::chat(Tokens::plain(1, 1)));
        let answer = client.post_bytes(path, body.as_bytes());
        assert_eq!(answer.status, 200, "{}", answer.text());
        scene.upstream.journal().pop().unwrap()
    };
    let seen = own(&client, "/v1/messages", &body);
    assert_eq!(seen.header("anthropic-version"), Some("2026-10-21"));
    assert_eq!(seen.header("anthropic-beta"), Some("one-2026, two-2026, three-2026"));
    assert_eq!(seen.header("x-secret"), None);

    // A translated call is Farthing's own: it names the version that it writes, and no beta.
    let chat = json!({"model": "anthropic", "messages": [{"role": "user", "content": "hi"}]}).to_string();
    let seen = own(&client, "/v1/chat/completions", &chat);
    assert_eq!((seen.header("anthropic-version"), seen.header("anthropic-beta")), (Some("2023-06-01"), None));
    let small =
        json!({"model": "gemini", "messages": [{"role": "user", "content": "hi"}], "max_tokens": 9}).to_string();
    let seen = own(&client, "/v1/messages", &small);
    assert_eq!((seen.header("anthropic-version"), seen.header("anthropic-beta")), (None, None));
}

#[test]
fn every_kind_gets_its_key_in_its_own_header_and_only_there() {
    let scene = scene();
    let kinds = [
        ("openai", "authorization"),
        ("deepseek", "authorization"),
        ("xai", "authorization"),
        ("ollama", "authorization"),
        ("mistral", "authorization"),
        ("groq", "authorization"),
        ("moonshot", "authorization"),
        ("openrouter", "authorization"),
        ("openai_compatible", "authorization"),
        ("azure", "api-key"),
        ("anthropic", "x-api-key"),
        ("gemini", "x-goog-api-key"),
    ];
    for (kind, header) in kinds {
        let name = format!("a-{kind}");
        scene.gateway.add_provider_of(&name, kind, &scene.upstream);
        scene.gateway.add_model(kind, &name, &farthing_support::scene::prices());
        let value = if header == "authorization" { format!("Bearer {PROVIDER_KEY}") } else { PROVIDER_KEY.to_owned() };
        for (client, path) in callers(&scene, kind) {
            scene.upstream.expect(Reply::chat(Tokens::plain(1, 1)));
            let contents = json!({"contents": [{"parts": [{"text": "hi"}]}]});
            let answer = client.post(&path, &contents);
            assert_eq!(answer.status, 200, "{kind}: {}", answer.text());
            let seen = scene.upstream.journal().pop().unwrap();
            let keys: Vec<_> = seen.headers.iter().filter(|(name, _)| KEY_HEADERS.contains(&name.as_str())).collect();
            assert_eq!(keys, [&(header.to_owned(), value.clone())], "{kind}");
            let everything = format!("{} {:?} {}", seen.path, seen.headers, seen.text());
            assert!(!everything.contains(&scene.key.secret), "{kind}: the virtual key left: {everything}");
        }
    }
}

/// The four ways to present a key, to Gemini's route, which knows them all.
fn callers(scene: &Scene, model: &str) -> [(Client, String); 4] {
    let (anonymous, secret) = (scene.gateway.anonymous(), &scene.key.secret);
    let path = Dialect::Gemini.path(model, false);
    [
        (anonymous.bearer(secret), path.clone()),
        (anonymous.with("x-api-key", secret), path.clone()),
        (anonymous.with("x-goog-api-key", secret), path.clone()),
        (anonymous.clone(), format!("{path}?key={secret}")),
    ]
}
