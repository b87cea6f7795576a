import { LatchkeyError } from '../errors.js'

const maxLength = 255

/**
 * Throws `tenant_invalid` unless the ID is a well-formed string of 1 to 255 UTF-16 code units
 * without NUL, which every store can hold.
 */
export function checkTenantId(tenant: string): void {
  const usable =
    typeof tenant === 'string' &&
    tenant.length > 0 &&
    tenant.length <= maxLength &&
    !tenant.includes('\0') &&
    tenant.isWellFormed()
  if (!usable) throw new LatchkeyError('tenant_invalid')
}
