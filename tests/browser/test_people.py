"""People: accounts made, changed and kept out, sessions ended, one's own password; and what a viewer is not offered."""

from urllib.parse import urlsplit

import stage
from visit import sign_in

OTHER = "four quiet boats beside a red mill"


def test_an_account_is_made_changed_and_kept_out(visit):
    page, other = visit("owner"), visit(None)
    page.goto("/users")
    page.locator("form.fields input[name=name]").fill("kim")
    page.get_by_label("Role").select_option("operator")
    page.locator("input[name=password]").fill(stage.PASSWORD)
    page.get_by_role("button", name="Make the account").click()
    page.get_by_role("heading", name="kim", level=1).wait_for()
    assert page.get_by_role("status").filter(has_text="The account was made.").is_visible()

    sign_in(other, "kim")
    other.get_by_role("heading", name="Overview").wait_for()
    other.goto("/account")
    other.get_by_label("Present password").fill("not the present one")
    other.get_by_label("New password").fill(OTHER)
    other.watch.expect("401")
    other.get_by_role("button", name="Change it").click()
    other.get_by_role("alert").filter(has_text="wrong").wait_for()
    other.get_by_label("Present password").fill(stage.PASSWORD)
    other.get_by_role("button", name="Change it").click()
    other.get_by_text("The password was changed.").wait_for()

    page.reload()
    page.get_by_role("button", name="End the session of kim").first.click()
    page.get_by_text("The session has ended.").wait_for()
    page.get_by_text("Disable…").click()
    page.get_by_role("button", name="Disable kim").click()
    page.locator(".badge", has_text="disabled").wait_for()
    other.goto("/")
    assert urlsplit(other.url).path == "/sign-in", "at once"
    page.get_by_text("Remove…").click()
    page.get_by_role("button", name="Remove kim").click()
    page.get_by_text("The account was removed.").wait_for()
    assert page.get_by_role("link", name="kim", exact=True).count() == 0


def test_a_viewer_sees_own_sessions_and_no_button_about_others(visit):
    page = visit("viewer")
    page.goto("/sessions")
    assert {text.split()[0] for text in page.locator("tbody tr td:first-child").all_inner_texts()} == {"viewer"}
    places = page.get_by_role("navigation", name="Pages").get_by_role("link").all_inner_texts()
    assert not {"Users", "Audit", "System"} & {place.strip() for place in places}
