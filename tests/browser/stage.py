"""What stands on the pages: a gateway with providers, models, projects, keys, accounts and calls, all made through its own doors."""

import json
import re
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "clients"))

from gateway import PATIENCE, PRICES, Gateway, binary, until  # noqa: E402, F401
from upstream import Upstream  # noqa: E402, F401

PASSWORD = "a lamp, two herrings and a kite"
ROLES = ["owner", "viewer"]
# By the model: who provides it, what it does there.
MODELS = {"gpt-4o-mini": ("openai", "plain"), "claude-sonnet-5": ("anthropic", "plain"), "gpt-busy": ("openai", "refuse")}


@dataclass
class Seeded:
    """Ids and secrets of what was made, by what it is."""

    ids: dict = field(default_factory=dict)
    names: dict = field(default_factory=dict)
    secret: str = ""


def seed(gateway, upstream):
    """Two projects, two providers beside the sandbox, three models, an account of each role, and calls of every colour."""
    for role in ROLES:
        create_user(gateway, role)
    seeded = Seeded()
    seeded.ids["provider"] = provide(gateway, upstream, "openai")
    provide(gateway, upstream, "anthropic")
    gateway.create("/api/providers", {"name": "sandbox", "kind": "sandbox"})
    made = {name: model(gateway, name, *MODELS[name]) for name in MODELS}
    seeded.ids["model"] = made["gpt-4o-mini"]
    rules = [{"model": "claude-sonnet-5", "when": {"images": True, "tags": ["night"]}}, {"model": "gpt-4o-mini"}]
    seeded.ids["group"] = gateway.create("/api/groups", {"name": "smart", "strategy": "rules", "targets": rules})["id"]
    money = {"limit_usd": "25", "window": "month", "time_zone": "UTC"}
    seeded.ids["project"] = gateway.create("/api/projects", {"name": "apps", "budget": money})["id"]
    gateway.create("/api/projects", {"name": "search", "parent": "apps", "budget": {**money, "limit_usd": "0.0001"}})
    seeded.secret, seeded.ids["key"] = gateway.key("web")
    other = gateway.create("/api/keys", {"project": "search", "name": "nightly"})["key"]
    for number, name in enumerate(list(MODELS) * 6):
        ask(gateway, other if number < 4 else seeded.secret, name)
    seeded.ids["request"] = ask(gateway, seeded.secret, "gpt-4o-mini")[1]
    gateway.recorded(seeded.ids["request"])
    users = gateway.call("GET", "/api/users")[1]["data"]
    seeded.ids["user"] = next(user["id"] for user in users if user["name"] == "viewer")
    event = gateway.call("GET", "/api/audit?action=key.create&limit=1")[1]["data"][0]
    seeded.ids["event"] = event["id"]
    seeded.names = {"model": "gpt-4o-mini", "provider": "openai", "project": "apps", "key": "web", "group": "smart"}
    seeded.names |= {"request": "gpt-4o-mini", "user": "viewer", "event": event["action"]}
    return seeded


class Fresh:
    """What a stranger has after `farthing init` and `farthing serve`: nothing but a link."""

    def __init__(self, home, more):
        self.home, self.secret = home, None
        env = {"FARTHING__SERVER__LISTEN": "127.0.0.1:0", "FARTHING__SERVER__SHUTDOWN_NOTICE_SECONDS": "0", "FARTHING__CATALOGUE__URL": "", **more}
        told = subprocess.run([binary(), "init"], cwd=home, env=env, capture_output=True, text=True, timeout=60)
        assert told.returncode == 0, told.stderr
        self.code = re.search(r"/set-up#(\S+)", told.stdout + told.stderr)[1]
        self.log = open(home / "log", "wb")
        self.process = subprocess.Popen([binary(), "serve"], cwd=home, env=env, stdout=self.log, stderr=self.log)
        address = home / "data" / "address"
        self.url = "http://" + until("it wrote its address", lambda: address.exists() and address.read_text().strip())

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(PATIENCE) == 0, (self.home / "log").read_text()


@contextmanager
def fresh(home, more={}):
    """A gateway where nobody has an account yet, with `more` settings."""
    gateway = Fresh(home, more)
    try:
        yield gateway
        gateway.stop()
    finally:
        gateway.process.kill()
        gateway.process.wait()


def create_user(gateway, role):
    """An account that is called like its role."""
    command = [gateway.binary, "user", "create", role, "--role", role, "--password-file", "-", "--url", gateway.url]
    by_hand = {"input": PASSWORD.encode(), "capture_output": True, "timeout": 60}
    made = subprocess.run(command, cwd=gateway.home, env=gateway.settings, **by_hand)
    assert made.returncode == 0, made.stderr


def provide(gateway, upstream, name):
    """A provider of that kind and name at the scripted upstream; its id."""
    path = "" if name == "anthropic" else "/v1"
    at = {"kind": name, "base_url": upstream.origin + path, "api_key": "sk-up-0123456789abcdef", "allow_private_network": True}
    return gateway.create("/api/providers", {"name": name, **at})["id"]


def model(gateway, name, provider, behaviour):
    return gateway.create("/api/models", {"name": name, "provider": provider, "upstream_model": behaviour, "prices": PRICES})["id"]


def ask(gateway, secret, name, agent="tests/1"):
    """One call as an application makes it: its status, and the id of the request."""
    body = json.dumps({"model": name, "max_tokens": 50, "messages": [{"role": "user", "content": "hello"}]}).encode()
    # A header's bytes are what they are; urllib takes them as Latin-1.
    headers = {"authorization": f"Bearer {secret}", "content-type": "application/json", "user-agent": as_header(agent)}
    request = urllib.request.Request(f"{gateway.url}/v1/chat/completions", body, headers)
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            answer.read()
            return answer.status, answer.headers["x-farthing-request-id"]
    except urllib.error.HTTPError as error:
        return error.code, error.headers["x-farthing-request-id"]


def as_header(text):
    return text.encode().decode("latin-1")
