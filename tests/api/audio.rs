//! Speech that becomes text and text that becomes speech: passed on as it is, paid by length, tokens or characters, and
//! never done twice.

use farthing_support::gateway::openai_error;
use farthing_support::http::{Answer, Client};
use farthing_support::money::Picos;
use farthing_support::poll::{PATIENCE, until};
use farthing_support::scene::{PROJECT, prices};
use farthing_support::{Reply, Scene, Tokens};
use serde_json::json;

use crate::scene;

const PATH: &str = "/v1/audio/transcriptions";
const SPEECH: &str = "/v1/audio/speech";
/// A second of silence at 8 kHz, 16 bits, one channel.
const SECOND: usize = 16_000;

/// A scene whose models `scribe` and, at the same provider, `clerk` are paid by the minute and by tokens.
fn studio() -> Scene {
    let scene = scene();
    let by_minute = json!({"input_cost_per_m": "0", "output_cost_per_m": "0", "audio_minute_fee_usd": "0.006"});
    let by_token = json!({"input_cost_per_m": "2.5", "output_cost_per_m": "10", "audio_input_cost_per_m": "6"});
    scene.gateway.add_model("scribe", "openai", &by_minute);
    scene.gateway.add_model("clerk", "openai", &by_token);
    scene
}

fn wav(bytes: usize) -> Vec<u8> {
    let mut file =
        b"RIFF\xff\xff\xff\xffWAVEfmt \x10\0\0\0\x01\0\x01\0\x40\x1f\0\0\x80\x3e\0\0\x02\0\x10\0data".to_vec();
    file.extend(u32::try_from(bytes).unwrap().to_le_bytes());
    file.resize(file.len() + bytes, 0);
    file
}

/// A form with the file first, as no library writes it and every server must read it.
fn form(file: &[u8], fields: &[(&str, &str)]) -> Vec<u8> {
    let mut body = b"--xYz\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.wav\"\r\n\
        Content-Type: audio/wav\r\n\r\n"
        .to_vec();
    body.extend(file);
    for (name, value) in fields {
        body.extend(format!("\r\n--xYz\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}").as_bytes());
    }
    body.extend(b"\r\n--xYz--\r\n");
    body
}

fn uploading(application: &Client) -> Client {
    application.with("content-type", "multipart/form-data; boundary=xYz")
}

fn upload(scene: &Scene, file: &[u8], fields: &[(&str, &str)]) -> Answer {
    uploading(&scene.application()).post_bytes(PATH, &form(file, fields))
}

fn lasting(ms: i128) -> Picos {
    Picos::of(&json!("0.0000001")) * ms
}

#[test]
fn an_upload_is_passed_on_byte_for_byte_and_paid_by_the_second() {
    let scene = studio();
    let body = json!({"name": "hears", "provider": "openai", "upstream_model": "whisper-1",
        "prices": {"input_cost_per_m": "0", "output_cost_per_m": "0", "audio_minute_fee_usd": "0.006"}});
    scene.gateway.create("/api/models", &body);
    let reply = json!({"text": "hi", "usage": {"type": "duration", "seconds": 2}});
    scene.upstream.expect(Reply::status(200, &reply));
    let sound = [wav(SECOND), b"\r\n--xY\r\n\0\xff".to_vec()].concat();
    let answer = upload(&scene, &sound, &[("prompt", "Oslo"), ("model", "hears"), ("odd[]", "1")]);
    assert_eq!((answer.status, answer.json()), (200, reply), "{}", answer.text());
    assert_eq!(answer.header("x-farthing-cost"), Some("0.0002"));
    let seen = scene.upstream.journal().pop().unwrap();
    assert_eq!(seen.path, PATH);
    assert_eq!(seen.header("content-type"), Some("multipart/form-data; boundary=xYz"));
    assert!(seen.body == form(&sound, &[("prompt", "Oslo"), ("model", "whisper-1"), ("odd[]", "1")]));
    let row = scene.recorded(&answer);
    assert_eq!((&row["usage"]["audio_ms"], &row["usage_source"]), (&json!(2_000), &json!("provider")), "{row}");
    assert_eq!(Picos::of(&row["cost_usd"]), lasting(2_000));
}

