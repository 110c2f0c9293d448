"""The rest of upstream's [sig-apps] conformance tests, call by call as they make them: Jobs, CronJobs, PodDisruptionBudgets.
CronJobs that run for minutes do so in tests/control/cron_job.yaml."""
import json

import pytest

from walks import (SLEEPS, Walks, World, box, chosen, condition, is_ready,
                   labels_of, name_of, now, owner, running, template, workload)

INDEX = "batch.kubernetes.io/job-completion-index"
walk = Walks()


# ---- Jobs ----

FAIL_ODD = """
if [ $(expr ${JOB_COMPLETION_INDEX} % 2) -ne 0 ]; then
  exit 1
else
  exit 0
fi
"""


def job(w, name, command, parallelism=2, completions=4, restart="Never", volume=None, labels=None, pod=None, args=None,
        privileged=None, **spec):
    data = {"name": "data", **(volume or {"emptyDir": {}})}
    container = box(command, volumeMounts=[{"name": "data", "mountPath": "/data"}],
                    securityContext={"privileged": privileged} if privileged else {})
    if args:
        container["args"] = args
    body = {"kind": "Job", "metadata": {"name": name, "labels": labels},
            "spec": {"parallelism": parallelism, "completions": completions, "backoffLimit": 6, "manualSelector": False,
                     "template": template({"job": name}, container, restartPolicy=restart, volumes=[data], **(pod or {})), **spec}}
    return w.create("jobs", body)


def job_is(w, name, reason, succeeded, criteria=False):
    """Complete for that reason with so many pods that succeeded."""
    if criteria:
        w.wait(lambda: condition(w.get("jobs", name), "SuccessCriteriaMet").get("reason") == reason, "criteria")

    def done():
        one = w.get("jobs", name)
        assert not condition(one, "Failed"), one["status"]
        return one["status"].get("succeeded") == succeeded and condition(one, "Complete") and one
    one = w.wait(done, "complete " + name)
    assert condition(one, "Complete")["reason"] == reason
    return one["status"]


def job_failed(w, name):
    one = w.wait(lambda: condition(w.get("jobs", name), "Failed") and w.get("jobs", name), "failed " + name)
    return one["status"]


def at_rest(status):
    return (status.get("active", 0), status["ready"], status["terminating"]) == (0, 0, 0)


@walk
def job_whose_tasks_restart(w):
    once = "if [[ -r /data/foo ]] ; then exit 0 ; else touch /data/foo ; exit 1 ; fi"
    job(w, "fail-once-local", ["/bin/sh", "-c", once], restart="OnFailure")
    job_is(w, "fail-once-local", "CompletionsReached", 4)


@walk
def job_of_pods_that_stay(w):
    """Its status is written by others, a pod is adopted and released, the Job deleted."""
    uid = job(w, "stays", SLEEPS)["metadata"]["uid"]
    pod = name_of(w.running("job=stays", 2)[0])
    told = {"type": "CustomConditionType", "status": "True", "lastProbeTime": None, "lastTransitionTime": now()}
    patched = w.merge("jobs", "stays", {"metadata": {"annotations": {"patchedstatus": "true"}}, "status": {"conditions": [told]}}, "status")
    assert condition(patched, "CustomConditionType")["lastTransitionTime"] == told["lastTransitionTime"]
    assert patched["metadata"]["annotations"]["patchedstatus"] == "true"
    again = now()
    updated = w.update("jobs", "stays", lambda one: condition(one, "CustomConditionType").update(lastTransitionTime=again), "status")
    assert condition(updated, "CustomConditionType")["lastTransitionTime"] == again
    assert w.get("jobs", "stays", "status")["metadata"]["uid"] == uid

    w.update("pods", pod, lambda one: one["metadata"].pop("ownerReferences"))
    w.wait(lambda: owner(w.get("pods", pod)), "adoption")
    reference, = w.get("pods", pod)["metadata"]["ownerReferences"]
    assert (reference["kind"], reference["name"], reference["uid"]) == ("Job", "stays", uid)
    w.update("pods", pod, lambda one: one["metadata"].pop("labels"))
    w.wait(lambda: not owner(w.get("pods", pod)), "release")

    w.delete("jobs", "stays", propagationPolicy="Background")
    w.wait(lambda: w.gone("jobs", "stays") and not w.items("pods", "job=stays"), "end of all")


