/** The order in which a lab comes up, and what is told of it. Whatever can go on at the same time does. */
import fs from 'node:fs';
import path from 'node:path';
import { invariant } from '../base/invariant.ts';
import { parseIpv4 } from '../base/ipv4.ts';
import type { ControlClient, openControlClient } from '../control/client.ts';
import type { NetlinkClient } from '../netlink/client.ts';
import { openRestStore, type RestStore } from '../store/rest-client.ts';
import { logTail, until } from './machine/patience.ts';
import { type LabRecord, writeLab } from './machine/registry.ts';
import type { Running } from './machine/running.ts';
import { claimBirdBlock, startBird } from './mesh/bird-node.ts';
import { clusterObjects } from './mesh/cluster-objects.ts';
import { cniAdd } from './mesh/cni-call.ts';
import { nodeYaml } from './mesh/node-yaml.ts';
import { FABRIC_ADDRESS, type LabNode, type LabPlan, type LabPod, STORE_PORT } from './mesh/plan.ts';
import { addLoopbackAddress, makeFabric, makeNode, makePod } from './mesh/world.ts';
import type { Inside } from './messages.ts';
import type { PingEnd } from './tour/ping.ts';
import { showLab } from './tour/show.ts';

export interface BringUp {
  readonly inside: Inside;
  readonly plan: LabPlan;
  readonly home: NetlinkClient;
  readonly running: Running;
  readonly record: LabRecord;
  /** A step, with its time. */
  readonly say: (text: string) => void;
  /** A line that is just text. */
  readonly print: (text: string) => void;
}

const STORE_PATIENCE_MS = 20_000;
const CONTROL_TIMEOUT_MS = 5_000;
/** All daemons start at once, and the machine may have two cores and other things to do. */
const patienceMs = (plan: LabPlan): number => 30_000 + 10_000 * plan.nodes.length;
const POD_RETRY_MS = 100;

/** The bundle we run from; the CNI executable stands beside it. */
const program = (): string => fs.realpathSync(process.argv[1] ?? '');
const plugin = (): string => path.join(path.dirname(program()), 'gingham-cni.cjs');

/** Resolves when the lab stands and was shown: true when every session is up and every ping was answered. */
export async function bringUp(lab: BringUp): Promise<boolean> {
  const { plan, home, running, say } = lab;
  const ours = plan.nodes.filter((n) => n.kind === 'gingham');
  const birds = plan.nodes.filter((n) => n.kind === 'bird');
  for (const dir of [plan.storeDir, ...plan.nodes.map((n) => n.dir)]) fs.mkdirSync(dir, { recursive: true });

  await makeFabric(home);
  running.start({
    name: 'store',
    command: process.execPath,
    args: [program(), 'store', '--listen', `${FABRIC_ADDRESS}:${STORE_PORT}`, '--data', plan.storeDir],
    logFile: plan.storeLog,
  });
  await Promise.all(plan.nodes.map((node) => makeNode(home, node)));
  await Promise.all(plan.pods.map(makePod));
  say(`namespaces made: ${plan.nodes.length} nodes on a bridge, ${plan.pods.length} pods`);

  const store = openRestStore({ server: plan.storeUrl });
  try {
    await fillStore(lab, store);
    for (const node of ours) startDaemon(lab, node);
    const { openControlClient } = await import('../control/client.ts'); // gRPC: not before the daemons have started
    const daemons = new Map(ours.map((node) => [node, bringUpDaemon(lab, node, openControlClient)]));
    const [opened, pods, behindBirds] = await Promise.all([
      Promise.all([...daemons].map(async ([node, client]) => [node, await client] as const)),
      Promise.all(plan.pods.map(async (pod) => daemons.get(pod.node)?.then(() => wirePod(lab, pod)))),
      Promise.all(birds.map((node) => bringUpBird(lab, store, node))),
    ]);
    const clients = new Map(opened);
    const ends = [...pods.filter((pod) => pod !== undefined), ...behindBirds];
    const record: LabRecord = {
      ...lab.record,
      ready: true,
      pods: plan.pods.map(({ name, node, netns }, i) => ({
        name,
        node: node.name,
        address: pods[i]?.text ?? '',
        netns,
      })),
    };
    const whole = await showLab({
      plan,
      clients,
      ends,
      say,
      print: lab.print,
      colour: lab.inside.colour,
      command: lab.inside.command,
    });
    writeLab(lab.inside.dir, record);
    for (const client of clients.values()) client.close();
    return whole;
  } finally {
    store.close();
  }
}

