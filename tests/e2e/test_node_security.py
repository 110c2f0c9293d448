"""Known failures of node agents (each test is named by its CVE), against a node with a real runtime. The cluster logs
all it has to say (-v 10): no credential may be in it."""
import base64
import json
import os
import pathlib
import ssl
import stat
import subprocess
import tempfile
import urllib.error
import urllib.request

import pytest

from cluster import Cluster, wait_for

NS = "t-security"
SLEEP = "exec sleep 1000"
PASSWORDS = {"registry": "planted-registry-password", "malformed": "planted-malformed-password",
             "opaque": "planted-opaque-password"}


class LoudCluster(Cluster):
    def arguments(self):
        return [*super().arguments(), "-v", "10"]


@pytest.fixture(scope="module")
def node(images):
    with tempfile.TemporaryDirectory(prefix="tiphys-e2e-") as folder:
        one = LoudCluster(folder, 1)
        (one.data / "images").mkdir()
        (one.data / "images/busybox.tar").symlink_to(next(images.glob("busybox*.tar")))
        try:
            one.start()
            one.kubectl("create", "namespace", NS)
            yield one
        finally:
            one.purge()


def box(script, **more):
    return {"name": "c", "image": "busybox:1.36", "imagePullPolicy": "IfNotPresent",
            "command": ["/bin/sh", "-c", script], **more}


def create(node, name, container, **spec):
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": NS},
           "spec": {"restartPolicy": "Never", "terminationGracePeriodSeconds": 0, "containers": [container], **spec}}
    node.kubectl("create", "-f", "-", stdin=json.dumps(pod))


def state(node, name):
    found = node.get("pod", NS, name)["status"].get("containerStatuses") or [{}]
    return found[0].get("state", {})


def waits_for(node, name):
    return state(node, name).get("waiting", {}).get("reason")


def finished_log(node, name):
    wait_for(lambda: "terminated" in state(node, name), 60, f"end of {name}")
    return node.out("logs", "-n", NS, name)


