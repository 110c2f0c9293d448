"""Schema tables: constant-initialised arrays of schema::Message, Kind and Resource."""
import json

from apic import model, validation
from apic.cpp import strings, text
from apic.defaults import Defaults

PARTS = 6

HEAD = """// Made by tools/apic.py from api/; do not edit.
#include "schema/message.h"
#include "schema/resource.h"

"""


def go_type(field, api):
    """Go's reflect name of the field's type, pointers aside."""
    data = field.data

    def short(name):
        path, _, last = name.rpartition(".")
        return (path.rsplit("/", 1)[-1] + "." if path else "") + last

    scalars = {"bytes": "[]uint8", "double": "float64", "any": "interface {}"}
    element = field.type
    if element in api.by_name:
        element = short(api.by_name[element].data["go"])
    else:
        element = scalars.get(element, element)
    named = short(data["goType"]) if "goType" in data else None
    if field.shape == "kList":
        return "[]" + (named or element)
    if field.shape == "kMap":
        key = short(data["keyGoType"]) if "keyGoType" in data else "string"
        return "map[%s]%s" % (key, named or element)
    return named or element


def field_row(out, api, message, index, field):
    data = field.data
    prefix = "%s_%d" % (message.symbol, index)
    keys = strings(out, "kKeys_" + prefix, data.get("listMapKeys"))
    enum = data.get("enum")
    enum = strings(out, "kEnum_" + prefix, enum if isinstance(enum, list) else None)
    row = [".name = " + text(field.name),
           ".proto_name = " + text(data.get("protoName", field.name)),
           ".number = %d" % data.get("num", 0),
           ".kind = FieldKind::" + field.kind]
    if field.shape != "kSingular":
        row.append(".shape = Shape::" + field.shape)
    if field.message:
        row.append(".message = &tables::" + field.message.symbol)
    strategy = data.get("patchStrategy", "").split(",")
    flags = [("pointer", data.get("pointer")), ("omitempty", data.get("omitempty")),
             ("omitzero", data.get("omitzero")), ("inlined", field.inline),
             ("optional", data.get("optional")), ("required", data.get("required")),
             ("json_hidden", data.get("jsonHidden")),
             ("map_atomic", data.get("mapType") == "atomic"),
             ("struct_atomic", data.get("structType") == "atomic"),
             ("merge_list", "merge" in strategy), ("retain_keys", "retainKeys" in strategy),
             ("replace", "replace" in strategy)]
    row += [".%s = true" % name for name, value in flags if value]
    list_type = {"set": "kSet", "map": "kMap"}.get(data.get("listType"))
    if list_type:
        row.append(".list_type = ListType::" + list_type)
    if "patchMergeKey" in data:
        row.append(".patch_merge_key = " + text(data["patchMergeKey"]))
    if keys != "{}":
        row.append(".list_map_keys = " + keys)
    if "default" in data:
        row.append(".default_json = " + text(json.dumps(data["default"], separators=(",", ":"))))
    if enum != "{}":
        row.append(".enum_values = " + enum)
    row.append(".go_type = " + text(go_type(field, api)))
    return "    {%s},\n" % ", ".join(row)


def indexes(out, name, values):
    if not values:
        return "{}"
    out.append("constexpr uint16_t %s[] = {%s};\n" % (name, ", ".join(map(str, values))))
    return name


def metadata_field(message):
    for i, field in enumerate(message.fields):
        if field.name == "metadata" and field.message and field.message.short in (
                "ObjectMeta", "ListMeta") and field.shape == "kSingular":
            return i
    return -1


def position(message, name):
    for i, field in enumerate(message.fields):
        if field.name == name and (name != "items" or message.data.get("isList")):
            return i
    return -1


def default_row(default):
    value = default.value
    row = [".path = {%s}" % ", ".join(map(str, default.path)), ".depth = %d" % len(default.path)]
    if isinstance(value, bool):
        row += [".type = ValueType::kBool", ".integer = %d" % value]
    elif isinstance(value, int):
        row += [".type = ValueType::kInt", ".integer = %d" % value]
    elif isinstance(value, str):
        row += [".type = ValueType::kString", ".text = " + text(value)]
    elif value == {}:
        row.append(".type = ValueType::kStruct")
    else:
        raise ValueError("default %r" % value)
    return "{%s}" % ", ".join(row)


def defaults_of(out, message, defaults, row):
    own = defaults.own[message.name]
    if own:
        out.append("constexpr FieldDefault kDefaults_%s[] = {%s};\n" % (
            message.symbol, ",\n    ".join(map(default_row, own))))
        row.append(".defaults = kDefaults_" + message.symbol)
    if message.name in defaults.rules:
        row.append(".default_rule = " + text(defaults.rules[message.name]))
    below = indexes(out, "kDefaulted_" + message.symbol, defaults.below(message))
    if below != "{}":
        row.append(".defaulted_fields = " + below)


