"""The management API of a gateway that something else started: what these tests ask of it."""

import json
import sys
import urllib.error
import urllib.request
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "clients"))

from gateway import PATIENCE, PRICES, binary, until  # noqa: E402, F401
from upstream import Upstream  # noqa: E402, F401


class Door:
    def __init__(self, url):
        self.url = url

    def token(self):
        """The management token of the moment."""
        raise NotImplementedError

    def call(self, method, path, body=None, bearer=None, headers=None):
        """Status and answer; 0 if nobody listens."""
        data = None if body is None else json.dumps(body).encode()
        usual = {"authorization": f"Bearer {bearer or self.token()}", "content-type": "application/json"}
        request = urllib.request.Request(self.url + path, data, usual | (headers or {}), method=method)
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
                text = answer.read()
                return answer.status, json.loads(text) if text.startswith(b"{") else text
        except urllib.error.HTTPError as error:
            return error.code, error.read()
        except (urllib.error.URLError, ConnectionError) as error:
            return 0, error

    def create(self, path, body):
        status, made = self.call("POST", path, body)
        assert status == 201, (path, status, made)
        return made

    def ask(self, key, model, headers=None, **more):
        """One call as an application makes it."""
        body = {"model": model, "max_tokens": 50, "messages": [{"role": "user", "content": "hello"}], **more}
        return self.call("POST", "/v1/chat/completions", body, key, headers)

    def until_ready(self):
        until("/ready answers 200", lambda: self.call("GET", "/ready")[0] == 200)
