#!/usr/bin/env python3
"""Test images from Debian packages, as docker-archive tarballs that containerd imports. No tools needed.

usage: make_image.py [--all] OUT_DIR [busybox] [nginx] [pause PROGRAM]

busybox.tar  docker.io/library/busybox:1.36 and :latest, from busybox-static
nginx.tar    docker.io/library/nginx:1.7.9, :1.9.1 and :latest, from nginx-light: the real server with
             its shared libraries; each tag's index.html names its tag
pause.tar    registry.k8s.io/pause:3.10, from a static program
"""
import os
import shutil
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tools"))
sys.dont_write_bytecode = True

from image_archive import Layer, write_archive, write_pause  # noqa: E402

PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


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


def main(arguments):
    arguments = [word for word in arguments if word != "--all"]
    if not arguments:
        sys.exit(__doc__)
    out, words = arguments[0], arguments[1:] or ["busybox", "nginx"]
    os.makedirs(out, exist_ok=True)
    while words:
        word = words.pop(0)
        if word == "pause":
            write_pause(words.pop(0), os.path.join(out, "pause.tar"))
        else:
            {"busybox": make_busybox, "nginx": make_nginx}[word](out)


if __name__ == "__main__":
    main(sys.argv[1:])
