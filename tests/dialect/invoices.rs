//! Golden invoices: answers in each provider's own words, read by the real codecs and priced at the bundled list, against
//! figures computed by hand. Owns the arithmetic, which stands beside each figure. Amounts are exact to the picodollar.

use farthing::catalogue::PriceList;
use farthing::dialect::{Endpoint, Reading, answer};
use farthing_actors::domain::{Dialect, ProviderKind, ServiceTier, Usage};
use serde_json::{Value, json};

use crate::recordings::recordings;

/// What `answer` costs for `model` at a provider of this kind, in dollars.
fn invoice((kind, model): (ProviderKind, &str), dialect: Dialect, answer: &Value) -> String {
    billed((kind, model), &read(dialect, answer))
}

fn billed((kind, model): (ProviderKind, &str), usage: &Usage) -> String {
    let listing = PriceList::bundled().find(kind, model).unwrap_or_else(|| panic!("{model} has no price"));
    listing.price.cost(usage).to_string()
}

fn read(dialect: Dialect, body: &Value) -> Usage {
    match answer::usage(Endpoint::Conversation, dialect, body.to_string().as_bytes()) {
        Reading::Figures(usage) => usage,
        other => panic!("{other:?}: {body}"),
    }
}

fn chat(usage: Value) -> Value {
    let message = json!({"role": "assistant", "content": "Hi"});
    let choice = json!({"index": 0, "message": message, "finish_reason": "stop"});
    json!({"id": "c", "object": "chat.completion", "model": "m", "choices": [choice], "usage": usage})
}

fn message(usage: Value) -> Value {
    json!({"id": "msg_1", "type": "message", "role": "assistant", "model": "m", "stop_reason": "end_turn",
        "content": [{"type": "text", "text": "Hi"}], "usage": usage})
}

fn candidate(usage: Value) -> Value {
    let content = json!({"role": "model", "parts": [{"text": "Hi"}]});
    json!({"candidates": [{"content": content, "finishReason": "STOP"}], "usageMetadata": usage})
}

#[test]
fn openai_cached_and_reasoning() {
    let usage = json!({"prompt_tokens": 10_000, "completion_tokens": 1_234, "total_tokens": 11_234,
        "prompt_tokens_details": {"cached_tokens": 7_168}, "completion_tokens_details": {"reasoning_tokens": 1_024}});
    // (10000 - 7168) × 1.25 + 7168 × 0.125 + 1234 × 10 = 3540 + 896 + 12340 = 16776 millionths of a dollar
    let gpt_5 = (ProviderKind::Openai, "gpt-5-2025-08-07");
    assert_eq!(invoice(gpt_5, Dialect::OpenaiChat, &chat(usage.clone())), "0.016776");
    // 2832 × 0.15 + 7168 × 0.075 + 1234 × 0.60 = 424.8 + 537.6 + 740.4 = 1702.8
    let small = (ProviderKind::Openai, "gpt-4o-mini");
    assert_eq!(invoice(small, Dialect::OpenaiChat, &chat(usage)), "0.0017028");
}

#[test]
fn openai_responses() {
    let usage = json!({"input_tokens": 9_463, "input_tokens_details": {"cached_tokens": 8_320}, "output_tokens": 582,
        "output_tokens_details": {"reasoning_tokens": 512}, "total_tokens": 10_045});
    let response = json!({"id": "resp_1", "object": "response", "status": "completed", "model": "m", "output": [],
        "usage": usage});
    // 1143 × 0.05 + 8320 × 0.005 + 582 × 0.40 = 57.15 + 41.6 + 232.8 = 331.55
    let nano = (ProviderKind::Openai, "gpt-5-nano-2025-08-07");
    assert_eq!(invoice(nano, Dialect::OpenaiResponses, &response), "0.00033155");
}

#[test]
fn openai_service_tiers() {
    let usage = Usage { input: 1_001, cache_read: 2_000, output: 301, ..Usage::default() };
    // 1001 × 1.25 + 2000 × 0.125 + 301 × 10 = 1251.25 + 250 + 3010 = 4511.25; half of it; twice it
    for (tier, dollars) in [
        (ServiceTier::Standard, "0.00451125"),
        (ServiceTier::Flex, "0.002255625"),
        (ServiceTier::Batch, "0.002255625"),
        (ServiceTier::Priority, "0.0090225"),
    ] {
        assert_eq!(billed((ProviderKind::Openai, "gpt-5"), &Usage { tier, ..usage }), dollars, "{tier}");
    }
}

