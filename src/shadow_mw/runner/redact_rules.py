"""What is a secret or personal in a text: one pattern a rule, and what makes sure of it."""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Callable
from dataclasses import dataclass

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
  | -----BEGIN\ [A-Z ]{0,40}PRIVATE\ KEY-----[^-]{0,16384}-----END\ [A-Z ]{0,40}PRIVATE\ KEY-----
    """,
    re.VERBOSE | re.DOTALL,
)
_BEARER = re.compile(r"(?<=[Bb]earer )[A-Za-z0-9._~+/-]{16,}=*")
_BASIC = re.compile(r"(?<=[Bb]asic )[A-Za-z0-9+/]{12,}=*")
_WORDS = re.compile(r"(?:[A-Z]?[a-z]+|[A-Z]+)(?:[-./](?:[A-Z]?[a-z]+|[A-Z]+))*[.-]*")
_EMAIL = re.compile(r"[\w.+%-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}\b")
# These begin with a set of characters, which is what makes them quick to look for: what stands
# before is looked at after it.
_IBAN = re.compile(
    r"[A-Z](?<![A-Za-z0-9_].)[A-Z]\d{2}(?:[ ]?[A-Z0-9]{4}){2,7}(?:[ ]?[A-Z0-9]{1,3})?"
    r"(?![A-Za-z0-9_])"
)
_CARD = re.compile(r"\d(?<![A-Za-z0-9_-].)(?:[ .-]?\d){12,18}(?![A-Za-z0-9_-])")
# A number with its country code, or a national or American one with its separators.
_PHONE = re.compile(
    r"[+(02-9](?<![A-Za-z0-9_.+/-].)"
    r"(?:(?<=\+)\d{1,3}[ .-]?(?:\(\d{1,4}\)[ .-]?)?\d(?:[ .-]?\d){6,12}"
    r"|(?:(?<=\()0|(?<=0))\d{1,4}\)?[ -]\d{3,4}[ -]?\d{3,5}"
    r"|(?:(?<=\()[2-9]\d{2}\) ?|(?<=[2-9])\d{2}[.-])[2-9]\d{2}[.-]\d{4})(?![A-Za-z0-9_/-])"
)


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


def _is_token(text: str) -> bool:
    """No word of a language: `Bearer confirmation` names a thing, and not in secret."""
    return _WORDS.fullmatch(text) is None


def _is_user_and_password(text: str) -> bool:
    """RFC 7617, section 2: in base64, with a colon between them; `Basic Subscription` is none."""
    # What follows may have been cut, and its padding with it.
    whole = text.rstrip("=")
    return b":" in b64decode(whole[: len(whole) // 4 * 4])


def _always(_: str) -> bool:
    return True


_CREDENTIAL_MARKS = (
    *("sk-", "AKIA", "ASIA", "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "xox", "AIza"),
    *("eyJ", "k_live_", "k_test_", "PRIVATE KEY"),
)


@dataclass(frozen=True, slots=True)
class Rule:
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


RULES = (
    Rule("credentials", _CREDENTIAL, marks=_CREDENTIAL_MARKS),
    Rule("credentials", _BEARER, _is_token, marks=("earer ",)),
    Rule("credentials", _BASIC, _is_user_and_password, marks=("asic ",)),
    Rule("email", _EMAIL, marks=("@",)),
    Rule("iban", _IBAN, _iban_ok),
    Rule("card", _CARD, _luhn_ok),
    Rule("phone", _PHONE),
)
"""In the order of use: an IBAN is not to be taken for a card, nor a card for a phone."""
