/** Runs a topology of this folder and holds it to its expected.json (documented in expected.schema.json). */
import { execFile, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';

const here = import.meta.dirname;
const gingham = path.resolve(here, '../dist/gingham.js');
const USAGE = 'usage: containerlab/run NAME [--keep] [--with containerlab|namespaces]';

function stop(text, code = 2) {
  console.error(text);
  process.exit(code);
}

const args = process.argv.slice(2);
const keep = args.includes('--keep');
const withAt = args.indexOf('--with');
const asked = withAt < 0 ? undefined : args[withAt + 1];
const [name, ...more] = args.filter((a, i) => !a.startsWith('--') && (withAt < 0 || i !== withAt + 1));
const known = fs.readdirSync(here).filter((d) => fs.existsSync(path.join(here, d, `${d}.clab.yml`)));
if (name === undefined || more.length > 0) stop(`${USAGE}\nNAME is one of: ${known.join(', ')}`);
if (!known.includes(name)) stop(`containerlab/run: there is no topology "${name}". There is: ${known.join(', ')}.`);

const file = path.join(here, name, `${name}.clab.yml`);
const expected = JSON.parse(fs.readFileSync(path.join(here, name, 'expected.json'), 'utf8'));

const run = (command, commandArgs, options = {}) =>
  spawnSync(command, commandArgs, { encoding: 'utf8', timeout: 300_000, ...options });
const installed = (tool) => run(tool, ['version'], { stdio: 'ignore' }).status === 0;

/** Two ways to run the same file. */
const WAYS = {
  containerlab: {
    up: () => run('containerlab', ['deploy', '-t', file], { stdio: 'inherit', env: { ...process.env, CLAB_VERSION_CHECK: 'disable' } }),
    exec: (node, ...words) => ['docker', ['exec', `clab-${name}-${node}`, ...words]],
    down: () => run('containerlab', ['destroy', '-t', file, '--cleanup'], { stdio: 'inherit' }),
  },
  namespaces: {
    up: () => run(process.execPath, [gingham, 'lab', 'up', '--detach', '--topology', file], { stdio: 'inherit' }),
    exec: (node, ...words) => [process.execPath, [gingham, 'lab', 'exec', '--lab', name, node, ...words]],
    down: () => run(process.execPath, [gingham, 'lab', 'down', name], { stdio: 'inherit' }),
  },
};
const chosen = asked ?? (installed('containerlab') ? 'containerlab' : 'namespaces');
if (!(chosen in WAYS)) stop(`containerlab/run: --with ${chosen}: write containerlab or namespaces.`);
if (chosen === 'namespaces' && !fs.existsSync(gingham)) stop(`containerlab/run: ${gingham} is missing. Run: npm run build`);
const way = WAYS[chosen];

/** What a line of shell answers in a node, or why it does not. */
function answer(node, line) {
  return new Promise((resolve) => {
    const [command, commandArgs] = way.exec(node, 'sh', '-c', line);
    execFile(command, commandArgs, { encoding: 'utf8', timeout: 60_000 }, (error, stdout, stderr) => {
      if (!error) return resolve({ text: stdout });
      const said = (stderr || stdout || error.message).trim().split('\n').at(-1);
      resolve({ text: '', failure: `${node} does not answer: ${said}` });
    });
  });
}

/** How each program is asked for its sessions, and how its answer is read: state by peer. */
const SPEAKERS = {
  gingham: {
    line: 'gingham peers -o json',
    states: (text) => Object.fromEntries(JSON.parse(text).items.map((p) => [p.name, p.state])),
  },
  bird: {
    line: 'birdc show protocols',
    states: (text) => {
      const rows = text.split('\n').map((line) => line.trim().split(/\s+/));
      return Object.fromEntries(rows.filter((r) => r[1] === 'BGP').map((r) => [r[0], r[5] ?? r[3]]));
    },
  },
};
const MARK = '--- routes ---';

/** Lines for what is not as expected of a node, each with what was found. One way in for all questions. */
async function stateMissing(node) {
  const program = SPEAKERS[expected.speakers[node]];
  const { text, failure } = await answer(node, `${program ? program.line : 'true'} || true; echo '${MARK}'; ip -j route`);
  const [sessionText = '', routeText = ''] = text.split(MARK);
  return [
    ...sessionsMissing(node, program, sessionText, failure),
    ...routesMissing(node, routeText, failure),
  ];
}
function sessionsMissing(node, program, text, failure) {
  const read = () => {
    try {
      return { states: program.states(text), failure };
    } catch {
      return { states: {}, failure: failure ?? (text.trim() || 'no answer') };
    }
  };
  const wanted = expected.sessions.filter((s) => s.node === node);
  if (wanted.length === 0) return [];
  const { states, failure: why } = read();
  return wanted
    .filter(({ peer }) => states[peer] !== 'Established')
    .map(({ peer }) => `session ${node} - ${peer}: expected Established, found ${why ?? states[peer] ?? 'no such peer'}`);
}
function routesMissing(node, text, failure) {
  const found = failure ? [] : JSON.parse(text.trim() || '[]');
  const isIt = (r) => (f) =>
    f.dst === r.prefix &&
    f.gateway === r.via &&
    (r.device === undefined || f.dev === r.device) &&
    (r.protocol === undefined || f.protocol === r.protocol);
  return expected.routes
    .filter((r) => r.node === node && !found.some(isIt(r)))
    .map((r) => {
      const same = found.filter((f) => f.dst === r.prefix).map((f) => `via ${f.gateway} dev ${f.dev} proto ${f.protocol}`);
      const wanted = ['via', 'device', 'protocol'].filter((k) => r[k]).map((k) => r[k]);
      return `route ${node} ${r.prefix} ${wanted.join(' ')}: found ${failure ?? (same.join(', ') || 'none')}`;
    });
}
async function pingsMissing(node) {
  const pings = expected.pings.filter((p) => p.node === node);
  // Each prints its exit code and its last words.
  const line = ({ from, to }) => `o=$(ping -c 1 -W 2 -I ${from} ${to} 2>&1); echo "$? "$(echo "$o" | tail -n 2)`;
  const { text, failure } = await answer(node, pings.map(line).join('; '));
  const lines = text.split('\n');
  return pings
    .map((p, i) => ({ ...p, found: failure ?? lines[i] ?? 'nothing' }))
    .filter((p) => !p.found.startsWith('0 '))
    .map((p) => `ping ${node} ${p.from} -> ${p.to}: ${p.found}`);
}

const nodesOf = (entries) => [...new Set(entries.map((e) => e.node))];
const askAll = async (nodes, ask) => (await Promise.all(nodes.map(ask))).flat();

/** Pings are not tried while routes are missing. */
async function check() {
  const missing = await askAll(nodesOf([...expected.sessions, ...expected.routes]), stateMissing);
  return missing.length > 0 ? missing : askAll(nodesOf(expected.pings), pingsMissing);
}

async function verdict(began) {
  for (;;) {
    const missing = await check();
    if (missing.length === 0) {
      const { sessions, routes, pings } = expected;
      const took = ((Date.now() - began) / 1000).toFixed(1);
      console.log(`${name}: ${sessions.length} session ends, ${routes.length} routes, ${pings.length} pings are as expected after ${took} s`);
      return 0;
    }
    if (Date.now() - began > expected.deadlineSec * 1000) {
      console.error(`${name}: not as expected within ${expected.deadlineSec} s:`);
      for (const line of missing) console.error(`  ${line}`);
      for (const node of Object.keys(expected.speakers)) {
        console.error(`  ${node}: ip route`);
        for (const line of (await answer(node, 'ip route')).text.trim().split('\n')) console.error(`    ${line}`);
      }
      return 1;
    }
    await new Promise((next) => setTimeout(next, 500));
  }
}

console.log(`${name}: by ${chosen}`);
const began = Date.now();
const up = way.up();
// 3: the lab stands and not all is up yet; expected.json decides.
let code = up.status === 0 || up.status === 3 ? await verdict(began) : 1;
if (up.error) console.error(`${name}: ${chosen} cannot be started: ${up.error.message}`);
if (!keep || code !== 0) {
  const down = way.down();
  if (code === 0 && down.status !== 0) code = 1;
}
process.exit(code);
