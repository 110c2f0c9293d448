#!/usr/bin/env bash
# End to end: real kubectl, real client libraries, real containers, against clusters of its own
# (own data folder, ports, bridge) beside whatever else runs. Two processes, file by file: the tests wait
# more than they work. Arguments go to pytest.
set -euo pipefail
cd "$(dirname "$0")/../.."
node_modules=build/e2e/node_modules
if [ ! -d "$node_modules/@kubernetes/client-node" ]; then
  mkdir -p build/e2e
  npm install --silent --no-audit --no-fund --prefix build/e2e @kubernetes/client-node@1 >build/e2e/npm.log 2>&1 ||
    { cat build/e2e/npm.log >&2; exit 1; }
fi
exec /usr/bin/python3 -m pytest -p no:cacheprovider -q -x --tb=short -n 2 --dist loadfile tests/e2e "$@"
