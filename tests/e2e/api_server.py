"""An API server alone (`tiphys kube-apiserver`), as ../shared/golden/README.md starts it."""
import http.client
import json
import pathlib
import signal
import ssl
import subprocess
import time

from cluster import KUBECTL, TIPHYS, free_port

TOKEN = "admintoken"


def insecure():
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


class ApiServer:
    def __init__(self, folder, data=None):
        self.folder = pathlib.Path(folder)
        self.data = pathlib.Path(data or self.folder / "data")
        self.port = free_port()
        self.log = self.folder / "apiserver.log"
        self.process = None
        (self.folder / "tokens.csv").write_text(f'{TOKEN},admin,admin,"system:masters"\n')

    def arguments(self):
        return [TIPHYS, "kube-apiserver", "--data-dir", str(self.data), "--secure-port", str(self.port),
                "--bind-address", "127.0.0.1", "--token-auth-file", str(self.folder / "tokens.csv"),
                "--service-cluster-ip-range=10.43.0.0/16", "--authorization-mode=Node,RBAC",
                "--allow-privileged", "--disable-admission-plugins=ServiceAccount"]

    def start(self):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(self.arguments(), stdout=log, stderr=log)
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            assert self.process.poll() is None, self.log.read_text()
            try:
                if self.request("GET", "/readyz", token=None)[0] == 200:
                    return self
            except OSError:
                time.sleep(0.02)
        raise AssertionError("not ready: " + self.log.read_text()[-2000:])

    def kubeconfig(self):
        """A kubeconfig file of the user in system:masters."""
        path = self.folder / "kubeconfig"
        text = json.dumps({
            "apiVersion": "v1", "kind": "Config", "current-context": "it",
            "clusters": [{"name": "it", "cluster": {"server": f"https://127.0.0.1:{self.port}",
                                                    "insecure-skip-tls-verify": True}}],
            "users": [{"name": "it", "user": {"token": TOKEN}}],
            "contexts": [{"name": "it", "context": {"cluster": "it", "user": "it"}}]})
        # Never half written: a component may be reading it.
        if not path.exists() or path.read_text() != text:
            fresh = path.with_suffix(".new")
            fresh.write_text(text)
            fresh.chmod(0o600)
            fresh.rename(path)
        return path

    def run(self, *command, text=None, check=True, timeout=60, **variables):
        """Runs a client program with our kubeconfig and a home folder of its own."""
        environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": str(self.folder),
                       "KUBECONFIG": str(self.kubeconfig()), **variables}
        done = subprocess.run([str(part) for part in command], input=text, capture_output=True, text=True,
                              timeout=timeout, check=False, env=environment)
        if check:
            assert done.returncode == 0, f"{command[1:]}: {done.stdout}{done.stderr}"
        return done

    def kubectl(self, *arguments, binary=KUBECTL, **options):
        """What kubectl printed on standard output."""
        return self.run(binary, *arguments, **options).stdout

    def refused(self, *arguments, binary=KUBECTL, **options):
        """Both outputs of a kubectl that has to fail."""
        done = self.run(binary, *arguments, check=False, **options)
        assert done.returncode != 0, done.stdout
        return done.stdout + done.stderr

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(20)
        return self.process.returncode

    def request(self, method, path, body=None, content_type="application/json", token=TOKEN, timeout=30):
        connection = http.client.HTTPSConnection("127.0.0.1", self.port, timeout=timeout, context=insecure())
        headers = {"Content-Type": content_type} if body is not None else {}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        if isinstance(body, (dict, list)):
            body = json.dumps(body)
        connection.request(method, path, body=body, headers=headers)
        answer = connection.getresponse()
        data = answer.read()
        connection.close()
        try:
            return answer.status, json.loads(data)
        except ValueError:
            return answer.status, data.decode(errors="replace")

    def statuses(self, requests):
        """Those of requests (method, path, object) sent one after the other on one connection."""
        connection = http.client.HTTPSConnection("127.0.0.1", self.port, timeout=60, context=insecure())
        headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}
        for method, path, body in requests:
            connection.request(method, path, body=json.dumps(body), headers=headers)
            answer = connection.getresponse()
            answer.read()
            yield answer.status
        connection.close()
