"""The stock openai package through the gateway: it must not be able to tell the difference, except by what it is charged."""

import asyncio
import json
from decimal import Decimal

import openai
import pytest
from gateway import COST, until
from upstream import ARGUMENTS, TEXT

ASK = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "hello"}], "max_tokens": 200}
WEATHER = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "The weather of a city.",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
        "strict": True,
    },
}


def text(chunks):
    return "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)


def request_id(heads):
    return heads[-1][1]["x-farthing-request-id"]


def test_chat_is_answered_and_charged(client, gateway, heads):
    answer = client.chat.completions.create(**ASK)
    assert answer.choices[0].message.content == TEXT
    assert answer.usage.prompt_tokens_details.cached_tokens == 1000
    assert Decimal(heads[-1][1]["x-farthing-cost"]) == COST
    row = gateway.recorded(request_id(heads))
    assert (row["status"], Decimal(row["cost_usd"]), row["stream"]) == ("ok", COST, False)
    assert row["usage"] == {"input": 200, "cache_read": 1000, "cache_write": 0, "output": 40, "reasoning": 10}


def test_stream_without_usage(client, gateway, heads, upstream):
    chunks = list(client.chat.completions.create(**ASK, stream=True))
    assert text(chunks) == TEXT
    assert all(chunk.usage is None and chunk.choices for chunk in chunks)
    assert upstream.journal[-1]["body"]["stream_options"] == {"include_usage": True}
    row = gateway.recorded(request_id(heads))
    assert (row["status"], Decimal(row["cost_usd"]), row["stream"]) == ("ok", COST, True)


def test_stream_with_usage_and_cost(client, heads):
    chunks = list(client.chat.completions.create(**ASK, stream=True, stream_options={"include_usage": True}))
    assert text(chunks) == TEXT
    last = chunks[-1]
    assert (last.choices, last.usage.total_tokens) == ([], 1250)
    assert last.model_extra["farthing"]["request_id"] == request_id(heads)
    assert Decimal(last.model_extra["farthing"]["cost_usd"]) == COST


def test_the_stream_manager_accumulates(client):
    with client.chat.completions.stream(**ASK) as stream:
        assert stream.get_final_completion().choices[0].message.content == TEXT


def test_the_async_client(gateway, key):
    async def ask():
        async with openai.AsyncOpenAI(base_url=f"{gateway.url}/v1", api_key=key) as client:
            whole = await client.chat.completions.create(**ASK)
            stream = await client.chat.completions.create(**ASK, stream=True)
            return whole.choices[0].message.content, text([chunk async for chunk in stream])

    assert asyncio.run(ask()) == (TEXT, TEXT)


def test_many_at_once(gateway, key):
    async def ask_all():
        async with openai.AsyncOpenAI(base_url=f"{gateway.url}/v1", api_key=key, max_retries=0) as client:
            return await asyncio.gather(*(client.chat.completions.create(**ASK) for _ in range(50)))

    assert [answer.choices[0].message.content for answer in asyncio.run(ask_all())] == [TEXT] * 50


@pytest.mark.parametrize("stream", [False, True])
def test_tools_pass_untouched(client, upstream, stream):
    asked = {**ASK, "tools": [WEATHER], "tool_choice": "required", "parallel_tool_calls": True, "stream": stream}
    if stream:
        parts = [chunk.choices[0].delta.tool_calls for chunk in client.chat.completions.create(**asked) if chunk.choices]
        calls = [call for part in parts for call in part or []]
        name, arguments = calls[0].function.name, "".join(call.function.arguments for call in calls)
    else:
        call = client.chat.completions.create(**asked).choices[0].message.tool_calls[0]
        name, arguments = call.function.name, call.function.arguments
    assert (name, arguments) == ("weather", "".join(ARGUMENTS))
    seen = upstream.journal[-1]["body"]
    assert (seen["tools"], seen["tool_choice"], seen["parallel_tool_calls"]) == ([WEATHER], "required", True)


def test_a_tools_result_passes_untouched(client, upstream):
    call = {"id": "call_1", "type": "function", "function": {"name": "weather", "arguments": '{"city":"Oslo"}'}}
    messages = [*ASK["messages"], {"role": "assistant", "tool_calls": [call]}, {"role": "tool", "tool_call_id": "call_1", "content": "rain"}]
    client.chat.completions.create(**{**ASK, "messages": messages})
    assert upstream.journal[-1]["body"]["messages"] == messages


def test_unknown_fields_reach_the_upstream(client, upstream):
    extra = {"x_new_knob": {"deep": [1, 2.50, None]}, "reasoning_effort": "low"}
    client.chat.completions.create(**ASK, extra_body=extra)
    seen = upstream.journal[-1]["body"]
    assert {name: seen[name] for name in extra} == extra


