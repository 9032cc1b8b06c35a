"""Streams that are cut anywhere, through every stock package and from providers of every dialect: what stood before the cut is
heard, the package raises, and what was consumed is in the books. FARTHING_CUTS says how often in all, FARTHING_SEED repeats a run."""

import os
import random
from decimal import Decimal

import anthropic
import openai
import pytest
from gateway import PROVIDERS
from google import genai
from google.genai import errors, types
from upstream import CUTS, PIECES

CLIENTS = 4
EACH = int(os.environ.get("FARTHING_CUTS", "160")) // (CLIENTS * len(PROVIDERS))
SEED = int(os.environ.get("FARTHING_SEED") or random.randrange(2**32))
PARTS = ["".join(PIECES[:count]) for count in range(len(PIECES) + 1)]
QUESTION = [{"role": "user", "content": "hello"}]


def chat(url, key):
    client = openai.OpenAI(base_url=f"{url}/v1", api_key=key, max_retries=0)

    def read(model):
        for chunk in client.chat.completions.create(model=model, messages=QUESTION, stream=True):
            yield "".join(choice.delta.content or "" for choice in chunk.choices)

    return read


def responses(url, key):
    client = openai.OpenAI(base_url=f"{url}/v1", api_key=key, max_retries=0)

    def read(model):
        for event in client.responses.create(model=model, input="hello", stream=True):
            yield event.delta if event.type == "response.output_text.delta" else ""

    return read


def messages(url, key):
    client = anthropic.Anthropic(base_url=url, api_key=key, max_retries=0)

    def read(model):
        with client.messages.stream(model=model, messages=QUESTION, max_tokens=2000) as stream:
            yield from stream.text_stream

    return read


def gemini(url, key):
    options = types.HttpOptions(base_url=url, retry_options=types.HttpRetryOptions(attempts=1))
    client = genai.Client(api_key=key, http_options=options)

    def read(model):
        for chunk in client.models.generate_content_stream(model=model, contents="hello"):
            yield chunk.text or ""

    return read


@pytest.mark.parametrize(
    "package, error", [(chat, openai.APIError), (responses, openai.APIError), (messages, anthropic.APIError), (gemini, errors.APIError)]
)
def test_a_stream_that_is_cut_anywhere(gateway, upstream, books, provider, package, error):
    print(f"FARTHING_SEED={SEED}")
    chance = random.Random(f"{SEED} {package.__name__} {provider}")
    read = package(gateway.url, books.key)
    called, heard_of = len(upstream.journal), []
    for _ in range(EACH):
        upstream.severed = (chance.random(), chance.choice(CUTS))
        heard = []
        with pytest.raises(error):
            heard.extend(read(f"{provider}-severed"))
            assert False, f"{upstream.severed}: no error after {heard}"
        heard, whole, legible = "".join(heard), "".join(upstream.whole), "".join(upstream.legible)
        # A reset may take away what had not been read yet.
        right = [whole, legible] if upstream.severed[1] != "reset" else [part for part in PARTS if legible.startswith(part)]
        assert heard in right, (upstream.severed, heard, whole)
        heard_of.append(heard)
    assert len(upstream.journal) == called + EACH, "no call was sent again"
    for row, heard in zip(books.rows(EACH), heard_of, strict=True):
        assert row["status"] in (["upstream_cut"] if heard else ["upstream_cut", "upstream_error"]), row
        assert row["usage"]["output"] >= len(heard) // 8 and Decimal(row["cost_usd"]) > 0, (row, heard)
