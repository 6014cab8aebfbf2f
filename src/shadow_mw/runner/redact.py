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
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from shadow_mw.control import read_json, write_json
from shadow_mw.exceptions import ConfigError
from shadow_mw.settings import Settings
from shadow_mw.types import Json

# Their neighbours are ASCII letters and digits: a language without blanks writes on after them.
_CREDENTIAL = re.compile(
    r"""
    (?<![A-Za-z0-9_])sk-(?:ant-|proj-|svcacct-)?[A-Za-z0-9_-]{16,}  # OpenAI, Anthropic
  | (?<![A-Za-z0-9_])(?:AKIA|ASIA)[A-Z0-9]{16}(?![A-Za-z0-9_])  # AWS
  | (?<![A-Za-z0-9_])gh[pousr]_[A-Za-z0-9]{30,} | (?<![A-Za-z0-9_])github_pat_\w{30,}  # GitHub
  | (?<![A-Za-z0-9_])xox[abprs]-[A-Za-z0-9-]{10,}  # Slack
  | (?<![A-Za-z0-9_])AIza[A-Za-z0-9_-]{35}  # Google
  | (?<![A-Za-z0-9_])eyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]{8,}  # JWT
  | (?<![A-Za-z0-9_])[rs]k_(?:live|test)_[A-Za-z0-9]{16,}  # Stripe
  | (?<=[Bb]earer\ )[A-Za-z0-9._~+/-]{16,}=*
  | (?<=[Bb]asic\ )[A-Za-z0-9+/]{12,}=*
  | -----BEGIN\ [A-Z ]{0,40}PRIVATE\ KEY-----[^-]{0,16384}-----END\ [A-Z ]{0,40}PRIVATE\ KEY-----
    """,
    re.VERBOSE | re.DOTALL,
)
_EMAIL = re.compile(r"[\w.+%-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}\b")
_IBAN = re.compile(
    r"(?<![A-Za-z0-9_])[A-Z]{2}\d{2}(?:[ ]?[A-Z0-9]{4}){2,7}(?:[ ]?[A-Z0-9]{1,3})?(?![A-Za-z0-9_])"
)
_CARD = re.compile(r"(?<![A-Za-z0-9_-])\d(?:[ .-]?\d){12,18}(?![A-Za-z0-9_-])")
# A number with its country code, or a national or American one with its separators.
_PHONE = re.compile(
    r"(?<![A-Za-z0-9_.+/-])(?:\+\d{1,3}[ .-]?(?:\(\d{1,4}\)[ .-]?)?\d(?:[ .-]?\d){6,12}"
    r"|\(?0\d{1,4}\)?[ -]\d{3,4}[ -]?\d{3,5}"
    r"|(?:\([2-9]\d{2}\) ?|[2-9]\d{2}[.-])[2-9]\d{2}[.-]\d{4})(?![A-Za-z0-9_/-])"
)
# A string, or a number long enough to be a card's; never digits inside a string.
_JSON_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|(?<![\w.-])\d{13,19}(?![\w.])')


_SECRET_NAME = re.compile(
    r"(?i)^(?:x-)?(?:api[_-]?key|authorization|auth[_-]?token|access[_-]?token|bearer|password"
    r"|secret|client[_-]?secret|authentication|credentials?)$"
)
# An image or the like. By its letters, not by its want of blanks: whole languages need none.
_BLOB = re.compile(r"(?:data:[\w.+/;=-]{0,200},)?[A-Za-z0-9+/_=-]{4096,}")


def _luhn_ok(text: str) -> bool:
    """ISO/IEC 7812: from the right, every second digit doubled, the sum a multiple of ten."""
    total = 0
    for place, digit in enumerate(reversed([int(c) for c in text if c.isdigit()])):
        value = digit * (1 + place % 2)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def _iban_ok(text: str) -> bool:
    """ISO 13616: moved, spelled as digits, the remainder of 97 is one."""
    compact = text.replace(" ", "")
    if not 15 <= len(compact) <= 34:
        return False
    moved = compact[4:] + compact[:4]
    return int("".join(str(int(c, 36)) for c in moved)) % 97 == 1


def _always(_: str) -> bool:
    return True


_CREDENTIAL_MARKS = (
    *("sk-", "AKIA", "ASIA", "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "xox", "AIza"),
    *("eyJ", "k_live_", "k_test_", "earer ", "asic ", "PRIVATE KEY"),
)


@dataclass(frozen=True, slots=True)
class _Rule:
    """What is replaced."""

    name: str
    pattern: re.Pattern[str]
    holds: Callable[[str], bool] = _always
    marks: tuple[str, ...] = ("",)
    """One of them is in every text that the pattern is in: quicker to look for."""

    def may_be_in(self, text: str) -> bool:
        """False where the pattern is certainly not."""
        for mark in self.marks:  # noqa: SIM110 (twice as fast)
            if mark in text:
                return True
        return False


_RULES = (
    _Rule("credentials", _CREDENTIAL, marks=_CREDENTIAL_MARKS),
    _Rule("email", _EMAIL, marks=("@",)),
    _Rule("iban", _IBAN, _iban_ok),
    _Rule("card", _CARD, _luhn_ok),
    _Rule("phone", _PHONE),
)
"""In the order of use: an IBAN is not to be taken for a card, nor a card for a phone."""

_LENIENT = json.JSONDecoder(strict=False)

_SEPARATORS = re.compile(r"[ .()-]")


def _folded(text: str) -> str:
    return " ".join(text.casefold().split())


class Redactor:
    """The rules in force, and the key of the pseudonyms."""

    def __init__(self, rules: Iterable[str], key: bytes) -> None:
        self._rules = [rule for rule in _RULES if rule.name in set(rules)]
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

    def _replace(self, rule: _Rule, match: re.Match[str]) -> str:
        value = match[0]
        if not rule.holds(value):
            return value
        return "<credential>" if rule.name == "credentials" else self._pseudonym(rule.name, value)

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
        return any(rule.may_be_in(text) and rule.pattern.search(text) for rule in self._rules)

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
