/** Why a connection ended, and whether its routes may stay. Pure. RFC 4724 4.2, RFC 8538 4. */
import type { BgpError } from '../wire/error.ts';
import { COLLISION, isHardReset, PEER_DECONFIGURED, unwrapHardReset } from '../wire/notification.ts';
import type { FsmEvent } from './fsm.ts';
import type { Agreed, SessionDown, SessionState } from './session-types.ts';

/** What is known when a connection ends. */
export interface Ending {
  readonly from: SessionState;
  readonly event: FsmEvent;
  readonly agreed: Agreed | undefined;
  readonly sent: BgpError | undefined;
  readonly received: BgpError | undefined;
  /** A dial's fault, or what the socket said. */
  readonly tcp: { readonly code: string; readonly text: string } | undefined;
}

/** Codes for faults that users meet often; the rest is NOTIFICATION_SENT. */
const SENT_CODES: Readonly<Record<string, string>> = {
  '2/2': 'BAD_PEER_AS',
  '2/3': 'BAD_BGP_ID',
  '2/6': 'UNACCEPTABLE_HOLD_TIME',
  '2/7': 'NO_COMMON_FAMILY',
  '4/0': 'HOLD_TIMER_EXPIRED',
  '6/2': 'ADMIN_DOWN',
  '6/3': 'DECONFIGURED',
  '6/7': 'COLLISION',
};

export function sessionDown(e: Ending): SessionDown {
  return {
    ...codeAndText(e),
    wasEstablished: e.from === 'Established',
    keepRoutes: e.from === 'Established' && keepsRoutes(e),
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
  if (e.event === 'Stop') {
    if (e.sent === undefined) return { code: 'ADMIN_DOWN', text: 'stopped by us' };
    const said = unwrapHardReset(e.sent) ?? e.sent;
    return { code: said.subcode === PEER_DECONFIGURED ? 'DECONFIGURED' : 'ADMIN_DOWN', text: e.sent.text };
  }
  if (e.sent !== undefined)
    return { code: SENT_CODES[`${e.sent.code}/${e.sent.subcode}`] ?? 'NOTIFICATION_SENT', text: e.sent.text };
  if (e.event === 'ConnectRetryExpired')
    return { code: 'TCP_TIMEOUT', text: 'the peer did not answer before the connect retry timer expired' };
  return e.tcp ?? { code: 'TCP_CLOSED', text: 'the peer closed the TCP connection' };
}

/** The peer's routes may stay as stale: it agreed on graceful restart for IPv4 and on a time above zero, and went without
 *  a NOTIFICATION; or with one (or the hold timer) that both sides agreed not to take for good (N), no Hard Reset. */
function keepsRoutes(e: Ending): boolean {
  if (e.event === 'SilentStop') return true;
  const gr = e.agreed?.gracefulRestart;
  if (gr === undefined || !gr.ipv4 || gr.restartTimeSec === 0) return false;
  const said = e.received ?? e.sent;
  if (said === undefined) return e.event === 'TcpFailed' || e.event === 'PeerRestarted';
  return gr.notification && !isHardReset(said);
}
