import { type FailureCode, isLatchkeyError } from '../errors.js'
import type { TenantRecord, TenantStore } from '../secrets/ports.js'
import type { Sealers } from './rewrap.js'

/** The result of decrypting every stored secret and all grants. */
export interface SealedCheck {
  /** Number of values that can be decrypted. */
  readonly opened: number
  /** Number of values that cannot be decrypted, by the code with which their tokens are refused. */
  readonly failed: Readonly<Partial<Record<FailureCode, number>>>
  /** Number of these values under each master key, by its ID. */
  readonly masterKeys: Readonly<Record<string, number>>
}

const stepSize = 500
const endOfTime = Number.MAX_SAFE_INTEGER

/** Decrypts the secrets of every tenant that can sign and the grants of every tenant (C7). */
export async function checkSealed(
  store: Pick<TenantStore, 'readDue' | 'readGranted' | 'readTenants'>,
  { secrets: sealer, grants: grantsSealer }: Sealers,
): Promise<SealedCheck> {
  const failed: Partial<Record<FailureCode, number>> = {}
  const masterKeys: Record<string, number> = {}
  let opened = 0
  const check = (masterKeyId: string, open: () => unknown) => {
    masterKeys[masterKeyId] = (masterKeys[masterKeyId] ?? 0) + 1
    const code = failureOf(open)
    if (code === undefined) opened += 1
    else failed[code] = (failed[code] ?? 0) + 1
  }
  for await (const { tenant, secrets } of tenantsOf(store, (after) => store.readDue(endOfTime, after, stepSize))) {
    for (const secret of secrets) check(secret.masterKeyId, () => sealer.open(tenant, secret).fill(0))
  }
  for await (const record of tenantsOf(store, (after) => store.readGranted(after, stepSize))) {
    const { grants } = record
    if (grants !== null) check(grants.masterKeyId, () => grantsSealer.open(record, grants))
  }
  return { opened, failed, masterKeys }
}

/** Reads the tenants that `next` lists, in batches. */
async function* tenantsOf(
  store: Pick<TenantStore, 'readTenants'>,
  next: (after: string) => Promise<readonly string[]>,
): AsyncGenerator<TenantRecord> {
  for (let tenants = await next(''); tenants.length > 0; tenants = await next(tenants.at(-1) ?? '')) {
    yield* (await store.readTenants(tenants)).values()
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
