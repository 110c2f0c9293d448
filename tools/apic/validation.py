"""Rules of messages: api/v1.35/validation.json to constant tables of schema::Rule.

A row names its kind by its key (see KINDS and api/v1.35/README.md); what a row may say besides
is in MODIFIERS. Unknown keys and fields end the build.
"""
import json

from apic.cpp import strings, text

KINDS = {"required": "kRequired", "forbidden": "kForbidden", "invalid": "kInvalid",
         "enum": "kEnum", "range": "kRange", "min": "kRange", "max": "kRange",
         "format": "kFormat", "maxLength": "kMaxLength", "maxItems": "kMaxItems",
         "unique": "kUnique", "immutable": "kImmutable", "fixed": "kFixed", "oneOf": "kOneOf",
         "rules": "kRules", "call": "kCall"}
MODIFIERS = {"field", "detail", "value", "on", "ratchet", "stop", "zero", "when"}
MAX_DEPTH = 4


def resolve(message, name):
    """Field indexes of a dotted path, its last field, and whether it ends in []."""
    each = name.endswith("[]")
    steps, field = [], None
    for part in (name[:-2] if each else name).split("."):
        index = next((i for i, f in enumerate(message.fields) if f.name == part), None)
        if index is None:
            raise ValueError("%s has no field %s" % (message.name, name))
        steps.append(index)
        field = message.fields[index]
        message = field.message
    if len(steps) > MAX_DEPTH or each and field.shape == "kSingular":
        raise ValueError("path %s" % name)
    return steps, field, each


def path_row(message, name):
    if not name:
        return "{}"
    steps, _, each = resolve(message, name)
    row = ".steps = {%s}, .depth = %d" % (", ".join(map(str, steps)), len(steps))
    return "{%s%s}" % (row, ", .each = true" if each else "")


def when_row(out, symbol, message, name, expected):
    row = [".path = " + path_row(message, name)]
    if isinstance(expected, bool):
        row.append(".set = %s" % str(expected).lower())
        return "{%s}" % ", ".join(row)
    if isinstance(expected, dict):
        row.append(".negate = true")
        expected = expected["not"]
    values = expected if isinstance(expected, list) else [expected]
    values = [v if isinstance(v, str) else json.dumps(v) for v in values]
    row.append(".values = " + strings(out, symbol, values))
    return "{%s}" % ", ".join(row)


def conditions(out, symbol, message, row):
    rows = [when_row(out, "%s_%d" % (symbol, i), message, name, expected)
            for i, (name, expected) in enumerate(row.get("when", {}).items())]
    if not rows:
        return None
    out.append("constexpr RuleWhen %s[] = {%s};\n" % (symbol, ", ".join(rows)))
    return symbol


def arguments(out, symbol, message, row, key):
    value = row[key]
    if key in ("required", "forbidden", "invalid", "immutable", "fixed"):
        return [".detail = " + text(value)] if isinstance(value, str) else []
    if key == "range":
        return [".low = %d" % value[0], ".high = %d" % value[1]]
    if key == "min":
        return [".low = %d" % value]
    if key in ("max", "maxLength", "maxItems"):
        return [".high = %d" % value]
    if key == "enum" and value is True:
        value = resolve(message, row["field"])[1].data["enum"]
    if key in ("enum", "oneOf"):
        return [".texts = " + strings(out, symbol, value)]
    if key in ("format", "call", "unique"):
        return [".name = " + text(value)] if isinstance(value, str) else []
    return []


def rule_row(out, symbol, message, row):
    keys = [key for key in row if key in KINDS]
    unknown = set(row) - set(KINDS) - MODIFIERS
    if len(keys) != 1 or unknown:
        raise ValueError("%s: rule %r" % (message.name, row))
    key = keys[0]
    for member in row[key] if key == "oneOf" else []:
        resolve(message, member)
    parts = [".kind = RuleKind::" + KINDS[key]]
    if row.get("field"):
        parts.append(".path = " + path_row(message, row["field"]))
    if "on" in row:
        parts.append({"create": ".on_update = false", "update": ".on_create = false"}[row["on"]])
    parts += [".%s = true" % flag for flag, name in
              (("ratchet", "ratchet"), ("stop", "stop"), ("with_zero", "zero")) if row.get(name)]
    parts += arguments(out, "kText_" + symbol, message, row, key)
    parts += [".%s = %s" % (name, text(row[name])) for name in ("detail", "value") if name in row]
    when = conditions(out, "kWhen_" + symbol, message, row)
    if when:
        parts.append(".when = " + when)
    order = ["kind", "path", "on_create", "on_update", "ratchet", "stop", "with_zero", "low", "high",
             "texts", "name", "detail", "value", "when"]
    parts.sort(key=lambda part: order.index(part[1:].split(" ")[0]))
    return "{%s}" % ", ".join(parts)


def rules_of(out, api, message, row):
    for suffix, member in (("", "rules"), ("/status", "status_rules")):
        rows = api.validation.get(message.name + suffix)
        if not rows:
            continue
        symbol = "%s_%s" % (member, message.symbol)
        made = [rule_row(out, "%s_%d" % (symbol, i), message, r) for i, r in enumerate(rows)]
        out.append("constexpr Rule k%s[] = {%s};\n" % (symbol, ",\n    ".join(made)))
        row.append(".%s = k%s" % (member, symbol))


def check_names(api):
    for name in api.validation:
        if name.removesuffix("/status") not in api.by_name:
            raise ValueError("validation.json: no message " + name)
