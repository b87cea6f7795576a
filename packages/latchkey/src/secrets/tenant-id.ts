import { LatchkeyError } from '../errors.js'

const maxLength = 255

/** Throws `tenant_invalid` unless `tenant` is 1 to 255 UTF-16 units of well-formed text without NUL: what every store can hold as it is. */
export function checkTenantId(tenant: string): void {
  const usable =
    typeof tenant === 'string' &&
    tenant.length > 0 &&
    tenant.length <= maxLength &&
    !tenant.includes('\0') &&
    tenant.isWellFormed()
  if (!usable) throw new LatchkeyError('tenant_invalid')
}
