"""Every page of the list, for everybody: in both schemes, on a phone, without scripts, and for who cannot see it."""

import re
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from pages import PAGES
from visit import SCHEMES, open_page, wider_than_the_window

PERMISSIONS = Path(__file__).parents[2] / "docs" / "permissions.md"
# Pixels: what is taller is no picture any more, and Chromium runs out of memory for it.
TALLEST = 6000
# What is for programs.
ELSEWHERE = ("/api/", "/ws/", "/metrics")
LOUD = ("serious", "critical")


# Whoever may do nothing sees the least, whoever may do all the most.
LOOKS = {"light-wide": None, "dark-wide": "owner", "light-narrow": "owner", "dark-narrow": None}


@pytest.mark.parametrize("scheme", SCHEMES)
def test_it_fits_and_is_pictured(visit, seeded, screenshots, entry, scheme):
    page = visit(entry.role and (LOOKS[scheme] or entry.role), scheme)
    open_page(page, entry, seeded)
    assert wider_than_the_window(page) <= 0
    width, height = page.evaluate("[document.documentElement.clientWidth, document.documentElement.scrollHeight]")
    shown = {"x": 0, "y": 0, "width": width, "height": min(height, TALLEST)}
    page.screenshot(path=screenshots / f"{entry.name}-{scheme}.png", full_page=True, clip=shown)


# The description of the API is one long page of the same few shapes, and has no dark or narrow ones of its own.
AUDITED = [(entry, scheme) for scheme in ("light-wide", "dark-wide", "light-narrow") for entry in PAGES]
AUDITED = [(entry, scheme) for entry, scheme in AUDITED if entry.path != "/api/docs" or scheme == "light-wide"]


@pytest.mark.parametrize("entry, scheme", AUDITED, ids=lambda it: getattr(it, "name", it))
def test_axe_finds_nothing_serious(visit, seeded, axe, entry, scheme):
    page = visit(entry.role and (LOOKS[scheme] or entry.role), scheme)
    open_page(page, entry, seeded)
    # Evaluated by the browser itself, which no policy of the page binds.
    page.evaluate(axe)
    found = page.evaluate("axe.run(document, { resultTypes: ['violations'] })")["violations"]
    loud = [f"{it['id']}: {it['help']}: {[node['target'] for node in it['nodes']]}" for it in found if it["impact"] in LOUD]
    assert not loud, "\n".join(loud)


def test_it_reads_without_scripts(visit, seeded, entry):
    page = visit(entry.role, java_script_enabled=False)
    open_page(page, entry, seeded)
    assert len(page.locator("main").inner_text()) > 40


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
