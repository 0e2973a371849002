/** Peers that are sent the same octets: what one of them is sent is packed once for all that stand at the same place. Pure, hot.
 *  A batch is gathered, encoded, and given to each. Who is not to have some route of it (it is the peer's own, or the peer is its
 *  next hop) gets the rest packed for it alone; and who has less to withdraw, its own withdrawals. */
import { Int32Column, Uint8Column } from '../../base/columns.ts';
import { ipv4 } from '../../base/ipv4.ts';
import { isReflected, mayPass } from './export-rules.ts';
import type { OutBatch } from './out-batch.ts';
import { OutEncoder, type OutFormat } from './out-encoder.ts';
import { sameOctets } from './out-hop.ts';
import type { OutMember } from './out-member.ts';
import { rankPaths } from './out-ranking.ts';
import { joined, type OutWriter } from './out-writer.ts';
import { ROW_BITS, SOURCE, TOLD_SET, TOLD_SOURCE } from '../tables/route-rows.ts';
import type { RouteTable } from '../tables/route-table.ts';
import type { Source } from '../terms/source.ts';

const NONE = -1;
/** Classes of sources below this are kinds, above are sources. */
const KINDS = 4;
/** Routes whose prefixes are asked for side by side. */
const AHEAD = 64;

/** What all groups of a table use in turn. */
export interface OutTools {
  readonly batch: OutBatch;
  readonly writer: OutWriter;
}

export class OutGroup {
  readonly key: string;
  readonly format: OutFormat;
  readonly members = new Set<OutMember>();
  readonly encoder: OutEncoder;
  private readonly table: RouteTable;
  private readonly batch: OutBatch;
  private readonly writer: OutWriter;
  /** Paths of one route, at most; 0 without ADD-PATH. */
  private readonly maxPaths: number;
  /** By entry: 1, it is sent; of no meaning where all are. */
  private readonly picked = new Uint8Column();
  private picksAll = false;
  /** What the member at hand no longer has: (route, path). */
  private goneRoutes = new Int32Column(NONE);
  private gonePaths = new Int32Column(NONE);
  private gone = 0;
  /** Of the member before, when all is forgotten together. */
  private goneBefore = new Int32Column(NONE);
  /** It is not what the member before no longer had. */
  private differs = false;
  private readonly candidates: number[] = [];
  private readonly ahead = new Int32Array(AHEAD);
  private readonly sources = new Int32Array(AHEAD);
  private readonly runs = new Int32Array(AHEAD);
  /** What is sent of a route depends on more than its best path's set and source. */
  private readonly asksRoutes: boolean;

  constructor(key: string, format: OutFormat, maxPaths: number, table: RouteTable, tools: OutTools) {
    this.key = key;
    this.format = format;
    this.maxPaths = maxPaths;
    this.table = table;
    this.batch = tools.batch;
    this.writer = tools.writer;
    this.encoder = new OutEncoder(format, table.sets, table.us.bgpIdentifier);
    this.asksRoutes =
      maxPaths > 0 || this.encoder.policy?.judge.readsPrefix === true || format.target.transitWithin !== undefined;
  }

  /** Where a walk of this member begins: beside another that is on its way, or at the first route. */
  walkStart(member: OutMember): number {
    for (const other of this.members)
      if (other !== member && other.walkAt !== NONE && !other.blocked && this.isBeside(other, member, other.walkAt))
        return other.walkAt;
    return 0;
  }

  /** One batch of at most `size` routes for the member and all that stand where it stands. Answers how many routes. */
  step(leader: OutMember, size: number): number {
    const mates: OutMember[] = [];
    for (const m of this.members) if (m === leader || this.standsWith(m, leader)) mates.push(m);
    this.batch.begin(mates.some((m) => m.count > 0));
    const routes = leader.walkAt === NONE ? this.takeChanges(leader, mates, size) : this.takeWalk(leader, mates, size);
    this.batch.encode(this.encoder, this.table.sources);
    this.give(mates);
    return routes;
  }

  private isBeside(a: OutMember, b: OutMember, walkAt: number): boolean {
    return a.walkAt === walkAt && !a.missingOnly && !b.missingOnly && a.holdLearned === b.holdLearned;
  }

