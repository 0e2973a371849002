/** The nft text of natOutgoing. Pure. Running it is masquerade.ts. */
import { formatPrefix, type Prefix, prefixKey } from '../../base/prefix.ts';

export interface MasqueradeSpec {
  /** Pools whose pods may leave the cluster with the node's address. */
  readonly natOutgoing: readonly Prefix[];
  /** All pools: between them nothing is translated. */
  readonly pools: readonly Prefix[];
}

/** Takes the table away whether it exists or not: a table is declared first, since deleting an absent one fails. */
export const removalText = (table: string): string => `table ip ${table}\ndelete table ip ${table}\n`;

/** The whole table, replaced in one transaction: no packet sees a half. Order of the pools does not matter. */
export function masqueradeText(table: string, spec: MasqueradeSpec): string {
  if (spec.natOutgoing.length === 0) return removalText(table);
  return `${removalText(table)}table ip ${table} {
${setText('nat-outgoing', spec.natOutgoing)}
${setText('pools', [...spec.pools, ...spec.natOutgoing])}
\tchain postrouting {
\t\ttype nat hook postrouting priority srcnat; policy accept;
\t\tip saddr @nat-outgoing ip daddr != @pools counter masquerade
\t}
}
`;
}

function setText(name: string, prefixes: readonly Prefix[]): string {
  const unique = new Map(prefixes.map((p) => [prefixKey(p.address, p.length), formatPrefix(p)]));
  const elements = [...unique].sort(([a], [b]) => a - b).map(([, text]) => text);
  return `\tset ${name} {
\t\ttype ipv4_addr
\t\tflags interval
\t\tauto-merge
\t\telements = { ${elements.join(', ')} }
\t}`;
}
