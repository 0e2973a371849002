/** Faults as the Kubernetes API words them: code, reason, details. Pure. They are StoreErrors, so the in-process adapter
 *  and the REST client throw the same thing; the HTTP side prints `statusBody`. */
import { type JsonObject, type Kind, StoreError, type StoreErrorReason } from '../port.ts';

export interface Cause {
  readonly reason: string;
  readonly message: string;
  readonly field: string;
}

/** API reason -> HTTP code and what our own code decides by. */
const REASONS = {
  BadRequest: { code: 400, reason: 'Invalid' },
  Unauthorized: { code: 401, reason: 'Forbidden' },
  Forbidden: { code: 403, reason: 'Forbidden' },
  NotFound: { code: 404, reason: 'NotFound' },
  MethodNotAllowed: { code: 405, reason: 'Invalid' },
  AlreadyExists: { code: 409, reason: 'AlreadyExists' },
  Conflict: { code: 409, reason: 'Conflict' },
  Expired: { code: 410, reason: 'Gone' },
  Gone: { code: 410, reason: 'Gone' },
  RequestEntityTooLarge: { code: 413, reason: 'Invalid' },
  UnsupportedMediaType: { code: 415, reason: 'Invalid' },
  Invalid: { code: 422, reason: 'Invalid' },
  TooManyRequests: { code: 429, reason: 'Server' },
  InternalError: { code: 500, reason: 'Server' },
} as const satisfies Readonly<Record<string, { code: number; reason: StoreErrorReason }>>;

export type ApiReason = keyof typeof REASONS;

export interface StatusDetails {
  readonly name?: string;
  readonly group?: string;
  readonly kind?: string;
  readonly causes?: readonly Cause[];
}

export class StatusError extends StoreError {
  readonly apiReason: ApiReason;
  readonly details: StatusDetails;

  constructor(apiReason: ApiReason, message: string, details: StatusDetails = {}) {
    super(REASONS[apiReason].reason, message, REASONS[apiReason].code);
    this.apiReason = apiReason;
    this.details = details;
  }
}

/** What a Status body says, as a reason of the port; 409 needs the body's reason, the others are told by the code. */
export function storeReason(code: number, apiReason: string | undefined): StoreErrorReason {
  if (apiReason !== undefined && apiReason in REASONS) return REASONS[apiReason as ApiReason].reason;
  if (code === 409) return 'Conflict';
  return Object.values(REASONS).find((row) => row.code === code)?.reason ?? 'Server';
}

export const statusBody = (fault: StatusError): JsonObject => ({
  kind: 'Status',
  apiVersion: 'v1',
  metadata: {},
  status: 'Failure',
  message: fault.message,
  reason: fault.apiReason,
  details: { ...fault.details } as JsonObject,
  code: fault.status,
});

/** "ippools.crd.projectcalico.org", "nodes": how the API server names a kind in messages. */
export const qualified = (kind: Kind): string => (kind.group === '' ? kind.plural : `${kind.plural}.${kind.group}`);

const detailsOf = (kind: Kind, name: string): StatusDetails => ({ name, group: kind.group, kind: kind.plural });

export const notFound = (kind: Kind, name: string): StatusError =>
  new StatusError('NotFound', `${qualified(kind)} "${name}" not found`, detailsOf(kind, name));

export const alreadyExists = (kind: Kind, name: string): StatusError =>
  new StatusError('AlreadyExists', `${qualified(kind)} "${name}" already exists`, detailsOf(kind, name));

export const conflict = (kind: Kind, name: string, why: string): StatusError =>
  new StatusError(
    'Conflict',
    `Operation cannot be fulfilled on ${qualified(kind)} "${name}": ${why}`,
    detailsOf(kind, name),
  );

export const badRequest = (message: string): StatusError => new StatusError('BadRequest', message);

const SHOWN_CAUSES = 20;

export function invalid(kind: Kind, name: string, causes: readonly Cause[]): StatusError {
  const shown = causes.slice(0, SHOWN_CAUSES);
  const text = shown.map((c) => `${c.field}: ${c.message}`);
  const all = text.length === 1 ? text[0] : `[${text.join(', ')}${causes.length > SHOWN_CAUSES ? ', …' : ''}]`;
  const subject = kind.group === '' ? kind.kind : `${kind.kind}.${kind.group}`;
  return new StatusError('Invalid', `${subject} "${name}" is invalid: ${all}`, {
    name,
    group: kind.group,
    kind: kind.kind,
    causes: shown,
  });
}
