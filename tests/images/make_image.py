#!/usr/bin/env python3
"""Test images from Debian packages, as docker-archive tarballs that containerd imports. No tools needed.

usage: make_image.py [--all] OUT_DIR [busybox] [nginx] [pause PROGRAM]

busybox.tar  docker.io/library/busybox:1.36 and :latest, from busybox-static
nginx.tar    docker.io/library/nginx:1.7.9, :1.9.1 and :latest, from nginx-light: the real server with
             its shared libraries; each tag's index.html names its tag
pause.tar    registry.k8s.io/pause:3.10, from a static program
Tarballs are reproducible: sorted, times 0, owner root.
"""
import hashlib
import io
import json
import os
import shutil
import subprocess
import sys
import tarfile

PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


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
    print(path)


def root_files(layer):
    for path in ("tmp", "var/tmp"):
        layer.folder(path, 0o1777)
    for path in ("etc", "proc", "sys", "dev", "root", "run", "var/run"):
        layer.folder(path)
    layer.file("etc/passwd", b"root:x:0:0:root:/root:/bin/sh\nwww-data:x:33:33::/var/www:/bin/false\n"
                             b"nobody:x:65534:65534:nobody:/nonexistent:/bin/false\n")
    layer.file("etc/group", b"root:x:0:\nwww-data:x:33:\nnogroup:x:65534:\n")
    layer.file("etc/nsswitch.conf", b"hosts: files dns\n")


def busybox_layer():
    layer = Layer()
    root_files(layer)
    layer.copy("/bin/busybox", "bin/busybox")
    names = subprocess.run(["/bin/busybox", "--list"], capture_output=True, text=True, check=True)
    for name in names.stdout.split():
        if name != "busybox":
            layer.link("bin/" + name, "busybox")
    return layer


def make_busybox(out):
    config = {"Env": [PATH], "Cmd": ["sh"]}
    write_archive(os.path.join(out, "busybox.tar"), [
        (["docker.io/library/busybox:1.36", "docker.io/library/busybox:latest"], [busybox_layer()],
         config)])


def shared_libraries(program):
    listing = subprocess.run(["ldd", program], capture_output=True, text=True, check=True).stdout
    for word in listing.split():
        if word.startswith("/"):
            yield word


NGINX_CONF = b"""worker_processes 1;
error_log /dev/stderr notice;
pid /run/nginx.pid;
events { worker_connections 256; }
http {
  include /etc/nginx/mime.types;
  access_log /dev/stdout;
  server {
    listen 80 default_server;
    root /usr/share/nginx/html;
    index index.html;
  }
}
"""


def nginx_base():
    layer = busybox_layer()
    program = shutil.which("nginx", path="/usr/sbin")
    layer.copy(program, "usr/sbin/nginx")
    for library in shared_libraries(program):
        layer.copy(os.path.realpath(library), library.lstrip("/"))
    layer.copy("/etc/nginx/mime.types")
    layer.file("etc/nginx/nginx.conf", NGINX_CONF)
    layer.folder("var/lib/nginx", 0o755, 33)
    layer.folder("var/log/nginx")
    return layer


def make_nginx(out):
    config = {"Env": [PATH], "Cmd": ["nginx", "-g", "daemon off;"], "StopSignal": "SIGQUIT",
              "ExposedPorts": {"80/tcp": {}}}
    base = nginx_base()
    images = []
    for tag in ("1.7.9", "1.9.1", "latest"):
        page = Layer()
        page.file("usr/share/nginx/html/index.html",
                  ("<!DOCTYPE html>\n<html><head><title>Welcome to nginx!</title></head>\n"
                   "<body><h1>Welcome to nginx!</h1><p>tag %s</p></body></html>\n" % tag).encode())
        images.append((["docker.io/library/nginx:" + tag], [base, page], config))
    write_archive(os.path.join(out, "nginx.tar"), images)


def make_pause(out, program):
    layer = Layer()
    layer.copy(program, "pause")
    write_archive(os.path.join(out, "pause.tar"), [
        (["registry.k8s.io/pause:3.10"], [layer], {"Entrypoint": ["/pause"], "User": "65535:65535"})])


def main(arguments):
    arguments = [word for word in arguments if word != "--all"]
    if not arguments:
        sys.exit(__doc__)
    out, words = arguments[0], arguments[1:] or ["busybox", "nginx"]
    os.makedirs(out, exist_ok=True)
    while words:
        word = words.pop(0)
        if word == "pause":
            make_pause(out, words.pop(0))
        else:
            {"busybox": make_busybox, "nginx": make_nginx}[word](out)


if __name__ == "__main__":
    main(sys.argv[1:])
