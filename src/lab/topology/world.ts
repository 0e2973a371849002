/** The wires of a topology: a network namespace per node, bridges, links, sysctls. By netlink, inside the lab's namespaces. */
import fs from 'node:fs';
import path from 'node:path';
import type { NetlinkClient } from '../../netlink/client.ts';
import { newBridge, newVeth, setLink } from '../../netlink/link.ts';
import { getLink } from '../../netlink/read.ts';
import { inNetns } from '../../sys/netns.ts';
import { makeNetns, withNetnsFd } from '../machine/namespaces.ts';
import { insideOf } from '../mesh/world.ts';
import { bridgesIn, type NodePlan, type TopologyPlan } from './plan.ts';
import type { TopologyLink } from './topology.ts';

/** What a container has from Docker before its own sysctls. */
const AS_DOCKER: Readonly<Record<string, string>> = {
  'net.ipv4.ip_forward': '1',
  'net.ipv4.ip_unprivileged_port_start': '0',
  'net.ipv6.conf.all.disable_ipv6': '0',
  'net.ipv6.conf.default.disable_ipv6': '0',
};

/** Everything that has to be there before the nodes' programs. */
export async function makeWires(plan: TopologyPlan, home: NetlinkClient): Promise<void> {
  await home.request(setLink({ name: 'lo', up: true }));
  for (const node of plan.nodes.filter((n) => n.ownsNetns)) makeNetns(node.netns);
  for (const bridge of bridgesIn(plan, undefined)) await home.request(newBridge(bridge.device, { up: true }));
  for (const node of plan.nodes.filter((n) => n.ownsNetns)) {
    for (const [key, value] of Object.entries(AS_DOCKER)) setSysctl(node, key, value, true);
    await insideOf(node.netns, async (client) => {
      await client.request(setLink({ name: 'lo', up: true }));
      for (const bridge of bridgesIn(plan, node.netns)) await client.request(newBridge(bridge.device, { up: true }));
    });
  }
  for (const [i, link] of plan.topology.links.entries()) await makeLink(plan, home, link, i);
  for (const node of plan.nodes) {
    for (const [key, value] of Object.entries(node.node.sysctls)) setSysctl(node, key, value, false);
  }
}

/** A kernel without IPv6 lacks some of Docker's own; one the file names has to be there, as under Docker. */
function setSysctl({ node, netns }: NodePlan, key: string, value: string, mayLack: boolean): void {
  const file = path.join('/proc/sys', key.replaceAll('.', '/'));
  inNetns(netns, () => {
    try {
      fs.writeFileSync(file, value);
    } catch (error) {
      if (mayLack) return;
      const why = error instanceof Error ? error.message : String(error);
      throw new Error(`topology.nodes.${node.name}.sysctls: ${key} cannot be set to ${value}: ${why}.`);
    }
  });
}

/** A veth pair is born across two namespaces: the first end at home under a name of its own, then moved. */
async function makeLink(plan: TopologyPlan, home: NetlinkClient, link: TopologyLink, i: number): Promise<void> {
  const [a, b] = link.ends;
  const [netnsA, netnsB] = [plan.netnsOf(a.node), plan.netnsOf(b.node)];
  const make = async (client: NetlinkClient, netnsFd?: number): Promise<void> => {
    const peer = { name: b.device, mtu: link.mtu, ...(netnsFd !== undefined && { netnsFd }) };
    await client.request(newVeth({ name: a.device, mtu: link.mtu, up: true, peer }));
  };
  const at = async <T>(netns: string | undefined, body: (client: NetlinkClient) => Promise<T>): Promise<T> =>
    netns === undefined ? body(home) : insideOf(netns, body);
  try {
    await at(netnsA, async (client) => {
      if (netnsA === netnsB) await make(client);
      else if (netnsB !== undefined) await withNetnsFd(netnsB, (fd) => make(client, fd));
      else await withNetnsFd('/proc/thread-self/ns/net', (fd) => make(client, fd));
      await plug(plan, client, a.node, a.device);
    });
    await at(netnsB, (client) => plug(plan, client, b.node, b.device));
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new Error(`topology.links[${i}] (${a.node}:${a.device} to ${b.node}:${b.device}) cannot be made: ${why}.`);
  }
}

/** Up, and into its bridge where the end is a bridge's. */
async function plug(plan: TopologyPlan, client: NetlinkClient, node: string, device: string): Promise<void> {
  const bridge = plan.topology.bridges.find((b) => b.name === node);
  const master = bridge && (await getLink(client, bridge.device))?.index;
  await client.request(setLink({ name: device, up: true, ...(master !== undefined && { master }) }));
}
