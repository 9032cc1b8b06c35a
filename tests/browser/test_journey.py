"""What somebody does on the pages, from signing in to signing out."""

import stage
from visit import sign_in


def test_a_call_is_seen_as_it_happens(visit, gateway, seeded):
    page = visit("viewer")
    page.goto("/")
    page.locator("#live[data-state=on]").wait_for()
    status, request = stage.ask(gateway, seeded.secret, "gpt-4o-mini")
    assert status == 200
    row = page.locator(f"#calls tr[data-request='{request}']")
    row.wait_for()
    assert [word in row.inner_text() for word in ("apps", "web", "gpt-4o-mini", "openai", "ok")] == [True] * 5, row.inner_text()
    live = row.inner_text()
    page.reload()
    assert row.inner_text() == live, "the server draws the same row"


def test_a_wrong_password_is_told_at_the_form(visit):
    page = visit(None)
    page.watch.expect("401")
    sign_in(page, "owner", "not the password of anybody")
    assert page.get_by_role("alert").inner_text() == "The name or the password is wrong."
    assert page.get_by_label("Password").get_attribute("aria-invalid") == "true"


def test_who_has_signed_out_is_out(visit, gateway):
    page = visit(None)
    page.goto("/")
    assert page.url == f"{gateway.url}/sign-in", "strangers are sent to sign in"
    sign_in(page, "viewer")
    page.wait_for_url(f"{gateway.url}/")
    stolen = page.context.cookies()
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url(f"{gateway.url}/sign-in")
    assert page.context.cookies() == []
    page.context.add_cookies(stolen)
    page.goto("/")
    assert page.url == f"{gateway.url}/sign-in", "a cookie that was kept opens nothing"


def test_keys_alone_are_enough(visit, gateway):
    page = visit(None)
    page.goto("/sign-in")
    assert page.get_by_label("Name").evaluate("it => it === document.activeElement"), "who comes to sign in can type at once"
    page.keyboard.type("viewer")
    page.keyboard.press("Tab")
    page.keyboard.type(stage.PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(f"{gateway.url}/")
    page.keyboard.press("Tab")
    assert "Skip" in page.evaluate("document.activeElement.textContent"), "the first thing is the way past the head"
