/** What no single setting can see: duplicates, a neighbor that is ourselves, settings that contradict. Pure. Each check
 *  is a row of CHECKS and looks only at what was read without a fault. */
import { formatIp, formatIpPrefix, type IpAddress, type IpPrefix, isIpv6, prefixHolds } from '../base/ip.ts';
import { isLinkLocal6 } from '../base/ipv6.ts';
import { ranges, sessions } from './check-sessions.ts';
import {
  type Checked,
  type DynamicValues,
  MULTICAST,
  type NeighborValues,
  NOT_UNICAST,
  type NodeValues,
} from './checked.ts';
import type { DocumentReader } from './document.ts';

const required = ({ node, neighbors, fault }: Checked): void => {
  for (const n of neighbors)
    for (const path of ['address', 'asn'] as const)
      if (!n.mentions(path))
        fault(
          n,
          path,
          undefined,
          'is missing',
          path === 'asn' ? "Write the neighbor's AS number." : "Write the neighbor's IP address.",
        );
  if (!node.mentions('cluster')) return;
  if (!node.mentions('cluster.nodeName'))
    fault(
      node,
      'cluster.nodeName',
      undefined,
      'is missing',
      'Write the name of our Node object, or set the environment variable NODE_NAME to it.',
    );
};

const STORES = ['server', 'kubernetes', 'kubeconfig'] as const;
const oneStore = ({ node, fault }: Checked): void => {
  if (!node.mentions('cluster')) return;
  const [first, ...others] = STORES.filter((s) => node.mentions(`cluster.store.${s}`));
  if (first === undefined)
    fault(
      node,
      'cluster.store',
      undefined,
      'does not say where the API is',
      'Write kubernetes: true in a pod of the cluster, kubeconfig: FILE, or server: http://192.168.34.1:6443.',
    );
  for (const other of others)
    fault(node, `cluster.store.${other}`, undefined, `is a second store beside ${first}`, 'Keep one of them.');
};

const oneEncapsulation = ({ node, fault }: Checked): void => {
  const [ipip, vxlan] = [node.get('cluster.defaultPool.ipipMode'), node.get('cluster.defaultPool.vxlanMode')];
  if (ipip === undefined || vxlan === undefined || ipip === 'Never' || vxlan === 'Never') return;
  const path = 'cluster.defaultPool.vxlanMode';
  fault(node, path, vxlan, `is a second encapsulation beside ipipMode ${ipip}`, 'Set one of the two to Never.');
};

const unicast = ({ node, neighbors, fault }: Checked): void => {
  const check = (
    values: NodeValues | NeighborValues,
    path: string,
    address: IpAddress | undefined,
    zeroIsAny = false,
  ): void => {
    if (address === undefined || (zeroIsAny && Number(address) === 0)) return;
    if (NOT_UNICAST.some((p) => prefixHolds(p, address)))
      fault(values, path, formatIp(address), 'is not a unicast address', 'Write the address of one host.');
  };
  check(node, 'listen.address', node.get('listen.address'), true);
  for (const [i, address] of node.each('listen.also')) check(node, `listen.also[${i}]`, address, true);
  check(node, 'cluster.address', node.get('cluster.address'));
  for (const n of neighbors) {
    check(n, 'address', n.get('address'));
    check(n, 'localAddress', n.get('localAddress'));
  }
  // A BGP identifier is four octets and need not be an address, but never zero. RFC 6286 2.1
  if (node.get('routerId') === 0)
    fault(node, 'routerId', '0.0.0.0', 'must not be zero (RFC 6286 2.1)', 'Write an address of this node.');
};

const neighborTwice = ({ neighbors, fault }: Checked): void => {
  const byAddress = new Map<IpAddress | string, string>();
  const byName = new Map<string, string>();
  for (const n of neighbors) {
    const address = n.get('address');
    const name = n.get('name') ?? (address === undefined ? undefined : formatIp(address));
    // fe80::1 on two links are two neighbors.
    const device = address !== undefined && isLinkLocal(address) ? n.get('interface') : undefined;
    const key = device === undefined ? address : `${device} ${address}`;
    const here = n.prefix.slice(0, -1);
    if (address !== undefined && key !== undefined) {
      const other = byAddress.get(key);
      if (other !== undefined)
        fault(
          n,
          'address',
          formatIp(address),
          `is ${other}'s address too: a connection from it could belong to either`,
          'Remove one of the two.',
        );
      else byAddress.set(key, here);
    }
    if (name === undefined || (key !== undefined && !n.mentions('name') && byAddress.get(key) !== here)) continue;
    const other = byName.get(name);
    if (other !== undefined)
      fault(
        n,
        n.mentions('name') ? 'name' : 'address',
        name,
        `is ${other}'s name too`,
        'Give each neighbor a name of its own.',
      );
    else byName.set(name, here);
  }
};

