/** A containerlab topology as this lab runs it: resolved, checked, in words of its own. Pure: types.
 *  From the file to this: parse.ts. From this to namespaces: bring-up.ts. */

export interface Topology {
  readonly name: string;
  readonly nodes: readonly LinuxNode[];
  readonly bridges: readonly BridgeNode[];
  readonly links: readonly TopologyLink[];
}

/** A node of kind linux: one program in namespaces of its own, with this machine's system as its image. */
export interface LinuxNode {
  readonly name: string;
  /** The node whose network namespace it has: itself, or X of `network-mode: container:X`. */
  readonly network: string;
  /** entrypoint and cmd, in words. */
  readonly command: readonly string[];
  readonly binds: readonly Bind[];
  /** Lines to run once all nodes run, in words. */
  readonly exec: readonly (readonly string[])[];
  readonly env: Readonly<Record<string, string>>;
  readonly sysctls: Readonly<Record<string, string>>;
}

export interface BridgeNode {
  /** As in the file: "br0|sw". */
  readonly name: string;
  /** Name of the device: what stands before the bar. */
  readonly device: string;
  /** The node whose network namespace it is in; absent: the fabric. */
  readonly network?: string;
}

export interface Bind {
  /** As in the file, relative to the file's folder. */
  readonly source: string;
  /** Absolute, inside. */
  readonly target: string;
  readonly readOnly: boolean;
}

export interface Endpoint {
  /** A LinuxNode's or a BridgeNode's name. */
  readonly node: string;
  readonly device: string;
}

export interface TopologyLink {
  readonly ends: readonly [Endpoint, Endpoint];
  readonly mtu: number;
}

/** containerlab's own default, where a link does not say. */
export const DEFAULT_MTU = 9500;
