/** The cluster identifiers that are ours: a reflected path with one of them in CLUSTER_LIST has been here, whichever session it left
 *  by. RFC 4456 7, 8. The BGP identifier is always one, because a reflector that nobody gave another uses it, and so may we have
 *  before our configuration changed. */
export class ClusterIds {
  private readonly always: readonly number[];
  private ids: ReadonlySet<number>;

  constructor(bgpIdentifier: number, configured?: number) {
    this.always = configured === undefined ? [bgpIdentifier] : [configured, bgpIdentifier];
    this.ids = new Set(this.always);
  }

  has(id: number): boolean {
    return this.ids.has(id);
  }

  /** Those of single sessions, instead of those before: true when a path may now be judged otherwise. */
  setOthers(others: Iterable<number>): boolean {
    const now = new Set([...this.always, ...others]);
    const same = now.size === this.ids.size && [...now].every((id) => this.ids.has(id));
    this.ids = now;
    return !same;
  }
}