@walk
def job_life(w):
    """Of a suspended one with indexes that then runs to its end."""
    label = "e2e-job-label=" + w.ns
    version = w.list("jobs", label)["metadata"]["resourceVersion"]
    job(w, "e2e", ["/bin/sh", "-c", "exit 0"], labels={"e2e-job-label": w.ns}, completionMode="Indexed", suspend=True)
    assert labels_of(w.patch("jobs", "e2e", {"metadata": {"labels": {"e2e": "patched"}}}))["e2e"] == "patched"
    w.watch("jobs", label, version, lambda event, one: event == "MODIFIED" and labels_of(one).get("e2e") == "patched")
    before = w.get("jobs", "e2e")["metadata"]["resourceVersion"]

    def go_on(one):
        one["spec"]["suspend"] = False
        one["metadata"].setdefault("annotations", {})["updated"] = "true"
    updated = w.update("jobs", "e2e", go_on)
    w.watch("jobs", label, before, lambda event, one: event == "MODIFIED" and one["metadata"].get("annotations", {}).get("updated"))
    assert len(w.items("jobs", label, everywhere=True)) == 1
    job_is(w, "e2e", "CompletionsReached", 4)
    pods = [p for p in w.items("pods", "job=e2e") if p["status"]["phase"] == "Succeeded"]
    assert sorted(p["metadata"]["annotations"][INDEX] for p in pods) == sorted(labels_of(p)[INDEX] for p in pods) == list("0123")
    assert all(p["spec"]["hostname"] == "e2e-" + labels_of(p)[INDEX] for p in pods)
    w.delete_all("jobs", label, propagationPolicy="Background")
    w.watch("jobs", label, updated["metadata"]["resourceVersion"], lambda event, _: event == "DELETED")
    assert w.items("jobs", label, everywhere=True) == []


def host_folder(w):
    return {"hostPath": {"path": f"{w.cluster.folder}/{w.ns}", "type": "DirectoryOrCreate"}}


@walk
def job_fails_by_exit_code(w):
    once = "if [[ -r /data/foo ]] ; then exit 0 ; else touch /data/foo ; exit 1 ; fi"
    node = name_of(w.rest.get("/api/v1/nodes")["items"][0])
    job(w, "pod-failure-failjob", ["/bin/sh", "-c", once], volume=host_folder(w), privileged=True,
        pod={"nodeSelector": {"kubernetes.io/hostname": node}},
        podFailurePolicy={"rules": [{"action": "FailJob", "onExitCodes": {"operator": "In", "values": [1]}}]})
    assert condition({"status": job_failed(w, "pod-failure-failjob")}, "Failed")["reason"] == "PodFailurePolicy"


@walk
def job_ignores_disruptions(w):
    once = ("if [[ -r /data/foo-$JOB_COMPLETION_INDEX ]] ; then exit 0 ; else touch /data/foo-$JOB_COMPLETION_INDEX ; "
            "sleep 1000000 ; fi")
    job(w, "evicted", ["/bin/sh", "-c", once], 1, 1, volume=host_folder(w), privileged=True, completionMode="Indexed",
        backoffLimit=0, podFailurePolicy={"rules": [{"action": "Ignore", "onPodConditions": [
            {"type": "DisruptionTarget", "status": "True"}]}]})
    w.wait(lambda: w.get("jobs", "evicted")["status"].get("ready") == 1, "ready pod")
    pods = w.running("job=evicted", 1)
    for pod in pods:
        w.rest.create(w.path("pods", name_of(pod), "eviction"), {"metadata": {"name": name_of(pod), "namespace": w.ns}})
    w.wait(lambda: all(w.gone("pods", name_of(pod)) for pod in pods), "end of them")
    job_is(w, "evicted", "CompletionsReached", 1)


