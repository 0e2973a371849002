/** The order in which a topology comes up, as containerlab has it: nodes with their links, then exec lines, so a daemon
 *  starts before its addresses exist. Ends with what came of it: sessions and routing tables. */
import fs from 'node:fs';
import type { NetlinkClient } from '../../netlink/client.ts';
import { type LabRecord, writeLab } from '../machine/registry.ts';
import { birdSessions } from '../mesh/bird-control.ts';
import { ESTABLISHED } from '../tour/report.ts';
import { routingTable } from '../tour/show.ts';
import { painter, table } from '../tour/steps.ts';
import { TopologyNode } from './node.ts';
import type { NodePlan, TopologyPlan } from './plan.ts';
import { makeWires } from './world.ts';

export interface TopologyBringUp {
  readonly plan: TopologyPlan;
  readonly home: NetlinkClient;
  readonly record: LabRecord;
  readonly colour: boolean;
  /** A step, with its time. */
  readonly say: (text: string) => void;
  /** A line that is just text. */
  readonly print: (text: string) => void;
  /** Everything started, for the end. */
  readonly started: TopologyNode[];
}

const SESSION_PATIENCE_MS = 30_000;
const SESSION_POLL_MS = 100;
const CONTROL_TIMEOUT_MS = 2_000;

/** Resolves when the topology stands and was shown: true when every exec line succeeded and every session is up. */
export async function bringUpTopology(lab: TopologyBringUp): Promise<boolean> {
  const { plan, home, say } = lab;
  const { nodes, links } = plan.topology;
  await makeWires(plan, home);
  say(`namespaces and links made: ${nodes.length} nodes, ${links.length} links`);
  const running = plan.nodes.map((node) => new TopologyNode(node, interfacesOf(plan, node), say));
  lab.started.push(...running);
  await Promise.all(running.map((node) => node.start(plan.base)));
  say(`running: ${plan.nodes.map(({ node }) => `${node.name} (${node.command[0]})`).join(', ')}`);
  const init = new Map(running.map((node) => [node.plan.node.name, node.init]));
  const record = {
    ...lab.record,
    nodes: lab.record.nodes.map((node) => ({ ...node, init: init.get(node.name) })),
  };
  writeLab(record.dir, record);
  const failed = (await Promise.all(running.map((node) => runLines(node, lab)))).flat().length;
  const lines = plan.nodes.reduce((sum, { node }) => sum + node.exec.length, 0);
  say(`exec: ${lines - failed} of ${lines} lines succeeded`);
  const up = await showSessions(lab);
  for (const node of plan.nodes.filter((n) => n.runs !== 'linux')) {
    lab.print(`\n${painter(lab.colour)('bold', `${node.node.name}: ip route`)}`);
    for (const line of await routingTable(node)) lab.print(`  ${line}`);
  }
  hints(lab);
  writeLab(record.dir, { ...record, ready: true });
  return up && failed === 0;
}

const interfacesOf = (plan: TopologyPlan, { node }: NodePlan): number =>
  plan.topology.links.flatMap((link) => link.ends).filter((end) => end.node === node.name).length;

/** In order; a line that fails is told, and the next is run, as in containerlab. Answers the failed ones. */
async function runLines(node: TopologyNode, { say }: TopologyBringUp): Promise<string[]> {
  const failed: string[] = [];
  for (const words of node.plan.node.exec) {
    const { code, output } = await node.exec(words);
    if (code === 0) continue;
    failed.push(words.join(' '));
    say(`${node.plan.node.name}: "${words.join(' ')}" failed with exit code ${code}${output ? `: ${output}` : ''}`);
  }
  return failed;
}

type Sessions = ReadonlyMap<string, string>;

/** Waits for every session that the speakers have configured, and shows them. */
async function showSessions({ plan, say, print, colour }: TopologyBringUp): Promise<boolean> {
  const speakers = plan.nodes.filter((node) => node.runs !== 'linux');
  if (speakers.length === 0) return true;
  const deadline = performance.now() + SESSION_PATIENCE_MS;
  let all: (readonly [NodePlan, Sessions | undefined])[];
  let isUp: boolean;
  do {
    all = await Promise.all(speakers.map(async (node) => [node, await sessionsOf(node)] as const));
    isUp = all.every(([, sessions]) => sessions && [...sessions.values()].every((state) => state === ESTABLISHED));
    if (!isUp) await new Promise((next) => setTimeout(next, SESSION_POLL_MS));
  } while (!isUp && performance.now() < deadline);
  const states = all.flatMap(([, sessions]) => [...(sessions?.values() ?? [])]);
  const paint = painter(colour);
  const count = `${states.filter((s) => s === ESTABLISHED).length} of ${states.length}`;
  say(paint(isUp ? 'green' : 'red', `sessions, each end counted: ${count} are up`));
  print(`\n${paint('bold', 'sessions')}`);
  const cell = ([peer, state]: readonly [string, string]): string =>
    `${peer} ${state === ESTABLISHED ? paint('green', 'up') : paint('red', state)}`;
  const rows = all.map(([{ node }, sessions]) => [
    node.name,
    ...(sessions ? [...sessions].map(cell) : [paint('red', 'does not answer')]),
  ]);
  for (const line of table(rows)) print(line);
  return isUp;
}

/** Undefined: it does not answer, not yet or not at all. */
async function sessionsOf(node: NodePlan): Promise<Sessions | undefined> {
  if (!fs.existsSync(node.controlSocket)) return undefined;
  try {
    if (node.runs === 'bird') return await birdSessions(node.controlSocket);
    const { openControlClient } = await import('../../control/client.ts');
    const client = openControlClient(node.controlSocket, CONTROL_TIMEOUT_MS);
    try {
      return new Map((await client.peers()).map((peer) => [peer.name, peer.state]));
    } finally {
      client.close();
    }
  } catch {
    return undefined;
  }
}

function hints({ plan, record, print, colour }: TopologyBringUp): void {
  const lab = record.name === 'gingham' ? '' : ` --lab ${record.name}`;
  const ours = plan.nodes.find((node) => node.runs === 'gingham');
  const bird = plan.nodes.find((node) => node.runs === 'bird');
  print(`\n${painter(colour)('bold', 'try')}`);
  if (ours) print(`  gingham routes --node ${ours.node.name}${lab}`);
  if (bird) print(`  gingham lab exec${lab} ${bird.node.name} birdc show route`);
  print(`  gingham lab exec${lab} ${plan.nodes[0]?.node.name ?? ''} ip addr`);
  print(`  gingham lab down ${record.name}\n`);
}
