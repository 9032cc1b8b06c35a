"""Groups: made, changed in every part, and removed, with scripts and without."""

import pytest


def told(gateway, name):
    """What the API has of it."""
    group = next(it for it in gateway.call("GET", "/api/groups?limit=1000")[1]["data"] if it["name"] == name)
    return {field: group.get(field) for field in ("strategy", "targets", "classifier", "shadows")}


def member(page, number):
    return page.get_by_role("group", name=f"Member {number}", exact=True)


def target(model, weight=1, **more):
    return {"model": model, "weight": weight, **more}


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no-scripts"])
def test_a_group_is_made_changed_and_removed(visit, gateway, seeded, scripts):
    page = visit("owner", java_script_enabled=scripts)
    page.goto("/models")
    opener = page.get_by_role("button", name="Add a group") if scripts else page.locator("summary", has_text="Add a group")
    opener.click()
    form = page.locator("form[action='/forms/api/groups']")
    form.get_by_label("Name", exact=True).fill("mixed")
    form.get_by_label("Chooses").select_option("weighted")
    for number, (model, share) in enumerate([("gpt-4o-mini", "3"), ("claude-sonnet-5", ""), ("gpt-busy", "2")], 1):
        member(form, number).get_by_label("Member").select_option(label=model)
        member(form, number).get_by_label("Share").fill(share)
    form.get_by_role("button", name="Add", exact=True).click()
    page.get_by_role("heading", name="mixed", level=1).wait_for()
    expected = [target("gpt-4o-mini", 3), target("claude-sonnet-5"), target("gpt-busy", 2)]
    assert told(gateway, "mixed") == {"strategy": "weighted", "targets": expected, "classifier": None, "shadows": None}

    # Another order, one goes, one comes, and rules.
    page.get_by_label("Chooses").select_option("rules")
    member(page, 3).get_by_label("Place").fill("1")
    member(page, 2).get_by_label("Member").select_option("")
    member(page, 4).get_by_label("Member").select_option("group=smart")
    member(page, 1).get_by_text("Conditions").click()
    member(page, 1).get_by_label("Pictures").select_option("with")
    member(page, 1).get_by_label("One of the tags").fill("night, batch")
    page.get_by_role("button", name="Save").click()
    page.get_by_text("has pictures; tagged night or batch").wait_for()
    when = {"images": True, "tags": ["night", "batch"]}
    expected = [target("gpt-busy", 2), target("gpt-4o-mini", 3, when=when), {"group": "smart", "weight": 1}]
    assert told(gateway, "mixed")["targets"] == expected

    page.get_by_text("Remove this group").click()
    page.get_by_role("button", name="Remove mixed").click()
    page.get_by_role("heading", name="Models", level=1).wait_for()
    assert page.get_by_role("link", name="mixed", exact=True).count() == 0


def test_what_is_refused_is_said_at_its_field_and_kept(visit, seeded):
    page = visit("owner")
    page.goto(f"/models/groups/{seeded.ids['group']}")
    page.get_by_label("Chooses").select_option("classifier")
    page.watch.expect("400")
    page.get_by_role("button", name="Save").click()
    page.get_by_role("alert").filter(has_text="targets").wait_for()
    assert member(page, 1).get_by_label("Member").get_attribute("aria-invalid") == "true"
    assert page.get_by_label("Chooses").input_value() == "classifier"


def test_nobody_writes_over_anothers_change(visit, gateway, seeded):
    group = gateway.create("/api/groups", {"name": "shared", "strategy": "ordered", "targets": [{"model": "gpt-4o-mini"}]})["id"]
    page, other = visit("owner"), visit("owner")
    for window in (page, other):
        window.goto(f"/models/groups/{group}")
    member(other, 2).get_by_label("Member").select_option("model=gpt-busy")
    other.get_by_role("button", name="Save").click()
    other.get_by_text("The group was changed.").wait_for()
    page.watch.expect("412")
    page.get_by_label("Name", exact=True).fill("mine")
    page.get_by_role("button", name="Save").click()
    page.get_by_role("alert").wait_for()
    assert page.get_by_label("Name", exact=True).input_value() == "mine"
    assert told(gateway, "shared")["targets"] == [target("gpt-4o-mini"), target("gpt-busy")]
    assert gateway.call("DELETE", f"/api/groups/{group}")[0] == 204


def test_a_viewer_reads_it_and_is_offered_nothing(visit, seeded):
    page = visit("viewer")
    page.goto(f"/models/groups/{seeded.ids['group']}")
    assert "has pictures; tagged night" in page.locator("table").inner_text()
    assert page.locator("form[action^='/forms/']").count() == 0


def test_patterns_are_shown_and_not_changed(visit, seeded):
    page = visit("owner")
    page.goto("/models")
    assert page.locator("#patterns tbody").inner_text().split() == ["llama-*", "prefix", "the", "provider", "openai"]
    assert page.get_by_role("region", name="Patterns").locator("form, button").count() == 0
