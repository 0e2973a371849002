/** Whom a BGPPeer means, seen from one node: an address, or nodes by their labels. Pure.
 *
 *  With peerSelector both ends are nodes of the cluster, and the object speaks of one of them only: those that `node` or
 *  `nodeSelector` choose peer with those that peerSelector chooses, and these peer back by themselves unless reversePeering is
 *  Manual. Reflectors are made so: everybody selects them. */
import { type IpAddress, isIpv6, parseIp } from '../base/ip.ts';
import { isLinkLocal6 } from '../base/ipv6.ts';
import { err, ok, type Result } from '../base/result.ts';
import type { ClusterNode } from '../model/node.ts';
import type { JsonObject } from '../store/port.ts';
import { isAsn, isText } from './bgp-peer-spec.ts';
import { shown } from './object-fault.ts';

/** Calico's expressions over labels: of a higher part, hence given. */
export type MatchesSelector = (selector: string, labels: Readonly<Record<string, string>>) => Result<boolean, string>;

export interface Target {
  /** Of the node; absent: the BGPPeer's name is the peer's. */
  readonly node?: ClusterNode;
  readonly address: IpAddress;
  readonly port: number;
  readonly asn: number;
}

export interface PeeringContext {
  readonly me: ClusterNode;
  readonly nodes: readonly ClusterNode[];
  readonly matches: MatchesSelector;
  /** Of nodes that have none of their own. */
  readonly meshAsn: number;
  /** Of other nodes. */
  readonly nodePort: number;
}

const BGP_PORT = 179;
const LARGEST_AS = 4294967295;

/** Empty: the object is not for this node. */
export function targetsOf(spec: JsonObject, context: PeeringContext): Result<readonly Target[], string> {
  const { me } = context;
  if (isText(spec.node) && isText(spec.nodeSelector))
    return err('node and nodeSelector are both set. Keep one of them.');
  const chosen = chosenBy(spec, me, context);
  if (!chosen.ok) return chosen;
  if (isText(spec.peerSelector)) return selected(spec, spec.peerSelector, chosen.value, context);
  if (!chosen.value) return ok([]);
  const endpoint = parseEndpoint(spec.peerIP);
  if (endpoint === undefined)
    return err(
      `peerIP is ${shown(spec.peerIP)}. Write an address, or ADDRESS:PORT ([ADDRESS]:PORT for IPv6); or select nodes with peerSelector.`,
    );
  if (!isAsn(spec.asNumber))
    return err(`asNumber is ${shown(spec.asNumber)}. Write the neighbour's, 1 to ${LARGEST_AS}.`);
  const node = context.nodes.find((n) => n.address === endpoint.address || n.ipv6Address === endpoint.address);
  return ok([{ ...endpoint, asn: spec.asNumber, ...(node?.clusterId === undefined ? {} : { node }) }]);
}

/** `node` names one, nodeSelector some, neither is every node. */
function chosenBy(spec: JsonObject, node: ClusterNode, { matches }: PeeringContext): Result<boolean, string> {
  if (isText(spec.node)) return ok(spec.node === node.name);
  if (!isText(spec.nodeSelector)) return ok(true);
  return named('nodeSelector', spec.nodeSelector, matches(spec.nodeSelector, node.labels));
}

function selected(
  spec: JsonObject,
  selector: string,
  isChosen: boolean,
  context: PeeringContext,
): Result<readonly Target[], string> {
  if (isText(spec.peerIP)) return err('peerIP and peerSelector are both set. Keep one of them.');
  const { me, nodes, matches } = context;
  const isPeer = named('peerSelector', selector, matches(selector, me.labels));
  if (!isPeer.ok) return isPeer;
  const peersBack = isPeer.value && spec.reversePeering !== 'Manual';
  const targets: Target[] = [];
  for (const node of nodes) {
    if (node.name === me.name) continue;
    const isWanted = isChosen && holds(matches(selector, node.labels));
    const wantsUs = peersBack && holds(chosenBy(spec, node, context));
    if (isWanted || wantsUs) targets.push(...addressesOf(node, context));
  }
  return ok(targets);
}

/** One session over each family that both nodes have. */
function addressesOf(node: ClusterNode, { me, meshAsn, nodePort: port }: PeeringContext): Target[] {
  const asn = node.asn ?? meshAsn;
  const both = me.ipv6Address !== undefined && node.ipv6Address !== undefined;
  const addresses = [node.address, both ? node.ipv6Address : undefined];
  return addresses.flatMap((address) => (address === undefined ? [] : [{ node, address, port, asn }]));
}

/** A faulty selector was told of already. */
const holds = (matched: Result<boolean, string>): boolean => matched.ok && matched.value;

const named = (field: string, selector: string, matched: Result<boolean, string>): Result<boolean, string> =>
  matched.ok ? matched : err(`${field} is "${selector.slice(0, 80)}": ${matched.error}. Correct it.`);

/** "10.0.0.1", "10.0.0.1:1790", "2001:db8::1", "[2001:db8::1]:1790" */
function parseEndpoint(value: unknown): { readonly address: IpAddress; readonly port: number } | undefined {
  if (typeof value !== 'string' || value.length > 64) return undefined;
  const match = /^\[([0-9a-fA-F:.]+)\](?::(\d{1,5}))?$|^([\d.]+)(?::(\d{1,5}))?$|^([0-9a-fA-F:.]+)$/.exec(value);
  const [, bracketed, portOf6, dotted, portOf4, bare] = match ?? [];
  const address = parseIp(bracketed ?? dotted ?? bare ?? '');
  const portText = portOf6 ?? portOf4;
  const port = portText === undefined ? BGP_PORT : Number(portText);
  return address !== undefined && isUnicast(address) && port >= 1 && port <= 65535 ? { address, port } : undefined;
}

/** Not link-local: a BGPPeer has no word for the link. */
function isUnicast(address: IpAddress): boolean {
  if (!isIpv6(address)) return address >>> 28 < 0xe && address >>> 24 !== 0;
  return address > 1n && address >> 120n !== 0xffn && !isLinkLocal6(address) && address >> 32n !== 0xffffn;
}
