import type { Value, Variables } from '../domain/recipient.js';

/** Variables of a template that fanmail itself gives: no column has to, and none can. */
export const OWN_VARIABLES = ['unsubscribeUrl'] as const;
export type OwnVariable = (typeof OWN_VARIABLES)[number];

export function isOwnVariable(name: string): name is OwnVariable {
  return OWN_VARIABLES.some((own) => own === name);
}

/** A row's variables and fanmail's own. */
export function withOwn(variables: Variables, own: Readonly<Partial<Record<OwnVariable, Value>>>): Variables {
  return Object.assign(Object.create(null), variables, own);
}
