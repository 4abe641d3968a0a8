# SPDX-License-Identifier: GPL-2.0-or-later
"""Judges QMP messages by what query-qmp-schema says of them."""
import re

JSON_TYPES = {
    "string": lambda x: isinstance(x, str),
    "int": lambda x: isinstance(x, int) and not isinstance(x, bool),
    "number": lambda x: isinstance(x, (int, float))
    and not isinstance(x, bool),
    "boolean": lambda x: isinstance(x, bool),
    "null": lambda x: x is None,
    "value": lambda x: True,
}


class Mismatch(Exception):
    pass


class Introspection:
    """The answer to query-qmp-schema, as a client reads it."""

    def __init__(self, entries):
        self.entries = {e["name"]: e for e in entries}
        self.commands = {n for n, e in self.entries.items()
                         if e["meta-type"] == "command"}
        self.events = {n for n, e in self.entries.items()
                       if e["meta-type"] == "event"}

    def arguments(self, command, value):
        self.value(self.entries[command]["arg-type"],
                   {} if value is None else value, command)

    def result(self, command, value):
        self.value(self.entries[command]["ret-type"], value,
                   command + " returns")

    def event(self, message):
        if message["event"] not in self.events:
            raise Mismatch("event %s is not in the schema" % message["event"])
        self.value(self.entries[message["event"]]["arg-type"],
                   message.get("data", {}), message["event"])
        extra = set(message) - {"event", "data", "timestamp"}
        if extra or set(message["timestamp"]) != {"seconds", "microseconds"}:
            raise Mismatch("event %s" % message)

    def value(self, type_name, value, path):
        """Errors: Mismatch with the path to what is wrong."""
        entry = self.entries[type_name]
        getattr(self, "check_" + entry["meta-type"])(entry, value, path)

    def check_builtin(self, entry, value, path):
        if not JSON_TYPES[entry["json-type"]](value):
            raise Mismatch("%s is no %s: %r" % (path, entry["json-type"],
                                                value))

    def check_enum(self, entry, value, path):
        names = [m["name"] for m in entry["members"]]
        if value not in names:
            raise Mismatch("%s is none of %s: %r" % (path, names, value))

    def check_array(self, entry, value, path):
        if not isinstance(value, list):
            raise Mismatch("%s is no array: %r" % (path, value))
        for i, item in enumerate(value):
            self.value(entry["element-type"], item, "%s[%d]" % (path, i))

    def check_object(self, entry, value, path):
        if not isinstance(value, dict):
            raise Mismatch("%s is no object: %r" % (path, value))
        members = self.members(entry, value, path)
        for member in members.values():
            if member["name"] in value:
                self.value(member["type"], value[member["name"]],
                           "%s.%s" % (path, member["name"]))
            elif "default" not in member:
                raise Mismatch("%s lacks '%s'" % (path, member["name"]))
        for name in value:
            if name not in members:
                raise Mismatch("%s has '%s', which the schema has not"
                               % (path, name))

    def members(self, entry, value, path):
        members = {m["name"]: m for m in entry["members"]}
        tag = entry.get("tag")
        if tag is not None and tag in value:
            self.value(members[tag]["type"], value[tag], path + "." + tag)
            branch = next(v["type"] for v in entry["variants"]
                          if v["case"] == value[tag])
            members.update((m["name"], m)
                           for m in self.entries[branch]["members"])
        return members

    def check_alternate(self, entry, value, path):
        wrong = []
        for member in entry["members"]:
            try:
                self.value(member["type"], value, path)
                return
            except Mismatch as error:
                wrong.append(str(error))
        raise Mismatch("%s fits no alternative: %s" % (path, wrong))


def error_shape(answer):
    """An error answer has class, text and nothing else."""
    error = answer["error"]
    classes = {"GenericError", "CommandNotFound", "DeviceNotActive",
               "DeviceNotFound", "KVMMissingCap"}
    if (set(error) != {"class", "desc"} or error["class"] not in classes
            or not error["desc"] or not re.search(r"\w", error["desc"])
            or "\n" in error["desc"]):
        raise Mismatch("error %s" % answer)
