/** What a row of the attribute table is made of, and the few things that many rows share. Pure. */
import type { Reader, Writer } from '../../base/bytes.ts';
import type { Ipv4 } from '../../base/ipv4.ts';
import { err, ok, type Result } from '../../base/result.ts';
import type { AttributeParams } from './attribute-params.ts';
import type { AsSegment, PathAttributes } from './attribute-types.ts';
import { type FaultAction, LENGTH_ERROR } from './faults.ts';

export const FLAG_OPTIONAL = 0x80;
export const FLAG_TRANSITIVE = 0x40;
export const FLAG_PARTIAL = 0x20;
export const FLAG_EXTENDED = 0x10;

/** What a block decodes to before the 4-octet parts are merged in. */
export interface DecodedBlock extends PathAttributes {
  readonly as4Path?: readonly AsSegment[];
  readonly as4Aggregator?: { readonly asn: number; readonly address: Ipv4 };
}
export type Key = Exclude<keyof DecodedBlock, 'unknown' | 'partial'>;
export type Value<K extends Key> = NonNullable<DecodedBlock[K]>;

/** A malformed value. Without more it costs what the row says, under the row's subcode. */
export interface RowFault {
  readonly text: string;
  readonly subcode?: number;
  readonly action?: FaultAction;
}

export interface AttributeRow<K extends Key = Key> {
  readonly type: number;
  readonly name: string;
  readonly key: K | undefined;
  /** Optional and Transitive. */
  readonly flags: number;
  /** A malformed value. RFC 7606 7 */
  readonly onFault: FaultAction;
  /** Optional or Transitive are not as in `flags`; withdraw unless its RFC says otherwise. RFC 7606 3 c */
  readonly onFlags?: FaultAction;
  /** A malformed value that is not one of length. RFC 4271 6.3 */
  readonly subcode: number;
  /** Why such a peer must not send it: then it is dropped unread, right or wrong. */
  readonly refuse?: (params: AttributeParams) => string | undefined;
  /** What is refused is not even a fault. */
  readonly quietly?: true;
  /** A second one ends the session; elsewhere the first counts. RFC 7606 3 g */
  readonly duplicate?: 'reset';
  /** Bytes left over are the walk's to find. Ok and undefined: there is nothing to remember. */
  readonly decode: (r: Reader, params: AttributeParams) => Result<Value<K> | undefined, RowFault>;
  /** Undefined: nothing is to be written for these attributes to such a peer. */
  readonly toWire: (attributes: PathAttributes, fourOctetAs: boolean) => Value<K> | undefined;
  readonly encode: (w: Writer, value: Value<K>, fourOctetAs: boolean) => void;
}

export const row = <K extends Key>(r: AttributeRow<K>): AttributeRow => r as unknown as AttributeRow;

export const fault = (text: string): Result<never, RowFault> => err({ text });
export const wrongLength = (r: Reader, wanted: string): Result<never, RowFault> =>
  err({ text: `length ${r.left}, not ${wanted}`, subcode: LENGTH_ERROR });

export const readU32 = (r: Reader): Result<number, RowFault> => (r.left === 4 ? ok(r.u32()) : wrongLength(r, '4'));

/** The number of whole elements of `size` octets, at least one. */
export const countOf = (r: Reader, size: number): Result<number, RowFault> =>
  r.left === 0 || r.left % size !== 0 ? wrongLength(r, `a multiple of ${size} above 0`) : ok(r.left / size);

/** A list of elements of `size` octets: at least one. */
export function readList<T>(r: Reader, size: number, element: (r: Reader) => T): Result<readonly T[], RowFault> {
  const count = countOf(r, size);
  if (!count.ok) return count;
  const list: T[] = [];
  for (let i = 0; i < count.value; i++) list.push(element(r));
  return ok(list);
}
