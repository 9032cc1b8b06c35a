"""OpenAI's Responses."""

import json
from itertools import count

from . import CACHED, FRESH, SEAL, SPOKEN, THOUGHT, Asked, Call, Text, Thought, chat, first, said, unknown

MEMBERS = {
    "model", "input", "instructions", "stream", "stream_options", "max_output_tokens", "tools", "tool_choice", "text",
    "parallel_tool_calls", "reasoning", "include", "store", "temperature", "top_p", "truncation", "metadata", "user",
    "service_tier", "previous_response_id", "prompt_cache_key", "safety_identifier", "top_logprobs", "max_tool_calls",
}  # fmt: skip
USAGE = {
    "input_tokens": FRESH + CACHED,
    "input_tokens_details": {"cached_tokens": CACHED},
    "output_tokens": SPOKEN + THOUGHT,
    "output_tokens_details": {"reasoning_tokens": THOUGHT},
    "total_tokens": FRESH + CACHED + SPOKEN + THOUGHT,
}


def items_of(body):
    given = body["input"]
    return [{"role": "user", "content": given}] if isinstance(given, str) else given


def asks(body):
    tools = [tool["name"] for tool in body.get("tools") or [] if tool["type"] == "function"]
    kind = ((body.get("text") or {}).get("format") or {}).get("type", "text")
    answered = items_of(body)[-1].get("type") == "function_call_output"
    return Asked(body["model"], bool(body.get("stream")), body, tools, answered, kind.startswith("json"))


def fault(body, _headers):
    return first(unknown("the body", body, MEMBERS), unanswered(items_of(body)))


def unanswered(items):
    """Every call needs its output, and every output its call."""
    calls = [item["call_id"] for item in items if item.get("type") == "function_call"]
    outputs = [item["call_id"] for item in items if item.get("type") == "function_call_output"]
    return None if sorted(calls) == sorted(outputs) else f"calls {calls} have the outputs {outputs}"


def returned(body):
    return any(entry.get("encrypted_content") == SEAL for entry in items_of(body))


def item(at, part, status="completed"):
    if isinstance(part, Thought):
        summary = [{"type": "summary_text", "text": said(part)}]
        return {"id": f"rs_{at}", "type": "reasoning", "summary": summary, "encrypted_content": SEAL}
    if isinstance(part, Call):
        call = {"call_id": part.id, "name": part.name, "arguments": said(part)}
        return {"id": f"fc_{at}", "type": "function_call", "status": status, **call}
    content = [{"type": "output_text", "text": said(part), "annotations": [], "logprobs": []}]
    return {"id": f"msg_{at}", "type": "message", "status": status, "role": "assistant", "content": content}


def whole(asked, parts, end):
    status = "incomplete" if end == "length" else "completed"
    return {
        **response(asked, status),
        "output": [item(at, part, status) for at, part in enumerate(parts)],
        "incomplete_details": {"reason": "max_output_tokens"} if end == "length" else None,
        "usage": USAGE,
    }


def response(asked, status):
    body = asked.body
    return {
        "id": "resp_1", "object": "response", "created_at": 1700000000, "status": status, "background": False,
        "error": None, "incomplete_details": None, "instructions": body.get("instructions"), "max_output_tokens": None,
        "model": asked.model, "output": [], "parallel_tool_calls": True, "previous_response_id": None,
        "reasoning": {"effort": None, "summary": None}, "service_tier": "default", "store": body.get("store", True),
        "temperature": 1.0, "text": body.get("text") or {"format": {"type": "text"}}, "tools": body.get("tools") or [],
        "tool_choice": body.get("tool_choice", "auto"), "top_p": 1.0, "truncation": "disabled", "usage": None,
        "user": None, "metadata": {},
    }  # fmt: skip


def events(asked, parts, end):
    numbers = count()
    last = "response.incomplete" if end == "length" else "response.completed"
    for kind, payload in told(asked, parts, end, last):
        yield event(kind, {**payload, "sequence_number": next(numbers)})


def told(asked, parts, end, last):
    yield "response.created", {"response": response(asked, "in_progress")}
    yield "response.in_progress", {"response": response(asked, "in_progress")}
    for at, part in enumerate(parts):
        empty = {**item(at, type(part)(**{**part.__dict__, "pieces": []}), "in_progress")}
        empty = {**empty, **({"content": []} if isinstance(part, Text) else {}), **({"summary": []} if isinstance(part, Thought) else {})}
        yield "response.output_item.added", {"output_index": at, "item": empty}
        yield from inside(at, part, {"output_index": at, "item_id": empty["id"]})
        yield "response.output_item.done", {"output_index": at, "item": item(at, part)}
    yield last, {"response": whole(asked, parts, end)}


def inside(at, part, where):
    if isinstance(part, Call):
        for piece in part.pieces:
            yield "response.function_call_arguments.delta", {**where, "delta": piece}
        yield "response.function_call_arguments.done", {**where, "name": part.name, "arguments": said(part)}
        return
    if isinstance(part, Thought):
        where, family, name = {**where, "summary_index": 0}, "response.reasoning_summary", "summary_text"
        extra, empty, full = {}, {"type": name, "text": ""}, {"type": name, "text": said(part)}
        part_of, text_of = f"{family}_part", f"{family}_text"
    else:
        where, extra = {**where, "content_index": 0}, {"logprobs": []}
        full = item(at, part)["content"][0]
        empty, part_of, text_of = {**full, "text": ""}, "response.content_part", "response.output_text"
    yield f"{part_of}.added", {**where, "part": empty}
    for piece in part.pieces:
        yield f"{text_of}.delta", {**where, "delta": piece, **extra}
    yield f"{text_of}.done", {**where, "text": said(part), **extra}
    yield f"{part_of}.done", {**where, "part": full}


def event(kind, payload):
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **payload})}\n\n".encode()


error = chat.error


def failure():
    return event("error", {"code": "server_error", "message": "it broke", "param": None, "sequence_number": 99})
