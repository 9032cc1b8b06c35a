"""Hostile words in everything that others name: projects, keys, models, providers, user agents, and what a provider says went
wrong. They are shown, and nothing they ask for is done: by no page, by no live row, by no spreadsheet."""

import csv
import io
import json
import urllib.request
from urllib.parse import quote

import pytest
import stage
import upstream as scripted
from hostile import FORMULAS, PAYLOADS
from pages import PAGES
from visit import open_page

# Calls that a page shows at once.
LOT = 40
LOTS = [PAYLOADS[at : at + LOT] for at in range(0, len(PAYLOADS), LOT)]
# What a spreadsheet begins to calculate at; a number may begin so.
BEGINNINGS = ("=", "+", "-", "@", "\t", "\r", "\n")


def test_there_are_enough_of_them():
    assert len(set(PAYLOADS)) == len(PAYLOADS) >= 100
    assert all(len(words) <= 128 and words.isprintable() or ord(max(words)) > 127 for words in PAYLOADS)


def name_everything(gateway, upstream, words):
    """A provider, a model, a project and a key of that name, made by a program of that name; the key's secret."""
    wanted = {"kind": "openai", "base_url": upstream.base_url, "api_key": "sk-up-0123456789abcdef", "allow_private_network": True}
    create(gateway, "/api/providers", {"name": words, **wanted}, words)
    create(gateway, "/api/models", {"name": words, "provider": words, "upstream_model": "refuse", "prices": stage.PRICES}, words)
    create(gateway, "/api/groups", {"name": f"g{words[:127]}", "strategy": "ordered", "targets": [{"model": words}]}, words)
    create(gateway, "/api/projects", {"name": words, "budget": {"limit_usd": "1", "window": "total"}}, words)
    return create(gateway, "/api/keys", {"project": words, "name": words}, words)["key"]


def create(gateway, path, body, agent):
    headers = {"authorization": f"Bearer {gateway.token}", "content-type": "application/json", "user-agent": stage.as_header(agent)}
    request = urllib.request.Request(gateway.url + path, json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request, timeout=stage.PATIENCE) as answer:
        return json.load(answer)


def assert_unhit(page):
    assert page.evaluate("[typeof window.__hit, location.origin]") == ["undefined", page.watch.origin]


@pytest.mark.parametrize("lot", LOTS, ids=range(len(LOTS)))
def test_no_page_does_what_a_name_asks(visit, gateway, upstream, seeded, monkeypatch, lot):
    secrets = {words: name_everything(gateway, upstream, words) for words in lot}
    live = visit()
    live.goto("/")
    live.locator("#live[data-state=on]").wait_for()
    for words, secret in secrets.items():
        monkeypatch.setitem(scripted.REFUSALS, "refuse", (400, words))
        status, request = stage.ask(gateway, secret, words, words)
        assert status == 400, (words, status)
    # The last of them is shown: all came through the feed.
    row = live.locator(f"#calls tr[data-request='{request}']")
    row.wait_for()
    # Project, key, model and provider.
    assert row.inner_text().count(lot[-1]) == 4
    assert_unhit(live)
    page = visit()
    groups = {it["name"]: it["id"] for it in gateway.call("GET", "/api/groups?limit=1000")[1]["data"]}
    page.goto(f"/models/groups/{groups['g' + lot[-1][:127]]}")
    assert page.locator("h1").inner_text().startswith("g")
    assert_unhit(page)
    for entry in PAGES:
        if entry.role and not entry.alone:
            open_page(page, entry, seeded)
            assert_unhit(page)


def test_the_set_up_page_does_nothing_that_is_typed_there(visit, bare):
    page = visit(None, at=bare)
    page.watch.expect("401")
    for words in PAYLOADS:
        page.goto("/sign-in")
        page.goto(f"/set-up#{quote(words)}")
        code, name = page.get_by_label("Set-up code"), page.get_by_label("Name")
        assert code.input_value() == words, "taken from the link"
        name.fill(words)
        # The field takes no more than a name may have.
        typed = name.input_value()
        assert words.startswith(typed) and typed
        page.get_by_label("Password").fill(stage.PASSWORD)
        page.get_by_label("The same once more").fill(stage.PASSWORD)
        page.get_by_role("button", name="Make the account").click()
        page.get_by_role("alert").wait_for()
        assert [code.input_value(), name.input_value()] == [words, typed]
        assert_unhit(page)


@pytest.mark.parametrize("by", ["project", "key", "model", "provider"])
def test_a_spreadsheet_calculates_nothing(gateway, upstream, seeded, by):
    """After the pages, whose names are in the books by then; its own are there in any case."""
    for words in FORMULAS:
        names = {row["name"] for row in gateway.call("GET", "/api/projects?limit=1000")[1]["data"]}
        secret = name_everything(gateway, upstream, words) if words not in names else None
        if secret:
            assert stage.ask(gateway, secret, words)[0] == 400
    exported = lambda: gateway.call("GET", f"/api/usage/export?format=csv&by={by}")[1].decode()
    stage.until("all are counted", lambda: exported().count("1+1") >= sum("1+1" in words for words in FORMULAS))
    rows = list(csv.reader(io.StringIO(exported(), newline="")))
    assert all(len(row) == len(rows[0]) for row in rows), "every row has its columns"
    cells = [cell for row in rows for cell in row]
    assert not [cell for cell in cells if cell.startswith(BEGINNINGS) and not number(cell)]
    assert "'=1+1" in cells and "'@SUM(1+1)*cmd|' /C calc'!A0" in cells


def number(cell):
    try:
        return float(cell) is not None
    except ValueError:
        return False
