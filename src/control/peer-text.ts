/** One peer in full: `gingham peers PEER`. Pure. */
import type { Reason } from '../base/reason.ts';
import { type Paint, plain } from './table.ts';
import { formatAge, formatShort, formatSince } from './units.ts';
import type { AgreedView, PeerBfdView, PeerFamilyView, PeerView } from './views-of-peers.ts';

const because = (r: Reason): string => `${r.code}: ${r.text}`;

export function formatPeer(p: PeerView, now: number, paint: Paint): string[] {
  const up = p.state === 'Established';
  const retry =
    p.heldForSeconds !== undefined
      ? `, held for ${formatShort(p.heldForSeconds)} more`
      : p.retryInSeconds === undefined
        ? ''
        : `, retry in ${formatShort(p.retryInSeconds)}`;
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
  for (const f of p.families) add(f.family.replace('-unicast', ''), family(f, up));
  add('warning', p.warning && because(p.warning));
  add('bfd', p.bfd && bfd(p.bfd));
  return lines;
}

/** What one family has of its own, in the words of the capabilities. */
function family(f: PeerFamilyView, up: boolean): string {
  const words = [
    up && !f.negotiated ? 'not agreed on' : `${f.received} of ${f.limit} prefixes (then ${f.limitAction})`,
  ];
  if (f.leftOut > 0) words.push(`${f.leftOut} left out above the limit`);
  const paths = [...(f.addPathReceive ? ['receive'] : []), ...(f.addPathSend ? ['send'] : [])];
  if (paths.length > 0) words.push(`add-path ${paths.join(' and ')}`);
  if (f.gracefulRestart) words.push(`graceful-restart${f.forwarding ? ' (forwarding kept)' : ''}`);
  if (f.longLivedSeconds !== undefined) words.push(`long-lived ${formatShort(f.longLivedSeconds)}`);
  if (f.staleForSeconds !== undefined)
    words.push(
      `${f.stale} stale${f.longLived ? ', as a last resort,' : ''} for ${formatShort(f.staleForSeconds)} more`,
    );
  return words.join(', ');
}

function bfd(b: PeerBfdView): string {
  const timing = `detection in ${b.detectionTimeMs} ms${b.sendIntervalMs === undefined ? '' : `, sends every ${b.sendIntervalMs} ms`}`;
  const theirs = b.remoteState === undefined ? '' : ` (theirs ${b.remoteState})`;
  const why = b.state === 'Up' ? '' : `, ${because(b.reason)}`;
  return `${b.state}${theirs} for ${formatAge(b.stateForSeconds)}, ${timing}, ${b.flaps} flaps${why}`;
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