async function fillStore({ plan, say }: BringUp, store: RestStore): Promise<void> {
  const [first, ...rest] = clusterObjects(plan);
  invariant(first, 'a cluster has objects');
  // The first creation is also the question whether the store is there yet.
  await until(STORE_PATIENCE_MS, 20, `the store answers on ${plan.storeUrl}`, plan.storeLog, () =>
    store.create(first.kind, first.object).then(() => true),
  );
  say(`store ready: ${plan.storeUrl}`);
  for (const { kind, object } of rest) await store.create(kind, object);
  say(`cluster objects made: ${rest.map(({ object }) => object.metadata.name).join(', ')}`);
}

function startDaemon({ plan, running }: BringUp, node: LabNode): void {
  const config = path.join(node.dir, 'gingham.yaml');
  fs.mkdirSync(path.join(node.dir, 'state'), { recursive: true });
  fs.writeFileSync(config, nodeYaml(plan, node));
  running.start({
    name: node.name,
    netns: node.netns,
    command: process.execPath,
    args: [program(), 'node', '--config', config],
    logFile: node.logFile,
    holdFile: node.holdFile,
  });
}

interface Reachable extends PingEnd {
  readonly text: string;
}

/** Waits until the daemon would take pods: asking it costs less than a CNI executable that is told to come back later. */
async function bringUpDaemon(
  { plan, say }: BringUp,
  node: LabNode,
  open: typeof openControlClient,
): Promise<ControlClient> {
  const { controlSocket, logFile, name } = node;
  await until(patienceMs(plan), 20, `${name} serves ${controlSocket}`, logFile, async () =>
    fs.existsSync(controlSocket),
  );
  const client = open(controlSocket, CONTROL_TIMEOUT_MS);
  await until(patienceMs(plan), 50, `${name} takes pods`, logFile, async () => {
    const { cni } = await client.status();
    if (cni?.ready === true) return true;
    throw new Error(cni?.reason?.text ?? 'it is starting');
  });
  say(`${name} ready`);
  return client;
}

async function wirePod({ plan, say }: BringUp, pod: LabPod): Promise<Reachable> {
  const { node } = pod;
  const deadline = performance.now() + patienceMs(plan);
  for (;;) {
    const answer = await cniAdd(plugin(), pod);
    if (answer.kind === 'added') {
      say(`${pod.name} wired by CNI: ${answer.address} on ${node.name}`);
      return reachable(pod.name, answer.address, pod.netns);
    }
    if (answer.kind === 'failed' || performance.now() > deadline) {
      throw new Error(`${pod.name} cannot be wired on ${node.name}: ${answer.text}.${logTail(node.logFile)}`);
    }
    await new Promise((next) => setTimeout(next, POD_RETRY_MS));
  }
}

async function bringUpBird(lab: BringUp, store: RestStore, node: LabNode): Promise<Reachable> {
  const { block, address } = await claimBirdBlock(store, node);
  await addLoopbackAddress(node, address);
  startBird(lab.plan, node, block, lab.inside.birdProgram ?? 'bird', lab.running);
  lab.say(`${node.name} runs BIRD: block ${block}, ${address} behind it`);
  return reachable(node.name, address);
}

function reachable(name: string, text: string, netns?: string): Reachable {
  const address = parseIpv4(text);
  invariant(address !== undefined, `${name} was given "${text}", which is no address`);
  return { name, address, text, ...(netns !== undefined && { netns }) };
}
