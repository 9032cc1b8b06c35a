"""The built gateway (FARTHING_BIN) with scripted providers of every dialect, priced models and a project, all made through its own API."""

import base64
import json
import os
import secrets
import signal
import subprocess
import time
import urllib.error
import urllib.request
from decimal import Decimal
from pathlib import Path

from upstream import BEHAVIOURS

PATIENCE = 20
# By the dialect the provider speaks: what it is, and what its models say of themselves.
PROVIDERS = {
    "chat": ("openai_compatible", "/v1", None),
    "responses": ("openai", "/v1", ["openai_responses"]),
    "anthropic": ("anthropic", "", None),
    "gemini": ("gemini", "", None),
}
PRICES = {
    "input_cost_per_m": "0.15",
    "output_cost_per_m": "0.60",
    "cache_read_cost_per_m": "0.075",
    "cache_write_cost_per_m": "0",
    "cache_write_1h_cost_per_m": "0",
}
# 200 fresh prompt tokens, 1000 cached ones, 50 generated ones (reasoning costs what output costs).
COST = (Decimal("0.15") * 200 + Decimal("0.075") * 1000 + Decimal("0.60") * 50) / 1_000_000


def until(what, probe):
    """Asks `probe` until it answers something true."""
    deadline = time.monotonic() + PATIENCE
    while not (found := probe()):
        assert time.monotonic() < deadline, f"waited in vain until {what}"
        time.sleep(0.01)
    return found


class Gateway:
    def __init__(self, binary, home, settings=None):
        self.binary, self.home = Path(binary).resolve(), home
        random = lambda: base64.b64encode(secrets.token_bytes(32)).decode()
        self.token = random()
        self.settings = {
            "FARTHING__SERVER__LISTEN": "127.0.0.1:0",
            "FARTHING__SERVER__SHUTDOWN_NOTICE_SECONDS": "0",
            "FARTHING__DATA_DIR": str(home / "data"),
            "FARTHING__CATALOGUE__URL": "",
            "SESSION_SECRET": random(),
            "MASTER_ENCRYPTION_KEY": random(),
            "MANAGEMENT_TOKEN": self.token,
        } | (settings or {})
        self.log = open(home / "log", "wb")
        command = [self.binary, "serve"]
        self.process = subprocess.Popen(command, cwd=home, env=self.settings, stdout=self.log, stderr=self.log)
        self.url = f"http://{until('the gateway wrote its address', self.address)}"
        until("/ready answers 200", lambda: self.call("GET", "/ready")[0] == 200)

    def address(self):
        assert self.process.poll() is None, (self.home / "log").read_text()
        file = self.home / "data" / "address"
        return file.exists() and file.read_text().strip().removeprefix("http://")

    def call(self, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        headers = {"authorization": f"Bearer {self.token}", "content-type": "application/json"}
        request = urllib.request.Request(self.url + path, data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
                text = answer.read()
                return answer.status, json.loads(text) if text.startswith((b"{", b"[")) else text
        except urllib.error.HTTPError as error:
            return error.code, error.read()

    def create(self, path, body):
        status, made = self.call("POST", path, body)
        assert status == 201, (path, body, status, made)
        return made

    def key(self, name, **more):
        """A new key of the project: the secret and the id."""
        made = self.create("/api/keys", {"project": "apps", "name": name, **more})
        return made["key"], made["id"]

    def model(self, provider, behaviour, mark="", at=None):
        """A new model of a scripted provider, `<provider>-<behaviour><mark>`; `at` another that speaks its dialect."""
        dialects = PROVIDERS[provider][2]
        model = {"name": f"{provider}-{behaviour}{mark}", "provider": at or provider, "upstream_model": behaviour, "prices": PRICES}
        self.create("/api/models", {**model, **({"dialects": dialects} if dialects else {})})

    def recorded(self, request_id):
        """The line of one request, which may be written a moment after its answer."""
        read = lambda: self.call("GET", f"/api/requests/{request_id}")
        return until(f"{request_id} is recorded", lambda: (found := read())[0] == 200 and found[1])

    def stop(self):
        verdict = until("no hold is open", lambda: (v := self.call("GET", "/api/ledger/verify")[1])["open_holds"] == 0 and v)
        assert verdict["ok"], verdict
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(PATIENCE) == 0, "SIGTERM should end it with 0"
        verify = subprocess.run([self.binary, "ledger", "verify"], cwd=self.home, env=self.settings, capture_output=True)
        assert verify.returncode == 0, verify
        assert "panicked" not in (self.home / "log").read_text()


def furnish(gateway, upstream):
    """Providers of every dialect, a model for everything they can do, and a project with money."""
    at_upstream = {"api_key": "sk-up-0123456789abcdef", "allow_private_network": True}
    for name, (kind, path, _) in PROVIDERS.items():
        gateway.create("/api/providers", {"name": name, "kind": kind, "base_url": upstream.origin + path, **at_upstream})
        for behaviour in BEHAVIOURS:
            gateway.model(name, behaviour)
        # One whose streams are cut, called however sick it seems.
        made = gateway.create("/api/providers", {"name": f"severed-{name}", "kind": kind, "base_url": upstream.origin + path, **at_upstream})
        gateway.model(name, "severed", at=f"severed-{name}")
        assert gateway.call("PUT", f"/api/providers/{made['id']}/breaker", {"state": "closed"})[0] == 200
    gateway.create("/api/providers", {"name": "openai", "kind": "openai", "base_url": upstream.base_url, **at_upstream})
    for name in ["gpt-4o-mini", "cut", "endless", "refuse", "fail", "busy"]:
        gateway.create("/api/models", {"name": name, "provider": "openai", "upstream_model": name, "prices": PRICES})
    by_picture = {"input_cost_per_m": "0", "output_cost_per_m": "0", "image_fee_usd": "0.04"}
    gateway.create("/api/models", {"name": "painter", "provider": "openai", "upstream_model": "painter", "prices": by_picture})
    by_minute = {"input_cost_per_m": "0", "output_cost_per_m": "0", "audio_minute_fee_usd": "0.006"}
    gateway.create("/api/models", {"name": "scribe", "provider": "openai", "upstream_model": "whisper-1", "prices": by_minute})
    by_character = {"input_cost_per_m": "0", "output_cost_per_m": "0", "character_cost_per_m": "15"}
    gateway.create("/api/models", {"name": "reader", "provider": "openai", "upstream_model": "tts-1", "prices": by_character})
    gateway.create("/api/providers", {"name": "sandbox", "kind": "sandbox"})
    gateway.create("/api/models", {"name": "sandbox-small", "provider": "sandbox", "upstream_model": "sandbox-small", "prices": PRICES})
    gateway.create("/api/projects", {"name": "apps", "budget": {"limit_usd": "25", "window": "month", "time_zone": "UTC"}})


def binary():
    found = os.environ.get("FARTHING_BIN")
    assert found, "set FARTHING_BIN to the built binary"
    return found
