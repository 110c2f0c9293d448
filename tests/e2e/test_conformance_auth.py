"""What upstream's conformance tests of service accounts ask for, from inside a pod."""
import base64
import json

import pytest

from cluster import wait_for

FOLDER = "/var/run/secrets/kubernetes.io/serviceaccount"
OWNERS = {"user": ({"runAsUser": 1000}, "600 1000:0"), "group": ({"fsGroup": 10000}, "640 0:10000"),
          "both": ({"runAsUser": 1000, "fsGroup": 10000}, "640 1000:10000"), "neither": ({}, "644 0:0")}


def pod(name, script, security=None, **spec):
    token = {"serviceAccountToken": {"path": "token", "expirationSeconds": 3600, "audience": "oidc-discovery-test"}}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": {
        "restartPolicy": "Never", "terminationGracePeriodSeconds": 0, "securityContext": security or {},
        "volumes": [{"name": "tokens", "projected": {"sources": [token]}}],
        "containers": [{"name": "test", "image": "busybox:1.36", "imagePullPolicy": "IfNotPresent", "command": ["sh", "-c", script],
                        "volumeMounts": [{"name": "tokens", "mountPath": "/test-volume", "readOnly": True}]}], **spec}}


def decoded(part):
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


@pytest.fixture
def files(cluster, namespace):
    """What a pod of service account mount-test reads, by path; and pods that look at who owns a token."""
    cluster.kubectl("create", "serviceaccount", "mount-test", "-n", namespace)
    wait_for(lambda: cluster.get("serviceaccount", namespace, "default"), 20, "service account")
    pods = [pod("account", "sleep 1000", serviceAccountName="mount-test")]
    pods += [pod(name, "stat -L -c '%a %u:%g' /test-volume/token; wc -c </test-volume/token", security)
             for name, (security, _) in OWNERS.items()]
    cluster.kubectl("create", "-n", namespace, "-f", "-", stdin="\n---\n".join(map(json.dumps, pods)))
    cluster.kubectl("wait", "-n", namespace, "pod/account", "--for=condition=Ready", "--timeout=60s")
    return lambda path: cluster.out("exec", "-n", namespace, "account", "-c", "test", "--", "cat", path)


def test_tokens_of_pods(cluster, namespace, files):
    root = cluster.get("configmap", namespace, "kube-root-ca.crt")["data"]["ca.crt"]
    assert (files(f"{FOLDER}/ca.crt"), files(f"{FOLDER}/namespace")) == (root, namespace)
    review = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "spec": {"token": files(f"{FOLDER}/token")}}
    status = json.loads(cluster.out("create", "-o", "json", "-f", "-", stdin=json.dumps(review)))["status"]
    assert status["authenticated"] is True and "error" not in status
    assert status["user"]["username"] == f"system:serviceaccount:{namespace}:mount-test"
    assert {"system:authenticated", "system:serviceaccounts", f"system:serviceaccounts:{namespace}"} <= set(status["user"]["groups"])
    assert status["user"]["extra"]["authentication.kubernetes.io/pod-name"] == ["account"]

    # Whoever has the token finds out who issued it, and with which key.
    header, claims, signature = files("/test-volume/token").split(".")
    said, key_id = json.loads(decoded(claims)), json.loads(decoded(header))["kid"]
    assert said["aud"] == ["oidc-discovery-test"] and said["exp"] - said["iat"] == 3600
    as_pod = [f"--as=system:serviceaccount:{namespace}:mount-test", "--as-group=system:serviceaccounts"]
    discovery = json.loads(cluster.out("get", "--raw", "/.well-known/openid-configuration", *as_pod))
    assert discovery["issuer"] == said["iss"] and discovery["jwks_uri"].endswith("/openid/v1/jwks")
    assert discovery["response_types_supported"] == ["id_token"] and discovery["subject_types_supported"] == ["public"]
    keys = {k["kid"]: k for k in json.loads(cluster.out("get", "--raw", "/openid/v1/jwks", *as_pod))["keys"]}
    key = keys[key_id]
    assert key["alg"] in discovery["id_token_signing_alg_values_supported"]
    assert (key["kty"], key["alg"]) in (("RSA", "RS256"), ("EC", "ES256"))

    for name, (_, owner) in OWNERS.items():
        log = lambda name=name: cluster.kubectl("logs", "-n", namespace, name, check=False).stdout.splitlines()
        lines = wait_for(lambda: (lambda l: len(l) == 2 and l)(log()), 60, f"log of {name}")
        assert (lines[0], int(lines[1]) > 100) == (owner, True), name


def test_automount_may_be_opted_out_of(cluster, namespace):
    wait_for(lambda: cluster.get("serviceaccount", namespace, "default"), 20, "service account")
    for name, automount in (("mount", True), ("nomount", False)):
        cluster.kubectl("create", "-n", namespace, "-f", "-", stdin=json.dumps({
            "apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name}, "automountServiceAccountToken": automount}))
    for account in ("default", "mount", "nomount"):
        for wish in (None, True, False):
            one = pod("dry", "true", serviceAccountName=account, **({} if wish is None else {"automountServiceAccountToken": wish}))
            made = json.loads(cluster.out("create", "-n", namespace, "--dry-run=server", "-o", "json", "-f", "-", stdin=json.dumps(one)))
            mounted = FOLDER in [m["mountPath"] for m in made["spec"]["containers"][0]["volumeMounts"]]
            assert mounted == (account != "nomount" if wish is None else wish), (account, wish)
