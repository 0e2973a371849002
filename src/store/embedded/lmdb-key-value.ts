/** KeyValue on disk by lmdb. I/O. A commit is one synchronous transaction: visible and safe from kill -9 when it returns;
 *  `flushed` waits for the disk, and many commits share one flush. */
import { open, type RootDatabase } from 'lmdb';
import type { KeyValue, Write } from './key-value.ts';

/** Larger than any character of a key: the end of a prefix. */
const AFTER_ALL = '\uffff';

class LmdbKeyValue implements KeyValue {
  private readonly db: RootDatabase<string, string>;

  constructor(db: RootDatabase<string, string>) {
    this.db = db;
  }

  get(key: string): string | undefined {
    return this.db.get(key);
  }

  *range(prefix: string, after = ''): Iterable<{ readonly key: string; readonly value: string }> {
    const start = after > prefix ? after : prefix;
    for (const { key, value } of this.db.getRange({ start, end: prefix + AFTER_ALL }))
      if (key !== after) yield { key, value };
  }

  commit(writes: readonly Write[], fence?: { readonly key: string; readonly value: string | undefined }): boolean {
    return this.db.transactionSync(() => {
      if (fence !== undefined && this.db.get(fence.key) !== fence.value) return false;
      for (const { key, value } of writes) {
        if (value === undefined) this.db.removeSync(key);
        else this.db.putSync(key, value);
      }
      return true;
    });
  }

  async flushed(): Promise<void> {
    await this.db.flushed;
  }

  async close(): Promise<void> {
    await this.db.flushed;
    await this.db.close();
  }
}

/** `folder` is made if absent. */
export function openLmdb(folder: string): KeyValue {
  return new LmdbKeyValue(open<string, string>({ path: folder, noSubdir: false, encoding: 'string', maxDbs: 1 }));
}
