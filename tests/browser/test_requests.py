"""The list of requests: live while nothing is asked of it, narrowed by its form, each row a way to a story."""

import stage


def test_a_call_comes_by_itself_and_its_story_is_a_click_away(visit, gateway, seeded):
    page = visit("viewer")
    page.goto("/requests")
    page.locator("#live[data-state=on]").wait_for()
    status, request = stage.ask(gateway, seeded.secret, "claude-sonnet-5")
    assert status == 200
    row = page.locator(f"#calls tr[data-request='{request}']")
    row.wait_for()
    # Its story needs its line, which comes a moment after.
    gateway.recorded(request)
    row.get_by_role("link").click()
    page.wait_for_url(f"**/requests/{request}")
    assert page.locator("h1").inner_text() == "claude-sonnet-5"
    told = page.locator("main").inner_text()
    assert all(words in told for words in (request, "apps", "web", "anthropic", "x-farthing-provider")), told


def test_a_filter_narrows_and_is_kept(visit, seeded):
    page = visit("owner", "light-narrow")
    page.goto("/requests")
    page.get_by_label("Model").fill("gpt-busy")
    page.get_by_label("Status").select_option("upstream_error")
    page.get_by_role("button", name="Search").click()
    page.wait_for_url("**status=upstream_error*")
    rows = page.locator("#calls tbody tr").all_inner_texts()
    assert rows and all("gpt-busy" in row and "upstream_error" in row for row in rows), rows
    assert page.get_by_label("Model").input_value() == "gpt-busy"
    assert page.locator("#live").count() == 0, "what is narrowed is not live"
    page.get_by_role("link", name="Clear").click()
    page.locator("#live[data-state=on]").wait_for()


def test_what_cannot_be_searched_is_said_at_its_field(visit, seeded):
    page = visit("owner")
    page.goto("/requests")
    page.get_by_label("Request", exact=True).fill("<b>x")
    page.watch.expect("400")
    page.get_by_role("button", name="Search").click()
    alert = page.get_by_role("alert")
    alert.wait_for()
    assert "search must be" in alert.inner_text()
    field = page.get_by_label("Request", exact=True)
    assert (field.get_attribute("aria-invalid"), field.input_value()) == ("true", "<b>x")
