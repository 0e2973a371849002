/** Is this daemon ready? For a kubelet, part by part. Pure: from the facts of `status`. A new part is a row.
 *  Ready means: pods can be added here and their packets go the way they should. What is wrong elsewhere, one dead node or
 *  an API that is away for a while, is for `status` to tell: nothing is gained by taking this daemon out for it. */
import type { Reason } from '../base/reason.ts';
import type { StatusFacts } from './views.ts';

export interface HealthPart {
  readonly name: string;
  readonly ready: boolean;
  /** Why not, or what is noteworthy although it is ready. */
  readonly reason?: Reason;
}

export interface HealthReport {
  readonly ready: boolean;
  readonly parts: readonly HealthPart[];
}

type Part = (f: StatusFacts) => HealthPart | undefined;
const part = (name: string, ready: boolean, reason?: Reason): HealthPart =>
  reason === undefined ? { name, ready } : { name, ready, reason };

const PARTS: readonly Part[] = [
  ({ phase }) =>
    phase === 'running'
      ? part('daemon', true)
      : part('daemon', false, {
          code: phase.toUpperCase(),
          text:
            phase === 'draining'
              ? 'the node is leaving, and its peers are told to prefer other ways'
              : 'inputs are not complete yet',
        }),
  // Once followed it stays so through an outage: pods and routes do too.
  ({ store, phase }) => store && part('store', store.inSync || phase !== 'starting', store.reason),
  // One peer that is down is that peer's trouble. All of several: ours.
  ({ bgp }) => {
    const { sessionsTotal: total, sessionsEstablished: up } = bgp;
    if (up === total) return part('bgp', true);
    return part('bgp', up > 0 || total < 2, {
      code: 'SESSIONS_DOWN',
      text: `${total - up} of ${total} sessions are down`,
    });
  },
  ({ kernel }) =>
    part(
      'kernel',
      kernel.failed === 0,
      kernel.failed === 0
        ? kernel.problems[0]
        : { code: 'KERNEL_ROUTES_FAILED', text: `the kernel refused ${kernel.failed} routes` },
    ),
  ({ cni }) => cni && part('cni', cni.ready, cni.reason),
];

export function checkHealth(facts: StatusFacts): HealthReport {
  const parts = PARTS.flatMap((of) => of(facts) ?? []);
  return { ready: parts.every((p) => p.ready), parts };
}

/** As kube-apiserver words its own: "[+]store ok", "[-]cni NO_BLOCK_YET: …". */
export function formatHealth({ ready, parts }: HealthReport): string {
  const lines = parts.map((p) => {
    const why = p.reason === undefined ? '' : ` ${p.reason.code}: ${p.reason.text}`;
    return p.ready ? `[+]${p.name} ok${why === '' ? '' : ` (${why.trim()})`}` : `[-]${p.name}${why}`;
  });
  return `${[...lines, ready ? 'ready' : 'not ready'].join('\n')}\n`;
}