def message_table(out, api, message, gvk, defaults):
    symbol = message.symbol
    rows = [field_row(out, api, message, i, f) for i, f in enumerate(message.fields)]
    fields = "{}"
    if rows:
        fields = "kFields_" + symbol
        out.append("constexpr Field %s[] = {\n%s};\n" % (fields, "".join(rows)))
    order = range(len(message.fields))
    by_name = indexes(out, "kByName_" + symbol,
                      sorted(order, key=lambda i: message.fields[i].name.encode()))
    numbered = [i for i in order if message.fields[i].data.get("num")]
    by_number = indexes(out, "kByNumber_" + symbol,
                        sorted(numbered, key=lambda i: message.fields[i].data["num"]))
    inlined = indexes(out, "kInlined_" + symbol,
                      [i for i in order if message.fields[i].inline])
    data = message.data
    row = [".name = " + text(message.name), ".go_name = " + text(data.get("go", "")),
           ".fields = " + fields, ".by_name = " + by_name, ".by_number = " + by_number]
    if gvk is not None:
        row.append(".gvk = &tables::kKinds[%d].gvk" % gvk)
    flags = [("type_meta", data.get("typeMeta")), ("is_list", data.get("isList")),
             ("struct_atomic", data.get("structType") == "atomic")]
    row += [".%s = true" % name for name, value in flags if value]
    if data.get("proto") is False:
        row.append(".on_wire = false")
    if message.proto3:
        row.append(".proto3 = true")
    for name, value in [("metadata", metadata_field(message)), ("spec", position(message, "spec")),
                        ("status", position(message, "status")),
                        ("items", position(message, "items"))]:
        if value >= 0:
            row.append(".%s_field = %d" % (name, value))
    if inlined != "{}":
        row.append(".inlined_fields = " + inlined)
    defaults_of(out, message, defaults, row)
    validation.rules_of(out, api, message, row)
    out.append("constinit const Message tables::%s = {%s};\n\n" % (symbol, ", ".join(row)))


def sorted_kinds(api):
    """Kinds in table order; the index of a message's own kind."""
    kinds = sorted(api.kinds, key=lambda k: (k["group"], k["version"], k["kind"]))
    own = {}
    for i, kind in enumerate(kinds):
        data = api.by_name[kind["message"]].data.get("gvk")
        mine = data is None or all(data[k] == kind[k] for k in ("group", "version", "kind"))
        if mine:
            own.setdefault(kind["message"], i)
    return kinds, own


def declarations(api):
    out = ["// Made by tools/apic.py from api/; do not edit.\n#pragma once\n"
           '#include "schema/message.h"\n\nnamespace tiphys::schema::tables {\n\n']
    out += ["extern const Message %s;\n" % m.symbol for m in api.messages]
    out.append("extern const Kind kKinds[%d];\n\n}  // namespace tiphys::schema::tables\n" % len(api.kinds))
    return "".join(out)


def kind_row(api, kind):
    everywhere = kind["group"] == "*"
    row = [".gvk = {%s, %s, %s}" % (text("" if everywhere else kind["group"]),
                                    text("v1" if everywhere else kind["version"]),
                                    text(kind["kind"])),
           ".message = &tables::" + api.by_name[kind["message"]].symbol]
    if kind.get("listKind"):
        row.append(".list_kind = " + text(kind["listKind"]))
    if kind.get("list"):
        row.append(".is_list = true")
    if kind.get("scope") == "Namespaced":
        row.append(".namespaced = true")
    return "    {%s},\n" % ", ".join(row)


def index_source(api, kinds):
    out = [HEAD, '#include "schema/tables.h"\n#include "schema/tables_index.h"\n\n'
           "namespace tiphys::schema {\n\n"]
    out.append("constinit const Kind tables::kKinds[%d] = {\n%s};\n" % (len(kinds),
               "".join(kind_row(api, k) for k in kinds)))
    everywhere = [i for i, k in enumerate(kinds) if k["group"] == "*"]
    ordered = [i for i, k in enumerate(kinds) if k["group"] != "*"]
    out.append("constexpr const Message* kMessages[] = {\n%s};\n" % "".join(
        "    &tables::%s,\n" % m.symbol for m in sorted(api.messages, key=lambda m: m.name)))
    # "*" sorts after "" and before letters: kinds are laid out as ordered positions below.
    out.append("constexpr uint16_t kSorted[] = {%s};\n" % ", ".join(map(str, ordered)))
    out.append("constexpr uint16_t kEverywhere[] = {%s};\n\n" % ", ".join(map(str, everywhere)))
    out.append("std::span<const Message* const> tables::messages() { return kMessages; }\n"
               "std::span<const Kind> tables::kinds() { return kKinds; }\n"
               "std::span<const uint16_t> tables::sorted_kinds() { return kSorted; }\n"
               "std::span<const uint16_t> tables::everywhere_kinds() { return kEverywhere; }\n\n"
               "}  // namespace tiphys::schema\n")
    return "".join(out)


