/** "Why not?" as data. Pure: types. A code is stable and greppable; the text is for people and may change. */
export interface Reason {
  /** UPPER_SNAKE_CASE, for instance FOREIGN_ROUTE_IN_THE_WAY. */
  readonly code: string;
  readonly text: string;
}
