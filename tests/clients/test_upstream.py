"""The control group: the same client straight at the upstream. What fails here is not the gateway's fault."""

import openai
import pytest
from upstream import TEXT

ASK = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "hello"}]}


@pytest.fixture
def direct(upstream):
    return openai.OpenAI(base_url=upstream.base_url, api_key="any", max_retries=0)


def test_chat(direct):
    assert direct.chat.completions.create(**ASK).choices[0].message.content == TEXT


def test_stream(direct):
    chunks = list(direct.chat.completions.create(**ASK, stream=True, stream_options={"include_usage": True}))
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices) == TEXT
    assert chunks[-1].usage.prompt_tokens == 1200


def test_errors(direct):
    for model, error in [("refuse", openai.BadRequestError), ("busy", openai.RateLimitError), ("fail", openai.InternalServerError)]:
        with pytest.raises(error):
            direct.chat.completions.create(**{**ASK, "model": model})


def test_a_cut_is_a_transport_error(direct):
    with pytest.raises(Exception) as raised:
        list(direct.chat.completions.create(**{**ASK, "model": "cut"}, stream=True))
    assert not isinstance(raised.value, openai.APIStatusError)