def ask_kubelet(node, path):
    """As somebody without a certificate."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    try:
        url = f"https://127.0.0.1:{node.kubelet_port}{path}"
        with urllib.request.urlopen(url, context=context, timeout=10) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code


def ask_as_admin(node, path):
    done = node.kubectl("get", "--raw", f"/api/v1/nodes/node{node.number}/proxy{path}", check=False)
    assert done.returncode == 1, done.stdout
    return done.stderr


@pytest.mark.parametrize("path", ["/debug/pprof", "/debug/pprof/profile"])
def test_cve_2019_11248_nothing_is_told_for_debugging(node, path):
    assert ask_kubelet(node, path) == 401
    assert "NotFound" in ask_as_admin(node, path)


def test_cve_2019_11248_verbosity_is_not_for_strangers(node):
    assert ask_kubelet(node, "/debug/flags/v") == 401
    assert "unsupported http method" in ask_as_admin(node, "/debug/flags/v")


@pytest.mark.parametrize("query", ["?query=kubelet", "?query=a&pattern=%24(touch%20/var/log/t-query)"])
def test_cve_2024_9042_a_query_of_logs_is_no_command(node, query):
    """Queries are off by default: the folder is shown, as without one."""
    assert ask_kubelet(node, f"/logs/{query}") == 401
    shown = node.out("get", "--raw", f"/api/v1/nodes/node{node.number}/proxy/logs/{query}")
    assert "<pre>" in shown and not pathlib.Path("/var/log/t-query").exists()
    assert "t-query" not in shown


def test_cve_2024_9042_logs_are_those_of_their_folder(node):
    assert ask_kubelet(node, "/logs/../../etc/passwd") == 401
    assert "NotFound" in ask_as_admin(node, "/logs/../../etc/passwd")


def test_cve_2025_0426_no_checkpoints_for_strangers(node):
    for _ in range(20):
        assert ask_kubelet(node, f"/checkpoint/{NS}/x/c") == 401
    assert "MethodNotAllowed" in ask_as_admin(node, f"/checkpoint/{NS}/x/c")
    assert not list(node.data.rglob("checkpoint*"))


def test_cve_2024_5321_log_files_are_for_root_only_to_write(node):
    create(node, "writes", box("echo one"))
    assert finished_log(node, "writes") == "one\n"
    found = [path for path in (node.data / "log").rglob("*") if not path.is_symlink()]
    assert any(path.name.endswith(".log") for path in found)
    for path in found:
        assert not path.stat().st_mode & (stat.S_IWOTH | stat.S_IWGRP), path


def test_cve_2019_5736_no_file_of_the_host_is_open_in_a_container(node):
    create(node, "files", box("for f in /proc/self/fd/*; do readlink $f; done; readlink /proc/1/exe"))
    for line in finished_log(node, "files").splitlines():
        assert line.startswith(("pipe:", "/dev/null", "/proc/", "/bin/", "/usr/bin/busybox")), line


def test_cve_2024_21626_no_way_out_through_the_working_directory(node):
    for number in range(3, 10):
        create(node, f"cwd-{number}", box(f"(ls ../../..{node.data}; ls -d ../../../run/tiphys/*) 2>/dev/null; pwd",
                                          workingDir=f"/proc/self/fd/{number}"))
    for number in range(3, 10):
        def ended():
            now = state(node, f"cwd-{number}")
            refused = waits_for(node, f"cwd-{number}") in ("RunContainerError", "CreateContainerError")
            return now if "terminated" in now or refused else None
        now = wait_for(ended, 60, f"end of cwd-{number}")
        if "terminated" in now and now["terminated"]["reason"] in ("Completed", "Error"):
            shown = node.out("logs", "-n", NS, f"cwd-{number}")
            assert "containerd" not in shown and "run/tiphys/" not in shown, shown


def test_cve_2019_11245_never_as_root(node):
    create(node, "non-root", box(SLEEP), restartPolicy="Always", securityContext={"runAsNonRoot": True})
    wait_for(lambda: waits_for(node, "non-root") == "CreateContainerConfigError", 60, "refusal")
    node.kill()
    node.start()

    def refused_again():
        events = node.get("events", NS)["items"]
        return sum(e.get("count") or 1 for e in events if e["involvedObject"]["name"] == "non-root"
                   and "image will run as root" in e["message"]) >= 2
    wait_for(refused_again, 60, "second refusal")
    assert "running" not in state(node, "non-root")


def test_cve_2020_10749_router_advertisements_of_pods_are_not_heard(node):
    create(node, "up", box(SLEEP))
    wait_for(lambda: "running" in state(node, "up"), 60, "running pod")
    heard = pathlib.Path(f"/proc/sys/net/ipv6/conf/{node.bridge}/accept_ra")
    ports = [entry.name for entry in pathlib.Path(f"/sys/class/net/{node.bridge}/brif").iterdir()]
    assert ports
    if not heard.exists():
        pytest.skip("no IPv6 here")
    for name in [node.bridge, *ports]:
        assert pathlib.Path(f"/proc/sys/net/ipv6/conf/{name}/accept_ra").read_text().strip() == "0", name


def secret(name, kind, data):
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "namespace": NS}, "type": kind,
            "data": {key: base64.b64encode(value.encode()).decode() for key, value in data.items()}}


def test_cve_2019_11250_and_2020_8563_to_8566_and_2023_2878_no_credential_is_logged(node):
    login = {"auths": {"registry.invalid": {"username": "u", "password": PASSWORDS["registry"]}}}
    broken = f'{{"registry.invalid": {{"username": "u", "password": "{PASSWORDS["malformed"]}"'
    objects = [secret("registry", "kubernetes.io/dockerconfigjson", {".dockerconfigjson": json.dumps(login)}),
               secret("malformed", "Opaque", {".dockercfg": broken}),
               secret("opaque", "Opaque", {"password": PASSWORDS["opaque"]})]
    node.kubectl("create", "-f", "-", stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": objects}))
    pulls = [{"name": "malformed"}, {"name": "registry"}]
    create(node, "pulls", {"name": "c", "image": "registry.invalid/a:1"}, imagePullSecrets=pulls)
    env = [{"name": "P", "valueFrom": {"secretKeyRef": {"name": "opaque", "key": "password"}}}]
    create(node, "token", box("cat /var/run/secrets/kubernetes.io/serviceaccount/token; echo; " + SLEEP, env=env))
    token = wait_for(lambda: node.kubectl("logs", "-n", NS, "token", check=False).stdout.strip(), 60, "token")
    asked = node.out("create", "token", "-n", NS, "default").strip()
    wait_for(lambda: waits_for(node, "pulls") in ("ErrImagePull", "ImagePullBackOff"), 60, "pull")
    config = json.loads(node.out("config", "view", "--raw", "-o", "json"))
    key = config["users"][0]["user"].get("client-key-data", "no key")
    assert token.count(".") == 2 and asked.count(".") == 2
    planted = [*PASSWORDS.values(), token, token.split(".")[2], asked, asked.split(".")[2], key]
    planted += [base64.b64encode(word.encode()).decode() for word in PASSWORDS.values()]
    logs = [node.log] + [path for path in node.data.rglob("*.log") if "/log/pods/" not in str(path)]
    events = node.out("get", "events", "-A", "-o", "json")
    for word in planted:
        assert word not in events
        for log in logs:
            assert word not in log.read_text(errors="replace"), f"{word} in {log}"


def test_cve_2021_25743_escapes_in_texts_are_shown_not_obeyed(node):
    event = {"apiVersion": "v1", "kind": "Event", "metadata": {"name": "ansi", "namespace": NS},
             "involvedObject": {"kind": "Pod", "name": "up", "namespace": NS}, "reason": "R", "type": "Normal",
             "message": "\x1b[31mred\x1b[2J"}
    node.kubectl("create", "-f", "-", stdin=json.dumps(event))
    for command in (["get", "events"], ["describe", "event", "ansi"], ["events"]):
        assert "\x1b" not in node.out(*command, "-n", NS), command
    # Our own log quotes what it names: a file can be looked at without fear.
    node.kubectl("get", "--raw", "/api/v1/namespaces/%1b[31m/pods", check=False)
    assert "\x1b" not in node.log.read_text(errors="replace")


def test_cve_2023_3676_no_shell_string_is_made_of_a_manifest(node):
    """Names and paths with what a shell would obey."""
    victim = node.folder / "touched"
    paths = [f"a;touch {victim}", f"$(touch {victim})", f"a&touch {victim}", f"`touch {victim}`"]
    mounts = [{"name": "v", "mountPath": f"/m{i}", "subPath": path} for i, path in enumerate(paths)]
    create(node, "shell", box("ls /m0", volumeMounts=mounts), volumes=[{"name": "v", "emptyDir": {}}])
    finished_log(node, "shell")
    done = subprocess.run(["grep", "-rnE", r"\b(system|popen|wordexp)\(|/bin/sh|\"sh\", *\"-c\"", "src",
                           "--include=*.cc", "--include=*.h"], capture_output=True, text=True, check=False,
                          cwd=pathlib.Path(__file__).resolve().parents[2])
    assert not [line for line in done.stdout.splitlines() if "_test.cc" not in line]
    assert not victim.exists() and not os.path.lexists("touched")
