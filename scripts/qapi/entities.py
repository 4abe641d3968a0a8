# SPDX-License-Identifier: GPL-2.0-or-later
"""What a schema consists of, once checked."""

from .common import c_enum_const, c_name

# name -> (C type, JSON type of introspection)
BUILTINS = {
    'str': ('char *', 'string'),
    'int': ('int64_t ', 'int'),
    'number': ('double ', 'number'),
    'bool': ('bool ', 'boolean'),
    'int8': ('int8_t ', 'int'),
    'int16': ('int16_t ', 'int'),
    'int32': ('int32_t ', 'int'),
    'int64': ('int64_t ', 'int'),
    'uint8': ('uint8_t ', 'int'),
    'uint16': ('uint16_t ', 'int'),
    'uint32': ('uint32_t ', 'int'),
    'uint64': ('uint64_t ', 'int'),
    'size': ('uint64_t ', 'int'),
    'any': ('struct json_object *', 'value'),
    'null': ('bool ', 'null'),
}

# Kind of JSON value that selects an alternate's branch.
JSON_KIND = {'string': 'STRING', 'int': 'NUMBER', 'number': 'NUMBER',
             'boolean': 'BOOL', 'null': 'NULL', 'object': 'OBJECT',
             'array': 'ARRAY'}


class Feature:
    def __init__(self, name):
        self.name = name


class Member:
    """A member of an object, a branch or an enum value."""

    def __init__(self, name, typ=None, optional=False, features=()):
        self.name = name
        self.type = typ
        self.optional = optional
        self.features = list(features)
        self.doc = ''

    def c_name(self):
        return c_name(self.name)

    def needs_has(self):
        """Absence of a pointer is NULL; of anything else, a flag."""
        return self.optional and not self.type.is_pointer()


class Entity:
    """Base of all that has a name."""

    kind = None

    def __init__(self, name, module, info=None, doc=None, features=()):
        self.name = name
        self.module = module
        self.info = info
        self.doc = doc
        self.features = list(features)

    def c_name(self):
        return c_name(self.name)


class Type(Entity):
    def is_pointer(self):
        return True

    def c_type(self):
        return f'{self.c_name()} *'

    def c_arg_type(self):
        """As a parameter that the callee only reads."""
        return self.c_type()


class Builtin(Type):
    kind = 'builtin'

    def __init__(self, name):
        super().__init__(name, None)

    def is_pointer(self):
        return self.name in ('str', 'any')

    def c_type(self):
        return BUILTINS[self.name][0]

    def c_arg_type(self):
        return 'const char *' if self.name == 'str' else self.c_type()

    def c_name(self):
        return self.name

    def json_type(self):
        return BUILTINS[self.name][1]


class Enum(Type):
    kind = 'enum'

    def __init__(self, values, prefix=None, **kw):
        super().__init__(**kw)
        self.values = values
        self.prefix = prefix
        self.absent = {}            # values left out: what to use instead

    def is_pointer(self):
        return False

    def c_type(self):
        return f'{self.c_name()} '

    def c_const(self, value):
        return c_enum_const(self.name, value, self.prefix)

    def json_type(self):
        return 'string'


class Array(Type):
    kind = 'array'

    def __init__(self, element):
        super().__init__(element.name + 'List', element.module)
        self.element = element

    def json_type(self):
        return 'array'


class Object(Type):
    """A struct; a union when it has variants."""

    kind = 'object'

    def __init__(self, implicit=False, **kw):
        super().__init__(**kw)
        self.implicit = implicit
        self.base = None
        self.local_members = []
        self.tag = None             # Member of the base
        self.branches = []          # Members named after the tag's values

    def members(self):
        """All but those of the branches."""
        return (self.base.members() if self.base else []) + self.local_members

    def is_empty(self):
        return not self.members() and not self.branches

    def json_type(self):
        return 'object'


class Alternate(Type):
    kind = 'alternate'

    def __init__(self, **kw):
        super().__init__(**kw)
        self.branches = []

    def json_type(self):
        return 'value'


class Command(Entity):
    kind = 'command'

    def __init__(self, **kw):
        super().__init__(**kw)
        self.arg = None             # Object or None
        self.ret = None
        self.boxed = False
        self.gen = True
        self.success_response = True
        self.allow_oob = False
        self.allow_preconfig = False


class Event(Entity):
    kind = 'event'

    def __init__(self, **kw):
        super().__init__(**kw)
        self.arg = None
        self.boxed = False


class Option(Entity):
    """A command line option."""

    kind = 'option'

    def __init__(self, **kw):
        super().__init__(**kw)
        self.data = None            # Type or None for a flag
        self.arg = None             # what --help calls the argument
        self.implied_key = None
        self.repeat = 'last'
        self.aliases = []
        self.category = None
        self.group = None           # query-command-line-options calls it so
        self.absent = None          # why NEMU has no such option
        self.otherwise = None       # what errors about the value add
        self.bare = False           # "foo" means foo=on
        self.multi = False          # a key given again makes a list

    def value_kind(self):
        if self.absent:
            return 'ABSENT'
        if self.data is None:
            return 'FLAG'
        if self.data.kind == 'object':
            return 'STRUCT'
        if self.data.name == 'any':
            return 'TREE'
        return 'ENUM' if self.data.kind == 'enum' else 'STRING'