#[test]
fn formats_without_usage_are_measured_or_estimated() {
    let scene = studio();
    let words = || Reply::raw(200, b"1\n00:00\nhi").header("content-type", "text/vtt; charset=utf-8");
    let fields = [("model", "scribe"), ("response_format", "vtt")];
    scene.upstream.expect(words());
    let answer = upload(&scene, &wav(SECOND * 3 / 2), &fields);
    assert_eq!(
        (answer.header("content-type"), answer.text().as_str()),
        (Some("text/vtt; charset=utf-8"), "1\n00:00\nhi")
    );
    let row = scene.recorded(&answer);
    assert_eq!((&row["usage"]["audio_ms"], &row["usage_source"]), (&json!(1_500), &json!("counted")), "{row}");
    assert_eq!((Picos::of(&row["cost_usd"]), Picos::of(&row["held_usd"])), (lasting(1_500), lasting(1_500)));
    scene.upstream.expect(words());
    let row = scene.recorded(&upload(&scene, &[7; 40_000], &fields));
    assert_eq!((&row["usage"]["audio_ms"], &row["usage_detail"]), (&json!(10_000), &json!("estimated:missing")));
    assert_eq!((Picos::of(&row["cost_usd"]), Picos::of(&row["held_usd"])), (lasting(10_000), lasting(40_000)));
    scene.upstream.expect(Reply::status(200, &json!({"text": "hi", "duration": 8.4701})));
    let row =
        scene.recorded(&upload(&scene, &[7; 40_000], &[("model", "scribe"), ("response_format", "verbose_json")]));
    assert_eq!((&row["usage"]["audio_ms"], &row["usage_source"]), (&json!(8_471), &json!("provider")), "{row}");
}

#[test]
fn tokens_are_paid_as_reported_or_estimated_by_length() {
    let scene = studio();
    let usage = json!({"type": "tokens", "input_tokens": 34, "output_tokens": 20, "total_tokens": 54,
        "input_token_details": {"text_tokens": 4, "audio_tokens": 30}});
    scene.upstream.expect(Reply::status(200, &json!({"text": "hi", "usage": usage})));
    let row = scene.recorded(&upload(&scene, &wav(SECOND), &[("model", "clerk")]));
    let cost = Picos::millionths("2.5", 4) + Picos::millionths("6", 30) + Picos::millionths("10", 20);
    assert_eq!(
        (Picos::of(&row["cost_usd"]), &row["usage_source"]),
        (Picos::rounded(cost), &json!("provider")),
        "{row}"
    );
    let classes = ["input", "audio_input", "output"].map(|class| row["usage"][class].as_u64());
    assert_eq!(classes, [Some(4), Some(30), Some(20)], "{row}");
    scene.upstream.expect(Reply::status(200, &json!({"text": "hi", "duration": 2})));
    let row = scene.recorded(&upload(&scene, &wav(SECOND), &[("model", "clerk")]));
    assert_eq!(
        (&row["usage"]["audio_input"], &row["usage_detail"]),
        (&json!(20), &json!("estimated:missing")),
        "{row}"
    );
}

#[test]
fn a_budget_that_cannot_pay_for_all_of_it_refuses_before_it_is_heard() {
    let scene = studio();
    let poor = json!({"budget": {"limit_usd": "0.001", "window": "total", "time_zone": "UTC"}});
    let key = scene.gateway.add_key(PROJECT, &poor);
    let application = uploading(&scene.gateway.application(&key.secret));
    let ask = |seconds: usize| form(&wav(SECOND * seconds), &[("model", "scribe")]);
    let error = openai_error(&application.post_bytes(PATH, &ask(11)), 402);
    assert_eq!(error["code"], "insufficient_quota", "{error}");
    assert!(scene.upstream.journal().is_empty());
    scene.upstream.expect(Reply::status(200, &json!({"text": "hi"})));
    assert_eq!(application.post_bytes(PATH, &ask(10)).status, 200);
}

