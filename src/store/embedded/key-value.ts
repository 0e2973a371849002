/** What the engine asks of a place to keep text. Pure: types. In memory for tests, on disk by lmdb: one contract suite
 *  runs on both. Everything but `flushed` is synchronous, so an engine operation is atomic by being one turn of the loop. */

export interface Write {
  readonly key: string;
  /** Absent: the key is removed. */
  readonly value?: string;
}

export interface KeyValue {
  get(key: string): string | undefined;
  /** Pairs whose key starts with `prefix`, in order of key; with `after`, only keys greater than it. */
  range(prefix: string, after?: string): Iterable<{ readonly key: string; readonly value: string }>;
  /** All or nothing, visible to the next get. With `fence`, nothing is written and false answered unless that key still
   *  holds that value: a second process on the same files is noticed before it does harm. */
  commit(writes: readonly Write[], fence?: { readonly key: string; readonly value: string | undefined }): boolean;
  /** Resolves when everything committed so far would survive a power cut. */
  flushed(): Promise<void>;
  close(): Promise<void>;
}
