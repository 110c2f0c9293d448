#!/usr/bin/env python3
"""./dev bench smoke: the first budgets of the design, measured on this machine.

Starts an API server of its own (own folder and port, TLS), loads it with h2load and prints each
figure with its goal, and beside it what a peer did in the same run: nginx serving the same bytes
over TLS for reads, etcd's durable puts of the same bytes for writes. With --node it also starts a
whole node and measures its idle memory. Timing decides nothing: the exit code is 0 unless something
failed to run.
"""
import atexit
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
TIPHYS = os.environ.get("TIPHYS", str(ROOT / "build/release/src/main/tiphys"))
TOKEN = "benchtoken"
POD = {"apiVersion": "v1", "kind": "Pod", "metadata": {"generateName": "pod-", "labels": {"app": "bench"}},
       "spec": {"schedulerName": "none", "containers": [
           {"name": "nginx", "image": "nginx:1.7.9", "ports": [{"containerPort": 80}],
            "env": [{"name": "A", "value": "b"}],
            "resources": {"requests": {"cpu": "10m", "memory": "16Mi"}}}]}}

INSECURE = ssl.create_default_context()
INSECURE.check_hostname = False
INSECURE.verify_mode = ssl.CERT_NONE


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def resident_mb(pid):
    text = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+)", text).group(1)) / 1024


def row(what, value, goal, peer=""):
    print(f"{what:<52}{value:>14}   goal {goal:<14}{peer}", flush=True)


def launch(command, log):
    """A process that doesn't outlive a bench that fails."""
    process = subprocess.Popen(command, stdout=log, stderr=log)
    atexit.register(process.kill)
    return process


class ApiServer:
    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.port = free_port()
        self.base = f"https://127.0.0.1:{self.port}"
        (self.folder / "tokens.csv").write_text(f'{TOKEN},admin,admin,"system:masters"\n')
        self.process = None
        self.arguments = []  # more flags

    def start(self):
        """Returns the seconds from process start to a 200 of /readyz."""
        started = time.monotonic()
        with open(self.folder / "log", "ab") as log:
            self.process = launch(
                [TIPHYS, "kube-apiserver", "--data-dir", str(self.folder / "data"), "--secure-port",
                 str(self.port), "--bind-address", "127.0.0.1", "--token-auth-file",
                 str(self.folder / "tokens.csv"), "--service-cluster-ip-range=10.43.0.0/16",
                 "--authorization-mode=Node,RBAC",
                 *(self.arguments or ["--disable-admission-plugins=ServiceAccount"])], log)
        while time.monotonic() - started < 30:
            if self.process.poll() is not None:
                break
            try:
                with urllib.request.urlopen(self.base + "/readyz", timeout=5, context=INSECURE) as answer:
                    if answer.status == 200:
                        return time.monotonic() - started
            except OSError:
                time.sleep(0.001)
        raise SystemExit("no /readyz:\n" + (self.folder / "log").read_text()[-2000:])

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(30)

    def call(self, method, path, body=None):
        request = urllib.request.Request(
            self.base + path, method=method, data=json.dumps(body).encode() if body else None,
            headers={"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=120, context=INSECURE) as answer:
            return answer.read()


def h2load(url, *arguments):
    """Requests a second, and the share of 2xx answers."""
    done = subprocess.run(["h2load", "-t", "1", *arguments, url], capture_output=True, text=True,
                          timeout=300, check=True)
    rate = float(re.search(r"([\d.]+) req/s", done.stdout).group(1))
    good = int(re.search(r"status codes: (\d+) 2xx", done.stdout).group(1))
    total = int(re.search(r"requests: (\d+) total", done.stdout).group(1))
    if good != total:
        print(f"  only {good} of {total} answers were 2xx: {url}", flush=True)
    return rate


def nginx_reads(folder, body):
    """The same bytes from nginx over TLS and HTTP/2, one worker."""
    folder = pathlib.Path(folder) / "nginx"
    (folder / "www").mkdir(parents=True)
    (folder / "www/pod").write_bytes(body)
    port = free_port()
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                    "-nodes", "-keyout", str(folder / "key.pem"), "-out", str(folder / "cert.pem"),
                    "-days", "1", "-subj", "/CN=localhost"], check=True, capture_output=True)
    (folder / "nginx.conf").write_text(f"""
user root; daemon off; worker_processes 1; pid {folder}/pid; error_log {folder}/error.log;
events {{ worker_connections 1024; }}
http {{ access_log off; keepalive_requests 100000000; client_body_temp_path {folder}/t1; proxy_temp_path {folder}/t2;
  fastcgi_temp_path {folder}/t3; uwsgi_temp_path {folder}/t4; scgi_temp_path {folder}/t5;
  server {{ listen 127.0.0.1:{port} ssl http2; ssl_certificate {folder}/cert.pem;
    ssl_certificate_key {folder}/key.pem; root {folder}/www; }} }}
""")
    process = subprocess.Popen(["nginx", "-c", str(folder / "nginx.conf")], stderr=subprocess.DEVNULL)
    try:
        for _ in range(200):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.02)
        return h2load(f"https://127.0.0.1:{port}/pod", "-n", "60000", "-c", "16", "-m", "10")
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(10)


