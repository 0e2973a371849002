/** The lab's wires: the fabric (the supervisor's own network namespace, with a bridge), and a namespace for each node and
 *  pod. All by netlink; no program is started. Needs to run inside the lab's namespaces. */
import fs from 'node:fs';
import { invariant } from '../../base/invariant.ts';
import { parseIpv4 } from '../../base/ipv4.ts';
import { addAddress } from '../../netlink/address.ts';
import { type NetlinkClient, openNetlink } from '../../netlink/client.ts';
import { newBridge, newVeth, setLink } from '../../netlink/link.ts';
import { getLink } from '../../netlink/read.ts';
import { inNetns } from '../../sys/netns.ts';
import { makeNetns, withNetnsFd } from '../machine/namespaces.ts';
import { FABRIC_ADDRESS, FABRIC_LENGTH, type LabNode, type LabPod } from './plan.ts';

export const BRIDGE = 'br0';

async function indexOf(client: NetlinkClient, name: string): Promise<number> {
  const link = await getLink(client, name);
  invariant(link, `link ${name} is gone as soon as it was made`);
  return link.index;
}

async function giveAddress(client: NetlinkClient, device: string, text: string, length: number): Promise<void> {
  const address = parseIpv4(text);
  invariant(address !== undefined, `not an address: ${text}`);
  await client.request(addAddress({ index: await indexOf(client, device), address, length }));
}

/** The bridge that all nodes hang on, and the store's address on it. */
export async function makeFabric(home: NetlinkClient): Promise<void> {
  await home.request(setLink({ name: 'lo', up: true }));
  await home.request(newBridge(BRIDGE, { up: true }));
  await giveAddress(home, BRIDGE, FABRIC_ADDRESS, FABRIC_LENGTH);
}

/** A node: eth0 with its address, the other end in the bridge under the node's name, forwarding on as on any
 *  Kubernetes node. It has no default route: the lab is its whole world. */
export async function makeNode(home: NetlinkClient, node: LabNode): Promise<void> {
  makeNetns(node.netns);
  const master = await indexOf(home, BRIDGE);
  await withNetnsFd(node.netns, (netnsFd) =>
    home.request(newVeth({ name: node.name, up: true, peer: { name: 'eth0', netnsFd } })),
  );
  await home.request(setLink({ name: node.name, master }));
  inNetns(node.netns, () => fs.writeFileSync('/proc/sys/net/ipv4/ip_forward', '1'));
  await insideOf(node.netns, async (client) => {
    await client.request(setLink({ name: 'lo', up: true }));
    await client.request(setLink({ name: 'eth0', up: true }));
    await giveAddress(client, 'eth0', node.address, FABRIC_LENGTH);
  });
}

/** A pod's namespace as a container runtime hands it to CNI: lo up, nothing else. */
export async function makePod(pod: LabPod): Promise<void> {
  makeNetns(pod.netns);
  await insideOf(pod.netns, (client) => client.request(setLink({ name: 'lo', up: true })));
}

/** An address behind a BIRD node, for the others to ping: the first of its block, on its lo. */
export async function addLoopbackAddress(node: LabNode, address: string): Promise<void> {
  await insideOf(node.netns, (client) => giveAddress(client, 'lo', address, 32));
}

export async function insideOf<T>(netns: string, body: (client: NetlinkClient) => Promise<T>): Promise<T> {
  const client = await openNetlink({ netns });
  try {
    return await body(client);
  } finally {
    client.close();
  }
}
