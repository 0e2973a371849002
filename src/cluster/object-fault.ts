/** What is wrong with a field of a Calico object, for people: field, value and remedy in one sentence. Pure. */

export const shown = (value: unknown): string =>
  value === undefined ? 'missing' : `${JSON.stringify(value)}`.slice(0, 80);

/** Thrown where a rule or an entry is read, and caught by whoever goes on with the others. */
export class ObjectFault {
  readonly text: string;
  constructor(field: string, value: unknown, remedy: string) {
    this.text = `${field} is ${shown(value)}. ${remedy}`;
  }
}
