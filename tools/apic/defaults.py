"""Defaults of messages: default markers of the schema and api/v1.35/defaults.json."""


class Default:
    def __init__(self, path, field, value):
        self.path = path    # field indexes
        self.field = field
        self.value = value


def resolve(message, text):
    """The field that a dotted path names, and its indexes."""
    path = []
    for name in text.split("."):
        index = next((i for i, f in enumerate(message.fields) if f.name == name), None)
        if index is None:
            raise ValueError("%s has no field %s" % (message.name, text))
        path.append(index)
        field = message.fields[index]
        message = field.message
    return path, field


def is_noop(field, value):
    """Zero of what is no pointer is absent anyway."""
    pointer = field.data.get("pointer") or field.shape != "kSingular"
    return not pointer and value in (0, "", False, None)


class Defaults:
    def __init__(self, api):
        self.own = {}
        self.rules = {}
        for message in api.messages:
            self.own[message.name] = [
                Default([i], f, f.data["default"]) for i, f in enumerate(message.fields)
                if "default" in f.data and not is_noop(f, f.data["default"])]
        for name, entries in api.defaults.items():
            message = api.by_name[name]
            for text, value in entries.items():
                if text == "$rule":
                    self.rules[name] = value
                    continue
                path, field = resolve(message, text)
                self.own[name] = [d for d in self.own[name] if d.path != path]
                if not is_noop(field, value):
                    self.own[name].append(Default(path, field, value))
        self.deep = {m.name for m in api.messages
                     if self.own[m.name] or m.name in self.rules or self.has_resources(m)}
        grown = True
        while grown:
            more = {m.name for m in api.messages if m.name not in self.deep and any(
                f.message and f.message.name in self.deep for f in m.fields)}
            grown = bool(more)
            self.deep |= more

    @staticmethod
    def has_resources(message):
        """ResourceLists are rounded to milli units."""
        return any(is_resource_list(f) for f in message.fields)

    def below(self, message):
        return [i for i, f in enumerate(message.fields)
                if is_resource_list(f) or (f.message and f.message.name in self.deep)]


def is_resource_list(field):
    return field.shape == "kMap" and field.kind == "kQuantity"
