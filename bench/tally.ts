/** Takes what was read and makes a number of it, so that nothing of the work can be left out. */
export class PrefixTally {
  prefixes = 0;
  digest = 0;

  reset(): void {
    this.prefixes = 0;
  }
  readonly take = (address: number, length: number): void => {
    this.prefixes++;
    this.digest = (this.digest + address + length) | 0;
  };
  set(id: number): void {
    this.digest = (this.digest ^ id) | 0;
  }
  objects(n: number): void {
    this.prefixes += n;
  }
}
