"""A scripted OpenAI-compatible upstream. What it does is chosen by the model's name; what it saw is in `journal`."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

USAGE = {
    "prompt_tokens": 1200,
    "completion_tokens": 50,
    "total_tokens": 1250,
    "prompt_tokens_details": {"cached_tokens": 1000},
    "completion_tokens_details": {"reasoning_tokens": 10},
}
WORDS = ["Hel", "lo ", "wor", "ld"]
TEXT = "".join(WORDS)
ARGUMENTS = ['{"ci', 'ty":"O', 'slo"}']


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128


class Upstream:
    def __init__(self):
        self.journal = []
        self.server = Server(("127.0.0.1", 0), handler(self.journal))
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.base_url = f"http://127.0.0.1:{self.server.server_address[1]}/v1"

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


def handler(journal):
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_POST(self):
            raw = self.rfile.read(int(self.headers["content-length"]))
            body = json.loads(raw)
            journal.append({"path": self.path, "headers": dict(self.headers), "raw": raw, "body": body})
            answer = ANSWERS.get(body["model"], chat)
            try:
                answer(self, body)
            except (BrokenPipeError, ConnectionResetError):
                self.close_connection = True

        def whole(self, status, body, headers=()):
            data = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(data)))
            for name, value in headers:
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(data)

        def begin_stream(self):
            self.send_response(200)
            self.send_header("content-type", "text/event-stream")
            self.send_header("transfer-encoding", "chunked")
            self.end_headers()

        def event(self, payload):
            data = f"data: {payload if isinstance(payload, str) else json.dumps(payload)}\n\n".encode()
            self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))

        def end_stream(self):
            self.wfile.write(b"0\r\n\r\n")

        def log_message(self, *_):
            pass

    return Handler


def chunk(body, delta, finish=None):
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
    head = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1700000000, "model": body["model"]}
    usage = {"usage": None} if wants_usage(body) else {}
    return {**head, "choices": [choice], **usage}


def wants_usage(body):
    return bool((body.get("stream_options") or {}).get("include_usage"))


def deltas(body):
    if body.get("tools"):
        call = {"index": 0, "id": "call_1", "type": "function", "function": {"name": "weather", "arguments": ""}}
        yield chunk(body, {"role": "assistant", "content": None, "tool_calls": [call]})
        for part in ARGUMENTS:
            yield chunk(body, {"tool_calls": [{"index": 0, "function": {"arguments": part}}]})
        yield chunk(body, {}, "tool_calls")
        return
    for word in WORDS:
        yield chunk(body, {"content": word})
    yield chunk(body, {}, "stop")


def chat(http, body):
    if not body.get("stream"):
        return http.whole(200, completion(body))
    http.begin_stream()
    for event in deltas(body):
        http.event(event)
    if wants_usage(body):
        http.event({**chunk(body, {}), "choices": [], "usage": USAGE})
    http.event("[DONE]")
    http.end_stream()


def completion(body):
    message = {"role": "assistant", "content": TEXT, "refusal": None}
    finish = "stop"
    if body.get("tools"):
        call = {"id": "call_1", "type": "function", "function": {"name": "weather", "arguments": "".join(ARGUMENTS)}}
        message, finish = {"role": "assistant", "content": None, "refusal": None, "tool_calls": [call]}, "tool_calls"
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": finish}
    head = {"id": "chatcmpl-1", "object": "chat.completion", "created": 1700000000, "model": body["model"]}
    return {**head, "choices": [choice], "usage": USAGE}


def cut(http, body):
    http.begin_stream()
    for event in list(deltas(body))[:2]:
        http.event(event)
    http.wfile.flush()
    http.close_connection = True


def endless(http, body):
    http.begin_stream()
    while True:
        http.event(chunk(body, {"content": "and on "}))


def refuse(http, _):
    error = {"message": "temperature is too high", "type": "invalid_request_error", "param": "temperature", "code": None}
    http.whole(400, {"error": error})


def fail(http, _):
    http.whole(500, {"error": {"message": "oh no", "type": "server_error", "param": None, "code": None}})


def busy(http, _):
    error = {"message": "slow down", "type": "rate_limit_exceeded", "param": None, "code": "rate_limit_exceeded"}
    http.whole(429, {"error": error}, [("retry-after", "1")])


ANSWERS = {"cut": cut, "endless": endless, "refuse": refuse, "fail": fail, "busy": busy}
