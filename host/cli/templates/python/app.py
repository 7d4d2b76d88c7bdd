"""Says hello: {"name": "Ben"}."""

from regent_plugin import Finishing, Operation, Refused, operation, plan, text  # Regent calls the first two


@operation(
    "{{name}}",
    summary="Say hello to somebody",
    schema={
        "type": "object",
        "required": ["name"],
        "properties": {"name": {"type": "string", "description": "whom to greet", "examples": ["Ben"]}},
    },
    wants={"greet": (["name"], "prints the greeting")},
)
class Greet:
    """What is set on self in prepare is there again in finish, perhaps after a restart: keep it JSON."""

    def prepare(self, data):
        name = data.get("name") if isinstance(data, dict) else None
        if not isinstance(name, str) or not name:
            raise Refused("name is missing")
        plan("greet", name=name)
        self.name = name
        return f"Say hello to {name}"

    def finish(self, results):
        return text(results)
