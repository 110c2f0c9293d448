"""Load from wrk: a new connection each request (the answer to each comes before its connection ends), so that every
request is a choice of the proxy's, and a count of everything that wasn't a good answer."""
import json
import signal
import subprocess

# The pause keeps wrk from using up the ports of its address.
SCRIPT = """
wrk.headers["Connection"] = "close"
function delay() return 10 end
function done(summary)
  local e = summary.errors
  io.write(string.format('{"requests": %d, "connect": %d, "read": %d, "write": %d, "status": %d, "timeout": %d}\\n',
    summary.requests, e.connect, e.read, e.write, e.status, e.timeout))
end
"""
LONGEST = "120s"


class Load:
    """wrk on some connections, from one of the namespaces, until it is told to end."""

    def __init__(self, prefix, folder, url, connections=4):
        script = folder / "load.lua"
        script.write_text(SCRIPT)
        self.process = subprocess.Popen(
            [*prefix, "wrk", "-t", "1", "-c", str(connections), "-d", LONGEST, "--timeout", "10s", "-s", str(script), url],
            stdout=subprocess.PIPE, text=True)

    def end(self):
        """How many requests got an answer, and errors by their kind."""
        self.process.send_signal(signal.SIGINT)
        out = self.process.communicate(timeout=30)[0]
        told = json.loads(out.splitlines()[-1])
        return told.pop("requests"), told