def test_a_wrong_key(make_client, heads):
    for wrong in ["nonsense", "sk-ft-ab12cd34-nonsense"]:
        with pytest.raises(openai.AuthenticationError) as raised:
            make_client(wrong).chat.completions.create(**ASK)
        assert raised.value.code == "invalid_api_key"
    assert len(heads) == 2, "a wrong key is not tried again"


def test_an_unknown_model(client, heads):
    with pytest.raises(openai.NotFoundError) as raised:
        client.chat.completions.create(**{**ASK, "model": "no-such-model"})
    assert raised.value.code == "model_not_found"
    assert len(heads) == 1


def test_a_bad_request(client):
    for wrong in [{"messages": "hello"}, {"max_tokens": -1}, {"stream": "perhaps"}]:
        with pytest.raises(openai.BadRequestError):
            client.chat.completions.create(**{**ASK, **wrong})


def test_the_providers_refusal_of_a_request(client):
    with pytest.raises(openai.BadRequestError) as raised:
        client.chat.completions.create(**{**ASK, "model": "refuse"})
    assert (raised.value.param, raised.value.body["message"]) == ("temperature", "temperature is too high")


def test_a_budget_that_is_spent_is_402_and_not_tried_again(make_client, gateway, upstream, heads):
    budget = {"limit_usd": "0.000001", "window": "total", "time_zone": "UTC"}
    poor, _ = gateway.key("poor", budget=budget)
    before = len(upstream.journal)
    with pytest.raises(openai.APIStatusError) as raised:
        make_client(poor).chat.completions.create(**ASK)
    assert (raised.value.status_code, raised.value.code) == (402, "insufficient_quota")
    assert len(heads) == 1 and len(upstream.journal) == before


def test_a_broken_provider(make_client, key, gateway, heads):
    with pytest.raises(openai.InternalServerError):
        make_client(key, max_retries=0).chat.completions.create(**{**ASK, "model": "fail"})
    assert gateway.recorded(request_id(heads))["status"] == "upstream_error"


def test_a_busy_provider(make_client, key):
    with pytest.raises(openai.RateLimitError) as raised:
        make_client(key, max_retries=0).chat.completions.create(**{**ASK, "model": "busy"})
    assert raised.value.response.headers["retry-after"] == "1"


def test_a_cut_stream_raises(client, gateway, heads):
    seen = []
    with pytest.raises(openai.APIError) as raised:
        for chunk in client.chat.completions.create(**{**ASK, "model": "cut"}, stream=True):
            seen.append(chunk)
    assert type(raised.value) is openai.APIError, "an error event, not a broken connection"
    assert text(seen), "what had arrived was passed on"
    assert gateway.recorded(request_id(heads))["status"] == "upstream_cut"


def test_a_client_that_leaves(client, gateway, heads):
    stream = client.chat.completions.create(**{**ASK, "model": "endless"}, stream=True)
    next(iter(stream))
    stream.close()
    row = gateway.recorded(request_id(heads))
    assert row["status"] == "client_gone" and Decimal(row["cost_usd"]) > 0


def test_models(client):
    names = {model.id for model in client.models.list()}
    assert {"gpt-4o-mini", "sandbox-small"} <= names
    assert client.models.retrieve("gpt-4o-mini").id == "gpt-4o-mini"
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("no-such-model")


def test_raw_responses_carry_the_gateways_headers(client):
    raw = client.chat.completions.with_raw_response.create(**ASK)
    assert raw.headers["x-farthing-model"] == "gpt-4o-mini"
    assert raw.headers["x-farthing-provider"] == "openai"
    assert raw.parse().choices[0].message.content == TEXT


def test_the_sandbox_is_a_provider_like_any_other(client, gateway, heads):
    asked = {"model": "sandbox-small", "messages": ASK["messages"], "extra_body": {"sandbox": {"output_tokens": 12}}}
    whole = client.chat.completions.create(**asked)
    chunks = list(client.chat.completions.create(**asked, stream=True))
    assert whole.usage.completion_tokens == 12
    assert text(chunks) == whole.choices[0].message.content, "the same messages, the same text"
    row = gateway.recorded(request_id(heads))
    assert (row["provider"], row["usage"]["output"]) == ("sandbox", 12)


def test_the_books_add_up(gateway):
    verdict = until("no hold is open", lambda: (v := gateway.call("GET", "/api/ledger/verify")[1])["open_holds"] == 0 and v)
    assert (verdict["ok"], Decimal(verdict["imbalance_usd"]), verdict["faults"]) == (True, 0, [])
    status, page = gateway.call("GET", "/api/projects?limit=100")
    spent = next(project["budget"]["spent_usd"] for project in page["data"] if project["name"] == "apps")
    rows, cursor = [], ""
    while cursor is not None:
        page = gateway.call("GET", f"/api/requests?project=apps&limit=100{cursor and '&cursor=' + cursor}")[1]
        rows, cursor = rows + page["data"], page["next_cursor"]
    assert sum(Decimal(row["cost_usd"]) for row in rows) == Decimal(spent), json.dumps(rows[:3])
