//! Classifiers: a cheap model rates a request, the rating chooses the target, and both calls are paid for.

use std::thread;
use std::time::Duration;

use farthing_support::dialect::Dialect;
use farthing_support::scene::{MODEL, PROJECT, ask, cost, prices};
use farthing_support::{Answer, Picos, Reply, Scene, Tokens, Upstream};
use serde_json::{Value, json};

use crate::scene;

const SOON: Duration = Duration::from_secs(30);
/// What the judge consumes, and what an answer does.
const RATED: Tokens = Tokens { prompt: 80, cached: 0, completion: 2, reasoning: 0 };
const ANSWERED: Tokens = Tokens { prompt: 7, cached: 0, completion: 3, reasoning: 0 };

/// The usual scene with three models at one provider, a judge at another, and a group that asks it.
struct Court {
    scene: Scene,
    judge: Upstream,
}

impl Court {
    fn sits() -> Self {
        let (scene, judge) = (scene(), Upstream::start());
        scene.upstream.always(Reply::chat(ANSWERED));
        scene.gateway.add_provider("bench", &judge);
        scene.gateway.add_model("judge", "bench", &prices());
        for model in ["middle", "strong"] {
            scene.gateway.add_model(model, "openai", &prices());
        }
        scene.gateway.create("/api/groups", &group("smart", "judge"));
        Self { scene, judge }
    }

    fn say(&self, words: &str) -> Answer {
        self.scene.chat(&ask(&json!({"model": "smart", "messages": [{"role": "user", "content": words}]})))
    }

    /// Where the request went at last, and why.
    fn went(&self, answer: &Answer) -> (String, Vec<String>) {
        let row = self.scene.recorded(answer);
        let route = serde_json::from_value(row["route"].clone()).unwrap();
        (row["upstream_model"].as_str().unwrap().to_owned(), route)
    }
}

fn group(name: &str, judge: &str) -> Value {
    json!({"name": name, "strategy": "classifier", "classifier": {"model": judge, "scale": 10},
        "targets": [{"model": MODEL}, {"model": "middle"}, {"model": "strong"}]})
}

