/** BGPPeer objects -> peers of this node. Pure. One that cannot be followed is a reason, and the others are followed.
 *  A field that is honoured from now on moves into HONOURED. */
import { formatIp, type IpAddress } from '../base/ip.ts';
import { type Ipv4, parseIpv4 } from '../base/ipv4.ts';
import type { Prefix } from '../base/prefix.ts';
import type { Result } from '../base/result.ts';
import type { ClusterNode } from '../model/node.ts';
import type { PeerConfig } from '../model/peer.ts';
import { KINDS } from '../store/kinds.ts';
import type { Resource } from '../store/port.ts';
import type { ClusterReason } from './cluster-reason.ts';
import { type Passwords, passwordOf } from './secret-ref.ts';

const HONOURED: readonly string[] = [
  'node',
  'nodeSelector',
  'peerIP',
  'asNumber',
  'localASNumber',
  'password',
  'keepOriginalNextHop',
  'nextHopMode',
  'sourceAddress',
  'ttlSecurity',
];

/** Calico's expressions over labels: of a higher part, hence given. */
export type MatchesSelector = (selector: string, labels: Readonly<Record<string, string>>) => Result<boolean, string>;

export interface PeerContext {
  readonly me: ClusterNode;
  readonly localAddress: Ipv4;
  /** Of this node. */
  readonly localAsn: number;
  readonly matches: MatchesSelector;
  readonly passwords: Passwords;
  /** What may be passed on of the mesh's routes. */
  readonly pools: readonly Prefix[];
  readonly holdTimeSec: number;
  readonly connectRetrySec: number;
  readonly gracefulRestart?: { readonly restartTimeSec: number };
  readonly localPref: number;
  /** Names and addresses that mesh peers have already. */
  readonly takenNames: ReadonlySet<string>;
  readonly takenAddresses: ReadonlyMap<IpAddress, string>;
}

export interface BgpPeers {
  readonly peers: readonly PeerConfig[];
  readonly problems: readonly ClusterReason[];
  /** Said once, and no fault: fields that have no effect here yet. */
  readonly notices: readonly ClusterReason[];
}

const BGP_PORT = 179;
const LARGEST_AS = 4294967295;

export function bgpPeers(objects: readonly Resource[], context: PeerContext): BgpPeers {
  const peers: PeerConfig[] = [];
  const problems: ClusterReason[] = [];
  const notices: ClusterReason[] = [];
  const byAddress = new Map<IpAddress, string>(context.takenAddresses);
  for (const object of [...objects].sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1))) {
    const { name } = object.metadata;
    const about = { kind: KINDS.bgpPeer, name };
    const tell = (list: ClusterReason[], code: string, text: string): void =>
      void list.push({ code, text: `bgppeers "${name}": ${text}`, about });
    const mine = isOurs(object, context);
    if (!mine.ok) tell(problems, 'BGP_PEER_INVALID', mine.error);
    if (!mine.ok || !mine.value) continue;

    const ignored = Object.keys(object.spec ?? {})
      .filter((field) => !HONOURED.includes(field))
      .sort();
    if (ignored.length > 0)
      tell(
        notices,
        'FIELD_NOT_HONOURED',
        `${ignored.join(', ')} ${ignored.length === 1 ? 'has' : 'have'} no effect in this version of Gingham`,
      );

    const read = readPeer(object, context);
    if ('faults' in read) {
      for (const [code, text] of read.faults) tell(problems, code, text);
      continue;
    }
    const { address } = read.peer;
    if (address === context.localAddress) continue; // a global peer that is this very node
    const other = byAddress.get(address);
    if (other !== undefined) {
      tell(
        problems,
        'PEER_ADDRESS_TWICE',
        `${formatIp(address)} is ${other}'s address too, and that session is kept. Delete one of the two.`,
      );
      continue;
    }
    byAddress.set(address, `bgppeers "${name}"`);
    peers.push(read.peer);
  }
  return { peers, problems, notices };
}

/** `node` names one, nodeSelector some, neither is every node. Both is what Calico refuses too. */
function isOurs({ spec = {} }: Resource, { me, matches }: PeerContext): Result<boolean, string> {
  const { node, nodeSelector } = spec;
  if (isText(node) && isText(nodeSelector))
    return { ok: false, error: 'node and nodeSelector are both set. Keep one of them.' };
  if (isText(node)) return { ok: true, value: node === me.name };
  if (!isText(nodeSelector)) return { ok: true, value: true };
  const matched = matches(nodeSelector, me.labels);
  return matched.ok
    ? matched
    : { ok: false, error: `nodeSelector is "${nodeSelector.slice(0, 80)}": ${matched.error}. Correct it.` };
}

type Fault = readonly [code: string, text: string];

