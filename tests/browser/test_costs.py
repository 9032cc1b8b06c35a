"""Prices are changed where models are, in a dialog, and seen where costs are."""

import json

import pytest


@pytest.fixture
def priced(gateway, seeded):
    """A model of its own, with all a definition can have; its id."""
    more = {"weight": 3, "priority": 2, "max_output_tokens": 77, "context_window": 999}
    prices = {"input_cost_per_m": "3", "output_cost_per_m": "15", "request_fee_usd": "0.001"}
    prices |= {"context_tiers": [{"above_input_tokens": 200000, "input_cost_per_m": "6"}]}
    made = gateway.create("/api/models", {"name": "priced", "provider": "openai", "upstream_model": "plain", "prices": prices, **more})
    yield made
    assert gateway.call("DELETE", f"/api/models/{made['id']}")[0] == 204


def test_prices_are_changed_in_the_dialog_and_seen_on_costs(visit, gateway, priced):
    page, sent = visit("owner"), []
    page.on("request", lambda request: request.method == "PUT" and sent.append(request))
    page.goto("/models")
    page.get_by_role("link", name="priced").click()
    page.get_by_role("button", name="Change prices").click()
    dialog = page.get_by_role("dialog", name="Prices of priced")
    read, write = dialog.get_by_label("Cache read cost"), dialog.get_by_label("Cache write cost")
    assert (read.input_value(), write.input_value()) == ("", ""), "as input"
    read.fill("nothing")
    write.fill("3.75")
    dialog.get_by_role("button", name="Save").click()
    page.watch.expect("400")
    dialog.get_by_role("alert").wait_for()
    assert read.get_attribute("aria-invalid") == "true" and "cache_read_cost_per_m" in dialog.get_by_role("alert").inner_text()
    assert write.input_value() == "3.75", "what was typed is still there"
    read.fill("0.30")
    dialog.get_by_role("button", name="Save").click()
    page.get_by_text("The price was changed.").wait_for()

    assert [request.url for request in sent] == [f"{gateway.url}/api/models/{priced['id']}"] * 2
    body = json.loads(sent[1].post_data)
    assert (body["prices"]["cache_read_cost_per_m"], body["prices"]["cache_write_cost_per_m"]) == ("0.30", "3.75")
    assert sent[1].headers["if-match"] and sent[1].headers["x-farthing-csrf"]
    expected = {**priced, "prices": {**priced["prices"], "cache_read_cost_per_m": "0.30", "cache_write_cost_per_m": "3.75"}}
    now = gateway.call("GET", f"/api/models/{priced['id']}")[1]
    assert {**now, "price_id": None} == {**expected, "price_id": None}, "nothing else is another"
    assert ["$0.30" in page.locator("#price").inner_text(), page.locator("#history tbody tr").count()] == [True, 2]

    page.get_by_role("link", name="Costs", exact=True).click()
    row = page.locator("#prices tr", has_text="priced")
    assert [cell.strip() for cell in row.locator("td").all_inner_texts()][:6] == ["priced", "openai", "$3.00", "$15.00", "$0.30", "$3.75"]


def test_both_cache_rates_are_sent_also_where_they_are_empty(visit, priced):
    page, sent = visit("owner"), []
    page.on("request", lambda request: request.method == "PUT" and sent.append(json.loads(request.post_data)))
    page.goto(f"/models/{priced['id']}")
    page.get_by_role("button", name="Change prices").click()
    page.get_by_label("Output cost").fill("16")
    page.get_by_role("button", name="Save").first.click()
    page.get_by_text("The price was changed.").wait_for()
    prices = sent[0]["prices"]
    assert (prices["cache_read_cost_per_m"], prices["cache_write_cost_per_m"], prices["output_cost_per_m"]) == (None, None, "16")


def test_a_model_is_added_changed_and_removed(visit, gateway, seeded):
    page = visit("owner")
    page.goto("/models")
    page.get_by_role("button", name="Add a model").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name", exact=False).first.fill("made-by-hand")
    dialog.locator("[name='prices.input_cost_per_m']").fill("1")
    dialog.locator("[name='prices.output_cost_per_m']").fill("2")
    dialog.get_by_role("button", name="Add").click()
    page.get_by_role("heading", name="made-by-hand").wait_for()
    page.get_by_role("button", name="Change the deployment").click()
    page.get_by_role("dialog").get_by_label("Weight").fill("5")
    page.get_by_role("dialog").get_by_role("button", name="Save").click()
    page.get_by_text("The model was changed.").wait_for()
    model = next(it for it in gateway.call("GET", "/api/models?limit=1000")[1]["data"] if it["name"] == "made-by-hand")
    assert (model["weight"], model["prices"]["output_cost_per_m"], model["dialects"]) == (5, "2.00", ["openai_chat", "openai_responses"])
    page.get_by_text("Remove…").click()
    page.get_by_role("button", name="Remove made-by-hand").click()
    page.get_by_text("The model was removed.").wait_for()
    assert page.locator("#models", has_text="made-by-hand").count() == 0


def test_a_viewer_sees_no_editing(visit, seeded):
    page = visit("viewer")
    for path in ("/models", f"/models/{seeded.ids['model']}", "/costs"):
        page.goto(path)
        assert page.locator("form[action^='/forms/']").count() == 0
        assert page.locator("dialog").count() == 0
