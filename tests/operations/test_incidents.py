"""docs/incidents.md as an operator pastes it: every block of every section, in order, against a gateway that something has happened to."""

import json
import os
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import threading
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from door import PATIENCE, PRICES, Door, Upstream, binary

DOCS = Path(__file__).parents[2] / "docs"
PAGE, AUDIT_PAGE = DOCS / "incidents.md", DOCS / "audit.md"
# For a backup, a restore and two starts on a busy machine.
A_SECTION = 240
MODEL = "gpt-4o-mini"
PROVIDER_KEY, OTHER_KEY = "sk-up-0123456789abcdef", "sk-or-0123456789abcdef"
PASSWORD = "two kettles on a frozen lake"


def sections():
    """The page's sections that have something to run: heading and blocks."""
    parts = re.split(r"^## (.+)$", PAGE.read_text(), flags=re.MULTILINE)[1:]
    blocks = lambda text: re.findall(r"^```sh\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL)
    return {heading: blocks(text) for heading, text in zip(parts[::2], parts[1::2])}


SECTIONS = sections()
DEFINITIONS = SECTIONS["Before anything happens"][0]


class Service:
    """What `systemctl` does with the unit: starts the gateway, stops it with SIGTERM, and does not wait until it is ready."""

    def __init__(self, home):
        self.home, self.process = home, None
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self.door())
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        command = home / "bin/systemctl"
        at = f"http://127.0.0.1:{self.server.server_address[1]}"
        command.write_text(f'#!/bin/sh\nexec curl --silent --show-error --fail --request POST "{at}/$1/$2"\n')
        command.chmod(0o755)

    def door(self):
        service = self

        class Commands(BaseHTTPRequestHandler):
            def do_POST(self):
                deed, unit = self.path.strip("/").split("/")
                assert unit == "farthing", unit
                for step in {"restart": ["stop", "start"]}.get(deed, [deed]):
                    getattr(service, step)()
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_):
                """Says nothing."""

        return Commands

    def start(self):
        log = open(self.home / "log", "ab")
        self.process = subprocess.Popen([binary(), "serve"], cwd=self.home, env=bare(), stdout=log, stderr=log)

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(PATIENCE) == 0, (self.home / "log").read_text()


def bare():
    """The environment of a service: none of ours."""
    return {"PATH": os.environ["PATH"]}


def free_address():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{free.getsockname()[1]}"


