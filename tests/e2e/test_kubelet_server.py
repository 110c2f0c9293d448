"""The kubelet's own server, called directly: who may see what."""
import json
import ssl
import urllib.error
import urllib.request

import pytest

NS = "kubelet-server"
SCRAPER = {"apiVersion": "v1", "kind": "List", "items": [
    {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NS}},
    {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "scraper", "namespace": NS}},
    {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "nobody", "namespace": NS}},
    {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": "e2e-scraper"},
     "rules": [{"apiGroups": [""], "resources": ["nodes/metrics", "nodes/healthz"], "verbs": ["get"]}]},
    {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding", "metadata": {"name": "e2e-scraper"},
     "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "e2e-scraper"},
     "subjects": [{"kind": "ServiceAccount", "name": "scraper", "namespace": NS}]}]}


def call(port, path, token=None, method="GET", certificate=None, scheme="https"):
    """The answer's code and text; as somebody without a certificate, unless one is given (cert, key)."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    if certificate:
        context.load_cert_chain(*map(str, certificate))
    request = urllib.request.Request(f"{scheme}://127.0.0.1:{port}{path}", method=method,
                                     headers={"Authorization": f"Bearer {token}"} if token else {})
    try:
        with urllib.request.urlopen(request, context=context if scheme == "https" else None, timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


@pytest.fixture(scope="module")
def scraped(cluster):
    cluster.kubectl("apply", "-f", "-", stdin=json.dumps(SCRAPER))
    yield cluster
    cluster.kubectl("delete", "-f", "-", "--wait=false", stdin=json.dumps(SCRAPER))


@pytest.fixture(scope="module")
def token(scraped):
    return scraped.out("create", "token", "scraper", "-n", NS).strip()


def raw(cluster, path):
    return cluster.out("get", "--raw", f"/api/v1/nodes/node{cluster.number}/proxy{path}")


def test_strangers_are_told_nothing(cluster):
    for path in ("/pods", "/metrics/resource", "/healthz", "/exec/a/b/c", "/nothing"):
        assert call(cluster.kubelet_port, path) == (401, "Unauthorized")
        assert call(cluster.kubelet_port, path, "wrong") == (401, "Unauthorized")


def test_a_token_may_what_rbac_says(scraped, token):
    port = scraped.kubelet_port
    code, text = call(port, "/metrics/resource", token)
    assert code == 200 and "node_cpu_usage_seconds_total" in text
    assert call(port, "/healthz", token) == (200, "ok")
    user = f"system:serviceaccount:{NS}:scraper"
    assert call(port, f"/exec/{NS}/x/c?command=id", token, "POST") == (
        403, f"Forbidden (user={user}, verb=create, resource=nodes, subresource(s)=[proxy])\n")
    assert call(port, "/pods", token) == (
        403, f"Forbidden (user={user}, verb=get, resource=nodes, subresource(s)=[pods proxy])\n")
    nobody = scraped.out("create", "token", "nobody", "-n", NS).strip()
    assert call(port, "/metrics/resource", nobody)[0] == 403


def test_a_certificate_may_what_its_groups_may(cluster):
    pki = cluster.data / "pki"

    def pair(leaf):
        return pki / f"{leaf}.crt", pki / f"{leaf}.key"
    code, text = call(cluster.kubelet_port, "/pods", certificate=pair("apiserver-kubelet-client"))
    assert code == 200 and json.loads(text)["kind"] == "PodList"
    code, text = call(cluster.kubelet_port, "/pods", certificate=pair("kube-proxy"))
    assert (code, text) == (403, "Forbidden (user=system:kube-proxy, verb=get, resource=nodes, "
                                 "subresource(s)=[pods proxy])\n")
