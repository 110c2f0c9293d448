"""The documentation's examples of controllers by real kubectl (images replaced by busybox)."""
from cluster import wait_for

HELLO = """
apiVersion: batch/v1
kind: CronJob
metadata: {name: hello}
spec:
  schedule: "* * * * *"
  jobTemplate:
    spec:
      template:
        spec:
          containers:
          - name: hello
            image: busybox
            imagePullPolicy: IfNotPresent
            command: [/bin/sh, -c, date; echo Hello from the Kubernetes cluster]
          restartPolicy: OnFailure
"""

PI = """
apiVersion: batch/v1
kind: Job
metadata: {name: pi}
spec:
  template:
    spec:
      containers:
      - name: pi
        image: busybox
        imagePullPolicy: IfNotPresent
        command: [sh, -c, "echo 3.14159"]
      restartPolicy: Never
  backoffLimit: 4
"""

ZOOKEEPER = """
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: zk-pdb}
spec:
  minAvailable: 1
  selector: {matchLabels: {app: zookeeper}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: zk}
spec:
  replicas: 2
  selector: {matchLabels: {app: zookeeper}}
  template:
    metadata: {labels: {app: zookeeper}}
    spec:
      terminationGracePeriodSeconds: 1
      containers: [{name: zk, image: busybox, imagePullPolicy: IfNotPresent, command: [sleep, infinity]}]
"""


def test_job_and_cron_job(cluster, namespace):
    """https://kubernetes.io/docs/concepts/workloads/controllers/job/,
    https://kubernetes.io/docs/tasks/job/automated-tasks-with-cron-jobs/"""
    def run(*arguments, **named):
        return cluster.out("-n", namespace, *arguments, **named)

    run("apply", "-f", "-", stdin=HELLO)
    run("apply", "-f", "-", stdin=PI)
    run("wait", "--for=condition=complete", "job/pi", "--timeout=60s")
    assert run("logs", "jobs/pi").strip() == "3.14159"

    run("create", "job", "by-hand", "--from=cronjob/hello")
    run("wait", "--for=condition=complete", "job/by-hand", "--timeout=60s")
    assert "Hello from the Kubernetes cluster" in run("logs", "jobs/by-hand")

    def jobs():
        return [job["metadata"]["name"] for job in cluster.get("jobs", namespace)["items"]
                if job["metadata"]["name"].startswith("hello-")]
    wait_for(jobs, 90, "a Job of the CronJob")
    run("wait", "--for=condition=complete", f"job/{jobs()[0]}", "--timeout=60s")
    assert run("get", "cronjob", "hello", "--no-headers").split()[:8] == [
        "hello", "*", "*", "*", "*", "*", "<none>", "False"]
    run("delete", "cronjob", "hello")
    wait_for(lambda: not jobs(), 30, "its Jobs gone with it")


def test_drain_under_a_budget(cluster, namespace):
    """https://kubernetes.io/docs/tasks/administer-cluster/safely-drain-node/"""
    def run(*arguments, **named):
        return cluster.out("-n", namespace, *arguments, **named)

    run("apply", "-f", "-", stdin=ZOOKEEPER)
    run("rollout", "status", "deployment/zk", "--timeout=60s")
    run("wait", "pdb/zk-pdb", "--for=jsonpath={.status.disruptionsAllowed}=1", "--timeout=30s")
    node = cluster.get("nodes")["items"][0]["metadata"]["name"]
    drain = ["drain", node, "--pod-selector=app=zookeeper", "--force", "--ignore-daemonsets"]
    try:
        ran = cluster.kubectl(*drain, "--timeout=12s", check=False)
        assert ran.returncode != 0
        assert "Cannot evict pod as it would violate the pod's disruption budget." in ran.stderr
        assert run("get", "pdb", "zk-pdb", "--no-headers").split()[:4] == ["zk-pdb", "1", "N/A", "0"]
        cluster.out("uncordon", node)
        run("rollout", "status", "deployment/zk", "--timeout=60s")
        run("wait", "pdb/zk-pdb", "--for=jsonpath={.status.disruptionsAllowed}=1", "--timeout=30s")
        run("delete", "pdb", "zk-pdb")
        assert f"node/{node} drained" in cluster.out(*drain, "--timeout=60s")
    finally:
        cluster.out("uncordon", node)
