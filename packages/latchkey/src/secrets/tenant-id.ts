import { LatchkeyError } from '../errors.js'

const maxLength = 255

/** Throws `tenant_invalid` for an ID that not every store can hold. */
export function checkTenantId(tenant: string): void {
  if (!isTenantId(tenant)) throw new LatchkeyError('tenant_invalid')
}

/**
 * Returns whether the ID is a well-formed string of 1 to 255 UTF-16 code units without NUL, which
 * every store can hold.
 */
export function isTenantId(tenant: string): boolean {
  return (
    typeof tenant === 'string' &&
    tenant.length > 0 &&
    tenant.length <= maxLength &&
    !tenant.includes('\0') &&
    tenant.isWellFormed()
  )
}
