"""Projects, keys and the playground: made, shown once, tried as pasted, rotated and revoked, with scripts and without."""

import re
import subprocess
import sys
from decimal import Decimal

import pytest
import stage


def say(page, label, text):
    page.get_by_label(label, exact=True).fill(text)


def new_project(page, name):
    page.goto("/projects")
    say(page, "Name", name)
    say(page, "Budget in US dollars", "2.50")
    page.get_by_role("button", name="Make the project").click()
    page.get_by_role("heading", name=name, level=1).wait_for()


def pasted(program, sample, model):
    """What the sample prints when it is pasted there."""
    ran = subprocess.run([program, "-c", sample.replace("MODEL", model)], capture_output=True, text=True, timeout=60)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def test_a_key_is_made_used_rotated_and_revoked(visit, gateway, seeded):
    page = visit("owner")
    new_project(page, "by-hand")
    assert "$2.50" in page.locator("#main").inner_text()
    page.get_by_role("link", name="Make one").click()
    say(page, "Name", "laptop")
    page.get_by_role("button", name="Make the key").click()
    dialog = page.get_by_role("dialog")
    secret = dialog.locator("#new-secret-text").inner_text()
    assert secret.startswith("sk-ft-")
    curl, python = (dialog.locator("pre").nth(number).text_content() for number in (0, 1))
    assert '"chat.completion"' in pasted("sh", curl, "gpt-4o-mini")
    assert pasted(sys.executable, python, "gpt-4o-mini").strip() != ""
    dialog.get_by_role("button", name="I have kept it").click()
    page.get_by_role("heading", name="laptop", level=1).wait_for()
    assert page.get_by_role("status").filter(has_text="The key was made.").is_visible()
    assert secret not in page.content(), "a secret is shown once"

    page.get_by_text("Rotate it").click()
    say(page, "Hours in which the present secret goes on", "1")
    page.get_by_role("button", name="Rotate", exact=True).click()
    fresh = page.get_by_role("dialog").locator("#new-secret-text").inner_text()
    page.get_by_role("button", name="I have kept it").click()
    page.get_by_text("It was rotated").wait_for()
    assert [stage.ask(gateway, key, "gpt-4o-mini")[0] for key in (secret, fresh)] == [200, 200], "both open it for an hour"

    page.get_by_text("Revoke it").click()
    page.get_by_role("button", name="Revoke the key").click()
    page.locator(".badge", has_text="revoked").wait_for()
    assert [stage.ask(gateway, key, "gpt-4o-mini")[0] for key in (secret, fresh)] == [401, 401]


def test_what_was_typed_stays_and_the_fault_is_at_its_field(visit):
    page = visit("owner")
    page.watch.expect("400")
    page.goto("/projects")
    say(page, "Name", "with a fault")
    say(page, "Requests a minute", "many")
    page.get_by_role("button", name="Make the project").click()
    field = page.get_by_label("Requests a minute", exact=True)
    page.get_by_role("alert").wait_for()
    assert field.get_attribute("aria-invalid") == "true" and field.input_value() == "many"
    assert page.get_by_label("Name", exact=True).input_value() == "with a fault"


def test_the_same_without_scripts(visit, gateway):
    page = visit("owner", java_script_enabled=False)
    new_project(page, "by-hand-too")
    page.get_by_role("link", name="Make one").click()
    say(page, "Name", "plain")
    page.get_by_role("button", name="Make the key").click()
    secret = page.locator("#secret").inner_text()
    assert stage.ask(gateway, secret, "gpt-4o-mini")[0] == 200
    page.get_by_role("link", name="I have kept it").click()
    page.get_by_role("heading", name="plain", level=1).wait_for()
    page.watch.expect("400")
    page.goto("/projects")
    say(page, "Name", "refused")
    say(page, "Tokens a minute", "many")
    page.get_by_role("button", name="Make the project").click()
    assert page.get_by_label("Tokens a minute", exact=True).input_value() == "many"
    say(page, "Tokens a minute", "1000")
    page.get_by_role("button", name="Try again").click()
    page.get_by_role("heading", name="refused", level=1).wait_for()
    assert "1,000 tokens a minute" in page.locator(".facts").inner_text()


def test_a_viewer_is_offered_nothing_to_change(visit, seeded):
    page = visit("viewer")
    for path in ["/projects", "/keys", "/projects/{project}", "/keys/{key}"]:
        page.goto(path.format(**seeded.ids))
        assert page.locator("form[action^='/forms/']").count() == 0, path
    assert page.get_by_role("link", name="Playground").count() == 0
    page.watch.expect("403")
    assert page.goto("/playground").status == 403
    assert page.get_by_role("heading", name="This is not for you").is_visible()


@pytest.mark.parametrize("scheme", ["light-wide", "dark-narrow"])
def test_the_playground_streams_and_the_books_have_it(visit, gateway, scheme):
    page = visit("owner", scheme)
    page.goto("/playground")
    page.locator("select[name=key]").select_option(label="apps, key web")
    page.locator("select[name=model]").select_option("gpt-4o-mini")
    page.get_by_role("button", name="Send").click()
    remark = page.locator("#remark")
    page.get_by_role("link", name="its story").wait_for()
    assert page.locator("#answer").inner_text().strip() != ""
    request = page.get_by_role("link", name="its story").get_attribute("href").rsplit("/", 1)[1]
    line = gateway.recorded(request)
    told = re.search(r"\$(\S+),", remark.inner_text())[1]
    assert Decimal(told) == Decimal(line["cost_usd"]) > 0 and line["stream"]
