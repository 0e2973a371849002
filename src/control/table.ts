/** Space-aligned tables without borders, for awk and for eyes. Pure. Nothing is ever truncated; what came from a peer is
 *  shown without its control characters, because a terminal obeys them. */

/** Paints a word; off a terminal it gives the word back. Colour is never the only signal. */
export type Paint = (kind: 'good' | 'bad' | 'warn' | 'faint' | 'strong', text: string) => string;
export const noPaint: Paint = (_kind, text) => text;

export interface Cell {
  readonly text: string;
  readonly kind?: Parameters<Paint>[0];
}

export interface Column<T> {
  /** UPPERCASE, one word. */
  readonly header: string;
  /** Numbers stand at the right. */
  readonly right?: true;
  readonly cell: (row: T) => string | Cell;
}

/** Control, format and line-separating characters become a middle dot. */
export const plain = (text: string): string => text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '·');

export interface TableOptions {
  readonly paint: Paint;
  readonly headers: boolean;
}

/** Lines without trailing blanks; an empty cell in the middle is "-", so that columns can be counted. */
export function formatTable<T>(columns: readonly Column<T>[], rows: readonly T[], options: TableOptions): string[] {
  const body = rows.map((row) =>
    columns.map((c, i): Cell => {
      const made = c.cell(row);
      const cell = typeof made === 'string' ? { text: made } : made;
      const text = plain(cell.text);
      return { ...cell, text: text === '' && i < columns.length - 1 ? '-' : text };
    }),
  );
  const head = columns.map((c): Cell => ({ text: c.header, kind: 'faint' }));
  const all = options.headers ? [head, ...body] : body;
  const widths = columns.map((_, i) => Math.max(0, ...all.map((cells) => cells[i]?.text.length ?? 0)));
  return all.map((cells) => {
    const parts = cells.map((cell, i) => {
      const space = ' '.repeat((widths[i] ?? 0) - cell.text.length);
      const painted = cell.kind === undefined ? cell.text : options.paint(cell.kind, cell.text);
      return columns[i]?.right ? space + painted : painted + (i === cells.length - 1 ? '' : space);
    });
    // Only the last column can be empty: then the padding before it would trail.
    return parts.join('  ').replace(/ +$/, '');
  });
}
