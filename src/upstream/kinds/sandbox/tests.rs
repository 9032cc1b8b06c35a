//! The sandbox answers as OpenAI would, and fails as it is told.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

const NOW: Timestamp = Timestamp(1_800_000_000_123);

/// An answer, performed without waiting.
struct Ran {
    status: u16,
    headers: Vec<(&'static str, String)>,
    latency: Duration,
    delays: Vec<Duration>,
    pieces: Vec<String>,
    end: End,
}

impl Ran {
    fn body(&self) -> String {
        self.pieces.concat()
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.body()).unwrap()
    }

    /// The JSON of every event but `[DONE]`.
    fn events(&self) -> Vec<Value> {
        let sent = self.pieces.iter().map(|piece| piece.strip_prefix("data: ").unwrap().strip_suffix("\n\n").unwrap());
        sent.filter(|sent| *sent != "[DONE]").map(|sent| serde_json::from_str(sent).unwrap()).collect()
    }

    fn text(&self) -> String {
        let words = self.events().into_iter().filter_map(|event| {
            let text = event.pointer("/choices/0/delta/content")?.as_str()?.to_owned();
            Some(text)
        });
        words.collect()
    }
}

fn run_bytes(body: &[u8], now: Timestamp) -> Ran {
    let SandboxAnswer { status, headers, latency, pieces, end } = answer(body, now, Tokenizer);
    let (delays, pieces) = pieces.map(|(delay, piece)| (delay, String::from_utf8(piece.to_vec()).unwrap())).unzip();
    Ran { status, headers, latency, delays, pieces, end }
}

fn run(body: &Value) -> Ran {
    run_bytes(body.to_string().as_bytes(), NOW)
}

/// A request with the given members added to the usual ones.
fn request(extra: Value) -> Value {
    let mut body = json!({"model": "gpt-4o", "messages": [{"role": "user", "content": "hello world"}]});
    body.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
    body
}

fn whole(sandbox: Value) -> Ran {
    run(&request(json!({"sandbox": sandbox})))
}

fn streamed(sandbox: Value) -> Ran {
    run(&request(json!({"stream": true, "stream_options": {"include_usage": true}, "sandbox": sandbox})))
}

const USAGE: &str = r#""usage":{"prompt_tokens":9,"completion_tokens":2,"total_tokens":11,"prompt_tokens_details":{"cached_tokens":0,"audio_tokens":0},"completion_tokens_details":{"reasoning_tokens":0,"audio_tokens":0,"accepted_prediction_tokens":0,"rejected_prediction_tokens":0}}"#;

#[test]
fn a_whole_answer_is_openais_to_the_byte() {
    let ran = whole(json!({"output_tokens": 2}));
    let answer = ran.json();
    let (id, text) = (answer["id"].as_str().unwrap(), answer["choices"][0]["message"]["content"].as_str().unwrap());
    let expected = format!(
        r#"{{"id":"{id}","object":"chat.completion","created":1800000000,"model":"gpt-4o","choices":[{{"index":0,"message":{{"role":"assistant","content":"{text}","refusal":null,"annotations":[]}},"logprobs":null,"finish_reason":"stop"}}],{USAGE},"service_tier":"default","system_fingerprint":"fp_5a4db0c5d1"}}"#
    );
    assert_eq!(ran.body(), expected);
    assert!(id.starts_with("chatcmpl-") && id.len() == 38);
    assert_eq!((ran.status, ran.end, ran.pieces.len()), (200, End::Clean, 1));
    assert_eq!(ran.headers[0], ("content-type", "application/json".to_owned()));
    assert!(ran.headers[1].0 == "x-request-id" && ran.headers[1].1.len() == 36);
}

