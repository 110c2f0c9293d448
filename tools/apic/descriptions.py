"""Descriptions of types and fields: api/v1.35/descriptions.json as one sorted array."""
import os

from apic.model import read_json
from apic.tables import text


def generate(api_dir):
    path = os.path.join(api_dir, "v1.35", "descriptions.json")
    data = read_json(path)
    data.pop("comment", None)
    rows = sorted((key.encode(), key, value) for key, value in data.items())
    yield "tables_descriptions.cc", "".join(
        ['// Made by tools/apic.py from api/; do not edit.\n#include "schema/tables_index.h"\n\n'
         "namespace tiphys::schema {\n\nconstexpr tables::Described kDescribed[] = {\n"] +
        ["    {%s, %s},\n" % (text(key), text(value)) for _, key, value in rows] +
        ["};\n\nstd::span<const tables::Described> tables::descriptions() { return kDescribed; }\n\n"
         "}  // namespace tiphys::schema\n"])
