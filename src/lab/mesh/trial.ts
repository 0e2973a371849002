/** Whether a lab can be made here, judged by doing it: sysctls only tell what someone meant to allow. Runs inside the
 *  lab's namespaces; what it makes is in a namespace that goes when it ends. */
import fs from 'node:fs';
import path from 'node:path';
import { type NetlinkClient, openNetlink } from '../../netlink/client.ts';
import { newBridge, newVeth, newVxlan } from '../../netlink/link.ts';
import { isErrno, type NetlinkRequest } from '../../netlink/request.ts';
import {
  AF_INET,
  AF_PACKET,
  IPPROTO_ICMP,
  MNT_DETACH,
  SOCK_CLOEXEC,
  SOCK_DGRAM,
  SOCK_RAW,
} from '../../sys/constants.ts';
import * as ffi from '../../sys/ffi.ts';
import { inNetns } from '../../sys/netns.ts';
import { makeNetns } from '../machine/namespaces.ts';
import type { LabEncap } from './options.ts';

const IPPROTO_IPIP = 4;

/** Everything that a lab needs and this place refuses. Leaves nothing. */
export async function tryEverything(encap: LabEncap, netnsDir: string): Promise<string[]> {
  const pin = path.join(netnsDir, 'trial');
  const faults: string[] = [];
  try {
    makeNetns(pin);
  } catch (error) {
    return [`A network namespace cannot be made and pinned: ${text(error)}.`];
  }
  try {
    const client = await openNetlink({ netns: pin });
    try {
      faults.push(...(await tryLinks(client, encap)), ...trySockets(pin, encap));
    } finally {
      client.close();
    }
  } finally {
    ffi.umount2(pin, MNT_DETACH);
    fs.unlinkSync(pin);
  }
  return faults;
}

async function tryLinks(client: NetlinkClient, encap: LabEncap): Promise<string[]> {
  const wanted: [string, NetlinkRequest][] = [
    ['veth', newVeth({ name: 'trial0', peer: { name: 'trial1' } })],
    ['bridge', newBridge('trial2')],
  ];
  if (encap === 'vxlan') {
    wanted.push(['vxlan', newVxlan({ name: 'trial3', vni: 4096, port: 4789, local: 0x7f000001, device: 1 })]);
  }
  const faults: string[] = [];
  for (const [kind, request] of wanted) {
    try {
      await client.request(request);
    } catch (error) {
      faults.push(
        isErrno(error, 'EOPNOTSUPP')
          ? `This kernel has no ${kind} devices. As root: modprobe ${kind}; if there is no such module, use a kernel that has it.`
          : `A ${kind} device cannot be made: ${text(error)}.`,
      );
    }
  }
  return faults;
}

function trySockets(pin: string, encap: LabEncap): string[] {
  const wanted: [string, number, number, number][] = [['raw ICMP socket', AF_INET, SOCK_RAW, IPPROTO_ICMP]];
  if (encap === 'ipip') {
    wanted.push(['raw IPIP socket', AF_INET, SOCK_RAW, IPPROTO_IPIP], ['packet socket', AF_PACKET, SOCK_DGRAM, 0]);
  }
  return wanted.flatMap(([what, domain, type, protocol]) => {
    try {
      ffi.close(inNetns(pin, () => ffi.socket(domain, type | SOCK_CLOEXEC, protocol)));
      return [];
    } catch (error) {
      return [`A ${what} cannot be opened: ${text(error)}. A container needs the capability NET_RAW for it.`];
    }
  });
}

const text = (error: unknown): string => (error instanceof Error ? error.message : String(error));