#[test]
fn a_stream_is_openais_to_the_byte() {
    let ran = streamed(json!({"output_tokens": 2}));
    let id = ran.events()[0]["id"].as_str().unwrap().to_owned();
    let word = ran.events()[1]["choices"][0]["delta"]["content"].as_str().unwrap().to_owned();
    let event = |choices: &str, usage: &str| {
        format!(
            "data: {{\"id\":\"{id}\",\"object\":\"chat.completion.chunk\",\"created\":1800000000,\"model\":\"gpt-4o\",\"service_tier\":\"default\",\"system_fingerprint\":\"fp_5a4db0c5d1\",\"choices\":[{choices}],{usage}}}\n\n"
        )
    };
    let chunk = |delta: &str, finish: &str| {
        let choice = format!(r#"{{"index":0,"delta":{delta},"logprobs":null,"finish_reason":{finish}}}"#);
        event(&choice, r#""usage":null"#)
    };
    assert_eq!(
        ran.pieces,
        [
            chunk(r#"{"role":"assistant","content":"","refusal":null}"#, "null"),
            chunk(&format!(r#"{{"content":"{word}"}}"#), "null"),
            chunk(r#"{"content":"."}"#, "null"),
            chunk("{}", r#""stop""#),
            event("", USAGE),
            "data: [DONE]\n\n".to_owned(),
        ]
    );
    assert_eq!((ran.status, ran.end), (200, End::Clean));
    assert_eq!(ran.headers[0], ("content-type", "text/event-stream; charset=utf-8".to_owned()));
}

#[test]
fn usage_is_streamed_only_to_who_asked() {
    let ran = run(&request(json!({"stream": true})));
    assert!(ran.events().iter().all(|event| event.get("usage").is_none() && event["choices"][0].is_object()));
}

#[test]
fn the_same_messages_give_the_same_text_however_they_are_written() {
    let text = streamed(json!({})).text();
    assert_eq!(whole(json!({})).json()["choices"][0]["message"]["content"], text);
    let parts = json!([{"role": "user", "content": [{"type": "text", "text": "hello world"}]}]);
    assert_eq!(run(&request(json!({"messages": parts, "stream": true}))).text(), text);
    let other = json!([{"role": "user", "content": "hello there"}]);
    assert_ne!(run(&request(json!({"messages": other, "stream": true}))).text(), text);
    let later = run_bytes(request(json!({})).to_string().as_bytes(), NOW.plus(Duration::from_millis(1)));
    assert_ne!(later.json()["id"], whole(json!({})).json()["id"]);
}

#[test]
fn token_counts_are_real() {
    let body = whole(json!({})).json();
    let text = body["choices"][0]["message"]["content"].as_str().unwrap();
    let counted = Tokenizer.count(text).tokens;
    assert_eq!(body["usage"]["completion_tokens"], counted);
    assert!((48..=80).contains(&counted));
    let messages = json!([
        {"role": "system", "content": "hello world"},
        {"role": "user", "name": "hello", "content": [{"type": "text", "text": "hello world"}, {"type": "image_url"}]},
        {"role": "assistant", "content": null, "tool_calls": []},
    ]);
    let usage = run(&request(json!({"messages": messages, "tools": []}))).json()["usage"].clone();
    assert_eq!(usage["prompt_tokens"], 3 + (4 + 2) + (4 + 2 + 2 + 85) + (4 + 1) + 1);
}

#[test]
fn caps_cut_the_text_and_say_so() {
    let full = whole(json!({})).json()["choices"][0]["message"]["content"].as_str().unwrap().to_owned();
    for (caps, tokens) in [
        (json!({"max_tokens": 5}), 5),
        (json!({"max_completion_tokens": 7, "max_tokens": 5}), 7),
        (json!({"max_completion_tokens": 1}), 1),
    ] {
        let body = run(&request(caps)).json();
        let text = body["choices"][0]["message"]["content"].as_str().unwrap();
        assert!(full.starts_with(text));
        assert_eq!(
            (&body["choices"][0]["finish_reason"], &body["usage"]["completion_tokens"]),
            (&json!("length"), &json!(tokens))
        );
    }
    let body = run(&request(json!({"max_tokens": 10_000, "sandbox": {"output_tokens": 200}}))).json();
    assert_eq!(
        (&body["choices"][0]["finish_reason"], &body["usage"]["completion_tokens"]),
        (&json!("stop"), &json!(200))
    );
}

fn tools(extra: Value) -> Value {
    let tool = |name: &str| json!({"type": "function", "function": {"name": name, "parameters": {}}});
    let mut body = request(json!({
        "messages": [{"role": "user", "content": "please Call Tool"}],
        "tools": [{"type": "custom", "custom": {"name": "odd"}}, tool("get_weather"), tool("get_time")],
    }));
    body.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
    body
}

#[test]
fn a_tool_is_called_when_asked_for() {
    let choice = run(&tools(json!({}))).json()["choices"][0].clone();
    assert_eq!((&choice["finish_reason"], &choice["message"]["content"]), (&json!("tool_calls"), &Value::Null));
    let call = &choice["message"]["tool_calls"][0];
    assert_eq!(
        (&call["type"], &call["function"]),
        (&json!("function"), &json!({"name": "get_weather", "arguments": "{}"}))
    );
    assert!(call["id"].as_str().unwrap().starts_with("call_") && call.get("index").is_none());

    let events = run(&tools(json!({"stream": true}))).events();
    let deltas: Vec<_> = events.iter().map(|event| event["choices"][0]["delta"].clone()).collect();
    assert_eq!(
        (deltas.len(), &deltas[0]["tool_calls"][0]["function"]),
        (3, &json!({"name": "get_weather", "arguments": ""}))
    );
    assert_eq!(deltas[0]["tool_calls"][0]["index"], 0);
    assert_eq!(deltas[1], json!({"tool_calls": [{"index": 0, "function": {"arguments": "{}"}}]}));
    assert_eq!(events[2]["choices"][0]["finish_reason"], "tool_calls");
}

#[test]
fn tool_choice_and_tool_results_are_heeded() {
    let called = |extra: Value| {
        let body = run(&tools(extra)).json();
        body["choices"][0]["message"]["tool_calls"][0]["function"]["name"].as_str().map(str::to_owned)
    };
    assert_eq!(called(json!({"tool_choice": "none"})), None);
    assert_eq!(called(json!({"tool_choice": "auto"})).as_deref(), Some("get_weather"));
    let named = json!({"type": "function", "function": {"name": "get_time"}});
    assert_eq!(called(json!({"tool_choice": named})).as_deref(), Some("get_time"));
    let quiet = json!([{"role": "user", "content": "hello"}]);
    assert_eq!(called(json!({"messages": quiet})), None);
    assert_eq!(called(json!({"messages": quiet, "tool_choice": "required"})).as_deref(), Some("get_weather"));
    let answered =
        json!([{"role": "user", "content": "call tool"}, {"role": "tool", "content": "{}", "tool_call_id": "1"}]);
    assert_eq!(called(json!({"messages": answered})), None);
    assert_eq!(called(json!({"tools": null})), None);
}

#[test]
fn delays_are_as_asked() {
    let ran = streamed(json!({"latency_ms": 60, "chunk_ms": 10, "output_tokens": 3}));
    let gap = Duration::from_millis(10);
    assert_eq!(ran.latency, Duration::from_millis(60));
    assert_eq!(ran.delays, [Duration::ZERO, gap, gap, gap, Duration::ZERO, Duration::ZERO, Duration::ZERO]);
    assert_eq!(whole(json!({"latency_ms": 60, "chunk_ms": 10})).delays, [Duration::ZERO]);
}

#[test]
fn error_faults_replace_the_answer() {
    for (fault, status, code) in [
        ("error_500", 500, Value::Null),
        ("error_429", 429, json!("rate_limit_exceeded")),
        ("error_401", 401, json!("invalid_api_key")),
    ] {
        for ran in [whole(json!({"fault": fault, "latency_ms": 5})), streamed(json!({"fault": fault, "latency_ms": 5}))]
        {
            assert_eq!((ran.status, &ran.json()["error"]["code"], ran.end), (status, &code, End::Clean));
            assert_eq!(ran.latency, Duration::from_millis(5));
            assert_eq!(ran.headers.contains(&("retry-after", "1".to_owned())), status == 429);
        }
    }
}

#[test]
fn a_cut_or_hanging_answer_stops_where_asked() {
    for (fault, end) in [("cut", End::Cut), ("hang", End::Hang)] {
        for after in [0, 1, 4] {
            let ran = streamed(json!({"fault": fault, "fault_after": after}));
            assert_eq!((ran.pieces.len(), ran.end, ran.status), (after, end, 200));
        }
        assert_eq!(whole(json!({"fault": fault})).pieces.len(), 0);
        let ran = whole(json!({"fault": fault, "fault_after": 1}));
        assert!(ran.end == end && serde_json::from_str::<Value>(&ran.body()).is_err() && !ran.body().is_empty());
        let late = streamed(json!({"fault": fault, "fault_after": 9_999, "output_tokens": 1}));
        assert_eq!((late.pieces.len(), late.end), (5, end));
    }
}

#[test]
fn the_other_faults_spoil_what_they_name() {
    let ran = streamed(json!({"fault": "error_event", "fault_after": 2}));
    assert_eq!((ran.pieces.len(), &ran.events()[2]["error"]["type"], ran.end), (3, &json!("server_error"), End::Clean));
    assert_eq!(whole(json!({"fault": "error_event"})).json()["error"]["type"], "server_error");

    let ran = streamed(json!({"fault": "bad_json", "fault_after": 2, "output_tokens": 4}));
    let is_json = |piece: &String| serde_json::from_str::<Value>(piece.strip_prefix("data: ").unwrap().trim()).is_ok();
    assert_eq!(ran.pieces.iter().map(is_json).collect::<Vec<_>>(), [true, true, false, true, true, true, true, false]);
    assert!(serde_json::from_str::<Value>(&whole(json!({"fault": "bad_json"})).body()).is_err());

    let ran = streamed(json!({"fault": "no_usage"}));
    assert!(ran.events().iter().all(|event| event["usage"].is_null()) && ran.body().ends_with("data: [DONE]\n\n"));
    assert!(whole(json!({"fault": "no_usage"})).json().get("usage").is_none());
}

#[test]
fn bad_requests_are_refused_as_openai_does() {
    for (body, param, says) in [
        (json!({"messages": []}), Value::Null, "you must provide a model parameter"),
        (json!({"model": "m"}), json!("messages"), "Missing required parameter: 'messages'."),
        (request(json!({"messages": []})), json!("messages"), "empty array"),
        (request(json!({"n": 2})), json!("n"), "exactly one choice"),
        (request(json!({"max_tokens": 0})), json!("max_completion_tokens"), "at least 1"),
        (request(json!({"sandbox": {"output_tokens": 0}})), json!("sandbox.output_tokens"), "between 1 and 131072"),
        (request(json!({"sandbox": {"fault": "flood"}})), Value::Null, "`error_500`"),
        (request(json!({"messages": "hello"})), Value::Null, "Invalid request body"),
        (request(json!({"tools": {}})), Value::Null, "Invalid request body"),
        (json!([]), Value::Null, "Invalid request body"),
    ] {
        let ran = run(&body);
        let error = ran.json()["error"].clone();
        assert_eq!(
            (ran.status, &error["param"], &error["type"]),
            (400, &param, &json!("invalid_request_error")),
            "{body}"
        );
        assert!(error["message"].as_str().unwrap().contains(says), "{error}");
    }
    let ran = run_bytes(b"{\"model\":", NOW);
    assert_eq!(
        (ran.status, ran.json()["error"]["message"].as_str()),
        (400, Some("We could not parse the JSON body of your request."))
    );
    assert_eq!(run(&request(json!({"sandbox": {"later": 1}, "unknown": {}}))).status, 200);
}

proptest! {
    #[test]
    fn any_spoiled_request_gets_an_answer(at in 0_usize..400, byte: u8, moment: i64) {
        let mut body = tools(json!({"stream": true, "sandbox": {"fault": "bad_json", "fault_after": 1}})).to_string().into_bytes();
        let at = at % body.len();
        body[at] = byte;
        let ran = run_bytes(&body, Timestamp(moment));
        prop_assert!(ran.status == 200 || ran.status == 400);
        prop_assert!(!ran.pieces.is_empty());
    }
}
