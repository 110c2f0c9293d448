"""kubectl v1.35 against an API server alone, and v1.27 as an older client."""
import base64
import json
import subprocess

import pytest

from cluster import KUBECTL, ROOT

OLD_KUBECTL = str(ROOT / "build/bin/kubectl-1.27")
DEPLOYMENT = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, labels: {app: web}}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - {name: main, image: "example.com/app:1", ports: [{containerPort: 80}]}
      - {name: side, image: "example.com/side:1"}
"""
POD = """
apiVersion: v1
kind: Pod
metadata: {name: one, labels: {app: one}}
spec: {containers: [{name: main, image: "example.com/app:1"}]}
"""


def get(api, ns, *what):
    return json.loads(api.kubectl("-n", ns, "get", *what, "-o", "json"))


@pytest.fixture
def web(api, ns):
    api.kubectl("-n", ns, "apply", "-f", "-", text=DEPLOYMENT)
    return ns


def test_cluster_info_and_versions(api):
    assert f"is running at https://127.0.0.1:{api.port}" in api.kubectl("cluster-info")
    version = json.loads(api.kubectl("version", "-o", "json"))
    assert version["serverVersion"]["major"] == "1" and version["serverVersion"]["minor"] == "35"
    assert "apps/v1\n" in api.kubectl("api-versions")
    assert "[+]ping ok" in api.kubectl("get", "--raw", "/readyz?verbose")
    assert '\nkubernetes_healthcheck{name="ping",type="readyz"} 1\n' in api.kubectl("get", "--raw", "/metrics/slis")
    assert 'kubernetes_build_info{' in api.kubectl("get", "--raw", "/metrics")


def test_api_resources(api):
    lines = api.kubectl("api-resources", "-o", "wide").splitlines()
    rows = {(line.split()[0], line.split("  ")[-1].strip()): line for line in lines}
    assert len(rows) > 50
    deployments = next(line for line in lines if line.startswith("deployments "))
    assert deployments.split()[1:5] == ["deploy", "apps/v1", "true", "Deployment"]
    assert "create,delete,deletecollection,get,list,patch,update,watch" in deployments
    namespaced = api.kubectl("api-resources", "--namespaced=false", "-o", "name").split()
    assert "nodes" in namespaced and "pods" not in namespaced
    assert "pods" in api.kubectl("api-resources", "--categories=all", "-o", "name").split()


def test_explain(api):
    text = api.kubectl("explain", "deployment.spec.strategy.rollingUpdate.maxSurge")
    assert "GROUP:      apps" in text and "KIND:       Deployment" in text
    assert "FIELD: maxSurge <IntOrString>" in text
    text = api.kubectl("explain", "pod.spec.containers")
    assert "FIELD: containers <[]Container>" in text and "-required-" in text
    assert "imagePullPolicy\t<string>" in text and "enum: Always, IfNotPresent, Never" in text
    old = api.kubectl("explain", "hpa", "--api-version=autoscaling/v1")
    assert "VERSION:    v1" in old and "HorizontalPodAutoscaler" in old
    assert 'field "nothing" does not exist' in api.refused("explain", "pod.spec.nothing")


@pytest.mark.parametrize("kind", ["pod", "deployment", "hpa", "networkpolicy", "pv", "customresourcedefinition"])
def test_explain_recursive(api, kind):
    text = api.kubectl("explain", kind, "--recursive")
    assert "metadata\t<ObjectMeta>" in text and "managedFields\t<[]ManagedFieldsEntry>" in text
    assert "spec\t<" in text and len(text.splitlines()) > 60


def test_apply_merges_and_prunes(api, ns):
    assert api.kubectl("-n", ns, "apply", "-f", "-", text=DEPLOYMENT) == "deployment.apps/web created\n"
    assert api.kubectl("-n", ns, "apply", "-f", "-", text=DEPLOYMENT) == "deployment.apps/web unchanged\n"
    # Another one's change stays, what is no more in the file goes.
    api.kubectl("-n", ns, "scale", "deployment/web", "--replicas=5")
    api.kubectl("-n", ns, "annotate", "deployment/web", "kept=yes")
    changed = DEPLOYMENT.replace("  replicas: 2\n", "").replace(
        ', ports: [{containerPort: 80}]', ', env: [{name: A, value: "1"}]').replace(
        '      - {name: side, image: "example.com/side:1"}\n', "")
    assert api.kubectl("-n", ns, "apply", "-f", "-", text=changed) == "deployment.apps/web configured\n"
    after = get(api, ns, "deployment/web")
    containers = after["spec"]["template"]["spec"]["containers"]
    assert [c["name"] for c in containers] == ["main"] and "ports" not in containers[0]
    assert containers[0]["env"] == [{"name": "A", "value": "1"}]
    assert after["metadata"]["annotations"]["kept"] == "yes"
    assert after["spec"]["replicas"] == 1


def test_apply_server_side_after_client_side(api, web):
    out = api.kubectl("-n", web, "apply", "--server-side", "-f", "-", text=DEPLOYMENT)
    assert out == "deployment.apps/web serverside-applied\n"
    managers = get(api, web, "deployment/web", "--show-managed-fields")["metadata"]["managedFields"]
    assert ("kubectl", "Apply") in {(m["manager"], m["operation"]) for m in managers}
    assert "kubectl-client-side-apply" not in {m["manager"] for m in managers}
    # Nothing is left behind: a field that goes from the file goes from the object.
    smaller = DEPLOYMENT.replace('      - {name: side, image: "example.com/side:1"}\n', "")
    api.kubectl("-n", web, "apply", "--server-side", "-f", "-", text=smaller)
    assert len(get(api, web, "deployment/web")["spec"]["template"]["spec"]["containers"]) == 1
    conflict = api.refused("-n", web, "apply", "--server-side", "--field-manager=other", "-f", "-",
                           text=smaller.replace("replicas: 2", "replicas: 3"))
    assert 'conflict with "kubectl": .spec.replicas' in conflict
    api.kubectl("-n", web, "apply", "--server-side", "--field-manager=other", "--force-conflicts", "-f", "-",
                text=smaller.replace("replicas: 2", "replicas: 3"))
    assert get(api, web, "deployment/web")["spec"]["replicas"] == 3


def test_apply_dry_run_and_validation(api, ns):
    out = api.kubectl("-n", ns, "apply", "--dry-run=server", "-f", "-", text=DEPLOYMENT)
    assert out == "deployment.apps/web created (server dry run)\n"
    assert "not found" in api.refused("-n", ns, "get", "deployment/web")
    wrong = DEPLOYMENT.replace("replicas: 2", "replicaz: 2")
    assert 'unknown field "spec.replicaz"' in api.refused("-n", ns, "apply", "-f", "-", text=wrong)
    warned = api.run(KUBECTL, "-n", ns, "apply", "--validate=warn", "--dry-run=server", "-f", "-", text=wrong)
    assert 'Warning: unknown field "spec.replicaz"' in warned.stderr
    api.kubectl("-n", ns, "apply", "--validate=ignore", "--dry-run=server", "-f", "-", text=wrong)
    invalid = api.refused("-n", ns, "apply", "-f", "-", text=DEPLOYMENT.replace("replicas: 2", "replicas: -1"))
    assert "spec.replicas: Invalid value: -1: must be greater than or equal to 0" in invalid


def test_diff(api, web):
    assert api.kubectl("-n", web, "diff", "-f", "-", text=DEPLOYMENT) == ""
    done = api.run(KUBECTL, "-n", web, "diff", "-f", "-", text=DEPLOYMENT.replace("app:1", "app:2"), check=False)
    assert done.returncode == 1, done.stderr
    assert "-      - image: example.com/app:1" in done.stdout and "+      - image: example.com/app:2" in done.stdout
    assert get(api, web, "deployment/web")["metadata"]["generation"] == 1


def test_edit(api, web):
    editor = api.folder / "editor.sh"
    editor.write_text('#!/bin/sh\nsed -i "s/replicas: 2/replicas: 4/" "$1"\n')
    editor.chmod(0o755)
    out = api.kubectl("-n", web, "edit", "deployment/web", KUBE_EDITOR=str(editor))
    assert out == "deployment.apps/web edited\n"
    assert get(api, web, "deployment/web")["spec"]["replicas"] == 4
    editor.write_text("#!/bin/sh\nexit 0\n")
    done = api.run(KUBECTL, "-n", web, "edit", "deployment/web", KUBE_EDITOR=str(editor))
    assert "Edit cancelled, no changes made." in done.stdout + done.stderr


def test_patches(api, web):
    def patch(kind, body, *more):
        return api.kubectl("-n", web, "patch", "deployment/web", f"--type={kind}", "-p", body, *more)
    containers = '{"spec":{"template":{"spec":{"containers":[{"name":"side","image":"example.com/side:2"}]}}}}'
    assert patch("strategic", containers) == "deployment.apps/web patched\n"
    assert [c["image"] for c in get(api, web, "deployment/web")["spec"]["template"]["spec"]["containers"]] == [
        "example.com/app:1", "example.com/side:2"]
    assert patch("strategic", containers) == "deployment.apps/web patched (no change)\n"
    patch("merge", '{"metadata":{"labels":{"app":null,"tier":"front"}}}')
    assert get(api, web, "deployment/web")["metadata"]["labels"] == {"tier": "front"}
    patch("json", '[{"op":"test","path":"/spec/replicas","value":2},{"op":"replace","path":"/spec/replicas","value":7}]')
    patch("merge", '{"spec":{"replicas":3}}', "--subresource=scale")
    assert get(api, web, "deployment/web", "--subresource=scale")["spec"]["replicas"] == 3
    patch("merge", '{"status":{"readyReplicas":1,"replicas":1}}', "--subresource=status")
    assert get(api, web, "deployment/web")["status"]["readyReplicas"] == 1
    assert "the server rejected our request" in api.refused(
        "-n", web, "patch", "deployment/web", "--type=json", "-p", '[{"op":"remove","path":"/spec/nothing"}]')


def test_label_and_annotate(api, web):
    assert api.kubectl("-n", web, "label", "deployment/web", "tier=front") == "deployment.apps/web labeled\n"
    assert "already has a value" in api.refused("-n", web, "label", "deployment/web", "tier=back")
    api.kubectl("-n", web, "label", "deployment/web", "tier=back", "--overwrite")
    assert "web" in api.kubectl("-n", web, "get", "deploy", "-l", "tier in (back),app", "-L", "tier")
    assert api.kubectl("-n", web, "label", "deployment/web", "tier-") == "deployment.apps/web unlabeled\n"
    assert api.kubectl("-n", web, "annotate", "deploy", "--all", "note=x y") == "deployment.apps/web annotated\n"
    assert "a valid label must be" in api.refused("-n", web, "label", "deployment/web", "a=b c")


def test_auth_can_i(api, ns):
    api.kubectl("-n", ns, "create", "role", "reader", "--verb=get,list", "--resource=pods,deployments.apps")
    api.kubectl("-n", ns, "create", "rolebinding", "readers", "--role=reader", "--user=ann")
    assert api.kubectl("auth", "can-i", "delete", "nodes") == "yes\n"
    assert api.kubectl("-n", ns, "auth", "can-i", "list", "pods", "--as=ann") == "yes\n"
    assert api.refused("-n", ns, "auth", "can-i", "delete", "pods", "--as=ann").startswith("no")
    assert api.refused("-n", "default", "auth", "can-i", "list", "pods", "--as=ann").startswith("no")
    rules = api.kubectl("-n", ns, "auth", "can-i", "--list", "--as=ann")
    assert any(line.split()[0] == "pods" and line.endswith("[get list]") for line in rules.splitlines()[1:])
    assert any("[/healthz]" in line for line in rules.splitlines())
    assert "admin" in api.kubectl("auth", "whoami") and "system:masters" in api.kubectl("auth", "whoami")
    forbidden = api.refused("-n", ns, "get", "secrets", "--as=ann")
    assert f'secrets is forbidden: User "ann" cannot list resource "secrets" in API group "" in the namespace "{ns}"' in forbidden
    out = api.kubectl("-n", ns, "auth", "reconcile", "-f", "-", text=f"""
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {{name: reader, namespace: {ns}}}
rules: [{{apiGroups: [""], resources: [services], verbs: [get]}}]
""")
    assert "reconciled" in out and len(get(api, ns, "role/reader")["rules"]) >= 2


def test_create_token(api, ns):
    api.kubectl("-n", ns, "create", "serviceaccount", "robot")
    token = api.kubectl("-n", ns, "create", "token", "robot", "--duration=1h", "--audience=a", "--audience=b").strip()
    payload = token.split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    assert claims["sub"] == f"system:serviceaccount:{ns}:robot" and claims["aud"] == ["a", "b"]
    assert claims["exp"] - claims["iat"] == 3600
    usable = api.kubectl("-n", ns, "create", "token", "robot").strip()
    status, body = api.request("POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews",
                               {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}, token=usable)
    assert status == 201 and body["status"]["userInfo"]["username"] == claims["sub"]
    assert "not found" in api.refused("-n", ns, "create", "token", "nobody")


def test_certificate_approve(api, tmp_path):
    subprocess.run(["openssl", "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                    "-keyout", str(tmp_path / "key"), "-out", str(tmp_path / "csr"), "-subj", "/O=team/CN=ann"],
                   check=True, capture_output=True)
    request = base64.b64encode((tmp_path / "csr").read_bytes()).decode()
    for name in ("ann", "bob"):
        api.kubectl("create", "-f", "-", text=json.dumps({
            "apiVersion": "certificates.k8s.io/v1", "kind": "CertificateSigningRequest", "metadata": {"name": name},
            "spec": {"request": request, "signerName": "example.com/own", "usages": ["client auth"]}}))
    assert "Pending" in api.kubectl("get", "csr", "ann")
    assert "approved" in api.kubectl("certificate", "approve", "ann")
    assert "denied" in api.kubectl("certificate", "deny", "bob")
    assert "Approved" in api.kubectl("get", "csr", "ann") and "Denied" in api.kubectl("get", "csr", "bob")
    api.kubectl("wait", "csr/ann", "--for=condition=Approved", "--timeout=10s")
    api.kubectl("delete", "csr", "ann", "bob")


def test_create_replace_and_lists(api, ns):
    many = json.dumps({"apiVersion": "v1", "kind": "List", "items": [
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": f"c{i}", "labels": {"n": "1"}}, "data": {"i": str(i)}}
        for i in range(3)]})
    out = api.kubectl("-n", ns, "create", "-f", "-", text=many)
    assert out == "".join(f"configmap/c{i} created\n" for i in range(3))
    assert "already exists" in api.refused("-n", ns, "create", "-f", "-", text=many)
    assert "configmap/c0 replaced" in api.kubectl("-n", ns, "replace", "-f", "-", text=many.replace('"i": "0"', '"i": "9"'))
    assert api.kubectl("-n", ns, "get", "cm", "c0", "-o", "jsonpath={.data.i}") == "9"
    assert api.kubectl("-n", ns, "get", "cm", "-l", "n=1", "--chunk-size=2", "--no-headers").count("\n") == 3
    assert api.kubectl("-n", ns, "get", "cm", "--field-selector=metadata.name=c1", "-o", "name") == "configmap/c1\n"
    api.kubectl("-n", ns, "replace", "--force", "-f", "-", text=many)
    assert api.kubectl("-n", ns, "delete", "cm", "-l", "n=1").count("deleted") == 3


def test_create_by_command(api, ns):
    def create(*arguments):
        return api.kubectl("-n", ns, "create", *arguments)
    create("secret", "generic", "s", "--from-literal=a=b")
    assert get(api, ns, "secret/s")["data"] == {"a": base64.b64encode(b"b").decode()}
    create("deployment", "d", "--image=example.com/app:1", "--replicas=0")
    create("service", "clusterip", "svc", "--tcp=80:8080")
    create("job", "j", "--image=example.com/app:1")
    create("cronjob", "cj", "--image=example.com/app:1", "--schedule=*/5 * * * *")
    create("job", "from-cj", "--from=cronjob/cj")
    create("quota", "q", "--hard=configmaps=10")
    create("poddisruptionbudget", "pdb", "--selector=app=a", "--min-available=50%")
    create("ingress", "ing", "--rule=example.com/*=svc:80")
    create("configmap", "cm", "--from-literal=a=1")
    api.kubectl("create", "priorityclass", "t-high", "--value=100")
    api.kubectl("delete", "priorityclass", "t-high")
    api.kubectl("-n", ns, "expose", "deployment", "d", "--port=80", "--name=exposed")
    api.kubectl("-n", ns, "autoscale", "deployment", "d", "--min=1", "--max=3", "--cpu=50%")
    api.kubectl("-n", ns, "set", "image", "deployment/d", "app=example.com/app:2")
    api.kubectl("-n", ns, "set", "env", "deployment/d", "A=1")
    api.kubectl("-n", ns, "set", "resources", "deployment/d", "--requests=cpu=100m")
    api.kubectl("-n", ns, "rollout", "pause", "deployment/d")
    api.kubectl("-n", ns, "rollout", "resume", "deployment/d")
    api.kubectl("-n", ns, "rollout", "restart", "deployment/d")
    everything = api.kubectl("-n", ns, "get", "all")
    for name in ("service/svc", "deployment.apps/d", "job.batch/from-cj", "cronjob.batch/cj",
                 "horizontalpodautoscaler.autoscaling/d"):
        assert name in everything
    assert "Name:         pdb" in api.kubectl("-n", ns, "describe", "pdb", "pdb").replace("Name:           ", "Name:         ")
    assert "example.com" in api.kubectl("-n", ns, "describe", "ingress", "ing")


def test_get_formats(api, ns):
    api.kubectl("-n", ns, "create", "-f", "-", text=POD)
    header, row = api.kubectl("-n", ns, "get", "pods", "-o", "wide").splitlines()
    assert header.split() == ["NAME", "READY", "STATUS", "RESTARTS", "AGE", "IP", "NODE", "NOMINATED", "NODE",
                              "READINESS", "GATES"]
    assert row.split()[:4] == ["one", "0/1", "Pending", "0"] and row.split()[5:] == ["<none>"] * 4
    assert "ownerReferences" not in api.kubectl("-n", ns, "get", "pod", "one", "-o", "yaml")
    assert "  name: one\n" in api.kubectl("-n", ns, "get", "pod", "one", "-o", "yaml")
    assert api.kubectl("-n", ns, "get", "pods", "-o", "jsonpath={.items[*].spec.containers[0].image}") == "example.com/app:1"
    assert api.kubectl("-n", ns, "get", "pods", "-o", "custom-columns=N:.metadata.name", "--no-headers") == "one\n"
    assert api.kubectl("-n", ns, "get", "pods", "--sort-by=.metadata.name", "-o", "name") == "pod/one\n"
    assert "app=one" in api.kubectl("-n", ns, "get", "pods", "--show-labels")
    assert "Containers:" in api.kubectl("-n", ns, "describe", "pod", "one")
    assert "one" in api.kubectl("get", "pods", "-A", "--field-selector=status.phase=Pending,spec.nodeName=")
    assert "Error from server (NotFound)" in api.refused("-n", ns, "get", "pod", "two")
    assert 'the server doesn\'t have a resource type "nothings"' in api.refused("get", "nothings")


def test_wait_and_watch(api, ns):
    api.kubectl("-n", ns, "create", "-f", "-", text=POD)
    waiting = subprocess.Popen([KUBECTL, "--kubeconfig", str(api.kubeconfig()), "-n", ns, "wait", "pod/one",
                                "--for=condition=Ready", "--timeout=30s"], stdout=subprocess.PIPE, text=True)
    api.kubectl("-n", ns, "patch", "pod", "one", "--subresource=status", "--type=merge", "-p",
                '{"status":{"phase":"Running","conditions":[{"type":"Ready","status":"True"}]}}')
    assert waiting.communicate(timeout=30)[0] == "pod/one condition met\n"
    api.kubectl("-n", ns, "wait", "pod/one", "--for=jsonpath={.status.phase}=Running", "--timeout=10s")
    assert "timed out" in api.refused("-n", ns, "wait", "pod/one", "--for=condition=Other", "--timeout=100ms")
    going = subprocess.Popen([KUBECTL, "--kubeconfig", str(api.kubeconfig()), "-n", ns, "get", "pods", "-w",
                              "--no-headers", "-o", "name", "--request-timeout=20s"], stdout=subprocess.PIPE, text=True)
    assert going.stdout.readline() == "pod/one\n"
    api.kubectl("-n", ns, "label", "pod", "one", "x=y")
    assert going.stdout.readline() == "pod/one\n"
    going.kill()
    going.communicate()
    api.kubectl("-n", ns, "delete", "pod", "one", "--grace-period=0", "--force")
    api.kubectl("-n", ns, "wait", "pod/one", "--for=delete", "--timeout=10s")


def test_nodes(api):
    api.kubectl("create", "-f", "-", text="apiVersion: v1\nkind: Node\nmetadata: {name: t-node}\n")
    api.kubectl("cordon", "t-node")
    assert "SchedulingDisabled" in api.kubectl("get", "node", "t-node")
    api.kubectl("uncordon", "t-node")
    api.kubectl("taint", "node", "t-node", "a=b:NoSchedule")
    assert "a=b:NoSchedule" in api.kubectl("describe", "node", "t-node")
    api.kubectl("delete", "node", "t-node")


def test_older_client(api, ns):
    def old(*arguments, **options):
        return api.kubectl("-n", ns, *arguments, binary=OLD_KUBECTL, **options)
    assert old("apply", "-f", "-", text=DEPLOYMENT) == "deployment.apps/web created\n"
    assert old("apply", "-f", "-", text=DEPLOYMENT) == "deployment.apps/web unchanged\n"
    assert old("diff", "-f", "-", text=DEPLOYMENT) == ""
    assert old("apply", "--server-side", "-f", "-", text=DEPLOYMENT) == "deployment.apps/web serverside-applied\n"
    old("scale", "deployment/web", "--replicas=4")
    assert old("get", "deploy", "web").splitlines()[1].split()[:2] == ["web", "0/4"]
    assert "FIELD: replicas <integer>" in old("explain", "deployment.spec.replicas")
    assert len(old("explain", "deployment", "--recursive").splitlines()) > 500
    assert 'unknown field "spec.replicaz"' in api.refused(
        "-n", ns, "apply", "-f", "-", text=DEPLOYMENT.replace("replicas", "replicaz"), binary=OLD_KUBECTL)
    old("create", "serviceaccount", "robot")
    assert old("create", "token", "robot").count(".") == 2
    assert old("auth", "can-i", "get", "pods") == "yes\n"
    assert "deployments" in old("api-resources")
    old("rollout", "pause", "deployment/web")
    old("create", "-f", "-", text=POD)
    assert "one" in old("get", "pods", "-o", "wide")
    assert "Containers:" in old("describe", "pod", "one")
    old("delete", "pod", "one", "--grace-period=0", "--force")
    old("delete", "deployment", "web")
