/** The tour at the end of `lab up`: waits for the mesh, pings, and shows mesh, routing tables, pings and carrier. */
import type { ControlClient } from '../../control/client.ts';
import type { StatusView } from '../../control/views.ts';
import { dumpLinks, dumpRoutes } from '../../netlink/read.ts';
import { birdSessions } from '../mesh/bird-control.ts';
import type { LabNode, LabPlan } from '../mesh/plan.ts';
import { insideOf } from '../mesh/world.ts';
import { formatIpRoutes } from './ip-route-text.ts';
import { countAnswers, type PingEnd, pingAll, pingOneByOne, silentPairs } from './ping.ts';
import { countSessions, hintLines, type MeshRow, meshLines, pingLines, tunnelLines } from './report.ts';
import { painter } from './steps.ts';

export interface Tour {
  readonly plan: LabPlan;
  /** Of the nodes that run Gingham. */
  readonly clients: ReadonlyMap<LabNode, ControlClient>;
  /** How this user calls us. */
  readonly command: string;
  readonly colour: boolean;
  readonly ends: readonly PingEnd[];
  /** A step, with its time. */
  readonly say: (text: string) => void;
  /** A line that is just text. */
  readonly print: (text: string) => void;
}

const MESH_PATIENCE_MS = 30_000;
const MESH_PATIENCE_PER_NODE_MS = 2_000;
const MESH_POLL_MS = 100;
const PING_PATIENCE_MS = 15_000;
const SHOWN_PAIRS = 10;
const MOST_MEASURED = 150;

/** True when every session is up and every ping was answered. */
export async function showLab({ plan, clients, command, colour, ends, say, print }: Tour): Promise<boolean> {
  const paint = painter(colour);
  const title = (text: string): void => print(`\n${paint('bold', text)}`);
  const rows = await waitForMesh(plan, clients);
  const { up, wanted } = countSessions(rows);
  say(paint(up === wanted ? 'green' : 'red', `mesh: ${up} of ${wanted} sessions are up`));
  const first = await pingAll(ends, PING_PATIENCE_MS);
  const { answered, asked } = countAnswers(first);
  say(paint(answered === asked ? 'green' : 'red', `pings: ${answered} of ${asked} answered`));
  const silent = silentPairs(first);
  for (const pair of silent.slice(0, SHOWN_PAIRS)) print(`         no answer: ${pair}`);

  title('mesh');
  for (const line of meshLines(rows, paint)) print(line);
  for (const node of plan.nodes) {
    title(`${node.name}: ip route`);
    for (const line of await routingTable(node)) print(`  ${line}`);
  }
  if (first.from.length > 0) {
    // What is shown was measured one pair at a time: in the first round all were on their way at once.
    const pings = answered === asked && asked <= MOST_MEASURED ? await pingOneByOne(ends) : first;
    title('pings, pod to pod');
    for (const line of pingLines(pings, paint)) print(line);
  }
  title('tunnel');
  for (const line of tunnelLines(await statuses(clients))) print(line);
  title('try');
  for (const line of hintLines(plan, command)) print(line);
  print('');
  return up === wanted && answered === asked;
}

async function waitForMesh(plan: LabPlan, clients: ReadonlyMap<LabNode, ControlClient>): Promise<MeshRow[]> {
  const deadline = performance.now() + MESH_PATIENCE_MS + MESH_PATIENCE_PER_NODE_MS * plan.nodes.length;
  for (;;) {
    const rows = await Promise.all(plan.nodes.map(async (node) => ({ node, states: await states(node, clients) })));
    const { up, wanted } = countSessions(rows);
    if (up === wanted || performance.now() > deadline) return rows;
    await new Promise((next) => setTimeout(next, MESH_POLL_MS));
  }
}

/** A daemon that does not answer (yet) has no session up, as far as anybody can tell. */
async function states(
  node: LabNode,
  clients: ReadonlyMap<LabNode, ControlClient>,
): Promise<ReadonlyMap<string, string>> {
  try {
    const client = clients.get(node);
    if (!client) return await birdSessions(node.controlSocket);
    return new Map((await client.peers()).map((peer) => [peer.name, peer.state]));
  } catch {
    return new Map();
  }
}

async function statuses(clients: ReadonlyMap<LabNode, ControlClient>): Promise<[LabNode, StatusView][]> {
  return Promise.all(
    [...clients].map(async ([node, client]): Promise<[LabNode, StatusView]> => [node, await client.status()]),
  );
}

/** As `ip route` prints it in that node. */
export async function routingTable(node: Pick<LabNode, 'netns'>): Promise<string[]> {
  return insideOf(node.netns, async (client) => {
    const names = new Map((await dumpLinks(client)).map((link) => [link.index, link.name]));
    return formatIpRoutes(await dumpRoutes(client), (index) => names.get(index));
  });
}
