#!/usr/bin/env python3
"""The api compiler: api/*/*.json to C++ tables and typed views.

usage: apic.py API_DIR OUT_DIR

Writes OUT_DIR/schema/tables_*.cc, index.cc, resources.cc (constant-initialised arrays, see
src/schema/message.h) and OUT_DIR/kinds/<package>.h (views, see src/kinds/view.h). A file whose
content stays the same is not touched, files that are no longer made are removed. Prints the
paths of the sources, one a line. Run by CMake while it configures.
"""
import json
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.dont_write_bytecode = True

from apic import descriptions, model, tables, views  # noqa: E402


def write(path, text, written):
    written.add(os.path.abspath(path))
    try:
        with open(path, encoding="utf-8") as old:
            if old.read() == text:
                return
    except FileNotFoundError:
        pass
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path + ".new", "w", encoding="utf-8") as new:
        new.write(text)
    os.replace(path + ".new", path)


def remove_stale(folder, written):
    for name in os.listdir(folder) if os.path.isdir(folder) else []:
        path = os.path.abspath(os.path.join(folder, name))
        if path not in written and name.endswith((".h", ".cc")):
            os.remove(path)


def main(api_dir, out_dir):
    api = model.load(api_dir)
    written = set()
    for name, text in [*tables.generate(api), *descriptions.generate(api_dir)]:
        path = os.path.join(out_dir, "schema", name)
        write(path, text, written)
        if name.endswith(".cc"):
            print(path)
    for name, text in views.generate(api):
        write(os.path.join(out_dir, "kinds", name), text, written)
    remove_stale(os.path.join(out_dir, "schema"), written)
    remove_stale(os.path.join(out_dir, "kinds"), written)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
