"""What upstream's tests have agnhost for, run inside of pods by the machine's own python3: servers that say who they are, and
a client that asks many of them at once. Only the standard library; `container` mounts what it needs.

netexec.py serve http:PORT=BODY udp:PORT=BODY tls:PORT=BODY json:PORT=BODY redirect:PORT=PATH ...   BODY: HOST is the host's name
                 udp:ADDRESS:PORT=BODY                    where the host has several: answers come from the one that was asked
netexec.py ask http://A:P/PATH tcp://A:P udp://A:P udp://A:P/TEXT ...  prints what each answered as JSON, null for nothing
                                                                  within 2 s; TEXT comes back, as does /echo/TEXT by http
"""
import http.client
import http.server
import json
import signal
import socket
import socketserver
import ssl
import sys
import threading
import urllib.parse

SECONDS = 2
TOLD_TO_END = threading.Event()


# ---- from outside ----

def container(name, *arguments, tools="tools", **more):
    """A container that runs this file; the pod needs volumes()."""
    mounts = [("usr", "/usr"), ("lib", "/lib"), ("lib64", "/lib64"), (tools, "/tools")]
    return {"name": name, "image": "busybox:1.36", "imagePullPolicy": "IfNotPresent",
            "command": ["/usr/bin/python3", "-u", "/tools/netexec.py", *arguments],
            "volumeMounts": [{"name": n, "mountPath": path, "readOnly": True} for n, path in mounts], **more}


def volumes(tools="tools"):
    """The machine's programs, and the ConfigMap `tools` with this file (and tls.pem, where TLS is served)."""
    return [*({"name": n, "hostPath": {"path": path}} for n, path in (("usr", "/usr"), ("lib", "/usr/lib"), ("lib64", "/usr/lib64"))),
            {"name": tools, "configMap": {"name": tools}}]


# ---- in a pod ----

class Answer(http.server.BaseHTTPRequestHandler):
    """Any method on any path; /clientip says who asks; /readyz is 503 once the pod was told to end, which it doesn't do."""
    protocol_version = "HTTP/1.1"

    def answer(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        kind, body = self.server.says
        if kind == "json":
            body = json.dumps({"Method": self.command, "Body": body})
        elif self.path == "/clientip":
            body = self.client_address[0]
        elif self.path.startswith("/echo/"):
            body = self.path[6:]
        ended = self.path == "/readyz" and TOLD_TO_END.is_set()
        self.send_response(301 if kind == "redirect" else 503 if ended else 200)
        if kind == "redirect":
            self.send_header("Location", body)
        self.send_header("Content-Type", "text/html" if body.startswith("<") else "text/plain")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body.encode())

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = answer


class WebServer(http.server.ThreadingHTTPServer):
    request_queue_size = 128
    address_family = socket.AF_INET6


class UdpAnswer(socketserver.BaseRequestHandler):
    def handle(self):
        self.request[1].sendto(self.request[0] or self.server.says[1].encode(), self.client_address)


class UdpServer(socketserver.UDPServer):
    address_family = socket.AF_INET6
    max_packet_size = 65536


def serve(*words):
    signal.signal(signal.SIGTERM, lambda *_: TOLD_TO_END.set())
    for word in words:
        where, _, body = word.partition("=")
        kind, _, place = where.partition(":")
        address, _, port = place.rpartition(":")
        place = ("::ffff:" + address if address else "::", int(port))
        server = UdpServer(place, UdpAnswer) if kind == "udp" else WebServer(place, Answer)
        server.says = kind, body.replace("HOST", socket.gethostname())
        if kind == "tls":
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain("/tools/tls.pem")
            server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever).start()


def ask_one(url):
    parts = urllib.parse.urlsplit(url)
    try:
        if parts.scheme == "http":
            connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=SECONDS)
            connection.request("GET", parts.path or "/")
            return connection.getresponse().read().decode()
        if parts.scheme == "udp":
            with socket.socket(socket.AF_INET6 if ":" in parts.hostname else socket.AF_INET, socket.SOCK_DGRAM) as asker:
                asker.settimeout(SECONDS)
                asker.connect((parts.hostname, parts.port))
                asker.send(parts.path[1:].encode())
                return asker.recv(65536).decode()
        with socket.create_connection((parts.hostname, parts.port), timeout=SECONDS):
            return "connected"
    except (OSError, http.client.HTTPException):
        return None


def ask(*urls):
    answers = [None] * len(urls)

    def one(i):
        answers[i] = ask_one(urls[i])
    threads = [threading.Thread(target=one, args=(i,)) for i in range(len(urls))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print(json.dumps(answers))


if __name__ == "__main__":
    {"serve": serve, "ask": ask}[sys.argv[1]](*sys.argv[2:])
