// exec, attach and port-forward through @kubernetes/client-node, over the channel protocol given: v5 is
// translated by the API server, older ones reach the runtime as they are.
// node client_node_exec.js KUBECONFIG NAMESPACE PROTOCOL
const { PassThrough } = require('stream');

const [kubeconfigPath, namespace, protocol] = process.argv.slice(2);

function collect(stream) {
  let text = '';
  stream.on('data', (data) => { text += data; });
  return () => text;
}

function until(check, what) {
  return new Promise((resolve, reject) => {
    const deadline = Date.now() + 20000;
    const timer = setInterval(() => {
      if (check()) { clearInterval(timer); resolve(); }
      else if (Date.now() > deadline) { clearInterval(timer); reject(new Error('no ' + what)); }
    }, 20);
  });
}

function same(got, wanted) {
  if (got !== wanted) throw new Error(`got ${JSON.stringify(got)}, wanted ${JSON.stringify(wanted)}`);
}

async function main() {
  const k8s = await import(require.resolve('@kubernetes/client-node'));
  const inside = (name) => import(require.resolve('@kubernetes/client-node').replace(/index.js$/, name));
  const { WebSocketHandler } = await inside('web-socket-handler.js');
  const { default: WebSocket } = await import(require.resolve('ws', { paths: [require.resolve('@kubernetes/client-node')] }));
  const config = new k8s.KubeConfig();
  config.loadFromFile(kubeconfigPath);
  const handler = new WebSocketHandler(config, (uri, _, options) => new WebSocket(uri, [protocol], options));

  async function execute(command, input) {
    const out = new PassThrough();
    const err = new PassThrough();
    const stdin = input === undefined ? null : new PassThrough();
    const texts = [collect(out), collect(err)];
    let status;
    const exec = new k8s.Exec(config, handler);
    const socket = await exec.exec(namespace, 'box', 'main', command, out, err, stdin, false, (s) => { status = s; });
    same(socket.protocol, protocol);
    if (stdin) stdin.write(input);
    if (stdin && protocol.startsWith('v5')) stdin.end();
    await until(() => status, 'status');
    return [status.status, status.reason, texts[0](), texts[1]()].join('|');
  }
  same(await execute(['sh', '-c', 'echo out; sleep 0.2; echo err >&2']), 'Success||out\n|err\n');
  same(await execute(['sh', '-c', 'exit 3']), 'Failure|NonZeroExitCode||');
  same(await execute(['head', '-c', '2'], 'hi'), 'Success||hi|');
  if (protocol.startsWith('v5')) same(await execute(['cat'], 'to the end'), 'Success||to the end|');

  const attached = new PassThrough();
  const typed = new PassThrough();
  const said = collect(attached);
  const socket = await new k8s.Attach(config, handler).attach(namespace, 'box', 'echo', attached, null, typed, false);
  typed.write('node ' + protocol + '\n');
  await until(() => said().includes('got node ' + protocol), 'echo');
  socket.close();

  if (!protocol.startsWith('v5')) {
    const page = new PassThrough();
    const request = new PassThrough();
    const errors = new PassThrough();
    const text = collect(page);
    await new k8s.PortForward(config, true, handler).portForward(namespace, 'web', [80], page, errors, request);
    request.write('GET / HTTP/1.0\r\n\r\n');
    await until(() => /nginx/i.test(text()), 'page');
  }
  console.log('ok', protocol);
  process.exit(0);
}

main().catch((error) => { console.error(error); process.exit(1); });
