"""The API as Python objects: messages, fields, kinds, resources."""
import json
import os
import re

KEYWORDS = set("""alignas alignof and asm auto bool break case catch char class concept const
continue default delete do double else enum explicit export extern false float for friend goto if
inline int long mutable namespace new not operator or private protected public register requires
return short signed sizeof static struct switch template this throw true try typedef typeid
typename union unsigned using virtual void volatile while xor""".split())

SPECIAL_KINDS = {
    "Time": "kTime", "MicroTime": "kMicroTime", "Duration": "kDuration", "Quantity": "kQuantity",
    "IntOrString": "kIntOrString", "RawExtension": "kRawExtension", "FieldsV1": "kFieldsV1",
    "JSON": "kJson", "StringList": "kStringList", "JSONSchemaPropsOrArray": "kSchemaOrArray",
    "JSONSchemaPropsOrBool": "kSchemaOrBool",
    "JSONSchemaPropsOrStringArray": "kSchemaOrStringArray",
}
SCALAR_KINDS = {
    "bool": "kBool", "int32": "kInt32", "uint32": "kInt64", "int64": "kInt64", "uint64": "kInt64",
    "double": "kDouble", "string": "kString", "bytes": "kBytes", "any": "kAny",
}
STRUCT_KINDS = {"kMessage", "kSchemaOrArray", "kSchemaOrBool", "kSchemaOrStringArray"}


def snake(name):
    """podIP -> pod_ip, clusterIPs -> cluster_ips, httpGet -> http_get."""
    text = re.sub(r"[^A-Za-z0-9]+", "_", name).strip("_")
    text = re.sub(r"([A-Z])([A-Z]+)s(?=$|[A-Z_])",
                  lambda m: m.group(1) + m.group(2).lower() + "s", text)
    text = re.sub(r"([A-Z]+)([A-Z][a-z])", r"\1_\2", text)
    text = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", text)
    return text.lower()


class Field:
    def __init__(self, data, api):
        self.data = data
        self.name = data["name"]
        kind = data["type"]
        self.shape = "kSingular"
        if kind.startswith("map<"):
            key, kind = kind[4:-1].split(",", 1)
            if key != "string":
                raise ValueError("map key " + key)
            self.shape = "kMap"
        elif data.get("repeated"):
            self.shape = "kList"
        self.type = kind
        special = data.get("special")
        if special is None and kind in api:
            special = api[kind].get("special")
        if special == "Timestamp":
            raise ValueError("Timestamp as a field")
        if special:
            self.kind = SPECIAL_KINDS[special]
        else:
            self.kind = SCALAR_KINDS.get(kind, "kMessage")
        if self.kind == "kMessage" and kind not in api:
            raise ValueError("unknown type " + kind)
        self.inline = bool(data.get("inline"))
        self.message = None  # set by link()

    def is_struct(self):
        return self.kind in STRUCT_KINDS


class Message:
    def __init__(self, name, data, package, api, proto3):
        self.name = name
        self.data = data
        self.package = package
        self.short = name.rsplit(".", 1)[1]
        self.special = data.get("special")
        self.proto3 = data.get("proto3", proto3)
        self.fields = [Field(f, api) for f in data["fields"] if not is_scalar_inline(f)]
        self.symbol = package + "_" + self.short

    def kind_is_plain(self):
        """Has views: structs, the JSONSchemaPropsOr unions among them."""
        return self.special is None or SPECIAL_KINDS.get(self.special) in STRUCT_KINDS


def is_scalar_inline(data):
    return data.get("inline") and data["type"] in SCALAR_KINDS


class Api:
    def __init__(self):
        self.messages = []      # in file order
        self.by_name = {}
        self.raw = {}           # message name -> its row of a schema.json
        self.kinds = []         # dicts of gvks.json
        self.resources = []
        self.enums = {}
        self.defaults = {}      # message name -> {path: value}
        self.validation = {}    # message name -> rows; "name/status" -> rows


def package_of(name):
    parts = name.split(".")[:-1]
    if re.fullmatch(r"v\d+((alpha|beta)\d+)?", parts[-1]):
        return parts[-2] + "_" + parts[-1]
    return parts[-1]


def once(pairs):
    """An object of JSON in which no name is said twice: the second would silently win."""
    out = dict(pairs)
    if len(out) != len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError("said twice: " + ", ".join(sorted(name for name in out if names.count(name) > 1)))
    return out


def read_json(path):
    with open(path, encoding="utf-8") as file:
        return json.load(file, object_pairs_hook=once)


def add_schema(api, path, package):
    data = read_json(path)
    proto3 = bool(data.pop("proto3", package is not None))
    data.pop("comment", None)
    api.raw.update(data)
    for name, message in data.items():
        made = Message(name, message, package or package_of(name), api.raw, proto3)
        api.messages.append(made)
        api.by_name[name] = made


def load(api_dir):
    api = Api()
    level = os.path.join(api_dir, "v1.35")
    add_schema(api, os.path.join(level, "schema.json"), None)
    api.kinds = read_json(os.path.join(level, "gvks.json"))
    api.resources = read_json(os.path.join(level, "resources.json"))
    api.enums = read_json(os.path.join(level, "enums.json"))
    api.defaults = read_json(os.path.join(level, "defaults.json"))
    api.defaults.pop("comment", None)
    api.validation = read_json(os.path.join(level, "validation.json"))
    api.validation.pop("comment", None)
    for folder in sorted(os.listdir(api_dir)):
        for version in sorted(os.listdir(os.path.join(api_dir, folder))):
            path = os.path.join(api_dir, folder, version)
            if not os.path.isdir(path):
                continue
            add_schema(api, os.path.join(path, "schema.json"),
                       re.sub(r"\W", "_", folder + "_" + version))
            for name, rows in (("gvks.json", api.kinds), ("resources.json", api.resources)):
                if os.path.exists(os.path.join(path, name)):
                    rows += read_json(os.path.join(path, name))
    for message in api.messages:
        for field in message.fields:
            if field.is_struct():
                field.message = api.by_name[field.type]
    return api
