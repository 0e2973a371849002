/** What a node and the datastore hold, in a form that two moments can be compared by: without counters, ages and what others
 *  keep changing. */
import fs from 'node:fs';
import { type KindNode, kubectl, nodeSh, parse } from './cluster.ts';

/** kube-proxy's chains, and portmap's, which stay empty behind it: other programs', whatever we do. */
const FOREIGN = /KUBE-|kube-proxy|CNI-HOSTPORT|CNI-DN-/;
/** Counts and times, which no one sets. */
const VOLATILE =
  /nf_conntrack_(count|dccp)|\.(gc_stale_time|nf_log)|ipv4\.tcp_(fastopen_key)|\.base_reachable|neigh\.default/;

const LINES: Readonly<Record<string, string>> = {
  link: "ip -d -o link | sed 's/@if[0-9]*//; s/^[0-9]*: //'",
  addr: "ip -o addr | sed 's/^[0-9]*: //; s/valid_lft.*//'",
  rule: 'ip rule',
  neigh: 'ip neigh show nud permanent',
  route: 'ip route show table all | sort',
  iptables: "iptables-save 2>/dev/null | grep -v '^#' | sed 's/ \\[[0-9:]*\\]$//'",
  nft: 'nft list tables',
  sysctl: "sysctl -a 2>/dev/null | grep '^net\\.'",
};
const FOLDERS = ['/etc/cni/net.d', '/opt/cni/bin', '/run', '/var/lib'];
/** Where containerd keeps the results of any network's ADD. */
const CACHE = 'file /var/lib/cni';

/** Each line begins with what it is about, so that a difference says where it is. */
export async function nodeState(node: KindNode): Promise<readonly string[]> {
  const state: string[] = [];
  for (const [about, line] of Object.entries(LINES)) {
    const text = await nodeSh(node, line);
    for (const l of text.split('\n')) {
      const trimmed = l.trim();
      if (trimmed !== '' && !FOREIGN.test(trimmed) && !VOLATILE.test(trimmed)) state.push(`${about} ${trimmed}`);
    }
  }
  for (const folder of FOLDERS) {
    const root = `/proc/${node.pid}/root`;
    for (const name of fs.existsSync(root + folder) ? fs.readdirSync(root + folder).sort() : [])
      state.push(`file ${folder}/${name}`);
  }
  return state.filter((l) => l !== CACHE);
}

interface Block {
  readonly spec: {
    readonly cidr: string;
    readonly affinity?: string;
    readonly allocations: readonly (number | null)[];
    readonly attributes: readonly { readonly handle_id?: string }[];
  };
}
interface Handle {
  readonly metadata: { readonly name: string };
  readonly spec: { readonly handleID: string; readonly block: Readonly<Record<string, number>> };
}

/** Who has which address, and which devices there are: what must be the same again when pods are gone. */
export async function allocations(all: readonly KindNode[]): Promise<readonly string[]> {
  const blocks = parse<{ items: Block[] }>(await kubectl('get', 'ipamblocks', '-o', 'json'));
  const handles = parse<{ items: Handle[] }>(await kubectl('get', 'ipamhandles', '-o', 'json'));
  const lines = blocks.items.flatMap(({ spec }) => [
    `block ${spec.cidr} ${spec.affinity ?? '-'}`,
    ...spec.allocations.flatMap((index, ordinal) =>
      index === null ? [] : [`address ${spec.cidr} ${ordinal} ${spec.attributes[index]?.handle_id ?? '-'}`],
    ),
  ]);
  lines.push(...handles.items.map(({ metadata, spec }) => `handle ${metadata.name} ${JSON.stringify(spec.block)}`));
  for (const node of all) {
    const links = await nodeSh(node, 'ip -br link');
    lines.push(
      ...links.split('\n').flatMap((l) => (l.trim() === '' ? [] : [`link ${node.name} ${l.split(/[\s@]/, 1)[0]}`])),
    );
  }
  return lines.sort();
}
