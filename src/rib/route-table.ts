/** Prefixes, their paths, attribute sets and sources: the state that Adj-RIB-In, decision and views share. Pure, hot.
 *  By route: first path, best path, what was last told to the feeds (set and source), and whether it waits to be decided. */
import { Int32Column, Uint8Column } from '../base/columns.ts';
import { PrefixTable } from '../base/prefix-table.ts';
import { AttributeTable } from './attribute-table.ts';
import { ChangeList } from './change-list.ts';
import { ImportContexts, type OurSelf } from './import.ts';
import { PathTable } from './path-table.ts';
import { LOCAL, Source, type SourceSpec } from './source.ts';

const NONE = -1;

export class RouteTable {
  readonly us: OurSelf;
  readonly prefixes = new PrefixTable();
  readonly paths = new PathTable();
  readonly sets: AttributeTable;
  readonly contexts = new ImportContexts();
  readonly changes = new ChangeList();
  /** By source id; ids are given out again. Source 0 is this node. */
  readonly sources: (Source | undefined)[] = [];
  readonly local: Source;

  readonly first = new Int32Column(NONE);
  readonly best = new Int32Column(NONE);
  /** The used set last told, with a reference of its own: it may outlive its path. -1: nothing told, or withdrawn. */
  readonly toldSet = new Int32Column(NONE);
  readonly toldSource = new Int32Column(NONE);
  private readonly dirty = new Uint8Column();
  private queue = new Int32Array(1024);
  private queueHead = 0;
  private queueTail = 0;
  /** How many were ever marked: routes leave the queue in order, so "decided >= marked then" means "all of then are done". */
  marked = 0;
  decided = 0;
  /** Sources whose routes may still be told somewhere. */
  private readonly retired: Source[] = [];
  private readonly onDirty: () => void;

  constructor(us: OurSelf, onDirty: () => void) {
    this.us = us;
    this.sets = new AttributeTable(us);
    this.onDirty = onDirty;
    this.local = new Source(0, LOCAL);
    this.sources.push(this.local);
  }

  addSource(spec: SourceSpec): Source {
    let id = 1;
    while (this.sources[id] !== undefined) id++; // peers are few, and come seldom
    const source = new Source(id, spec);
    this.sources[id] = source;
    return source;
  }

  /** Its paths are gone already. The id is free again only when no route is told as from it, which is when nothing waits. */
  retireSource(source: Source): void {
    this.retired.push(source);
    this.freeRetired();
  }

  private freeRetired(): void {
    if (this.waiting > 0) return;
    for (const source of this.retired.splice(0)) this.sources[source.id] = undefined;
  }

  sourceOf(path: number): Source {
    return this.sources[this.paths.source.at[path] as number] as Source;
  }

  isStale(path: number): boolean {
    return (this.paths.epoch.at[path] as number) !== this.sourceOf(path).epoch;
  }

  /** The route of a prefix, made if it is not there. */
  routeFor(address: number, length: number): number {
    const route = this.prefixes.insert(address, length);
    if (route >= this.first.at.length) {
      for (const column of [this.first, this.best, this.toldSet, this.toldSource, this.dirty]) column.reach(route);
    }
    return route;
  }

  /** How many routes wait to be decided. */
  get waiting(): number {
    return this.queueTail - this.queueHead;
  }

  markDirty(route: number): void {
    if (this.dirty.at[route] === 1) return;
    this.dirty.at[route] = 1;
    if (this.queueTail === this.queue.length) this.makeRoom();
    this.queue[this.queueTail++] = route;
    this.marked++;
    this.onDirty();
  }

  /** The next route to decide, or -1. */
  takeDirty(): number {
    if (this.queueHead === this.queueTail) {
      this.queueHead = 0;
      this.queueTail = 0;
      this.freeRetired();
      return NONE;
    }
    const route = this.queue[this.queueHead++] as number;
    this.dirty.at[route] = 0;
    this.decided++;
    return route;
  }

  /** Forgets a route that nothing refers to any more: no path, nothing told, not waiting, in nobody's change list. */
  freeIfUnused(route: number): void {
    if (this.first.at[route] !== NONE || this.toldSet.at[route] !== NONE) return;
    if (this.dirty.at[route] === 1 || this.changes.holds(route)) return;
    this.prefixes.delete(this.prefixes.addressOf(route), this.prefixes.lengthOf(route));
  }

  /** Whether a path with these used attributes can have a say in the route's best path: it is the best, or ranks no lower. A
   *  path that only ties counts too: in the MED step it may keep others out. */
  matters(route: number, path: number, used: number): boolean {
    const best = this.best.at[route] as number;
    if (best === path) return true;
    if (used === NONE) return false;
    if (best === NONE) return true;
    const usedByBest = this.paths.used.at[best] as number;
    return usedByBest === NONE || this.sets.rankOf(used) >= this.sets.rankOf(usedByBest);
  }

  /** Removes a path and its references; the route becomes dirty when the path had a say. */
  removePath(path: number): void {
    const { paths } = this;
    const route = paths.route.at[path] as number;
    const source = this.sourceOf(path);
    const used = paths.used.at[path] as number;
    const mattered = this.matters(route, path, used);
    source.received--;
    if (used === NONE) source.rejected--;
    else this.sets.release(used);
    if (this.isStale(path)) source.stale--;
    this.sets.release(paths.received.at[path] as number);
    if (this.best.at[route] === path) {
      source.used--;
      this.best.at[route] = NONE;
    }
    this.first.at[route] = paths.remove(path, this.first.at[route] as number);
    if (mattered) this.markDirty(route);
    else this.freeIfUnused(route);
  }

  private makeRoom(): void {
    const waiting = this.queue.subarray(this.queueHead, this.queueTail);
    const room = waiting.length * 2 > this.queue.length ? this.queue.length * 2 : this.queue.length;
    const moved = new Int32Array(room);
    moved.set(waiting);
    this.queueTail = waiting.length;
    this.queueHead = 0;
    this.queue = moved;
  }
}