function readPeer(
  { metadata, spec = {} }: Resource,
  context: PeerContext,
): { readonly peer: PeerConfig } | { readonly faults: readonly Fault[] } {
  const faults: Fault[] = [];
  const invalid = (text: string): void => void faults.push(['BGP_PEER_INVALID', text]);

  const endpoint = parseEndpoint(spec.peerIP);
  if (endpoint === undefined) {
    if (isText(spec.peerSelector))
      faults.push([
        'PEER_SELECTOR_UNSUPPORTED',
        'peerSelector is not supported yet. Write one BGPPeer with peerIP per neighbour.',
      ]);
    else invalid(`peerIP is ${shown(spec.peerIP)}. Write an IPv4 address, or ADDRESS:PORT; IPv6 is not spoken yet.`);
  }
  const asn = spec.asNumber;
  if (!isAsn(asn)) invalid(`asNumber is ${shown(asn)}. Write the neighbour's, 1 to ${LARGEST_AS}.`);
  const local = spec.localASNumber ?? 0;
  if (local !== 0 && !isAsn(local))
    invalid(`localASNumber is ${shown(local)}. Write 1 to ${LARGEST_AS}, or remove it.`);
  const mode = spec.nextHopMode ?? (spec.keepOriginalNextHop === true ? 'Keep' : 'Auto');
  if (mode !== 'Auto' && mode !== 'Self' && mode !== 'Keep')
    invalid(`nextHopMode is ${shown(mode)}. Use Auto, Self or Keep.`);
  const source = spec.sourceAddress ?? 'UseNodeIP';
  if (source !== 'UseNodeIP' && source !== 'None') invalid(`sourceAddress is ${shown(source)}. Use UseNodeIP or None.`);
  // Calico writes BIRD's `ttl security on; multihop N` for N hops, and nothing for 0. RFC 5082
  const hops = spec.ttlSecurity ?? 0;
  if (!isHops(hops)) invalid(`ttlSecurity is ${shown(hops)}. Write the number of hops to the neighbour, 1 to 255.`);
  // A session without the password that was meant would be worse than none: this peer waits, the others do not.
  const password = spec.password === undefined ? undefined : passwordOf(spec.password, context.passwords);
  if (password?.ok === false) faults.push([password.error.code, `held: ${password.error.text}`]);

  if (faults.length > 0 || endpoint === undefined || !isAsn(asn)) return { faults };
  const localAsn = isAsn(local) ? local : context.localAsn;
  const external = asn !== localAsn;
  const { name } = metadata;
  const { gracefulRestart } = context;
  return {
    peer: {
      name: context.takenNames.has(name) ? `${name} (BGPPeer)` : name,
      kind: isText(spec.node) || isText(spec.nodeSelector) ? 'node' : 'global',
      configuredBy: `bgppeers "${name}"`,
      address: endpoint.address,
      port: endpoint.port,
      asn,
      localAsn,
      ...(source === 'UseNodeIP' ? { localAddress: context.localAddress } : {}),
      ...(isHops(hops) && hops > 0 ? { ttlSecurity: hops } : {}),
      passive: false,
      ...(password?.ok === true ? { password: password.value } : {}),
      holdTimeSec: context.holdTimeSec,
      connectRetrySec: context.connectRetrySec,
      ...(gracefulRestart === undefined ? {} : { gracefulRestart }),
      localPref: context.localPref,
      // As Calico has it: keeping a learned next hop is for eBGP; iBGP keeps it unless told otherwise.
      nextHop: mode === 'Self' ? 'self' : mode === 'Keep' && external ? 'keep' : 'auto',
      // The fabric hears of every pod from every node, and of nothing else that the mesh knows.
      transit: true,
      transitWithin: context.pools,
    },
  };
}

/** "10.0.0.1", "10.0.0.1:1790" */
function parseEndpoint(value: unknown): { readonly address: Ipv4; readonly port: number } | undefined {
  if (typeof value !== 'string') return undefined;
  const match = /^([\d.]+)(?::(\d{1,5}))?$/.exec(value);
  const address = parseIpv4(match?.[1] ?? '');
  const port = match?.[2] === undefined ? BGP_PORT : Number(match[2]);
  const unicast = address !== undefined && address >>> 28 < 0xe && address >>> 24 !== 0;
  return unicast && port >= 1 && port <= 65535 ? { address, port } : undefined;
}

const isText = (value: unknown): value is string => typeof value === 'string' && value !== '';
const isAsn = (value: unknown): value is number =>
  typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= LARGEST_AS;
const isHops = (value: unknown): value is number =>
  typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= 255;
const shown = (value: unknown): string => (value === undefined ? 'missing' : `${JSON.stringify(value)}`.slice(0, 80));