#[test]
fn what_may_have_been_heard_is_not_sent_again() {
    let scene = studio();
    scene.gateway.add_provider("second", &scene.upstream);
    scene.gateway.add_model("scribe", "second", &json!({"input_cost_per_m": "0", "output_cost_per_m": "0"}));
    scene.upstream.expect(Reply::status(500, &json!({"error": {"message": "oops"}})));
    let answer = upload(&scene, &wav(SECOND), &[("model", "scribe")]);
    assert!(answer.status >= 500, "{}", answer.text());
    assert_eq!(scene.upstream.journal().len(), 1);
}

#[test]
fn a_caller_that_leaves_is_charged_for_what_was_sent() {
    let scene = studio();
    scene.upstream.expect(Reply::silence());
    let body = form(&wav(SECOND), &[("model", "scribe")]);
    let sent = uploading(&scene.application()).start("POST", PATH, &body).unwrap();
    until("the upload is there", PATIENCE, || (!scene.upstream.journal().is_empty()).then_some(()));
    sent.hang_up();
    let rows = scene.gateway.requests(PROJECT, 1);
    assert_eq!((&rows[0]["status"], &rows[0]["usage"]["audio_ms"]), (&json!("client_gone"), &json!(1_000)), "{rows:?}");
    assert_eq!(Picos::of(&rows[0]["cost_usd"]), lasting(1_000));
}

#[test]
fn large_uploads_fit_and_what_cannot_be_asked_is_named() {
    let scene = studio();
    scene.upstream.expect(Reply::status(200, &json!({"text": "hi"})));
    assert_eq!(upload(&scene, &vec![1; 25_000_000], &[("model", "scribe")]).status, 200);
    let too_large = upload(&scene, &vec![1; 25 << 20], &[("model", "scribe")]);
    assert_eq!(openai_error(&too_large, 413)["code"], "body_too_large");
    for (fields, param) in [
        (&[][..], "model"),
        (&[("model", "scribe"), ("model", "clerk")], "model"),
        (&[("model", "scribe"), ("stream", "true")], "stream"),
        (&[("model", "scribe"), ("url", "https://example.com/a.wav")], "url"),
    ] {
        assert_eq!(openai_error(&upload(&scene, b"x", fields), 400)["param"], param);
    }
    openai_error(&scene.application().post(PATH, &json!({"model": "scribe"})), 400);
    scene.gateway.add_provider_of("xai", "xai", &scene.upstream);
    scene.gateway.add_model("grok", "xai", &prices());
    let error = openai_error(&upload(&scene, b"x", &[("model", "grok")]), 400);
    assert_eq!((&error["code"], &error["param"]), (&json!("unsupported_field"), &json!("model")), "{error}");
    assert_eq!(scene.upstream.journal().len(), 1);
}

/// A scene whose models `reader` and, at the same provider, `actor` are paid by the character and by tokens.
fn stage() -> Scene {
    let scene = scene();
    let by_character = json!({"input_cost_per_m": "0", "output_cost_per_m": "0", "character_cost_per_m": "15"});
    let by_token = json!({"input_cost_per_m": "0.6", "output_cost_per_m": "0", "audio_output_cost_per_m": "12"});
    scene.gateway.add_model("reader", "openai", &by_character);
    scene.gateway.add_model("actor", "openai", &by_token);
    scene
}

#[test]
fn speech_is_passed_on_and_paid_by_the_character() {
    let scene = stage();
    let asked = "{ \"input\":\"Sk\u{e5}l! \u{1f37b}\",\"voice\":\"alloy\",\"odd\":1e2, \"model\":\"reader\"}";
    let sound: Vec<u8> = (0..300_000_u32).flat_map(u32::to_le_bytes).collect();
    scene.upstream.expect(Reply::raw(200, &sound).header("content-type", "audio/mpeg"));
    let answer = scene.application().post_bytes(SPEECH, asked.as_bytes());
    assert!(answer.status == 200 && answer.body == sound, "{} {}", answer.status, answer.body.len());
    assert_eq!(
        (answer.header("content-type"), answer.header("x-farthing-cost")),
        (Some("audio/mpeg"), Some("0.000105"))
    );
    let seen = scene.upstream.journal().pop().unwrap();
    assert_eq!((seen.path.as_str(), seen.text().as_str()), (SPEECH, asked));
    let row = scene.recorded(&answer);
    assert_eq!((&row["usage"]["characters"], &row["usage_source"]), (&json!(7), &json!("counted")), "{row}");
    assert_eq!(Picos::of(&row["cost_usd"]), Picos::rounded(Picos::millionths("15", 7)));
    assert_eq!(row["held_usd"], row["cost_usd"], "characters are known before");
}