  private standsWith(m: OutMember, leader: OutMember): boolean {
    if (m.blocked || m.closed || m.holdLearned !== leader.holdLearned || m.walkAt !== leader.walkAt) return false;
    return leader.walkAt === NONE
      ? m.cursor.next === leader.cursor.next
      : !m.missingOnly && !leader.missingOnly;
  }

  private takeWalk(leader: OutMember, mates: readonly OutMember[], size: number): number {
    const { index } = this.table;
    const start = leader.walkAt;
    let end = Math.min(start + size, index.idBound);
    for (const m of mates) if (m.wrapped && m.walkFrom > start) end = Math.min(end, m.walkFrom);
    this.offerRange(start, end, leader);
    for (const m of mates) {
      m.walkAt = end;
      if (!m.wrapped && end >= index.idBound) {
        m.wrapped = true;
        m.walkAt = 0;
      }
      if (m.wrapped && m.walkAt >= m.walkFrom) m.walkAt = NONE;
    }
    return end - start;
  }

  private takeChanges(leader: OutMember, mates: readonly OutMember[], size: number): number {
    const { ahead } = this;
    const { cursor } = leader;
    const { changes } = leader.port;
    let routes = 0;
    for (let taken = AHEAD; taken === AHEAD && routes < size; routes += taken) {
      taken = changes.takeSome(cursor, ahead, Math.min(AHEAD, size - routes));
      this.table.prefetch(ahead, 0, taken);
      if (this.asksRoutes) for (let i = 0; i < taken; i++) this.offer(ahead[i]!, leader);
      else this.offerAll(taken, leader.holdLearned);
    }
    for (const m of mates) if (m !== leader) changes.follow(m.cursor, cursor);
    return routes;
  }

  private offerRange(from: number, to: number, leader: OutMember): void {
    const { ahead } = this;
    const { index } = this.table;
    let count = 0;
    for (let route = from; route < to; route++) {
      if (!index.has(route) || (leader.missingOnly && leader.has(route))) continue;
      if (this.asksRoutes) this.offer(route, leader);
      else ahead[count++] = route;
      if (count < AHEAD) continue;
      this.offerAll(count, leader.holdLearned);
      count = 0;
    }
    this.offerAll(count, leader.holdLearned);
  }

  /** The first of `ahead`, whose best paths are sent by set and source alone. */
  private offerAll(count: number, holdLearned: boolean): void {
    const { ahead, sources, runs, batch, table } = this;
    const { at } = table.routes.cells;
    let source = NONE;
    let sourceClass = NONE;
    let set = NONE;
    let run = NONE;
    let same = 0;
    for (let i = 0; i < count; i++) {
      const row = ahead[i]! << ROW_BITS;
      const s = at[row + TOLD_SET]! - 1;
      const from = at[row + TOLD_SOURCE]! & SOURCE;
      if (from !== source && s !== NONE) {
        source = from;
        sourceClass = this.classOf(table.sources[from], holdLearned);
        if (sourceClass !== NONE) batch.see(from);
        set = NONE;
      }
      if (s === NONE || sourceClass === NONE) {
        runs[i] = NONE;
        sources[i] = NONE;
        continue;
      }
      if (s === set) same++;
      else {
        if (same > 0) batch.more(run, same);
        same = 0;
        set = s;
        run = batch.runOf(s, sourceClass, 0);
      }
      runs[i] = run;
      sources[i] = from;
    }
    if (same > 0) batch.more(run, same);
    batch.addAll(ahead, sources, runs, count);
  }

  private offer(route: number, { holdLearned }: OutMember): void {
    const { batch, table } = this;
    const before = batch.count;
    if (this.maxPaths > 0) this.offerPaths(route, holdLearned);
    else {
      const set = table.routes.toldSetOf(route);
      if (set !== NONE) this.offerPath(route, set, table.routes.toldSourceOf(route), NONE, holdLearned);
    }
    if (batch.count === before) batch.addNothing(route);
  }

