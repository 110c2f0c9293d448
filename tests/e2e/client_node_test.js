// The Deployment through @kubernetes/client-node, with a watch that must see every transition of
// its pods: Pending, then Running and Ready, later Terminating and the deletion; in order, none twice.
// node client_node_test.js KUBECONFIG NAMESPACE MANIFEST
const fs = require('fs');
const path = require('path');

const [kubeconfigPath, namespace, manifestPath] = process.argv.slice(2);

async function load() {
  const file = require.resolve('@kubernetes/client-node');
  return import(file).catch(() => require('@kubernetes/client-node'));
}

function until(check, seconds, what) {
  return new Promise((resolve, reject) => {
    const deadline = Date.now() + seconds * 1000;
    const timer = setInterval(() => {
      const value = check();
      if (value) { clearInterval(timer); resolve(value); }
      else if (Date.now() > deadline) { clearInterval(timer); reject(new Error('no ' + what)); }
    }, 50);
  });
}

function fail(message) { throw new Error(message); }

async function main() {
  const k8s = await load();
  const config = new k8s.KubeConfig();
  config.loadFromFile(kubeconfigPath);
  const apps = config.makeApiClient(k8s.AppsV1Api);
  const core = config.makeApiClient(k8s.CoreV1Api);
  const manifest = k8s.loadYaml(fs.readFileSync(manifestPath, 'utf8'));

  const seen = new Map();  // pod name -> list of states
  let lastVersion = 0;
  const watch = new k8s.Watch(config);
  const request = await watch.watch(`/api/v1/namespaces/${namespace}/pods`, {}, (type, pod) => {
    const version = Number(pod.metadata.resourceVersion);
    if (version <= lastVersion) fail(`revision ${version} after ${lastVersion}`);
    lastVersion = version;
    const ready = (pod.status.conditions || []).some((c) => c.type === 'Ready' && c.status === 'True');
    const state = type === 'DELETED' ? 'deleted'
      : pod.metadata.deletionTimestamp ? 'terminating'
      : ready ? 'ready' : pod.status.phase.toLowerCase();
    const states = seen.get(pod.metadata.name) || [];
    if (type === 'ADDED' && states.length) fail(`ADDED twice: ${pod.metadata.name}`);
    if (states[states.length - 1] !== state) states.push(state);
    seen.set(pod.metadata.name, states);
  }, () => {});

  await apps.createNamespacedDeployment({ namespace, body: manifest });
  await until(() => seen.size === 2 && [...seen.values()].every((s) => s.includes('ready')), 60, 'ready pods');
  const listed = await core.listNamespacedPod({ namespace, labelSelector: 'app=nginx' });
  if (listed.items.length !== 2) fail(`listed ${listed.items.length} pods`);
  const deployment = await apps.readNamespacedDeployment({ namespace, name: 'nginx-deployment' });
  if (deployment.spec.replicas !== 2) fail('replicas');
  await apps.deleteNamespacedDeployment({ namespace, name: 'nginx-deployment', propagationPolicy: 'Background' });
  await until(() => [...seen.values()].every((s) => s.includes('deleted')), 60, 'deletions');
  for (const [name, states] of seen) {
    const text = states.filter((s) => s !== 'running').join(' ');
    if (!/^pending ready( pending)? terminating( .*)? deleted$/.test(text)) fail(`${name}: ${states.join(' ')}`);
  }
  (request.abort || request.controller?.abort)?.call(request.controller || request);
  console.log('ok', path.basename(manifestPath), [...seen.values()].map((s) => s.join('>')).join(' | '));
  process.exit(0);
}

main().catch((error) => { console.error(error); process.exit(1); });
