# SPDX-License-Identifier: GPL-2.0-or-later
"""Doc comments must describe what exists, all of it and nothing else."""

from .common import QAPIError


def described_names(entity):
    """Names in this configuration that need a text of their own."""
    if entity.kind == 'enum':
        return entity.values
    if entity.kind == 'alternate':
        return entity.branches
    if entity.kind == 'object':
        return entity.local_members
    if entity.kind in ('command', 'event') and entity.arg:
        return entity.arg.local_members if entity.arg.implicit else []
    return []


def possible_names(data):
    """Names that the expression has in any configuration, and features."""
    names, features = set(), set()
    inner = data.get('base') if 'union' in data else data.get('data')
    items = [('', data)]
    if isinstance(inner, dict):
        items += inner.items()
    elif isinstance(inner, list):
        items += [(x['name'] if isinstance(x, dict) else x, x) for x in inner]
    for name, spec in items:
        names.add(name.lstrip('*'))
        if isinstance(spec, dict):
            features |= {f['name'] if isinstance(f, dict) else f
                         for f in spec.get('features', [])}
    return names - {''}, features


def check_doc(entity, expr):
    doc = entity.doc
    where = f"{entity.kind} '{entity.name}'"
    if not doc.body:
        raise QAPIError(doc.info, f'{where} has no text')
    members = described_names(entity)
    for member in members:
        if member.name not in doc.args:
            raise QAPIError(doc.info, f"{where}: '@{member.name}' has no text")
    possible, features = possible_names(expr.data)
    for name in doc.args:
        if name not in possible or entity.kind == 'option':
            raise QAPIError(doc.info, f"{where}: '@{name}' is described, but "
                            'does not exist')
    for holder in [entity, *members]:
        for feature in holder.features:
            if feature.name not in doc.features:
                raise QAPIError(doc.info, f"{where}: feature '{feature.name}' "
                                'has no text')
    for name in doc.features:
        if name not in features:
            raise QAPIError(doc.info, f"{where}: feature '{name}' is "
                            'described, but does not exist')
    if entity.kind != 'command' and doc.section('Returns'):
        raise QAPIError(doc.info, f"{where}: 'Returns:' is for commands")
    if entity.kind == 'command' and entity.ret and not doc.section('Returns'):
        raise QAPIError(doc.info, f"{where}: 'Returns:' is missing")
