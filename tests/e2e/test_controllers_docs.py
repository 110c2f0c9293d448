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

FLUENTD = """
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: fluentd-elasticsearch, labels: {k8s-app: fluentd-logging}}
spec:
  selector: {matchLabels: {name: fluentd-elasticsearch}}
  template:
    metadata: {labels: {name: fluentd-elasticsearch}}
    spec:
      tolerations:
      - {key: node-role.kubernetes.io/control-plane, operator: Exists, effect: NoSchedule}
      containers:
      - name: fluentd-elasticsearch
        image: busybox
        imagePullPolicy: IfNotPresent
        command: [sleep, infinity]
        resources: {limits: {memory: 200Mi}, requests: {cpu: 100m, memory: 200Mi}}
        volumeMounts: [{name: varlog, mountPath: /var/log}]
      terminationGracePeriodSeconds: 1
      volumes: [{name: varlog, hostPath: {path: /var/log}}]
"""

FRONTEND = """
apiVersion: apps/v1
kind: ReplicaSet
metadata: {name: frontend, labels: {app: guestbook, tier: frontend}}
spec:
  replicas: 3
  selector: {matchLabels: {tier: frontend}}
  template:
    metadata: {labels: {tier: frontend}}
    spec:
      terminationGracePeriodSeconds: 1
      containers: [{name: php-redis, image: busybox, imagePullPolicy: IfNotPresent, command: [sleep, infinity]}]
"""


def test_daemon_set_rollouts(cluster, namespace):
    """https://kubernetes.io/docs/concepts/workloads/controllers/daemonset/,
    https://kubernetes.io/docs/tasks/manage-daemon/rollback-daemon-set/"""
    def run(*arguments, **named):
        return cluster.out("-n", namespace, *arguments, **named)

    def settled():
        assert "successfully rolled out" in run("rollout", "status", "ds/fluentd-elasticsearch",
                                                "--timeout=60s")
    run("apply", "-f", "-", stdin=FLUENTD)
    settled()
    run("set", "env", "ds/fluentd-elasticsearch", "A=b")
    settled()
    run("rollout", "restart", "ds/fluentd-elasticsearch")
    settled()
    assert run("rollout", "history", "ds/fluentd-elasticsearch").split()[-6::2] == ["1", "2", "3"]
    run("rollout", "undo", "ds/fluentd-elasticsearch", "--to-revision=1")
    settled()
    (pod,) = cluster.get("pods", namespace)["items"]
    assert "env" not in pod["spec"]["containers"][0]
    assert run("rollout", "history", "ds/fluentd-elasticsearch").split()[-6::2] == ["2", "3", "4"]


def test_replica_set_is_scaled_adopted_and_left_behind(cluster, namespace):
    """https://kubernetes.io/docs/concepts/workloads/controllers/replicaset/"""
    def run(*arguments, **named):
        return cluster.out("-n", namespace, *arguments, **named)

    def pods():
        return [pod["metadata"] for pod in cluster.get("pods", namespace)["items"]
                if "deletionTimestamp" not in pod["metadata"]]
    run("apply", "-f", "-", stdin=FRONTEND)
    run("wait", "rs/frontend", "--for=jsonpath={.status.readyReplicas}=3", "--timeout=60s")
    run("scale", "rs/frontend", "--current-replicas=3", "--replicas=2")
    run("wait", "rs/frontend", "--for=jsonpath={.status.replicas}=2", "--timeout=60s")
    run("label", "pod", pods()[0]["name"], "tier=quarantine", "--overwrite")
    wait_for(lambda: len(pods()) == 3, 30, "another pod instead of the isolated one")
    wait_for(lambda: [bool(pod.get("ownerReferences")) for pod in pods()].count(False) == 1, 30, "its release")
    run("delete", "rs", "frontend", "--cascade=orphan")
    wait_for(lambda: not any(pod.get("ownerReferences") for pod in pods()), 30, "orphans")
    run("apply", "-f", "-", stdin=FRONTEND.replace("replicas: 3", "replicas: 2"))
    run("wait", "rs/frontend", "--for=jsonpath={.status.readyReplicas}=2", "--timeout=60s")
    assert len(pods()) == 3
    run("autoscale", "rs", "frontend", "--max=10", "--min=3", "--cpu=50%")
    run("wait", "rs/frontend", "--for=jsonpath={.spec.replicas}=3", "--timeout=60s")
    run("delete", "rs", "frontend", "--cascade=foreground")
    assert len(pods()) == 1


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
