/** One peer in full: `gingham peers PEER`. Pure. */
import type { Reason } from '../base/reason.ts';
import { type Paint, plain } from './table.ts';
import { formatAge, formatShort, formatSince } from './units.ts';
import type { AgreedView, PeerView } from './views.ts';

const because = (r: Reason): string => `${r.code}: ${r.text}`;

export function formatPeer(p: PeerView, now: number, paint: Paint): string[] {
  const up = p.state === 'Established';
  const retry = p.retryInSeconds === undefined ? '' : `, retry in ${formatShort(p.retryInSeconds)}`;
  const state = paint(up ? 'good' : 'bad', p.state);
  const lines = [
    `${paint('strong', plain(p.name))} (${p.address}, AS ${p.asn})  ${p.kind} peer from ${plain(p.configuredBy)}  ${state} for ${formatAge(p.stateForSeconds)}${retry}`,
  ];
  const add = (name: string, text: string | undefined): void => {
    if (text !== undefined) lines.push(`  ${name.padEnd(11)} ${plain(text)}`);
  };
  add('why now', p.reason && because(p.reason));
  add(
    'last down',
    p.lastDown && `${p.lastDown.at} (${formatSince(p.lastDown.at, now)} ago)  ${because(p.lastDown.reason)}`,
  );
  add('flaps', `${p.flaps}; ${p.state} since ${p.stateSince}`);
  add('config', configured(p));
  add('agreed', p.agreed && agreed(p.agreed));
  add(
    'transport',
    p.agreed && `${p.agreed.local} ${p.agreed.outgoing ? '->' : '<-'} ${p.agreed.remote}${p.password ? ' md5' : ''}`,
  );
  const c = p.counts;
  add(
    'routes',
    c && `${c.received} received, ${c.used} used, ${c.rejected} rejected, ${c.stale} stale, ${c.sent} sent`,
  );
  return lines;
}

function configured(p: PeerView): string {
  const timers = p.holdTimeSeconds === 0 ? 'no hold time' : `hold time ${p.holdTimeSeconds} s`;
  const dial = p.passive ? 'passive, never dialled' : `port ${p.port}, connect retry ${p.connectRetrySeconds} s`;
  return `our AS ${p.localAsn}, ${timers}, ${dial}${p.password ? ', password' : ''}`;
}

function agreed(a: AgreedView): string {
  const words = [
    a.type === 'ibgp' ? 'iBGP' : 'eBGP',
    `router ID ${a.peerRouterId}`,
    a.holdTimeSeconds === 0 ? 'no hold time' : `hold time ${a.holdTimeSeconds} s`,
    ...a.families,
    ...(a.fourOctetAs ? ['4-octet-AS'] : []),
    ...(a.routeRefresh ? ['route-refresh'] : []),
    ...(a.gracefulRestartSeconds === undefined ? [] : [`graceful-restart (theirs ${a.gracefulRestartSeconds} s)`]),
  ];
  return words.join(', ');
}
