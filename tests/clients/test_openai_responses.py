"""The stock openai package's Responses against providers of every dialect."""

import json

import openai
import pydantic
import pytest
from upstream import JSON, TEXT, THOUGHTS

WEATHER = {
    "type": "function",
    "name": "weather",
    "description": "The weather of a city.",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"], "additionalProperties": False},
    "strict": True,
}


class Report(pydantic.BaseModel):
    city: str
    degrees: int


@pytest.fixture
def client(gateway, books):
    return openai.OpenAI(base_url=f"{gateway.url}/v1", api_key=books.key, max_retries=0)


def ask(provider, behaviour="plain", **more):
    return {"model": f"{provider}-{behaviour}", "input": "hello", "max_output_tokens": 2000, **more}


def told(usage):
    return usage.input_tokens, usage.input_tokens_details.cached_tokens, usage.output_tokens, usage.output_tokens_details.reasoning_tokens


FIGURES = (1200, 1000, 50, 10)


def test_a_response(client, books, provider):
    answer = client.responses.create(**ask(provider, instructions="Be brief.", temperature=0.5))
    assert (answer.output_text, answer.status, answer.error) == (TEXT, "completed", None)
    assert (told(answer.usage), answer.usage.total_tokens) == (FIGURES, 1250)
    books.charged(1, "openai_responses", provider)


def test_the_stream_helper(client, books, provider):
    with client.responses.stream(**ask(provider)) as stream:
        events = list(stream)
        answer = stream.get_final_response()
    assert "".join(event.delta for event in events if event.type == "response.output_text.delta") == TEXT
    assert (events[0].type, events[-1].type) == ("response.created", "response.completed")
    numbers = [event.sequence_number for event in events]
    assert numbers == sorted(numbers)
    assert (answer.output_text, told(answer.usage)) == (TEXT, FIGURES)
    books.charged(1, "openai_responses", provider)


@pytest.mark.parametrize("behaviour", ["plain", "pair", "thinker"])
@pytest.mark.parametrize("streams", [False, True])
def test_a_loop_of_tools(client, books, upstream, provider, behaviour, streams):
    thinking = {"reasoning": {"effort": "low"}, "include": ["reasoning.encrypted_content"]} if behaviour == "thinker" else {}

    def turn(items):
        asked = ask(provider, behaviour, input=items, tools=[WEATHER], store=False, **thinking)
        if not streams:
            return client.responses.create(**asked)
        with client.responses.stream(**asked) as stream:
            return stream.get_final_response()

    items = [{"role": "user", "content": "hello"}]
    first = turn(items)
    calls = [item for item in first.output if item.type == "function_call"]
    cities = ["Oslo", "Rome"] if behaviour == "pair" else ["Oslo"]
    assert [(call.name, json.loads(call.arguments)) for call in calls] == [("weather", {"city": city}) for city in cities]
    given = [item.model_dump(exclude_none=True, exclude={"parsed_arguments", "status"}) for item in first.output]
    results = [{"type": "function_call_output", "call_id": call.call_id, "output": "rain"} for call in calls]
    second = turn([*items, *given, *results])
    assert second.output_text == TEXT
    if behaviour == "thinker":
        assert upstream.got_its_thinking_back(), upstream.journal[-1]["body"]
    books.charged(2, "openai_responses", provider)


@pytest.mark.parametrize("streams", [False, True])
def test_thinking(client, books, provider, streams):
    asked = ask(provider, "thinker", reasoning={"effort": "low", "summary": "auto"})
    if streams:
        with client.responses.stream(**asked) as stream:
            answer = stream.get_final_response()
    else:
        answer = client.responses.create(**asked)
    thought, message = answer.output
    assert (thought.type, thought.summary[0].text) == ("reasoning", THOUGHTS)
    assert (message.type, answer.output_text) == ("message", TEXT)
    books.charged(1, "openai_responses", provider)


def test_structured_output(client, books, provider):
    assert client.responses.parse(**ask(provider), text_format=Report).output_parsed == Report(**JSON)
    with client.responses.stream(**ask(provider), text_format=Report) as stream:
        assert stream.get_final_response().output_parsed == Report(**JSON)
    books.charged(2, "openai_responses", provider)


def test_an_answer_that_was_cut_short(client, provider):
    answer = client.responses.create(**ask(provider, "long"))
    assert (answer.status, answer.incomplete_details.reason) == ("incomplete", "max_output_tokens")


def test_what_is_stored_elsewhere_is_refused_where_it_is_not(client, books, provider, upstream):
    before = len(upstream.journal)
    asked = ask(provider, previous_response_id="resp_0")
    if provider == "responses":
        assert client.responses.create(**asked).output_text == TEXT
        return
    with pytest.raises(openai.BadRequestError) as raised:
        client.responses.create(**asked)
    assert raised.value.param == "previous_response_id"
    assert len(upstream.journal) == before


def test_the_gateways_refusals(gateway, client):
    with pytest.raises(openai.AuthenticationError):
        openai.OpenAI(base_url=f"{gateway.url}/v1", api_key="nonsense").responses.create(**ask("chat"))
    with pytest.raises(openai.NotFoundError):
        client.responses.create(**ask("no-such-model"))
    with pytest.raises(openai.BadRequestError) as raised:
        client.responses.create(**ask("chat", input=[]))
    assert raised.value.param == "input"


def test_the_providers_refusals(client, provider, failing):
    with pytest.raises(openai.BadRequestError) as raised:
        client.responses.create(**ask(provider, failing("refuse")))
    assert "temperature is too high" in raised.value.message
    with pytest.raises(openai.InternalServerError):
        client.responses.create(**ask(provider, failing("fail")))
    with pytest.raises(openai.RateLimitError) as raised:
        client.responses.create(**ask(provider, failing("busy")))
    assert raised.value.response.headers["retry-after"] == "1"


@pytest.mark.parametrize("behaviour", ["cut", "broken"])
def test_a_stream_that_breaks_raises(client, books, provider, failing, behaviour):
    seen = []
    with pytest.raises(openai.APIError):
        for event in client.responses.create(**ask(provider, failing(behaviour)), stream=True):
            seen += [event.delta] if event.type == "response.output_text.delta" else []
    assert seen == ["Hel"], "what had arrived was passed on"
    books.ended("upstream_cut")


def test_a_client_that_leaves(client, books, provider):
    stream = client.responses.create(**ask(provider, "endless"), stream=True)
    next(iter(stream))
    stream.close()
    books.ended("client_gone")