def etcd_writes(folder, size):
    """Durable puts of `size` bytes on 16 connections through etcd's own HTTP gateway."""
    if not shutil.which("etcd"):
        return None
    port, peer = free_port(), free_port()
    process = subprocess.Popen(
        ["etcd", "--data-dir", f"{folder}/etcd", "--listen-client-urls", f"http://127.0.0.1:{port}",
         "--advertise-client-urls", f"http://127.0.0.1:{port}", "--listen-peer-urls",
         f"http://127.0.0.1:{peer}", "--initial-advertise-peer-urls", f"http://127.0.0.1:{peer}",
         "--initial-cluster", f"default=http://127.0.0.1:{peer}", "--log-level", "error"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(500):
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=1).close()
                break
            except OSError:
                time.sleep(0.02)
        body = pathlib.Path(folder) / "put.json"
        body.write_text(json.dumps({"key": "Zm9v", "value": "A" * (size * 4 // 3 // 4 * 4)}))
        return h2load(f"http://127.0.0.1:{port}/v3/kv/put", "--h1", "-n", "10000", "-c", "16", "-d", str(body))
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(10)


def measure_server(folder):
    server = ApiServer(folder)
    first = server.start()
    server.stop()
    starts = []
    for _ in range(5):
        starts.append(server.start())
        if _ < 4:
            server.stop()
    row("process start to /readyz, median of 5", f"{sorted(starts)[2]:.3f} s", "0.3 s",
        f"(first start ever {first:.2f} s)")
    row("API server with store, idle resident", f"{resident_mb(server.process.pid):.1f} MB", "20 MB")
    server.call("POST", "/api/v1/namespaces/default/serviceaccounts",
                {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default"}})
    server.call("POST", "/api/v1/namespaces/default/pods",
                {**POD, "metadata": {"name": "one", "labels": {"app": "one"}}})
    body = server.call("GET", "/api/v1/namespaces/default/pods/one")
    pod_file = server.folder / "pod.json"
    pod_file.write_text(json.dumps(POD))
    headers = ["-H", f"Authorization: Bearer {TOKEN}"]

    gets = h2load(server.base + "/api/v1/namespaces/default/pods/one", "-n", "100000", "-c", "16",
                  "-m", "10", *headers)
    peer = nginx_reads(server.folder, body)
    row("get one pod over TLS, HTTP/2, 16 connections", f"{gets:.0f}/s", "20,000/s",
        f"nginx, same bytes: {peer:.0f}/s, ratio {gets / peer:.2f}")

    before = resident_mb(server.process.pid)
    pods = server.base + "/api/v1/namespaces/default/pods"
    creates = h2load(pods, "-n", "10000", "-c", "16", "-m", "1", "-d", str(pod_file),
                     "-H", "Content-Type: application/json", *headers)
    after = resident_mb(server.process.pid)
    peer = etcd_writes(server.folder, 1200)
    row("durable pod creates over TLS, 16 connections", f"{creates:.0f}/s", "5,000/s",
        f"etcd puts of 1,200 bytes, no TLS: {peer:.0f}/s, ratio {creates / peer:.2f}" if peer else "")
    row("resident memory a pod, 10,000 pods", f"{(after - before) * 1024 / 10000:.1f} KB", "12 KB")
    lists = h2load(pods + "?limit=500", "-n", "300", "-c", "4", "-m", "1", *headers)
    row("list 500 pods", f"{lists:.0f}/s", "1,000/s (design)")
    server.stop()


def measure_node(folder):
    sys.path.insert(0, str(ROOT / "tests/e2e"))
    from cluster import Cluster  # pylint: disable=import-outside-toplevel
    one = Cluster(folder, 9)
    images = ROOT / "build/e2e/images"
    images.mkdir(parents=True, exist_ok=True)
    subprocess.run([sys.executable, str(ROOT / "tests/images/make_image.py"), "--all", str(images)], check=True)
    (one.data / "images").mkdir()
    for image in images.glob("*.tar"):
        (one.data / "images" / image.name).symlink_to(image)
    try:
        one.start()
        one.stop()
        started = time.monotonic()
        one.start()
        row("whole node: start to node Ready (kubectl)", f"{time.monotonic() - started:.2f} s", "")
        manifest = str(ROOT / "tests/e2e/manifests/nginx-deployment.yaml")
        started = time.monotonic()
        one.kubectl("apply", "-f", manifest)
        one.kubectl("rollout", "status", "deployment/nginx-deployment", "--timeout=60s")
        row("apply to available, 2 replicas (two kubectl runs)", f"{time.monotonic() - started:.2f} s", "1.14 s (v1.24)")
        one.kubectl("delete", "-f", manifest)
        time.sleep(20)  # idle
        def ticks():
            parts = pathlib.Path(f"/proc/{one.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
            return int(parts[11]) + int(parts[12])
        before = ticks()
        time.sleep(20)
        row("whole node, idle resident (containerd apart)", f"{resident_mb(one.process.pid):.1f} MB", "60 MB")
        row("whole node, idle CPU", f"{(ticks() - before) / 20:.2f} %", "0.2 % (design)")
    finally:
        one.purge()


def main():
    if subprocess.run(["which", "h2load"], capture_output=True, check=False).returncode != 0:
        raise SystemExit("h2load is missing (package nghttp2-client)")
    with tempfile.TemporaryDirectory(prefix="tiphys-bench-") as folder:
        stripped = pathlib.Path(folder) / "stripped"
        subprocess.run(["strip", "-o", str(stripped), TIPHYS], check=True)
        row("binary, stripped", f"{stripped.stat().st_size / 1e6:.1f} MB", "25 MB")
        measure_server(folder)
    if "--node" in sys.argv:
        with tempfile.TemporaryDirectory(prefix="tiphys-bench-") as folder:
            measure_node(folder)


if __name__ == "__main__":
    main()
