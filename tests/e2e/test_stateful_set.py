"""The tutorial "StatefulSet Basics" by real kubectl, without its claims: nothing provisions volumes yet.
https://kubernetes.io/docs/tutorials/stateful-application/basic-stateful-set/"""
from cluster import wait_for

WEB = """
apiVersion: v1
kind: Service
metadata: {name: nginx, labels: {app: nginx}}
spec: {ports: [{port: 80, name: web}], clusterIP: None, selector: {app: nginx}}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: web}
spec:
  serviceName: nginx
  replicas: 2
  selector: {matchLabels: {app: nginx}}
  template:
    metadata: {labels: {app: nginx}}
    spec:
      terminationGracePeriodSeconds: 2
      containers:
      - name: nginx
        image: nginx:1.7.9
        ports: [{containerPort: 80, name: web}]
"""


def test_basics(cluster, namespace):
    def run(*arguments, **named):
        return cluster.out("-n", namespace, *arguments, **named)

    def settled():
        return run("rollout", "status", "statefulset/web", "--timeout=60s")

    def images():
        return [f'{p["metadata"]["name"]} {p["spec"]["containers"][0]["image"]}'
                for p in cluster.get("pods", namespace)["items"]]

    run("apply", "-f", "-", stdin=WEB)
    assert "2 new pods have been updated" in settled()
    assert [line.split()[0] for line in run("get", "pods", "-l", "app=nginx", "--no-headers").splitlines()] == [
        "web-0", "web-1"]

    run("scale", "sts", "web", "--replicas=3")
    settled()
    run("set", "image", "sts/web", "nginx=nginx:1.9.1")
    settled()
    assert images() == ["web-0 nginx:1.9.1", "web-1 nginx:1.9.1", "web-2 nginx:1.9.1"]
    history = run("rollout", "history", "sts/web").split()
    assert history[-4:] == ["1", "<none>", "2", "<none>"]
    assert "nginx:1.7.9" in run("rollout", "history", "sts/web", "--revision=1")

    run("patch", "sts", "web", "-p", '{"spec":{"updateStrategy":{"rollingUpdate":{"partition":2}}}}')
    run("rollout", "undo", "sts/web")
    assert "1 new pods have been updated" in settled()
    assert images() == ["web-0 nginx:1.9.1", "web-1 nginx:1.9.1", "web-2 nginx:1.7.9"]
    assert run("rollout", "history", "sts/web").split()[-4:] == ["2", "<none>", "3", "<none>"]

    described = run("describe", "sts", "web")
    assert "create Pod web-0 in StatefulSet web successful" in described
    run("scale", "sts", "web", "--replicas=0")
    run("wait", "--for=delete", "pod/web-0", "--timeout=60s")
    run("delete", "sts", "web")
    wait_for(lambda: not cluster.get("controllerrevisions", namespace)["items"], 30, "end of its history")
