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
