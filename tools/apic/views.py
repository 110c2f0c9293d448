"""Typed views: one header per API package, inline accessors over src/kinds/{view,edit}.h."""
from apic import model

# Members that every view or editor has; a field of that name gets a trailing underscore.
RESERVED = {"node", "view", "gvk", "make", "arena", "message_type"}
TEXT_TYPES = {"kString": "kString", "kQuantity": "kString", "kBytes": "kBytes",
              "kRawExtension": "kRaw", "kFieldsV1": "kRaw", "kJson": "kRaw"}
INT_TYPES = {"kInt32": "int32_t", "kInt64": "int64_t", "kTime": "MicroTime",
             "kMicroTime": "MicroTime", "kDuration": "int64_t"}


def accessor(name):
    name = model.snake(name)
    if name[0].isdigit():
        name = "_" + name
    return name + "_" if name in model.KEYWORDS or name in RESERVED else name


def cpp_name(message):
    return message.short.replace("_", "") if message.short in ("Namespace_",) else message.short


class Names:
    def __init__(self, package):
        self.package = package

    def of(self, message):
        mine = message.package == self.package
        return cpp_name(message) if mine else "%s::%s" % (message.package, cpp_name(message))


def element(field, names):
    if field.is_struct():
        return names.of(field.message)
    if field.kind in TEXT_TYPES:
        return "std::string_view"
    if field.kind == "kStringList":
        return "tiphys::ListView<std::string_view>"
    if field.kind in INT_TYPES:
        return INT_TYPES[field.kind]
    return {"kBool": "bool", "kDouble": "double", "kIntOrString": "Value", "kAny": "Value"}[
        field.kind]


def element_edit(field, names):
    if field.is_struct():
        return names.of(field.message) + "Edit"
    if TEXT_TYPES.get(field.kind, "kString") != "kString":
        return "std::string_view, ValueType::" + TEXT_TYPES[field.kind]
    if field.kind == "kStringList":
        return "tiphys::ListEdit<std::string_view>"
    return element(field, names)


class ClassWriter:
    """One message: its view and its editor. Functions whose types come later go to `late`."""

    def __init__(self, message, names, done, late):
        self.message = message
        self.names = names
        self.done = done
        self.late = late
        self.view = []
        self.edit = []
        self.seen = set()

    def complete(self, message):
        return message.package != self.names.package or message.name in self.done

    def function(self, out, owner, result, head, body, whole):
        """whole: the result type is complete here."""
        if whole:
            out.append("  %s %s { %s }\n" % (result, head, body))
        else:
            out.append("  %s %s;\n" % (result, head))
            self.late.append("inline %s %s::%s { %s }\n" % (result, owner, head, body))

    def add_all(self):
        self.add_fields(self.message, (), True)

    def add_fields(self, message, path, direct):
        for i, field in enumerate(message.fields):
            if field.inline and field.message:
                if direct:
                    self.add(field, path + (i,))
                self.add_fields(field.message, path + (i,), False)
            else:
                self.add(field, path + (i,))

    def add(self, field, path):
        name = accessor(field.name)
        if name in self.seen:
            return
        self.seen.add(name)
        at = "at(%s)" % ", ".join(map(str, path))
        into = "".join("in(%d)." % i for i in path[:-1])
        last = path[-1]
        self.view.append("  bool has_%s() const { return !%s.is_null(); }\n" % (name.rstrip("_"), at))
        self.edit.append("  void clear_%s() { drop(%s); }\n" % (
            name.rstrip("_"), ", ".join(map(str, path))))
        if field.shape == "kSingular":
            self.add_singular(field, name, at, into, last)
        else:
            self.add_many(field, name, at, into, last)

    def add_singular(self, field, name, at, into, last):
        owner = cpp_name(self.message)
        base = name.rstrip("_")
        if field.is_struct():
            t = self.names.of(field.message)
            whole = self.complete(field.message)
            self.function(self.view, owner, t, name + "() const",
                          "return %s(%s.as_node());" % (t, at), whole)
            self.function(self.edit, owner + "Edit", t + "Edit", "edit_%s()" % base,
                          "return %sin(%d).as<%sEdit>();" % (into, last, t), whole)
            self.function(self.edit, owner + "Edit", "void", "set_%s(const %s& v)" % (base, t),
                          "%sput_copy(%d, ValueType::kStruct, v.node());" % (into, last), whole)
            return
        present = bool(field.data.get("pointer"))
        kind = field.kind
        if kind in TEXT_TYPES:
            self.view.append("  std::string_view %s() const { return %s.as_text(); }\n" % (name, at))
            keep = present or kind != "kString"
            self.edit.append("  void set_%s(std::string_view v) { %sput_text(%d, v, ValueType::%s, %s);"
                             " }\n" % (base, into, last, TEXT_TYPES[kind],
                                       "true" if keep else "false"))
        elif kind in INT_TYPES:
            t = INT_TYPES[kind]
            cast = "static_cast<int32_t>(%s.as_int())" if t == "int32_t" else "%s.as_int()"
            self.view.append("  %s %s() const { return %s; }\n" % (t, name, cast % at))
            value = "whole_seconds(v)" if kind == "kTime" else "v"
            keep = present or kind == "kDuration"
            self.edit.append("  void set_%s(%s v) { %sput_int(%d, %s, %s); }\n" % (
                base, t, into, last, value, "true" if keep else "false"))
        elif kind == "kBool":
            self.view.append("  bool %s() const { return %s.as_bool(); }\n" % (name, at))
            self.edit.append("  void set_%s(bool v) { %sput_bool(%d, v, %s); }\n" % (
                base, into, last, "true" if present else "false"))
        elif kind == "kDouble":
            self.view.append("  double %s() const { return %s.as_double(); }\n" % (name, at))
            self.edit.append("  void set_%s(double v) { %sput_double(%d, v, %s); }\n" % (
                base, into, last, "true" if present else "false"))
        elif kind == "kStringList":
            self.add_many(field, name, at, into, last)
        else:
            self.view.append("  const Value& %s() const { return %s; }\n" % (name, at))
            self.edit.append("  void set_%s(const Value& v) { %sput_value(%d, v); }\n" % (
                base, into, last))
            if kind == "kIntOrString":
                self.edit.append("  void set_%s(std::string_view v) { %sput_text(%d, v, "
                                 "ValueType::kString, true); }\n" % (base, into, last))

    def add_many(self, field, name, at, into, last):
        base = name.rstrip("_")
        if field.kind == "kStringList" and field.shape == "kSingular":
            shape, t, e = "List", "std::string_view", "std::string_view"
        else:
            shape = "Map" if field.shape == "kMap" else "List"
            t, e = element(field, self.names), element_edit(field, self.names)
        self.view.append("  tiphys::%sView<%s> %s() const { return tiphys::%sView<%s>(%s.as_node()); }\n" % (
            shape, t, name, shape, t, at))
        whole = field.message is None or self.complete(field.message)
        result = "tiphys::%sEdit<%s>" % (shape, e)
        self.function(self.edit, cpp_name(self.message) + "Edit", result, "edit_%s()" % base,
                      "return %sopen<%s>(%d, ValueType::k%s);" % (into, result, last, shape), whole)
        self.edit.append("  void set_%s(const tiphys::%sView<%s>& v) { %sput_copy(%d, ValueType::k%s, "
                         "v.node()); }\n" % (base, shape, t, into, last, shape))

    def text(self):
        name = cpp_name(self.message)
        own = "schema::tables::" + self.message.symbol
        has_message = "message" in self.seen
        out = ["class %s : public View {\n public:\n  using View::View;\n" % name]
        kind = bool(self.message.data.get("typeMeta"))
        if kind:
            out.append("  explicit %s(const Object& o) : View(o, %s) {}\n" % (name, own))
        out.append("  static const schema::Message& message_type() { return %s; }\n" % own)
        if not has_message:
            out.append("  static const schema::Message& message() { return %s; }\n" % own)
        if kind:
            out.append("  static const tiphys::GroupVersionKind& gvk() { return *%s.gvk; }\n" % own)
            out.append("  static Draft make() { return Draft(%s, %s.gvk); }\n" % (own, own))
        out += self.view
        out.append("};\n")
        out.append("class %sEdit : public Edit {\n public:\n  using Edit::Edit;\n"
                   "  using Reads = %s;\n  %s view() const { return %s(node()); }\n" % (
                       name, name, name, name))
        out += self.edit
        out.append("};\n\n")
        return "".join(out)