class Installation(Door):
    """A folder with what `farthing init` writes, a service, and two providers that are one script."""

    def __init__(self, home):
        address = free_address()
        super().__init__(f"http://{address}")
        self.home, self.upstream = home, Upstream()
        for folder in ["bin", "copies"]:
            (home / folder).mkdir()
        (home / "bin/farthing").symlink_to(Path(binary()).resolve())
        subprocess.run([binary(), "init"], cwd=home, env=bare(), check=True, capture_output=True)
        with open(home / ".env", "a") as file:
            file.write(f"FARTHING__SERVER__LISTEN={address}\nFARTHING__CATALOGUE__URL=\n")
        self.service = Service(home)
        self.service.start()
        self.until_ready()

    def token(self):
        return re.search(r"^MANAGEMENT_TOKEN=(.+)$", (self.home / ".env").read_text(), re.MULTILINE)[1]

    def furnish(self):
        at = {"base_url": self.upstream.base_url, "allow_private_network": True}
        self.create("/api/providers", {"name": "openai", "kind": "openai", "api_key": PROVIDER_KEY, **at})
        self.create("/api/providers", {"name": "openrouter", "kind": "openai_compatible", "api_key": OTHER_KEY, **at})
        self.create("/api/models", {"name": MODEL, "provider": "openai", "upstream_model": "plain", "prices": PRICES})
        self.create("/api/projects", {"name": "team-a", "budget": {"limit_usd": "25", "window": "month", "time_zone": "UTC"}})
        self.create("/api/users", {"name": "mia", "role": "admin", "password": PASSWORD})
        self.keep("leaked", self.create("/api/keys", {"project": "team-a", "name": "ci"})["key"])
        for _ in range(3):
            assert self.ask(self.kept("leaked"), MODEL)[0] == 200

    def keep(self, file, text):
        (self.home / file).write_text(text + "\n")

    def kept(self, file):
        return (self.home / file).read_text().strip()

    def paste(self, blocks):
        """The blocks in a shell of their own, which ends at the first command that fails."""
        (self.home / "pasted").write_text("\n".join(["set -euo pipefail", DEFINITIONS, *blocks]))
        here = {"PATH": f"{self.home}/bin:{os.environ['PATH']}", "FARTHING_URL": self.url, "COPIES": str(self.home / "copies")}
        run = {"cwd": self.home, "env": here, "stdin": subprocess.DEVNULL, "timeout": A_SECTION}
        return subprocess.run(["bash", "-x", "pasted"], **run, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def end(self):
        self.service.server.shutdown()
        self.service.process.kill()
        self.service.process.wait()
        self.upstream.stop()


@pytest.fixture(scope="module")
def there(tmp_path_factory):
    there = Installation(tmp_path_factory.mktemp("incidents"))
    try:
        there.furnish()
        yield there
        there.service.stop()
        assert "panicked" not in (there.home / "log").read_text()
    finally:
        there.end()


def the_provider_changes_the_key(there):
    there.upstream.revoked.add(PROVIDER_KEY)
    there.keep("new-provider-key", "sk-up-fedcba9876543210")


def the_provider_is_asked_with_the_new_one(there):
    assert there.ask(there.kept("new-key"), MODEL)[0] == 200
    assert there.upstream.journal[-1]["headers"]["authorization"] == "Bearer sk-up-fedcba9876543210"


def the_token_leaks(there):
    there.keep("leaked-token", there.token())


def mia_signs_in(there):
    assert there.call("POST", "/api/session", {"username": "mia", "password": PASSWORD})[0] == 200
    assert there.call("GET", "/api/sessions")[1]["data"], "a session is open"
    there.keep("new-password", "an owl that counts its feathers")


def mia_signs_in_anew(there):
    status = lambda password: there.call("POST", "/api/session", {"username": "mia", "password": password})[0]
    assert (status(PASSWORD), status("an owl that counts its feathers")) == (401, 200)


def somebody_alters_a_line(there):
    there.service.stop()
    with closing(sqlite3.connect(there.home / "data/farthing.db")) as database, database:
        assert database.execute("UPDATE ledger_entries SET amount = amount + 1 WHERE seq = (SELECT max(seq) FROM ledger_entries)").rowcount == 1
    there.service.start()
    there.until_ready()


def the_disk_is_lost(there):
    there.service.stop()
    shutil.rmtree(there.home / "data")


def a_price_is_twice_what_it_should_be(there):
    wrong = there.paste([f"farthing model price {MODEL} --input 0.30 --output 1.20 --cache-read 0.15"])
    assert wrong.returncode == 0, wrong.stdout
    assert there.ask(there.kept("new-key"), MODEL)[0] == 200


RUN = {"x-farthing-run": "nightly"}


def an_agent_runs_wild(there):
    assert there.ask(there.kept("new-key"), MODEL, RUN)[0] == 200


def the_run_is_over(there):
    assert there.ask(there.kept("new-key"), MODEL, RUN)[0] == 403
    assert there.ask(there.kept("new-key"), MODEL)[0] == 200


def another_one_answers(there):
    breaker = lambda state: there.paste([f"farthing provider breaker openai {state}"]).returncode
    assert breaker("open") == 0 and there.ask(there.kept("new-key"), MODEL)[0] == 200
    asked = there.upstream.journal[-1]
    assert (asked["body"]["model"], asked["headers"]["authorization"]) == ("openai/gpt-4o-mini", f"Bearer {OTHER_KEY}")
    assert breaker("auto") == 0


def strangers_try_keys(there):
    statuses = {there.ask(f"sk-ft-{n:08}", MODEL)[0] for n in range(40)}
    assert statuses == {401, 429}


# What has happened before a section is pasted, and what must hold afterwards.
HAPPENS = {
    "A provider's key is known to others": (the_provider_changes_the_key, the_provider_is_asked_with_the_new_one),
    "The management token is known to others": (the_token_leaks, None),
    "A laptop with an open session is stolen": (mia_signs_in, mia_signs_in_anew),
    "The books or the trail were altered": (somebody_alters_a_line, None),
    "Calls were booked at a wrong price": (a_price_is_twice_what_it_should_be, None),
    "The disk is lost": (the_disk_is_lost, None),
    "Somebody spends too much": (an_agent_runs_wild, the_run_is_over),
    "A provider is out": (None, another_one_answers),
    "Many requests from strangers": (strangers_try_keys, None),
}


@pytest.mark.parametrize("heading", SECTIONS)
def test_what_the_page_says_can_be_pasted_and_works(there, heading):
    before, after = HAPPENS.get(heading, (None, None))
    if before:
        before(there)
    blocks = SECTIONS[heading]
    assert blocks, "a section without a command is no help"
    pasted = there.paste(blocks)
    assert pasted.returncode == 0, pasted.stdout
    print(pasted.stdout)
    if after:
        after(there)


def test_the_trail_answers_to_the_lines_of_its_page(there):
    assert HAPPENS.keys() <= SECTIONS.keys()
    text = AUDIT_PAGE.read_text()
    lines = re.findall(r"^((?:grep|jq) .+ audit\.log)", text, flags=re.MULTILINE)
    project = there.call("GET", "/api/projects")[1]["data"][0]["id"]
    found = []
    for line in lines:
        ran = subprocess.run(["bash", "-c", line.replace("prj_…", project)], cwd=there.home / "data", capture_output=True, text=True)
        assert ran.returncode == 0, ran
        found.append([json.loads(event) for event in ran.stdout.splitlines()])
    keys, refused, of_project = found
    assert keys and all(event["action"].startswith("key.") for event in keys)
    assert refused and all(event["action"] == "key.refused" for event in refused)
    assert of_project and all(event["project_id"] == project for event in of_project)
