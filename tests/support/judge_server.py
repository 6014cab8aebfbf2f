"""A judge on loopback that answers by a script, in either wire format.

The script gets what a judge would see: the fenced texts, found by the code that the system prompt
names, as any honest reader of it would. Its answer is a slot, or a whole response.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from support import json_server
from support.json_server import Raw, Scripted

CODE = re.compile(r"carry the code ([0-9a-f]{32})\.")


class Asked(json_server.Asked):
    """One request to the judge."""

    @property
    def system(self) -> str:
        if "system" in self.body:
            return str(self.body["system"])
        return str(self.body["messages"][0]["content"])

    @property
    def user(self) -> str:
        return str(self.body["messages"][-1]["content"])

    @property
    def nonce(self) -> str:
        return CODE.search(self.system)[1]  # type: ignore[index]

    @property
    def texts(self) -> dict[str, str]:
        """Name to fenced text; fails unless the whole message is fences, each closed once."""
        code = self.nonce
        fence = rf"<<<([\w ]+) {code}>>>\n(.*?)\n<<<end of \1 {code}>>>"
        found = re.findall(fence, self.user, re.DOTALL)
        assert re.sub(fence, "", self.user, flags=re.DOTALL).strip() == ""
        assert self.user.count(code) == 2 * len(found)
        return dict(found)


Script = Callable[[Asked], "str | Raw"]


def verdict(slot: str, analysis: str = "Both were read.") -> str:
    return json.dumps({"analysis": analysis, "verdict": slot})


def chat(text: str | None, *, model: str = "judge-1", **other: Any) -> dict[str, Any]:
    """A chat completion whose message is the text."""
    choice = {
        "index": 0,
        "finish_reason": "stop",
        "message": {"role": "assistant", "content": text},
    }
    usage = {"prompt_tokens": 300, "completion_tokens": 40, "total_tokens": 340}
    return {
        "id": "c1",
        "object": "chat.completion",
        "model": model,
        "choices": [choice],
        "usage": usage,
    } | other


def chat_tool(arguments: str, name: str = "verdict", times: int = 1) -> dict[str, Any]:
    body = chat(None)
    call = {"id": "t1", "type": "function", "function": {"name": name, "arguments": arguments}}
    body["choices"][0]["message"]["tool_calls"] = [call] * times
    return body


def message(value: dict[str, Any], *, model: str = "claude-judge") -> dict[str, Any]:
    """An Anthropic message that uses the verdict tool."""
    block = {"type": "tool_use", "id": "t1", "name": "verdict", "input": value}
    return {
        "id": "m1",
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": [{"type": "text", "text": "I use the tool."}, block],
        "stop_reason": "tool_use",
        "usage": {"input_tokens": 300, "output_tokens": 40},
    }


class JudgeServer(Scripted):
    """Answers in the wire format that it is asked in."""

    def answer(self, asked: Asked) -> Raw:
        self.keep(asked)
        said = self.script(asked)
        if isinstance(said, Raw):
            return said
        if asked.path.endswith("/messages"):
            return Raw(body=message({"analysis": "Both were read.", "verdict": said}))
        return Raw(body=chat(verdict(said)))


@contextmanager
def judge_server(script: Script) -> Iterator[JudgeServer]:
    """Serve until the block ends; `url` is the base URL up to /v1."""
    served = JudgeServer(script)

    with json_server.json_server(lambda *request: served.answer(Asked(*request))) as url:
        served.url = url
        yield served
