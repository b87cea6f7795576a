import { signal } from '@preact/signals'

/** The refusals after which the account that is signed in must be looked at again. */
const codes = ['admin_required', 'second_factor_required_for_admin'] as const

/** The code of a refusal that concerns all pages, not one request. */
export type RefusedAccess = (typeof codes)[number]

/** The last such refusal; `undefined`: none since the account was read. */
export const refusedAccess = signal<RefusedAccess | undefined>(undefined)

/** Records the code of a refusal, if it concerns all pages. */
export function recordRefusal(code: string): void {
  refusedAccess.value = codes.find((known) => known === code) ?? refusedAccess.value
}
