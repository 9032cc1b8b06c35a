"""Scripted providers behind one socket. The path says which dialect, the model's name what happens; `journal` is what they saw."""

import json
import re
import socket
import struct
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from dialects import Call, Text, Thought, chat, gemini, messages, responses

WORDS = ["Hel", "lo ", "wor", "ld"]
TEXT = "".join(WORDS)
THINKING = ["Let me ", "think."]
THOUGHTS = "".join(THINKING)
ARGUMENTS = ['{"ci', 'ty":"O', 'slo"}']
OTHER_ARGUMENTS = ['{"city"', ':"Rome"}']
WRITTEN = ['{"city":"Os', 'lo","deg', 'rees":7}']
SOUND = bytes(range(256)) * 100
JSON = {"city": "Oslo", "degrees": 7}

# What is said before a cut: pieces that tell each other apart, with bytes that are no character by themselves.
PIECES = [f"p{n} näïve→\u6f22 " for n in range(12)]
CUTS = ["closed", "torn", "ended", "reset"]
FINAL = re.compile(rb'"finish_reason": "stop"|response.completed|"stop_reason": "end_turn"|"finishReason": "STOP"')

# What a model does, by its name; any other answers plainly, with calls where there are tools and JSON where it is wanted.
BEHAVIOURS = ["plain", "thinker", "pair", "long", "cut", "broken", "endless", "refuse", "fail", "busy"]
REFUSALS = {"refuse": (400, "temperature is too high"), "fail": (500, "oh no"), "busy": (429, "slow down")}


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request, client_address):
        """A connection that the gateway ended is no error."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


class Upstream:
    def __init__(self):
        self.journal, self.revoked = [], set()
        # The next cut of the model "severed": after which share of its stream, and how. Then the pieces that stood before it in whole
        # events, and those that could be read there although perhaps the blank line is missing that ends an event.
        self.severed, self.whole, self.legible = (0.5, "closed"), [], []
        self.server = Server(("127.0.0.1", 0), handler(self))
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.origin = f"http://127.0.0.1:{self.server.server_address[1]}"
        self.base_url = f"{self.origin}/v1"

    def got_its_thinking_back(self):
        """Whether the last request did bring the provider's thinking back."""
        last = self.journal[-1]
        dialect, _ = spoken_at(last["path"])
        return dialect.returned(last["body"])

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


def spoken_at(path):
    """The dialect, and what of the request stands in the path."""
    path, _, query = path.partition("?")
    plain = {"/v1/chat/completions": chat, "/v1/responses": responses, "/v1/messages": messages}
    if path in plain:
        return plain[path], {}
    model, method = path.removeprefix("/v1beta/models/").rsplit(":", 1)
    assert method == "generateContent" or query == "alt=sse", path
    return gemini, {"model": model, "stream": method == "streamGenerateContent"}


