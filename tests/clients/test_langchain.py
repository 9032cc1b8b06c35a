"""langchain-openai through the gateway, by both of OpenAI's dialects, against providers of every dialect."""

import asyncio

import pydantic
import pytest
from langchain_core.messages import HumanMessage, ToolMessage
from langchain_openai import ChatOpenAI
from upstream import JSON, TEXT


class Report(pydantic.BaseModel):
    """A report of the weather."""

    city: str
    degrees: int


def weather(city: str) -> str:
    """The weather of a city."""


@pytest.fixture(scope="module")
def loop():
    """One for all tests: the package keeps its connections for as long as the process lives."""
    loop = asyncio.new_event_loop()
    yield loop
    loop.close()


@pytest.fixture(params=["openai_chat", "openai_responses"])
def dialect(request):
    return request.param


@pytest.fixture
def model(gateway, books, provider, dialect):
    def make(behaviour="plain", **more):
        name, by_responses = f"{provider}-{behaviour}", dialect == "openai_responses"
        settings = {"base_url": f"{gateway.url}/v1", "api_key": books.key, "max_retries": 0, "stream_usage": True}
        return ChatOpenAI(model=name, use_responses_api=by_responses, max_tokens=2000, **settings, **more)

    return make


def figures(message):
    usage = message.usage_metadata
    return usage["input_tokens"], usage["input_token_details"]["cache_read"], usage["output_tokens"], usage["output_token_details"]["reasoning"]


FIGURES = (1200, 1000, 50, 10)


def test_a_call(model, books, provider, dialect):
    answer = model(temperature=0.5).invoke([("system", "Be brief."), ("human", "hello")])
    assert (answer.text, figures(answer)) == (TEXT, FIGURES)
    books.charged(1, dialect, provider)


def test_a_stream(model, books, provider, dialect):
    whole = None
    for piece in model().stream("hello"):
        whole = piece if whole is None else whole + piece
    assert (whole.text, figures(whole)) == (TEXT, FIGURES)
    books.charged(1, dialect, provider)


def test_many_at_once(model, books, provider, dialect, loop):
    async def ask_all():
        asked = model()
        return await asyncio.gather(*(asked.ainvoke("hello") for _ in range(10)))

    assert [answer.text for answer in loop.run_until_complete(ask_all())] == [TEXT] * 10
    books.charged(10, dialect, provider)


@pytest.mark.parametrize("behaviour", ["plain", "pair", "thinker"])
def test_a_loop_of_tools(model, books, provider, dialect, behaviour):
    bound = model(behaviour).bind_tools([weather])
    messages = [HumanMessage("hello")]
    messages.append(bound.invoke(messages))
    cities = ["Oslo", "Rome"] if behaviour == "pair" else ["Oslo"]
    calls = messages[-1].tool_calls
    assert [(call["name"], call["args"]) for call in calls] == [("weather", {"city": city}) for city in cities]
    messages += [ToolMessage("rain", tool_call_id=call["id"]) for call in calls]
    assert bound.invoke(messages).text == TEXT
    books.charged(2, dialect, provider)


def test_structured_output(model, books, provider, dialect):
    structured = model().with_structured_output(Report, method="json_schema")
    assert structured.invoke("hello") == Report(**JSON)
    books.charged(1, dialect, provider)


def test_a_stream_that_is_cut_raises(model, failing, books):
    seen = []
    with pytest.raises(Exception) as raised:
        for piece in model(failing("cut")).stream("hello"):
            seen.append(piece.text)
    assert "".join(seen) == "Hel", raised.value
    books.ended("upstream_cut")
