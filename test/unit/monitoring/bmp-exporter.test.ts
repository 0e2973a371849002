import { expect, test } from 'vitest';
import { ipv4 } from '../../../src/base/ipv4.ts';
import { PLAIN_CONTEXT } from '../../../src/bgp-js/update/update-context.ts';
import { IPV4_UNICAST } from '../../../src/bgp-js/wire/family.ts';
import { KEEPALIVE_MESSAGE } from '../../../src/bgp-js/wire/message.ts';
import { BmpExporter, type BmpStreamOwner, type Monitored } from '../../../src/monitoring/bmp-exporter.ts';
import { receivedUpdates } from '../../../src/monitoring/bmp-updates.ts';
import { FakeTime } from '../../support/fake-time.ts';
import { path, route, source } from './route-views.ts';

const NAMES = ['route', 'statistics', 'peer down', 'peer up', 'initiation', 'termination'];
const PEER = { table: 'peer', address: ipv4(0x0a090002), asn: 65001, bgpIdentifier: ipv4(2) } as const;
const FROM = source(1, '10.9.0.2');
const ROUTES = Array.from({ length: 450 }, (_, n) => route(`10.${n >> 8}.${n & 255}.0/24`, path(FROM)));

/** A station in memory: what it heard by name, and a valve. */
class Station {
  readonly time = new FakeTime();
  readonly heard: string[] = [];
  dialled = 0;
  /** Octets it leaves unread from now on. */
  full = false;
  unsent = 0;
  owner: BmpStreamOwner | undefined;
  readonly monitored: Monitored[] = [monitored()];
  readonly exporter = new BmpExporter({
    sysName: 'worker1',
    sysDescr: 'Gingham',
    statisticsSec: 60,
    reconnectSec: 10,
    dial: (owner) => {
      this.dialled++;
      this.owner = owner;
    },
    monitored: () => this.monitored,
    clock: this.time,
    timers: this.time,
    schedule: (run) => void this.time.after(0, run),
  });

  open(): void {
    const unsent = (): number => this.unsent;
    this.owner?.onOpen({
      write: (octets) => {
        this.hear(octets);
        if (this.full) this.unsent += octets.length;
        return !this.full;
      },
      get unsent() {
        return unsent();
      },
      end: (octets) => this.hear(octets),
    });
  }
  private hear(octets: Uint8Array): void {
    expect(octets[0]).toBe(3);
    expect(new DataView(octets.buffer, octets.byteOffset).getUint32(1)).toBe(octets.length);
    this.heard.push(NAMES[octets[5] ?? 9] ?? '?');
  }
  counted(): Record<string, number> {
    const count: Record<string, number> = {};
    for (const name of this.heard) count[name] = (count[name] ?? 0) + 1;
    return count;
  }
}

function monitored(): Monitored {
  return {
    peer: PEER,
    upAt: 1_700_000_000_000,
    up: {
      localAddress: ipv4(0x0a090001),
      localPort: 40_000,
      remotePort: 179,
      sentOpen: KEEPALIVE_MESSAGE,
      receivedOpen: KEEPALIVE_MESSAGE,
    },
    updates: () =>
      receivedUpdates(
        ROUTES.flatMap((r) => [undefined, ...r.paths.map((p) => ({ prefix: r.prefix, path: p }))]),
        PLAIN_CONTEXT,
        [IPV4_UNICAST],
      ),
    statistics: () => ({ rejected: 1, adjRibIn: 450 }),
  };
}

test('a station hears who we are, who is up, all routes and End-of-RIB, then statistics (RFC 7854 3.3, 4.8)', () => {
  const station = new Station();
  station.exporter.start();
  station.open();
  station.time.pass(100);
  expect(station.heard.slice(0, 2)).toEqual(['initiation', 'peer up']);
  expect(station.counted()).toEqual({ initiation: 1, 'peer up': 1, route: 451 });
  station.time.pass(60_000);
  expect(station.counted().statistics).toBe(1);
  station.exporter.down(PEER, { kind: 'remote' });
  station.exporter.stop();
  expect(station.heard.slice(-2)).toEqual(['peer down', 'termination']);
  expect(station.time.pending).toBe(0);
});

test('a dump waits for a station that does not read, and what peers say meanwhile is bounded', () => {
  const station = new Station();
  station.full = true;
  station.exporter.start();
  station.open();
  station.time.pass(100);
  const stopped = station.heard.length;
  expect(stopped).toBeLessThan(10);
  station.full = false;
  station.unsent = 0;
  station.owner?.onDrain();
  station.time.pass(100);
  expect(station.counted().route).toBe(451);

  station.full = true;
  for (let n = 0; n < 20_000 && station.exporter.state.connected; n++)
    station.exporter.update(PEER, new Uint8Array(4096));
  expect(station.exporter.state).toMatchObject({ connected: false, reason: { code: 'STATION_TOO_SLOW' } });
  expect(station.heard.at(-1)).toBe('termination');
  expect(station.unsent).toBeLessThan(33 * 1024 * 1024);
});

test('a lost station is dialled again and told everything anew', () => {
  const station = new Station();
  station.exporter.start();
  station.owner?.onClose({ code: 'TCP_REFUSED', text: 'connection refused' });
  expect(station.exporter.state.reason?.code).toBe('TCP_REFUSED');
  station.time.pass(10_000);
  expect(station.dialled).toBe(2);
  station.open();
  station.time.pass(100);
  expect(station.counted().route).toBe(451);
});
