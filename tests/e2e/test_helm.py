"""Helm against the API server alone with a chart of ours, and one release that runs on a node."""
import json

import pytest

from cluster import HELM, ROOT

CHART = str(ROOT / "tests/e2e/charts/site")
OLD_HELM = str(ROOT / "build/bin/helm-1.27")  # helm v3, client-side apply


def get(api, ns, *what):
    return json.loads(api.kubectl("-n", ns, "get", *what, "-o", "json"))


def names(api, ns):
    kinds = "configmap,secret,deployment,service,ingress,serviceaccount,role,rolebinding,pdb"
    return sorted(f"{item['kind']}/{item['metadata']['name']}" for item in get(api, ns, kinds)["items"]
                  if not item["metadata"]["name"].startswith("sh.helm.release"))


@pytest.mark.parametrize("helm", [HELM, OLD_HELM], ids=["v4", "v3"])
def test_release(api, ns, helm):
    def run(*arguments):
        return api.run(helm, "-n", ns, *arguments).stdout

    # Server dry run: rendered and checked, nothing made.
    if helm == HELM:
        planned = run("install", "shop", CHART, "--dry-run=server", "--set", "page=planned")
        assert "planned" in planned and names(api, ns) == []

    out = run("install", "shop", CHART, "--set", "page=one")
    assert "STATUS: deployed" in out and "shop serves one" in out
    assert names(api, ns) == ["ConfigMap/shop-hook", "ConfigMap/shop-page", "Deployment/shop", "Ingress/shop",
                              "Role/shop", "RoleBinding/shop", "Secret/shop-secret", "Service/shop",
                              "ServiceAccount/shop"]
    address = get(api, ns, "service/shop")["spec"]["clusterIP"]

    # Another one's change in between stays.
    api.kubectl("-n", ns, "annotate", "deployment/shop", "kept=yes")
    run("upgrade", "shop", CHART, "--set", "page=two,budget=true,image=example.com/web:2,paths={/a,/b}")
    assert get(api, ns, "configmap/shop-page")["data"] == {"index.html": "two"}
    assert get(api, ns, "configmap/shop-hook")["data"] == {"revision": "2"}
    deployment = get(api, ns, "deployment/shop")
    assert deployment["spec"]["template"]["spec"]["containers"][0]["image"] == "example.com/web:2"
    assert deployment["metadata"]["annotations"]["kept"] == "yes"
    assert get(api, ns, "service/shop")["spec"]["clusterIP"] == address
    assert len(get(api, ns, "ingress/shop")["spec"]["rules"][0]["http"]["paths"]) == 2
    assert "PodDisruptionBudget/shop" in names(api, ns)

    run("rollback", "shop", "1")
    assert get(api, ns, "configmap/shop-page")["data"] == {"index.html": "one"}
    assert "PodDisruptionBudget/shop" not in names(api, ns)
    history = json.loads(run("history", "shop", "-o", "json"))
    assert [(r["revision"], r["status"]) for r in history] == [
        (1, "superseded"), (2, "superseded"), (3, "deployed")]
    listed = json.loads(run("list", "-o", "json"))
    assert [(r["name"], r["revision"], r["status"]) for r in listed] == [("shop", "3", "deployed")]
    status = json.loads(run("status", "shop", "-o", "json"))
    assert status["info"]["status"] == "deployed" and status["version"] == 3
    assert "name: shop-page" in run("get", "manifest", "shop")

    run("uninstall", "shop")
    assert json.loads(run("list", "-o", "json")) == []
    assert names(api, ns) == ["ConfigMap/shop-hook"]  # hooks are helm's user's to remove


def test_a_refused_release_leaves_a_failed_one(api, ns):
    done = api.run(HELM, "-n", ns, "install", "bad", CHART, "--set", "replicas=-1", check=False)
    assert done.returncode != 0 and "spec.replicas: Invalid value: -1" in done.stderr
    listed = json.loads(api.run(HELM, "-n", ns, "list", "-o", "json").stdout)
    assert [r["status"] for r in listed] == ["failed"]
    api.run(HELM, "-n", ns, "upgrade", "--install", "--reset-values", "bad", CHART)
    listed = json.loads(api.run(HELM, "-n", ns, "list", "-o", "json").stdout)
    assert [r["status"] for r in listed] == ["deployed"]


def test_a_conflict_names_its_owner(api, ns):
    api.run(HELM, "-n", ns, "install", "shop", CHART)
    api.kubectl("-n", ns, "apply", "--server-side", "--field-manager=other", "--force-conflicts", "-f", "-", text="""
apiVersion: v1
kind: ConfigMap
metadata: {name: shop-page}
data: {index.html: mine}
""")
    done = api.run(HELM, "-n", ns, "upgrade", "shop", CHART, "--set", "page=two", check=False)
    assert done.returncode != 0 and 'conflict with "other": .data.index.html' in done.stderr
    api.run(HELM, "-n", ns, "upgrade", "shop", CHART, "--set", "page=two", "--force-conflicts")
    assert get(api, ns, "configmap/shop-page")["data"] == {"index.html": "two"}


def test_a_release_runs(cluster, namespace):
    done = cluster.helm("-n", namespace, "install", "shop", CHART, "--wait", "--timeout=60s",
                        "--set", "replicas=1,image=nginx:1.9.1")
    assert "STATUS: deployed" in done
    ready = cluster.kubectl("-n", namespace, "get", "deployment/shop", "-o", "jsonpath={.status.readyReplicas}")
    assert ready.stdout == "1"
    cluster.helm("-n", namespace, "uninstall", "shop", "--wait", "--timeout=60s")
