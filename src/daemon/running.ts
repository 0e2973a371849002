/** Everything a running daemon consists of, as the control source and the reload see it. Parts appear as start-up goes on:
 *  what is absent is not there yet, or not of this kind of node. Types only. */
import type { Ipv4 } from '../base/ipv4.ts';
import type { Reason } from '../base/reason.ts';
import type { CniServer } from '../cni/server.ts';
import type { NodeConfig } from '../config/node-config.ts';
import type { Tunnels } from '../kernel/tunnels/tunnel.ts';
import type { ClusterNode } from './cluster-node.ts';
import type { ClusterReads } from './cluster-reads.ts';
import type { ClusterWatch } from './cluster-watch.ts';
import type { Dataplane } from './dataplane.ts';
import type { DaemonLog } from './log.ts';
import type { OriginWatch } from './origin-watch.ts';
import type { PodAnnotations } from './pod-annotations.ts';
import type { Speaker } from './speaker.ts';

export interface Running {
  config: NodeConfig;
  /** The last reload, when it was refused. */
  configProblem?: Reason;
  phase: 'starting' | 'running';
  /** Peers are told to prefer other ways. */
  draining: boolean;
  readonly startedAtMs: number;
  readonly log: DaemonLog;
  address?: Ipv4;
  dataplane?: Dataplane;
  speaker?: Speaker;
  watch?: ClusterWatch;
  reads?: ClusterReads;
  cluster?: ClusterNode;
  /** Of a cluster: what IPAM says of routes. */
  origins?: OriginWatch;
  annotations?: PodAnnotations;
  tunnels?: Tunnels;
  cni?: CniServer;
  /** A drain that is to end the process: takes that back. */
  cancelLeave?: () => void;
  /** Ends the process in order; the answer is the exit code's promise. */
  stop(how: 'restart' | 'leave'): Promise<void>;
}
