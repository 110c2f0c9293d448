#!/usr/bin/env python3
"""The style and include gate: checks every file of src/ and tools/ against the laws of STYLE.md.

    tools/gate.py            prints one line per violation and exits 1 if there is any

What it checks: includes run down the ladder only (ALLOWED below is the ladder), headers say
`#pragma once` and start with a comment (their contract), lines fit 100 columns, files fit their
limits (sources 1,000 lines, headers 300; LONGER is the shrinking list of exceptions), no folder or
file is named util, common, helper or misc, no banned words, every folder of src/ has a README.md
of at most 40 lines.
"""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent

PURE = {"base", "object", "schema", "cel", "codec", "kinds"}
MACHINE = {"base", "os", "async", "crypto", "net"}
COMPONENT = PURE | MACHINE | {"client"}
# folder -> folders that it may include. The order is the ladder of ARCHITECTURE.md.
ALLOWED = {
    "base": set(),
    "object": {"base"},
    "schema": {"base", "object"},
    "cel": {"base", "object", "schema"},
    "codec": {"base", "object", "schema"},
    "kinds": {"base", "object", "schema"},
    "os": {"base"},
    "async": {"base", "os"},
    "crypto": {"base", "os", "async"},
    "net": {"base", "os", "async", "crypto"},
    "storage": {"base", "os", "async"},
    "client": PURE | MACHINE,
    "apiserver": PURE | MACHINE | {"storage"},
    "controllers": COMPONENT,
    "scheduler": COMPONENT,
    "kubelet": COMPONENT,
    "proxy": COMPONENT,
    "dns": COMPONENT,
    "main": COMPONENT | {"storage", "apiserver", "controllers", "scheduler", "kubelet", "proxy",
                         "dns"},
}
LONGER = {}  # "src/x/y.cc": lines; may only shrink
BANNED_NAMES = re.compile(r"(^|_)(util|utils|common|helper|helpers|misc)(_|\.|$)")
BANNED_WORDS = re.compile(r"\b(TODO|FIXME|XXX)\b")
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"')
SUFFIXES = {".h", ".cc", ".c"}


def folder_of(path):
    return path.relative_to(ROOT / "src").parts[0]


def check_includes(path, lines, report):
    folder = folder_of(path)
    is_test = path.stem.endswith(("_test", "_bench", "_fuzz"))
    for number, line in enumerate(lines, 1):
        match = INCLUDE.match(line)
        if not match:
            continue
        target = match.group(1).split("/")[0]
        if target in ("tests", "tools") and not is_test:
            report(path, number, f"src includes {match.group(1)}: nothing in src uses tests or tools")
        if target == folder or target not in ALLOWED:
            continue
        if target not in ALLOWED[folder] and not is_test:
            report(path, number, f"{folder} must not include {match.group(1)}: it is not below it")


def check_text(path, lines, report):
    for number, line in enumerate(lines, 1):
        if len(line) > 100:
            report(path, number, f"line has {len(line)} columns, limit 100")
        if BANNED_WORDS.search(line):
            report(path, number, "finish it now, or answer with a clear error")
    limit = 300 if path.suffix == ".h" else 1000
    limit = LONGER.get(str(path.relative_to(ROOT)), limit)
    if len(lines) > limit:
        report(path, 0, f"{len(lines)} lines, limit {limit}")
    if path.suffix == ".h":
        if "#pragma once" not in lines:
            report(path, 0, "a header starts with #pragma once after its contract")
        if not lines or not lines[0].startswith("//"):
            report(path, 0, "a header starts with a comment that says what it is")


def check_file(path, report):
    for part in path.relative_to(ROOT).parts:
        if BANNED_NAMES.search(part):
            report(path, 0, f"'{part}' says nothing; name the concept")
    lines = path.read_text(encoding="utf-8").split("\n")
    if lines and lines[-1] == "":
        lines.pop()
    check_text(path, lines, report)
    if (ROOT / "src") in path.parents:
        check_includes(path, lines, report)


def check_folders(report):
    for folder in sorted((ROOT / "src").iterdir()):
        if not folder.is_dir() or not any(folder.iterdir()):
            continue
        readme = folder / "README.md"
        if not readme.exists():
            report(readme, 0, "every folder of src/ says what it is")
        elif len(readme.read_text(encoding="utf-8").splitlines()) > 40:
            report(readme, 0, "at most 40 lines")


def main():
    violations = []

    def report(path, line, message):
        violations.append(f"{path.relative_to(ROOT)}:{line}: {message}")

    for top in ("src", "tools", "tests"):
        for path in sorted((ROOT / top).rglob("*")):
            if path.suffix in SUFFIXES and path.is_file():
                check_file(path, report)
    check_folders(report)
    print("\n".join(violations) if violations else "gate: clean")
    return 1 if violations else 0


if __name__ == "__main__":
    sys.exit(main())