fn rating(words: &str) -> Reply {
    Reply::status(
        200,
        &json!({
            "id": "c", "object": "chat.completion", "created": 1, "model": "judge",
            "choices": [{"index": 0, "message": {"role": "assistant", "content": words}, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": RATED.prompt, "completion_tokens": RATED.completion, "total_tokens": RATED.prompt + RATED.completion},
        }),
    )
}

fn spent(scene: &Scene) -> Picos {
    let budget = scene.gateway.list("/api/projects").into_iter().find(|project| project["name"] == "team-a").unwrap();
    assert_eq!(Picos::of(&budget["budget"]["held_usd"]), Picos(0));
    Picos::of(&budget["budget"]["spent_usd"])
}

#[test]
fn a_rating_chooses_the_target_and_both_calls_are_in_the_books() {
    let court = Court::sits();
    let both = cost(RATED) + cost(ANSWERED);
    let mut expected = Picos(0);
    for (said, model) in
        [("1", MODEL), ("3", MODEL), ("4", "middle"), ("Rating: 7/10.", "middle"), ("8", "strong"), ("10", "strong")]
    {
        court.judge.expect(rating(said));
        let answer = court.say("hello");
        assert_eq!((answer.status, answer.header("x-farthing-attempts")), (200, Some("1")), "{}", answer.text());
        assert_eq!(Picos::parse(answer.header("x-farthing-cost").unwrap()), both);
        let row = court.scene.recorded(&answer);
        let number: String = said.chars().filter(char::is_ascii_digit).take(if said == "10" { 2 } else { 1 }).collect();
        assert_eq!(row["route"], json!([format!("group smart: classifier judge rated {number} of 10 → {model}")]));
        assert_eq!((&row["upstream_model"], Picos::of(&row["cost_usd"])), (&json!(model), both), "{row}");
        let entries = row["entries"].as_array().unwrap();
        let told = |at: usize| {
            let entry = &entries[at];
            (
                entry["kind"].clone(),
                entry["upstream_model"].clone(),
                entry["status"].clone(),
                Picos::of(&entry["amount_usd"]),
            )
        };
        assert_eq!(entries.len(), 2, "{row}");
        assert_eq!(told(0), (json!("attempt"), json!("judge"), json!("ok"), cost(RATED)));
        assert_eq!(told(1), (json!("call"), json!(model), json!("ok"), cost(ANSWERED)));
        expected = expected + both;
        assert_eq!(spent(&court.scene), expected);
    }
    // What gives no rating goes to the strongest, and is paid for all the same.
    court.judge.expect(rating("between 3 and 4"));
    let answer = court.say("hello");
    let why = vec!["group smart: classifier judge gave no rating → strong".to_owned()];
    assert_eq!(court.went(&answer), ("strong".to_owned(), why));
    assert_eq!(spent(&court.scene), expected + both);
}

#[test]
fn the_judge_sees_only_the_beginning_of_what_was_said_last_and_may_say_little() {
    let court = Court::sits();
    court.judge.expect(rating("5"));
    let messages = json!([
        {"role": "system", "content": "SECRET-RULES"}, {"role": "user", "content": "EARLIER"},
        {"role": "assistant", "content": "BETWEEN"},
        {"role": "user", "content": [{"type": "text", "text": format!("LATEST {}END", "ä".repeat(50_000))}]},
    ]);
    let answer = court.scene.chat(&ask(&json!({"model": "smart", "messages": messages})));
    assert_eq!(answer.status, 200, "{}", answer.text());
    let seen = court.judge.only();
    let (body, text) = (seen.json(), seen.text());
    assert!(text.contains("LATEST") && text.len() < 6_000, "{} bytes", text.len());
    assert!(["SECRET-RULES", "EARLIER", "BETWEEN", "END"].iter().all(|word| !text.contains(word)));
    let cap = body["max_completion_tokens"].as_u64().or(body["max_tokens"].as_u64());
    assert_eq!((cap, &body["model"], body.get("stream")), (Some(16), &json!("judge"), None), "{body}");
    // Without a word of the user's there is nothing to rate.
    let answer = court.scene.chat(&ask(&json!({"model": "smart", "messages": [{"role": "user", "content": " "}]})));
    assert_eq!(court.went(&answer).1, ["group smart: classifier judge was not asked: the user said nothing → strong"]);
}

#[test]
fn a_judge_that_is_down_slow_or_out_is_passed_over() {
    let court = Court::sits();
    let strong = |why: &str| ("strong".to_owned(), vec![format!("group smart: classifier judge {why} → strong")]);
    court.judge.expect(Reply::error(500, "out of order"));
    let answer = court.say("hello");
    assert_eq!((answer.status, court.went(&answer)), (200, strong("answered 500")));
    assert_eq!(spent(&court.scene), cost(ANSWERED), "an error in the provider's words costs nothing");

    court.judge.expect(Reply::silence());
    let answer = court.say("hello");
    assert_eq!((answer.status, court.went(&answer)), (200, strong("did not answer in 5 s")));
    let row = court.scene.recorded(&answer);
    let asked = &row["entries"][0];
    assert_eq!(
        (&asked["upstream_model"], &asked["usage_detail"]),
        (&json!("judge"), &json!("estimated:upstream_cut")),
        "{row}"
    );
    assert!(Picos::of(&asked["amount_usd"]) > Picos(0), "it may bill its prompt: {row}");
    assert_eq!(row["usage_source"], "provider", "the answer's own figures are exact: {row}");

    let operator = court.scene.gateway.operator();
    let bench = court.scene.gateway.list("/api/providers").into_iter().find(|known| known["name"] == "bench").unwrap();
    operator
        .send("PUT", &format!("/api/providers/{}/breaker", bench["id"].as_str().unwrap()), br#"{"state": "open"}"#)
        .unwrap();
    let answer = court.say("hello");
    assert_eq!(court.went(&answer), strong("was not asked: it is out or has no price"));
    assert_eq!(court.scene.recorded(&answer)["entries"].as_array().unwrap().len(), 1);
}

#[test]
fn a_budget_covers_both_calls_before_either_is_sent() {
    let court = Court::sits();
    // Prompts are free; the judge's sixteen tokens and the answer's ten are a tenth of a cent each.
    let exact = json!({"input_cost_per_m": "0", "output_cost_per_m": "1000"});
    for (model, provider) in [("dear judge", "bench"), ("dear", "openai"), ("dearer", "openai")] {
        court.scene.gateway.add_model(model, provider, &exact);
    }
    let targets = json!([{"model": "dear"}, {"model": "dearer"}]);
    let classifier = json!({"model": "dear judge", "scale": 2});
    let dear = json!({"name": "dear smart", "strategy": "classifier", "classifier": classifier, "targets": targets});
    court.scene.gateway.create("/api/groups", &dear);
    let body = ask(&json!({"model": "dear smart", "max_tokens": 10}));
    let ask_with = |project: &str, limit: &str| {
        court.scene.gateway.add_project(project, Some(limit));
        let key = court.scene.gateway.add_key(project, &json!({}));
        court.scene.gateway.application(&key.secret).post("/v1/chat/completions", &body)
    };
    crate::budgets::refused(&ask_with("poor", "0.0255"));
    assert_eq!((court.judge.calls(), court.scene.upstream.calls()), (0, 0), "nothing was sent");

    court.judge.expect(rating("1"));
    let served = ask_with("able", "0.026");
    assert_eq!(served.status, 200, "{}", served.text());
    assert_eq!(served.header("x-farthing-cost"), Some("0.005"), "two tokens of the judge's and three of the answer's");
    assert_eq!(court.went(&served).0, "dear");

    // What the judge did not need is free again for the call's further attempts.
    court.judge.expect(rating("2"));
    court.scene.upstream.expect(Reply::error(500, "out of order"));
    let again = ask_with("again", "0.026");
    assert_eq!((again.status, court.went(&again).0.as_str()), (200, "dear"), "{}", again.text());
    let entries = court.scene.recorded(&again)["entries"].as_array().unwrap().clone();
    let kinds: Vec<_> = entries
        .iter()
        .map(|entry| (entry["upstream_model"].as_str().unwrap(), entry["amount_usd"].as_str().unwrap()))
        .collect();
    assert_eq!(kinds, [("dear judge", "0.002"), ("dearer", "0"), ("dear", "0.003")]);
    assert_eq!(again.header("x-farthing-attempts"), Some("2"));
}

#[test]
fn streams_are_rated_too_and_a_judge_may_speak_another_dialect() {
    let court = Court::sits();
    court.scene.gateway.add_model_of(Dialect::Anthropic, "claude judge", "claude", &court.judge);
    court.scene.gateway.create("/api/groups", &group("foreign", "claude judge"));
    let usage = json!({"input_tokens": RATED.prompt, "output_tokens": RATED.completion});
    court.judge.always(Reply::status(
        200,
        &json!({
            "id": "msg_1", "type": "message", "role": "assistant", "model": "claude", "stop_reason": "end_turn",
            "content": [{"type": "text", "text": "5"}], "usage": usage,
        }),
    ));
    let body = json!({"model": "foreign", "stream": true, "stream_options": {"include_usage": true}});
    let answer = court.scene.chat(&ask(&body));
    assert_eq!(answer.status, 200, "{}", answer.text());
    let text = answer.text();
    let both = cost(RATED) + cost(ANSWERED);
    let told = text.split(r#""cost_usd":""#).nth(1).and_then(|rest| rest.split('"').next()).map(Picos::parse);
    assert_eq!(told, Some(both), "{text}");
    assert_eq!(
        court.went(&answer),
        ("middle".to_owned(), vec!["group foreign: classifier claude judge rated 5 of 10 → middle".to_owned()])
    );
    assert_eq!(court.judge.only().path, "/v1/messages");
    assert_eq!(spent(&court.scene), both);
}

#[test]
fn an_explanation_says_what_each_rating_would_choose_and_asks_nobody() {
    let court = Court::sits();
    let operator = court.scene.gateway.operator();
    let told = operator.post("/api/routes/explain", &json!({"model": "smart", "text": "hello"})).json();
    let asked = &told["classifier"];
    assert_eq!(
        (&asked["group"], &asked["model"], &asked["unrated"]),
        (&json!("smart"), &json!("judge"), &json!("strong"))
    );
    let choices: Vec<_> = asked["choices"]
        .as_array()
        .unwrap()
        .iter()
        .map(|choice| (choice["ratings"].clone(), choice["target"].clone(), choice["first"]["model"].clone()))
        .collect();
    let choice = |from: u32, to: u32, model: &str| (json!([from, to]), json!(model), json!(model));
    assert_eq!(choices, [choice(1, 3, MODEL), choice(4, 7, "middle"), choice(8, 10, "strong")]);
    assert_eq!(told["route"], json!(["group smart: classifier judge was not asked → strong"]));
    assert_eq!((told["candidates"].as_array().unwrap().len(), court.judge.calls()), (3, 0));
    let plain = operator.post("/api/routes/explain", &json!({"model": MODEL})).json();
    assert_eq!(plain.get("classifier"), None);
}

#[test]
fn a_classifier_is_made_shown_and_refused_where_it_would_wait_for_another() {
    let mut court = Court::sits();
    let operator = court.scene.gateway.operator();
    for (body, told) in [
        (group("other", "smart"), "leads to another"),
        (group("other", "nobody"), "does not exist"),
        (json!({"name": "other", "strategy": "classifier", "targets": [{"model": MODEL}]}), "must be given"),
        (
            json!({"name": "other", "strategy": "ordered", "classifier": {"model": "judge"}, "targets": [{"model": MODEL}]}),
            "only where",
        ),
    ] {
        let refused = operator.post("/api/groups", &body);
        assert_eq!(refused.status, 400, "{}", refused.text());
        assert!(refused.text().contains(told), "{}", refused.text());
    }
    let line =
        "group create fine --strategy classifier --classifier judge --scale 3 --target middle --target strong --url";
    let url = format!("http://{}", court.scene.gateway.address());
    let made = court.scene.gateway.command(&line.split(' ').chain([url.as_str()]).collect::<Vec<_>>());
    assert!(made.status.success(), "{made:?}");
    court.scene.gateway.stop();
    court.scene.gateway.restart();
    let shown = court.scene.gateway.operator().get("/api/groups/fine").json();
    assert_eq!(shown["classifier"], json!({"model": "judge", "scale": 3}), "{shown}");
    let judges: Vec<_> =
        court.scene.gateway.list("/api/models").into_iter().filter(|model| model["name"] == "judge").collect();
    let path = format!("/api/models/{}", judges[0]["id"].as_str().unwrap());
    assert_eq!(court.scene.gateway.operator().send("DELETE", &path, b"").unwrap().status, 409);
}

#[test]
fn who_dies_while_the_judge_is_asked_has_its_call_in_the_books() {
    let mut court = Court::sits();
    court.judge.expect(Reply::silence());
    let client = court.scene.application();
    let body = ask(&json!({"model": "smart"}));
    let call = thread::spawn(move || client.send("POST", "/v1/chat/completions", body.to_string().as_bytes()).is_err());
    court.judge.wait_for("the question", SOON, |seen| (!seen.is_empty()).then_some(()));
    court.scene.gateway.kill_9();
    assert!(call.join().unwrap());
    court.scene.gateway.restart();
    let row = &court.scene.gateway.requests("team-a", 1)[0];
    assert_eq!((&row["status"], &row["usage_detail"]), (&json!("interrupted"), &json!("estimated:crash")), "{row}");
    // Where the call was is noted beside it, and may have come too late: then it is presumed at the target that was held for.
    let asked = (row["upstream_model"].as_str().unwrap(), row["usage"]["output"].as_u64().unwrap());
    assert!(asked == ("judge", 16) || asked.0 == "strong" && asked.1 > 16, "{row}");
}

#[test]
fn what_the_judge_consumes_counts_against_the_tokens_of_a_minute() {
    let court = Court::sits();
    let key = court.scene.gateway.add_key(PROJECT, &json!({"limits": {"tpm": 60_000}}));
    let client = court.scene.gateway.application(&key.secret);
    court.judge.expect(Reply::chat(Tokens::plain(40_000, 1)));
    let call = |model: &str| client.post("/v1/chat/completions", &ask(&json!({"model": model})));
    assert_eq!(call("smart").status, 200);
    let left = call(MODEL).header("x-ratelimit-remaining-tokens").map(str::parse);
    // A thousand come back each second.
    assert!(left.clone().is_some_and(|left| left.is_ok_and(|left: u64| left < 40_000)), "{left:?}");
}
