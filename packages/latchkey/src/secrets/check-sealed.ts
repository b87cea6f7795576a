import { type FailureCode, isLatchkeyError } from '../errors.js'
import type { TenantStore } from './ports.js'
import type { SecretSealer } from './secret-sealer.js'

/** What was found by opening every stored secret. */
export interface SealedCheck {
  readonly opened: number
  /** Secrets that do not open, by why; their tenants' tokens are refused with that code. */
  readonly failed: Readonly<Partial<Record<FailureCode, number>>>
  /** How many secrets each master key seals, by its ID. */
  readonly masterKeys: Readonly<Record<string, number>>
}

const stepSize = 500

/** Opens every secret of a tenant that can sign, and keeps none (C7). */
export async function checkSealed(
  store: Pick<TenantStore, 'readDue' | 'readTenants'>,
  sealer: SecretSealer,
): Promise<SealedCheck> {
  const failed: Partial<Record<FailureCode, number>> = {}
  const masterKeys: Record<string, number> = {}
  let opened = 0
  let after = ''
  for (;;) {
    const tenants = await store.readDue(Number.MAX_SAFE_INTEGER, after, stepSize)
    after = tenants.at(-1) ?? after
    if (tenants.length === 0) return { opened, failed, masterKeys }
    for (const { tenant, secrets } of (await store.readTenants(tenants)).values()) {
      for (const secret of secrets) {
        masterKeys[secret.masterKeyId] = (masterKeys[secret.masterKeyId] ?? 0) + 1
        const code = failureOf(() => sealer.open(tenant, secret).fill(0))
        if (code === undefined) opened += 1
        else failed[code] = (failed[code] ?? 0) + 1
      }
    }
  }
}

function failureOf(open: () => unknown): FailureCode | undefined {
  try {
    open()
    return undefined
  } catch (error) {
    if (isLatchkeyError(error)) return error.code
    throw error
  }
}
