"""Why a pod is or isn't somewhere: podplacements by kubectl, and `tiphys why`."""
import json

from cluster import TIPHYS

POD = """{"apiVersion":"v1","kind":"Pod","metadata":{"name":"%s"},"spec":{%s"containers":[
    {"name":"c","image":"nginx","resources":{"requests":{"cpu":"%s"}}}]}}"""


def make_nodes(api):
    """Two nodes that differ in size and taints."""
    for name, cpu, spec in (("why-big", "8", "{}"), ("why-small", "1", "{}"),
                            ("why-taken", "8", '{"taints":[{"key":"k","effect":"NoSchedule"}]}')):
        api.kubectl("create", "-f", "-", text=json.dumps({
            "apiVersion": "v1", "kind": "Node", "metadata": {"name": name},
            "spec": json.loads(spec)}))
        status = {"status": {"allocatable": {"cpu": cpu, "memory": "8Gi", "pods": "110"}}}
        api.kubectl("patch", "node", name, "--subresource=status", "-p", json.dumps(status))
        # Nobody keeps these nodes alive: only what the test says repels.
        api.kubectl("taint", "node", name, "node.kubernetes.io/not-ready-", check=False)


def why(api, *arguments):
    return api.run(TIPHYS, "why", *arguments, check=False)


def test_every_verdict_and_score_can_be_read(api, ns):
    make_nodes(api)
    try:
        api.kubectl("-n", ns, "create", "-f", "-", text=POD % ("fits", "", "2"))
        api.kubectl("-n", ns, "create", "-f", "-", text=POD % ("huge", "", "9"))
        placement = json.loads(api.kubectl("-n", ns, "get", "podplacement", "fits", "-o", "json"))
        assert placement["schedulerName"] == "default-scheduler"
        nodes = {node["name"]: node for node in placement["nodes"]}
        assert nodes["why-big"]["feasible"] and not nodes["why-small"]["feasible"]
        assert nodes["why-small"]["rejections"] == [
            {"plugin": "NodeResourcesFit", "reasons": ["Insufficient cpu"]}]
        assert nodes["why-taken"]["rejections"] == [
            {"plugin": "TaintToleration", "reasons": ["node(s) had untolerated taint(s)"]}]
        scores = {score["plugin"]: score["score"] for score in nodes["why-big"]["scores"]}
        assert scores["TaintToleration"] == 300 and nodes["why-big"]["score"] == sum(scores.values())
        assert placement["nodes"][0]["name"] == "why-big"
        assert placement["message"].startswith("1/3 nodes are feasible, the best is why-big")

        table = api.kubectl("-n", ns, "get", "why", "huge")
        assert table.split("\n")[0].split() == ["NAME", "NODE", "FEASIBLE", "MESSAGE"]
        assert "huge   <none>   0/3" in table
        assert ("0/3 nodes are available: 1 node(s) had untolerated taint(s), "
                "2 Insufficient cpu.") in table

        told = why(api, "pod/huge", "-n", ns)
        assert told.returncode == 0, told.stderr
        assert told.stdout.startswith(f"Pod {ns}/huge has no node (scheduler default-scheduler)\n")
        assert "why-taken   no     -       TaintToleration: node(s) had untolerated taint(s); " \
               "NodeResourcesFit: Insufficient cpu\n" in told.stdout
    finally:
        api.kubectl("delete", "node", "why-big", "why-small", "why-taken")


def test_a_placed_pod_is_judged_as_if_it_came_now(api, ns):
    make_nodes(api)
    try:
        api.kubectl("-n", ns, "create", "-f", "-",
                    text=POD % ("placed", '"nodeName":"why-small",', "900m"))
        placement = json.loads(api.kubectl("-n", ns, "get", "why", "placed", "-o", "json"))
        assert placement["nodeName"] == "why-small"
        assert {node["name"] for node in placement["nodes"] if node["feasible"]} == {
            "why-big", "why-small"}
        # The others see the room that it takes.
        api.kubectl("-n", ns, "create", "-f", "-", text=POD % ("next", "", "200m"))
        placement = json.loads(api.kubectl("-n", ns, "get", "why", "next", "-o", "json"))
        assert {node["name"] for node in placement["nodes"] if node["feasible"]} == {"why-big"}
    finally:
        api.kubectl("delete", "node", "why-big", "why-small", "why-taken")


def test_what_is_not_there(api, ns):
    gone = why(api, "pod/gone", "-n", ns)
    assert gone.returncode == 1 and 'pods "gone" not found' in gone.stderr
    other = why(api, "deployment/web", "-n", ns)
    assert other.returncode == 2 and "only of pods" in other.stderr
    assert why(api).returncode == 2
    api.kubectl("-n", ns, "create", "-f", "-",
                text=POD % ("elsewhere", '"schedulerName":"mine",', "1"))
    told = why(api, "elsewhere", "-n", ns)
    assert 'no profile of this scheduler is named "mine"' in told.stdout
    assert "the server does not allow this method" in api.refused("-n", ns, "get", "why")
