"""The first day: from `farthing init` to a call that is understood, priced anew and ended, by the pages alone."""

import pytest
import stage
from visit import SCHEMES, Watch

OWNER = ("ann", "seven grey horses by a river")


@pytest.fixture(scope="module")
def fresh(tmp_path_factory):
    with stage.fresh(tmp_path_factory.mktemp("fresh")) as gateway:
        yield gateway


@pytest.fixture(params=["light-wide", "dark-narrow"])
def window(request, browser, fresh):
    context = browser.new_context(base_url=fresh.url, **SCHEMES[request.param])
    watch = Watch(context, fresh.url)
    yield context.new_page()
    context.close()
    watch.verdict()


def fill(page, fields):
    for label, text in fields.items():
        page.get_by_label(label).fill(text)


def press(page, name):
    page.get_by_role("button", name=name, exact=True).click()


def make_the_owner(page, fresh):
    """The link of `init`, once; a second time it makes nobody."""
    page.goto(f"/set-up#{fresh.code}")
    name, password = OWNER
    fill(page, {"Name": name, "Password": password, "The same once more": password})
    press(page, "Make the account and sign in")
    page.get_by_role("heading", name="First steps").wait_for()


def supply(page):
    page.locator("#first-steps ~ ol a").first.click()
    page.get_by_role("heading", name="Providers", level=1).wait_for()
    assert page.get_by_label("Name", exact=True).is_visible(), "where there is none, the form is open"
    page.get_by_label("Name", exact=True).fill("sandbox")
    page.locator("select[name=kind]").select_option("sandbox")
    press(page, "Add")
    page.get_by_role("heading", name="sandbox").first.wait_for()
    page.goto("/models")
    folded = page.locator("details:not([open]) > summary, button", has_text="Add a model")
    if folded.count():
        folded.first.click()
    page.locator("form[action='/forms/api/models'] input[name=name]").fill("sandbox-small")
    for field, price in {"input": "1", "output": "2", "cache_read": "0.1", "cache_write": "1.25"}.items():
        page.locator(f"form[action='/forms/api/models'] input[name^='prices.{field}_cost_per_m']").fill(price)
    page.locator("form[action='/forms/api/models']").get_by_role("button", name="Add", exact=True).click()
    page.get_by_text("sandbox-small").first.wait_for()


def demand(page):
    """A project and a key; the secret."""
    page.goto("/projects")
    fill(page, {"Budget in US dollars": "3"})
    page.get_by_label("Name", exact=True).fill("team-a")
    press(page, "Make the project")
    page.get_by_role("link", name="Make one").click()
    page.get_by_label("Name", exact=True).fill("ci")
    press(page, "Make the key")
    secret = page.get_by_role("dialog").locator("#new-secret-text").inner_text()
    press(page, "I have kept it")
    page.get_by_role("heading", name="ci", level=1).wait_for()
    return secret


def test_a_stranger_gets_from_the_link_to_a_call_that_is_understood(window, fresh):
    page = window
    if fresh.secret is None:
        make_the_owner(page, fresh)
        supply(page)
        fresh.secret = demand(page)
    else:
        page.goto(f"/set-up#{fresh.code}")
        assert "/sign-in" in page.url, "the link works once"
        fill(page, {"Name": OWNER[0], "Password": OWNER[1]})
        press(page, "Sign in")
        page.get_by_role("heading", name="Overview").wait_for()

    page.goto("/requests")
    page.locator("#live[data-state=on]").wait_for()
    status, request = stage.ask(fresh, fresh.secret, "sandbox-small")
    assert status == 200
    row = page.locator(f"tr[data-request='{request}']")
    row.wait_for()
    row.get_by_role("link").first.click()
    page.get_by_role("heading", name="In the ledger").wait_for()
    story = page.locator("#main").inner_text()
    assert all(word in story for word in (request, "team-a", "ci", "sandbox-small", "ok")), story

    page.goto("/audit")
    assert "key.create" in page.locator("#main").inner_text()
    page.goto("/")
    assert page.get_by_role("heading", name="First steps").count() == 0, "nothing is left to do"
    if page.locator(".menu-word").is_visible():
        page.locator(".menu-word").click()
    press(page, "Sign out")
    page.wait_for_url("**/sign-in")


@pytest.mark.parametrize("scheme", ["light-wide", "dark-narrow"])
def test_the_code_is_typed_where_no_script_takes_it_from_the_link(browser, tmp_path, scheme):
    with stage.fresh(tmp_path) as gateway, browser.new_context(base_url=gateway.url, java_script_enabled=False, **SCHEMES[scheme]) as context:
        page = context.new_page()
        page.goto(f"/set-up#{gateway.code}")
        assert page.get_by_label("Set-up code").input_value() == "", "nothing reads the link"
        name, password = OWNER
        typed = {"Name": name, "Password": password, "The same once more": password}
        fill(page, {"Set-up code": "not the code", **typed})
        press(page, "Make the account and sign in")
        code = page.get_by_label("Set-up code")
        assert (code.get_attribute("aria-invalid"), code.input_value(), page.get_by_label("Name").input_value()) == ("true", "not the code", name)
        assert page.get_by_role("alert").is_visible() and page.get_by_label("Password").input_value() == ""
        fill(page, {"Set-up code": gateway.code, **typed})
        press(page, "Make the account and sign in")
        page.get_by_role("heading", name="First steps").wait_for()
        page.goto("/set-up")
        assert page.url == gateway.url + "/", "once there is an owner there is no such page"
