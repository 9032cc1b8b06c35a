"""Anthropic's Messages."""

import json
from itertools import count

from . import CACHED, FRESH, SEAL, SPOKEN, THOUGHT, Asked, Call, Thought, first, said, unknown

MEMBERS = {
    "model", "max_tokens", "messages", "system", "stream", "tools", "tool_choice", "thinking", "output_config",
    "temperature", "top_p", "top_k", "stop_sequences", "metadata", "service_tier", "cache_control", "thread",
}  # fmt: skip
USAGE = {
    "input_tokens": FRESH,
    "cache_creation_input_tokens": 0,
    "cache_read_input_tokens": CACHED,
    "cache_creation": {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 0},
    "output_tokens": SPOKEN + THOUGHT,
    "output_tokens_details": {"thinking_tokens": THOUGHT},
    "service_tier": "standard",
}
# The threads held for clients, by the id of the last message, and the numbers of messages.
HELD, NUMBERS = {}, count(1)
ENDS = {"end": "end_turn", "calls": "tool_use", "length": "max_tokens"}


def blocks_of(message):
    content = message["content"]
    return [{"type": "text", "text": content}] if isinstance(content, str) else content


def asks(body):
    """Where the client goes on with a thread, the server knows what was said before."""
    before = HELD.get((body.get("thread") or {}).get("previous_message_id"), [])
    body["messages"] = [*before, *body["messages"]]
    tools = [tool["name"] for tool in body.get("tools") or []]
    answered = any(block["type"] == "tool_result" for block in blocks_of(body["messages"][-1]))
    wants_json = bool((body.get("output_config") or {}).get("format"))
    return Asked(body["model"], bool(body.get("stream")), body, tools, answered, wants_json)


def fault(body, headers):
    named = {name.lower() for name in headers}
    missing = {"x-api-key", "anthropic-version"} - named
    return first(
        unknown("the body", body, MEMBERS),
        f"headers are missing: {missing}" if missing else None,
        None if isinstance(body.get("max_tokens"), int) else "max_tokens: Field required",
        next((f"{tool['name']} has no schema" for tool in body.get("tools") or [] if tool["input_schema"].get("type") != "object"), None),
        unanswered(body["messages"]),
        sealed(body["messages"]),
    )


def unanswered(messages):
    """The turn after calls begins with exactly their results."""
    calls = []
    for message in messages:
        blocks = blocks_of(message)
        results = [block["tool_use_id"] for block in blocks if block["type"] == "tool_result"]
        if sorted(calls) != sorted(results):
            return f"calls {calls} have the results {results}"
        if any(block["type"] != "tool_result" for block in blocks[: len(results)]):
            return "results must come first"
        calls = [block["id"] for block in blocks if block["type"] == "tool_use"]
    return f"calls without results: {calls}" if calls else None


def sealed(messages):
    """Thinking comes back with the signature it was given."""
    thoughts = [block for message in messages for block in blocks_of(message) if block["type"] == "thinking"]
    return next(("invalid signature in thinking block" for block in thoughts if block.get("signature") != SEAL), None)


def returned(body):
    return any(block.get("signature") == SEAL for message in body["messages"] for block in blocks_of(message))


def block(part):
    if isinstance(part, Thought):
        return {"type": "thinking", "thinking": said(part), "signature": SEAL}
    if isinstance(part, Call):
        return {"type": "tool_use", "id": part.id, "name": part.name, "input": json.loads(said(part))}
    return {"type": "text", "text": said(part)}


def whole(asked, parts, end):
    content = [block(part) for part in parts]
    return {**message(asked, parts), "content": content, "stop_reason": ENDS[end], "usage": USAGE}


def message(asked, parts):
    """The message before anything was said; what will be said is held if the client wants that."""
    name = f"msg_{next(NUMBERS)}"
    if asked.body.get("thread"):
        HELD[name] = [*asked.body["messages"], {"role": "assistant", "content": [block(part) for part in parts]}]
    head = {"id": name, "type": "message", "role": "assistant", "model": asked.model, "content": []}
    return {**head, "stop_reason": None, "stop_sequence": None, "usage": {**USAGE, "output_tokens": 1}}


def events(asked, parts, end):
    yield event("message_start", {"message": message(asked, parts)})
    yield event("ping", {})
    for at, part in enumerate(parts):
        begin, *deltas = inside(part)
        yield event("content_block_start", {"index": at, "content_block": begin})
        for delta in deltas:
            yield event("content_block_delta", {"index": at, "delta": delta})
        yield event("content_block_stop", {"index": at})
    usage = {name: count for name, count in USAGE.items() if name not in ("cache_creation", "service_tier")}
    yield event("message_delta", {"delta": {"stop_reason": ENDS[end], "stop_sequence": None}, "usage": usage})
    yield event("message_stop", {})


def inside(part):
    if isinstance(part, Thought):
        yield {"type": "thinking", "thinking": "", "signature": ""}
        yield from ({"type": "thinking_delta", "thinking": piece} for piece in part.pieces)
        yield {"type": "signature_delta", "signature": SEAL}
    elif isinstance(part, Call):
        yield {"type": "tool_use", "id": part.id, "name": part.name, "input": {}}
        yield from ({"type": "input_json_delta", "partial_json": piece} for piece in ["", *part.pieces])
    else:
        yield {"type": "text", "text": ""}
        yield from ({"type": "text_delta", "text": piece} for piece in part.pieces)


def event(kind, payload):
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **payload})}\n\n".encode()


def error(_status, kind, message):
    kinds = {"refuse": "invalid_request_error", "busy": "rate_limit_error", "broken": "overloaded_error"}
    return {"type": "error", "error": {"type": kinds.get(kind, "api_error"), "message": message}, "request_id": "req_1"}


def failure():
    return event("error", error(529, "broken", "Overloaded"))
