# SPDX-License-Identifier: GPL-2.0-or-later
"""Checks of single expressions: keys, names, features."""

import re

from .common import QAPIError, c_name
from .entities import Feature

NAME_RULES = {
    'enum': (r'[A-Z][A-Za-z0-9]*', 'CamelCase'),
    'struct': (r'[A-Z][A-Za-z0-9]*', 'CamelCase'),
    'union': (r'[A-Z][A-Za-z0-9]*', 'CamelCase'),
    'alternate': (r'[A-Z][A-Za-z0-9]*', 'CamelCase'),
    'command': (r'[a-z][a-z0-9]*(-[a-z0-9]+)*', 'lower-case-with-dashes'),
    'event': (r'[A-Z][A-Z0-9]*(_[A-Z0-9]+)*', 'UPPER_CASE'),
    'option': (r'[A-Za-z][A-Za-z0-9_-]*', 'letters, digits, dashes and _'),
    'member': (r'[a-z][a-z0-9]*([_-][a-z0-9]+)*', 'lower-case-with-dashes'),
    'value': (r'[a-z0-9][a-z0-9]*([._-][a-z0-9]+)*', 'lower-case-with-dashes'),
}


def check_name(info, kind, name, exceptions=(), owner=None):
    """Enforce the spelling of a @kind of name. @exceptions lists names, or
    owners of members, that may break it (they still must make C names)."""
    rule, text = NAME_RULES[kind]
    if not isinstance(name, str) or not name:
        raise QAPIError(info, f'a {kind} name must be a string')
    excused = name in exceptions or (owner and owner in exceptions)
    if excused and re.fullmatch(r'[A-Za-z0-9_.-]+', name):
        return
    if not re.fullmatch(rule, name):
        raise QAPIError(info, f"{kind} name '{name}' is not {text}")
    if kind in ('enum', 'struct', 'union', 'alternate') and name.endswith(
            'List'):
        raise QAPIError(info, f"type name '{name}' must not end in 'List'")
    if kind in ('member', 'value') and (
            name.startswith(('has-', 'has_')) or name in ('u', '_max')):
        raise QAPIError(info, f"{kind} name '{name}' is reserved")


def check_keys(info, data, where, required, optional):
    if not isinstance(data, dict):
        raise QAPIError(info, f'{where} must be an object')
    for key in required:
        if key not in data:
            raise QAPIError(info, f"{where} lacks key '{key}'")
    for key in data:
        if key not in required and key not in optional:
            raise QAPIError(info, f"{where} has unknown key '{key}'")


def check_unique(info, where, members):
    """No two members may have one C name."""
    seen = {}
    for member in members:
        ident = c_name(member.name).lower()
        if ident in seen:
            raise QAPIError(info, f"{where}: '{member.name}' clashes with "
                            f"'{seen[ident]}'")
        seen[ident] = member.name


def check_features(schema, info, features, where):
    if features is None:
        return []
    if not isinstance(features, list):
        raise QAPIError(info, f"{where}: 'features' must be an array")
    result = []
    for item in features:
        item = {'name': item} if isinstance(item, str) else item
        check_keys(info, item, f'{where}, feature', {'name'}, {'if'})
        check_name(info, 'member', item['name'])
        if schema.enabled(item.get('if'), info):
            result.append(Feature(item['name']))
    return result


def normalise_members(schema, info, data, where, branches=False):
    """Yields (name, optional, {'type':...}) of the enabled members."""
    if not isinstance(data, dict):
        raise QAPIError(info, f"{where}: 'data' must be an object")
    for key, spec in data.items():
        optional = key.startswith('*')
        name = key[1:] if optional else key
        if branches and optional:
            raise QAPIError(info, f"{where}: branch '{name}' can't be "
                            'optional')
        if not isinstance(spec, dict):
            spec = {'type': spec}
        check_name(info, 'value' if branches else 'member', name,
                   schema.pragma['member-name-exceptions'],
                   where.split("'")[1])
        check_keys(info, spec, f"{where}, member '{name}'", {'type'},
                   {'if', 'features'})
        if schema.enabled(spec.get('if'), info):
            yield name, optional, spec

