"""Every page of the list, for everybody: in both schemes, on a phone, without scripts, and for who cannot see it."""

import re
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from pages import PAGES
from visit import SCHEMES, open_page, picture, serious, wider_than_the_window

PERMISSIONS = Path(__file__).parents[2] / "docs" / "permissions.md"
# What is for programs.
ELSEWHERE = ("/api/", "/ws/", "/metrics")

# Whoever may do nothing sees the least, whoever may do all the most.
LOOKS = {"light-wide": None, "dark-wide": "owner", "light-narrow": "owner", "dark-narrow": None}


@pytest.mark.parametrize("scheme", SCHEMES)
def test_it_fits_and_is_pictured(visit, seeded, screenshots, house, entry, scheme):
    page = visit(entry.seen_by(LOOKS[scheme]), scheme, house(entry))
    open_page(page, entry, seeded)
    assert wider_than_the_window(page) <= 0
    picture(page, screenshots / f"{entry.name}-{scheme}.png")


# The description of the API is one long page of the same few shapes, and has no dark or narrow ones of its own.
AUDITED = [(entry, scheme) for scheme in ("light-wide", "dark-wide", "light-narrow") for entry in PAGES]
AUDITED = [(entry, scheme) for entry, scheme in AUDITED if entry.path != "/api/docs" or scheme == "light-wide"]


@pytest.mark.parametrize("entry, scheme", AUDITED, ids=lambda it: getattr(it, "name", it))
def test_axe_finds_nothing_serious(visit, seeded, axe, house, entry, scheme):
    page = visit(entry.seen_by(LOOKS[scheme]), scheme, house(entry))
    open_page(page, entry, seeded)
    assert not serious(page, axe)


# Every way that text has to become markup or code.
SINKS = {
    "innerHTML": "document.body.innerHTML = '<b>x</b>'",
    "outerHTML": "document.querySelector('main').outerHTML = '<b>x</b>'",
    "insertAdjacentHTML": "document.body.insertAdjacentHTML('beforeend', '<b>x</b>')",
    "DOMParser": "new DOMParser().parseFromString('<b>x</b>', 'text/html')",
    "srcdoc": "document.createElement('iframe').srcdoc = '<b>x</b>'",
    "a script's text": "document.createElement('script').text = '1'",
    "a script's address": "document.createElement('script').src = '/static/x.js'",
    "an exception": "trustedTypes.createPolicy('default', { createHTML: (text) => text })",
}
TRY = "() => { try { %s; return 'nothing'; } catch (error) { return error.name; } }"


def test_no_text_becomes_markup_or_code(visit, seeded, house, entry):
    """No other test may provoke this: everywhere else the watch hears of a page whose own scripts try."""
    page = visit(entry.role, at=house(entry))
    open_page(page, entry, seeded)
    came = {name: page.evaluate(TRY % deed) for name, deed in SINKS.items()}
    assert came == dict.fromkeys(SINKS, "TypeError")
    assert [page.locator(place).count() for place in ("main", "body > b, body > iframe")] == [1, 0]
    page.watch.expect("policy: require-trusted-types-for")
    page.watch.expect("policy: trusted-types ")
    page.watch.expect("Trusted")


def test_it_reads_without_scripts(visit, seeded, house, entry):
    page = visit(entry.role, at=house(entry), java_script_enabled=False)
    open_page(page, entry, seeded)
    assert len(page.locator("main").inner_text()) > 40


@pytest.mark.parametrize("entry", [entry for entry in PAGES if not entry.bare], ids=lambda it: it.name)
def test_strangers_see_none_of_it(visit, seeded, entry):
    page = visit(None)
    answer = page.goto(entry.path.format(**seeded.ids))
    if entry.path.startswith("/api/"):
        page.watch.expect("401")
        assert answer.status == 401
    else:
        assert urlsplit(page.url).path == "/sign-in"


def test_no_page_is_forgotten():
    """Every page that docs/permissions.md, which is held against the program, gives to some of those who have signed in."""
    rows = re.findall(r"^\| GET \| `(\S+)` \| (.+?) \|", PERMISSIONS.read_text(), re.MULTILINE)
    rows = [path for path, needs in rows if needs not in ("nothing", "a virtual key") and not path.startswith(ELSEWHERE)]
    unnamed = lambda path: re.sub(r"\{.*?\}", "{}", path)
    left = {unnamed(path) for path in rows} - {unnamed(entry.path) for entry in PAGES}
    assert "/" in rows and not left, f"not in pages.py: {left}"
