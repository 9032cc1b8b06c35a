"""Providers and the system, as operators work with them; and what the pages do when the feed is gone for a while."""

import stage


def test_a_forced_circuit_is_seen_at_once_in_another_window(visit, gateway, seeded):
    other = visit("viewer")
    other.goto("/providers")
    other.locator("#live[data-state=on]").wait_for()
    page = visit("owner")
    page.goto("/providers")
    page.get_by_role("link", name="anthropic").click()
    page.get_by_role("button", name="Force open").click()
    page.get_by_text("The circuits were set.").wait_for()
    other.get_by_text("forced open").wait_for()
    assert stage.ask(gateway, seeded.secret, "claude-sonnet-5")[0] == 503
    page.get_by_role("button", name="By itself").click()
    other.get_by_text("forced open").wait_for(state="detached")
    assert stage.ask(gateway, seeded.secret, "claude-sonnet-5")[0] == 200


def test_a_provider_is_added_tried_changed_and_removed(visit, gateway):
    page = visit("owner")
    page.goto("/providers")
    page.get_by_text("Add a provider").click()
    page.get_by_label("Name", exact=True).fill("made by hand")
    page.locator("select[name=kind]").select_option("sandbox")
    page.get_by_role("button", name="Add", exact=True).click()
    page.get_by_role("heading", name="made by hand", level=1).wait_for()
    page.get_by_role("button", name="Test the connection").click()
    page.get_by_text("It answers").wait_for()
    page.get_by_label("calls may go there").uncheck()
    page.get_by_role("button", name="Save").click()
    page.get_by_text("The provider was changed.").wait_for()
    page.get_by_text("disabled", exact=True).wait_for()
    page.get_by_text("Remove this provider").click()
    page.get_by_role("button", name="Remove made by hand").click()
    page.get_by_text("The provider was removed.").wait_for()
    assert "made by hand" not in [it["name"] for it in gateway.call("GET", "/api/providers")[1]["data"]]


def test_a_backup_is_made_checked_and_removed(visit, gateway, seeded):
    page = visit("owner")
    page.goto("/system")
    page.get_by_role("button", name="Make a backup now").click()
    page.get_by_text("The backup was made").wait_for()
    made = gateway.call("GET", "/api/system/backups")[1]["data"][0]["id"]
    row = page.locator("tr", has_text=made)
    row.get_by_role("button", name="Verify").click()
    page.get_by_text("The backup was checked").wait_for()
    remove(page, row)
    assert gateway.call("GET", "/api/system/backups")[1]["data"] == []


def test_what_is_left_of_a_backup_is_shown_and_removed(visit, gateway, seeded):
    made = gateway.call("POST", "/api/system/backups", {})[1]["id"]
    next(gateway.home.rglob(f"{made}.json")).unlink()
    page = visit("owner")
    page.goto("/system")
    left = page.get_by_role("group", name=made)
    page.get_by_text("No other backup.").wait_for()
    remove(page, left)
    page.get_by_text("No backup yet.").wait_for()
    assert gateway.call("GET", "/api/system/backups")[1] == {"data": [], "next_cursor": None, "unreadable": []}


def remove(page, backup):
    backup.get_by_text("Remove…").click()
    backup.get_by_role("button", name="Remove this backup").click()
    page.get_by_text("The backup was removed.").wait_for()


def test_a_lost_feed_is_said_and_made_good(visit, gateway, seeded):
    page, sockets = visit("viewer"), []

    def between(socket):
        socket.connect_to_server()
        sockets.append(socket)

    page.route_web_socket("**/ws/feed", between)
    page.goto("/")
    page.locator("#live[data-state=on]").wait_for()
    sockets[0].close(code=1012)
    page.get_by_text("The live connection is lost").wait_for()
    request = stage.ask(gateway, seeded.secret, "gpt-4o-mini")[1]
    page.get_by_text("Live again.").wait_for()
    page.locator(f"#calls tr[data-request='{request}']").wait_for()


def test_the_figures_follow_without_a_reload(visit, gateway, seeded):
    page = visit("viewer")
    page.goto("/")
    page.locator("#live[data-state=on]").wait_for()
    tile = page.locator(".tile", has_text="Spent today")
    before = tile.inner_text()
    stage.ask(gateway, seeded.secret, "gpt-4o-mini")
    page.wait_for_function("(before) => [...document.querySelectorAll('.tile')].some((it) => it.innerText.includes('Spent today') && it.innerText !== before)", arg=before)


def test_a_viewer_sees_no_editing(visit, seeded):
    page = visit("viewer")
    for path in ("/providers", f"/providers/{seeded.ids['provider']}"):
        page.goto(path)
        assert page.locator("form[action^='/forms/']").count() == 0