def handler(upstream):
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self):
            """The list of models, by which a key is tried; the rest is for tests of other languages, which cannot look into the journal."""
            path, _, asked = self.path.partition("?")
            if path == "/v1/models":
                known = (self.headers["authorization"] or "").removeprefix("Bearer ") not in upstream.revoked
                return self.whole(200, {"data": [{"id": name} for name in BEHAVIOURS]}) if known else self.whole(401, {})
            if path == "/sever":
                share, how = asked.split(",")
                upstream.severed = (float(share), how)
            if path in ("/sever", "/severed"):
                return self.whole(200, {"whole": "".join(upstream.whole), "legible": "".join(upstream.legible)})
            self.whole(200, {"got_its_thinking_back": upstream.got_its_thinking_back()})

        def do_POST(self):
            raw = self.rfile.read(int(self.headers["content-length"]))
            if self.path == "/v1/audio/transcriptions":
                upstream.journal.append({"path": self.path, "headers": dict(self.headers), "raw": raw})
                usage = {"type": "duration", "seconds": 2}
                return self.whole(200, {"text": TEXT, "usage": usage})
            body = json.loads(raw)
            upstream.journal.append({"path": self.path, "headers": dict(self.headers), "raw": raw, "body": body})
            if self.path == "/v1/audio/speech":
                return self.whole(200, SOUND, kind="audio/mpeg")
            if self.path == "/v1/images/generations":
                return self.whole(200, {"created": 1, "data": [{"b64_json": "AAAA"}] * body.get("n", 1)})
            dialect, in_path = spoken_at(self.path)
            try:
                self.answer(dialect, {**body, **in_path})
            except (BrokenPipeError, ConnectionResetError):
                self.close_connection = True

        def answer(self, dialect, body):
            asked = dialect.asks(body)
            if asked.model in REFUSALS:
                status, message = REFUSALS[asked.model]
                return self.whole(status, dialect.error(status, asked.model, message), status == 429)
            if fault := dialect.fault(body, self.headers):
                return self.whole(400, dialect.error(400, "refuse", fault))
            if asked.model == "severed":
                return self.sever([unescaped(event) for event in dialect.events(asked, [Text(PIECES)], "end")])
            parts, end = script(asked)
            if not asked.stream:
                return self.whole(200, dialect.whole(asked, parts, end))
            self.stream(asked.model, dialect, list(dialect.events(asked, parts, end)))

        def stream(self, model, dialect, events):
            self.begin_stream()
            until_text = next((n for n, event in enumerate(events) if WORDS[0].encode() in event), 0) + 1
            if model == "endless":
                for event in events[:until_text]:
                    self.event(event)
                while True:
                    self.event(events[until_text - 1])
            for event in events[:until_text] if model in ("cut", "broken") else events:
                self.event(event)
            if model == "broken":
                self.event(dialect.failure())
            if model == "cut":
                self.close_connection = True
            else:
                self.wfile.write(b"0\r\n\r\n")

        def sever(self, events):
            """Ends a stream anywhere before the event that says why it ends, with which all is known: by closing the connection, inside
            a frame, as if that were all, or by a reset."""
            stream, (share, how) = b"".join(events), upstream.severed
            last = next(n for n, event in enumerate(events) if FINAL.search(event))
            at = int(share * (sum(map(len, events[:last])) + 1))
            upstream.whole = [piece for piece in PIECES if ended(events, piece) <= at]
            upstream.legible = [piece for piece in PIECES if ended(events, piece, False) <= at]
            self.begin_stream()
            if at:
                self.wfile.write(b"%x\r\n%s" % (at + (77 if how == "torn" else 0), stream[:at]) + (b"" if how == "torn" else b"\r\n"))
            if how == "ended":
                return self.wfile.write(b"0\r\n\r\n")
            self.close_connection = True
            if how == "reset":
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                self.rfile.close()
                self.connection.close()

        def whole(self, status, body, comes_back=False, kind="application/json"):
            data = body if isinstance(body, bytes) else json.dumps(body).encode()
            self.send_response(status)
            self.send_header("content-type", kind)
            self.send_header("content-length", str(len(data)))
            if comes_back:
                self.send_header("retry-after", "1")
            self.end_headers()
            self.wfile.write(data)

        def begin_stream(self):
            self.send_response(200)
            self.send_header("content-type", "text/event-stream")
            self.send_header("transfer-encoding", "chunked")
            self.end_headers()

        def event(self, data):
            self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))

        def log_message(self, *_):
            pass

    return Handler


def unescaped(event):
    """The same with its characters as they are."""
    return re.sub(rb"\\u([0-9a-f]{4})", lambda found: chr(int(found[1], 16)).encode(), event)


def ended(events, piece, blank=True):
    """Where the event ends that says this piece first, with the blank line that ends it or without."""
    place = next(n for n, event in enumerate(events) if piece.encode() in event)
    return len(b"".join(events[:place])) + len(events[place] if blank else events[place].rstrip())


def script(asked):
    """What is said, and why it ends."""
    thinking = [Thought(THINKING)] if asked.model == "thinker" else []
    if asked.tools and not asked.answered:
        # Clients of providers without structured output ask for it by a tool.
        by_tool = '"degrees"' in json.dumps(asked.body["tools"])
        calls = [Call("call_1", asked.tools[0], WRITTEN if by_tool else ARGUMENTS)]
        calls += [Call("call_2", asked.tools[0], OTHER_ARGUMENTS)] if asked.model == "pair" else []
        return thinking + calls, "calls"
    text = Text(WRITTEN if asked.json else WORDS)
    return [*thinking, text], "length" if asked.model == "long" else "end"
