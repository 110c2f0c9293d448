"""kube-scheduler with extenders: a real one over HTTP that filters, scores and binds, and two that are down."""
import http.server
import json
import threading

import pytest

from api_server import ApiServer
from cluster import free_port, wait_for
from test_scheduler import Scheduler, all_placed, make_node, make_pod, placed

CONFIG = """
apiVersion: kubescheduler.config.k8s.io/v1
kind: KubeSchedulerConfiguration
clientConnection: {kubeconfig: "%%s", qps: 1000, burst: 1000}
podMaxBackoffSeconds: 2
extenders:
- urlPrefix: http://127.0.0.1:%(port)d/cards/
  filterVerb: filter
  prioritizeVerb: prioritize
  weight: 5
  bindVerb: bind
  managedResources: [{name: example.com/card, ignoredByScheduler: true}]
- urlPrefix: http://127.0.0.1:%(port)d/names
  filterVerb: filter
  nodeCacheCapable: true
  managedResources: [{name: example.com/name, ignoredByScheduler: true}]
- urlPrefix: http://127.0.0.1:%(down)d
  filterVerb: filter
  ignorable: true
  managedResources: [{name: example.com/extra, ignoredByScheduler: true}]
- urlPrefix: http://127.0.0.1:%(down)d/needed
  filterVerb: filter
  httpTimeout: 2s
  managedResources: [{name: example.com/lost, ignoredByScheduler: true}]
"""


class Extender:
    """Answers by path from `answers`: a value, or a function of the question."""

    def __init__(self, port):
        self.answers, self.asked = {}, []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                question = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                outer.asked.append((self.path, question))
                answer = outer.answers.get(self.path)
                text = json.dumps(answer(question) if callable(answer) else answer).encode()
                self.send_response(200 if self.path in outer.answers else 404)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()

    def questions(self, path):
        return [question for asked, question in self.asked if asked == path]


@pytest.fixture(scope="module", name="server")
def _server(tmp_path_factory):
    server = ApiServer(tmp_path_factory.mktemp("extended")).start()
    for name in ("n1", "n2", "n3"):
        make_node(server, name, {"kubernetes.io/hostname": name})
    yield server
    server.stop()


@pytest.fixture(scope="module", name="down")
def _down():
    return free_port()


@pytest.fixture(scope="module", name="extender")
def _extender(server, down):
    port = free_port()
    extender = Extender(port)
    scheduler = Scheduler(server.folder, server, 1, CONFIG % {"port": port, "down": down}).start()
    wait_for(scheduler.leads, 20, "leader")
    yield extender
    scheduler.stop()
    extender.stop()


def make_asking_pod(server, name, resource):
    asked = {"cpu": "100m", resource: "1"}
    status, answer = server.request("POST", "/api/v1/namespaces/default/pods", {
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": name},
        "spec": {"containers": [{"name": "c", "image": "busybox",
                                 "resources": {"requests": asked, "limits": {resource: "1"}}}]}})
    assert status == 201, answer


def condition(server, name):
    pod = server.request("GET", f"/api/v1/namespaces/default/pods/{name}")[1]
    for one in pod["status"].get("conditions", []):
        if one["type"] == "PodScheduled":
            return f"{one.get('reason')}: {one.get('message')}"
    return None


def passing(*names):
    def answer(question):
        nodes = [node for node in question["Nodes"]["items"] if node["metadata"]["name"] in names]
        return {"Nodes": {"items": nodes}, "FailedNodes": {"n1": "no card"}}
    return answer


def test_filters_scores_and_binds(server, extender):
    def bind(question):
        status, answer = server.request(
            "POST", f"/api/v1/namespaces/{question['PodNamespace']}/pods/{question['PodName']}/binding",
            {"apiVersion": "v1", "kind": "Binding",
             "metadata": {"name": question["PodName"], "uid": question["PodUID"]},
             "target": {"kind": "Node", "name": question["Node"]}})
        return {} if status == 201 else {"Error": answer["message"]}

    extender.answers = {"/cards/filter": passing("n2", "n3"),
                        "/cards/prioritize": [{"Host": "n2", "Score": 0}, {"Host": "n3", "Score": 10}],
                        "/cards/bind": bind}
    for i in range(4):
        make_asking_pod(server, f"card-{i}", "example.com/card")
    nodes = wait_for(lambda: all_placed(server, "card-", 4), 20, "pods")
    assert set(nodes.values()) == {"n3"}
    filtered = extender.questions("/cards/filter")
    assert len(filtered) == 4 and filtered[0]["NodeNames"] is None
    assert sorted(node["metadata"]["name"] for node in filtered[0]["Nodes"]["items"]) == ["n1", "n2", "n3"]
    assert filtered[0]["Pod"]["metadata"]["name"].startswith("card-")
    assert {node["metadata"]["name"] for node in extender.questions("/cards/prioritize")[0]["Nodes"]["items"]} == {
        "n2", "n3"}
    assert len(extender.questions("/cards/bind")) == 4
    text = server.kubectl("get", "events", "--field-selector", "reason=Scheduled", "-o",
                          "jsonpath={.items[*].message}")
    assert "Successfully assigned default/card-0 to n3" in text
    asked = len(extender.asked)
    make_pod(server, "plain", "default-scheduler")
    wait_for(lambda: all_placed(server, "plain", 1), 20, "pod")
    assert len(extender.asked) == asked, "nobody's business"


def test_rejections_are_told(server, extender):
    extender.answers = {"/names/filter": {"NodeNames": [], "FailedNodes": {"n1": "too hot", "n2": "too hot"},
                                          "FailedAndUnresolvableNodes": {"n3": "too old"}}}
    make_asking_pod(server, "named", "example.com/name")
    told = wait_for(lambda: condition(server, "named"), 20, "condition")
    assert told == ("Unschedulable: 0/3 nodes are available: 1 too old, 2 too hot. preemption: 0/3 nodes are "
                    "available: 1 Preemption is not helpful for scheduling, 2 No preemption victims found for "
                    "incoming pod.")
    question = extender.questions("/names/filter")[0]
    assert question["Nodes"] is None and sorted(question["NodeNames"]) == ["n1", "n2", "n3"]
    extender.answers = {"/names/filter": {"nodenames": ["n1"]}}
    status, node = server.request("GET", "/api/v1/nodes/n2")
    node["metadata"]["labels"]["new"] = "label"
    assert status == 200 and server.request("PUT", "/api/v1/nodes/n2", node)[0] == 200
    wait_for(lambda: placed(server, "named") == {"named": "n1"}, 20, "pod")


def test_one_that_is_down(server, extender, down):
    make_asking_pod(server, "extra", "example.com/extra")
    wait_for(lambda: all_placed(server, "extra", 1), 20, "pod whose extender may be ignored")
    make_asking_pod(server, "lost", "example.com/lost")
    told = wait_for(lambda: condition(server, "lost"), 20, "condition")
    assert told == (f'SchedulerError: Post "http://127.0.0.1:{down}/needed/filter": dial tcp 127.0.0.1:{down}: '
                    "connect: connection refused")
    make_pod(server, "other", "default-scheduler")
    wait_for(lambda: all_placed(server, "other", 1), 20, "pod of nobody")
    back = Extender(down)
    try:
        back.answers = {"/needed/filter": passing("n2")}
        wait_for(lambda: placed(server, "lost") == {"lost": "n2"}, 20, "pod")
    finally:
        back.stop()
