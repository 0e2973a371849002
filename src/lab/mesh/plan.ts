/** Everything a lab will consist of, by name, address and path, from its options. Pure: the supervisor makes what stands
 *  here, and the views and messages call things by these names. */
import { posix } from 'node:path';
import type { LabOptions } from './options.ts';

export const FABRIC_ADDRESS = '192.168.34.1';
export const FABRIC_LENGTH = 24;
export const STORE_PORT = 6443;
export const MESH_ASN = 64512;
export const POOL = '10.244.0.0/16';
/** BIRD cannot set a tunnel per route as Calico's fork of it does, so its blocks are of a pool without encapsulation. */
export const BIRD_POOL = '10.245.0.0/16';
const FIRST_HOST = 100;

export interface LabNode {
  readonly name: string;
  readonly kind: 'gingham' | 'bird';
  /** From 1. */
  readonly index: number;
  readonly address: string;
  readonly netns: string;
  /** Folder of its configuration, state and log. */
  readonly dir: string;
  /** gRPC, or birdc's. */
  readonly controlSocket: string;
  readonly cniSocket: string;
  readonly logFile: string;
  /** While this file exists, a daemon that ends is not started again. */
  readonly holdFile: string;
}

export interface LabPod {
  readonly name: string;
  readonly node: LabNode;
  /** 64 hex digits, as containerd's are. */
  readonly containerId: string;
  readonly netns: string;
}

export interface LabPlan {
  readonly options: LabOptions;
  readonly dir: string;
  readonly storeUrl: string;
  readonly storeDir: string;
  readonly storeLog: string;
  readonly nodes: readonly LabNode[];
  readonly pods: readonly LabPod[];
}

/** `dir` is the lab's folder, `netnsDir` where its namespaces are pinned. */
export function labPlan(options: LabOptions, dir: string, netnsDir: string): LabPlan {
  const node = (kind: LabNode['kind'], number: number, index: number): LabNode => {
    const name = `${kind === 'bird' ? 'bird' : 'node'}${number}`;
    const home = posix.join(dir, name);
    return {
      name,
      kind,
      index,
      address: `192.168.34.${FIRST_HOST + index}`,
      netns: posix.join(netnsDir, name),
      dir: home,
      controlSocket: posix.join(home, kind === 'bird' ? 'bird.ctl' : 'control.sock'),
      cniSocket: posix.join(home, 'cni.sock'),
      logFile: posix.join(home, kind === 'bird' ? 'bird.log' : 'gingham.log'),
      holdFile: posix.join(home, 'hold'),
    };
  };
  const ours = Array.from({ length: options.nodes }, (_, i) => node('gingham', i + 1, i + 1));
  const birds = Array.from({ length: options.bird }, (_, i) => node('bird', i + 1, options.nodes + i + 1));
  const pods = ours.flatMap((on) =>
    Array.from({ length: options.pods }, (_, i): LabPod => {
      const name = `web-${on.index}-${i + 1}`;
      return { name, node: on, containerId: containerId(name), netns: posix.join(netnsDir, name) };
    }),
  );
  return {
    options,
    dir,
    storeUrl: `http://${FABRIC_ADDRESS}:${STORE_PORT}`,
    storeDir: posix.join(dir, 'store'),
    storeLog: posix.join(dir, 'store.log'),
    nodes: [...ours, ...birds],
    pods,
  };
}

/** The pod's name in hex, filled up: different for different pods, and recognisable in a log. */
function containerId(name: string): string {
  return Array.from(name, (letter) => letter.charCodeAt(0).toString(16).padStart(2, '0'))
    .join('')
    .padEnd(64, '0');
}
