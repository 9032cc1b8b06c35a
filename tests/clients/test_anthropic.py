"""The stock anthropic package against providers of every dialect."""

import asyncio

import anthropic
import pydantic
import pytest
from upstream import JSON, TEXT, THOUGHTS

WEATHER = {
    "name": "weather",
    "description": "The weather of a city.",
    "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}
QUESTION = [{"role": "user", "content": "hello"}]


class Report(pydantic.BaseModel):
    city: str
    degrees: int


@pytest.fixture
def client(gateway, books):
    return anthropic.Anthropic(base_url=gateway.url, api_key=books.key, max_retries=0)


def ask(provider, behaviour="plain", **more):
    return {"model": f"{provider}-{behaviour}", "max_tokens": 2000, "messages": QUESTION, **more}


def texts(message):
    return "".join(block.text for block in message.content if block.type == "text")


def told(usage):
    return usage.input_tokens, usage.cache_read_input_tokens, usage.output_tokens


FIGURES = (200, 1000, 50)


def test_a_message(client, books, provider):
    answer = client.messages.create(**ask(provider, system="Be brief.", extra_body={"temperature": 0.5}))
    assert (texts(answer), answer.stop_reason, answer.role, answer.type) == (TEXT, "end_turn", "assistant", "message")
    assert told(answer.usage) == FIGURES
    books.charged(1, "anthropic", provider)


def test_the_stream_helper(client, books, provider):
    with client.messages.stream(**ask(provider)) as stream:
        assert "".join(stream.text_stream) == TEXT
        answer = stream.get_final_message()
    assert (texts(answer), answer.stop_reason, told(answer.usage)) == (TEXT, "end_turn", FIGURES)
    books.charged(1, "anthropic", provider)


def test_the_events_of_a_stream(client, provider):
    events = list(client.messages.create(**ask(provider), stream=True))
    kinds = [event.type for event in events]
    assert (kinds[0], kinds[-2:]) == ("message_start", ["message_delta", "message_stop"])
    assert told(events[-2].usage) == FIGURES, "the last usage is all of it"


def test_the_async_client(gateway, books, provider):
    async def both():
        async with anthropic.AsyncAnthropic(base_url=gateway.url, auth_token=books.key, api_key=None) as client:
            whole = await client.messages.create(**ask(provider))
            async with client.messages.stream(**ask(provider)) as stream:
                return texts(whole), await stream.get_final_text()

    assert asyncio.run(both()) == (TEXT, TEXT)
    books.charged(2, "anthropic", provider)


@pytest.mark.parametrize("behaviour", ["plain", "pair", "thinker"])
@pytest.mark.parametrize("streams", [False, True])
def test_a_loop_of_tools(client, books, upstream, provider, behaviour, streams):
    thinking = {"thinking": {"type": "enabled", "budget_tokens": 1024}} if behaviour == "thinker" else {}

    def turn(messages):
        asked = ask(provider, behaviour, tools=[WEATHER], messages=messages, **thinking)
        if not streams:
            return client.messages.create(**asked)
        with client.messages.stream(**asked) as stream:
            return stream.get_final_message()

    first = turn(QUESTION)
    calls = [block for block in first.content if block.type == "tool_use"]
    cities = ["Oslo", "Rome"] if behaviour == "pair" else ["Oslo"]
    assert (first.stop_reason, [call.name for call in calls]) == ("tool_use", ["weather"] * len(cities))
    assert [call.input["city"] for call in calls] == cities
    results = [{"type": "tool_result", "tool_use_id": call.id, "content": f"rain in {call.input['city']}"} for call in calls]
    second = turn([*QUESTION, {"role": "assistant", "content": first.content}, {"role": "user", "content": results}])
    assert (texts(second), second.stop_reason) == (TEXT, "end_turn")
    assert all(f"rain in {city}" in upstream.journal[-1]["raw"].decode() for city in cities)
    if behaviour == "thinker":
        assert upstream.got_its_thinking_back(), upstream.journal[-1]["body"]
    books.charged(2, "anthropic", provider)


def test_the_tool_runner_and_its_thread(client, books, upstream, provider):
    """It sends only what is new, which Anthropic alone can go on with; for others it sends all of it again."""
    asked_for, before = [], len(upstream.journal)

    @anthropic.beta_tool
    def weather(city: str) -> str:
        """The weather of a city.

        Args:
            city: Its name.
        """
        asked_for.append(city)
        return "rain"

    runner = client.beta.messages.tool_runner(**ask(provider, "pair", tools=[weather]))
    assert texts(runner.until_done()) == TEXT
    assert asked_for == ["Oslo", "Rome"]
    first, second = upstream.journal[before:]
    assert ("hello" in second["raw"].decode()) == (provider != "anthropic")
    books.charged(2, "anthropic", provider)


@pytest.mark.parametrize("streams", [False, True])
def test_thinking(client, books, provider, streams):
    asked = ask(provider, "thinker", thinking={"type": "enabled", "budget_tokens": 1024})
    if streams:
        with client.messages.stream(**asked) as stream:
            answer = stream.get_final_message()
    else:
        answer = client.messages.create(**asked)
    thought, text = answer.content
    assert (thought.type, thought.thinking, text.text) == ("thinking", THOUGHTS, TEXT)
    assert answer.usage.output_tokens_details.thinking_tokens == 10
    books.charged(1, "anthropic", provider)


def test_structured_output(client, books, provider):
    answer = client.messages.parse(**ask(provider), output_format=Report)
    assert answer.parsed_output == Report(**JSON)
    books.charged(1, "anthropic", provider)


def test_an_answer_that_was_cut_short(client, provider):
    answer = client.messages.create(**ask(provider, "long"))
    assert answer.stop_reason == "max_tokens"


def test_counting_costs_nothing(client, books, provider):
    count = client.messages.count_tokens(model=f"{provider}-plain", messages=QUESTION, tools=[WEATHER])
    assert 10 < count.input_tokens < 100
    books.rows(0)


def test_models(client):
    names = {model.id for model in client.models.list()}
    assert "gemini-plain" in names
    assert client.models.retrieve("gemini-plain").type == "model"
    with pytest.raises(anthropic.NotFoundError):
        client.models.retrieve("no-such-model")


def test_the_gateways_refusals(gateway, client):
    with pytest.raises(anthropic.AuthenticationError) as raised:
        anthropic.Anthropic(base_url=gateway.url, api_key="nonsense").messages.create(**ask("chat"))
    assert raised.value.body["error"]["type"] == "authentication_error"
    with pytest.raises(anthropic.NotFoundError) as raised:
        client.messages.create(**ask("no-such-model"))
    assert raised.value.body["error"]["type"] == "not_found_error"
    with pytest.raises(anthropic.BadRequestError) as raised:
        client.messages.create(**{**ask("chat"), "messages": "hello"})
    assert "messages" in raised.value.message


def test_the_providers_refusals(client, provider, failing):
    with pytest.raises(anthropic.BadRequestError) as raised:
        client.messages.create(**ask(provider, failing("refuse")))
    assert (raised.value.body["type"], raised.value.body["error"]["type"]) == ("error", "invalid_request_error")
    assert "temperature is too high" in raised.value.message
    with pytest.raises(anthropic.InternalServerError):
        client.messages.create(**ask(provider, failing("fail")))


def test_a_busy_provider(client, provider, failing):
    with pytest.raises(anthropic.RateLimitError) as raised:
        client.messages.create(**ask(provider, failing("busy")))
    assert raised.value.response.headers["retry-after"] == "1"


@pytest.mark.parametrize("behaviour", ["cut", "broken"])
def test_a_stream_that_breaks_raises(client, books, provider, failing, behaviour):
    seen = []
    with pytest.raises(anthropic.APIStatusError):
        with client.messages.stream(**ask(provider, failing(behaviour))) as stream:
            seen.extend(stream.text_stream)
    assert seen == ["Hel"], "what had arrived was passed on"
    books.ended("upstream_cut")


def test_a_client_that_leaves(client, books, provider):
    with client.messages.stream(**ask(provider, "endless")) as stream:
        next(iter(stream.text_stream))
    books.ended("client_gone")
