/** The lab's first process, PID 1 of its own world: makes the namespaces, starts the store and the daemons, has the pods
 *  wired, shows what came of it, keeps the daemons running, and takes everything down. Its end is the lab's end. */
import fs from 'node:fs';
import path from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { invariant } from '../base/invariant.ts';
import { type NetlinkClient, openNetlink } from '../netlink/client.ts';
import { primeThreadPool } from '../sys/netns.ts';
import { bringUp } from './bring-up.ts';
import { mountNetnsDir, unmountNetnsDir } from './machine/namespaces.ts';
import { startReaper } from './machine/reaper.ts';
import { type LabRecord, removeLab, writeLab } from './machine/registry.ts';
import { Running } from './machine/running.ts';
import { labPlan } from './mesh/plan.ts';
import { searchPath } from './mesh/preflight.ts';
import { tryEverything } from './mesh/trial.ts';
import { type FromInside, INSIDE_VARIABLE, type Inside, parseToInside } from './messages.ts';
import { bringUpTopology } from './topology/bring-up.ts';
import { loadTopology } from './topology/load.ts';
import type { TopologyNode } from './topology/node.ts';
import { topologyPlan } from './topology/plan.ts';
import { painter, stepLine } from './tour/steps.ts';

/** Resolves with the exit code when the lab has ended. */
export async function supervise(inside: Inside): Promise<number> {
  delete process.env[INSIDE_VARIABLE];
  delete process.env['NODE_EXTRA_CA_CERTS']; // 40 ms of every start, and the lab's store speaks plain HTTP
  process.env['PATH'] = searchPath();
  const front = new Front(inside);
  await primeThreadPool();
  const netnsDir = tryMount(inside, front);
  if (netnsDir === undefined) return 1;
  const faults = await tryEverything(inside.options.encap, netnsDir);
  if (faults.length > 0 || inside.trialOnly) {
    front.send({ kind: 'faults', faults });
    return faults.length > 0 ? 1 : 0;
  }
  const stopReaper = startReaper();
  const home = await openNetlink();
  const job = inside.options.topology === undefined ? clusterJob(inside, netnsDir) : topologyJob(inside, netnsDir);
  const record = recordOf(inside, job.nodes, await front.identity());
  writeLab(inside.dir, record);
  const tell: Tell = { say: (text) => front.say(text), print: (text) => front.print(text) };
  job.bringUp(record, home, tell).then(
    (whole) => front.send({ kind: 'ready', whole }),
    (error: unknown) => front.fail(error),
  );
  await front.ended();
  await job.stop();
  home.close();
  stopReaper();
  unmountNetnsDir(netnsDir);
  removeLab(inside.dir);
  return front.failed ? 1 : 0;
}

interface Tell {
  /** A step, with its time. */
  readonly say: (text: string) => void;
  /** A line that is just text. */
  readonly print: (text: string) => void;
}

/** What runs in a lab: a cluster by numbers, or a topology by its file. */
interface Job {
  readonly nodes: LabRecord['nodes'];
  readonly bringUp: (record: LabRecord, home: NetlinkClient, tell: Tell) => Promise<boolean>;
  readonly stop: () => Promise<unknown>;
}

function clusterJob(inside: Inside, netnsDir: string): Job {
  const plan = labPlan(inside.options, inside.dir, netnsDir);
  let running: Running | undefined;
  return {
    nodes: plan.nodes.map(({ name, kind, address, controlSocket: socket, netns }) => ({
      name,
      kind,
      address,
      socket,
      netns,
    })),
    bringUp: (record, home, tell) => {
      running = new Running(tell.say);
      return bringUp({ inside, plan, home, running, record, ...tell });
    },
    stop: async () => running?.stop(),
  };
}

function topologyJob(inside: Inside, netnsDir: string): Job {
  const file = inside.options.topology ?? '';
  const loaded = loadTopology(file);
  invariant(loaded.ok, `${file} has changed since it was checked`);
  const plan = topologyPlan(loaded.value.topology, file, inside.dir, netnsDir);
  const started: TopologyNode[] = [];
  return {
    nodes: plan.nodes.map(({ node, runs, controlSocket, netns }) => ({
      name: node.name,
      kind: runs,
      address: '',
      socket: controlSocket,
      netns,
    })),
    bringUp: (record, home, tell) => bringUpTopology({ plan, home, record, started, colour: inside.colour, ...tell }),
    stop: () => Promise.all(started.map((node) => node.stop())),
  };
}

function tryMount(inside: Inside, front: Front): string | undefined {
  try {
    return mountNetnsDir(inside.dir);
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    front.send({ kind: 'faults', faults: [`A file system cannot be mounted here: ${text}.`] });
    return undefined;
  }
}

function recordOf(inside: Inside, nodes: LabRecord['nodes'], self: { pid: number; startTime: string }): LabRecord {
  return {
    name: inside.options.name,
    dir: inside.dir,
    ...self,
    user: inside.user,
    userNamespace: inside.userNamespace,
    ready: false,
    encap: inside.options.topology === undefined ? inside.options.encap : 'none',
    startedAt: new Date(inside.startedAt).toISOString(),
    nodes,
    pods: [],
  };
}

/** The process in front, as seen from here: what is said goes to it and to a log, and its end, or a signal, is ours. */
class Front {
  failed = false;
  private attached = process.connected;
  private readonly inside: Inside;
  private readonly log: number;
  private end: () => void = () => {};
  private readonly whenEnded: Promise<void>;
  private readonly whenKnown: Promise<{ pid: number; startTime: string }>;

  constructor(inside: Inside) {
    this.inside = inside;
    this.log = fs.openSync(path.join(inside.dir, 'lab.log'), 'a');
    this.whenEnded = new Promise((resolve) => {
      this.end = resolve;
    });
    this.whenKnown = new Promise((resolve) => {
      process.on('message', (message) => {
        const told = parseToInside(message);
        if (told?.kind === 'identity') resolve({ pid: told.pid, startTime: told.startTime });
        if (told?.kind === 'stop') this.end();
        if (told?.kind === 'detach') {
          this.attached = false;
          process.disconnect();
        }
      });
    });
    // A front that was killed would leave a lab that nobody sees; one that detached said so.
    process.on('disconnect', () => this.attached && this.end());
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => this.end());
    this.send({ kind: 'hello' });
  }

  identity(): Promise<{ pid: number; startTime: string }> {
    return this.whenKnown;
  }
  ended(): Promise<void> {
    return this.whenEnded;
  }

  say(text: string): void {
    const { startedAt, colour } = this.inside;
    const elapsed = Date.now() - startedAt;
    this.print(stepLine(painter(colour), elapsed, text));
  }
  print(text: string): void {
    fs.writeSync(this.log, `${stripVTControlCharacters(text)}\n`);
    this.send({ kind: 'line', text });
  }

  fail(error: unknown): void {
    this.failed = true;
    const text = error instanceof Error ? error.message : String(error);
    fs.writeSync(this.log, `failed: ${error instanceof Error ? error.stack : text}\n`);
    this.send({ kind: 'failed', text });
    this.end();
  }

  send(message: FromInside): void {
    if (this.attached && process.connected) process.send?.(message);
  }
}
