"""What stands between app.py and Regent: the names that componentize-py makes from the WIT, and the two classes that the
daemon calls. An operation refuses with Refused; any other exception is a fault of the plugin, and the log has its text and place."""

import json

from componentize_py_types import Err
from wit_world import exports
from wit_world.imports import commands
from wit_world.imports import log as _log
from wit_world.imports import settings as _settings
from wit_world.imports.types import Prepared, Refusal

_operations = {}


class Refused(Exception):
    """No, with words for the caller: `Invalid data: …` from prepare, the words alone from finish."""


def operation(name, summary, schema=None, wants=None):
    """Names a class as an operation; wants: {command: ([slots], reason)}."""

    def named(made):
        _operations[name] = (made, {"name": name, "summary": summary, "schema": schema or {}, "uses": ["finishing"]}, wants or {})
        return made

    return named


def plan(command, **values):
    """One more step: the granted command with these values; a list gives a slot several."""
    pairs = []
    for slot, value in values.items():
        for one in value if isinstance(value, list) else [value]:
            pairs.append((slot, one if isinstance(one, str) else json.dumps(one)))
    commands.plan(command, pairs)


def log(words):
    """A line of the daemon's log."""
    _log.write(_log.Level.INFO, str(words))


def settings():
    """The [settings] of the grants file."""
    return json.loads(_settings.all())


def text(results):
    """What the last step printed, if all went well."""
    if not results or results[-1].outcome != "ok":
        raise Refused("Operation failed")
    return bytes(results[-1].stdout).decode()


def _answered(code, function):
    try:
        return function()
    except Refused as refused:
        raise Err(Refusal(code, str(refused)))
    except Err:
        raise
    except Exception as error:
        _log.write(_log.Level.ERROR, _told(error))
        raise


def _told(error):
    """What happened, and where, innermost first. Python's own traceback reads the sources, and there are no files here."""
    places, at = [], error.__traceback__
    while at:
        code = at.tb_frame.f_code
        places.insert(0, f"{code.co_filename.rsplit('/', 1)[-1]}:{at.tb_lineno} in {code.co_name}")
        at = at.tb_next
    return f"{type(error).__name__}: {error}; at " + " < ".join(places)


class Operation(exports.Operation):
    def describe(self):
        wants = [
            {"command": command, "slots": slots, "reason": reason}
            for _, _, wanted in _operations.values()
            for command, (slots, reason) in wanted.items()
        ]
        return json.dumps({"operations": [said for _, said, _ in _operations.values()], "wants": wants})

    def prepare(self, name, data):
        def prepared():
            made = _operations[name][0]()
            summary = made.prepare(json.loads(data))
            return Prepared(summary or name, json.dumps(made.__dict__).encode())

        return _answered("invalid-data", prepared)


class Finishing(exports.Finishing):
    def finish(self, name, state, results):
        def finished():
            made = _operations[name][0]()
            made.__dict__.update(json.loads(state))
            return json.dumps(made.finish(results))

        return _answered("failed", finished)
