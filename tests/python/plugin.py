"""A plugin written in Python from `wit/` alone: it says a text aloud, by a granted command.

componentize-py makes a component of this file. The names below it generates from the WIT: `exports.Operation` and
`exports.Finishing` are the interfaces to implement, `imports` is what the host offers.
"""

import json

from componentize_py_types import Err
from wit_world import exports
from wit_world.imports import commands, log
from wit_world.imports.types import Prepared, Refusal

DESCRIPTION = {
    "operations": [
        {
            "name": "say",
            "summary": "Say a text",
            "schema": {"type": "object", "required": ["text"], "properties": {"text": {"type": "string"}}},
            "uses": ["finishing"],
        }
    ],
    "wants": [{"command": "say", "slots": ["text"], "reason": "says it"}],
}


def refused(message):
    """An answer, unlike an exception of any other kind, which would be a trap."""
    return Err(Refusal("invalid-data", message))


class Operation(exports.Operation):
    def describe(self):
        return json.dumps(DESCRIPTION)

    def prepare(self, name, data):
        data = json.loads(data)
        text = data.get("text") if isinstance(data, dict) else None
        if not isinstance(text, str):
            raise refused("Missing text")
        commands.plan("say", [("text", text)])  # raises the host's own refusal if the slot does not take the text
        return Prepared(f"Say {text}", json.dumps({"text": text}).encode())


class Finishing(exports.Finishing):
    def finish(self, name, state, results):
        said = results[0]
        if said.outcome != "ok":
            raise Err(Refusal("failed", "Nothing could be said"))
        asked = json.loads(state)["text"]
        log.write(log.Level.INFO, f"said {asked}")
        return json.dumps({"asked": asked, "said": bytes(said.stdout).decode().strip()})
