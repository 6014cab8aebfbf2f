"""Before anything is stored: secrets are removed, personal data become keyed pseudonyms.

The same value gets the same pseudonym in input, outputs and truth, so that equality survives: also
that of one value in two spellings, where a field's rule says that spelling does not matter.
"""

from __future__ import annotations

import contextlib
import functools
import hmac
import json
import os
import re
import secrets
import unicodedata
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path

from shadow_mw.control import read_json, write_json
from shadow_mw.exceptions import ConfigError
from shadow_mw.runner.redact_rules import RULES, Rule
from shadow_mw.settings import Settings
from shadow_mw.types import Json

# A string, or a number long enough to be a card's; never digits inside a string.
_JSON_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|(?<![\w.-])\d{13,19}(?![\w.])')


_SECRET_NAME = re.compile(
    r"(?i)^(?:x-)?(?:api[_-]?key|authorization|auth[_-]?token|access[_-]?token|bearer|password"
    r"|secret|client[_-]?secret|authentication|credentials?)$"
)
# An image or the like. By its letters, not by its want of blanks: whole languages need none.
_BLOB = re.compile(r"(?:data:[\w.+/;=-]{0,200},)?[A-Za-z0-9+/_=-]{4096,}")

_LENIENT = json.JSONDecoder(strict=False)

_SEPARATORS = re.compile(r"[ .()-]")


def _folded(text: str) -> str:
    return " ".join(text.casefold().split())


class Redactor:
    """The rules in force, and the key of the pseudonyms."""

    def __init__(self, rules: Iterable[str], key: bytes) -> None:
        self._rules = [rule for rule in RULES if rule.name in set(rules)]
        self._key = key
        self._removes_credentials = "credentials" in set(rules)

    @classmethod
    def for_store(cls, settings: Settings) -> Redactor:
        """What is about to be stored: rules and key are left beside the store for labels."""
        sidecar = sidecar_of(settings)
        key = _key(settings, sidecar)
        made = read_json(sidecar).get("key")
        configured = settings.redact_key is not None
        write_json(sidecar, {"key": made, "configured": configured, "rules": settings.redact})
        return cls(settings.redact, key.encode())

    @classmethod
    def for_labels(cls, settings: Settings) -> Redactor:
        """What is to be compared with what is stored: the same rules and key, whoever asks.

        Raises:
            ConfigError: the store was written with a key of the environment, which is not set.
        """
        sidecar = sidecar_of(settings)
        written = read_json(sidecar)
        if written.get("configured") and settings.redact_key is None:
            raise ConfigError(
                f"SHADOW_REDACT_KEY is not set: {settings.store} was written with one; "
                "accepted is that same key"
            )
        rules = written.get("rules", settings.redact)
        return cls(rules, _key(settings, sidecar).encode())

    def text(self, text: str) -> str:
        """A text with its secrets and personal data replaced."""
        if _BLOB.fullmatch(text):
            return text
        for rule in self._rules:
            if rule.may_be_in(text):
                text = rule.pattern.sub(functools.partial(self._replace, rule), text)
        return text

    def _replace(self, rule: Rule, match: re.Match[str]) -> str:
        value = match[0]
        if not rule.holds(value):
            return value
        if rule.name == "credentials":
            # Twelve bits tell a wrong one from the right one, and nothing of what it was.
            return f"<credential:{self._digest(rule.name, value)[:3]}>"
        return self._pseudonym(rule.name, value)

    def _pseudonym(self, name: str, value: str) -> str:
        text = unicodedata.normalize("NFKC", value)
        plain = text.casefold() if name == "email" else _SEPARATORS.sub("", text)
        spelling = ""
        if text != plain:
            folded = _folded(text)
            # Read by `evaluate.fields.normalise`: two spellings may be one value by a field's rule.
            spelling = "" if folded == _folded(plain) else self._digest(name, folded)[:4]
            spelling = f"~{spelling}{self._digest(name, text)[:4]}"
        return f"<{name}:{self._digest(name, plain)[:12]}{spelling}>"

    def _digest(self, name: str, text: str) -> str:
        return hmac.new(self._key, f"{name}:{text}".encode(), sha256).hexdigest()

    def json(self, value: Json) -> Json:
        """A JSON value with every text in it redacted; the structure stays."""
        match value:
            case str():
                # JSON within JSON, as tool arguments are: its escapes hide what it says.
                return self.output(value) if value[:1] in ("{", "[") else self.text(value)
            case dict():
                return {self.text(key): self.json(item) for key, item in value.items()}
            case list():
                return [self.json(item) for item in value]
            case int() if not isinstance(value, bool) and abs(value) >= 10**12:
                text = self.text(str(value))
                return value if text == str(value) else text
            case _:
                return value

    def request(self, body: Json) -> Json:
        """A request: as `json`, and without what stands under the name of a credential."""
        match body:
            case dict():
                return {
                    self.text(key): "<credential>" if self._secret(key) else self.request(item)
                    for key, item in body.items()
                }
            case list():
                return [self.request(item) for item in body]
            case _:
                return self.json(body)

    def _secret(self, name: str) -> bool:
        return self._removes_credentials and _SECRET_NAME.match(name) is not None

    def output(self, text: str) -> str:
        """A model's output: where it is JSON it stays JSON, written as it was."""
        # Quotes stand around every string, and no pattern minds them; an escape may hide one.
        if "\\" not in text and not self._finds(text):
            return text
        try:
            json.loads(text)
        except (ValueError, RecursionError):
            return self.text(text)
        return _JSON_TOKEN.sub(self._json_token, text)

    def _finds(self, text: str) -> bool:
        for rule in self._rules:  # noqa: SIM110 (twice as fast)
            if rule.may_be_in(text) and rule.pattern.search(text):
                return True
        return False

    def _json_token(self, match: re.Match[str]) -> str:
        token = match[0]
        plain = token[0] == '"' and "\\" not in token
        value = token[1:-1] if plain else _LENIENT.decode(token)
        clean = self.json(value)
        return token if clean == value else json.dumps(clean, ensure_ascii=False)


def sidecar_of(settings: Settings) -> Path:
    """Beside the store; where spans go elsewhere there may be none, nor a place for one."""
    if settings.otlp_endpoint is not None:
        return settings.directory / "redact.key"
    return settings.store.with_name(f"{settings.store.name}.key")


def _key(settings: Settings, sidecar: Path) -> str:
    """The configured key, or the one beside the store; made at the first use, by one process."""
    if settings.redact_key is not None:
        return settings.redact_key.get_secret_value()
    if not read_json(sidecar).get("key"):
        draft = sidecar.with_name(f".{sidecar.name}.{secrets.token_hex(4)}")
        write_json(draft, {"key": secrets.token_hex(32), "rules": settings.redact})
        # Whole or not at all, and the first one wins.
        with contextlib.suppress(FileExistsError):
            os.link(draft, sidecar)
        draft.unlink()
    return str(read_json(sidecar)["key"])
