/** Some dozens of the routes in an UPDATE at a time, as they lie in the slab. Pure, hot. RFC 4271 4.3, RFC 7911 3.
 *
 *  A table of a million lies far from the processor, and an UPDATE names routes in no order: route, path and set would each be a
 *  wait of a hundred nanoseconds, one after the other. Asked for side by side they take little longer than one. So a run is read and
 *  looked up, then all its routes are asked for, their first paths, and those paths' sets; what is done with them finds them
 *  near. The slots are asked for before all: whether one is the prefix's, or free, is a guess that is wrong now and then, and what
 *  was guessed behind it is thrown away. */
import { LONGEST_RUN } from './path-runs.ts';
import type { RouteTable } from './route-table.ts';

const NONE = -1;
/** As many misses as a processor keeps in flight, a few times over; its lines must not push each other out. */
const RUN = LONGEST_RUN;

export class NlriRun {
  count = 0;
  /** Some of them look as if they were prefixes of multicast addresses. */
  hasMulticast = false;
  /** The routes of the prefixes after find() or insert(); -1: it is not in the table. */
  readonly routes = new Int32Array(RUN);
  private readonly table: RouteTable;
  private readonly isIpv4: boolean;
  /** Where in the slab the octets of each prefix are. */
  private readonly octets = new Int32Array(RUN);
  private readonly lengths = new Uint8Array(RUN);
  /** IPv4 only. */
  private readonly addresses = new Uint32Array(RUN);
  private readonly pathIds = new Uint32Array(RUN);
  private readonly firsts = new Int32Array(RUN);

  constructor(table: RouteTable) {
    this.table = table;
    this.isIpv4 = table.family === 'ipv4';
  }

  /** Reads the next run of [at, end); answers where the one after it begins. */
  read(slab: Uint8Array, at: number, end: number, addPath: boolean): number {
    const { octets, lengths, addresses, pathIds, isIpv4 } = this;
    let n = 0;
    let multicast = false;
    while (n < RUN && at < end) {
      let pathId = 0;
      if (addPath) {
        pathId = (slab[at]! << 24) | (slab[at + 1]! << 16) | (slab[at + 2]! << 8) | slab[at + 3]!;
        at += 4;
      }
      const length = slab[at]!;
      const next = at + 1 + ((length + 7) >>> 3);
      // The session has checked it: there is nothing else inside an UPDATE that comes here.
      if (next > end) {
        at = end;
        break;
      }
      // Octets beyond `next` belong to the neighbour and may lie outside the slab: the mask and `|` make both nothing.
      const word = (slab[at + 1]! << 24) | (slab[at + 2]! << 16) | (slab[at + 3]! << 8) | slab[at + 4]!;
      const address = length === 0 ? 0 : word & (-1 << (32 - length));
      if (isIpv4 ? address >>> 28 === 14 : word >>> 24 === 0xff) multicast = true;
      addresses[n] = address;
      octets[n] = at + 1;
      lengths[n] = length;
      pathIds[n] = pathId;
      n++;
      at = next;
    }
    this.count = n;
    this.hasMulticast = multicast;
    return at;
  }

  /** Looks all of them up. */
  find(slab: Uint8Array): void {
    const { table, routes, lengths, count } = this;
    if (this.isIpv4) {
      this.prefetchSlots();
      // One that is gone has no path, and none is withdrawn.
      for (let i = 0; i < count; i++) routes[i] = table.prefixes.findLiveOrDead(this.addresses[i]!, lengths[i]!);
    } else {
      for (let i = 0; i < count; i++) routes[i] = table.prefixes6.findOctets(slab, this.octets[i]!, lengths[i]!);
    }
    this.prefetchPaths();
  }

  /** The same, and those that are not there are made. Whoever then leaves some out calls forget(). */
  insert(slab: Uint8Array): void {
    const { table, routes, addresses, lengths, count } = this;
    let last = 0;
    if (this.isIpv4) {
      this.prefetchSlots();
      for (let i = 0; i < count; i++) {
        const route = table.prefixes.insert(addresses[i]!, lengths[i]!);
        routes[i] = route;
        if (route > last) last = route;
      }
    } else {
      for (let i = 0; i < count; i++) {
        const route = table.prefixes6.insertOctets(slab, this.octets[i]!, lengths[i]!);
        routes[i] = route;
        if (route > last) last = route;
      }
    }
    table.routes.reach(last);
    this.prefetchPaths();
  }

  /** Those that were made for nothing go again. */
  forget(): void {
    const { table, routes, count } = this;
    // One that stands in the run twice is looked at twice.
    for (let i = 0; i < count; i++) if (routes[i]! >= 0 && table.index.has(routes[i]!)) table.freeIfUnused(routes[i]!);
  }

  /** 0 where there is none. */
  pathIdOf(i: number): number {
    return this.pathIds[i]!;
  }

  private prefetchSlots(): void {
    const { table, addresses, lengths, count } = this;
    let near = 0;
    for (let i = 0; i < count; i++) near ^= table.prefixes.prefetch(addresses[i]!, lengths[i]!);
    table.near ^= near;
  }

  private prefetchPaths(): void {
    const { routes, firsts, count, table } = this;
    const { routes: rows, paths, sets } = table;
    let near = 0;
    let known = 0;
    for (let i = 0; i < count; i++) {
      const first = routes[i] === NONE ? NONE : rows.firstOf(routes[i]!);
      if (first !== NONE) firsts[known++] = first;
    }
    for (let i = 0; i < known; i++) near ^= paths.prefetch(firsts[i]!);
    for (let i = 0; i < known; i++) near ^= sets.prefetch(paths.receivedOf(firsts[i]!));
    table.near ^= near;
  }
}
