"""The stock google-genai package against providers of every dialect."""

import asyncio

import pydantic
import pytest
from google import genai
from google.genai import errors, types
from upstream import JSON, TEXT, THOUGHTS

WEATHER = types.FunctionDeclaration(
    name="weather",
    description="The weather of a city.",
    parameters=types.Schema(type="OBJECT", properties={"city": types.Schema(type="STRING")}, required=["city"]),
)


class Report(pydantic.BaseModel):
    city: str
    degrees: int


def connect(gateway, key):
    return genai.Client(api_key=key, http_options=types.HttpOptions(base_url=gateway.url, retry_options=types.HttpRetryOptions(attempts=1)))


@pytest.fixture
def client(gateway, books):
    return connect(gateway, books.key)


def ask(provider, behaviour="plain", contents="hello", **config):
    config = types.GenerateContentConfig(max_output_tokens=2000, **config)
    return {"model": f"{provider}-{behaviour}", "contents": contents, "config": config}


def told(usage):
    return usage.prompt_token_count, usage.cached_content_token_count, usage.candidates_token_count, usage.thoughts_token_count


FIGURES = (1200, 1000, 40, 10)


def test_an_answer(client, books, provider):
    answer = client.models.generate_content(**ask(provider, system_instruction="Be brief.", temperature=0.5))
    assert (answer.text, answer.candidates[0].finish_reason) == (TEXT, types.FinishReason.STOP)
    assert (told(answer.usage_metadata), answer.usage_metadata.total_token_count) == (FIGURES, 1250)
    books.charged(1, "gemini", provider)


def test_a_stream(client, books, provider):
    chunks = list(client.models.generate_content_stream(**ask(provider)))
    assert "".join(chunk.text or "" for chunk in chunks) == TEXT
    assert len(chunks) > 2
    assert chunks[-1].candidates[0].finish_reason == types.FinishReason.STOP
    assert told(chunks[-1].usage_metadata) == FIGURES
    books.charged(1, "gemini", provider)


def test_the_async_client(client, books, provider):
    async def both():
        whole = await client.aio.models.generate_content(**ask(provider))
        stream = await client.aio.models.generate_content_stream(**ask(provider))
        return whole.text, "".join([chunk.text or "" async for chunk in stream])

    assert asyncio.run(both()) == (TEXT, TEXT)
    books.charged(2, "gemini", provider)


@pytest.mark.parametrize("behaviour", ["plain", "pair", "thinker"])
@pytest.mark.parametrize("streams", [False, True])
def test_a_loop_of_functions(client, books, upstream, provider, behaviour, streams):
    thinking = {"thinking_config": types.ThinkingConfig(include_thoughts=True, thinking_budget=1024)} if behaviour == "thinker" else {}

    def turn(contents):
        asked = ask(provider, behaviour, contents, tools=[types.Tool(function_declarations=[WEATHER])], **thinking)
        if not streams:
            return client.models.generate_content(**asked).candidates[0].content.parts
        contents = [chunk.candidates[0].content for chunk in client.models.generate_content_stream(**asked)]
        return [part for content in contents if content for part in content.parts or []]

    question = types.Content(role="user", parts=[types.Part(text="hello")])
    first = turn([question])
    calls = [part.function_call for part in first if part.function_call]
    cities = ["Oslo", "Rome"] if behaviour == "pair" else ["Oslo"]
    assert [(call.name, call.args) for call in calls] == [("weather", {"city": city}) for city in cities]
    results = [types.FunctionResponse(id=call.id, name=call.name, response={"weather": "rain"}) for call in calls]
    answered = types.Content(role="user", parts=[types.Part(function_response=result) for result in results])
    second = turn([question, types.Content(role="model", parts=first), answered])
    assert "".join(part.text for part in second if part.text and not part.thought) == TEXT
    if behaviour == "thinker":
        assert upstream.got_its_thinking_back(), upstream.journal[-1]["body"]
    books.charged(2, "gemini", provider)


