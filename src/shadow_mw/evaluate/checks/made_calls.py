"""Tool calls that a leg made, in the forms in which they are compared."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Final

from shadow_mw.evaluate import strict_json
from shadow_mw.evaluate.checks import validation
from shadow_mw.evaluate.checks.arguments import Parameters
from shadow_mw.evaluate.offered import Offered, Tool, plain
from shadow_mw.evaluate.once import once
from shadow_mw.types import Json, ToolCall

_BROKEN: Final = object()


@dataclass(frozen=True)
class Made:
    """One call, with the tool that it means."""

    call: ToolCall
    tool: Tool | None

    @property
    def name(self) -> str:
        """The same for every spelling of a tool's name."""
        return plain(self.call.name)

    @once
    def arguments(self) -> Json:
        """Its arguments as JSON."""
        try:
            return strict_json.loads(self.call.arguments)
        except strict_json.InvalidJson:
            return _BROKEN

    @property
    def parameters(self) -> Parameters:
        """What the request says of its arguments."""
        known = self.tool and self.tool.parameters
        return Parameters(known) if known else Parameters()

    @once
    def canonical(self) -> Hashable:
        """Equal for equivalent calls."""
        return self.name, self._form(self.parameters)

    @once
    def written(self) -> Hashable:
        """Equal for calls that say the same without knowing the schema."""
        return self.call.name, self._form(Parameters())

    @once
    def by_name(self) -> dict[str, Hashable]:
        """Each argument in its form."""
        return self.parameters.by_name(self.arguments)

    @once
    def breaks_schema(self) -> bool:
        """No JSON object, or one that its tool does not take; unknown is no breach."""
        if self.tool is not None and self.tool.free_text:
            return False
        if not isinstance(self.arguments, dict):
            return True
        schema = self.tool and self.tool.parameters
        return bool(schema) and validation.fits(self.arguments, schema or {}) is False

    def _form(self, parameters: Parameters) -> Hashable:
        value = self.arguments
        return self.call.arguments if value is _BROKEN else parameters.canonical(value)


def made(calls: Sequence[ToolCall], offered: Offered | None) -> list[Made]:
    """Calls with the tools that they mean, as far as the request is known."""
    tools = Offered() if offered is None else offered
    return [Made(call, tools.find(call.name)) for call in calls]
