"""What every test may ask for: the gateway, a key, what the books say of that key."""

from decimal import Decimal
from itertools import count

import openai
import pytest
from gateway import COST, PROVIDERS, Gateway, binary, furnish, until
from upstream import Upstream

NUMBERS = count(1)
USAGE = {"input": 200, "cache_read": 1000, "cache_write": 0, "output": 40, "reasoning": 10}


@pytest.fixture(scope="session")
def upstream():
    upstream = Upstream()
    yield upstream
    upstream.stop()


@pytest.fixture(scope="session")
def gateway(upstream, tmp_path_factory):
    gateway = Gateway(binary(), tmp_path_factory.mktemp("gateway"))
    try:
        furnish(gateway, upstream)
        yield gateway
        gateway.stop()
    finally:
        gateway.process.kill()
        gateway.process.wait()


@pytest.fixture(scope="session")
def key(gateway):
    return gateway.key("tests")[0]


class Books:
    """What is recorded of one key, which only one test has."""

    def __init__(self, gateway, name):
        self.gateway = gateway
        self.key, self.id = gateway.key(name)

    def rows(self, count):
        """Its requests, oldest first; one may be recorded a moment after its answer."""
        read = lambda: self.gateway.call("GET", f"/api/requests?key={self.id}&limit=100")[1]["data"]
        until(f"{count} requests are recorded", lambda: len(read()) >= count)
        assert len(found := read()) == count, found
        return found[::-1]

    def charged(self, count, dialect, provider):
        """Every one of them is in order and has cost what its usage costs."""
        for row in self.rows(count):
            assert (row["status"], row["dialect"], row["provider"]) == ("ok", dialect, provider), row
            assert (row["usage"], row["usage_source"], Decimal(row["cost_usd"])) == (USAGE, "provider", COST), row

    def ended(self, status):
        row = self.rows(1)[0]
        assert row["status"] == status, row
        return row


@pytest.fixture
def books(gateway, request):
    return Books(gateway, request.node.name[:60])


@pytest.fixture(params=PROVIDERS)
def provider(request):
    """The dialect of the provider: the client's own, where the answer passes, or another, where it is translated."""
    return request.param


@pytest.fixture
def failing(gateway, provider):
    """A model that fails as it is told to, of this test alone: one that fails often is not tried for a while."""

    def make(behaviour):
        mark = f"-{next(NUMBERS)}"
        gateway.model(provider, behaviour, mark)
        return behaviour + mark

    return make


@pytest.fixture
def heads():
    """The head of every answer the client got, its own retries included."""
    return []


@pytest.fixture
def make_client(gateway, heads):
    def make(api_key, **options):
        hooks = {"response": [lambda response: heads.append((response.status_code, response.headers))]}
        http = openai.DefaultHttpxClient(event_hooks=hooks)
        return openai.OpenAI(base_url=f"{gateway.url}/v1", api_key=api_key, http_client=http, **options)

    return make


@pytest.fixture
def client(make_client, key):
    return make_client(key)
