"""OpenAI's chat completions; thinking as the compatible servers add it."""

import json

from . import CACHED, FRESH, SPOKEN, THOUGHT, Asked, Call, Text, Thought, said

USAGE = {
    "prompt_tokens": FRESH + CACHED,
    "completion_tokens": SPOKEN + THOUGHT,
    "total_tokens": FRESH + CACHED + SPOKEN + THOUGHT,
    "prompt_tokens_details": {"cached_tokens": CACHED},
    "completion_tokens_details": {"reasoning_tokens": THOUGHT},
}
ENDS = {"end": "stop", "calls": "tool_calls", "length": "length"}


def asks(body):
    tools = [tool["function"]["name"] for tool in body.get("tools") or []]
    kind = (body.get("response_format") or {}).get("type", "text")
    answered = body["messages"][-1]["role"] == "tool"
    return Asked(body["model"], bool(body.get("stream")), body, tools, answered, kind.startswith("json"))


def fault(body, _headers):
    """Every call must be answered right after it, and nothing else."""
    open_calls = []
    for message in body["messages"]:
        if message["role"] == "tool":
            if message["tool_call_id"] not in open_calls:
                return f"no call has the id {message['tool_call_id']}"
            open_calls.remove(message["tool_call_id"])
        elif open_calls:
            return f"calls without results: {open_calls}"
        open_calls += [call["id"] for call in message.get("tool_calls") or []]
    return f"calls without results: {open_calls}" if open_calls else None


def returned(body):
    """DeepSeek wants its thinking back, in the words it was given."""
    return any(message.get("reasoning_content") for message in body["messages"])


def function(part):
    return {"id": part.id, "type": "function", "function": {"name": part.name, "arguments": said(part)}}


def whole(asked, parts, end):
    texts = [said(part) for part in parts if isinstance(part, Text)]
    message = {"role": "assistant", "content": "".join(texts) or None, "refusal": None}
    if thoughts := [said(part) for part in parts if isinstance(part, Thought)]:
        message["reasoning_content"] = "".join(thoughts)
    if calls := [function(part) for part in parts if isinstance(part, Call)]:
        message["tool_calls"] = calls
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": ENDS[end]}
    head = {"id": "chatcmpl-1", "object": "chat.completion", "created": 1700000000, "model": asked.model}
    return {**head, "choices": [choice], "usage": USAGE}


def deltas(parts):
    calls = 0
    yield {"role": "assistant", "content": None}
    for part in parts:
        if isinstance(part, Call):
            begin = {"index": calls, "id": part.id, "type": "function", "function": {"name": part.name, "arguments": ""}}
            yield {"tool_calls": [begin]}
            for piece in part.pieces:
                yield {"tool_calls": [{"index": calls, "function": {"arguments": piece}}]}
            calls += 1
        else:
            name = "reasoning_content" if isinstance(part, Thought) else "content"
            yield from ({name: piece} for piece in part.pieces)


def events(asked, parts, end):
    wants_usage = (asked.body.get("stream_options") or {}).get("include_usage")
    head = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1700000000, "model": asked.model}
    usage = {"usage": None} if wants_usage else {}
    ends = [(delta, None) for delta in deltas(parts)] + [({}, ENDS[end])]
    for delta, finish in ends:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
        yield event({**head, "choices": [choice], **usage})
    if wants_usage:
        yield event({**head, "choices": [], "usage": USAGE})
    yield event("[DONE]")


def event(payload):
    return f"data: {payload if isinstance(payload, str) else json.dumps(payload)}\n\n".encode()


def error(_status, kind, message):
    kinds = {"refuse": ("invalid_request_error", "temperature", None), "busy": ("rate_limit_exceeded", None, "rate_limit_exceeded")}
    name, param, code = kinds.get(kind, ("server_error", None, None))
    return {"error": {"message": message, "type": name, "param": param, "code": code}}


def failure():
    return event(error(500, "fail", "it broke"))
