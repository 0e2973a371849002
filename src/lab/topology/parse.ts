/** A topology file to a Topology, or every fault at once. Pure: text and environment in. */
import { err, ok, type Result } from '../../base/result.ts';
import { checkBridge, checkLinks, checkLinux, checkNetworks } from './check.ts';
import { Findings, readSections, shown } from './document.ts';
import { mergeNode } from './merge.ts';
import { expandVariables } from './text.ts';
import type { BridgeNode, LinuxNode, Topology } from './topology.ts';

export interface ParsedTopology {
  readonly topology: Topology;
  /** What is ignored, and why that does no harm. */
  readonly notes: readonly string[];
}

export const MAX_TOPOLOGY_NODES = 100;
export const MAX_TOPOLOGY_LINKS = 1000;

export function parseTopology(
  text: string,
  env: Readonly<Record<string, string | undefined>>,
): Result<ParsedTopology, readonly string[]> {
  if (text.includes('{{'))
    return err(['it holds "{{": a template. Render it first (containerlab graph or gomplate), and give the result.']);
  const found = new Findings();
  const sections = readSections(expandVariables(text, env), found);
  if (sections === undefined) return err(found.faults);
  if (sections.nodes.size > MAX_TOPOLOGY_NODES || sections.links.length > MAX_TOPOLOGY_LINKS)
    return err([
      `it has ${sections.nodes.size} nodes and ${sections.links.length} links; a lab has at most ${MAX_TOPOLOGY_NODES} and ${MAX_TOPOLOGY_LINKS}.`,
    ]);
  if (sections.name === undefined) found.refuse('name', 'is missing. It names the lab.');
  if (sections.nodes.size === 0) found.refuse('topology.nodes', 'is empty.');

  const nodes: LinuxNode[] = [];
  const bridges: BridgeNode[] = [];
  const managed = new Set<string>();
  for (const name of sections.nodes.keys()) {
    const merged = mergeNode(sections, name, found);
    const kind = merged.text('kind');
    if (kind === 'linux') nodes.push(checkLinux(merged, found));
    else if (kind === 'bridge') bridges.push(checkBridge(merged, found));
    else if (kind === undefined) found.refuse(`${merged.path}.kind`, 'is missing. Use linux or bridge.');
    else found.refuse(`${merged.path}.kind`, `${shown(kind)} cannot be run without its image. Use linux or bridge.`);
    if ((merged.text('network-mode') ?? 'bridge') === 'bridge' && kind === 'linux') managed.add(name);
  }
  checkNetworks(nodes, bridges, found);
  const links = checkLinks(sections.links, nodes, bridges, managed, found);
  if (found.faults.length > 0) return err(found.faults);
  return ok({ topology: { name: sections.name ?? '', nodes, bridges, links }, notes: found.notes });
}
