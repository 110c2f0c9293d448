"""Container images as docker-archive tarballs, written without any tool. Reproducible: sorted, times 0,
owner root.

As a program: image_archive.py pause PROGRAM OUT.tar        the pause image
              image_archive.py embed FILE NAME OUT.cc       a file as C++ bytes
"""
import hashlib
import io
import json
import os
import sys
import tarfile

PAUSE_IMAGE = "registry.k8s.io/pause:3.10"


class Layer:
    """Files of one layer, by path without leading slash."""

    def __init__(self):
        self.entries = {}

    def folder(self, path, mode=0o755, uid=0):
        parent = os.path.dirname(path)
        if parent and parent not in self.entries:
            self.folder(parent)
        if path not in self.entries:
            info = tarfile.TarInfo(path)
            info.type, info.mode, info.uid, info.gid = tarfile.DIRTYPE, mode, uid, uid
            self.entries[path] = (info, None)

    def file(self, path, data, mode=0o644):
        self.folder(os.path.dirname(path) or ".")
        info = tarfile.TarInfo(path)
        info.mode, info.size = mode, len(data)
        self.entries[path] = (info, data)

    def link(self, path, target):
        self.folder(os.path.dirname(path) or ".")
        info = tarfile.TarInfo(path)
        info.type, info.linkname, info.mode = tarfile.SYMTYPE, target, 0o777
        self.entries[path] = (info, None)

    def copy(self, source, path=None):
        with open(source, "rb") as file:
            self.file(path or source.lstrip("/"), file.read(), os.stat(source).st_mode & 0o777)

    def tar(self):
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as archive:
            for path in sorted(self.entries):
                info, data = self.entries[path]
                archive.addfile(info, io.BytesIO(data) if data is not None else None)
        return out.getvalue()


def architecture():
    return {"x86_64": "amd64", "aarch64": "arm64"}[os.uname().machine]


def write_archive(path, images):
    """images: [(names, [Layer], config)]; equal layers are stored once."""
    manifest, blobs = [], {}
    for names, layers, config in images:
        tars = [layer.tar() for layer in layers]
        digests = [hashlib.sha256(tar).hexdigest() for tar in tars]
        body = json.dumps({
            "architecture": architecture(), "os": "linux", "created": "1970-01-01T00:00:00Z",
            "config": config,
            "rootfs": {"type": "layers", "diff_ids": ["sha256:" + d for d in digests]},
            "history": [{"created": "1970-01-01T00:00:00Z", "created_by": "make_image.py"}
                        for _ in digests],
        }).encode()
        name = hashlib.sha256(body).hexdigest() + ".json"
        blobs[name] = body
        for digest, tar in zip(digests, tars):
            blobs[digest + "/layer.tar"] = tar
        manifest.append({"Config": name, "RepoTags": names,
                         "Layers": [d + "/layer.tar" for d in digests]})
    blobs["manifest.json"] = json.dumps(manifest).encode()
    with tarfile.open(path + ".new", "w", format=tarfile.USTAR_FORMAT) as archive:
        for name in sorted(blobs):
            info = tarfile.TarInfo(name)
            info.size, info.mode = len(blobs[name]), 0o644
            archive.addfile(info, io.BytesIO(blobs[name]))
    os.replace(path + ".new", path)


def write_pause(program, path):
    layer = Layer()
    layer.copy(program, "pause")
    info, data = layer.entries["pause"]
    info.mode = 0o755
    layer.entries["pause"] = (info, data)
    write_archive(path, [([PAUSE_IMAGE], [layer],
                          {"Entrypoint": ["/pause"], "User": "65535:65535"})])


def embed(source, name, path):
    with open(source, "rb") as file:
        data = file.read()
    rows = [",".join(str(byte) for byte in data[i:i + 32]) for i in range(0, len(data), 32)]
    with open(path, "w", encoding="ascii") as out:
        out.write("// Made by tools/image_archive.py; do not edit.\n#include <cstddef>\n"
                  "namespace tiphys::kubelet {\n"
                  "extern const unsigned char %s[];\nextern const size_t %sSize;\n"
                  "const unsigned char %s[] = {\n%s};\nconst size_t %sSize = %d;\n"
                  "}  // namespace tiphys::kubelet\n"
                  % (name, name, name, ",\n".join(rows), name, len(data)))


if __name__ == "__main__":
    {"pause": write_pause, "embed": embed}[sys.argv[1]](*sys.argv[2:])
