/** The judgement over a daemon's facts: OK, or DEGRADED with every reason. Pure. A new way to be degraded is a row. */
import type { Reason } from '../base/reason.ts';
import type { StatusFacts, StatusView } from './views.ts';

type Check = (f: StatusFacts) => readonly Reason[];
const reason = (code: string, text: string): readonly Reason[] => [{ code, text }];

/** Held and foreign routes are not here: guarding a default route is what we are for. */
const CHECKS: readonly Check[] = [
  (f) => (f.phase === 'starting' ? reason('STARTING', 'inputs are not complete yet') : []),
  (f) =>
    f.phase === 'draining'
      ? reason('DRAINING', 'peers are told to prefer other ways (RFC 8326); gingham node undrain takes it back')
      : [],
  (f) => {
    const down = f.bgp.sessionsTotal - f.bgp.sessionsEstablished;
    return down > 0 ? reason('SESSIONS_DOWN', `${down} of ${f.bgp.sessionsTotal} sessions are down`) : [];
  },
  (f) => (f.kernel.failed > 0 ? reason('KERNEL_ROUTES_FAILED', `the kernel refused ${f.kernel.failed} routes`) : []),
  (f) => f.kernel.problems,
  (f) =>
    f.store === undefined || f.store.inSync
      ? []
      : [f.store.reason ?? { code: 'STORE_OUT_OF_SYNC', text: `no current answer from ${f.store.server}` }],
  (f) => f.ipam?.problems ?? [],
  (f) =>
    f.tunnel === undefined || f.tunnel.up || f.tunnel.encapsulation === 'none'
      ? []
      : reason('TUNNEL_DOWN', `${f.tunnel.device ?? f.tunnel.encapsulation} is down`),
  (f) =>
    f.cni === undefined || f.cni.ready ? [] : [f.cni.reason ?? { code: 'CNI_NOT_READY', text: 'pods cannot be added' }],
  (f) => (f.configProblem === undefined ? [] : [f.configProblem]),
];

export function toStatusView(facts: StatusFacts): StatusView {
  const problems = CHECKS.flatMap((check) => check(facts));
  return { ...facts, health: problems.length === 0 ? 'OK' : 'DEGRADED', problems };
}
