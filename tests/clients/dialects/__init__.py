"""What the scripted providers say, written as each of them writes it. Every dialect is a module with the same functions:

- `asks(body)`: which tools are given, whether they have been answered, whether the answer shall be JSON;
- `fault(body, headers)`: what the provider would refuse, or `None`;
- `returned(body)`: whether the provider's own thinking came back as it was sealed;
- `whole(asked, parts, end)`: the answer; `events(asked, parts, end)`: the same as the events of a stream;
- `error(status, kind, message)`: an error's body; `failure()`: the event of one inside a stream.
"""

from dataclasses import dataclass, field


@dataclass
class Asked:
    model: str
    stream: bool
    body: dict
    tools: list = field(default_factory=list)
    answered: bool = False
    json: bool = False


@dataclass
class Thought:
    pieces: list


@dataclass
class Text:
    pieces: list


@dataclass
class Call:
    id: str
    name: str
    pieces: list


def said(part):
    return "".join(part.pieces)


# 200 fresh prompt tokens, 1000 from the cache, 40 of text, 10 of thinking; the dialects count them differently.
FRESH, CACHED, SPOKEN, THOUGHT = 200, 1000, 40, 10
# base64, as every provider's seals are.
SEAL = "c2VhbCBvZiB0aGlua2luZw=="


def unknown(name, found, known):
    """The fault of members the provider does not know; all but OpenAI's chat refuse them."""
    strange = sorted(set(found) - set(known))
    return f"{name} has unknown members: {', '.join(strange)}" if strange else None


def first(*faults):
    return next((fault for fault in faults if fault), None)
