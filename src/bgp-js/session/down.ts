/** Why a connection ended, and whether its routes may stay. Pure. RFC 4724 4.2, RFC 8538 4. */
import type { BgpError } from '../wire/error.ts';
import { type Family, hasFamily, IPV4_UNICAST } from '../wire/family.ts';
import { COLLISION, isHardReset, PEER_DECONFIGURED, unwrapHardReset } from '../wire/notification.ts';
import type { FsmEvent } from './fsm.ts';
import type { Agreed, SessionDown, SessionState } from './session-types.ts';
import { closedReason, type TcpReason } from './tcp-reason.ts';

/** What is known when a connection ends. */
export interface Ending {
  readonly from: SessionState;
  readonly event: FsmEvent;
  readonly agreed: Agreed | undefined;
  readonly sent: BgpError | undefined;
  readonly received: BgpError | undefined;
  /** A dial's fault, or what the socket said. */
  readonly tcp: TcpReason | undefined;
}

/** Codes for faults that users meet often; the rest is NOTIFICATION_SENT. */
const SENT_CODES: Readonly<Record<string, string>> = {
  '2/2': 'BAD_PEER_AS',
  '2/3': 'BAD_BGP_ID',
  '2/6': 'UNACCEPTABLE_HOLD_TIME',
  '2/7': 'NO_COMMON_FAMILY',
  '2/11': 'ROLE_MISMATCH',
  '4/0': 'HOLD_TIMER_EXPIRED',
  '6/2': 'ADMIN_DOWN',
  '6/3': 'DECONFIGURED',
  '6/7': 'COLLISION',
  '6/8': 'OUT_OF_RESOURCES',
};

export function sessionDown(e: Ending): SessionDown {
  const keepFamilies = e.from === 'Established' ? kept(e) : [];
  return {
    ...codeAndText(e),
    wasEstablished: e.from === 'Established',
    keepRoutes: hasFamily(keepFamilies, IPV4_UNICAST),
    keepFamilies,
    ...(e.sent !== undefined ? { sent: e.sent } : {}),
    ...(e.received !== undefined ? { received: e.received } : {}),
  };
}

function codeAndText(e: Ending): { code: string; text: string } {
  if (e.received !== undefined) {
    const collision = e.received.code === 6 && e.received.subcode === COLLISION;
    return { code: collision ? 'COLLISION' : 'NOTIFICATION_RECEIVED', text: `the peer sent ${e.received.text}` };
  }
  if (e.event === 'PeerRestarted')
    return { code: 'PEER_RESTARTED', text: 'the peer opened a new connection: it has restarted (RFC 4724 4.2)' };
  if (e.event === 'SilentStop') return { code: 'RESTART', text: 'we restart; TCP was closed without a NOTIFICATION' };
  if (e.event === 'SendHoldExpired')
    return {
      code: 'SEND_HOLD_TIMER_EXPIRED',
      text: 'Send Hold Timer Expired (8/0): the peer has taken nothing of ours for the send hold time (RFC 9687 3)',
    };
  if (e.event === 'ManualStop') {
    if (e.sent === undefined) return { code: 'ADMIN_DOWN', text: 'stopped by us' };
    const said = unwrapHardReset(e.sent) ?? e.sent;
    return { code: said.subcode === PEER_DECONFIGURED ? 'DECONFIGURED' : 'ADMIN_DOWN', text: e.sent.text };
  }
  if (e.sent !== undefined)
    return { code: SENT_CODES[`${e.sent.code}/${e.sent.subcode}`] ?? 'NOTIFICATION_SENT', text: e.sent.text };
  if (e.event === 'ConnectRetryExpired')
    return { code: 'TCP_TIMEOUT', text: 'the peer did not answer before the connect retry timer expired' };
  return e.tcp ?? closedReason(undefined);
}

/** The families whose routes may stay as stale: the peer agreed on graceful restart for them and on a time above zero (or on a
 *  long-lived one), and went without a NOTIFICATION; or with one (or a hold timer) that both sides agreed not to take for good
 *  (N), no Hard Reset. RFC 4724 4.2, RFC 8538 4, RFC 9494 4.2 */
function kept(e: Ending): readonly Family[] {
  const { agreed } = e;
  if (agreed === undefined) return [];
  if (e.event === 'SilentStop') return agreed.families;
  const gr = agreed.gracefulRestart;
  if (gr === undefined) return [];
  const said = e.received ?? e.sent;
  const silent = e.event === 'TcpFailed' || e.event === 'PeerRestarted';
  if (said === undefined ? !silent : !gr.notification || isHardReset(said)) return [];
  const lived = (agreed.longLivedGracefulRestart ?? []).filter((l) => l.staleTimeSec > 0).map((l) => l.family);
  const short = gr.restartTimeSec > 0 ? gr.families.map((f) => f.family) : [];
  return agreed.families.filter((family) => hasFamily(short, family) || hasFamily(lived, family));
}
