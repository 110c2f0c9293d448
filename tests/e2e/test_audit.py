"""The audit log: kubectl against an API server with a policy, and what it finds in the file."""
import gzip
import json
import time

import pytest

from api_server import ApiServer

POLICY = """
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- level: None
  nonResourceURLs: ["/readyz*", "/livez*", "/openapi*", "/api*"]
- level: None
  verbs: [get, list]
- level: Metadata
  resources: [{group: "", resources: [secrets]}]
- level: RequestResponse
  omitManagedFields: true
"""
POD = """
apiVersion: v1
kind: Pod
metadata: {name: one, namespace: audited}
spec: {hostNetwork: true, containers: [{name: main, image: "example.com/app:1"}]}
"""


class AuditedServer(ApiServer):
    def __init__(self, folder, *flags, policy=POLICY):
        super().__init__(folder)
        self.flags = flags
        self.audit = self.folder / "audit.log"
        (self.folder / "policy.yaml").write_text(policy)

    def arguments(self):
        return super().arguments() + ["--audit-policy-file", str(self.folder / "policy.yaml"),
                                      "--audit-log-path", str(self.audit), *self.flags]

    def events(self):
        return [json.loads(line) for line in self.audit.read_text().splitlines()]


@pytest.fixture
def audited(tmp_path):
    server = AuditedServer(tmp_path).start()
    try:
        yield server
    finally:
        assert server.stop() == 0


def test_kubectl_leaves_its_trace(audited):
    audited.kubectl("create", "namespace", "audited")
    audited.kubectl("label", "namespace", "audited", "pod-security.kubernetes.io/audit=restricted",
                    "pod-security.kubernetes.io/enforce=privileged")
    audited.kubectl("apply", "-f", "-", text=POD)
    audited.kubectl("-n", "audited", "create", "secret", "generic", "hidden", "--from-literal=a=b")
    audited.kubectl("-n", "audited", "get", "pods")
    events = audited.events()
    assert {event["stage"] for event in events} == {"ResponseComplete"}
    assert {event["user"]["username"] for event in events} == {"admin"}
    assert not any(event["verb"] in ("get", "list") for event in events)
    pod = next(event for event in events if event["objectRef"]["resource"] == "pods")
    assert pod["level"] == "RequestResponse" and pod["verb"] == "create" and pod["sourceIPs"] == ["127.0.0.1"]
    assert pod["userAgent"].startswith("kubectl/") and pod["responseStatus"]["code"] == 201
    assert pod["objectRef"] == {"resource": "pods", "namespace": "audited", "name": "one", "apiVersion": "v1"}
    assert pod["requestObject"]["spec"]["hostNetwork"] is True
    assert pod["responseObject"]["metadata"]["uid"] and "managedFields" not in pod["responseObject"]["metadata"]
    notes = pod["annotations"]
    assert notes["authorization.k8s.io/decision"] == "allow"
    assert notes["pod-security.kubernetes.io/enforce-policy"] == "privileged:latest"
    assert notes["pod-security.kubernetes.io/audit-violations"].startswith(
        'would violate PodSecurity "restricted:latest": host namespaces (hostNetwork=true)')
    secret = next(event for event in events if event["objectRef"]["resource"] == "secrets")
    assert secret["level"] == "Metadata" and "requestObject" not in secret and "responseObject" not in secret
    assert audited.audit.stat().st_mode & 0o777 == 0o600


def test_full_files_are_put_aside(tmp_path):
    server = AuditedServer(tmp_path, "--audit-log-maxsize=1", "--audit-log-maxbackup=2", "--audit-log-compress",
                           "--audit-log-mode=batch").start()
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"generateName": "big-"},
            "data": {"text": "x" * 200_000}}
    for _ in range(10):
        assert server.request("POST", "/api/v1/namespaces/default/configmaps", body)[0] == 201
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        backups = sorted(tmp_path.glob("audit-*"))
        if len(backups) == 2 and all(path.name.endswith(".log.gz") for path in backups):
            break
        time.sleep(0.05)
    assert len(backups) == 2 and all(path.name.endswith(".log.gz") for path in backups), backups
    assert server.stop() == 0
    lines = gzip.decompress(backups[-1].read_bytes()).splitlines()
    assert all(json.loads(line)["kind"] == "Event" for line in lines) and lines
    assert server.events()


def test_legacy_lines(tmp_path):
    server = AuditedServer(tmp_path, "--audit-log-format=legacy").start()
    server.kubectl("create", "namespace", "a")
    assert server.stop() == 0
    lines = server.audit.read_text().splitlines()
    assert len(lines) == 1 and ' AUDIT: id="' in lines[0]
    assert 'method="create" user="admin" groups="\\"system:masters\\"' in lines[0]
    assert lines[0].endswith('response="201"')


@pytest.mark.parametrize("policy, flags, message", [
    (POLICY.replace("level: Metadata", "level: All"), [],
     'loading audit policy file: rules[2].level: Unsupported value: "All"'),
    (POLICY, ["--audit-log-mode=never"], "invalid audit log mode never"),
    (POLICY, ["--audit-webhook-config-file=x"], "unknown flag: --audit-webhook-config-file"),
])
def test_wrong_settings_are_told(tmp_path, policy, flags, message):
    server = AuditedServer(tmp_path, *flags, policy=policy)
    with pytest.raises(AssertionError) as refused:
        server.start()
    assert message in str(refused.value)
