/** Moved: model/policy.ts. Pure. */
export * from '../model/policy.ts';
