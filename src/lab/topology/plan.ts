/** Where everything of a topology will be: namespaces, folders, sockets, logs. Pure. */
import { posix } from 'node:path';
import type { BridgeNode, LinuxNode, Topology } from './topology.ts';

export interface NodePlan {
  readonly node: LinuxNode;
  readonly netns: string;
  /** False: the network namespace is another node's. */
  readonly ownsNetns: boolean;
  readonly dir: string;
  readonly logFile: string;
  readonly runs: 'gingham' | 'bird' | 'linux';
  /** gRPC, or birdc's; it is there only when the program keeps to the usual path. */
  readonly controlSocket: string;
}

export interface TopologyPlan {
  readonly topology: Topology;
  /** Folder of the file: what binds are relative to. */
  readonly base: string;
  readonly nodes: readonly NodePlan[];
  /** A node's or a bridge's namespace; undefined: the fabric. */
  readonly netnsOf: (name: string) => string | undefined;
}

/** `dir` is the lab's folder, `netnsDir` where its namespaces are pinned, `file` the topology. */
export function topologyPlan(topology: Topology, file: string, dir: string, netnsDir: string): TopologyPlan {
  const nodes = topology.nodes.map((node): NodePlan => {
    const home = posix.join(dir, node.name);
    const runs = programOf(node);
    return {
      node,
      netns: posix.join(netnsDir, node.network),
      ownsNetns: node.network === node.name,
      dir: home,
      logFile: posix.join(home, 'node.log'),
      runs,
      controlSocket:
        runs === 'bird' ? posix.join(home, 'bird', 'bird.ctl') : posix.join(home, 'gingham', 'control.sock'),
    };
  });
  const networks = new Map<string, string | undefined>([
    ...topology.nodes.map((n): [string, string] => [n.name, n.network]),
    ...topology.bridges.map((b): [string, string | undefined] => [b.name, b.network]),
  ]);
  return {
    topology,
    base: posix.dirname(file),
    nodes,
    netnsOf: (name) => {
      const network = networks.get(name);
      return network === undefined ? undefined : posix.join(netnsDir, network);
    },
  };
}

function programOf(node: LinuxNode): NodePlan['runs'] {
  const program = posix.basename(node.command[0] ?? '');
  return program === 'gingham' || program === 'bird' ? program : 'linux';
}

export const bridgesIn = (plan: TopologyPlan, netns: string | undefined): readonly BridgeNode[] =>
  plan.topology.bridges.filter((b) => plan.netnsOf(b.name) === netns);
