/** Why a CNI request failed, with the specification's code. Pure. */
import { CNI_CODE, type CniErrorBody } from './protocol.ts';

export interface CniFault {
  readonly code: number;
  readonly msg: string;
  readonly details?: string;
}

export class CniError extends Error {
  override readonly name = 'CniError';
  readonly fault: CniFault;

  constructor(code: number, msg: string, details?: string) {
    super(msg);
    this.fault = { code, msg, ...(details === undefined ? {} : { details }) };
  }
}

export const toErrorBody = (cniVersion: string, fault: CniFault): CniErrorBody => ({ cniVersion, ...fault });

/** Errors of ipam and kernel carry a Reason; what has none is ours. */
export function toFault(error: unknown, code: number = CNI_CODE.internal): CniFault {
  if (error instanceof CniError) return error.fault;
  if (!(error instanceof Error)) return { code, msg: String(error) };
  const { reason, transient } = error as { reason?: unknown; transient?: unknown };
  const details =
    typeof reason === 'object' && reason !== null && 'code' in reason && typeof reason.code === 'string'
      ? reason.code
      : undefined;
  return {
    code: transient === true ? CNI_CODE.tryAgainLater : code,
    msg: error.message,
    ...(details === undefined ? {} : { details }),
  };
}
