"""One shared cluster for the session; its images come from tests/images (Debian packages)."""
import fcntl
import pathlib
import re
import subprocess
import sys
import tempfile

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from api_server import ApiServer  # noqa: E402
from cluster import ROOT, Cluster  # noqa: E402
from nodes import Nodes  # noqa: E402


@pytest.fixture(scope="session")
def images():
    """A folder of image tarballs: nginx:1.7.9, nginx:1.9.1 and busybox."""
    folder = ROOT / "build/e2e/images"
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / "lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # each pytest process comes here
        subprocess.run([sys.executable, str(ROOT / "tests/images/make_image.py"), "--all", str(folder)],
                       check=True)
    return folder


@pytest.fixture(scope="session")
def api():
    """One API server alone, no controllers and no node."""
    with tempfile.TemporaryDirectory(prefix="tiphys-api-") as folder:
        server = ApiServer(folder).start()
        try:
            yield server
        finally:
            assert server.stop() == 0


@pytest.fixture
def ns(api, request):
    """A namespace of that API server, its name."""
    name = "t" + re.sub("[^a-z0-9]+", "-", request.node.name[4:50]).rstrip("-")
    api.kubectl("create", "namespace", name)
    yield name
    api.kubectl("delete", "namespace", name, "--wait=false")


@pytest.fixture(scope="session")
def cluster(images):
    with tempfile.TemporaryDirectory(prefix="tiphys-e2e-") as folder:
        one = Cluster(folder, 0)
        (one.data / "images").mkdir()
        for image in images.glob("*.tar"):
            (one.data / "images" / image.name).symlink_to(image)
        try:
            yield one.start()
        finally:
            one.purge()


@pytest.fixture(scope="session")
def three_nodes(images):
    """A server and two agents that joined it, each in its own network namespace."""
    with tempfile.TemporaryDirectory(prefix="tiphys-nodes-") as folder:
        nodes = Nodes(folder, [images / "busybox.tar", images / "nginx.tar"])
        try:
            yield nodes.start()
        finally:
            nodes.purge()


@pytest.fixture
def namespace(cluster, request):
    name = "t-" + request.node.name.replace("_", "-").split("[")[0][5:50].strip("-")
    cluster.kubectl("create", "namespace", name)
    yield name
    cluster.kubectl("delete", "namespace", name, "--wait=false", check=False)


def pytest_terminal_summary(terminalreporter):
    """What tests have to say beside that they passed, from every pytest process."""
    for report in terminalreporter.getreports("passed") + terminalreporter.getreports("failed"):
        for _, line in (one for one in report.user_properties if one[0] == "say" and report.when == "call"):
            terminalreporter.write_line(line)
