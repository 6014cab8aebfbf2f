"""What a value may look like in a variable or a file, and what it becomes."""

from __future__ import annotations

import ipaddress
import json
import re
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, SecretStr
from pydantic_settings import NoDecode

from shadow_mw.types import PATHS, WireFormat

REDACTIONS = ("credentials", "email", "phone", "card", "iban")


def words(value: Any) -> Any:
    """`a, b` as environment variables write lists."""
    if isinstance(value, str):
        return [word.strip() for word in value.split(",") if word.strip()]
    return value


def from_json(value: Any) -> Any:
    """Tables and lists as environment variables write them."""
    if isinstance(value, str):
        return json.loads(value)
    return value


def base_url(value: str) -> str:
    """Scheme, host, perhaps port and path; without a slash at its end."""
    wrong = ValueError("a base URL such as https://host/v1, without credentials or query")
    try:
        url = urlsplit(value)
        port = url.port
    except ValueError:
        raise wrong from None
    if url.scheme not in ("http", "https") or not url.hostname or port == 0:
        raise wrong
    if url.username or url.password or url.query or url.fragment or set(value) & set(" \t\r\n"):
        raise wrong
    return value.rstrip("/")


def header_value(value: SecretStr) -> SecretStr:
    """What HTTP takes in a header."""
    text = value.get_secret_value()
    if not (text.isascii() and text.isprintable() and text.strip() == text):
        raise ValueError("printable ASCII without spaces around it")
    return value


def otlp_url(value: str) -> str:
    """The base of `/v1/traces` and `/v1/metrics`, also where somebody gives one of them."""
    return base_url(value).removesuffix("/v1/traces").removesuffix("/v1/metrics")


def webhook(value: SecretStr) -> SecretStr:
    """A secret by itself: encrypted, or it stays on this host."""
    text = value.get_secret_value()
    wrong = ValueError(
        "an https URL such as https://hooks.slack.com/services/..., or http on a loopback address"
    )
    try:
        url = urlsplit(text)
        port = url.port
    except ValueError:
        raise wrong from None
    if url.scheme != "https" and not (url.scheme == "http" and is_loopback(url.hostname or "")):
        raise wrong
    if not url.hostname or port == 0 or url.username is not None or url.fragment:
        raise wrong
    if not (text.isascii() and text.isprintable()) or " " in text:
        raise wrong
    return value


def is_loopback(host: str) -> bool:
    """Whether it is this host by name or address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def mark_text(value: SecretStr) -> SecretStr:
    """Long enough not to be guessed, and good in a header and in a collector's expression."""
    if not re.fullmatch(r"[A-Za-z0-9._-]{16,128}", value.get_secret_value()):
        raise ValueError("16 to 128 letters, digits or . _ -; `openssl rand -hex 16` makes one")
    return value


def host_port(value: str) -> str:
    """Where to listen."""
    try:
        split_host_port(value)
    except ValueError:
        raise ValueError("host:port such as 127.0.0.1:4319, or [::1]:4319") from None
    return value


def split_host_port(value: str) -> tuple[str, int]:
    """Host and port of `host:port`, an IPv6 address in brackets.

    Raises:
        ValueError: it is something else.
    """
    url = urlsplit(f"//{value}")
    if not url.hostname or url.port is None or url.netloc != value or url.username is not None:
        raise ValueError(value)
    return url.hostname, url.port


def redactions(value: Any) -> Any:
    """`off`, or names of rules."""
    rules = words(value)
    if rules in (["off"], ["none"]):
        return []
    unknown = [rule for rule in rules if rule not in REDACTIONS]
    if unknown:
        raise ValueError(f"`off`, or some of {', '.join(REDACTIONS)}")
    return rules


def paths_table(value: Any) -> Any:
    """`/v1/chat/completions,/llm/ask=openai_chat` to path ending and wire format."""
    if isinstance(value, dict):
        return value
    table = {}
    for item in words(value):
        path, _, name = item.partition("=")
        wire = name or next((f for known, f in PATHS.items() if path.endswith(known)), "")
        if not path.startswith("/") or wire not in list(WireFormat):
            raise ValueError(
                "path endings such as /v1/chat/completions, any other as /path=FORMAT with one of "
                + ", ".join(WireFormat)
            )
        table[path] = wire
    return table


Words = Annotated[tuple[str, ...], NoDecode, BeforeValidator(words)]
AbsolutePath = Annotated[Path, AfterValidator(Path.absolute)]
"""Made absolute at once: an app may change its directory later."""
BaseUrl = Annotated[str, AfterValidator(base_url)]
OtlpUrl = Annotated[str, AfterValidator(otlp_url)]
ApiKey = Annotated[SecretStr, AfterValidator(header_value)]