@walk
def job_fails_index_by_index(w):
    odd = {"command": ["sh", "-c"], "args": [FAIL_ODD], "completionMode": "Indexed"}
    job(w, "per-index", backoffLimit=None, backoffLimitPerIndex=1, **odd)
    job(w, "max-failed", ["/bin/sh", "-c", "exit 1"], 1, completionMode="Indexed", backoffLimit=None, backoffLimitPerIndex=0,
        maxFailedIndexes=0)
    job(w, "fail-index", parallelism=2, completions=2, backoffLimit=None, backoffLimitPerIndex=1, podFailurePolicy={
        "rules": [{"action": "FailIndex", "onExitCodes": {"operator": "In", "values": [1]}}]}, **odd)

    def counts(status):
        return [status.get(k) for k in ("failedIndexes", "completedIndexes", "failed", "succeeded")]
    assert counts(job_failed(w, "max-failed"))[::2] == ["0", 1]
    assert counts(job_failed(w, "fail-index")) == ["1", "0", 1, 1]
    assert counts(job_failed(w, "per-index")) == ["1,3", "0,2", 4, 2]


@walk
def job_with_a_success_policy(w):
    odd = {"command": ["sh", "-c"], "args": [FAIL_ODD], "completionMode": "Indexed"}
    job(w, "all", [], 2, 2, completionMode="Indexed", successPolicy={"rules": [{"succeededCount": 2}]})
    job(w, "indexes", completions=5, successPolicy={"rules": [{"succeededIndexes": "0"}]}, **odd)
    job(w, "count", completions=5, backoffLimit=2**31 - 1, successPolicy={"rules": [{"succeededCount": 1}]}, **odd)
    status = job_is(w, "all", "SuccessPolicy", 2, criteria=True)
    assert at_rest(status) and status.get("failed", 0) == 0
    for name in ("indexes", "count"):
        status = job_is(w, name, "SuccessPolicy", 1, criteria=True)
        assert status["completedIndexes"] == "0" and at_rest(status)


# ---- CronJobs ----

@walk
def cron_job_verbs(w):
    special, kind = "special-label=" + w.ns, "cronjobs"
    body = {"kind": "CronJob", "metadata": {"name": "test-api", "labels": {"special-label": w.ns}}, "spec": {
        "schedule": "* */1 * * ?", "concurrencyPolicy": "Allow", "successfulJobsHistoryLimit": 1, "failedJobsHistoryLimit": 0,
        "jobTemplate": {"spec": {"parallelism": 1, "completions": 1, "backoffLimit": 1, "template": template(
            {}, box(["/bin/true"], volumeMounts=[{"name": "data", "mountPath": "/data"}]), restartPolicy="OnFailure",
            volumes=[{"name": "data", "emptyDir": {}}])}}}}
    made = w.create(kind, body)
    assert w.get(kind, "test-api")["metadata"]["uid"] == made["metadata"]["uid"]
    found = w.list(kind, special)
    assert len(found["items"]) == 1 == len(w.items(kind, special, everywhere=True))
    assert w.merge(kind, "test-api", {"metadata": {"annotations": {"patched": "true"}}})["metadata"]["annotations"]["patched"] == "true"
    updated = w.update(kind, "test-api", lambda one: one["metadata"]["annotations"].update(updated="true"))
    assert updated["metadata"]["annotations"]["updated"] == "true"
    for place in (w.path(kind), "/apis/batch/v1/cronjobs"):
        seen = w.rest.watch(place + chosen(special), found["metadata"]["resourceVersion"],
                            lambda _, one: one["metadata"].get("annotations", {}).get("patched"))
        assert {event for event, _ in seen} == {"MODIFIED"}
    at = now()
    patched = w.merge(kind, "test-api", {"metadata": {"annotations": {"patchedstatus": "true"}},
                                         "status": {"lastScheduleTime": at}}, "status")
    assert patched["status"]["lastScheduleTime"] == at and patched["metadata"]["annotations"]["patchedstatus"] == "true"
    at = now()
    told = w.update(kind, "test-api", lambda one: one["status"].update(lastScheduleTime=at), "status")
    assert told["status"]["lastScheduleTime"] == at
    assert w.get(kind, "test-api", "status")["metadata"]["uid"] == made["metadata"]["uid"]
    body["metadata"]["name"] = "for-removal"
    w.create(kind, body)
    w.delete(kind, "for-removal")
    assert w.gone(kind, "for-removal")
    w.delete_all(kind, special)
    assert w.items(kind, special) == []


# ---- PodDisruptionBudgets ----

BUDGETS = "poddisruptionbudgets"


