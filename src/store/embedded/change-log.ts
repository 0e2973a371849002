/** The last changes, for watches to resume from and for consistent pages. Pure. Bounded by count and by bytes; a watcher
 *  keeps a cursor and reads at its own speed, so a slow one costs nothing and in the end is told 410 instead of filling memory. */

export interface Change {
  /** Every commit is one more than the last, so the log's index is revision minus the first one's. */
  readonly revision: number;
  /** Key in the key-value store. */
  readonly key: string;
  /** JSON text of the object after and before; no `to`: deleted (then `last` is the object with the deletion's revision). */
  readonly from?: string;
  readonly to?: string;
  readonly last?: string;
}

export class ChangeLog {
  private changes: Change[] = [];
  private bytes = 0;
  /** Changes after this revision are in the log. */
  private floor: number;
  private readonly most: number;
  private readonly mostBytes: number;

  constructor(revision: number, most: number, mostBytes: number) {
    this.floor = revision;
    this.most = most;
    this.mostBytes = mostBytes;
  }

  append(change: Change): void {
    this.changes.push(change);
    this.bytes += sizeOf(change);
    if (this.changes.length <= this.most && this.bytes <= this.mostBytes) return;
    // Cut an eighth at once: shifting one by one would move the array on every write.
    const keep = this.changes.length - Math.max(1, this.most >>> 3);
    const gone = this.changes.length - Math.max(0, keep);
    let cut = 0;
    while (cut < this.changes.length && (cut < gone || this.bytes > this.mostBytes)) {
      const old = this.changes[cut++] as Change;
      this.bytes -= sizeOf(old);
      this.floor = old.revision;
    }
    this.changes = this.changes.slice(cut);
  }

  /** Oldest revision a watch may start from. */
  oldest(): number {
    return this.floor;
  }

  /** Changes after `revision`, oldest first; undefined when the log no longer reaches back so far. */
  after(revision: number): readonly Change[] | undefined {
    if (revision < this.floor) return undefined;
    return revision === this.floor ? this.changes : this.changes.slice(revision - this.floor);
  }
}

const sizeOf = (c: Change): number => 200 + (c.from?.length ?? 0) + (c.to?.length ?? 0) + (c.last?.length ?? 0);