#[test]
fn anthropic_cache_writes_of_both_lifetimes() {
    let usage = json!({"input_tokens": 17, "cache_read_input_tokens": 14_210, "cache_creation_input_tokens": 1_426,
        "cache_creation": {"ephemeral_5m_input_tokens": 426, "ephemeral_1h_input_tokens": 1_000},
        "output_tokens": 290});
    // 17 × 3 + 14210 × 0.30 + 426 × 3.75 + 1000 × 6 + 290 × 15 = 51 + 4263 + 1597.5 + 6000 + 4350 = 16261.5
    let sonnet = (ProviderKind::Anthropic, "claude-sonnet-4-5-20250929");
    assert_eq!(invoice(sonnet, Dialect::Anthropic, &message(usage.clone())), "0.0162615");
    // 17 × 1 + 14210 × 0.10 + 426 × 1.25 + 1000 × 2 + 290 × 5 = 17 + 1421 + 532.5 + 2000 + 1450 = 5420.5
    let haiku = (ProviderKind::Anthropic, "claude-haiku-4-5");
    assert_eq!(invoice(haiku, Dialect::Anthropic, &message(usage)), "0.0054205");
}

#[test]
fn anthropic_long_context() {
    let usage = |input: u64| {
        message(
            json!({"input_tokens": input, "cache_read_input_tokens": 100_000, "cache_creation_input_tokens": 50_000,
            "cache_creation": {"ephemeral_5m_input_tokens": 30_000, "ephemeral_1h_input_tokens": 20_000},
            "output_tokens": 1_000}),
        )
    };
    let sonnet = (ProviderKind::Anthropic, "claude-sonnet-4-5");
    // 200000 in all is not above: 50000 × 3 + 100000 × 0.30 + 30000 × 3.75 + 20000 × 6 + 1000 × 15
    // = 150000 + 30000 + 112500 + 120000 + 15000 = 427500
    assert_eq!(invoice(sonnet, Dialect::Anthropic, &usage(50_000)), "0.4275");
    // one more: 50001 × 6 + 100000 × 0.60 + 30000 × 7.50 + 20000 × 12 + 1000 × 22.50
    // = 300006 + 60000 + 225000 + 240000 + 22500 = 847506
    assert_eq!(invoice(sonnet, Dialect::Anthropic, &usage(50_001)), "0.847506");
}

#[test]
fn gemini_cached_thoughts_and_long_context() {
    let usage = |prompt: u64| {
        candidate(json!({"promptTokenCount": prompt, "cachedContentTokenCount": 150_000, "candidatesTokenCount": 37,
            "thoughtsTokenCount": 742, "totalTokenCount": prompt + 779}))
    };
    let pro = (ProviderKind::Gemini, "models/gemini-2.5-pro");
    // 50000 × 1.25 + 150000 × 0.125 + (37 + 742) × 10 = 62500 + 18750 + 7790 = 89040
    assert_eq!(invoice(pro, Dialect::Gemini, &usage(200_000)), "0.08904");
    // 50001 × 2.50 + 150000 × 0.25 + 779 × 15 = 125002.5 + 37500 + 11685 = 174187.5
    assert_eq!(invoice(pro, Dialect::Gemini, &usage(200_001)), "0.1741875");
}

#[test]
fn providers_of_the_chat_dialect() {
    let usage = json!({"prompt_tokens": 976, "completion_tokens": 61, "total_tokens": 1_037,
        "prompt_tokens_details": {"cached_tokens": 896}, "completion_tokens_details": {"reasoning_tokens": 25}});
    for (at, dollars) in [
        // 80 × 0.435 + 896 × 0.003625 + 61 × 0.87 = 34.8 + 3.248 + 53.07 = 91.118
        ((ProviderKind::Deepseek, "deepseek-v4-pro"), "0.000091118"),
        // 80 × 0.40 + 896 × 0.04 + 61 × 2 = 32 + 35.84 + 122 = 189.84
        ((ProviderKind::Mistral, "mistral-medium-2508"), "0.00018984"),
        // 80 × 0.15 + 896 × 0.075 + 61 × 0.60 = 12 + 67.2 + 36.6 = 115.8
        ((ProviderKind::Groq, "openai/gpt-oss-120b"), "0.0001158"),
        // 80 × 0.95 + 896 × 0.16 + 61 × 4 = 76 + 143.36 + 244 = 463.36
        ((ProviderKind::Moonshot, "kimi-k2.6"), "0.00046336"),
        // 80 × 2.50 + 896 × 1.25 + 61 × 10 = 200 + 1120 + 610 = 1930
        ((ProviderKind::Openrouter, "openai/gpt-4o"), "0.00193"),
    ] {
        assert_eq!(invoice(at, Dialect::OpenaiChat, &chat(usage.clone())), dollars, "{at:?}");
    }
}

