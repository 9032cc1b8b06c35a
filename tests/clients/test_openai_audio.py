"""The stock openai package has speech written down and text read aloud; it is charged by the second and by the character."""

import io
import wave
from decimal import Decimal

import openai
import pytest
from upstream import SOUND


def recording(seconds):
    """Silence at 8 kHz as a WAV file."""
    file = io.BytesIO()
    file.name = "silence.wav"
    with wave.open(file, "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(2)
        writer.setframerate(8000)
        writer.writeframes(bytes(16000 * seconds))
    file.seek(0)
    return file


def test_speech_is_written_down_and_charged(client, gateway, upstream, heads):
    file = recording(2)
    answer = client.audio.transcriptions.create(model="scribe", file=file, language="en")
    assert answer.text == "Hello world"
    seen = upstream.journal[-1]["raw"]
    assert file.getvalue() in seen and b"whisper-1" in seen and b"scribe" not in seen
    head = heads[-1][1]
    assert Decimal(head["x-farthing-cost"]) == Decimal("0.0002")
    row = gateway.recorded(head["x-farthing-request-id"])
    assert (row["status"], row["usage"]["audio_ms"], Decimal(row["cost_usd"])) == ("ok", 2000, Decimal("0.0002"))


def test_a_wish_for_a_stream_is_raised(client):
    with pytest.raises(openai.BadRequestError) as wrong:
        client.audio.transcriptions.create(model="scribe", file=recording(1), stream=True)
    assert wrong.value.param == "stream"


def test_text_is_read_aloud_and_charged(client, gateway, upstream, heads):
    answer = client.audio.speech.create(model="reader", voice="alloy", input="Sk\u00e5l!")
    assert answer.read() == SOUND
    assert upstream.journal[-1]["body"]["model"] == "tts-1"
    head = heads[-1][1]
    assert (head["content-type"], Decimal(head["x-farthing-cost"])) == ("audio/mpeg", Decimal("0.000075"))
    row = gateway.recorded(head["x-farthing-request-id"])
    assert (row["status"], row["usage"]["characters"], Decimal(row["cost_usd"])) == ("ok", 5, Decimal("0.000075"))
