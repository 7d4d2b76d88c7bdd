"""Tries app.py without WebAssembly and without a daemon: python3 test_app.py"""

import json
import sys
import types
import unittest

PLANNED = []


class Err(Exception):
    def __init__(self, value):
        super().__init__(value)
        self.value = value


class Refusal:
    def __init__(self, code, message):
        self.code, self.message = code, message


class Prepared:
    def __init__(self, summary, state):
        self.summary, self.state = summary, state


class Result:
    def __init__(self, stdout, outcome="ok"):
        self.stdout, self.outcome = stdout, outcome


def module(name, **members):
    sys.modules[name] = made = types.ModuleType(name)
    made.__dict__.update(members)
    return made


# The host's side, as componentize-py would make it: here it notes what is planned.
module("componentize_py_types", Err=Err)
module("wit_world", exports=types.SimpleNamespace(Operation=object, Finishing=object))
module("wit_world.imports")
level = types.SimpleNamespace(INFO=0, ERROR=1)
for name, members in {
    "commands": {"plan": lambda command, values: PLANNED.append((command, values))},
    "log": {"Level": level, "write": lambda _, text: print(text)},
    "settings": {"all": lambda: "{}"},
    "types": {"Prepared": Prepared, "Refusal": Refusal},
}.items():
    setattr(sys.modules["wit_world.imports"], name, module(f"wit_world.imports.{name}", **members))

from app import Finishing, Operation  # noqa: E402


class Greeting(unittest.TestCase):
    def test_it_plans_one_command_and_replies_with_what_that_printed(self):
        PLANNED.clear()
        prepared = Operation().prepare("{{name}}", json.dumps({"name": "Ben"}))
        self.assertEqual(PLANNED, [("greet", [("name", "Ben")])])
        self.assertEqual(prepared.summary, "Say hello to Ben")
        reply = Finishing().finish("{{name}}", prepared.state, [Result(b"Hello, Ben!")])
        self.assertEqual(json.loads(reply), "Hello, Ben!")

    def test_a_name_that_is_none_is_refused(self):
        with self.assertRaises(Err) as refused:
            Operation().prepare("{{name}}", "{}")
        self.assertEqual((refused.exception.value.code, refused.exception.value.message), ("invalid-data", "name is missing"))


unittest.main()