#[test]
fn xai_counts_reasoning_beside_completion() {
    let usage = json!({"prompt_tokens": 12, "completion_tokens": 1, "total_tokens": 241,
        "prompt_tokens_details": {"cached_tokens": 2}, "completion_tokens_details": {"reasoning_tokens": 228}});
    // 10 × 0.30 + 2 × 0.075 + (1 + 228) × 0.50 = 3 + 0.15 + 114.5 = 117.65
    let grok = (ProviderKind::Xai, "grok-3-mini");
    assert_eq!(invoice(grok, Dialect::OpenaiChat, &chat(usage)), "0.00011765");
}

/// Wire, recording, provider's kind and model, dollars.
const RECORDED: [(&str, &str, ProviderKind, &str, &str); 8] = [
    // 65 × 2.50 + 13 × 10 = 162.5 + 130 = 292.5 millionths of a dollar
    ("openai-chat", "t-openai-chat-j02", ProviderKind::Openai, "gpt-4o-2024-08-06", "0.0002925"),
    // (976 - 896) × 0.14 + 896 × 0.0028 + 61 × 0.28 = 11.2 + 2.5088 + 17.08 = 30.7888
    ("openai-chat", "t-deepseek-chat-j01", ProviderKind::Deepseek, "deepseek-v4-flash", "0.0000307888"),
    // (12 - 2) × 0.30 + 2 × 0.075 + (1 + 228) × 0.50 = 3 + 0.15 + 114.5 = 117.65: its reasoning is beside the output
    ("openai-chat", "t-xai-chat-j01", ProviderKind::Xai, "grok-3-mini", "0.00011765"),
    // 415 × 0.25 + 224 × 2 = 103.75 + 448 = 551.75
    ("openai-responses", "t-openai-responses-j05", ProviderKind::Openai, "gpt-5-mini-2025-08-07", "0.00055175"),
    // 731 × 3 + 110 × 15 = 2193 + 1650 = 3843
    (
        "anthropic-messages",
        "t-anthropic-messages-j04",
        ProviderKind::Anthropic,
        "claude-sonnet-4-5-20250929",
        "0.003843",
    ),
    // 8 × 1 + 16 × 5 = 88
    (
        "anthropic-messages",
        "t-anthropic-messages-j06",
        ProviderKind::Anthropic,
        "claude-haiku-4-5-20251001",
        "0.000088",
    ),
    // 15 × 1.25 + 2 × 10 = 18.75 + 20 = 38.75: two thoughts and nothing else
    ("gemini-generate", "t-gemini-generate-j04", ProviderKind::Gemini, "gemini-2.5-pro", "0.00003875"),
    // (345 - 230) × 0.30 + 230 × 0.03 + 37 × 2.50 = 34.5 + 6.9 + 92.5 = 133.9
    ("gemini-generate", "t-gemini-generate-j06", ProviderKind::Gemini, "gemini-2.5-flash", "0.0001339"),
];

#[test]
fn recorded_answers_cost_what_hand_and_list_say() {
    for (wire, name, kind, model, dollars) in RECORDED {
        let all = recordings(wire);
        let Some(recording) = all.iter().find(|recording| recording.name == name) else {
            assert!(all.is_empty(), "{name} is gone");
            continue;
        };
        let dialect = match wire {
            "openai-chat" => Dialect::OpenaiChat,
            "openai-responses" => Dialect::OpenaiResponses,
            "anthropic-messages" => Dialect::Anthropic,
            _ => Dialect::Gemini,
        };
        let Reading::Figures(usage) = answer::usage(Endpoint::Conversation, dialect, &recording.body) else {
            panic!("{name} has no usage");
        };
        let billed = billed((kind, model), &usage);
        println!("{name:26} {model:28} {billed}");
        assert_eq!(billed, dollars, "{name}: {usage:?}");
    }
}
