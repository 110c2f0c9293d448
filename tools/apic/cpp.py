"""C++ literals."""


def text(value):
    """A string literal of type string_view; C++ escapes."""
    out = ""
    for c in value:
        if c in "\"\\":
            out += "\\" + c
        elif " " <= c <= "~":
            out += c
        else:
            out += "".join("\\%03o" % b for b in c.encode())
    return 'std::string_view("%s", %d)' % (out, len(value.encode()))


def strings(out, name, values):
    if not values:
        return "{}"
    out.append("constexpr std::string_view %s[] = {%s};\n" % (name, ", ".join(map(text, values))))
    return name
