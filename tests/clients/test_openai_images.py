"""The stock openai package asks for pictures: it gets them, and they are charged by the picture."""

from decimal import Decimal

import openai
import pytest


def test_pictures_are_made_and_charged(client, gateway, heads):
    answer = client.images.generate(model="painter", prompt="a cat", n=2)
    assert [picture.b64_json for picture in answer.data] == ["AAAA", "AAAA"]
    head = heads[-1][1]
    assert Decimal(head["x-farthing-cost"]) == Decimal("0.08")
    row = gateway.recorded(head["x-farthing-request-id"])
    assert (row["status"], row["usage"]["images"], Decimal(row["cost_usd"])) == ("ok", 2, Decimal("0.08"))


def test_what_is_wrong_is_raised(client):
    with pytest.raises(openai.BadRequestError) as wrong:
        client.images.generate(model="painter", prompt="a cat", n=99)
    assert wrong.value.param == "n"
