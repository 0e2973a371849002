/** All peers that are sent routes of one table, in turn. Pure: later turns of the event loop come from the table's scheduler. One turn
 *  gives each peer that can take it one batch, then another, for a few milliseconds; then it is others' turn: the kernel's, new
 *  routes', keepalives'. Batches grow and shrink so that none takes long. */
import type { Clock } from '../../base/ports.ts';
import type { ExportTarget } from './export-target.ts';
import { OutBatch } from './out-batch.ts';
import type { OutFormat } from './out-encoder.ts';
import { OutGroup } from './out-group.ts';
import type { OutMember } from './out-member.ts';
import { OutWriter } from './out-writer.ts';
import type { RouteTable } from '../tables/route-table.ts';

/** A turn ends behind the batch with which it has taken so long. */
const TURN_MS = 3;
const LEAST_ROUTES = 256;
const MOST_ROUTES = 32_768;
/** A batch that took longer makes the next one smaller; a full one that took less, larger. */
const LONG_MS = 2;
const SHORT_MS = 0.8;
/** Members, all of which may be gone through for a single one. */
const FEW = 16;

export interface OutTime {
  readonly schedule: (run: () => void) => void;
  readonly clock: Clock;
}

export class OutGroups {
  private readonly table: RouteTable;
  private readonly time: OutTime;
  private readonly groups = new Map<string, OutGroup>();
  private readonly groupOf = new Map<OutMember, OutGroup>();
  private readonly batch = new OutBatch();
  private readonly writers = new Map<string, OutWriter>();
  private size = 4096;
  private running = false;
  private scheduled = false;
  private decidedSeen = -1;
  private stirred = false;

  constructor(table: RouteTable, time: OutTime) {
    this.table = table;
    this.time = time;
  }

  join(member: OutMember, format: OutFormat, maxPaths: number): OutGroup {
    const key = keyOf(format, maxPaths);
    let group = this.groups.get(key);
    if (group === undefined) {
      const tools = { batch: this.batch, writer: this.writerFor(format) };
      group = new OutGroup(key, format, maxPaths, this.table, tools);
      this.groups.set(key, group);
    }
    group.members.add(member);
    this.groupOf.set(member, group);
    return group;
  }

  leave(member: OutMember): void {
    const group = this.groupOf.get(member);
    this.groupOf.delete(member);
    group?.members.delete(member);
    if (group?.members.size === 0) this.groups.delete(group.key);
  }

  /** A slice of the table is decided. Cheap where it changed nothing. */
  decided(): void {
    if (this.table.queue.decided !== this.decidedSeen) this.run();
  }

  /** A member has something to do that it had not. */
  stir(): void {
    this.stirred = true;
    this.run();
  }

  /** The same for one that has just joined. Among many, those that join in one turn make one round: each is one over all. */
  stirSoon(): void {
    if (this.groupOf.size <= FEW) this.stir();
    else if (!this.running && !this.scheduled) this.runLater();
    else this.stirred = true;
  }

  private run(): void {
    if (this.running || this.scheduled) return;
    this.running = true;
    const { clock } = this.time;
    const until = clock.now() + TURN_MS;
    let isOver = false;
    do {
      this.stirred = false;
      this.decidedSeen = this.table.queue.decided;
      isOver = !this.round(clock, until);
    } while (!isOver && this.stirred);
    this.running = false;
    const [some] = this.groupOf.keys();
    some?.port.trim(); // the slowest reader lets go, also long after the slice that changed something
    if (isOver) this.runLater();
  }

  private runLater(): void {
    this.scheduled = true;
    this.time.schedule(() => {
      this.scheduled = false;
      this.run();
    });
  }

  /** Batches for all, until nobody can take more. False: time is up. */
  private round(clock: Clock, until: number): boolean {
    for (let again = true; again; ) {
      again = false;
      let worked = false;
      for (const [member, group] of this.groupOf) {
        if (member.blocked || member.closed) continue;
        if (!member.hasRoutesToSend) {
          if (member.waitsToBeIdle) member.onIdle();
          continue;
        }
        const start = clock.now();
        if (start >= until && worked) return false;
        if (member.refreshWanted && member.walkAt < 0) {
          member.refreshWanted = false;
          member.walk(false, group.walkStart(member));
        }
        const routes = group.step(member, this.size);
        this.adapt(routes, clock.now() - start);
        worked = true;
        // Those that stood with it are looked at behind it.
        again ||= member.hasRoutesToSend || member.waitsToBeIdle;
      }
      if (again && clock.now() >= until) return false;
    }
    return true;
  }

  private adapt(routes: number, ms: number): void {
    if (ms > LONG_MS) this.size = Math.max(LEAST_ROUTES, this.size >> 1);
    else if (routes >= this.size && ms < SHORT_MS) this.size = Math.min(MOST_ROUTES, this.size * 2);
  }

  private writerFor(format: OutFormat): OutWriter {
    const key = `${format.addPath} ${format.maxMessageLength}`;
    let writer = this.writers.get(key);
    if (writer === undefined) {
      writer = new OutWriter(this.table, format);
      this.writers.set(key, writer);
    }
    return writer;
  }
}

const IDENTITIES = new WeakMap<object, number>();
let identities = 0;
function identityOf(object: object | undefined): number {
  if (object === undefined) return 0;
  let id = IDENTITIES.get(object);
  if (id === undefined) {
    id = ++identities;
    IDENTITIES.set(object, id);
  }
  return id;
}

/** Of everything that enters a message or decides on it, but the peer's own address: that concerns single routes. */
function keyOf(format: OutFormat, maxPaths: number): string {
  const { address: _a, peerAsn, policy, removePrivateAs, ...rest } = format.target;
  const parts: Partial<ExportTarget> & { policy?: never } = { ...rest };
  const how = [format.family, format.fourOctetAs, format.addPath, format.maxMessageLength, maxPaths];
  const privates = removePrivateAs === undefined ? '' : `${removePrivateAs} ${peerAsn}`;
  const entries = Object.entries(parts).sort(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify([how, privates, identityOf(policy), entries], (_, value: unknown) =>
    typeof value === 'bigint' ? `${value}n` : value,
  );
}