const neighborIsUs = ({ node, neighbors, fault }: Checked): void => {
  const own = new Map<IpAddress, string>();
  const listen = node.get('listen.address');
  if (listen !== undefined && listen !== 0) own.set(listen, 'listen.address');
  const cluster = node.get('cluster.address');
  if (cluster !== undefined) own.set(cluster, 'cluster.address');
  for (const n of neighbors) {
    const address = n.get('address');
    if (address === undefined) continue;
    const whose = own.get(address) ?? (n.get('localAddress') === address ? `${n.prefix}localAddress` : undefined);
    if (whose !== undefined)
      fault(n, 'address', formatIp(address), `is our own address (${whose})`, 'Write the address of the other side.');
  }
};

const addressFamilies = ({ node, neighbors, fault }: Checked): void => {
  for (const [i, address] of node.each('listen.also'))
    if (isLinkLocal(address))
      fault(
        node,
        `listen.also[${i}]`,
        formatIp(address),
        'is good on one link only',
        "Listen on '::': connections to link-local addresses come in there too.",
      );
  for (const n of neighbors) {
    const [address, local] = [n.get('address'), n.get('localAddress')];
    if (address !== undefined && isLinkLocal(address) && !n.mentions('interface'))
      fault(
        n,
        'address',
        formatIp(address),
        'is good on one link only (RFC 4291 2.5.6)',
        'Add interface: the device that the neighbor is on.',
      );
    if (address !== undefined && local !== undefined && isIpv6(address) !== isIpv6(local))
      fault(
        n,
        'localAddress',
        formatIp(local),
        'is of another family than address',
        'Write an address of the same family, or leave the line out.',
      );
  }
};
const isLinkLocal = (address: IpAddress): boolean => isIpv6(address) && isLinkLocal6(address);

const prefixTwice = ({ node, fault }: Checked): void => {
  for (const path of ['originate', 'kernel.allow'] as const) {
    const first = new Map<string, number>();
    for (const [i, p] of node.each(path)) {
      const text = formatIpPrefix(p);
      const other = first.get(text);
      if (other !== undefined)
        fault(node, `${path}[${i}]`, text, `is already ${path}[${other}]`, 'Remove one of the two.');
      else first.set(text, i);
    }
  }
  for (const [i, p] of node.each('originate'))
    if (isMulticast(p))
      fault(node, `originate[${i}]`, formatIpPrefix(p), 'is not unicast', 'Announce prefixes of hosts only.');
};
const isMulticast = (p: IpPrefix): boolean => MULTICAST.some((m) => p.length >= m.length && prefixHolds(m, p.address));

const restartTime = ({ node, neighbors, fault }: Checked): void => {
  if (node.get('families')?.length === 0)
    fault(node, 'families', '[]', 'is empty', 'Write [ipv4-unicast], or leave the line out.');
  for (const n of neighbors)
    if (n.get('passive') === true && n.mentions('connectRetry'))
      fault(
        n,
        'connectRetry',
        undefined,
        'has no meaning for a passive neighbor, which is never dialled',
        'Remove connectRetry, or passive.',
      );
};

const sockets = ({ node, fault }: Checked): void => {
  const control = node.get('control.socket');
  if (control !== undefined && control === node.get('cni.socket'))
    fault(node, 'cni.socket', control, 'is the control socket too', 'Give the two services different paths.');
  if (node.mentions('cni') && !node.mentions('cluster'))
    fault(
      node,
      'cni',
      undefined,
      'has no meaning without cluster: addresses of pods come from its pools',
      'Remove cni, or add cluster.',
    );
};

/** In the order in which faults are found; parse.ts sorts them by line. */
const CHECKS: readonly ((c: Checked) => void)[] = [
  required,
  oneStore,
  oneEncapsulation,
  unicast,
  neighborTwice,
  neighborIsUs,
  addressFamilies,
  prefixTwice,
  restartTime,
  sockets,
  sessions,
  ranges,
];

export function checkTogether(
  reader: DocumentReader,
  node: NodeValues,
  neighbors: readonly NeighborValues[],
  dynamic: readonly DynamicValues[],
  policyNames: ReadonlySet<string>,
): void {
  const fault: Checked['fault'] = (values, path, value, text, remedy) => {
    const parent = path.replace(/\.[^.]*$/, '');
    // A missing setting is shown at the line of the section that lacks it.
    const line = values.line(path) ?? values.line(parent) ?? values.line('');
    reader.faultAt(values.prefix + path, line, value, text, remedy);
  };
  for (const check of CHECKS) check({ node, neighbors, dynamic, policyNames, fault });
}
