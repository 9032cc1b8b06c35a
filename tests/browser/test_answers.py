"""What only a form leads to, where no script stays on the page: a refusal with what was typed, a secret, what came of a test."""

import pytest
from visit import SCHEMES, picture, serious, wider_than_the_window

# Whoever has no script sends a form so; later, for what is evaluated must end before its page does.
SEND = "(form) => void setTimeout(() => HTMLFormElement.prototype.submit.call(form))"


def refused(page, seeded):
    page.goto("/projects")
    page.get_by_label("Name", exact=True).fill("with a fault")
    page.get_by_label("Requests a minute", exact=True).fill("many")
    page.watch.expect("400")
    return page.locator("form[action='/forms/api/projects']")


def secret(page, seeded):
    page.goto(f"/keys?project={seeded.names['project']}")
    page.get_by_label("Name", exact=True).fill("shown")
    return page.locator("form[action='/forms/api/keys']")


def tried(page, seeded):
    page.goto(f"/providers/{seeded.ids['provider']}")
    return page.locator("form[data-test]")


ANSWERS = {"refused": (refused, "That did not work"), "secret": (secret, "Keep this secret"), "tried": (tried, "Test of openai")}


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("answer", ANSWERS)
def test_it_fits_and_reads(visit, seeded, screenshots, axe, answer, scheme):
    fill, heading = ANSWERS[answer]
    page = visit("owner", scheme)
    fill(page, seeded).evaluate(SEND)
    page.get_by_role("heading", name=heading, level=1, exact=True).wait_for()
    page.wait_for_load_state()
    assert wider_than_the_window(page) <= 0
    assert not serious(page, axe)
    picture(page, screenshots / f"answer-{answer}-{scheme}.png")


def test_a_provider_is_tried_and_a_backup_checked_without_scripts(visit, gateway, seeded):
    page = visit("owner", java_script_enabled=False)
    # Nobody listens at port 1.
    astray = {"name": "astray", "kind": "openai", "base_url": "http://127.0.0.1:1/v1", "api_key": "sk-astray", "allow_private_network": True}
    lost = gateway.create("/api/providers", astray)["id"]
    for provider, verdict, words in [("sandbox", "in order", "latency"), ("astray", "at fault", "look at base_url")]:
        page.goto("/providers")
        page.get_by_role("link", name=provider, exact=True).first.click()
        page.get_by_role("button", name="Test the connection").click()
        page.get_by_role("heading", name=f"Test of {provider}").wait_for()
        page.locator(".badge", has_text=verdict).wait_for()
        page.locator("#main", has_text=words).wait_for()
        page.get_by_role("link", name="Back").click()
        page.get_by_role("heading", name=provider, level=1).wait_for()

    made = gateway.call("POST", "/api/system/backups", {})[1]["id"]
    page.goto("/system")
    row = page.locator("tr", has_text=made)
    row.get_by_role("button", name="Verify").click()
    page.get_by_role("heading", name="Backup of").wait_for()
    page.locator(".badge", has_text="in order").wait_for()
    spoil(gateway, made)
    page.get_by_role("link", name="Back").click()
    row.get_by_role("button", name="Verify").click()
    page.locator(".badge", has_text="at fault").wait_for()
    assert page.get_by_role("alert").first.inner_text() != ""

    scripted = visit("owner")
    scripted.goto("/system")
    row = scripted.locator("tr", has_text=made)
    row.get_by_role("button", name="Verify").click()
    row.get_by_role("alert").wait_for()
    assert row.get_by_role("alert").inner_text() != ""
    assert gateway.call("DELETE", f"/api/system/backups/{made}")[0] == 204
    assert gateway.call("DELETE", f"/api/providers/{lost}")[0] == 204


def spoil(gateway, backup):
    """Another byte in the middle of it."""
    files = [it for it in gateway.home.rglob("*") if it.is_file() and backup in str(it)]
    largest = max(files, key=lambda it: it.stat().st_size)
    with largest.open("r+b") as file:
        file.seek(largest.stat().st_size // 2)
        byte = file.read(1)
        file.seek(-1, 1)
        file.write(bytes([byte[0] ^ 1]))