  /** All usable ones, the best first where not all can be sent. */
  private offerPaths(route: number, holdLearned: boolean): void {
    const { table, candidates } = this;
    const { paths } = table;
    candidates.length = 0;
    for (let path = table.routes.firstOf(route); path !== NONE; path = paths.nextOf(path)) {
      const used = paths.usedOf(path);
      if (used !== NONE && table.bestPaths.isUsable(used)) candidates.push(path);
    }
    if (candidates.length > this.maxPaths) rankPaths(table, route, candidates);
    for (const path of candidates) this.offerPath(route, paths.usedOf(path), paths.sourceOf(path), path, holdLearned);
  }

  private offerPath(route: number, set: number, sourceId: number, path: number, holdLearned: boolean): void {
    const { table } = this;
    const { target } = this.format;
    const source = table.sources[sourceId];
    const sourceClass = this.classOf(source, holdLearned);
    if (source === undefined || sourceClass === NONE) return;
    let prefixClass = 0;
    const { policy } = this.encoder;
    if (policy?.judge.readsPrefix === true)
      prefixClass =
        this.format.family === 'ipv4'
          ? policy.judge.classOfIpv4(table.prefixes.addressOf(route), table.prefixes.lengthOf(route))
          : policy.judge.classOfIpv6(table.prefixes6.addressOf(route), table.prefixes6.lengthOf(route));
    if (target.transitWithin !== undefined && source.kind !== 'local') {
      const address = this.format.family === 'ipv4' ? ipv4(table.prefixes.addressOf(route)) : table.addressOf(route);
      if (!mayPass(target, { source, address, length: table.index.lengthOf(route) })) return;
    }
    this.batch.add(route, set, sourceId, sourceClass, prefixClass, path);
  }

  /** What is reflected says who it came from: each source is a class of its own. -1: nothing of it is sent. */
  private classOf(source: Source | undefined, holdLearned: boolean): number {
    if (source === undefined || (holdLearned && source.kind !== 'local') || this.encoder.refuses(source)) return NONE;
    if (isReflected(source, this.format.target)) return KINDS + source.id;
    return source.kind === 'local' ? 0 : source.kind === 'ibgp' ? 1 : 2;
  }

  private give(mates: readonly OutMember[]): void {
    const { batch } = this;
    if (batch.count === 0) return;
    let announced: readonly Uint8Array[] | undefined;
    let withdrawn: readonly Uint8Array[] = [];
    let together: readonly Uint8Array[] | undefined;
    const own: OutMember[] = [];
    this.pick(undefined);
    const { sendsNothing } = batch;
    for (const m of mates) {
      if (sendsNothing && m.count === 0) continue; // a mesh: what one says is nothing to the others
      if (batch.hasSource(m.sourceId) || batch.hops.has(m.addressKey)) {
        own.push(m);
        continue;
      }
      if (this.settle(m) || together === undefined) {
        announced ??= this.packAnnounced();
        withdrawn = this.packWithdrawn();
        together = joined(withdrawn, announced);
      }
      m.deliver(together);
    }
    for (const m of own) {
      this.pick(m);
      this.settle(m);
      m.deliver(joined(this.packWithdrawn(), this.packAnnounced()));
    }
  }

  /** Which entries are sent: to everyone, or to this member. */
  private pick(m: OutMember | undefined): void {
    const { batch, maxPaths, picked } = this;
    this.picksAll = maxPaths === 0 && m === undefined && batch.sendsAll;
    if (this.picksAll) return;
    const run = batch.run.at;
    const sent = batch.sent.at;
    if (batch.count > picked.at.length) picked.reach(batch.count);
    const { at } = picked;
    let route = NONE;
    let left = 0;
    for (let i = 0; i < batch.count; i++) {
      const r = run[i]!;
      let sends = r !== NONE && sent[r] === 1 && !(m !== undefined && this.isOwn(i, r, m));
      if (maxPaths > 0) {
        if (batch.route.at[i] !== route) {
          route = batch.route.at[i]!;
          left = maxPaths;
        }
        if (sends) sends = left-- > 0;
      }
      at[i] = sends ? 1 : 0;
    }
  }

