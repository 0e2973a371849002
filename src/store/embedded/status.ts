/** Faults as the Kubernetes API words them: code, reason, details. Pure. They are StoreErrors, so the in-process adapter
 *  and the REST client throw the same thing; the HTTP side prints `statusBody`. */
import { type JsonObject, type Kind, StoreError } from '../port.ts';
import { API_REASONS, type ApiReason } from '../status-reason.ts';

export interface Cause {
  readonly reason: string;
  readonly message: string;
  readonly field: string;
}

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
    super(API_REASONS[apiReason].reason, message, API_REASONS[apiReason].code);
    this.apiReason = apiReason;
    this.details = details;
  }
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
