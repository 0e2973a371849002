/** What two systems' wishes make of the intervals. Pure. RFC 5880 6.8.2, 6.8.4, 6.8.7. On the wire all is in microseconds. */

/** While a session is not Up nobody sends faster. RFC 5880 6.8.3 */
export const SLOW_US = 1_000_000;

const US_PER_MS = 1000;
export const usOf = (ms: number): number => Math.round(ms * US_PER_MS);
export const msOf = (us: number): number => us / US_PER_MS;

/** Between two packets of ours, before jitter; undefined: the peer wants none (its Required Min RX is 0). */
export const sendIntervalUs = (desiredMinTxUs: number, remoteMinRxUs: number): number | undefined =>
  remoteMinRxUs === 0 ? undefined : Math.max(desiredMinTxUs, remoteMinRxUs);

/** Between two packets of the peer, at most. */
export const receiveIntervalUs = (requiredMinRxUs: number, remoteDesiredMinTxUs: number): number =>
  Math.max(requiredMinRxUs, remoteDesiredMinTxUs);

/** A multiplier of 1 leaves no packet to miss, so what comes late by the network's doing must still be in time. 6.8.7 */
const MOST = 1;
const MOST_IF_ONE = 0.9;
const LEAST = 0.75;

/** The share of the interval to wait this time. */
export const jitter = (multiplier: number, random: number): number =>
  LEAST + random * ((multiplier === 1 ? MOST_IF_ONE : MOST) - LEAST);

/** A timer of the system fires on the next whole millisecond after its time. */
const TIMER_GRAIN_MS = 1;

/** When to wake to send within the interval: the timer's own lateness is not to come on top of it. */
export const wakeAfterMs = (intervalUs: number, share: number): number =>
  Math.max(msOf(intervalUs) * LEAST, msOf(intervalUs) * share - TIMER_GRAIN_MS);
