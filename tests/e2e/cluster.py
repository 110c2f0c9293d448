"""A cluster of the tests' own: one `tiphys server` process with its own data folder, ports and bridge."""
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
TIPHYS = os.environ.get("TIPHYS", str(ROOT / "build/release/src/main/tiphys"))
KUBECTL = str(ROOT / "build/bin/kubectl")
HELM = str(ROOT / "build/bin/helm")


# Which cluster numbers are this run's: those from TIPHYS_E2E_NUMBER on, WORKER_NUMBERS for each pytest process.
WORKER_NUMBERS = 10
FIRST_NUMBER = int(os.environ.get("TIPHYS_E2E_NUMBER", "0")) + WORKER_NUMBERS * int(
    os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(condition, seconds, what):
    """Polls until condition() is true and returns it; fails after `seconds`."""
    deadline = time.monotonic() + seconds
    last = None
    while time.monotonic() < deadline:
        try:
            last = condition()
            if last:
                return last
        except (subprocess.CalledProcessError, json.JSONDecodeError, OSError) as error:
            last = error
        time.sleep(0.1)
    raise AssertionError(f"no {what} after {seconds} s: {last}")


class Cluster:
    """number: picks the address ranges and the bridge name, so that several run side by side, 0 to 9; FIRST_NUMBER
    is added to it, so that runs of several work trees and several pytest processes do."""

    def __init__(self, folder, number):
        self.folder = pathlib.Path(folder)
        self.data = self.folder / "data"
        self.data.mkdir(parents=True, exist_ok=True)
        self.kubeconfig = self.folder / "admin.conf"
        self.log = self.folder / "server.log"
        self.port = free_port()
        self.kubelet_port = free_port()
        self.number = number + FIRST_NUMBER
        self.bridge = f"tiphyst{self.number}"
        self.cgroup_root = f"/{self.bridge}"
        self.process = None
        self.prefix = []  # words before each kubectl: where it runs

    def command(self):
        return [TIPHYS, *self.arguments()]

    def arguments(self):
        base = 60 + 2 * self.number
        return [
            "server", "--data-dir", str(self.data), "--secure-port", str(self.port),
            "--kubelet-port", str(self.kubelet_port), "--bridge-name", self.bridge,
            "--cgroup-root", self.cgroup_root, "--cluster-cidr", f"10.{base}.0.0/16",
            "--service-cluster-ip-range", f"10.{base + 1}.0.0/16",
            "--cluster-dns", f"10.{base + 1}.0.10",
            "--node-name", f"node{self.number}", "--write-kubeconfig", str(self.kubeconfig),
            "--enable-bootstrap-token-auth",
        ]

    def start(self, ready=True):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(self.command(), stdout=log, stderr=log,
                                            stdin=subprocess.DEVNULL, start_new_session=True)
        if ready:
            self.wait_ready()
        return self

    def wait_ready(self, seconds=60):
        def node_ready():
            assert self.process.poll() is None, "server ended:\n" + self.tail()
            if not self.kubeconfig.exists():
                return False
            nodes = self.get("nodes")["items"]
            return any(c["type"] == "Ready" and c["status"] == "True"
                       for n in nodes for c in n["status"].get("conditions", []))
        try:
            wait_for(node_ready, seconds, "Ready node")
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.tail()}") from None

    def tail(self, lines=40):
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(10)

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.kill()
                raise AssertionError("no orderly stop within 30 s:\n" + self.tail()) from None
        return self.process.returncode if self.process else None

    def purge(self):
        self.stop()
        subprocess.run([TIPHYS, "purge", "--data-dir", str(self.data), "--bridge-name", self.bridge,
                        "--cgroup-root", self.cgroup_root], check=True, capture_output=True, text=True, timeout=120)
        shutil.rmtree(self.data, ignore_errors=True)

    # ---- kubectl ----

    def helm(self, *arguments, timeout=120):
        """What helm printed on standard output."""
        done = subprocess.run([HELM, "--kubeconfig", str(self.kubeconfig), *arguments], capture_output=True,
                              text=True, timeout=timeout, check=False)
        assert done.returncode == 0, f"helm {' '.join(arguments)}: {done.stdout}{done.stderr}"
        return done.stdout

    def kubectl(self, *arguments, check=True, timeout=120, stdin=None):
        done = subprocess.run(
            [*self.prefix, KUBECTL, "--kubeconfig", str(self.kubeconfig),
             "--cache-dir", str(self.folder / "cache"), *arguments],
            capture_output=True, text=True, timeout=timeout, input=stdin, check=False)
        if check and done.returncode != 0:
            raise AssertionError(f"kubectl {' '.join(arguments)}: exit {done.returncode}\n"
                                 f"{done.stdout}{done.stderr}")
        return done

    def out(self, *arguments, **named):
        return self.kubectl(*arguments, **named).stdout

    def get(self, what, namespace=None, name=None):
        arguments = ["get", what, "-o", "json"]
        if name:
            arguments.insert(2, name)
        if namespace:
            arguments += ["-n", namespace]
        done = self.kubectl(*arguments, check=False, timeout=20)
        if done.returncode != 0:
            raise subprocess.CalledProcessError(done.returncode, arguments, done.stdout, done.stderr)
        return json.loads(done.stdout)

    def raw(self, path):
        return json.loads(self.out("get", "--raw", path))
