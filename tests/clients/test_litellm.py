"""litellm as a client, by OpenAI's chat and by Anthropic's Messages, against providers of every dialect."""

import json
import os

# Otherwise it fetches a list of prices from the internet.
os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"

import litellm
import openai
import pydantic
import pytest
from upstream import JSON, TEXT

WEATHER = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "The weather of a city.",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}
QUESTION = {"role": "user", "content": "hello"}


class Report(pydantic.BaseModel):
    city: str
    degrees: int


@pytest.fixture(params=["openai", "anthropic"])
def by(request):
    return request.param


@pytest.fixture
def dialect(by):
    return {"openai": "openai_chat", "anthropic": "anthropic"}[by]


@pytest.fixture
def ask(gateway, books, provider, by):
    def ask(behaviour="plain", **more):
        base = gateway.url + ("/v1" if by == "openai" else "")
        settings = {"api_base": base, "api_key": books.key, "max_tokens": 2000, "num_retries": 0, "max_retries": 0}
        return litellm.completion(**{"model": f"{by}/{provider}-{behaviour}", "messages": [QUESTION], **settings, **more})

    return ask


def figures(usage):
    return usage.prompt_tokens, usage.prompt_tokens_details.cached_tokens, usage.completion_tokens


FIGURES = (1200, 1000, 50)


def test_a_completion(ask, books, provider, dialect):
    answer = ask(messages=[{"role": "system", "content": "Be brief."}, QUESTION])
    assert (answer.choices[0].message.content, answer.choices[0].finish_reason) == (TEXT, "stop")
    assert figures(answer.usage) == FIGURES
    books.charged(1, dialect, provider)


def test_a_stream(ask, books, provider, dialect):
    chunks = list(ask(stream=True, stream_options={"include_usage": True}))
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices) == TEXT
    assert figures(chunks[-1].usage) == FIGURES
    books.charged(1, dialect, provider)


@pytest.mark.parametrize("behaviour", ["plain", "pair"])
def test_a_loop_of_tools(ask, books, provider, dialect, behaviour):
    first = ask(behaviour, tools=[WEATHER]).choices[0].message
    cities = ["Oslo", "Rome"] if behaviour == "pair" else ["Oslo"]
    calls = [(call.function.name, json.loads(call.function.arguments)) for call in first.tool_calls]
    assert calls == [("weather", {"city": city}) for city in cities]
    results = [{"role": "tool", "tool_call_id": call.id, "content": "rain"} for call in first.tool_calls]
    second = ask(behaviour, tools=[WEATHER], messages=[QUESTION, first.model_dump(), *results])
    assert second.choices[0].message.content == TEXT
    books.charged(2, dialect, provider)


def test_structured_output(ask, books, provider, dialect):
    answer = ask(response_format=Report)
    assert json.loads(answer.choices[0].message.content) == JSON
    books.charged(1, dialect, provider)


def test_errors(ask, failing):
    broken = (litellm.InternalServerError, litellm.BadGatewayError)
    for behaviour, error in [("refuse", litellm.BadRequestError), ("busy", litellm.RateLimitError), ("fail", broken)]:
        with pytest.raises(error):
            ask(failing(behaviour))
    with pytest.raises(litellm.AuthenticationError):
        ask(api_key="nonsense")
    with pytest.raises(litellm.NotFoundError):
        ask("no-such-behaviour")


def test_a_stream_that_is_cut_raises(ask, failing, books):
    seen = []
    with pytest.raises(openai.APIError):
        for chunk in ask(failing("cut"), stream=True):
            seen.append(chunk.choices[0].delta.content or "")
    assert "".join(seen) == "Hel"
    books.ended("upstream_cut")
