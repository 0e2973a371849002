/** KeyValue in memory. Pure. Keys stand sorted in one array, because lists are more frequent than creations. */
import type { KeyValue, Write } from './key-value.ts';

export class MemoryKeyValue implements KeyValue {
  private readonly values = new Map<string, string>();
  private readonly keys: string[] = [];

  get(key: string): string | undefined {
    return this.values.get(key);
  }

  *range(prefix: string, after = ''): Iterable<{ readonly key: string; readonly value: string }> {
    let at = this.position(after > prefix ? after : prefix);
    if (this.keys[at] === after) at++;
    for (; at < this.keys.length; at++) {
      const key = this.keys[at] as string;
      if (!key.startsWith(prefix)) return;
      yield { key, value: this.values.get(key) as string };
    }
  }

  commit(writes: readonly Write[], fence?: { readonly key: string; readonly value: string | undefined }): boolean {
    if (fence !== undefined && this.values.get(fence.key) !== fence.value) return false;
    for (const { key, value } of writes) {
      const at = this.position(key);
      const present = this.keys[at] === key;
      if (value === undefined) {
        if (present) this.keys.splice(at, 1);
        this.values.delete(key);
      } else {
        if (!present) this.keys.splice(at, 0, key);
        this.values.set(key, value);
      }
    }
    return true;
  }

  flushed(): Promise<void> {
    return Promise.resolve();
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  /** Index of the first key that is not smaller. */
  private position(key: string): number {
    let low = 0;
    let high = this.keys.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.keys[middle] as string) < key) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
