"""Google's Gemini. The model and whether to stream stand in the path, which the server puts into the body it hands on."""

import json

from . import CACHED, FRESH, SEAL, SPOKEN, THOUGHT, Asked, Call, Thought, first, said, unknown

MEMBERS = {"contents", "systemInstruction", "tools", "toolConfig", "safetySettings", "generationConfig", "cachedContent"}
SETTINGS = {
    "temperature", "topP", "topK", "candidateCount", "maxOutputTokens", "stopSequences", "responseLogprobs", "logprobs",
    "presencePenalty", "frequencyPenalty", "seed", "responseMimeType", "responseSchema", "responseJsonSchema",
    "thinkingConfig", "responseModalities", "mediaResolution",
}  # fmt: skip
USAGE = {
    "promptTokenCount": FRESH + CACHED,
    "candidatesTokenCount": SPOKEN,
    "thoughtsTokenCount": THOUGHT,
    "cachedContentTokenCount": CACHED,
    "totalTokenCount": FRESH + CACHED + SPOKEN + THOUGHT,
    "promptTokensDetails": [{"modality": "TEXT", "tokenCount": FRESH + CACHED}],
    "cacheTokensDetails": [{"modality": "TEXT", "tokenCount": CACHED}],
}
ENDS = {"end": "STOP", "calls": "STOP", "length": "MAX_TOKENS"}
STATUSES = {"refuse": "INVALID_ARGUMENT", "busy": "RESOURCE_EXHAUSTED", "fail": "INTERNAL", "broken": "UNAVAILABLE"}


def asks(body):
    tools = [named["name"] for tool in body.get("tools") or [] for named in tool.get("functionDeclarations") or []]
    answered = any("functionResponse" in part for part in body["contents"][-1]["parts"])
    wants_json = (body.get("generationConfig") or {}).get("responseMimeType") == "application/json"
    return Asked(body["model"], body["stream"], body, tools, answered, wants_json)


def fault(body, headers):
    return first(
        unknown("the body", body, MEMBERS | {"model", "stream"}),
        unknown("generationConfig", body.get("generationConfig") or {}, SETTINGS),
        None if "x-goog-api-key" in {name.lower() for name in headers} else "no API key",
        next((f"role {turn['role']}" for turn in body["contents"] if turn.get("role", "user") not in ("user", "model")), None),
        unanswered(body["contents"]),
        sealed(body["contents"]),
    )


def unanswered(contents):
    """The turn after calls has as many results, of the same functions."""
    calls = []
    for turn in contents:
        results = [part["functionResponse"]["name"] for part in turn["parts"] if "functionResponse" in part]
        if calls != results:
            return f"calls {calls} have the results {results}"
        calls = [part["functionCall"]["name"] for part in turn["parts"] if "functionCall" in part]
    return f"calls without results: {calls}" if calls else None


def sealed(contents):
    """Since Gemini 3 the first call of a turn has a signature."""
    for turn in contents:
        called = [part for part in turn["parts"] if "functionCall" in part]
        if called and not called[0].get("thoughtSignature"):
            return "Function call is missing a thought_signature"
    return None


def returned(body):
    return any(part.get("thoughtSignature") == SEAL for turn in body["contents"] for part in turn["parts"])


def parts_of(parts, pieces):
    """The parts on the wire; `pieces` says whether texts come in pieces. The first call has the seal."""
    seals = iter([SEAL])
    for part in parts:
        if isinstance(part, Call):
            call = {"functionCall": {"name": part.name, "args": json.loads(said(part))}}
            yield {**call, **({"thoughtSignature": seal} if (seal := next(seals, None)) else {})}
            continue
        thought = {"thought": True} if isinstance(part, Thought) else {}
        for text in part.pieces if pieces else [said(part)]:
            yield {"text": text, **thought}


def answer(asked, parts, finish, usage=USAGE):
    candidate = {"content": {"parts": parts, "role": "model"}, "index": 0}
    candidate |= {"finishReason": finish} if finish else {}
    return {"candidates": [candidate], "usageMetadata": usage, "modelVersion": asked.model, "responseId": "r-1"}


def whole(asked, parts, end):
    return answer(asked, list(parts_of(parts, False)), ENDS[end])


def events(asked, parts, end):
    early = {"promptTokenCount": FRESH + CACHED, "cachedContentTokenCount": CACHED, "totalTokenCount": FRESH + CACHED}
    for part in parts_of(parts, True):
        yield event(answer(asked, [part], None, early))
    yield event(answer(asked, [{"text": ""}], ENDS[end]))


def event(payload):
    return f"data: {json.dumps(payload)}\r\n\r\n".encode()


def error(status, kind, message):
    return {"error": {"code": status, "message": message, "status": STATUSES[kind]}}


def failure():
    return event(error(503, "broken", "The model is overloaded."))