def test_functions_that_are_called_by_themselves(client, books, provider):
    asked_for = []

    def weather(city: str) -> str:
        """The weather of a city."""
        asked_for.append(city)
        return "rain"

    chat = client.chats.create(model=f"{provider}-pair", config=types.GenerateContentConfig(tools=[weather]))
    assert chat.send_message("hello").text == TEXT
    assert asked_for == ["Oslo", "Rome"]
    books.charged(2, "gemini", provider)


@pytest.mark.parametrize("streams", [False, True])
def test_thinking(client, books, provider, streams):
    asked = ask(provider, "thinker", thinking_config=types.ThinkingConfig(include_thoughts=True, thinking_budget=1024))
    answers = client.models.generate_content_stream(**asked) if streams else [client.models.generate_content(**asked)]
    found = [part for answer in answers if answer.candidates[0].content for part in answer.candidates[0].content.parts or []]
    assert "".join(part.text or "" for part in found if part.thought) == THOUGHTS
    assert "".join(part.text or "" for part in found if not part.thought) == TEXT
    books.charged(1, "gemini", provider)


def test_structured_output(client, books, provider):
    answer = client.models.generate_content(**ask(provider, response_mime_type="application/json", response_schema=Report))
    assert answer.parsed == Report(**JSON)
    written = ask(provider, response_mime_type="application/json", response_json_schema=Report.model_json_schema())
    assert client.models.generate_content(**written).parsed == JSON
    books.charged(2, "gemini", provider)


def test_an_answer_that_was_cut_short(client, provider):
    answer = client.models.generate_content(**ask(provider, "long"))
    assert answer.candidates[0].finish_reason == types.FinishReason.MAX_TOKENS


def test_counting_costs_nothing(client, books, provider):
    assert 0 < client.models.count_tokens(model=f"{provider}-plain", contents="hello").total_tokens < 20
    books.rows(0)


def test_models(client):
    names = {model.name for model in client.models.list()}
    assert "models/anthropic-plain" in names
    assert client.models.get(model="anthropic-plain").name == "models/anthropic-plain"
    with pytest.raises(errors.ClientError) as raised:
        client.models.get(model="no-such-model")
    assert raised.value.code == 404


def test_the_gateways_refusals(gateway, client):
    for refused, asked, status in [
        (connect(gateway, "nonsense"), ask("chat"), (401, "UNAUTHENTICATED")),
        (client, ask("no-such-model"), (404, "NOT_FOUND")),
        (client, ask("chat", candidate_count=0), (400, "INVALID_ARGUMENT")),
    ]:
        with pytest.raises(errors.ClientError) as raised:
            refused.models.generate_content(**asked)
        assert (raised.value.code, raised.value.status) == status


def test_the_providers_refusals(client, provider, failing):
    with pytest.raises(errors.ClientError) as raised:
        client.models.generate_content(**ask(provider, failing("refuse")))
    assert (raised.value.code, raised.value.status) == (400, "INVALID_ARGUMENT")
    assert "temperature is too high" in raised.value.message
    with pytest.raises(errors.ServerError):
        client.models.generate_content(**ask(provider, failing("fail")))
    with pytest.raises(errors.ClientError) as raised:
        client.models.generate_content(**ask(provider, failing("busy")))
    assert (raised.value.code, raised.value.status) == (429, "RESOURCE_EXHAUSTED")


@pytest.mark.parametrize("behaviour", ["cut", "broken"])
def test_a_stream_that_breaks_raises(client, books, provider, failing, behaviour):
    seen = []
    with pytest.raises(errors.APIError):
        for chunk in client.models.generate_content_stream(**ask(provider, failing(behaviour))):
            seen += [chunk.text] if chunk.text else []
    assert seen == ["Hel"], "what had arrived was passed on"
    books.ended("upstream_cut")


def test_a_client_that_leaves(client, books, provider):
    stream = client.models.generate_content_stream(**ask(provider, "endless"))
    next(stream)
    stream.close()
    books.ended("client_gone")