#[test]
fn speech_priced_by_tokens_is_estimated_and_within_its_hold() {
    let scene = stage();
    scene.upstream.expect(Reply::raw(200, b"sound").header("content-type", "audio/wav"));
    let body = json!({"model": "actor", "input": "x".repeat(100), "voice": "alloy"});
    let row = scene.recorded(&scene.application().post(SPEECH, &body));
    assert_eq!(
        (&row["usage"]["audio_output"], &row["usage_detail"]),
        (&json!(140), &json!("estimated:missing")),
        "{row}"
    );
    let sound = Picos::rounded(Picos::millionths("12", 140));
    let (cost, held) = (Picos::of(&row["cost_usd"]), Picos::of(&row["held_usd"]));
    assert!(sound < cost && cost < held, "{row}");
}

#[test]
fn speech_that_cannot_be_paid_asked_or_finished_is_refused() {
    let scene = stage();
    let poor = json!({"budget": {"limit_usd": "0.0015", "window": "total", "time_zone": "UTC"}});
    let key = scene.gateway.add_key(PROJECT, &poor);
    let ask = |length: usize| json!({"model": "reader", "voice": "alloy", "input": "x".repeat(length)});
    let error = openai_error(&scene.gateway.application(&key.secret).post(SPEECH, &ask(101)), 402);
    assert_eq!(error["code"], "insufficient_quota", "{error}");
    for (body, param) in [
        (json!({"model": "reader"}), "input"),
        (json!({"input": "x"}), "model"),
        (json!({"model": "reader", "input": 7}), "input"),
        (json!({"model": "reader", "input": "x", "stream_format": "sse"}), "stream_format"),
    ] {
        assert_eq!(openai_error(&scene.application().post(SPEECH, &body), 400)["param"], param);
    }
    scene.gateway.add_provider_of("mistral", "mistral", &scene.upstream);
    scene.gateway.add_model("small", "mistral", &prices());
    let error = openai_error(&scene.application().post(SPEECH, &json!({"model": "small", "input": "x"})), 400);
    assert_eq!((&error["code"], &error["param"]), (&json!("unsupported_field"), &json!("model")), "{error}");
    assert!(scene.upstream.journal().is_empty());
    // What breaks off is an error and is charged, since it was read.
    scene.upstream.expect(Reply::chat(Tokens::plain(1, 1)).cut_after(1));
    let answer = scene.application().post(SPEECH, &ask(100));
    assert!(answer.status >= 500, "{}", answer.text());
    assert_eq!(Picos::of(&scene.recorded(&answer)["cost_usd"]), Picos::of(&json!("0.0015")));
}

#[test]
fn a_listener_that_leaves_is_charged_for_what_was_read() {
    let scene = stage();
    scene.upstream.expect(Reply::silence());
    let body = json!({"model": "reader", "input": "x".repeat(100), "voice": "alloy"}).to_string();
    let sent = scene.application().start("POST", SPEECH, body.as_bytes()).unwrap();
    until("the text is there", PATIENCE, || (!scene.upstream.journal().is_empty()).then_some(()));
    sent.hang_up();
    let rows = scene.gateway.requests(PROJECT, 1);
    assert_eq!((&rows[0]["status"], &rows[0]["usage"]["characters"]), (&json!("client_gone"), &json!(100)), "{rows:?}");
    assert_eq!(Picos::of(&rows[0]["cost_usd"]), Picos::of(&json!("0.0015")));
}