def whole_types(message, package):
    """Messages of the same package that must be complete before this one's functions."""
    for field in message.fields:
        if not field.message or field.message.package != package:
            continue
        if field.inline:
            yield from whole_types(field.message, package)
        yield field.message


def ordered(messages, package):
    done, active, order = set(), set(), []

    def visit(message):
        if message.name in done or message.name in active:
            return
        active.add(message.name)
        for other in whole_types(message, package):
            visit(other)
        active.discard(message.name)
        done.add(message.name)
        order.append(message)

    for message in messages:
        visit(message)
    return order


def imports(messages, package):
    found = set()
    for message in messages:
        for field in message.fields:
            if field.message and field.message.package != package:
                found.add(field.message.package)
    return sorted(found)


def header(api, package, messages):
    names = Names(package)
    out = ["// Made by tools/apic.py from api/; do not edit. Views of package %s.\n#pragma once\n"
           % package, '#include "kinds/edit.h"\n']
    out += ['#include "kinds/%s.h"\n' % other for other in imports(messages, package)]
    out.append("\nnamespace tiphys::schema::tables {\n")
    out += ["extern const Message %s;\n" % m.symbol for m in messages]
    out.append("}  // namespace tiphys::schema::tables\n\nnamespace tiphys::%s {\n\n" % package)
    out += ["class %s;\nclass %sEdit;\n" % (cpp_name(m), cpp_name(m)) for m in messages]
    out.append("\n")
    done, late = set(), []
    for message in ordered(messages, package):
        writer = ClassWriter(message, names, done | {message.name}, late)
        # Its own editor and view are complete inside member functions of either only for the
        # view; treat self references as late.
        writer.done = set(done)
        writer.add_all()
        out.append(writer.text())
        done.add(message.name)
    out += late
    out.append("\n}  // namespace tiphys::%s\n" % package)
    return "".join(out)


def generate(api):
    packages = {}
    for message in api.messages:
        if message.kind_is_plain():
            packages.setdefault(message.package, []).append(message)
    for package, messages in sorted(packages.items()):
        yield package + ".h", header(api, package, messages)