def gvk_text(group, version, kind):
    return "{%s, %s, %s}" % (text(group), text(version), text(kind))


def resource_rows(api, kinds, out):
    position = {(k["group"], k["version"], k["kind"]): i for i, k in enumerate(kinds)}
    rows = []
    for n, r in enumerate(api.resources):
        at = position[(r["group"], r["version"], r["kind"])]
        kind = kinds[at]
        subs = []
        for m, s in enumerate(r["subresources"]):
            verbs = strings(out, "kSubVerbs_%d_%d" % (n, m), s["verbs"])
            subs.append("    {.name = %s, .gvk = %s, .verbs = %s},\n" % (
                text(s["name"]), gvk_text(s["group"], s["version"], s["kind"]), verbs))
        row = [".group = " + text(r["group"]), ".version = " + text(r["version"]),
               ".resource = " + text(r["resource"]), ".singular = " + text(r["singular"]),
               ".kind = " + text(r["kind"])]
        flags = [("namespaced", r["namespaced"]), ("served_by_default", r["servedByDefault"]),
                 ("preferred_version", r.get("preferred"))]
        row += [".%s = true" % name for name, value in flags if value]
        for key, name in [("verbs", "verbs"), ("shortNames", "short_names"),
                          ("categories", "categories")]:
            values = strings(out, "k%s_%d" % (key, n), r[key])
            if values != "{}":
                row.append(".%s = %s" % (name, values))
        if subs:
            out.append("constexpr Subresource kSubresources_%d[] = {\n%s};\n" % (n, "".join(subs)))
            row.append(".subresources = kSubresources_%d" % n)
        row.append(".message = &tables::" + api.by_name[kind["message"]].symbol)
        list_at = position.get((r["group"], r["version"], kind.get("listKind", "")))
        if list_at is not None:
            row.append(".list_message = &tables::" +
                       api.by_name[kinds[list_at]["message"]].symbol)
        row.append(".type = &tables::kKinds[%d]" % at)
        if list_at is not None:
            row.append(".list_type = &tables::kKinds[%d]" % list_at)
        if r.get("storage"):
            s = r["storage"]
            # A version without facts (CRDs at v1beta1) is stored as the served one.
            stored = kinds[position.get((s["group"], s["version"], s["kind"]), at)]
            s = dict(s, **{k: stored[k] for k in ("group", "version", "kind")})
            row += [".etcd_prefix = " + text(s["etcdPrefix"]),
                    ".storage_gvk = " + gvk_text(s["group"], s["version"], s["kind"]),
                    ".storage_message = &tables::" + api.by_name[stored["message"]].symbol]
        row += [".storage_version_hash = " + text(r.get("storageVersionHash", "")),
                ".group_order = %d" % r["groupOrder"], ".version_order = %d" % r["versionOrder"]]
        rows.append("    {%s},\n" % ", ".join(row))
    return rows


def resources_source(api, kinds):
    out = [HEAD, '#include "schema/tables.h"\n#include "schema/tables_index.h"\n\n'
           "namespace tiphys::schema {\n\n"]
    rows = resource_rows(api, kinds, out)
    out.append("constexpr Resource kResources[] = {\n%s};\n\n" % "".join(rows))
    out.append("std::span<const Resource> tables::resources() { return kResources; }\n\n"
               "}  // namespace tiphys::schema\n")
    return "".join(out)


def generate(api):
    kinds, own = sorted_kinds(api)
    defaults = Defaults(api)
    validation.check_names(api)
    yield "tables.h", declarations(api)
    total = sum(len(m.fields) + 2 for m in api.messages)
    out, part, weight = [], 0, 0
    for message in api.messages:
        message_table(out, api, message, own.get(message.name), defaults)
        weight += len(message.fields) + 2
        if weight * PARTS >= total * (part + 1) or message is api.messages[-1]:
            yield "tables_%d.cc" % part, "".join(
                [HEAD, '#include "schema/tables.h"\n\nnamespace tiphys::schema {\n\n'] + out +
                ["}  // namespace tiphys::schema\n"])
            out, part = [], part + 1
    yield "tables_index.cc", index_source(api, kinds)
    yield "tables_resources.cc", resources_source(api, kinds)