def budget(w, name="foo", labels=None, **spec):
    w.create(BUDGETS, {"metadata": {"name": name, "labels": labels}, "spec": {"selector": {"matchLabels": {"foo": "bar"}}, **spec}})
    w.observed(BUDGETS, name)


@walk
def budgets_in_the_api(w):
    """Their life, and a collection of them in two namespaces."""
    budget(w, minAvailable="1%")
    assert w.update(BUDGETS, "foo", lambda one: one["spec"].update(minAvailable="2%"))["spec"]["minAvailable"] == "2%"
    w.observed(BUDGETS, "foo")
    assert w.merge(BUDGETS, "foo", {"spec": {"minAvailable": "3%"}})["spec"]["minAvailable"] == "3%"
    w.observed(BUDGETS, "foo")
    w.delete(BUDGETS, "foo")
    w.wait(lambda: w.gone(BUDGETS, "foo"), "end of it")

    labels, special = {"foo_pdb": w.ns}, "foo_pdb=" + w.ns
    other = World(w.cluster, w.rest, w.ns + "-other")
    budget(w, "foo", labels, minAvailable=2)
    budget(w, "foo2", labels, minAvailable="1%")
    budget(other, "foo3", labels, minAvailable=2)
    assert sorted(map(name_of, w.items(BUDGETS, special, everywhere=True))) == ["foo", "foo2", "foo3"]
    assert sorted(map(name_of, w.items(BUDGETS, special))) == ["foo", "foo2"]
    w.delete_all(BUDGETS)
    w.wait(lambda: w.items(BUDGETS) == [], "no budgets")
    other.rest.delete("/api/v1/namespaces/" + other.ns)


@walk
def budget_blocks_evictions(w):
    """Its status, which the controller tells and others write; then how it is changed until it allows an eviction."""
    def evict(pod):
        answer = w.rest.request("POST", w.path("pods", pod, "eviction"), {"metadata": {"name": pod, "namespace": w.ns}})
        return answer.code, [c["reason"] for c in json.loads(answer.text).get("details", {}).get("causes", [])]

    def healthy(desired):
        def shown():
            status = w.get(BUDGETS, "foo")["status"]
            return (status["currentHealthy"], status["desiredHealthy"]) == (3, desired)
        w.ready("foo=bar", 3)
        w.wait(shown, "healthy pods")
        return name_of(next(p for p in w.items("pods") if is_ready(p) and "deletionTimestamp" not in p["metadata"]))
    budget(w, minAvailable=1)
    w.create("replicasets", workload("rs", {"foo": "bar"}, box(SLEEPS), replicas=3))
    pod = healthy(1)
    w.wait(lambda: w.get(BUDGETS, "foo")["status"]["disruptionsAllowed"] > 0, "disruptions allowed")
    w.update(BUDGETS, "foo", lambda one: one["status"].update(disruptedPods={pod: now()}), "status")
    assert pod in w.get(BUDGETS, "foo", "status")["status"]["disruptedPods"]
    patched = w.merge(BUDGETS, "foo", {"status": {"disruptedPods": None}}, "status")
    assert not patched["status"].get("disruptedPods")

    w.update(BUDGETS, "foo", lambda one: one["spec"].update(minAvailable=3))
    w.observed(BUDGETS, "foo")
    healthy(3)
    assert evict(pod) == (429, ["DisruptionBudget"])
    w.update(BUDGETS, "foo", lambda one: one["spec"].update(minAvailable=2))
    w.observed(BUDGETS, "foo")
    healthy(2)
    assert evict(pod) == (201, [])
    w.wait(lambda: w.gone("pods", pod), "end of it")
    w.merge(BUDGETS, "foo", {"spec": {"minAvailable": None, "maxUnavailable": 0}})
    w.observed(BUDGETS, "foo")
    pod = healthy(3)
    assert evict(pod) == (429, ["DisruptionBudget"])
    w.delete(BUDGETS, "foo")
    w.wait(lambda: w.gone(BUDGETS, "foo"), "end of it")
    w.ready("foo=bar", 3)
    assert evict(pod) == (201, [])


# ---- all of them ----

@pytest.fixture(scope="module", name="walks")
def _walks(cluster):
    with running(cluster, walk) as walks:
        yield walks


@pytest.mark.parametrize("function", walk, ids=lambda function: function.__name__)
def test_walk(walks, function):
    walks[function].result(timeout=180)