  /** The route was learned from the member, or leads to it. RFC 4271 9.1.3, 5.1.3 */
  private isOwn(entry: number, run: number, m: OutMember): boolean {
    const { batch } = this;
    if (batch.source.at[entry] === m.sourceId) return true;
    if (batch.hopKeys[run] !== m.addressKey) return false;
    return m.address.length === 4 || sameOctets(batch.arena.bytes, batch.at.at[run]!, m.address, 16);
  }

  /** Notes what the member has after this batch, and what it is to forget. Answers whether that is something else than what the
   *  member before had to forget. */
  private settle(m: OutMember): boolean {
    const { batch } = this;
    const route = batch.route.at;
    const picked = this.picked.at;
    const before = this.gone;
    if (m.paths === undefined && batch.unsent === batch.count) return this.forgetAll(m, before);
    this.gone = 0;
    this.differs = false;
    if (m.paths !== undefined) this.settlePaths(m);
    else if (this.picksAll) m.routes.addAll(route, batch.count);
    else
      for (let i = 0; i < batch.count; i++) {
        if (picked[i] === 1) m.routes.add(route[i]!);
        else if (m.routes.remove(route[i]!)) this.forget(route[i]!, NONE, before);
      }
    return this.differs || this.gone !== before;
  }

  /** settle() where nothing of the batch is sent to anybody. */
  private forgetAll({ routes }: OutMember, before: number): boolean {
    const { batch, goneRoutes: known, goneBefore: into } = this;
    into.reach(batch.count);
    known.reach(batch.count);
    this.gonePaths.reach(batch.count);
    this.gone = routes.removeAll(batch.route.at, batch.count, into.at);
    this.goneRoutes = into;
    this.goneBefore = known;
    if (this.gone !== before) return true;
    for (let i = 0; i < this.gone; i++) if (into.at[i] !== known.at[i]) return true;
    return false;
  }

  private settlePaths({ paths }: OutMember): void {
    const { batch } = this;
    if (paths === undefined) return;
    const forget = (route: number, path: number): void => this.forget(route, path, Number.POSITIVE_INFINITY);
    for (let i = 0; i < batch.count; ) {
      const route = batch.route.at[i]!;
      paths.begin();
      for (; i < batch.count && batch.route.at[i] === route; i++) {
        if (this.picked.at[i] !== 1) continue;
        const path = batch.path.at[i]!;
        const from = paths.confirm(route, path);
        if (from !== NONE) forget(from, path);
      }
      paths.end(route, (path) => forget(route, path));
    }
  }

  /** `known`: so many were gone of the member before. */
  private forget(route: number, path: number, known: number): void {
    const i = this.gone++;
    for (const column of [this.goneRoutes, this.gonePaths]) column.reach(i);
    if (i >= known || this.goneRoutes.at[i] !== route || this.gonePaths.at[i] !== path) this.differs = true;
    this.goneRoutes.at[i] = route;
    this.gonePaths.at[i] = path;
  }

  private packWithdrawn(): readonly Uint8Array[] {
    if (this.gone === 0) return [];
    const { writer } = this;
    writer.withdraw();
    for (let i = 0; i < this.gone; i++) {
      if (i % AHEAD === 0) this.table.prefetch(this.goneRoutes.at, i, Math.min(i + AHEAD, this.gone));
      writer.route(this.goneRoutes.at[i]!, this.gonePaths.at[i]!);
    }
    return writer.finish();
  }

  private packAnnounced(): readonly Uint8Array[] {
    const { batch, writer } = this;
    const { order } = batch;
    const picked = this.picked.at;
    const route = batch.route.at;
    const path = batch.path.at;
    let from = 0;
    for (let run = 0; run < batch.runs; run++) {
      const end = batch.end.at[run]!;
      if (batch.sent.at[run] === 1) {
        let begun = false;
        for (let k = from; k < end; k++) {
          const i = order[k]!;
          if (!this.picksAll && picked[i] !== 1) continue;
          if (!begun)
            writer.announce(batch.arena.bytes, batch.at.at[run]!, batch.hopLength.at[run]!, batch.length.at[run]!);
          begun = true;
          if (this.picksAll) {
            writer.routes(route, order, from, end);
            break;
          }
          writer.route(route[i]!, path[i]!);
        }
      }
      from = end;
    }
    return writer.finish();
  }
}
